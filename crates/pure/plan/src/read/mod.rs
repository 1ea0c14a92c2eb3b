//! Text to spanned tree: YAML 1.2 (core schema) or JSON, one document, under fixed budgets.
//!
//! Hostile text never costs more than its budgets: each event is counted ([`measure`]) before it is built into the tree
//! ([`build`]), so that a bomb is refused while it is read. The parser is a state machine that is asked for one event at a
//! time, so that depth never meets our stack.

pub(crate) mod build;
pub(crate) mod measure;
pub(crate) mod scalar;
pub(crate) mod texts;
pub(crate) mod tree;

use crate::diagnostic::codes;
use crate::diagnostic::collector::{Collector, Report};
use granit_parser::{ErrorKind, Event, Parser, ScanError};
use std::collections::BTreeMap;
use texts::Texts;
use tree::{Node, Place};

/// Reads the one document of the collector's text. `None` where it could not be read to its end; then a report says
/// why. A tree comes back even where keys are repeated or odd, so that one lint shows everything.
pub(crate) fn read<'s: 't, 't>(sink: &mut Collector<'s>, texts: &'t Texts) -> Option<Node<'t>> {
    // INVARIANT(INV-21): size, depth, nodes and aliases are bounded before anything is kept.
    let text = sink.text();
    if text.len() > measure::MAX_BYTES {
        let message = "the document is larger than 8 MiB";
        let report = Report::error(codes::READING_BUDGET, Place::default(), message);
        sink.add(report.fix("keep large data in a file and name it under `files`"));
        return None;
    }
    let mut builder = build::Builder::new(text, texts);
    if let Err(report) = measure::lines(text).and_then(|()| build(text, &mut builder, sink)) {
        sink.clear();
        sink.add(*report);
        return None;
    }
    let root = builder.finish();
    if root.is_none() {
        let report = Report::error(codes::SYNTAX, Place::default(), "the document is empty");
        sink.add(report.fix("apiVersion: dvt/v1"));
    }
    root
}

/// One pass: each event is counted before anything of it is kept.
fn build<'t>(
    text: &'t str,
    builder: &mut build::Builder<'t>,
    sink: &mut Collector<'_>,
) -> Result<(), Box<Report>> {
    let mut measure = measure::Measure::default();
    let mut documents = 0;
    for item in events(text) {
        sink.count_event();
        let (event, place, tag) = item.map_err(|error| syntax(&error, text))?;
        if matches!(event, Event::DocumentStart(..)) {
            documents += 1;
            if documents > 1 {
                let message = "the text holds more than one document";
                return Err(Report::error(codes::NOT_JSON_MODEL, place, message)
                    .fix("one file, one plan")
                    .into());
            }
        }
        measure.count(&event, place)?;
        builder.take(event, place, tag, sink);
    }
    Ok(())
}

/// The events, their places, and the places of their tags.
fn events(text: &str) -> impl Iterator<Item = Result<(Event<'_>, Place, Option<Place>), ScanError>> {
    let options = granit_parser::options! {
        emit_comments: false,
        flow_nesting_limit: measure::MAX_DEPTH + 1,
        block_nesting_limit: measure::MAX_DEPTH + 1,
    };
    Parser::new_from_str_with_options(text, options).map(|item| {
        item.map(|(event, span)| {
            let range = span.byte_range().unwrap_or_default();
            let tag = span.tag_span().and_then(|tag| tag.byte_range());
            (event, Place::new(range.start, range.end), tag.map(|tag| Place::new(tag.start, tag.end)))
        })
    })
}

/// What stands in a text once and is read in several places: what has an anchor that an alias names, and those aliases.
pub(crate) fn shared(text: &str) -> Vec<Place> {
    let mut open: Vec<(usize, Place)> = Vec::new();
    let (mut anchored, mut shared) = (BTreeMap::new(), Vec::new());
    for (event, place, _) in events(text).map_while(Result::ok) {
        match event {
            Event::Scalar(_, _, anchor, _) => drop(anchored.insert(anchor, place)),
            Event::SequenceStart(_, anchor, _) | Event::MappingStart(_, anchor, _) => {
                open.push((anchor, place))
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some((anchor, start)) = open.pop() {
                    let (first, end) = (begin(text, start.start as usize), place.end.max(start.end));
                    anchored.insert(anchor, Place::new(first, end as usize));
                }
            }
            Event::Alias(anchor) => {
                shared.push(place);
                shared.extend(anchored.get(&anchor).copied());
            }
            _ => {}
        }
    }
    shared
}

/// What is put behind this place and before the first entry belongs to a mapping or a list: without brackets, behind the line before.
fn begin(text: &str, start: usize) -> usize {
    if text.get(start..).is_some_and(|own| own.starts_with(['{', '['])) {
        return start;
    }
    text.get(..start).and_then(|before| before.rfind('\n')).unwrap_or(0)
}

fn syntax(error: &ScanError, text: &str) -> Report {
    let start = error.marker().byte_offset().unwrap_or(0);
    let place = Place::new(
        start,
        start + text.get(start..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8),
    );
    match error.kind() {
        ErrorKind::RecursionLimitExceeded => measure::too_deep(place),
        ErrorKind::UnknownAnchor => {
            Report::error(codes::SYNTAX, place, "the alias names no anchor before it")
                .fix("quote a value that begins with `*`")
        }
        _ => {
            let report = Report::error(codes::SYNTAX, place, error.info());
            if text.get(start..).is_some_and(|rest| rest.starts_with('\t')) {
                return report.fix("indent with spaces; YAML does not allow tabs there");
            }
            report.why(
                "this is where the text stops being YAML 1.2 or JSON; the cause may stand just before it",
            )
        }
    }
}
