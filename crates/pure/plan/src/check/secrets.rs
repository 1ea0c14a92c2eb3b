//! `SECRET_IN_PLAN`: literals that look like secrets, by the scrubber's rules.
//!
//! Keys and values are looked at together (`password: …`), for a generic secret is known by its name alone. The value
//! is never repeated in a message.

use crate::diagnostic::codes;
use crate::diagnostic::collector::{Collector, Report};
use crate::expression::parse;
use crate::read::tree::{Kind, Node, Place};
use crate::template::{OPEN, Part, split};
use dvt_scrub::{Keywords, Scrubber};

/// Looks at every literal of the document.
pub(crate) fn check(root: &Node<'_>, scrubber: &Scrubber, sink: &mut Collector<'_>) {
    let text = sink.text();
    let search = Search { text, keywords: scrubber.keywords(text), scrubber };
    search.visit(root, None, sink);
}

/// Longer texts are not asked together with their key.
const LONGEST: usize = 4_096;

/// A key whose value is looked at.
#[derive(Clone, Copy)]
struct Key<'n> {
    text: &'n str,
    place: Place,
    /// Whether a keyword of a rule may stand in it.
    is_telling: bool,
}

struct Search<'s> {
    text: &'s str,
    keywords: Option<Keywords>,
    scrubber: &'s Scrubber,
}

