//! Words of a checked plan that the engine does not carry out yet. Such a run is refused when it is asked for: a plan
//! that waits for an approval which nobody can give is worse than one that does not start.
//!
//! A row leaves with the change that makes its word work from end to end.

use dvt_plan::plan::{Form, Plan, Step};

/// What is met first, in the order of the steps' ids: the word, and the step where it is one's.
pub fn not_run_yet(plan: &Plan) -> Option<String> {
    if plan.concurrency.is_some() {
        return Some("`concurrency`".to_owned());
    }
    plan.steps.values().find_map(|step| Some(format!("`{}` (step `{}`)", word_of(step)?, step.id)))
}

fn word_of(step: &Step) -> Option<&'static str> {
    match &step.form {
        Form::Run { .. }
        | Form::Script { .. }
        | Form::Noop { .. }
        | Form::Wait { .. }
        | Form::WaitUntil { .. }
        | Form::Approval(_)
        | Form::Signal(_) => None,
        Form::Uses(_) | Form::Plan(_) => Some(step.form.word()),
    }
}
