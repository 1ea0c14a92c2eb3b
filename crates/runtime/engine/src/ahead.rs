//! Words of a checked plan that the engine does not carry out yet. Such a run is refused when it is asked for: a plan
//! that waits for an approval which nobody can give is worse than one that does not start.
//!
//! A row leaves with the change that makes its word work from end to end.

use dvt_plan::plan::{Form, Plan, Step};

/// What is met first, in the order of the steps' ids: the word, and the step where it is one's. Plans below count too.
pub fn not_run_yet(plan: &Plan) -> Option<String> {
    plan.steps.values().find_map(|step| {
        let undo = step.compensate.as_deref().and_then(|undo| of_step(undo, step.id.as_str()));
        of_step(step, step.id.as_str()).or(undo)
    })
}

fn of_step(step: &Step, name: &str) -> Option<String> {
    match &step.form {
        Form::Run { .. }
        | Form::Script { .. }
        | Form::Noop { .. }
        | Form::Wait { .. }
        | Form::WaitUntil { .. }
        | Form::Approval(_)
        | Form::Signal(_) => None,
        Form::Plan(sub_plan) => {
            let below = not_run_yet(sub_plan.child.as_ref()?)?;
            Some(format!("{below} below `{name}`"))
        }
        Form::Uses(_) => Some(format!("`{}` (step `{name}`)", step.form.word())),
    }
}
