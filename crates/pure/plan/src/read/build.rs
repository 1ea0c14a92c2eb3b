//! From events to the tree: the tree, repeated and odd keys, and what YAML has that JSON has not.

use super::scalar::{self, Fault};
use super::texts::Texts;
use super::tree::{Entry, Kind, Node, Place};
use crate::diagnostic::codes;
use crate::diagnostic::collector::{Collector, Report, shown};
use granit_parser::{Event, ScalarStyle};
use std::collections::BTreeMap;

/// Keys that are compared with each other one by one.
const FEW_KEYS: usize = 8;

/// A collection that is still open.
#[derive(Debug)]
enum Open<'t> {
    List { place: Place, anchor: usize, from: usize },
    Map { place: Place, anchor: usize, from: usize, key: Option<(&'t str, Place)> },
}

/// The tree under construction. Budgets were checked for each event before it came here.
#[derive(Debug)]
pub(crate) struct Builder<'t> {
    document: &'t str,
    texts: &'t Texts,
    open: Vec<Open<'t>>,
    /// Of all lists that are open, the inner ones last; each is cut to its size when it ends.
    items: Vec<Node<'t>>,
    /// The same of mappings.
    entries: Vec<Entry<'t>>,
    anchored: BTreeMap<usize, Node<'t>>,
    root: Option<Node<'t>>,
}

impl<'t> Builder<'t> {
    /// Texts that do not stand in the document are kept there.
    pub(crate) fn new(document: &'t str, texts: &'t Texts) -> Self {
        let (open, items, entries) = (Vec::new(), Vec::new(), Vec::new());
        Self { document, texts, open, items, entries, anchored: BTreeMap::new(), root: None }
    }

    /// Takes one event.
    pub(crate) fn take(
        &mut self,
        event: Event<'t>,
        place: Place,
        tag: Option<Place>,
        sink: &mut Collector<'_>,
    ) {
        if let Some((tag, text)) = self.meant_as_text(&event, tag) {
            sink.add_error(|| {
                let message = format!("{} is a tag of YAML, and no text", shown(text));
                let report = Report::error(codes::NOT_JSON_MODEL, tag, message)
                    .why("in YAML a value that begins with `!` says what kind of value follows");
                report.fix(format!("'{}'", text.replace('\'', "''"))).alone()
            });
            self.scalar(text, ScalarStyle::SingleQuoted, anchor_of(&event), tag, sink);
            return;
        }
        if event.tag().is_some() {
            sink.add_error(|| {
                Report::error(codes::NOT_JSON_MODEL, place, "tags are not part of a plan")
                    .why("a plan has the values of JSON; what a value is follows from how it is written")
                    .fix("remove the tag; quote the value where it shall be a string")
            });
        }
        match event {
            Event::Scalar(text, style, anchor, _) => {
                self.scalar(self.texts.keep(text), style, anchor, place, sink)
            }
            Event::SequenceStart(_, anchor, _) => {
                self.open.push(Open::List { place, anchor, from: self.items.len() })
            }
            Event::MappingStart(_, anchor, _) => {
                self.open.push(Open::Map { place, anchor, from: self.entries.len(), key: None });
            }
            Event::SequenceEnd => {
                if let Some(Open::List { place: start, anchor, from }) = self.open.pop() {
                    let items = self.items.drain(from..).collect();
                    let place = Place { start: start.start, end: place.end.max(start.end) };
                    self.settle(Node { place, kind: Kind::List(items) }, anchor, sink);
                }
            }
            Event::MappingEnd => {
                if let Some(Open::Map { place: start, anchor, from, .. }) = self.open.pop() {
                    let entries = self.entries.drain(from..).collect();
                    let place = Place { start: start.start, end: place.end.max(start.end) };
                    let entries = without_repeats(entries, sink);
                    self.settle(Node { place, kind: Kind::Map(entries) }, anchor, sink);
                }
            }
            Event::Alias(anchor) => {
                if let Some(node) = self.anchored.get(&anchor).cloned() {
                    self.settle(Node { place, kind: node.kind }, 0, sink);
                }
            }
            _ => {}
        }
    }

    /// A value that is nothing but a tag of somebody's own, `!failure()`: its place and its text.
    fn meant_as_text(&self, event: &Event<'t>, tag: Option<Place>) -> Option<(Place, &'t str)> {
        let is_empty = matches!(event, Event::Scalar(text, ScalarStyle::Plain, ..) if text.is_empty());
        let is_key = matches!(self.open.last(), Some(Open::Map { key: None, .. }));
        let tag = tag.filter(|_| is_empty && !is_key)?;
        let text = self.document.get(tag.start as usize..tag.end as usize)?;
        (text.starts_with('!') && !text.starts_with("!!") && !text.starts_with("!<")).then_some((tag, text))
    }

