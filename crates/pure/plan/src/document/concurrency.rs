//! `concurrency: {group, onBusy}`: one run of a group at a time. A text alone is the group.

use super::keys::{Family, Level, or};
use super::{Owner, Reader};
use crate::diagnostic::codes;
use crate::diagnostic::collector::Report;
use crate::plan::{Concurrency, OnBusy};
use crate::read::tree::{Entry, Kind, Node, Place};
use crate::template::{Piece, Template};

/// Its keys.
pub(crate) const FAMILY: Family =
    Family { what: "`concurrency`", keys: &["group", "onBusy"], level: Level::Inner };

/// Reads it.
pub(crate) fn read(reader: &mut Reader<'_, '_>, entry: &Entry<'_>) -> Option<Concurrency> {
    if let Kind::Text(_) = entry.value.kind {
        let group = group(reader, &entry.value, or(entry.value.place, entry.place))?;
        return Some(Concurrency { group, on_busy: OnBusy::default() });
    }
    let keys = reader.family("concurrency", entry.place, &entry.value, &FAMILY)?;
    let mut named = None;
    let mut on_busy = OnBusy::default();
    for key in &keys {
        if key.name() == "group" {
            named = group(reader, &key.value, or(key.value.place, key.place));
        } else {
            let words = [
                ("queue", OnBusy::Queue),
                ("reject", OnBusy::Reject),
                ("cancelPrevious", OnBusy::CancelPrevious),
            ];
            on_busy = reader.one_of(key, &words).unwrap_or_default();
        }
    }
    if !keys.iter().any(|key| key.name() == "group") {
        let report = Report::error(codes::MISSING_KEY, entry.place, "`concurrency` names no `group`");
        reader.sink.add(report.fix("concurrency: { group: '${{ inputs.region }}', onBusy: queue }"));
    }
    named.map(|group| Concurrency { group, on_busy })
}

fn group(reader: &mut Reader<'_, '_>, node: &Node<'_>, place: Place) -> Option<Template> {
    match node.as_text() {
        Some(text) if text.trim().is_empty() || text.len() > 256 => {
            reader.error(codes::OUT_OF_LIMITS, place, "the group of `concurrency` has 1 to 256 bytes");
            None
        }
        Some(text) if text.contains(crate::template::OPEN) => reader.template(node, text, Owner::Start),
        Some(text) => Some(Template { pieces: vec![Piece::Text(text.to_owned())] }),
        None => {
            reader.wrong(place, "group", "a string", node);
            None
        }
    }
}
