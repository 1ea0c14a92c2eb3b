//! Conditions: what a step waits to know before its first attempt.
//!
//! Without a status function `if` means `success() && (…)`, and what is written so means the same. A step that asks `always()` or `failure()` is *conditional*:
//! it alone may still start on the way out.

use crate::bindings;
use crate::event::body::SkipReason;
use crate::ground::Ground;
use crate::mutant::{self, Mutant};
use dvt_model::id::StepId;
use dvt_model::run::StepStatus;
use dvt_plan::expression::{Expression, Fault, evaluate};
use dvt_plan::plan::{Part, Plan, Step};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a step's `if` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Kind {
    /// Neither `always()` nor `failure()`.
    Ordinary,
    /// `failure()`, and not `always()`.
    Failure,
    /// `always()`.
    Always,
    /// Undoes a step or item.
    Compensation,
    /// Runs at the end, whatever happened.
    Finally,
}

/// What became of the question.
pub(crate) enum Verdict {
    /// It may start.
    Start,
    /// It is left out.
    Skip(SkipReason),
    /// Its `if` gave no boolean.
    Fault(Fault),
}

/// The kind of a condition.
pub(crate) fn kind(condition: Option<&Expression>) -> Kind {
    let functions = condition.map(Expression::status_functions).unwrap_or_default();
    match (functions.always, functions.failure) {
        (true, _) => Kind::Always,
        (false, true) => Kind::Failure,
        (false, false) => Kind::Ordinary,
    }
}

/// Asks the condition of a step, item or compensation; all needs are settled.
pub(crate) fn ask<G: Ground>(plan: &Plan, ground: &G, id: &StepId, step: &Step) -> Verdict {
    let success = step.needs.iter().all(|need| went_well(plan, ground, need));
    let asks_success = step.condition.as_ref().is_none_or(Expression::implies_success);
    let is_asked_per_item = is_per_item(step);
    if asks_success && !success && id.index().is_none() {
        let failed = step
            .needs
            .iter()
            .any(|need| status(ground, need) == Some(StepStatus::Failed) && !went_well(plan, ground, need));
        let skipped = step.needs.iter().any(|need| status(ground, need) == Some(StepStatus::Skipped));
        // A `finally` step is told of a failure first; among ordinary steps a failure ends the run before it is asked.
        let by_failure = step.part == Part::Finally && failed;
        return Verdict::Skip(if skipped && !by_failure {
            SkipReason::DependencySkipped
        } else {
            SkipReason::DependencyFailed
        });
    }
    // `if` of a `foreach` is asked once, or per item where it names `item`.
    let is_of_items = step.foreach.is_some() && !id.is_compensation();
    let asks_here = !is_of_items || is_asked_per_item == id.index().is_some();
    let Some(condition) = step.condition.as_ref().filter(|_| asks_here) else { return Verdict::Start };
    let mut bindings = bindings::of(plan, ground, id, condition);
    bindings.success = success;
    bindings.failure = ground.run().failing.is_some()
        || step
            .needs
            .iter()
            .any(|need| status(ground, need) == Some(StepStatus::Failed) && !went_well(plan, ground, need));
    match evaluate(condition, &bindings) {
        Ok(Value::Bool(true)) => Verdict::Start,
        Ok(Value::Bool(false)) => Verdict::Skip(SkipReason::ConditionFalse),
        Ok(Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_)) => {
            Verdict::Fault(Fault::Failed(format!("`if` of `{id}` gives no boolean")))
        }
        Err(fault) => Verdict::Fault(fault),
    }
}

/// Whether the `if` of a `foreach` is asked of each item.
pub(crate) fn is_per_item(step: &Step) -> bool {
    step.foreach.is_some() && step.condition.as_ref().is_some_and(Expression::uses_item)
}

fn status<G: Ground>(ground: &G, need: &StepId) -> Option<StepStatus> {
    ground.step(need).map(|facts| facts.status)
}

/// SUCCESS, or FAILED with `continueOnError`, or left out by an operator; what a partial run leaves outside counts as met.
fn went_well<G: Ground>(plan: &Plan, ground: &G, need: &StepId) -> bool {
    let Some(facts) = ground.step(need) else { return true };
    match facts.status {
        StepStatus::Success => true,
        StepStatus::Failed => plan.steps.get(need).is_some_and(|step| step.continue_on_error),
        StepStatus::Skipped => {
            let by_operator = facts.skipped == Some(SkipReason::OperatorSkip)
                && !mutant::active(Mutant::OperatorSkipPropagated);
            by_operator || mutant::active(Mutant::SkipNotPropagated)
        }
        StepStatus::Pending | StepStatus::Running => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind_of(source: &str) -> Kind {
        kind(Some(&dvt_plan::expression::parse(source).unwrap()))
    }

    #[test]
    fn only_a_call_counts() {
        for always in ["always()", "always ()", "!failure() || always()", "inputs.x == 'a' && (always())"] {
            assert_eq!(kind_of(always), Kind::Always, "{always}");
        }
        assert_eq!(kind_of("failure() && inputs.x"), Kind::Failure);
        for ordinary in
            ["'always()'", r"r'\' == inputs.x && 'always()' != ''", "steps.always.output", "success()"]
        {
            assert_eq!(kind_of(ordinary), Kind::Ordinary, "{ordinary}");
        }
        assert_eq!(
            kind_of(r"r'\' != '' && always()"),
            Kind::Always,
            "a raw text that ends in a backslash hides nothing"
        );
    }
}
