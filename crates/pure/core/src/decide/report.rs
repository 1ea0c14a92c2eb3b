//! `Report`: the end of an attempt. Only the newest dispatch of the newest attempt is heard.
// INVARIANT(INV-29): nothing is recorded twice: a report that was heard before gives no event, an older one is refused.

use super::complete::complete;
use super::draft::{Draft, refusal, unknown};
use super::fail::{self, failure};
use super::finish::finish;
use crate::command::{Outcome, Refusal, Report};
use crate::evolve;
use crate::ground::Ground;
use crate::lookup::{self, Doing};
use crate::mutant::{self, Mutant};
use crate::render::MAX_VALUE_BYTES;
use dvt_model::canonical::{self, MAX_INTEGER};
use dvt_model::code::Code;
use dvt_model::failure::{Failure, FailureCategory};
use dvt_model::id::StepId;
use dvt_model::run::StepStatus;
use serde_json::Value;

/// The outputs that a run keeps weigh at most this.
// INVARIANT(INV-21): the state of a run is bounded, whatever its programs print.
pub(crate) const MAX_KEPT_BYTES: u64 = 32 << 20;

pub(super) fn decide(draft: &mut Draft<'_>, report: &Report) -> Result<(), Refusal> {
    let id = &report.step_id;
    let facts = draft.step(id).ok_or_else(|| unknown(id))?;
    let twice = mutant::active(Mutant::DoubleCompletion) && facts.status == StepStatus::Success;
    let told = (report.logical_attempt_id, report.engine_attempt_id);
    if facts.answered == Some(told) && !twice {
        return Ok(());
    }
    if draft.run().status.is_some_and(dvt_model::run::RunStatus::is_terminal) {
        return Err(refusal(Code::RunTerminal, "the run is over"));
    }
    let newest = (facts.logical, facts.engine);
    let same_dispatch = told == newest || (told.0 == newest.0 && mutant::active(Mutant::StaleDispatch));
    let runs = facts.status == StepStatus::Running || twice;
    if !runs || !same_dispatch || facts.doing != Doing::Worker {
        let (logical, engine) = told;
        let message = format!("attempt {logical}, dispatch {engine} of `{id}` does not run");
        return Err(refusal(Code::InvalidStateTransition, message));
    }
    // Integers beyond 2^53 could not be written; the kernel never gets there.
    let usage = report.usage.up_to(MAX_INTEGER);
    match &report.outcome {
        Outcome::Completed(output) => match accepted(draft, id, output) {
            Ok(result) => complete(draft, id, result, usage, None)?,
            Err(failure) => fail::fail(draft, id, failure, usage)?,
        },
        Outcome::Failed(failure) => fail::fail(draft, id, failure.clone(), usage)?,
    }
    finish(draft)
}

/// The output in its canonical form, which live and replayed state share; or why it cannot be one.
pub(super) fn accepted(draft: &Draft<'_>, id: &StepId, output: &Value) -> Result<Value, Failure> {
    let result = canonical::normalise(output.clone()).map_err(|error| {
        failure(Code::StepError, FailureCategory::User, "program", format!("the output: {error}"))
    })?;
    let limit = |message| failure(Code::OutputLimit, FailureCategory::User, "program", message);
    let bytes = evolve::size(&result);
    // Canonical numbers may be longer than those that came over the link.
    if bytes > MAX_VALUE_BYTES {
        return Err(limit(format!("the output weighs more than {MAX_VALUE_BYTES} bytes")));
    }
    let schema = lookup::definition(draft.plan, id).and_then(|step| step.output_schema.as_ref());
    if let Some(Err(message)) = schema.map(|schema| schema.fits(&result)) {
        let message = format!("the output does not fit `outputs`: {message}");
        return Err(failure(Code::StepError, FailureCategory::User, "program", message));
    }
    let is_kept = draft.step(id).is_some_and(|facts| facts.readers > 0) || id.index().is_some();
    if is_kept && draft.run().kept_bytes + bytes > MAX_KEPT_BYTES {
        let message =
            format!("the outputs that later steps name weigh more than {MAX_KEPT_BYTES} bytes together");
        return Err(limit(message));
    }
    Ok(result)
}
