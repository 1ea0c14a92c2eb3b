//! `Due`: time went by. Steps that end by themselves first, in the order of their times; then the run's own limits.

use super::close::{close, of_the_drain, stop_drain};
use super::draft::Draft;
use super::fail::run_failing;
use super::finish::finish;
use super::offer::complete_inside;
use crate::command::Refusal;
use crate::event::body::{FailingCause, RunFailing};
use crate::ground::Ground;
use crate::mutant::{self, Mutant};
use crate::state::Lane;
use crate::way_out;
use dvt_model::run::RunStatus;
use dvt_model::time::Timestamp;

pub(super) fn decide(draft: &mut Draft<'_>) -> Result<(), Refusal> {
    if draft.run().status != Some(RunStatus::Running) {
        return Ok(());
    }
    let now = if mutant::active(Mutant::WaitDueEarly) { draft.now.plus_ms(1_000) } else { draft.now };
    let mut at = Lane::Due.start();
    while let Some(place) = draft.after(&at).filter(|place| place.rank <= now.ms()) {
        if let Some(id) = &place.step {
            complete_inside(draft, id)?;
        }
        at = place;
    }
    finish(draft)?;
    let passed = |moment: Option<Timestamp>| moment.is_some_and(|moment| moment <= draft.now);
    if draft.run().status != Some(RunStatus::Running) {
        return Ok(());
    }
    if passed(way_out::times_out_at(draft.run())) {
        run_failing(draft, &RunFailing { cause: FailingCause::RunTimeout, failed_step_id: None })?;
        stop_drain(draft)?;
    } else if passed(way_out::closes_at(draft.run())) {
        for id in of_the_drain(draft) {
            close(draft, &id)?;
        }
    }
    finish(draft)
}
