//! `SECRET_IN_PLAN`: literals that look like secrets, by the scrubber's rules.
//!
//! Keys and values are looked at together (`password: …`), for a generic secret is known by its name alone. The value
//! is never repeated in a message.

use crate::diagnostic::codes;
use crate::diagnostic::collector::{Collector, Report};
use crate::read::tree::{Kind, Node, Place};
use dvt_scrub::{Keywords, Scrubber};

/// Looks at every literal of the document.
pub(crate) fn check(root: &Node<'_>, scrubber: &Scrubber, sink: &mut Collector<'_>) {
    let text = sink.text();
    let search = Search { text, keywords: scrubber.keywords(text), scrubber };
    search.visit(root, None, sink);
}

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
                    let place =
                        crate::document::keys::or(node.place, key.map_or(node.place, |key| key.place));
                    let report = Report::error(
                        codes::SECRET_IN_PLAN,
                        place,
                        format!("a literal looks like a secret ({rule})"),
                    )
                    .label("the value is not repeated here")
                    .why("a plan is stored, shown and compared; whoever reads it could use the secret");
                    sink.add(report.fix("revoke it, since it stood in a file, and let the program read a new one from its own store"));
                }
            }
            Kind::List(items) => items.iter().for_each(|item| self.visit(item, key, sink)),
            Kind::Map(entries) => {
                for entry in entries {
                    let is_telling = self.may_hold(entry.key, entry.place);
                    let key = Key { text: entry.key, place: entry.place, is_telling };
                    if is_telling && let Some(finding) = self.scrubber.find(entry.key).first() {
                        let message = format!("a key looks like a secret ({})", finding.rule);
                        sink.add(Report::error(codes::SECRET_IN_PLAN, entry.place, message));
                    }
                    self.visit(&entry.value, Some(key), sink);
                }
            }
            Kind::Null | Kind::Bool(_) | Kind::Number(_) => {}
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
        // `${{ … }}` is no literal: what it stands for is not known here.
        let key = key.filter(|key| is_telling || key.is_telling)?;
        if text.contains(crate::template::OPEN) || text.is_empty() || text.len() > 4_096 {
            return None;
        }
        let assigned = format!("{}=\"{}\"", key.text, text.replace(['"', '\n'], " "));
        self.scrubber.find(&assigned).first().map(|finding| finding.rule)
    }
}
