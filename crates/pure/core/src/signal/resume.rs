//! RESUME: the run goes on, and the failed set and completion are asked again (contract 4.8). After a hold it goes on as
//! under `fail`; after an operator's pause as the plan says.

use super::wrong_state;
use crate::command::Refusal;
use crate::decide::draft::Draft;
use crate::decide::{finish, first_failed, look_at_failed_set, run_failing};
use crate::event::body::{FailingCause, Pause, PauseCause};
use crate::ground::Ground;
use dvt_model::id::SignalId;
use dvt_model::run::EventName;

pub(super) fn decide(draft: &mut Draft<'_>, signal_id: &SignalId) -> Result<(), Refusal> {
    let run = draft.run();
    let Some(pause) = run.pause.clone().filter(|_| run.ending_seq.is_none()) else {
        return Err(wrong_state("only a run that is paused and not ending can be resumed"));
    };
    let nth = run.pauses;
    let body = Pause { cause: PauseCause::Operator, signal_id: Some(signal_id.clone()) };
    draft.run_event(EventName::RunResumed, nth, &body)?;
    match (pause.cause, first_failed(draft)) {
        (PauseCause::StepFailed, Some(first)) => run_failing(draft, FailingCause::StepFailed, Some(first))?,
        (PauseCause::Operator | PauseCause::StepFailed, _) => look_at_failed_set(draft)?,
    }
    finish(draft)
}
