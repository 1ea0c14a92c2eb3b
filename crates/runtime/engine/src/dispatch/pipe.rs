//! The pipe between worker and runs: logs are kept before the report that follows them is heard.
//!
//! It is bounded: when the store is slow the pipe fills, the link is read no more, and the worker slows down.

use super::Granted;
use crate::run::{Gone, Hot, Message};
use dvt_core::command::Report;
use dvt_model::attempt::LogicalAttemptId;
use dvt_model::id::{RunId, StepId};
use dvt_model::scope::TenantScope;
use dvt_store::Store;
use dvt_store::port::operation::{LogChunk, Protection};
use dvt_store::port::transaction::Kind;
use tokio::sync::mpsc;

/// How much may lie in the pipe.
pub(super) const ROOM: usize = 1_024;

/// What flows through it.
pub(super) enum Item {
    /// A piece of a step's log.
    Log {
        scope: TenantScope,
        under: Protection,
        run: RunId,
        step: StepId,
        attempt: LogicalAttemptId,
        chunk: LogChunk,
    },
    /// The end of an attempt, with what its run has from then on.
    Report(Hot, Box<Report>, Option<Granted>),
    /// The worker is gone, and with it this of the run.
    Lost(Hot, Vec<Gone>),
    /// An attempt that was to end, and that no worker has.
    Gone(Hot, Gone),
}

/// Serves until the floor is closed.
pub(super) async fn serve(store: Store, mut items: mpsc::Receiver<Item>) {
    while let Some(item) = items.recv().await {
        match item {
            Item::Log { scope, under, run, step, attempt, chunk } => {
                // A log is no fact of the ledger (contract 6.7): what cannot be kept is lost, and the step goes on.
                if let Ok(transaction) = store.begin(&scope, Kind::Engine) {
                    let key = (run, &step, attempt.0);
                    drop(transaction.append_log_under(&under, key, chunk).await);
                }
            }
            // A run that has left memory is told nothing: who takes it up again folds it.
            Item::Report(hot, report, granted) => drop(hot.send(Message::Report(report, granted))),
            Item::Lost(hot, lost) => drop(hot.send(Message::Lost(lost))),
            Item::Gone(hot, gone) => drop(hot.send(Message::Gone(gone))),
        }
    }
}
