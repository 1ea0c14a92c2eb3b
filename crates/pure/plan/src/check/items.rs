//! What a `foreach` step's items look like and how many there can be, before anything runs.
//!
//! A list without a declared maximum is counted as ten thousand items, the most that any `foreach` may have, and the
//! plan is marked as unbounded: outside single-tenant mode such a plan is refused.

use super::expressions::{output_shape, shape};
use crate::diagnostic::codes;
use crate::diagnostic::collector::{Collector, Report};
use crate::document::{Draft, StepDraft};
use crate::expression::check::{Names, Shape, examine, most};
use crate::input::{Schema, Type};
use crate::plan::{Foreach, MOST_ITEMS, Source};
use crate::template::TemplateValue;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Counts the items of each `foreach`, needs first.
pub(crate) fn count(draft: &mut Draft, order: &[usize]) {
    if draft.steps.iter().all(|step| step.foreach.is_none()) {
        return;
    }
    let index: BTreeMap<Arc<str>, usize> =
        draft.steps.iter().enumerate().map(|(at, step)| (step.id.clone(), at)).collect();
    for at in order {
        let Some(foreach) = draft.steps.get(*at).and_then(|step| step.foreach.as_ref()) else { continue };
        let found = of_source(&foreach.source, draft, &index);
        let Some(foreach) = draft.steps.get_mut(*at).and_then(|step| step.foreach.as_mut()) else { continue };
        foreach.is_bounded = found.is_some();
        foreach.most = found.unwrap_or(u64::MAX);
    }
}

/// Tells which lists have no maximum, or too high a one, and holds the counts at the most that any may have.
pub(crate) fn tell(draft: &mut Draft, sink: &mut Collector<'_>) {
    for step in &mut draft.steps {
        let place = step.foreach_place.unwrap_or(step.place);
        let Some(foreach) = &mut step.foreach else { continue };
        let (count, is_bounded) = (foreach.most, foreach.is_bounded);
        foreach.most = count.min(MOST_ITEMS);
        // Of a list that is none nobody asks how long it is.
        if count <= MOST_ITEMS || !sink.has_room_for_warnings() || sink.has_error_within(place) {
            continue;
        }
        let report = if is_bounded {
            let message = format!("`foreach` may have up to {count} items, and {MOST_ITEMS} is the most");
            Report::warning(codes::UNBOUNDED_ITEMS, place, message)
                .why("with more items than that the step fails when it starts")
                .fix("a smaller   maxItems   in the schemas of its lists")
        } else {
            let message = "nothing says how many items this list can have";
            Report::warning(codes::UNBOUNDED_ITEMS, place, message)
                .label(format!("counted as {MOST_ITEMS}, the most that `foreach` may have"))
                .why("the worst case of the plan is bounded by it, and outside single-tenant mode the plan is refused")
                .fix("maxItems: 100   in the schema of the input, or in   outputs: { type: array, maxItems: 100 }   of the step that gives the list")
        };
        sink.add(report);
    }
}

fn of_source(source: &Source, draft: &Draft, index: &BTreeMap<Arc<str>, usize>) -> Option<u64> {
    match source {
        Source::List(list) => of_list(list, draft, index),
        Source::Product(lists) => lists
            .values()
            .try_fold(1_u64, |product, list| Some(product.saturating_mul(of_list(list, draft, index)?))),
    }
}

fn of_list(list: &TemplateValue, draft: &Draft, index: &BTreeMap<Arc<str>, usize>) -> Option<u64> {
    match list {
        TemplateValue::Literal(Value::Array(items)) => Some(items.len() as u64),
        TemplateValue::List(items) => Some(items.len() as u64),
        TemplateValue::Expression(expression) => {
            most(expression, &|path, repeats| declared(path, repeats, draft, index))
        }
        TemplateValue::Literal(_) | TemplateValue::Text(_) | TemplateValue::Object(_) => None,
    }
}

