//! `depends` and `dependencies` of a task: what it waits for, and whether how that ended decides.

use super::call::Call;
use super::holds::Holds;
use super::start::{Late, Start};
use super::{Importer, Scope};
use crate::foreign::parse::{self, Tree as Expression};
use crate::foreign::tree::Tree;
use std::rc::Rc;

/// The tasks that a task names.
pub(super) fn names(task: &Tree) -> Vec<String> {
    let mut found: Vec<String> = task
        .get("dependencies")
        .map(Tree::items)
        .unwrap_or_default()
        .iter()
        .filter_map(Tree::text)
        .map(str::to_owned)
        .collect();
    if let Some(tree) = task.text_of("depends").and_then(parse::parse) {
        gather(&tree, &mut found);
    }
    found
}

fn gather(tree: &Expression, found: &mut Vec<String>) {
    match tree {
        Expression::Path(path) => found.extend(path.first().cloned()),
        Expression::Number(name) => found.push(name.clone()),
        Expression::Not(inner) => gather(inner, found),
        Expression::Pair(_, left, right) => {
            gather(left, found);
            gather(right, found);
        }
        Expression::Text(_)
        | Expression::Flag(_)
        | Expression::Null
        | Expression::Inner(_)
        | Expression::Call(..)
        | Expression::Choice(..) => {}
    }
}

impl Importer<'_> {
    /// When a task begins, and whether it may be left out where the `dag` runs.
    pub(super) fn depends(&mut self, task: &Tree, given: &Call, scope: &Scope) -> (Start, bool) {
        let mut calls = Vec::new();
        for name in names(task) {
            match scope.called.get(&name) {
                Some(called) => calls.push(Rc::clone(called)),
                None => self.losses.add("depends", "there is no such task", &name, task.place),
            }
        }
        let mut start =
            if calls.is_empty() { given.inside() } else { Start::behind(&calls, given.start.late) };
        let is_chosen = calls.iter().any(|called| called.is_chosen);
        let Some(depends) = task.get("depends") else { return (start, is_chosen) };
        let tree = depends.text().and_then(parse::parse);
        let Some(tree) = tree else {
            self.unread(depends);
            return (Start { asks: Holds::Never, is_tolerant: true, may_be_omitted: true, ..start }, true);
        };
        if is_plain(&tree, scope) {
            return (start, is_chosen);
        }
        start.asks = self.ended(&tree, scope, depends);
        if asks_for_less(&tree) {
            start.asks = start.asks.and(&given.inside().holds());
        }
        if start.asks == Holds::Unknown {
            self.unread(depends);
            start.asks = Holds::Never;
        }
        if !wants_all(&tree) {
            start.late = start.late.max(Late::AfterFailure);
        }
        (Start { is_tolerant: true, may_be_omitted: true, ..start }, true)
    }

    fn unread(&mut self, depends: &Tree) {
        let why = "it cannot be read, so the step is left out until it is written anew";
        self.losses.add("depends", why, depends.text().unwrap_or_default(), depends.place);
    }

    fn ended(&mut self, tree: &Expression, scope: &Scope, depends: &Tree) -> Holds {
        let find = |name: &String| scope.called.get(name).cloned();
        match tree {
            Expression::Path(path) => {
                let Some(called) = path.first().and_then(find) else { return Holds::Unknown };
                match path.get(1).map(String::as_str) {
                    None => called.is_well(),
                    Some("Succeeded") => called.succeeded(),
                    Some("Failed") => called.failed(),
                    Some("Skipped") => called.skipped(),
                    Some("Omitted") => called.omitted(),
                    Some("AnySucceeded") => called.any_succeeded(),
                    Some("AllFailed") => called.all_failed(),
                    Some("Errored" | "Daemoned") => {
                        let why = "a plan knows no such end of a step, so this is never so";
                        self.losses.add("depends", why, &path.join("."), depends.place);
                        Holds::Never
                    }
                    Some(_) => Holds::Unknown,
                }
            }
            Expression::Number(name) => find(name).map_or(Holds::Unknown, |called| called.is_well()),
            Expression::Not(inner) => self.ended(inner, scope, depends).not(),
            Expression::Pair("&&", left, right) => {
                let left = self.ended(left, scope, depends);
                left.and(&self.ended(right, scope, depends))
            }
            Expression::Pair("||", left, right) => {
                let left = self.ended(left, scope, depends);
                left.or(&self.ended(right, scope, depends))
            }
            _ => Holds::Unknown,
        }
    }
}

/// Whether it says no more than `needs` does.
fn is_plain(tree: &Expression, scope: &Scope) -> bool {
    match tree {
        Expression::Path(path) => match path.as_slice() {
            [_] => true,
            [name, end] => {
                let called = scope.called.get(name);
                end == "Succeeded" && called.is_none_or(|called| called.is_what_its_name_asks())
            }
            _ => false,
        },
        Expression::Number(_) => true,
        Expression::Pair("&&", left, right) => is_plain(left, scope) && is_plain(right, scope),
        _ => false,
    }
}

/// Whether it is never so after a failure: all have to end well.
fn wants_all(tree: &Expression) -> bool {
    match tree {
        Expression::Path(path) => path.get(1).is_none_or(|end| end == "Succeeded"),
        Expression::Number(_) => true,
        Expression::Pair("&&", left, right) => wants_all(left) && wants_all(right),
        _ => false,
    }
}

/// Whether it may be so where nothing of what it names has begun.
fn asks_for_less(tree: &Expression) -> bool {
    match tree {
        Expression::Not(_) => true,
        Expression::Path(path) => path.get(1).is_some_and(|end| end == "Omitted"),
        Expression::Pair(_, left, right) => asks_for_less(left) || asks_for_less(right),
        _ => false,
    }
}
