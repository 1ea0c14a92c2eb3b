//! WfCommons instances (WfFormat 1.3 to 1.5): a task becomes a step that only pretends to work, its parents its needs.
//!
//! The recorded runtime, a thousandth of it, is what the step simulates. Programs, files and machines of the recording are
//! not kept: the instance says what ran once on somebody's cluster, not what can run here.

use crate::pointer::{Hop, Pointer};
use crate::report::Losses;
use crate::round::{self, Waits};
use crate::{Error, Imported, Node, Report, json, names, pointer};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The most steps of a plan.
const MOST: usize = 50_000;
/// Recorded seconds for one simulated second.
const SCALE: f64 = 1_000.0;

/// Imports an instance.
pub fn import(text: &str) -> Result<Imported, Error> {
    let document = json(text)?;
    let workflow = document.get("workflow").ok_or_else(|| kind("there is no `workflow`"))?;
    // 1.5 tells what is to run from what ran; before it both stood in one list.
    let specification = workflow.get("specification").unwrap_or(workflow);
    let tasks = specification.get("tasks").and_then(Value::as_array);
    let tasks = tasks.ok_or_else(|| kind("there is no list of tasks"))?;
    if tasks.len() > MOST {
        return Err(Error::TooLarge(tasks.len()));
    }
    let mut losses = Losses::default();
    let mut named: BTreeMap<&str, (usize, &Value)> = BTreeMap::new();
    for (index, task) in tasks.iter().enumerate() {
        let id = name_of(task).ok_or_else(|| kind(&format!("task {index} has neither id nor name")))?;
        if named.insert(id, (index, task)).is_some() {
            return Err(kind(&format!("two tasks are called `{id}`")));
        }
    }
    if named.is_empty() {
        return Err(Error::Empty);
    }
    let runtimes = runtimes(workflow, tasks);
    let ids = names::ids(named.keys().copied());
    let mut steps = Vec::new();
    let mut edges = 0;
    let above: &[&str] =
        if workflow.get("specification").is_some() { &["workflow", "specification"] } else { &["workflow"] };
    let way_of = |index: usize, key: &str| -> Pointer {
        let above = above.iter().map(|key| Hop::from(*key));
        above.chain([Hop::from("tasks"), Hop::from(index), Hop::from(key)]).collect()
    };
    if let Some(round) = round::of(&waits(&named)) {
        let first = round.first().and_then(|name| named.get(name)).map_or(0, |(index, _)| *index);
        return Err(round::refused("tasks", &round, pointer::place(text, way_of(first, "parents"))));
    }
    for (name, (index, task)) in &named {
        let way = |key: &str| way_of(*index, key);
        let mut needs = BTreeSet::new();
        let parents = task.get("parents").and_then(Value::as_array).into_iter().flatten();
        for (nth, parent) in parents.enumerate() {
            let way = || way("parents").into_iter().chain([Hop::from(nth)]).collect();
            match parent.as_str().map(|parent| (parent, ids.get(parent))) {
                Some((_, Some(id))) => {
                    needs.insert(id.clone());
                }
                Some((parent, None)) => losses.point("parent", "no such task is there", parent, way),
                None => losses.point("parent", "it is no name", &parent.to_string(), way),
            }
        }
        edges += needs.len() as u64;
        for key in ["inputFiles", "outputFiles", "files", "command"] {
            if task.get(key).is_some_and(|value| !is_empty(value)) {
                let why = "a step that simulates touches no files and runs no program";
                losses.point(key, why, &format!("{key} of {name}"), || way(key));
            }
        }
        let id = ids.get(*name).cloned().unwrap_or_default();
        let step = step(name, &id, needs, runtimes.get(name));
        steps.push((id, step));
    }
    for key in ["machines", "makespanInSeconds"] {
        let execution = workflow.get("execution");
        if execution.unwrap_or(workflow).get(key).is_some() {
            let above: &[&str] = if execution.is_some() { &["workflow", "execution"] } else { &["workflow"] };
            let way = || above.iter().chain([&key]).map(|key| Hop::from(*key)).collect();
            losses.point(key, "where and how long it ran once is not part of a plan", key, way);
        }
    }
    let name = document.get("name").and_then(Value::as_str).unwrap_or("wfcommons");
    let plan = Node::Map(vec![
        ("apiVersion".to_owned(), Node::word("dvt/v1")),
        ("name".to_owned(), Node::word(names::plan_name(name))),
        ("title".to_owned(), Node::Text(names::literal(name))),
        ("steps".to_owned(), Node::Map(steps)),
    ]);
    let report =
        Report { steps: named.len() as u64, source_edges: edges, missing: 0, lost: losses.list(text) };
    Ok(Imported { plan, report })
}

/// The parents of each task.
fn waits<'a>(named: &BTreeMap<&'a str, (usize, &'a Value)>) -> Waits<'a> {
    let parents = |task: &'a Value| task.get("parents").and_then(Value::as_array).into_iter().flatten();
    named.iter().map(|(name, (_, task))| (*name, parents(task).filter_map(Value::as_str).collect())).collect()
}

fn kind(detail: &str) -> Error {
    Error::Kind { expected: "WfCommons instance", detail: detail.to_owned() }
}

fn name_of(task: &Value) -> Option<&str> {
    task.get("id").or_else(|| task.get("name")).and_then(Value::as_str)
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(entries) => entries.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Recorded seconds by task.
fn runtimes<'a>(workflow: &'a Value, tasks: &'a [Value]) -> BTreeMap<&'a str, f64> {
    let ran = workflow.pointer("/execution/tasks").and_then(Value::as_array).map_or(tasks, Vec::as_slice);
    let each = ran.iter().filter_map(|task| {
        let seconds = task.get("runtimeInSeconds").or_else(|| task.get("runtime"))?.as_f64()?;
        Some((name_of(task)?, seconds))
    });
    each.collect()
}

fn step(name: &str, id: &str, needs: BTreeSet<String>, seconds: Option<&f64>) -> Node {
    let mut step = Vec::new();
    if name != id {
        step.push(("title".to_owned(), Node::Text(names::literal(name))));
    }
    if !needs.is_empty() {
        step.push(("needs".to_owned(), Node::List(needs.into_iter().map(Node::Word).collect())));
    }
    step.push(("uses".to_owned(), Node::word("dvt/noop@1")));
    let milliseconds = seconds.filter(|seconds| **seconds > 0.0).map(|seconds| seconds * 1_000.0 / SCALE);
    if let Some(milliseconds) = milliseconds.map(f64::ceil).filter(|value| *value < 86_400_000.0) {
        let simulate = Node::word(format!("{milliseconds:.0}ms"));
        step.push(("with".to_owned(), Node::Map(vec![("simulate".to_owned(), simulate)])));
    }
    Node::Map(step)
}
