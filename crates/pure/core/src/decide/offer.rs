//! `Offer {slots}`: the only way in which steps start. Conditions are asked here, lazily, in the order of the ready set;
//! what is left out frees its dependants in the same append.
//!
//! A step inside the engine takes no slot; a step that only starts and ends takes no place beside the others either.

use super::dispatch;
use super::draft::{Draft, unknown};
use super::fail;
use super::finish::finish;
use crate::command::Refusal;
use crate::condition::{self, Verdict};
use crate::event::body::{PROVIDER, RunStarted, StepCompleted, StepSkipped, StepStarted};
use crate::ground::Ground;
use crate::mutant::{self, Mutant};
use crate::ready;
use crate::render;
use crate::state::{Lane, Place};
use crate::way_out::{self, Phase};
use dvt_model::attempt::LogicalAttemptId;
use dvt_model::failure::Usage;
use dvt_model::id::StepId;
use dvt_model::run::{EventName, RunStatus};
use dvt_plan::plan::{Form, Step};
use serde_json::Value;
use std::collections::BTreeSet;

pub(super) fn decide(draft: &mut Draft<'_>, slots: u32) -> Result<(), Refusal> {
    if draft.run().status == Some(RunStatus::Pending) {
        draft.run_event(EventName::RunStarted, 1, &RunStarted { provider: PROVIDER.to_owned() })?;
    }
    if draft.run().status == Some(RunStatus::Running) {
        walk(draft, slots)?;
        finish(draft)?;
    }
    Ok(())
}

/// Walks the ready set once, in order. What a skip or an instant step frees lies deeper, hence still ahead.
fn walk(draft: &mut Draft<'_>, mut slots: u32) -> Result<(), Refusal> {
    let was_ending = draft.run().ending_seq.is_some();
    let mut retries = due_retries(draft);
    let (mut ready, mut inside) = (Lane::Ready.start(), Lane::ReadyInside.start());
    loop {
        let run = draft.run();
        // The first failure turns the walk into the way out, whose conditional steps come with the next offer.
        let turned = run.ending_seq.is_some() && !was_ending;
        let drains = way_out::phase(run) == Phase::Drain && !mutant::active(Mutant::ConditionalInDrain);
        if turned || drains || run.running >= run.max_parallel {
            return Ok(());
        }
        let programs =
            [draft.after(&ready), retries.first().cloned()].into_iter().flatten().filter(|_| slots > 0);
        let Some(next) =
            programs.chain(draft.after(&inside)).min_by(|left, right| order(left).cmp(&order(right)))
        else {
            return Ok(());
        };
        match next.lane {
            Lane::Retry => {
                retries.remove(&next);
            }
            Lane::Ready => ready = next.clone(),
            Lane::ReadyInside | Lane::Due | Lane::Running | Lane::End => inside = next.clone(),
        }
        let Some(id) = next.step else { continue };
        if begin(draft, &id)? {
            slots -= 1;
        }
    }
}

fn order(place: &Place) -> (i64, Option<&StepId>) {
    (place.rank, place.step.as_ref())
}

/// Retries whose time has come, by layer like the rest. (Only programs are retried.)
fn due_retries(draft: &Draft<'_>) -> BTreeSet<Place> {
    let mut due = BTreeSet::new();
    let mut at = Lane::Retry.start();
    while let Some(place) = draft.after(&at).filter(|place| place.rank <= draft.now.ms()) {
        due.extend(place.step.as_ref().map(|id| ready::by_layer(draft.plan, Lane::Retry, id)));
        at = place;
    }
    due
}

/// Starts a step or leaves it out; whether it took a slot.
fn begin(draft: &mut Draft<'_>, id: &StepId) -> Result<bool, Refusal> {
    let plan = draft.plan;
    let step = plan.steps.get(id).ok_or_else(|| unknown(id))?;
    let is_first = draft.step(id).is_some_and(|facts| facts.logical == LogicalAttemptId::FIRST);
    if is_first {
        match condition::ask(plan, draft, id, step) {
            Verdict::Start => {}
            Verdict::Skip(reason_code) => {
                draft.step_event(
                    EventName::StepSkipped,
                    id,
                    &StepSkipped { reason_code, signal_id: None },
                )?;
                return Ok(false);
            }
            Verdict::Fault(fault) => return fault_at_start(draft, id, step, &fault),
        }
    }
    match render::inputs(plan, draft, step) {
        Ok(inputs) => start(draft, id, step, inputs),
        Err(fault) => fault_at_start(draft, id, step, &fault),
    }
}

