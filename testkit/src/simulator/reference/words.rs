//! Expressions and templates of the reference: all outputs stay readable for ever, so that a core that drops one too soon
//! differs.

use super::course;
use super::view::{Unit, View};
use dvt_model::canonical;
use dvt_model::time::Timestamp;
use dvt_plan::expression::{Bindings, Expression, Fault, evaluate};
use dvt_plan::plan::{Form, Part, Plan, Step};
use dvt_plan::template::{Piece, Template, TemplateValue};
use serde_json::{Map, Value, json};

pub(super) struct Words<'a> {
    pub(super) plan: &'a Plan,
    pub(super) view: &'a View,
    /// Whose words: an item sees `item` and `index`.
    pub(super) unit: Option<&'a str>,
}

impl Words<'_> {
    pub(super) fn bindings(&self) -> Bindings {
        let queued = |pointer: &str| {
            let queued = self.view.queued.as_ref();
            queued.and_then(|said| said.payload.pointer(pointer).cloned()).unwrap_or(Value::Null)
        };
        let steps = self.plan.steps.keys().filter_map(|id| Some((id, self.view.fact(id.as_str())?)));
        let unit = self.unit.map(Unit::of);
        let steps = steps.map(|(id, fact)| {
            // What undoes an item sees what that item left.
            let item = unit.filter(|unit| unit.undoes && unit.base == id.as_str()).and_then(|unit| unit.item);
            let fact = item.and_then(|item| self.view.fact(&format!("{id}.{item}"))).unwrap_or(fact);
            let step = if super::view::is_of_the_run(self.plan, self.view, id.as_str()) {
                json!({ "output": fact.output(), "status": fact.status, "attempt": fact.attempt })
            } else {
                // What a partial run leaves outside counts as met, and left nothing.
                json!({ "output": null, "status": "SKIPPED", "attempt": 0 })
            };
            (id.to_string(), step)
        });
        let mut run = json!({ "id": queued("/runId"), "startedAt": self.view.started_at });
        let is_final = self.step().is_some_and(|step| step.part == Part::Finally);
        if is_final {
            super::answer::add(&mut run, [("status", json!(self.status_in_finally()))]);
        }
        let names = [
            ("inputs", queued("/inputs")),
            ("vars", json!(self.plan.vars)),
            ("steps", Value::Object(steps.collect())),
            ("run", run),
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
        let mut bindings = Bindings {
            names: names.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            success: false,
            failure: false,
        };
        if let Some((item, index)) = self.item() {
            bindings.names.insert("item".to_owned(), item);
            bindings.names.insert("index".to_owned(), json!(index));
        }
        bindings
    }

    fn step(&self) -> Option<&Step> {
        super::view::step_of(self.plan, self.unit?)
    }

    /// How the run is going to end, as far as `finally` can know.
    fn status_in_finally(&self) -> &'static str {
        if self.view.is_cancelling() {
            "CANCELLED"
        } else if self.view.is_failing() || !course::failed_finally(self.plan, self.view).is_empty() {
            "FAILED"
        } else {
            "COMPLETED"
        }
    }

    fn item(&self) -> Option<(Value, u64)> {
        let unit = Unit::of(self.unit?);
        let index = unit.item?;
        let inputs = self.view.fact(unit.base)?.inputs();
        let item = inputs.get("items")?.get(usize::try_from(index).ok()?)?.clone();
        Some((item, index))
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
            for (name, template) in step.env.iter() {
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
            Form::Noop { .. } | Form::Uses(_) | Form::Plan(_) => json!({ "with": with }),
            Form::Approval(_) => {
                // An approval is of something: the outputs of what it needs.
                let shown = step
                    .reads
                    .iter()
                    .filter_map(|need| Some((need.to_string(), self.view.fact(need.as_str())?.output())));
                json!({ "outputs": shown.collect::<Map<_, _>>() })
            }
            Form::WaitUntil { at } => json!({ "until": self.value(at)? }),
            Form::Wait { .. } | Form::Signal(_) => json!({}),
        })
    }
}

/// A moment as a plan says it.
pub(super) fn timestamp(value: &Value) -> Result<Timestamp, Fault> {
    let text = value.as_str().ok_or_else(|| Fault::Failed(String::new()))?;
    Timestamp::parse_rfc3339(text).ok_or_else(|| Fault::Failed(String::new()))
}

fn plain(value: &Value) -> String {
    canonical::to_bytes(value).ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
}
