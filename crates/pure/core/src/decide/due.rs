//! `Due`: time went by. Steps that end by themselves first, in the order of their times; then the run's own limits. It is
//! heard while the run is paused too: what runs there settles, and a hold expires.

use super::begin::{complete_inside, of_engine};
use super::close::{close, close_all, of_the_drain, stop_drain};
use super::draft::Draft;
use super::fail::{fail, first_failed, run_failing};
use super::finish::{finish, over};
use crate::command::Refusal;
use crate::event::Effect;
use crate::event::body::FailingCause;
use crate::ground::Ground;
use crate::lookup;
use crate::mutant::{self, Mutant};
use crate::state::Lane;
use crate::way_out;
use dvt_model::code::Code;
use dvt_model::failure::{FailureCategory, Usage};
use dvt_model::id::StepId;
use dvt_model::run::StepStatus;
use dvt_model::time::Timestamp;
use dvt_plan::plan::Form;

pub(super) fn decide(draft: &mut Draft<'_>) -> Result<(), Refusal> {
    if !way_out::is_open(draft.run()) {
        return Ok(());
    }
    let now = if mutant::active(Mutant::WaitDueEarly) { draft.now.plus_ms(1_000) } else { draft.now };
    let mut at = Lane::Due.start();
    while let Some(place) = draft.after(&at).filter(|place| place.rank <= now.ms()) {
        if let Some(id) = place.id() {
            ends_by_itself(draft, &id)?;
        }
        at = place;
    }
    finish(draft)?;
    let passed = |moment: Option<Timestamp>| moment.is_some_and(|moment| moment <= draft.now);
    if !way_out::is_open(draft.run()) {
        return Ok(());
    }
    if passed(way_out::hold_expires_at(draft.run())) {
        let first = first_failed(draft);
        run_failing(draft, FailingCause::HoldExpired, first)?;
    } else if passed(way_out::times_out_at(draft.run())) {
        run_failing(draft, FailingCause::RunTimeout, None)?;
        stop_drain(draft)?;
    } else if passed(way_out::closes_at(draft.run())) {
        for id in of_the_drain(draft) {
            if draft.step(&id).is_some_and(|facts| facts.status == StepStatus::Running) {
                close(draft, &id)?;
            }
        }
    } else if passed(way_out::gives_up_at(draft.run())) {
        close_all(draft)?;
        let limit = draft.run().max_duration_ms;
        let message = format!("compensations and `finally` took longer than {limit} ms");
        return over(draft, Some(of_engine(Code::CompensationIncomplete, FailureCategory::Timeout, message)));
    }
    finish(draft)
}

/// The time of a step inside the engine has come.
fn ends_by_itself(draft: &mut Draft<'_>, id: &StepId) -> Result<(), Refusal> {
    let Some(step) = lookup::definition(draft.plan, id) else { return Ok(()) };
    let late = |code, message: &str| of_engine(code, FailureCategory::Timeout, message.to_owned());
    match &step.form {
        Form::Noop { .. } | Form::Wait { .. } | Form::WaitUntil { .. } => complete_inside(draft, id),
        Form::Approval(_) => {
            let failure = late(Code::ApprovalExpired, "too few approved in time");
            fail(draft, id, failure, Usage::default())
        }
        Form::Signal(signal) => {
            let failure = late(Code::Timeout, &format!("no signal `{}` came in time", signal.name));
            fail(draft, id, failure, Usage::default())
        }
        Form::Plan(_) => {
            if let Some(child_run_id) = draft.step(id).and_then(|facts| facts.child) {
                draft.effect(Effect::CancelChild { step_id: id.clone(), child_run_id });
            }
            fail(draft, id, late(Code::Timeout, "the sub-plan took too long"), Usage::default())
        }
        // A worker keeps the time of what it does.
        Form::Run { .. } | Form::Script { .. } | Form::Uses(_) => Ok(()),
    }
}
