//! The pipe between worker and runs: logs are kept before the report that follows them is heard.
//!
//! It is bounded: when the store is slow the pipe fills, the link is read no more, and the worker slows down. What comes while
//! nothing is on its way does not go through it, for that would wake its task to hand on a word.

use crate::run::{Hot, Message};
use dvt_model::attempt::LogicalAttemptId;
use dvt_model::id::{RunId, StepId};
use dvt_model::scope::TenantScope;
use dvt_store::Store;
use dvt_store::port::operation::{LogChunk, Protection};
use dvt_store::port::transaction::Kind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

/// How much may lie in the pipe.
const ROOM: usize = 1_024;

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
    /// What a run is told: an attempt has ended, or the worker is gone.
    Word(Hot, Message),
}

/// The end at which things go in; the floor alone has it.
pub(super) struct Pipe {
    items: mpsc::Sender<Item>,
    /// Items that went in and are not dealt with.
    under_way: Arc<AtomicUsize>,
}

/// The end at which they come out.
pub(super) struct Outlet {
    items: mpsc::Receiver<Item>,
    under_way: Arc<AtomicUsize>,
}

/// A pipe.
pub(super) fn pipe() -> (Pipe, Outlet) {
    let (put, items) = mpsc::channel(ROOM);
    let under_way = Arc::new(AtomicUsize::new(0));
    (Pipe { items: put, under_way: Arc::clone(&under_way) }, Outlet { items, under_way })
}

impl Pipe {
    /// Puts something behind what is on its way; a word behind nothing is told at once.
    pub(super) async fn put(&self, item: Item) {
        match item {
            // Only this end adds to it, so nothing comes in between.
            Item::Word(hot, message) if self.under_way.load(Ordering::Acquire) == 0 => tell(&hot, message),
            item => {
                self.under_way.fetch_add(1, Ordering::AcqRel);
                // The outlet is there for as long as this end.
                if let Err(TrySendError::Full(item)) = self.items.try_send(item) {
                    dvt_telemetry::waits_for_room();
                    drop(self.items.send(item).await);
                }
            }
        }
    }
}

impl Outlet {
    /// Serves until the other end is closed.
    pub(super) async fn serve(mut self, store: Store) {
        while let Some(item) = self.items.recv().await {
            match item {
                Item::Log { scope, under, run, step, attempt, chunk } => {
                    // A log is no fact of the ledger (contract 6.7): what cannot be kept is lost, and the step goes on.
                    if let Ok(transaction) = store.begin(&scope, Kind::Engine) {
                        let key = (run, &step, attempt.0);
                        drop(transaction.append_log_under(&under, key, chunk).await);
                    }
                }
                Item::Word(hot, message) => tell(&hot, message),
            }
            self.under_way.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

/// A run that has left memory is told nothing: who takes it up again folds it.
fn tell(hot: &Hot, message: Message) {
    drop(hot.send(message));
}
