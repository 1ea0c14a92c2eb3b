//! `depends` and `dependencies` of a task: what it waits for, and whether how that ended decides.

use super::{Importer, Scope};
use crate::foreign::expression::field;
use crate::foreign::parse::{self, Tree as Expression};
use crate::foreign::tree::Tree;
use std::collections::BTreeSet;

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

/// Whether it says no more than `needs` does.
fn is_plain(tree: &Expression) -> bool {
    match tree {
        Expression::Path(path) => {
            matches!(path.as_slice(), [_]) || path.get(1).is_some_and(|end| end == "Succeeded")
        }
        Expression::Number(_) => true,
        Expression::Pair("&&", left, right) => is_plain(left) && is_plain(right),
        _ => false,
    }
}

impl Importer<'_> {
    /// The steps that a task waits for, and its condition on them.
    pub(super) fn depends(&mut self, task: &Tree, scope: &Scope) -> (BTreeSet<String>, Option<String>) {
        let mut needs = BTreeSet::new();
        for name in names(task) {
            match scope.called.get(&name) {
                Some(called) => needs.extend(called.exits.iter().cloned()),
                None => self.losses.add("depends", "there is no such task", &name, task.place),
            }
        }
        let Some(depends) = task.get("depends") else { return (needs, None) };
        let tree = depends.text().and_then(parse::parse);
        let condition = match &tree {
            Some(tree) if is_plain(tree) => None,
            Some(tree) => match self.ended(tree, scope) {
                Some(condition) => Some(format!("always() && ({condition})")),
                None => Some("false".to_owned()),
            },
            None => Some("false".to_owned()),
        };
        if condition.as_deref() == Some("false") {
            let why = "it cannot be read, so the step is left out until it is written anew";
            self.losses.add("depends", why, depends.text().unwrap_or_default(), depends.place);
        }
        (needs, condition)
    }

    fn ended(&self, tree: &Expression, scope: &Scope) -> Option<String> {
        match tree {
            Expression::Path(path) => {
                let called = scope.called.get(path.first()?)?;
                let test = match path.get(1).map(String::as_str) {
                    None => "in [\"SUCCESS\", \"SKIPPED\"]",
                    Some("Succeeded" | "AnySucceeded") => "== \"SUCCESS\"",
                    Some("Failed" | "Errored" | "AllFailed") => "== \"FAILED\"",
                    Some("Skipped" | "Omitted") => "== \"SKIPPED\"",
                    Some(_) => return None,
                };
                let any = path.get(1).is_some_and(|end| end == "AnySucceeded" || end == "Failed");
                let each: Vec<String> = called
                    .exits
                    .iter()
                    .map(|step| format!("{}.status {test}", field("steps", step)))
                    .collect();
                match each.as_slice() {
                    [] => None,
                    [one] => Some(one.clone()),
                    several => Some(several.join(if any { " || " } else { " && " })),
                }
            }
            Expression::Not(inner) => Some(format!("!({})", self.ended(inner, scope)?)),
            Expression::Pair(sign @ ("&&" | "||"), left, right) => {
                Some(format!("({}) {sign} ({})", self.ended(left, scope)?, self.ended(right, scope)?))
            }
            _ => None,
        }
    }
}
