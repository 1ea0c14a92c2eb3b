//! The first pass over the events: everything is counted and nothing is kept, so that a bomb is refused before it
//! costs memory.
//!
//! Aliases count with all that they stand for, and so do the copies that the second pass keeps of anchored nodes.

use crate::diagnostic::codes;
use crate::diagnostic::collector::Report;
use crate::read::tree::Place;
use granit_parser::Event;
use std::collections::BTreeMap;

/// Bytes of a document.
pub(crate) const MAX_BYTES: usize = 8 << 20;
/// Levels of nesting.
pub(crate) const MAX_DEPTH: usize = 64;
/// Values, keys and what aliases stand for.
pub(crate) const MAX_NODES: usize = 1_000_000;
/// Aliases that are followed.
pub(crate) const MAX_ALIASES: usize = 10_000;

/// What a node and all below it weigh.
#[derive(Debug, Clone, Copy, Default)]
struct Weight {
    nodes: usize,
    bytes: usize,
    height: usize,
}

impl Weight {
    fn take(&mut self, child: Self) {
        self.nodes = self.nodes.saturating_add(child.nodes);
        self.bytes = self.bytes.saturating_add(child.bytes);
        self.height = self.height.max(child.height + 1);
    }
}

/// The running count.
#[derive(Debug, Default)]
pub(crate) struct Measure {
    open: Vec<(usize, Weight)>,
    anchored: BTreeMap<usize, Weight>,
    nodes: usize,
    bytes: usize,
    aliases: usize,
}

fn over(place: Place, what: &str) -> Report {
    Report::error(codes::READING_BUDGET, place, what)
}

impl Measure {
    /// Counts one event; the first budget that is used up ends the reading.
    pub(crate) fn count(&mut self, event: &Event<'_>, place: Place) -> Result<(), Box<Report>> {
        match event {
            Event::Scalar(text, _, anchor, _) => {
                let weight = Weight { nodes: 1, bytes: text.len(), height: 0 };
                self.charge(weight, place)?;
                self.settle(*anchor, weight, place)
            }
            Event::SequenceStart(_, anchor, _) | Event::MappingStart(_, anchor, _) => {
                self.charge(Weight { nodes: 1, ..Weight::default() }, place)?;
                self.open.push((*anchor, Weight { nodes: 1, ..Weight::default() }));
                self.deep(self.open.len(), place)
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some((anchor, weight)) => self.settle(anchor, weight, place),
                None => Ok(()),
            },
            Event::Alias(anchor) => {
                self.aliases += 1;
                if self.aliases > MAX_ALIASES {
                    let report =
                        over(place, format!("more than {MAX_ALIASES} aliases are followed").as_str());
                    return Err(report.fix("write the values out, or put them into `vars`").into());
                }
                let Some(weight) = self.anchored.get(anchor).copied() else {
                    let message = "an alias stands inside the node that it names";
                    return Err(Report::error(codes::NOT_JSON_MODEL, place, message)
                        .why("a plan is a tree, and this would have no end")
                        .into());
                };
                self.charge(weight, place)?;
                self.deep(self.open.len() + weight.height, place)?;
                self.settle(0, weight, place)
            }
            _ => Ok(()),
        }
    }

    fn settle(&mut self, anchor: usize, weight: Weight, place: Place) -> Result<(), Box<Report>> {
        if anchor != 0 {
            self.charge(weight, place)?;
            self.anchored.insert(anchor, weight);
        }
        if let Some((_, parent)) = self.open.last_mut() {
            parent.take(weight);
        }
        Ok(())
    }

    fn charge(&mut self, weight: Weight, place: Place) -> Result<(), Box<Report>> {
        self.nodes = self.nodes.saturating_add(weight.nodes);
        self.bytes = self.bytes.saturating_add(weight.bytes);
        if self.nodes > MAX_NODES {
            return Err(over(place, &format!("the document has more than {MAX_NODES} values")).into());
        }
        // Text that aliases repeat counts each time: one long string and many aliases are a bomb too.
        if self.bytes > 2 * MAX_BYTES {
            let report = over(place, "the document with its aliases written out is larger than 16 MiB");
            return Err(report.fix("keep large data in a file and name it under `files`").into());
        }
        Ok(())
    }

    fn deep(&self, depth: usize, place: Place) -> Result<(), Box<Report>> {
        if depth > MAX_DEPTH {
            return Err(too_deep(place).into());
        }
        Ok(())
    }
}

/// The answer to a depth bomb, whoever meets it first.
pub(crate) fn too_deep(place: Place) -> Report {
    over(place, &format!("the document is nested deeper than {MAX_DEPTH} levels"))
}
