//! `matches`: regular expressions that run in linear time, as RE2 reads them.
//!
//! The price of a match is the length of the text times the size of the compiled pattern, taken from the budget before
//! it runs; a pattern beyond the largest size is refused. `\d`, `\w`, `\s` and `\b` are ASCII, as in RE2.

use crate::expression::Fault;
use crate::expression::budget::Budget;
use crate::expression::value::Value;
use regex::{Regex, RegexBuilder};
use std::collections::BTreeMap;
use std::str::Chars;
use std::sync::Arc;

/// Compiled sizes in bytes, and how many steps four bytes of text cost at each.
const SIZES: [(usize, usize); 4] = [(4 << 10, 1), (16 << 10, 4), (64 << 10, 16), (256 << 10, 64)];
/// What compiling costs, in steps, for each size that was tried.
const COMPILE: usize = 200;
/// How deep groups may nest.
const MAX_NESTING: u32 = 50;

/// The patterns that one evaluation has compiled.
#[derive(Default)]
pub(in crate::expression) struct Patterns(BTreeMap<String, (Regex, usize)>);

impl Patterns {
    /// Whether the pattern is found anywhere in the text.
    pub(super) fn matches(
        &mut self,
        text: &Arc<str>,
        pattern: &Arc<str>,
        budget: &mut Budget,
    ) -> Result<Value, Fault> {
        if !self.0.contains_key(&**pattern) {
            budget.look(pattern.len())?;
            let compiled = compile(pattern, budget)?;
            self.0.insert(pattern.to_string(), compiled);
        }
        let Some((regex, weight)) = self.0.get(&**pattern) else {
            return Err(Fault::Failed("the pattern is not compiled".to_owned()));
        };
        budget.spend(text.len().saturating_mul(*weight) / 4)?;
        Ok(Value::Bool(regex.is_match(text)))
    }
}

/// Whether a pattern can be used at all, for the checker.
pub(in crate::expression) fn check(pattern: &str) -> Result<(), Fault> {
    compile(pattern, &mut Budget::new()).map(|_| ())
}

fn compile(pattern: &str, budget: &mut Budget) -> Result<(Regex, usize), Fault> {
    let translated = as_re2(pattern);
    for (size, weight) in SIZES {
        budget.spend(COMPILE)?;
        let built = RegexBuilder::new(&translated)
            .size_limit(size)
            .dfa_size_limit(1 << 20)
            .nest_limit(MAX_NESTING)
            .build();
        match built {
            Ok(regex) => return Ok((regex, weight)),
            Err(regex::Error::CompiledTooBig(_)) => {}
            Err(error) => {
                // The library draws the pattern over several lines; its last line says what is wrong.
                let text = error.to_string();
                let reason = text.lines().last().unwrap_or_default();
                let reason = reason.trim().trim_start_matches("error: ");
                return Err(Fault::Failed(format!("the pattern is not valid: {reason}")));
            }
        }
    }
    Err(Fault::Failed("the pattern is too large".to_owned()))
}

/// A pattern of RE2 in the syntax of our engine: ASCII classes where its own are Unicode, and brackets that it reads as RE2 does.
///
/// Within brackets our engine knows nesting and the operators `&&`, `--` and `~~`; RE2 knows none of them.
pub(crate) fn as_re2(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut rest = pattern.chars();
    while let Some(character) = rest.next() {
        match character {
            '\\' => match rest.next() {
                Some('b') => out.push_str("(?-u:\\b)"),
                Some('B') => out.push_str("(?-u:\\B)"),
                Some(other) => escape(other, &mut out),
                None => out.push('\\'),
            },
            '[' => {
                out.push('[');
                rest = class(rest, &mut out);
            }
            other => out.push(other),
        }
    }
    out
}

/// What stands behind a backslash, at either side of a bracket.
fn escape(letter: char, out: &mut String) {
    match letter {
        'd' => out.push_str("[0-9]"),
        'D' => out.push_str("[^0-9]"),
        'w' => out.push_str("[0-9A-Za-z_]"),
        'W' => out.push_str("[^0-9A-Za-z_]"),
        's' => out.push_str("[\\t\\n\\x0C\\r ]"),
        'S' => out.push_str("[^\\t\\n\\x0C\\r ]"),
        other => out.extend(['\\', other]),
    }
}

/// A class behind its bracket, up to and with the bracket that ends it.
fn class<'p>(mut rest: Chars<'p>, out: &mut String) -> Chars<'p> {
    if let Some(after) = rest.as_str().strip_prefix('^') {
        out.push('^');
        rest = after.chars();
    }
    let mut is_first = true;
    loop {
        // A bracket that closes at once is a member, as in `[]a]` and `[^]a]`.
        if !is_first && let Some(after) = rest.as_str().strip_prefix(']') {
            out.push(']');
            return after.chars();
        }
        is_first = false;
        // `[:alpha:]` is read whole.
        if let Some(after) = rest.as_str().strip_prefix("[:")
            && let Some((name, after)) = after.split_once(":]")
        {
            out.extend(["[:", name, ":]"]);
            rest = after.chars();
            continue;
        }
        let Some(is_set) = member(&mut rest, out) else { return rest };
        // From one member to another, if the dash is not the last one; a set such as `\d` begins no range.
        if !is_set
            && let Some(after) = rest.as_str().strip_prefix('-')
            && !after.is_empty()
            && !after.starts_with(']')
        {
            out.push('-');
            rest = after.chars();
            member(&mut rest, out);
        }
    }
}

/// One member of a class, and whether it is a set; none at the end of the text.
fn member(rest: &mut Chars<'_>, out: &mut String) -> Option<bool> {
    let character = rest.next()?;
    let mut is_set = false;
    match character {
        '\\' => {
            let Some(letter) = rest.next() else {
                out.push('\\');
                return None;
            };
            escape(letter, out);
            is_set = "dDwWsSpP".contains(letter);
            // `\x{2d}` and `\p{Greek}` go on to their brace, `\x2d` by two digits.
            if matches!(letter, 'x' | 'p' | 'P') {
                if let Some((inside, after)) =
                    rest.as_str().strip_prefix('{').and_then(|inside| inside.split_once('}'))
                {
                    out.extend(["{", inside, "}"]);
                    *rest = after.chars();
                } else {
                    let count = if letter == 'x' { 2 } else { 1 };
                    out.extend(rest.by_ref().take(count));
                }
            }
        }
        '[' | ']' | '&' | '~' | '-' | '^' => out.extend(['\\', character]),
        other => out.push(other),
    }
    Some(is_set)
}
