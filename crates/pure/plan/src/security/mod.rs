//! What a plan could do with less: permissions wider than used, secrets under telling names, egress to private ranges,
//! missing timeouts, code in arguments, plugins that are not pinned. One rule a file; all are warnings.
//!
//! The rules look at the tree alone, so they also speak about a plan that is refused for another reason, and about words
//! that this release does not do yet.

mod codes;
mod egress;
mod interpreter;
mod literal;
mod permissions;
mod pinning;
mod timeout;

pub use codes::{ALL as CODES, pages};
pub(crate) use permissions::unused as unused_permissions;

use crate::diagnostic::collector::Collector;
use crate::diagnostic::{Diagnostic, Source};
use crate::read;
use crate::read::texts::Texts;
use crate::read::tree::{Entry, Kind, Node};

/// A rule.
type Rule = fn(&Node<'_>, &mut Collector<'_>);

const RULES: &[Rule] =
    &[permissions::check, literal::check, egress::check, timeout::check, interpreter::check, pinning::check];

/// Everything that the rules say about a text; nothing where it cannot be read.
pub fn check(source: &Source) -> Vec<Diagnostic> {
    let texts = Texts::default();
    let mut unread = Collector::new(&source.text);
    let Some(root) = read::read(&mut unread, &texts) else { return Vec::new() };
    let mut sink = Collector::new(&source.text);
    RULES.iter().for_each(|rule| rule(&root, &mut sink));
    sink.finish()
}

/// The steps of the plan, those of `finally` too.
fn steps<'n>(root: &'n Node<'n>) -> impl Iterator<Item = &'n Entry<'n>> {
    ["steps", "finally"]
        .into_iter()
        .filter_map(|key| root.entry(key)?.value.as_map())
        .flatten()
        .filter(|entry| entry.value.as_map().is_some())
}

/// Calls back with every text of a value and the key above it.
fn texts<'n>(node: &'n Node<'n>, key: &'n str, tell: &mut impl FnMut(&'n str, &'n Node<'n>, &'n str)) {
    match &node.kind {
        Kind::Text(text) => tell(key, node, text),
        Kind::List(items) => items.iter().for_each(|item| texts(item, key, tell)),
        Kind::Map(entries) => entries.iter().for_each(|entry| texts(&entry.value, entry.key, tell)),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) => {}
    }
}
