//! What a document may hold, counted event by event, so that a bomb is refused while it is read and before it costs memory.
//!
//! Values are counted beside steps: many values are a large plan where they belong to many steps, and a bomb where they do not.
//! Aliases count with all that they stand for, and so do the copies that are kept of anchored nodes.

use crate::diagnostic::codes;
use crate::diagnostic::collector::Report;
use crate::read::tree::Place;
use granit_parser::Event;
use std::collections::BTreeMap;

/// Bytes of a document.
pub(crate) const MAX_BYTES: usize = 8 << 20;
/// Lines: a step is seldom shorter than ten, and lines of nothing cost the parser more than anything else.
pub(crate) const MAX_LINES: usize = 700_000;
/// Levels of nesting.
pub(crate) const MAX_DEPTH: usize = 64;
/// Values, keys and what aliases stand for: the most of all.
pub(crate) const MAX_NODES: usize = 1_000_000;
/// As many of them every document may have.
const FREE_NODES: usize = 100_000;
/// And so many more for each step.
const NODES_OF_A_STEP: usize = 64;
/// Collections that are open where a step begins: the plan, and its `steps` or `finally`.
const ABOVE_STEPS: usize = 2;
/// Mappings that may stand where steps do: some more than a plan may have, so that one step too many is told as such.
const MOST_STEPS: usize = crate::document::steps::MOST_STEPS + 1_000;
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
    steps: usize,
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
                let is_step = matches!(event, Event::MappingStart(..)) && self.open.len() == ABOVE_STEPS;
                self.steps += usize::from(is_step);
                if self.steps > MOST_STEPS {
                    let message =
                        format!("the document has more than {MOST_STEPS} mappings where steps stand");
                    return Err(over(place, &message).fix("make several plans of it").into());
                }
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
        let most = (FREE_NODES + NODES_OF_A_STEP.saturating_mul(self.steps)).min(MAX_NODES);
        if self.nodes > most {
            let report = over(place, &format!("the document has more than {most} values"));
            let why = format!(
                "a plan has at most {FREE_NODES}, {NODES_OF_A_STEP} more for each step, and {MAX_NODES} in all"
            );
            return Err(report.why(why).fix("keep large data in a file and name it under `files`").into());
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

/// The budget of lines; both ends of Windows' lines count as one.
pub(crate) fn lines(text: &str) -> Result<(), Box<Report>> {
    // Nearly every text is shorter than that many lines could be.
    if text.len() <= MAX_LINES || line_ends(text) <= MAX_LINES {
        return Ok(());
    }
    let message = format!("the document has more than {MAX_LINES} lines");
    let end = text.len();
    Err(over(Place::new(end.saturating_sub(1), end), &message)
        .fix("keep large data in a file and name it under `files`")
        .into())
}

/// How many ends of lines there are of the kind that is there most, in one quick pass: a count of one byte cannot overflow within
/// as few bytes, and is what a processor adds up many of at once.
fn line_ends(text: &str) -> usize {
    let (mut feeds, mut returns) = (0_usize, 0_usize);
    for part in text.as_bytes().chunks(usize::from(u8::MAX)) {
        let count =
            |wanted: u8| part.iter().fold(0_u8, |sum, byte| sum.wrapping_add(u8::from(*byte == wanted)));
        feeds += usize::from(count(b'\n'));
        returns += usize::from(count(b'\r'));
    }
    feeds.max(returns)
}

/// The answer to a depth bomb, whoever meets it first.
pub(crate) fn too_deep(place: Place) -> Report {
    over(place, &format!("the document is nested deeper than {MAX_DEPTH} levels"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_lines_are_counted_wherever_they_stand() {
        assert_eq!(line_ends(""), 0);
        assert_eq!(line_ends("a\r\nb\r\n\n"), 3);
        for size in [254, 255, 256, 1_000] {
            assert_eq!((line_ends(&"\n".repeat(size)), line_ends(&"\r".repeat(size))), (size, size));
            assert_eq!(line_ends(&"äx\n".repeat(size)), size);
        }
    }
}
