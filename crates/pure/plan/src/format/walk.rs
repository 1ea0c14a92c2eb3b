//! The layout of YAML in blocks: each line is either the head of something that stands in a block, or goes with one.
//!
//! Columns are two to a level, lists one level below their key. Lines inside a scalar or a flow collection move with the line on
//! which it begins; the text of a block scalar keeps its inner indentation.

use super::events;
use super::flow::Flow;
use super::line::{Lines, Row, indentation, join};
use granit_parser::{Event, ScalarStyle};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// What lines inside scalars are told apart by.
#[derive(Debug, Default)]
pub(super) struct Scalars {
    inside: BTreeSet<usize>,
    ends_within: BTreeSet<usize>,
}

impl Scalars {
    /// Whether the line begins inside a scalar.
    pub(super) fn is_inside(&self, line: usize) -> bool {
        self.inside.contains(&line)
    }

    /// Whether the line's end belongs to a scalar.
    pub(super) fn ends_within(&self, line: usize) -> bool {
        self.ends_within.contains(&line)
    }

    fn add(&mut self, first: usize, last: usize) {
        self.inside.extend(first + 1..=last);
        self.ends_within.extend(first..last);
    }
}

/// The lines of a block scalar after its header; empty lines after it belong to it only where it keeps them.
fn content(text: &str, lines: &Lines<'_>, at: &Range<usize>) -> (usize, Range<usize>) {
    let before = text.get(..at.start).unwrap_or_default().trim_end();
    let header = lines.at(before.len().saturating_sub(1));
    let mut last = lines.at(at.end.saturating_sub(1));
    let tail = text.get(lines.range(last).start..at.end).unwrap_or_default();
    if tail.trim_start_matches(' ').is_empty() && lines.range(last).end >= at.end {
        last = last.saturating_sub(1);
    }
    let keeps = indicator(lines.text(header)).contains('+');
    while last > header && !keeps && lines.text(last).trim().is_empty() {
        last -= 1;
    }
    (header, header + 1..last.max(header) + 1)
}

/// What stands behind the `|` or `>` that ends a header.
fn indicator(line: &str) -> &str {
    let end = line.split(" #").next().unwrap_or_default().trim_end();
    end.rfind(['|', '>']).and_then(|at| end.get(at + 1..)).unwrap_or_default()
}

/// The lines that scalars take.
pub(super) fn scalars(text: &str) -> Option<Scalars> {
    let lines = Lines::of(text);
    let mut found = Scalars::default();
    for item in events(text) {
        let (event, at) = item.ok()?;
        if let Event::Scalar(_, style, ..) = event {
            if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
                let (header, content) = content(text, &lines, &at);
                if let Some(last) = content.last() {
                    found.add(header, last);
                    found.ends_within.remove(&header);
                    found.ends_within.insert(last);
                }
            } else if at.end > at.start {
                found.add(lines.at(at.start), lines.at(at.end - 1));
            }
        }
    }
    Some(found)
}

/// A collection in a block.
#[derive(Debug, Clone)]
struct Block {
    range: Range<usize>,
    is_list: bool,
    old: usize,
    new: usize,
}

/// Lines that go with another.
#[derive(Debug, Clone, Copy)]
enum Inside {
    /// They move as far as that line does, and never left of `floor`.
    Moves { head: usize, floor: usize },
    /// Text of a block scalar: its indentation is replaced.
    Content { old: usize, new: usize },
}

/// What the events say about the lines.
#[derive(Debug, Default)]
struct Walk {
    blocks: Vec<Block>,
    keys: BTreeMap<usize, usize>,
    inside: BTreeMap<usize, Inside>,
    edits: BTreeMap<usize, (usize, String)>,
}

/// The layout of a text; `None` where it has what this does not lay out.
pub(super) fn lay_out(text: &str) -> Option<String> {
    let lines = Lines::of(text);
    let mut walk = Walk::of(text, &lines)?;
    let scalars = scalars(text)?;
    walk.dashes(text, &lines);
    let news = walk.columns(&lines)?;
    let rows = lines.all().map(|(at, row)| {
        let is_content = scalars.is_inside(at);
        let new = news.get(at).copied().unwrap_or(0);
        let text = match walk.inside.get(&at) {
            Some(Inside::Content { old, new }) => match row.get(indentation(row).min(*old)..) {
                Some("") | None => String::new(),
                Some(rest) => format!("{}{rest}", " ".repeat(*new)),
            },
            _ => {
                let range = lines.range(at);
                let first = range.start + row.len() - row.trim_start().len();
                let mut body = String::new();
                let mut from = first;
                for (start, (end, with)) in walk.edits.range(first..range.end) {
                    body.push_str(text.get(from..*start).unwrap_or_default());
                    body.push_str(with);
                    from = *end;
                }
                body.push_str(text.get(from..range.end).unwrap_or_default());
                let body = if scalars.ends_within(at) { body.as_str() } else { body.trim_end() };
                if body.is_empty() { String::new() } else { format!("{}{body}", " ".repeat(new)) }
            }
        };
        Row { text, is_content }
    });
    Some(join(rows))
}

