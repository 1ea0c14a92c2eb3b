//! Templates to values. What came out of an expression is never parsed, split or evaluated again: it is put where it
//! stands, as it is.

use crate::bindings;
use crate::evolve;
use crate::ground::Ground;
use dvt_model::canonical;
use dvt_model::id::StepId;
use dvt_plan::expression::{Expression, Fault, evaluate};
use dvt_plan::plan::{Form, Plan, Step};
use dvt_plan::template::{Piece, Template, TemplateValue};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The largest value that a ledger takes (contract 6.7).
// INVARIANT(INV-21): many expressions together are bounded like one.
pub(crate) const MAX_VALUE_BYTES: u64 = 8 << 20;

/// The inputs of an attempt, as they stand in StepStarted: canonical, and not larger than a ledger takes.
pub(crate) fn inputs<G: Ground>(plan: &Plan, ground: &G, step: &Step) -> Result<Value, Fault> {
    let with = match &step.with {
        Some(with) => value(plan, ground, with)?,
        None => Value::Null,
    };
    let inputs = match &step.form {
        Form::Run { arguments, .. } => {
            let arguments = arguments.iter().map(|argument| text(plan, ground, argument).map(Value::String));
            let arguments = arguments.collect::<Result<Vec<_>, _>>()?;
            json!({ "arguments": arguments, "env": environment(plan, ground, step)?, "with": with })
        }
        Form::Script { .. } => json!({ "env": environment(plan, ground, step)?, "with": with }),
        Form::Noop { .. } | Form::Uses(_) | Form::Plan(_) => json!({ "with": with }),
        Form::Wait { .. } | Form::WaitUntil { .. } | Form::Approval(_) | Form::Signal(_) => json!({}),
    };
    let inputs = canonical::normalise(inputs).map_err(|error| Fault::Failed(error.to_string()))?;
    if evolve::size(&inputs) > MAX_VALUE_BYTES {
        return Err(Fault::OverBudget("8 MiB for all inputs of a step together"));
    }
    Ok(inputs)
}

/// The plan's outputs.
pub(crate) fn outputs<G: Ground>(plan: &Plan, ground: &G) -> Result<BTreeMap<String, Value>, Fault> {
    let outputs = plan.outputs.iter().map(|(name, template)| {
        let value = value(plan, ground, template)?;
        let value = canonical::normalise(value).map_err(|error| Fault::Failed(error.to_string()))?;
        Ok((name.clone(), value))
    });
    outputs.collect()
}

/// Strings as they are, other values as canonical JSON.
fn environment<G: Ground>(plan: &Plan, ground: &G, step: &Step) -> Result<Map<String, Value>, Fault> {
    let pairs = step.env.iter().map(|(name, template)| {
        let text = match value(plan, ground, template)? {
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

fn value<G: Ground>(plan: &Plan, ground: &G, template: &TemplateValue) -> Result<Value, Fault> {
    match template {
        TemplateValue::Literal(value) => Ok(value.clone()),
        TemplateValue::Expression(expression) => ask(plan, ground, expression),
        TemplateValue::Text(template) => text(plan, ground, template).map(Value::String),
        TemplateValue::List(items) => {
            items.iter().map(|item| value(plan, ground, item)).collect::<Result<_, _>>().map(Value::Array)
        }
        TemplateValue::Object(members) => {
            let members =
                members.iter().map(|(name, member)| Ok((name.clone(), value(plan, ground, member)?)));
            members.collect::<Result<_, _>>().map(Value::Object)
        }
    }
}

fn text<G: Ground>(plan: &Plan, ground: &G, template: &Template) -> Result<String, Fault> {
    let mut out = String::new();
    for piece in &template.pieces {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Expression(expression) => match ask(plan, ground, expression)? {
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

fn ask<G: Ground>(plan: &Plan, ground: &G, expression: &Expression) -> Result<Value, Fault> {
    evaluate(expression, &bindings::of(plan, ground, expression))
}

/// The steps whose outputs the expressions of a step may ask for, its condition included.
pub(crate) fn names_of(step: &Step) -> BTreeSet<StepId> {
    let mut names = BTreeSet::new();
    step.each_expression(&mut |expression| names.extend(expression.steps().iter().cloned()));
    names
}

/// The steps that the plan's outputs ask for.
pub(crate) fn names_of_outputs(plan: &Plan) -> BTreeSet<StepId> {
    let mut names = BTreeSet::new();
    for template in plan.outputs.values() {
        collect(template, &mut names);
    }
    names
}

fn collect(template: &TemplateValue, names: &mut BTreeSet<StepId>) {
    match template {
        TemplateValue::Literal(_) => {}
        TemplateValue::Expression(expression) => names.extend(expression.steps().iter().cloned()),
        TemplateValue::Text(text) => collect_text(text, names),
        TemplateValue::List(items) => items.iter().for_each(|item| collect(item, names)),
        TemplateValue::Object(members) => members.values().for_each(|member| collect(member, names)),
    }
}

fn collect_text(template: &Template, names: &mut BTreeSet<StepId>) {
    for piece in &template.pieces {
        match piece {
            Piece::Text(_) => {}
            Piece::Expression(expression) => names.extend(expression.steps().iter().cloned()),
        }
    }
}
