//! Sleep: a run for which nothing happens for a while leaves memory but for its place in it.
//!
//! What stays is who may be told and how it is woken: no plan, no state. Whatever reaches it wakes it (an act, a report, the end of a
//! child, a moment that has come): it is folded from the ledger, which must hold what was acknowledged when it fell asleep and
//! nothing else. Surprising: a long program may run meanwhile; what is in flight is the dispatcher's, and its report wakes the run.

use super::advance::{Left, Task, Turning};
use super::evict::{Leaving, refuse};
use super::load::Fold;
use super::news::News;
use super::{Hot, Message};
use crate::engine::Engine;
use crate::groups::Key;
use dvt_model::id::RunId;
use dvt_model::scope::TenantScope;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::sleep;

/// How often a fold that the store cannot give just now is tried again, and the first pause.
const TRIES: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// A run that sleeps.
pub(super) struct Asleep {
    engine: Arc<Engine>,
    scope: TenantScope,
    run: RunId,
    last_run_seq: u64,
    group: Option<Key>,
    inbox: mpsc::UnboundedReceiver<Message>,
    hot: Hot,
    news: News,
    host_allowed: bool,
    turn: Turning,
}

impl Task {
    /// Whether nothing is on its way that needs its memory, and nothing is due soon.
    pub(super) fn may_sleep(&self) -> bool {
        let soon = self.engine.now().plus_ms(self.engine.idle_ms());
        let due = self.due.is_none_or(|at| at > soon);
        let orders = self.children.as_ref().is_none_or(|orders| orders.are_carried_out());
        due && orders && !self.rests && !self.wants && self.granted.is_empty()
    }

    /// Lets go of plan and state.
    pub(super) fn fall_asleep(self) -> Asleep {
        self.engine.sleeping.begin();
        let Self { engine, fold, inbox, hot, news, host_allowed, turn, .. } = self;
        let (scope, run, last_run_seq) = (fold.scope, fold.metadata.run_id, fold.last_run_seq);
        Asleep { engine, scope, run, last_run_seq, group: fold.group, inbox, hot, news, host_allowed, turn }
    }
}

impl Asleep {
    /// Waits until something reaches it: the run as it was, and what woke it.
    pub(super) async fn until_woken(mut self) -> Result<(Box<Task>, Message), (Leaving, Left)> {
        let mut stop = self.engine.stopping();
        let message = tokio::select! {
            biased;
            () = crate::engine::told_to_stop(&mut stop) => None,
            message = self.inbox.recv() => message,
        };
        self.engine.sleeping.end();
        let message = match message {
            None => return Err((self.leaving(), Left::Stopped)),
            Some(Message::Drop) => return Err((self.leaving(), Left::Dropped)),
            Some(message) => message,
        };
        match Box::pin(self.fold()).await {
            Ok(fold) => Ok((Box::new(self.awake(fold)), message)),
            Err(left) => {
                refuse(message);
                Err((self.leaving(), left))
            }
        }
    }

    async fn fold(&self) -> Result<Fold, Left> {
        let mut pause = FIRST_PAUSE;
        let mut tries = 1;
        let fold = loop {
            match Fold::load(&self.engine, self.scope, self.run).await {
                Ok(fold) => break fold,
                Err(problem) if problem.code.is_retryable() && tries < TRIES => sleep(pause).await,
                Err(problem) => return Err(Left::Broken(problem)),
            }
            (pause, tries) = (pause * 2, tries + 1);
        };
        // INVARIANT(INV-29): nobody else wrote while it slept; what it knew is what the ledger has.
        if fold.last_run_seq == self.last_run_seq {
            return Ok(fold);
        }
        Err(fold.who_was_first(&self.engine).await)
    }

    fn awake(self, fold: Fold) -> Task {
        let Self { engine, inbox, hot, news, host_allowed, turn, .. } = self;
        Task {
            engine,
            fold,
            inbox,
            hot,
            news,
            host_allowed,
            rests: false,
            children: None,
            turn,
            due: None,
            // They may wake it at the moment that was due when it fell asleep.
            is_set: false,
            wants: false,
            fruitless: None,
            granted: Vec::new(),
        }
    }

    fn leaving(self) -> Leaving {
        let Self { engine, scope, run, group, inbox, news, host_allowed, .. } = self;
        Leaving { engine, scope, run, word: Some(host_allowed), group, inbox, granted: Vec::new(), news }
    }
}
