//! `SECRET_IN_PLAN`: literals that look like secrets, by the scrubber's rules.
//!
//! Keys and values are looked at together (`password: …`), for a generic secret is known by its name alone. The value
//! is never repeated in a message.

use crate::diagnostic::codes;
use crate::diagnostic::collector::{Collector, Report};
use crate::read::tree::{Kind, Node, Place};
use dvt_scrub::Scrubber;

/// Looks at every literal of the document.
pub(crate) fn check(root: &Node, scrubber: &Scrubber, sink: &mut Collector<'_>) {
    visit(root, None, root.place, scrubber, sink);
}

fn visit(node: &Node, key: Option<&str>, key_place: Place, scrubber: &Scrubber, sink: &mut Collector<'_>) {
    match &node.kind {
        Kind::Text(text) => {
            if let Some(rule) = rule_of(text, key, scrubber) {
                let place = crate::document::keys::or(node.place, key_place);
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
        Kind::List(items) => items.iter().for_each(|item| visit(item, key, key_place, scrubber, sink)),
        Kind::Map(entries) => {
            for entry in entries {
                if let Some(rule) = rule_of(&entry.key, None, scrubber) {
                    let message = format!("a key looks like a secret ({rule})");
                    sink.add(Report::error(codes::SECRET_IN_PLAN, entry.place, message));
                }
                visit(&entry.value, Some(&entry.key), entry.place, scrubber, sink);
            }
        }
        Kind::Null | Kind::Bool(_) | Kind::Number(_) => {}
    }
}

fn rule_of(text: &str, key: Option<&str>, scrubber: &Scrubber) -> Option<String> {
    // Nearly every text holds no keyword of a rule, and neither does its key; a keyword does not reach from one into the other,
    // for `="` stands between them.
    if !scrubber.may_find(text) && key.is_none_or(|key| !scrubber.may_find(key)) {
        return None;
    }
    if let Some(finding) = scrubber.find(text).first() {
        return Some(finding.rule.to_owned());
    }
    // `${{ … }}` is no literal: what it stands for is not known here.
    let key =
        key.filter(|_| !text.contains(crate::template::OPEN) && !text.is_empty() && text.len() <= 4_096)?;
    let assigned = format!("{key}=\"{}\"", text.replace(['"', '\n'], " "));
    scrubber.find(&assigned).first().map(|finding| finding.rule.to_owned())
}