impl Search<'_> {
    fn visit(&self, node: &Node<'_>, key: Option<Key<'_>>, sink: &mut Collector<'_>) {
        match &node.kind {
            Kind::Text(text) => {
                if let Some(rule) = self.of_value(text, node.place, key) {
                    tell(rule, node, key, sink);
                }
            }
            // A number is a secret by its name alone.
            Kind::Number(number) => {
                if let Some(rule) =
                    key.filter(|key| key.is_telling).and_then(|key| self.of_key(key, &number.to_string()))
                {
                    tell(rule, node, key, sink);
                }
            }
            Kind::List(items) => {
                let mut before: Option<&Node<'_>> = None;
                for item in items {
                    // `--password` names the word behind it.
                    let option = before.and_then(|before| self.option(before)).filter(|_| !is_option(item));
                    self.visit(item, option.or(key), sink);
                    before = Some(item);
                }
            }
            Kind::Map(entries) => {
                for entry in entries {
                    let is_telling = self.may_hold(entry.key, entry.place);
                    let own = Key { text: entry.key, place: entry.place, is_telling };
                    // What an input is by default, or always, has the input's name.
                    let is_of_owner =
                        matches!(entry.key, "default" | "const" | "enum" | "example" | "examples");
                    let key = key.filter(|_| is_of_owner).unwrap_or(own);
                    if is_telling && let Some(finding) = self.scrubber.find(entry.key).first() {
                        let message = format!("a key looks like a secret ({})", finding.rule);
                        sink.add(Report::error(codes::SECRET_IN_PLAN, entry.place, message));
                    }
                    self.visit(&entry.value, Some(key), sink);
                }
            }
            Kind::Null | Kind::Bool(_) => {}
        }
    }

    /// Whether a keyword of a rule may stand in a text of the document. Nearly none holds one, and the keywords of the whole file
    /// were found in one pass: only a text that does not stand in the file as it is (escapes, folded lines, aliases) is asked by
    /// itself.
    fn may_hold(&self, text: &str, place: Place) -> bool {
        let Some(keywords) = &self.keywords else { return true };
        let range = place.start as usize..place.end as usize;
        // Behind a quote or at once; what follows it in its place does not matter. Nearly every text is that part of the file
        // itself, which its address tells without reading either.
        let from = text.as_ptr().addr().checked_sub(self.text.as_ptr().addr());
        let is_part = from.is_some_and(|from| {
            (from == range.start || from == range.start + 1) && from + text.len() <= self.text.len()
        });
        let as_it_is = || {
            let raw = self.text.get(range.clone()).unwrap_or_default();
            raw.starts_with(text) || raw.get(1..).is_some_and(|rest| rest.starts_with(text))
        };
        !(is_part || as_it_is()) || keywords.within(range)
    }

    /// The rule that a value breaks, by itself or together with its key. A keyword does not reach from one into the other, for
    /// `="` stands between them.
    fn of_value(&self, text: &str, place: Place, key: Option<Key<'_>>) -> Option<&'static str> {
        let is_telling = self.may_hold(text, place);
        if is_telling && let Some(finding) = self.scrubber.find(text).first() {
            return Some(finding.rule);
        }
        if text.contains(OPEN) {
            return self.beside_expressions(text, key);
        }
        self.of_key(key.filter(|key| is_telling || key.is_telling)?, text)
    }

    /// The rule that a value breaks by its key.
    fn of_key(&self, key: Key<'_>, text: &str) -> Option<&'static str> {
        if text.is_empty() || text.len() > LONGEST {
            return None;
        }
        let assigned = format!("{}=\"{}\"", key.text, text.replace(['"', '\n'], " "));
        self.scrubber.find(&assigned).first().map(|finding| finding.rule)
    }

    /// What an expression stands for is not known here, but the literals beside it and in it are, and what they are together.
    fn beside_expressions(&self, text: &str, key: Option<Key<'_>>) -> Option<&'static str> {
        let (mut whole, mut own, mut beside) = (String::new(), Vec::new(), Vec::new());
        let mut is_known = true;
        for part in split(text).ok()? {
            match part {
                Part::Text(range) => {
                    let text = text.get(range)?;
                    whole.push_str(text);
                    beside.push(text);
                }
                Part::Expression(range) => {
                    let source = text.get(range)?;
                    // Most hold no literal.
                    if !source.contains(['\'', '"']) {
                        is_known = false;
                        continue;
                    }
                    let Ok(expression) = parse(source) else { continue };
                    is_known &= expression.is_constant();
                    for literal in expression.literals() {
                        whole.push_str(literal);
                        own.push(literal.to_owned());
                    }
                }
            }
        }
        if whole.is_empty() || whole.len() > LONGEST {
            return None;
        }
        if !own.is_empty()
            && let Some(finding) = self.scrubber.find(&whole).first()
        {
            return Some(finding.rule);
        }
        let key = key.filter(|key| key.is_telling)?;
        let by_key = |text: &str| self.of_key(key, text);
        // Beside what is not known a few letters are no secret; a part of one has letters and digits.
        let is_part = |text: &&&str| {
            text.len() >= 8
                && text.bytes().any(|byte| byte.is_ascii_digit())
                && text.bytes().any(|byte| byte.is_ascii_alphabetic())
        };
        let together = is_known.then(|| by_key(&whole)).flatten();
        together
            .or_else(|| own.iter().find_map(|literal| by_key(literal)))
            .or_else(|| beside.iter().filter(is_part).find_map(|text| by_key(text)))
    }

    /// A word such as `--password`, as the key of the word behind it.
    fn option<'n>(&self, node: &'n Node<'_>) -> Option<Key<'n>> {
        let text = node.as_text().filter(|_| is_option(node))?;
        let is_telling = !text.contains('=') && self.may_hold(text, node.place);
        is_telling.then_some(Key { text, place: node.place, is_telling })
    }
}

fn is_option(node: &Node<'_>) -> bool {
    node.as_text().is_some_and(|text| text.starts_with('-') && text.len() > 1)
}

fn tell(rule: &str, node: &Node<'_>, key: Option<Key<'_>>, sink: &mut Collector<'_>) {
    let place = crate::document::keys::or(node.place, key.map_or(node.place, |key| key.place));
    let message = format!("a literal looks like a secret ({rule})");
    let report = Report::error(codes::SECRET_IN_PLAN, place, message)
        .label("the value is not repeated here")
        .why("a plan is stored, shown and compared; whoever reads it could use the secret");
    sink.add(
        report.fix(
            "revoke it, since it stood in a file, and let the program read a new one from its own store",
        ),
    );
}
