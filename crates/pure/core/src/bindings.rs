//! What an expression sees: the names of the plan language, with only those steps that it names.

use crate::ground::Ground;
use dvt_plan::expression::{Bindings, Expression};
use dvt_plan::plan::Plan;
use serde_json::{Map, Value, json};

/// The bindings of one expression; `success` and `failure` are the caller's to answer.
pub(crate) fn of<G: Ground>(plan: &Plan, ground: &G, expression: &Expression) -> Bindings {
    let mut bindings = Bindings::default();
    let source = expression.source();
    // Inputs and constants may be large: they are copied only where the text can mean them.
    if let Some(queued) = ground.queued() {
        if source.contains("inputs") {
            let inputs = queued.inputs.iter().map(|(name, value)| (name.clone(), value.clone()));
            bindings.names.insert("inputs".to_owned(), Value::Object(inputs.collect()));
        }
        let started_at = ground.run().started_at.map(|at| at.to_string());
        let run = json!({ "id": queued.run_id.to_string(), "startedAt": started_at });
        bindings.names.insert("run".to_owned(), run);
        bindings.names.insert("tenant".to_owned(), json!({ "id": queued.tenant_id }));
        let plan = json!({
            "id": queued.plan.plan_id.to_string(),
            "name": plan.name.as_str(),
            "version": queued.plan.plan_version,
            "digest": queued.plan.digest.to_string(),
        });
        bindings.names.insert("plan".to_owned(), plan);
    }
    if source.contains("vars") {
        let vars = plan.vars.iter().map(|(name, value)| (name.clone(), value.clone()));
        bindings.names.insert("vars".to_owned(), Value::Object(vars.collect()));
    }
    if !expression.steps().is_empty() {
        let mut steps = Map::new();
        for id in expression.steps() {
            let Some(facts) = ground.step(id) else { continue };
            let output = ground.output(id).cloned().unwrap_or(Value::Null);
            let status = facts.status.as_str();
            steps.insert(
                id.to_string(),
                json!({ "output": output, "status": status, "attempt": facts.logical }),
            );
        }
        bindings.names.insert("steps".to_owned(), Value::Object(steps));
    }
    bindings
}