impl Walk {
    fn of(text: &str, lines: &Lines<'_>) -> Option<Self> {
        let mut walk = Self::default();
        // Open blocks by their index, and whether a key comes next.
        let mut open: Vec<(usize, bool)> = Vec::new();
        let mut flow: Option<Flow> = None;
        for item in events(text) {
            let (event, at) = item.ok()?;
            match &event {
                Event::DocumentStart(true, _) | Event::Alias(_) => return None,
                Event::Scalar(_, _, anchor, tag)
                | Event::SequenceStart(_, anchor, tag)
                | Event::MappingStart(_, anchor, tag)
                    if *anchor != 0 || tag.is_some() =>
                {
                    return None;
                }
                Event::Scalar(..)
                | Event::SequenceStart(..)
                | Event::MappingStart(..)
                | Event::SequenceEnd
                | Event::MappingEnd => {}
                _ => continue,
            }
            if let Some(inner) = &mut flow {
                if let Some(whole) = inner.take(text, &event, &at) {
                    let (first, last) = (lines.at(whole.start), lines.at(whole.end.saturating_sub(1)));
                    let written = flow.take().and_then(Flow::finish);
                    if let (true, Some(written)) = (first == last, written) {
                        walk.edits.insert(whole.start, (whole.end, written));
                    }
                    let floor = walk.floor(&open);
                    let rows = first + 1..=last;
                    walk.inside.extend(rows.map(|line| (line, Inside::Moves { head: first, floor })));
                    value_ends(&mut open);
                }
                continue;
            }
            match event {
                Event::Scalar(_, style, ..) => walk.scalar(text, lines, style, &at, &mut open)?,
                Event::SequenceStart(..) | Event::MappingStart(..) => {
                    if text.get(at.clone()).is_some_and(|first| first == "{" || first == "[") {
                        let mut begun = Flow::new(at.start);
                        begun.take(text, &event, &at);
                        flow = Some(begun);
                        continue;
                    }
                    let is_list = matches!(event, Event::SequenceStart(..));
                    let new = walk.level(&open);
                    let below_key = walk.innermost(&open).is_some_and(|block| !block.is_list);
                    let start = if is_list && below_key { first_dash(lines, at.start) } else { at.start };
                    let (old, range) = (lines.column(start), start..text.len());
                    open.push((walk.blocks.len(), true));
                    walk.blocks.push(Block { range, is_list, old, new });
                }
                Event::SequenceEnd | Event::MappingEnd => {
                    let (block, _) = open.pop()?;
                    if let Some(block) = walk.blocks.get_mut(block) {
                        block.range.end = at.start;
                    }
                    value_ends(&mut open);
                }
                _ => {}
            }
        }
        Some(walk)
    }

    fn innermost(&self, open: &[(usize, bool)]) -> Option<&Block> {
        open.last().and_then(|(block, _)| self.blocks.get(*block))
    }

    /// The column of what stands one level below the innermost block.
    fn level(&self, open: &[(usize, bool)]) -> usize {
        self.innermost(open).map_or(0, |block| block.new + 2)
    }

    /// The least column of a line that goes on.
    fn floor(&self, open: &[(usize, bool)]) -> usize {
        self.innermost(open).map_or(0, |block| block.new)
    }

