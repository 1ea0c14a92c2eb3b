//! `foreach`, `exclude`, `key` and `maxParallel` of a step: what it is repeated over.
//!
//! A text is an expression that gives a list; a list is written down; an object is the product of its lists. Neither
//! `foreach` nor `exclude` sees `item`, for they are what items come from.

use super::keys::or;
use super::plan::{bad_name, is_input_name};
use super::{Owner, Reader, StepDraft};
use crate::diagnostic::codes;
use crate::diagnostic::collector::Report;
use crate::plan::{Foreach, MOST_ITEMS, Source};
use crate::read::tree::{Entry, Kind, Node};
use crate::template::TemplateValue;
use std::collections::BTreeMap;

/// Lists of one product.
pub(crate) const MOST_LISTS: usize = 16;
/// Steps at once that one `foreach` may ask for.
const MOST_PARALLEL: u64 = 10_000;

/// Reads what belongs to `foreach` among the keys of a step.
pub(crate) fn read(reader: &mut Reader<'_, '_>, entries: &[&Entry<'_>], index: usize, step: &mut StepDraft) {
    let key = |name: &str| entries.iter().copied().find(|entry| entry.name() == name);
    let Some(entry) = key("foreach") else {
        for name in ["key", "maxParallel", "exclude"] {
            if let Some(entry) = key(name) {
                let message = format!("`{name}` has no meaning in a step without `foreach`");
                let report = Report::error(codes::KEY_OF_ANOTHER_FORM, entry.place, message);
                reader.sink.add(report.fix("foreach: inputs.regions"));
            }
        }
        return;
    };
    step.foreach_place = Some(or(entry.value.place, entry.place));
    let source = source(reader, entry, Owner::Lists(index));
    let exclude = key("exclude").and_then(|entry| exclude(reader, entry, Owner::Lists(index)));
    let name =
        key("key").and_then(|entry| reader.whole_expression(entry, Owner::Step(index), super::Role::InText));
    let most = key("maxParallel").and_then(|entry| reader.integer(entry, 1, MOST_PARALLEL));
    if let Some(source) = source {
        step.foreach = Some(Box::new(Foreach {
            source,
            exclude,
            key: name,
            max_parallel: most.and_then(|most| u32::try_from(most).ok()),
            most: MOST_ITEMS,
            is_bounded: false,
        }));
    }
}

fn source(reader: &mut Reader<'_, '_>, entry: &Entry<'_>, owner: Owner) -> Option<Source> {
    let Kind::Map(lists) = &entry.value.kind else {
        return list(reader, entry, &entry.value, owner).map(Source::List);
    };
    if lists.is_empty() || lists.len() > MOST_LISTS {
        let message =
            format!("`foreach` takes the product of 1 to {MOST_LISTS} lists, not of {}", lists.len());
        reader.error(codes::OUT_OF_LIMITS, or(entry.value.place, entry.place), message);
        return None;
    }
    let mut found = BTreeMap::new();
    for one in lists {
        if !is_input_name(one.key) {
            bad_name(reader, one.key, one.place, "a list of `foreach`");
            continue;
        }
        if let Some(list) = list(reader, one, &one.value, owner) {
            found.insert(one.key.to_string(), list);
        }
    }
    Some(Source::Product(found))
}

fn list(
    reader: &mut Reader<'_, '_>,
    entry: &Entry<'_>,
    node: &Node<'_>,
    owner: Owner,
) -> Option<TemplateValue> {
    match &node.kind {
        Kind::Text(_) => {
            reader.whole_expression(entry, owner, super::Role::Items).map(TemplateValue::Expression)
        }
        Kind::List(items) if items.len() as u64 > MOST_ITEMS => {
            let message = format!("the list has {} items, and {MOST_ITEMS} is the most", items.len());
            reader.error(codes::OUT_OF_LIMITS, or(node.place, entry.place), message);
            None
        }
        Kind::List(_) => Some(reader.template_value("foreach", node, owner)),
        _ => {
            let expected = "a list, an expression that gives one, or an object of lists";
            reader.wrong(or(node.place, entry.place), entry.key, expected, node);
            None
        }
    }
}

fn exclude(reader: &mut Reader<'_, '_>, entry: &Entry<'_>, owner: Owner) -> Option<TemplateValue> {
    match &entry.value.kind {
        Kind::List(_) => Some(reader.template_value("exclude", &entry.value, owner)),
        _ => {
            let expected = "a list of items, or of the members that they have";
            reader.wrong(or(entry.value.place, entry.place), "exclude", expected, &entry.value);
            None
        }
    }
}