    /// The finished tree.
    pub(crate) fn finish(self) -> Option<Node<'t>> {
        self.root
    }

    fn scalar(
        &mut self,
        text: &'t str,
        style: ScalarStyle,
        anchor: usize,
        place: Place,
        sink: &mut Collector<'_>,
    ) {
        let is_plain = style == ScalarStyle::Plain;
        if let Some(Open::Map { key: key @ None, .. }) = self.open.last_mut() {
            *key = Some((text, place));
            if is_plain {
                odd_key(text, place, sink);
            }
            if anchor != 0 {
                self.anchored.insert(anchor, Node { place, kind: Kind::Text(text) });
            }
            return;
        }
        let kind = if is_plain { scalar::plain(text) } else { Ok(Kind::Text(text)) };
        let kind = kind.unwrap_or_else(|fault| {
            let (message, why) = match fault {
                Fault::NotFinite => {
                    (format!("{} is no finite number", shown(text)), "JSON has no infinities")
                }
                Fault::IntegerTooLarge => (
                    format!("the integer {} is beyond 2^53", shown(text)),
                    "readers that use doubles would change it silently",
                ),
            };
            let report = Report::error(codes::NOT_JSON_MODEL, place, message).why(why);
            sink.add(report.fix("quote it to keep it as a string").alone());
            Kind::Null
        });
        self.settle(Node { place, kind }, anchor, sink);
    }

    fn settle(&mut self, node: Node<'t>, anchor: usize, sink: &mut Collector<'_>) {
        if anchor != 0 {
            self.anchored.insert(anchor, node.clone());
        }
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List { .. }) => self.items.push(node),
            Some(Open::Map { key, .. }) => match key.take() {
                Some((key, place)) => self.entries.push(Entry { key, place, value: node }),
                None => {
                    let what = node.type_name();
                    let name = if let Kind::Text(text) = node.kind {
                        text
                    } else {
                        let message = format!("{what} cannot be a key");
                        let report = Report::error(codes::NOT_JSON_MODEL, node.place, message);
                        sink.add(report.why("keys are strings, as in JSON"));
                        ""
                    };
                    *key = Some((name, node.place));
                }
            },
        }
    }
}

fn anchor_of(event: &Event<'_>) -> usize {
    if let Event::Scalar(_, _, anchor, _) = event { *anchor } else { 0 }
}

/// Plain keys that YAML reads as something else than a string.
fn odd_key(text: &str, place: Place, sink: &mut Collector<'_>) {
    if text == "<<" {
        let report = Report::error(codes::NOT_JSON_MODEL, place, "merge keys are not part of YAML 1.2");
        sink.add(report.fix("write the keys out, or use `defaults` and `vars`"));
    } else if !matches!(scalar::plain(text), Ok(Kind::Text(_))) {
        sink.add_error(|| {
            let message = format!("the key {} is not a string", shown(text));
            let report =
                Report::error(codes::NOT_JSON_MODEL, place, message).why("keys are strings, as in JSON");
            report.fix(format!("'{}':", text.chars().take(60).collect::<String>()))
        });
    }
}

/// Reports each repeated key with both places, and keeps the first.
fn without_repeats<'t>(entries: Box<[Entry<'t>]>, sink: &mut Collector<'_>) -> Box<[Entry<'t>]> {
    // Most mappings are small, and comparing a few keys costs less than sorting them.
    if entries.len() <= FEW_KEYS {
        let repeats =
            |(at, entry): (usize, &Entry<'t>)| entries.iter().take(at).any(|other| other.key == entry.key);
        if !entries.iter().enumerate().any(repeats) {
            return entries;
        }
    }
    let mut order: Vec<(&str, usize)> =
        entries.iter().enumerate().map(|(at, entry)| (entry.name(), at)).collect();
    order.sort_unstable();
    let mut repeated = std::collections::BTreeSet::new();
    let mut first: Option<(&str, usize)> = None;
    for (key, at) in order {
        match first {
            Some((same, earlier)) if same == key => {
                repeated.insert(at);
                if let (Some(later), Some(earlier)) = (entries.get(at), entries.get(earlier)) {
                    sink.add_error(|| {
                        let message = format!("the key {} stands twice", shown(key));
                        Report::error(codes::DUPLICATE_KEY, later.place, message)
                            .related(earlier.place, "the first one")
                            .fix("keep one of them")
                    });
                }
            }
            _ => first = Some((key, at)),
        }
    }
    if repeated.is_empty() {
        return entries;
    }
    entries.into_iter().enumerate().filter(|(at, _)| !repeated.contains(at)).map(|(_, entry)| entry).collect()
}
