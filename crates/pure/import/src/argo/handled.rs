//! Failures that a `dag` handles: a task whose failure lets every task behind it run does not fail the `dag`.
//!
//! Argo judges a `dag` by its last tasks, and one that was omitted counts as what it waited for. So a failure is handled where
//! whatever depends on the task begins because of it. That is decided here before the run, under the assumption that nothing else
//! fails unhandled (that fails the run by itself); what is not certain is not handled, and told.

use super::depends;
use crate::foreign::parse::{self, Tree as Expression};
use crate::foreign::tree::Tree;
use std::collections::{BTreeMap, BTreeSet};

/// Ends that a task may have, as bits.
type Ends = u8;
const SUCCEEDED: Ends = 1;
const FAILED: Ends = 2;
const SKIPPED: Ends = 4;
const OMITTED: Ends = 8;
/// It failed, and those behind it run all the same.
const TOLERATED: Ends = 16;

/// More tasks are not looked through: the work is their square.
const MOST: usize = 500;

/// What is known of the failures of tasks.
#[derive(Debug, Default)]
pub(super) struct Failures {
    /// Tasks whose failure is handled.
    pub(super) handled: BTreeSet<String>,
    /// Tasks whose failure lets another begin and fails the run all the same.
    pub(super) asked: BTreeSet<String>,
}

struct Task {
    name: String,
    names: Vec<String>,
    /// None where it waits for nothing.
    depends: Option<Expression>,
    may_skip: bool,
    continues: bool,
}

/// Looks through tasks that are in an order in which none stands before one that it waits for.
pub(super) fn failures(tasks: &[&Tree]) -> Failures {
    let mut found = Failures::default();
    if tasks.len() > MOST || tasks.iter().all(|task| task.get("depends").is_none()) {
        return found;
    }
    let tasks: Vec<Task> = tasks.iter().map(|task| read(task)).collect();
    // Those that a decision took to succeed must not be handled later, for then they might not.
    let mut assumed = BTreeSet::new();
    for (at, task) in tasks.iter().enumerate().rev() {
        if task.continues {
            continue;
        }
        let (mut is_asked, mut is_handled) = (false, true);
        for before in ways(task) {
            let mut ends = BTreeMap::new();
            for (nth, other) in tasks.iter().enumerate() {
                let begins = begins(other, &ends);
                if other.names.contains(&task.name) {
                    is_asked |= begins != Some(false);
                    is_handled &= begins == Some(true) && !other.may_skip;
                }
                let end = match before.get(other.name.as_str()) {
                    _ if nth == at => FAILED,
                    Some(end) => *end,
                    None => end_of(other, begins, &found),
                };
                ends.insert(other.name.as_str(), end);
            }
        }
        if !is_asked {
            continue;
        }
        if is_handled && !assumed.contains(&task.name) {
            found.handled.insert(task.name.clone());
            let around = tasks.iter().filter(|other| other.names.contains(&task.name));
            let beside = around.flat_map(|other| &other.names).filter(|name| **name != task.name);
            for name in beside.collect::<BTreeSet<_>>() {
                assumed.insert(name.clone());
                assumed.extend(
                    tasks
                        .iter()
                        .find(|task| task.name == *name)
                        .map(|task| all_before(task, &tasks))
                        .unwrap_or_default(),
                );
            }
        } else {
            found.asked.insert(task.name.clone());
        }
    }
    found
}

fn read(task: &Tree) -> Task {
    let repeats = ["withItems", "withParam", "withSequence"];
    Task {
        name: task.text_of("name").unwrap_or_default().to_owned(),
        names: depends::names(task),
        depends: task.text_of("depends").and_then(parse::parse),
        may_skip: task.get("when").is_some() || repeats.iter().any(|key| task.get(key).is_some()),
        continues: super::call::continues(task),
    }
}

/// The ends of what a task waits for with which it begins, and so can fail.
fn ways(task: &Task) -> Vec<BTreeMap<&str, Ends>> {
    let names: BTreeSet<&str> = task.names.iter().map(String::as_str).collect();
    let every = SUCCEEDED | FAILED | SKIPPED | OMITTED;
    if names.len() > 3 {
        return vec![names.into_iter().map(|name| (name, every)).collect()];
    }
    let mut all = vec![BTreeMap::new()];
    for name in names {
        let mut more = Vec::new();
        for ends in &all {
            for end in [SUCCEEDED, FAILED, SKIPPED, OMITTED] {
                let mut ends: BTreeMap<&str, Ends> = ends.clone();
                ends.insert(name, end);
                more.push(ends);
            }
        }
        all = more;
    }
    all.retain(|ends| begins(task, ends) != Some(false));
    all
}

/// Every task that a task waits for, and those that they wait for.
fn all_before(task: &Task, tasks: &[Task]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&String> = task.names.iter().collect();
    while let Some(name) = open.pop() {
        if found.insert(name.clone()) {
            open.extend(tasks.iter().filter(|task| task.name == *name).flat_map(|task| &task.names));
        }
    }
    found
}

fn end_of(task: &Task, begins: Option<bool>, found: &Failures) -> Ends {
    let skipped = if task.may_skip { SKIPPED } else { 0 };
    let failed = match task.continues {
        true => TOLERATED,
        false if found.handled.contains(&task.name) => FAILED,
        false => 0,
    };
    match begins {
        Some(true) => SUCCEEDED | skipped | failed,
        Some(false) => OMITTED,
        None => SUCCEEDED | OMITTED | skipped | failed,
    }
}

/// Whether a task begins; none where it may be so or otherwise.
fn begins(task: &Task, ends: &BTreeMap<&str, Ends>) -> Option<bool> {
    match &task.depends {
        Some(tree) => is_so(tree, ends),
        None => {
            let each: Vec<Option<bool>> = task.names.iter().map(|name| well(name, ends)).collect();
            if each.contains(&Some(false)) {
                Some(false)
            } else {
                each.into_iter().collect::<Option<Vec<_>>>().map(|_| true)
            }
        }
    }
}

fn well(name: &str, ends: &BTreeMap<&str, Ends>) -> Option<bool> {
    within(ends.get(name).copied()?, SUCCEEDED | SKIPPED | TOLERATED)
}

fn within(ends: Ends, wanted: Ends) -> Option<bool> {
    match (ends & wanted, ends & !wanted) {
        (0, _) => Some(false),
        (_, 0) => Some(true),
        _ => None,
    }
}

fn is_so(tree: &Expression, ends: &BTreeMap<&str, Ends>) -> Option<bool> {
    match tree {
        Expression::Path(path) => {
            let name = path.first()?;
            let end = ends.get(name.as_str()).copied()?;
            match path.get(1).map(String::as_str) {
                None => well(name, ends),
                Some("Succeeded") => within(end, SUCCEEDED),
                Some("Failed") => within(end, FAILED | TOLERATED),
                Some("Skipped") => within(end, SKIPPED),
                Some("Omitted") => within(end, OMITTED),
                Some("Errored" | "Daemoned") => Some(false),
                Some(_) => None,
            }
        }
        Expression::Number(name) => well(name, ends),
        Expression::Not(inner) => Some(!is_so(inner, ends)?),
        Expression::Pair("&&", left, right) => match (is_so(left, ends), is_so(right, ends)) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        },
        Expression::Pair("||", left, right) => match (is_so(left, ends), is_so(right, ends)) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (Some(false), Some(false)) => Some(false),
            _ => None,
        },
        _ => None,
    }
}
