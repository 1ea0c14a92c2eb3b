//! Templates to values. What came out of an expression is never parsed, split or evaluated again: it is put where it
//! stands, as it is.

use crate::bindings;
use crate::evolve;
use crate::ground::Ground;
use dvt_model::canonical;
use dvt_model::id::StepId;
use dvt_plan::expression::{Expression, Fault, evaluate};
use dvt_plan::plan::{Foreach, Form, Lists, Plan, Source, Step};
use dvt_plan::template::{Piece, Template, TemplateValue};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The largest value that a ledger takes (contract 6.7).
// INVARIANT(INV-21): many expressions together are bounded like one.
pub(crate) const MAX_VALUE_BYTES: u64 = 8 << 20;

/// The inputs of an attempt, as they stand in StepStarted: canonical, and not larger than a ledger takes.
pub(crate) fn inputs<G: Ground>(plan: &Plan, ground: &G, of: &StepId, step: &Step) -> Result<Value, Fault> {
    let with = match &step.with {
        Some(with) => value(plan, ground, of, with)?,
        None => Value::Null,
    };
    let inputs = match &step.form {
        Form::Run { arguments, .. } => {
            let arguments =
                arguments.iter().map(|argument| text(plan, ground, of, argument).map(Value::String));
            let arguments = arguments.collect::<Result<Vec<_>, _>>()?;
            json!({ "arguments": arguments, "env": environment(plan, ground, of, step)?, "with": with })
        }
        Form::Script { .. } => json!({ "env": environment(plan, ground, of, step)?, "with": with }),
        Form::Noop { .. } | Form::Uses(_) | Form::Plan(_) => json!({ "with": with }),
        Form::WaitUntil { at } => json!({ "until": value(plan, ground, of, at)? }),
        Form::Wait { .. } | Form::Signal(_) => json!({}),
        // What the voters are shown.
        Form::Approval(_) => {
            let outputs = step.reads.iter().map(|id| {
                let output = ground.output(id).cloned().unwrap_or(Value::Null);
                (id.to_string(), output)
            });
            json!({ "outputs": outputs.collect::<Map<_, _>>() })
        }
    };
    let inputs = canonical::normalise(inputs).map_err(|error| Fault::Failed(error.to_string()))?;
    if evolve::size(&inputs) > MAX_VALUE_BYTES {
        return Err(Fault::OverBudget("8 MiB for all inputs of a step together"));
    }
    Ok(inputs)
}

/// The items of a `foreach`, in order.
pub(crate) fn items<G: Ground>(
    plan: &Plan,
    ground: &G,
    of: &StepId,
    foreach: &Foreach,
) -> Result<Vec<Value>, Fault> {
    let lists = match &foreach.source {
        Source::List(list) => Lists::List(value(plan, ground, of, list)?),
        Source::Product(lists) => {
            let lists = lists.iter().map(|(name, list)| Ok((name.clone(), value(plan, ground, of, list)?)));
            Lists::Product(lists.collect::<Result<_, Fault>>()?)
        }
    };
    let exclude = foreach.exclude.as_ref().map(|exclude| value(plan, ground, of, exclude)).transpose()?;
    let items = Foreach::items(lists, exclude.as_ref()).map_err(|error| Fault::Failed(error.to_string()))?;
    let items =
        canonical::normalise(Value::Array(items)).map_err(|error| Fault::Failed(error.to_string()))?;
    if evolve::size(&items) > MAX_VALUE_BYTES {
        return Err(Fault::OverBudget("8 MiB for all items of a step together"));
    }
    match items {
        Value::Array(items) => Ok(items),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            Ok(Vec::new())
        }
    }
}

/// The plan's outputs.
pub(crate) fn outputs<G: Ground>(plan: &Plan, ground: &G) -> Result<BTreeMap<String, Value>, Fault> {
    // The outputs belong to no step.
    let of = &StepId::gate();
    let outputs = plan.outputs.iter().map(|(name, template)| {
        let value = value(plan, ground, of, template)?;
        let value = canonical::normalise(value).map_err(|error| Fault::Failed(error.to_string()))?;
        Ok((name.clone(), value))
    });
    outputs.collect()
}

/// The plan's concurrency group.
pub(crate) fn group<G: Ground>(plan: &Plan, ground: &G, group: &Template) -> Result<String, Fault> {
    // It belongs to no step.
    text(plan, ground, &StepId::gate(), group)
}

/// Strings as they are, other values as canonical JSON.
fn environment<G: Ground>(
    plan: &Plan,
    ground: &G,
    of: &StepId,
    step: &Step,
) -> Result<Map<String, Value>, Fault> {
    let pairs = step.env.iter().map(|(name, template)| {
        let text = match value(plan, ground, of, template)? {
            Value::String(text) => text,
            other
            @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                canonical_text(&other)?
            }
        };
        Ok((name.clone(), Value::String(text)))
    });
    pairs.collect()
}

fn canonical_text(value: &Value) -> Result<String, Fault> {
    let bytes = canonical::to_bytes(value).map_err(|error| Fault::Failed(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| Fault::Failed(error.to_string()))
}

fn value<G: Ground>(plan: &Plan, ground: &G, of: &StepId, template: &TemplateValue) -> Result<Value, Fault> {
    match template {
        TemplateValue::Literal(value) => Ok(value.clone()),
        TemplateValue::Expression(expression) => ask(plan, ground, of, expression),
        TemplateValue::Text(template) => text(plan, ground, of, template).map(Value::String),
        TemplateValue::List(items) => {
            items.iter().map(|item| value(plan, ground, of, item)).collect::<Result<_, _>>().map(Value::Array)
        }
        TemplateValue::Object(members) => {
            let members =
                members.iter().map(|(name, member)| Ok((name.clone(), value(plan, ground, of, member)?)));
            members.collect::<Result<_, _>>().map(Value::Object)
        }
    }
}

fn text<G: Ground>(plan: &Plan, ground: &G, of: &StepId, template: &Template) -> Result<String, Fault> {
    let mut out = String::new();
    for piece in &template.pieces {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Expression(expression) => match ask(plan, ground, of, expression)? {
                Value::String(text) => out.push_str(&text),
                plain @ (Value::Bool(_) | Value::Number(_)) => out.push_str(&canonical_text(&plain)?),
                Value::Null | Value::Array(_) | Value::Object(_) => {
                    let source = expression.source();
                    return Err(Fault::Failed(format!(
                        "`{source}` stands in text and gives no string, number or boolean"
                    )));
                }
            },
        }
    }
    Ok(out)
}

fn ask<G: Ground>(plan: &Plan, ground: &G, of: &StepId, expression: &Expression) -> Result<Value, Fault> {
    evaluate(expression, &bindings::of(plan, ground, of, expression))
}

/// The name of a person: a text as it is, or a number.
pub(crate) fn name<G: Ground>(
    plan: &Plan,
    ground: &G,
    of: &StepId,
    template: &TemplateValue,
) -> Result<String, Fault> {
    match value(plan, ground, of, template)? {
        Value::String(name) => Ok(name),
        number @ Value::Number(_) => canonical_text(&number),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
            Err(Fault::Failed("`subject` gives no text and no number".to_owned()))
        }
    }
}

/// The steps that the plan's outputs ask for.
pub(crate) fn names_of_outputs(plan: &Plan) -> BTreeSet<StepId> {
    let mut names = BTreeSet::new();
    for template in plan.outputs.values() {
        template.each_expression(&mut |expression| names.extend(expression.steps().iter().cloned()));
    }
    names
}