fn started(draft: &Draft<'_>, step: &Step, inputs: Value, lasts_ms: u64) -> StepStarted {
    let is_program = !way_out::is_inside(&step.form);
    let files = draft.queued().and_then(|queued| queued.power.files_digest);
    StepStarted {
        inputs,
        bundle_digest: files.filter(|_| is_program),
        tier: is_program.then(|| "host".to_owned()),
        timeout_ms: timeout_ms(step),
        due_at: (lasts_ms > 0).then(|| draft.now.plus_ms(lasts_ms)),
        child_run_id: None,
        item_count: None,
    }
}

/// The longest time of an attempt: as the plan says, else the default of `semanticsVersion` 1.0.
pub(super) fn timeout_ms(step: &Step) -> u64 {
    match step.form {
        Form::Wait { duration_ms } => duration_ms,
        Form::Run { .. } | Form::Script { .. } | Form::Noop { .. } | Form::Uses(_) => {
            step.timeout_ms.unwrap_or(600_000)
        }
        Form::Approval(_) | Form::Signal(_) | Form::WaitUntil { .. } | Form::Plan(_) => {
            step.timeout_ms.unwrap_or(7 * 86_400_000)
        }
    }
}

fn start(draft: &mut Draft<'_>, id: &StepId, step: &Step, inputs: Value) -> Result<bool, Refusal> {
    let lasts_ms = match step.form {
        Form::Run { .. } | Form::Script { .. } => None,
        Form::Noop { simulate_ms } => Some(simulate_ms),
        Form::Wait { duration_ms } => Some(duration_ms),
        // The reader answers these words as not built yet.
        Form::Uses(_) | Form::WaitUntil { .. } | Form::Approval(_) | Form::Signal(_) | Form::Plan(_) => {
            let message = format!("`{}` steps are not run yet", step.form.word());
            return Err(super::draft::refusal(dvt_model::code::Code::InvalidStateTransition, message));
        }
    };
    let body = started(draft, step, inputs, lasts_ms.unwrap_or(0));
    draft.step_event(EventName::StepStarted, id, &body)?;
    match lasts_ms {
        None => {
            dispatch::dispatch(draft, id, step)?;
            Ok(true)
        }
        Some(0) => {
            complete_inside(draft, id)?;
            Ok(false)
        }
        Some(_) => Ok(false),
    }
}

/// A step inside the engine ends: a noop with `with.output`, a wait with null.
pub(super) fn complete_inside(draft: &mut Draft<'_>, id: &StepId) -> Result<(), Refusal> {
    let result =
        draft.inputs(id).and_then(|inputs| inputs.get("with")?.get("output")).cloned().unwrap_or(Value::Null);
    let started_at = draft.step(id).and_then(|facts| facts.started_at).unwrap_or(draft.now);
    let duration_ms = draft.now.ms_since(started_at);
    let body = StepCompleted {
        result,
        duration_ms,
        usage: Usage::default(),
        artifact_refs: Vec::new(),
        signal_id: None,
    };
    draft.step_event(EventName::StepCompleted, id, &body)
}

/// An expression gave no value: the attempt begins and fails in the same append, so that it can be seen.
fn fault_at_start(
    draft: &mut Draft<'_>,
    id: &StepId,
    step: &Step,
    fault: &dvt_plan::expression::Fault,
) -> Result<bool, Refusal> {
    let body = started(draft, step, Value::Null, 0);
    draft.step_event(EventName::StepStarted, id, &body)?;
    fail::fail(draft, id, fail::of_expression(fault), Usage::default())?;
    Ok(false)
}
