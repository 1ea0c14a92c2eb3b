//! Waiting for the end of a run, no longer than somebody wants to (`dvt runs get RUN --wait 10m`).
//!
//! It never becomes the engine and takes nothing from the run: when the time is over, the run goes on without whoever waited.

use super::news::News;
use crate::compose::Composition;
use crate::problem::Problem;
use crate::running::read::row;
use dvt_model::id::RunId;
use dvt_model::proof::{Authorized, RunReadStatus};
use dvt_model::resource::Run;
use std::time::Duration;
use tokio::time::timeout;

/// How the waiting ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waited {
    /// The run has ended.
    Ended,
    /// It goes on, and the time is over.
    TooLong,
    /// No engine works on it: nothing would come by itself.
    Rests,
}

/// Waits.
pub(super) async fn for_end(
    run: RunId,
    patience: Duration,
    composition: &Composition,
    route: &'static str,
) -> Result<Waited, Problem> {
    let read: Authorized<Run, RunReadStatus> =
        composition.access.run(&composition.context, run, route).await?;
    timeout(patience, until_ended(run, &read, composition, route)).await.unwrap_or(Ok(Waited::TooLong))
}

async fn until_ended(
    run: RunId,
    read: &Authorized<Run, RunReadStatus>,
    composition: &Composition,
    route: &'static str,
) -> Result<Waited, Problem> {
    let news = News::of(composition, run, route).await?;
    loop {
        let seen = row(composition, read).await?;
        if seen.status.is_terminal() {
            return Ok(Waited::Ended);
        }
        let Some(news) = &news else { return Ok(Waited::Rests) };
        let goes_on = news.after(seen.last_run_seq).await?;
        // An engine that ends has written what it did before that: looked at once more.
        if !goes_on && row(composition, read).await?.last_run_seq == seen.last_run_seq {
            return Ok(Waited::Rests);
        }
    }
}
