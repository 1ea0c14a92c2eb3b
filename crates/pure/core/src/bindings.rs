//! What an expression sees: the names of the plan language, with only those steps that it names.

use crate::ground::Ground;
use dvt_model::id::StepId;
use dvt_plan::expression::{Bindings, Expression};
use dvt_plan::plan::{Part, Plan};
use serde_json::{Map, Value, json};

/// The bindings of one expression; `success` and `failure` are the caller's to answer. An expression of the plan's outputs
/// belongs to no step: whose it is does not matter there.
pub(crate) fn of<G: Ground>(plan: &Plan, ground: &G, of: &StepId, expression: &Expression) -> Bindings {
    let mut bindings = Bindings::default();
    let source = expression.source();
    // Inputs and constants may be large: they are copied only where the text can mean them.
    if let Some(queued) = ground.queued() {
        if source.contains("inputs") {
            let inputs = queued.inputs.iter().map(|(name, value)| (name.clone(), value.clone()));
            bindings.names.insert("inputs".to_owned(), Value::Object(inputs.collect()));
        }
        let started_at = ground.run().started_at.map(|at| at.to_string());
        let mut run = json!({ "id": queued.run_id.to_string(), "startedAt": started_at });
        if let (Some(status), Some(run)) = (end(plan, ground, of), run.as_object_mut()) {
            run.insert("status".to_owned(), status.into());
        }
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
        // The compensation of an item sees what that item left, not what all of them did.
        let undone = of.undone().filter(|undone| undone.index().is_some());
        for id in expression.steps() {
            let from = undone.as_ref().filter(|undone| undone.step() == id.as_str()).unwrap_or(id);
            let output = ground.output(from).cloned().unwrap_or(Value::Null);
            // What a partial run leaves outside counts as met, and left nothing.
            let (status, attempt) =
                ground.step(from).map_or(("SKIPPED", 0), |facts| (facts.status.as_str(), facts.logical.0));
            steps.insert(id.to_string(), json!({ "output": output, "status": status, "attempt": attempt }));
        }
        bindings.names.insert("steps".to_owned(), Value::Object(steps));
    }
    if let Some(index) = of.index().filter(|_| expression.uses_item()) {
        bindings.names.insert("item".to_owned(), item(ground, of, index));
        bindings.names.insert("index".to_owned(), index.into());
    }
    bindings
}

/// The value of an item: it stands in the inputs of its step.
fn item<G: Ground>(ground: &G, of: &StepId, index: u32) -> Value {
    let base = StepId::parse(of.step()).ok();
    let items = base.and_then(|base| ground.inputs(&base)?.get("items"));
    let found = items.and_then(|items| items.get(usize::try_from(index).ok()?));
    found.cloned().unwrap_or(Value::Null)
}

/// What a `finally` step sees of the run: how it will end.
fn end<G: Ground>(plan: &Plan, ground: &G, of: &StepId) -> Option<&'static str> {
    let run = ground.run();
    (plan.steps.get(of.step())?.part == Part::Finally).then_some(match (&run.cancel, &run.failing) {
        (Some(_), _) => "CANCELLED",
        (None, Some(_)) => "FAILED",
        (None, None) if run.failed_finally > 0 => "FAILED",
        (None, None) => "COMPLETED",
    })
}