    fn scalar(
        &mut self,
        text: &str,
        lines: &Lines<'_>,
        style: ScalarStyle,
        at: &Range<usize>,
        open: &mut [(usize, bool)],
    ) -> Option<()> {
        let is_map = self.innermost(open).is_some_and(|block| !block.is_list);
        if let (true, Some((_, next @ true))) = (is_map, open.last_mut()) {
            *next = false;
            let new = self.innermost(open).map_or(0, |block| block.new);
            let (first, last) = (lines.at(at.start), lines.at(at.end.saturating_sub(1)));
            if first != last {
                return None;
            }
            self.keys.insert(at.start, new);
            let rest = text.get(at.end..lines.range(first).end)?;
            let colon = at.end + rest.len() - rest.trim_start().len();
            if !text.get(colon..)?.starts_with(':') {
                return None;
            }
            self.gap(text, lines, at.end, colon, ":");
            return Some(());
        }
        if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
            let (header, content) = content(text, lines, at);
            let (old, new) = match indicator(lines.text(header)).chars().find_map(|digit| digit.to_digit(10))
            {
                Some(digit) => {
                    let digit = digit as usize;
                    self.innermost(open)
                        .map_or((digit, digit), |block| (block.old + digit, block.new + digit))
                }
                None => (lines.column(at.start), self.level(open)),
            };
            self.inside.extend(content.map(|line| (line, Inside::Content { old, new })));
        } else if at.end > at.start {
            let (first, last) = (lines.at(at.start), lines.at(at.end - 1));
            let floor = self.level(open);
            self.inside.extend((first + 1..=last).map(|line| (line, Inside::Moves { head: first, floor })));
        }
        value_ends(open);
        Some(())
    }

    /// One blank behind a colon or a dash, where something follows it on the line.
    fn gap(&mut self, text: &str, lines: &Lines<'_>, from: usize, mark: usize, sign: &str) -> Option<usize> {
        let rest = text.get(mark + 1..lines.range(lines.at(mark)).end)?;
        let next = mark + 1 + rest.len() - rest.trim_start().len();
        let follows = text.get(next..).is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['\n', '#']));
        let (end, with) = if follows { (next, format!("{sign} ")) } else { (mark + 1, sign.to_owned()) };
        self.edits.insert(from, (end, with));
        follows.then_some(next)
    }

    /// One blank behind each dash.
    fn dashes(&mut self, text: &str, lines: &Lines<'_>) {
        let lists: BTreeSet<usize> =
            self.blocks.iter().filter(|block| block.is_list).map(|block| block.range.start).collect();
        for (line, row) in lines.all() {
            if self.inside.contains_key(&line) || !is_dash(row.trim_start()) {
                continue;
            }
            let mut at = Some(lines.range(line).start + indentation(row));
            while let Some(dash) = at {
                let next = self.gap(text, lines, dash, dash, "-");
                at = next.filter(|next| lists.contains(next));
            }
        }
    }

    /// The new column of every line.
    fn columns(&self, lines: &Lines<'_>) -> Option<Vec<usize>> {
        let count = lines.all().count();
        let mut news: Vec<Option<usize>> = vec![None; count];
        let first = |line: usize| lines.range(line).start + indentation(lines.text(line));
        let mut active: Vec<&Block> = Vec::new();
        let mut coming = self.blocks.iter().peekable();
        let mut comments: Vec<(usize, Vec<&Block>)> = Vec::new();
        for (line, row) in lines.all() {
            let (body, offset) = (row.trim_start(), first(line));
            if body.is_empty() {
                continue;
            }
            while let Some(block) = coming.next_if(|block| block.range.start <= offset) {
                active.push(block);
            }
            active.retain(|block| block.range.end > offset);
            let old = indentation(row);
            match self.inside.get(&line) {
                Some(Inside::Content { new, .. }) => {
                    *news.get_mut(line)? = Some(*new);
                    continue;
                }
                Some(Inside::Moves { head, floor }) => {
                    let moved = news.get(*head).copied().flatten()? + old;
                    let new = moved.saturating_sub(indentation(lines.text(*head))).max(*floor);
                    *news.get_mut(line)? = Some(new);
                    continue;
                }
                None => {}
            }
            if body.starts_with('#') {
                comments.push((line, active.clone()));
                continue;
            }
            let new = if is_dash(body) {
                active.iter().rev().find(|block| block.is_list && block.old == old)?.new
            } else if let Some(new) = self.keys.get(&offset) {
                *new
            } else if body.starts_with(['?', '%']) {
                return None;
            } else {
                active.last().map_or(0, |block| block.new + 2)
            };
            *news.get_mut(line)? = Some(new);
            // A comment goes with what follows it, or stays at the end of what it stood in.
            for (line, around) in comments.drain(..) {
                let own = indentation(lines.text(line));
                let ends = around.iter().rev().find(|block| block.old == own && own != old);
                *news.get_mut(line)? = Some(ends.map_or(new, |block| block.new));
            }
        }
        for (line, around) in comments {
            let own = indentation(lines.text(line));
            *news.get_mut(line)? =
                Some(around.iter().rev().find(|block| block.old == own).map_or(0, |block| block.new));
        }
        Some(news.into_iter().map(Option::unwrap_or_default).collect())
    }
}

/// The dash of a list below a key: the parser tells of the first item where the list is not indented.
fn first_dash(lines: &Lines<'_>, item: usize) -> usize {
    let found = (0..=lines.at(item)).rev().find(|line| is_dash(lines.text(*line).trim_start()));
    found.map_or(item, |line| lines.range(line).start + indentation(lines.text(line)))
}

/// Whether a line begins an item of a list.
fn is_dash(body: &str) -> bool {
    body == "-" || body.starts_with("- ") || body.starts_with("-\t")
}

/// A value ended: the block that it stands in waits for a key again.
fn value_ends(open: &mut [(usize, bool)]) {
    if let Some((_, next)) = open.last_mut() {
        *next = true;
    }
}
