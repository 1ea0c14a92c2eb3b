//! Expressions and templates of the reference: all outputs stay readable for ever, so that a core that drops one too soon
//! differs.

use super::view::View;
use dvt_model::canonical;
use dvt_plan::expression::{Bindings, Expression, Fault, evaluate};
use dvt_plan::plan::{Form, Plan, Step};
use dvt_plan::template::{Piece, Template, TemplateValue};
use serde_json::{Map, Value, json};

pub(super) struct Words<'a> {
    pub(super) plan: &'a Plan,
    pub(super) view: &'a View,
}

impl Words<'_> {
    pub(super) fn bindings(&self) -> Bindings {
        let queued = |pointer: &str| self.view.queued.pointer(pointer).cloned().unwrap_or(Value::Null);
        let steps = self.view.steps.iter().map(|(id, fact)| {
            let step = json!({ "output": fact.output, "status": fact.status, "attempt": fact.attempt });
            (id.to_string(), step)
        });
        let names = [
            ("inputs", queued("/inputs")),
            ("vars", json!(self.plan.vars)),
            ("steps", Value::Object(steps.collect())),
            ("run", json!({ "id": queued("/runId"), "startedAt": self.view.started_at })),
            ("tenant", json!({ "id": queued("/tenantId") })),
            (
                "plan",
                json!({
                    "id": queued("/planRef/planId"),
                    "name": self.plan.name,
                    "version": queued("/planRef/planVersion"),
                    "digest": queued("/planRef/digest"),
                }),
            ),
        ];
        let names = names.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Bindings { names, success: false, failure: false }
    }

    fn ask(&self, expression: &Expression) -> Result<Value, Fault> {
        evaluate(expression, &self.bindings())
    }

    pub(super) fn value(&self, template: &TemplateValue) -> Result<Value, Fault> {
        Ok(match template {
            TemplateValue::Literal(value) => value.clone(),
            TemplateValue::Expression(expression) => self.ask(expression)?,
            TemplateValue::Text(template) => Value::String(self.text(template)?),
            TemplateValue::List(items) => {
                Value::Array(items.iter().map(|item| self.value(item)).collect::<Result<_, _>>()?)
            }
            TemplateValue::Object(members) => {
                let mut object = Map::new();
                for (name, member) in members {
                    object.insert(name.clone(), self.value(member)?);
                }
                Value::Object(object)
            }
        })
    }

    fn text(&self, template: &Template) -> Result<String, Fault> {
        let mut out = String::new();
        for piece in &template.pieces {
            out += &match piece {
                Piece::Text(text) => text.clone(),
                Piece::Expression(expression) => match self.ask(expression)? {
                    Value::String(text) => text,
                    scalar @ (Value::Bool(_) | Value::Number(_)) => plain(&scalar),
                    Value::Null | Value::Array(_) | Value::Object(_) => {
                        return Err(Fault::Failed(String::new()));
                    }
                },
            };
        }
        Ok(out)
    }

    /// `inputs` of StepStarted.
    pub(super) fn inputs(&self, step: &Step) -> Result<Value, Fault> {
        let with = step.with.as_ref().map_or(Ok(Value::Null), |with| self.value(with))?;
        let mut env = Map::new();
        if matches!(step.form, Form::Run { .. } | Form::Script { .. }) {
            for (name, template) in &step.env {
                let value = match self.value(template)? {
                    Value::String(text) => text,
                    other => plain(&other),
                };
                env.insert(name.clone(), Value::String(value));
            }
        }
        Ok(match &step.form {
            Form::Run { arguments, .. } => {
                let arguments =
                    arguments.iter().map(|argument| self.text(argument)).collect::<Result<Vec<_>, _>>()?;
                json!({ "arguments": arguments, "env": env, "with": with })
            }
            Form::Script { .. } => json!({ "env": env, "with": with }),
            Form::Noop { .. } => json!({ "with": with }),
            // Forms that this model does not know yet are among these.
            _ => json!({}),
        })
    }
}

fn plain(value: &Value) -> String {
    canonical::to_bytes(value).ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
}