/// The declared maximum of a list that a path names, or of what macros repeat over.
fn declared(path: &[&str], repeats: bool, draft: &Draft, index: &BTreeMap<Arc<str>, usize>) -> Option<u64> {
    match path {
        ["inputs", name, rest @ ..] => of_schema(&draft.inputs.get(*name)?.schema, rest, repeats),
        ["vars", name, rest @ ..] => {
            let found = rest.iter().try_fold(draft.vars.get(*name)?, |value, name| value.get(name))?;
            Some(of_fixed(found, repeats))
        }
        ["steps", id, "output", rest @ ..] => {
            let step = draft.steps.get(*index.get(*id)?)?;
            match &step.foreach {
                Some(foreach) if rest.is_empty() => {
                    foreach.is_bounded.then_some(foreach.most.min(MOST_ITEMS))
                }
                Some(_) => None,
                None => of_schema(step.output_schema.as_ref()?, rest, repeats),
            }
        }
        _ => None,
    }
}

/// What a schema says of the items of a list and, where macros repeat, of the keys of an object. What it does not say has no
/// maximum.
fn of_schema(schema: &Schema, path: &[&str], repeats: bool) -> Option<u64> {
    let found = path.iter().try_fold(schema, |schema, name| schema.properties.get(*name))?;
    let may_be = |one: Type| found.types.is_empty() || found.types.contains(&one);
    let keys = if repeats && may_be(Type::Object) {
        (!found.additional).then_some(found.properties.len() as u64)
    } else {
        Some(0)
    };
    let items = if may_be(Type::Array) { found.max_items } else { Some(0) };
    let largest = |values: &[Value]| values.iter().map(|value| of_fixed(value, repeats)).max();
    let one_of = found.one_of.as_deref().and_then(largest);
    let constant = found.constant.as_ref().map(|value| of_fixed(value, repeats));
    let structure = items.zip(keys).map(|(items, keys)| items.max(keys));
    [structure, one_of, constant].into_iter().flatten().min()
}

/// What a value has that is written down. A `foreach` over anything but a list fails before it has items.
fn of_fixed(value: &Value, repeats: bool) -> u64 {
    match value {
        Value::Array(items) => items.len() as u64,
        Value::Object(members) if repeats => members.len() as u64,
        Value::Object(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// The shape of one item.
pub(crate) fn item(foreach: &Foreach, names: &Names) -> Shape {
    match &foreach.source {
        Source::List(list) => element(list, names),
        Source::Product(lists) => Shape::Object {
            fields: lists.iter().map(|(name, list)| (name.clone(), element(list, names))).collect(),
            open: false,
        },
    }
}

fn element(list: &TemplateValue, names: &Names) -> Shape {
    match of_value(list, names) {
        Shape::List(items) => *items,
        _ => Shape::Any,
    }
}

/// The shape of a value with expressions inside.
pub(crate) fn of_value(value: &TemplateValue, names: &Names) -> Shape {
    match value {
        TemplateValue::Literal(value) => Shape::of(value),
        TemplateValue::Expression(expression) => examine(expression, names).1,
        TemplateValue::Text(_) => Shape::String,
        TemplateValue::List(items) => {
            let items = items.iter().map(|item| of_value(item, names));
            Shape::list(items.reduce(Shape::or).unwrap_or(Shape::Any))
        }
        TemplateValue::Object(members) => Shape::Object {
            fields: members.iter().map(|(name, member)| (name.clone(), of_value(member, names))).collect(),
            open: false,
        },
    }
}

fn of_attempt(step: &StepDraft) -> Shape {
    match &step.output_schema {
        Some(schema) => shape(schema),
        None => output_shape(step),
    }
}

/// Asks something about what undoes a step: it sees what one attempt left behind, of a `foreach` that of its item.
pub(crate) fn for_undoing<T>(step: &StepDraft, names: &mut Names, ask: impl FnOnce(&mut Names) -> T) -> T {
    if step.foreach.is_none() {
        return ask(names);
    }
    let all = names.steps.insert(step.id.clone(), of_attempt(step));
    let answer = ask(names);
    if let Some(all) = all {
        names.steps.insert(step.id.clone(), all);
    }
    answer
}

/// What a step leaves behind, `foreach` included.
pub(crate) fn left_behind(step: &StepDraft) -> Shape {
    let one = of_attempt(step);
    match &step.foreach {
        None => one,
        // An item that failed under `continueOnError` left null.
        Some(_) if step.continue_on_error => Shape::list(Shape::Any),
        Some(_) => Shape::list(one),
    }
}

/// What a plan's outputs look like, for whoever has it as a sub-plan.
pub(crate) fn of_outputs(draft: &Draft, names: &Names) -> BTreeMap<String, Shape> {
    draft.outputs.iter().map(|(name, value)| (name.clone(), of_value(value, names))).collect()
}
