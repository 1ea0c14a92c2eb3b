//! An attempt ended well; and the step of a `foreach`, which ends when its items have.

use super::draft::{Draft, unknown};
use super::fail;
use super::offer::step_of;
use crate::about::{self, About};
use crate::command::Refusal;
use crate::event::body::StepCompleted;
use crate::evolve;
use crate::ground::Ground;
use crate::lookup::{self, Doing};
use crate::render::MAX_VALUE_BYTES;
use dvt_model::code::Code;
use dvt_model::failure::{FailureCategory, Usage};
use dvt_model::id::{SignalId, StepId};
use dvt_model::run::{EventName, StepStatus};
use serde_json::Value;

/// Ends the newest attempt with this output.
pub(super) fn complete(
    draft: &mut Draft<'_>,
    id: &StepId,
    result: Value,
    usage: Usage,
    signal_id: Option<SignalId>,
) -> Result<(), Refusal> {
    complete_about(draft, id, result, (usage, signal_id), None)
}

/// The same where only the end says whose the output is.
pub(super) fn complete_about(
    draft: &mut Draft<'_>,
    id: &StepId,
    result: Value,
    (usage, signal_id): (Usage, Option<SignalId>),
    about: Option<About>,
) -> Result<(), Refusal> {
    let started_at = draft.step(id).and_then(|facts| facts.started_at).unwrap_or(draft.now);
    let duration_ms = draft.now.ms_since(started_at);
    let body = StepCompleted { result, duration_ms, usage, artifact_refs: Vec::new(), signal_id, about };
    draft.step_event(EventName::StepCompleted, id, &body)?;
    settle_items(draft, id)
}

/// Ends the step of a `foreach` where its items have ended; asked of the step itself and of each of its items.
pub(super) fn settle_items(draft: &mut Draft<'_>, id: &StepId) -> Result<(), Refusal> {
    if id.is_compensation() {
        return Ok(());
    }
    let base = lookup::base(draft.plan, id).ok_or_else(|| unknown(id))?;
    let Some(facts) = draft.step(&base) else { return Ok(()) };
    let (Some(items), StepStatus::Running, Doing::Items) = (facts.items.clone(), facts.status, facts.doing)
    else {
        return Ok(());
    };
    if items.busy > 0 {
        return Ok(());
    }
    if let Some(index) = items.failed {
        let error = draft.step(&base.item(index)).and_then(|facts| facts.error.clone());
        let failure = error.unwrap_or_else(|| {
            fail::failure(Code::StepError, FailureCategory::User, super::ENGINE, "an item failed")
        });
        let about = about::of_failed_item(draft, &base, step_of(draft, &base)?, index);
        return fail::fail_about(draft, &base, failure, Usage::default(), about);
    }
    // In a drain none of them begins any more; the step is closed at its end, for a retry may still withdraw the failure.
    if items.next < items.count {
        return Ok(());
    }
    // The list by index; null where an item was left out, or failed and does not count.
    let outputs =
        (0..items.count).map(|index| draft.output(&base.item(index)).cloned().unwrap_or(Value::Null));
    let result = Value::Array(outputs.collect());
    if evolve::size(&result) > MAX_VALUE_BYTES {
        let message = format!("the outputs of all items weigh more than {MAX_VALUE_BYTES} bytes together");
        let failure = fail::failure(Code::OutputLimit, FailureCategory::User, super::ENGINE, message);
        return fail::fail(draft, &base, failure, Usage::default());
    }
    let about = about::of_children(draft, &base, step_of(draft, &base)?, items.count);
    complete_about(draft, &base, result, (Usage::default(), None), about)
}
