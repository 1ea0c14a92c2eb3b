//! `dvt fmt`: one layout for every plan. It moves text and changes none: scalars, comments and the order of keys stay.
//!
//! It refuses what cannot be read, and mends nothing (that is `lint --fix`). A layout counts only once the new text was read
//! again: the same tree, the same digest, the same comments, and a second pass changes nothing. Where that fails, or the text
//! has anchors, tags or explicit keys, less is done: first lines only, then nothing.

mod flow;
mod json;
mod line;
mod walk;

use crate::diagnostic::Diagnostic;
use crate::diagnostic::collector::Collector;
use crate::read::texts::Texts;
use crate::read::tree::{Kind, Node};
use crate::{canonical, digest_of, read};
use granit_parser::{Event, ScanError};
use std::ops::Range;

/// How much could be laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Indentation, gaps, flow collections, and what [`Layout::Lines`] does.
    Whole,
    /// Line ends, blanks at their ends, and runs of empty lines.
    Lines,
    /// Nothing.
    None,
}

/// A text in its layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Formatted {
    /// The text.
    pub text: String,
    /// How much could be laid out.
    pub layout: Layout,
}

/// Gives a text another layout; `None` where it has what this cannot move.
type LayOut = fn(&str) -> Option<String>;

/// What reading gave: what must not change.
#[derive(Debug)]
struct Meaning<'t> {
    tree: Node<'t>,
    comments: Vec<String>,
}

/// Lays a plan out. What cannot be read is refused with everything that is wrong; other faults of a plan do not matter here.
pub fn format(text: &str) -> Result<Formatted, Vec<Diagnostic>> {
    let texts = Texts::default();
    let before = meaning(text, &texts)?;
    for (layout, lay_out) in [(Layout::Whole, whole as LayOut), (Layout::Lines, lines)] {
        let Some(after) = lay_out(text) else { continue };
        let texts = Texts::default();
        let stays = meaning(&after, &texts).is_ok_and(|read| before.is(&read));
        if stays && lay_out(&after).as_deref() == Some(&after) {
            return Ok(Formatted { text: after, layout });
        }
    }
    Ok(Formatted { text: text.to_owned(), layout: Layout::None })
}

fn meaning<'t>(text: &'t str, texts: &'t Texts) -> Result<Meaning<'t>, Vec<Diagnostic>> {
    let mut sink = Collector::new(text);
    match (read::read(&mut sink, texts), sink.errors()) {
        (Some(tree), 0) => {
            let comments = events(text).filter_map(|item| match item {
                Ok((Event::Comment(text, _), _)) => Some(text.trim_end().to_owned()),
                _ => None,
            });
            Ok(Meaning { tree, comments: comments.collect() })
        }
        _ => Err(sink.finish()),
    }
}

impl Meaning<'_> {
    fn is(&self, other: &Meaning<'_>) -> bool {
        let digest = |tree: &Node<'_>| digest_of(&canonical::normalise(tree.to_value()));
        alike(&self.tree, &other.tree)
            && digest(&self.tree) == digest(&other.tree)
            && self.comments == other.comments
    }
}

/// The same values and keys in the same order, wherever they stand.
fn alike(one: &Node<'_>, other: &Node<'_>) -> bool {
    match (&one.kind, &other.kind) {
        (Kind::List(ones), Kind::List(others)) => {
            ones.len() == others.len() && ones.iter().zip(others).all(|(one, other)| alike(one, other))
        }
        (Kind::Map(ones), Kind::Map(others)) => {
            ones.len() == others.len()
                && ones
                    .iter()
                    .zip(others)
                    .all(|(one, other)| one.key == other.key && alike(&one.value, &other.value))
        }
        (one, other) => one == other,
    }
}

fn whole(text: &str) -> Option<String> {
    let text = line::unified(text);
    json::pretty(&text).or_else(|| walk::lay_out(&text))
}

fn lines(text: &str) -> Option<String> {
    let text = line::unified(text);
    let scalars = walk::scalars(&text)?;
    let lines = line::Lines::of(&text);
    let rows = lines.all().map(|(at, row)| line::Row {
        text: if scalars.ends_within(at) { row.to_owned() } else { row.trim_end().to_owned() },
        is_content: scalars.is_inside(at),
    });
    Some(line::join(rows))
}

/// The events with comments, and where they stand.
fn events(text: &str) -> impl Iterator<Item = Result<(Event<'_>, Range<usize>), ScanError>> {
    let options = granit_parser::options! {
        emit_comments: true,
        max_buffered_comment_events: usize::MAX,
        flow_nesting_limit: read::measure::MAX_DEPTH + 1,
        block_nesting_limit: read::measure::MAX_DEPTH + 1,
    };
    granit_parser::Parser::new_from_str_with_options(text, options)
        .map(|item| item.map(|(event, span)| (event, span.byte_range().unwrap_or_default())))
}
