//! What an engine has to say about the runs that it takes up, to whoever is it (`dvt engine`). Where nobody listens the oldest are let go
//! of: each of these stands in the ledger, or is told to whoever asks for the run.

use crate::Problem;
use dvt_model::id::RunId;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// How many are kept for whoever does not listen just now.
const MOST: usize = 256;

/// One thing that is said.
#[derive(Debug, Clone)]
pub enum Notice {
    /// These runs, on which no engine worked, are worked on.
    TakenUp(Vec<RunId>),
    /// This run, or all open ones of a tenant where none is named, cannot be gone on with just now: it is tried again after a pause.
    Later {
        /// The run.
        run: Option<RunId>,
        /// Why.
        problem: Problem,
        /// The pause.
        pause: Duration,
    },
    /// This run cannot be gone on with, and is left as it is.
    Left {
        /// The run.
        run: RunId,
        /// Why.
        problem: Problem,
    },
}

/// What was not heard yet.
#[derive(Default)]
pub(crate) struct Notices {
    kept: Mutex<VecDeque<Notice>>,
    called: Notify,
}

impl Notices {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Notice>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, notice: Notice) {
        let mut kept = self.lock();
        if kept.len() >= MOST {
            kept.pop_front();
        }
        kept.push_back(notice);
        drop(kept);
        self.called.notify_one();
    }

    /// What was not heard yet; waits where there is nothing.
    pub(crate) async fn next(&self) -> Vec<Notice> {
        loop {
            let kept: Vec<Notice> = self.lock().drain(..).collect();
            if !kept.is_empty() {
                return kept;
            }
            self.called.notified().await;
        }
    }
}
