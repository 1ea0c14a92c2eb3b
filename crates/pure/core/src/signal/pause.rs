//! PAUSE: no new step starts. What runs finishes, and its results are taken.

use super::wrong_state;
use crate::command::Refusal;
use crate::decide::draft::Draft;
use crate::event::body::{Pause, PauseCause};
use crate::ground::Ground;
use dvt_model::id::SignalId;
use dvt_model::run::{EventName, RunStatus};

pub(super) fn decide(draft: &mut Draft<'_>, signal_id: &SignalId) -> Result<(), Refusal> {
    let run = draft.run();
    if run.status != Some(RunStatus::Running) || run.ending_seq.is_some() {
        return Err(wrong_state("only a run that runs and is not ending can be paused"));
    }
    let nth = run.pauses + 1;
    let body = Pause { cause: PauseCause::Operator, signal_id: Some(signal_id.clone()) };
    draft.run_event(EventName::RunPaused, nth, &body)
}
