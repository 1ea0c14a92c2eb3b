//! `matches`: regular expressions that run in linear time, as RE2 reads them.
//!
//! The price of a match is the length of the text times the size of the compiled pattern, taken from the budget before
//! it runs; a pattern beyond the largest size is refused. `\d`, `\w`, `\s` and `\b` are ASCII, as in RE2.

use crate::expression::Fault;
use crate::expression::budget::Budget;
use crate::expression::value::Value;
use regex::{Regex, RegexBuilder};
use std::collections::BTreeMap;
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
    let translated = translate(pattern);
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

/// RE2's ASCII classes in a syntax whose own classes are Unicode; they nest within brackets.
fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut characters = pattern.chars();
    let mut in_class = false;
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('d') => out.push_str("[0-9]"),
                Some('D') => out.push_str("[^0-9]"),
                Some('w') => out.push_str("[0-9A-Za-z_]"),
                Some('W') => out.push_str("[^0-9A-Za-z_]"),
                Some('s') => out.push_str("[\\t\\n\\x0C\\r ]"),
                Some('S') => out.push_str("[^\\t\\n\\x0C\\r ]"),
                Some('b') if !in_class => out.push_str("(?-u:\\b)"),
                Some(other) => out.extend(['\\', other]),
                None => out.push('\\'),
            },
            '[' if in_class => out.push_str(if characters.as_str().starts_with(':') { "[" } else { "\\[" }),
            '[' => {
                in_class = true;
                out.push('[');
                // A bracket that closes at once is a member, as in `[]a]` and `[^]a]`.
                if let Some(rest) = characters.as_str().strip_prefix('^') {
                    out.push('^');
                    characters = rest.chars();
                }
                if let Some(rest) = characters.as_str().strip_prefix(']') {
                    out.push_str("\\]");
                    characters = rest.chars();
                }
            }
            // `[[:alpha:]]` ends twice; its own end is the one after the colon.
            ']' if in_class && out.ends_with(':') && out.contains("[:") => out.push(']'),
            ']' => {
                in_class = false;
                out.push(']');
            }
            '&' | '~' if in_class => out.extend(['\\', character]),
            other => out.push(other),
        }
    }
    out
}
