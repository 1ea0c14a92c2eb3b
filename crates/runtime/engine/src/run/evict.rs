//! Eviction: a run leaves the engine when it has ended, when the engine ends, or when its ledger cannot be written.
//!
//! Nothing is lost by it: whoever needs the run again folds it.

use super::Message;
use super::advance::{Left, Task};
use super::news::News;
use crate::Problem;
use crate::again::How;
use crate::dispatch::Granted;
use crate::engine::Engine;
use crate::groups::Key;
use dvt_model::code::Code;
use dvt_model::id::RunId;
use dvt_model::scope::TenantScope;
use dvt_store::Refusal;
use std::sync::Arc;
use tokio::sync::mpsc;

/// What is left of a run that leaves, awake or asleep.
pub(super) struct Leaving {
    pub(super) engine: Arc<Engine>,
    pub(super) scope: TenantScope,
    pub(super) run: RunId,
    /// The word that it went on with; `None` where it was taken up for an act alone, and nobody went on with it.
    pub(super) word: Option<bool>,
    pub(super) group: Option<Key>,
    pub(super) inbox: mpsc::UnboundedReceiver<Message>,
    pub(super) granted: Vec<Granted>,
    /// Kept to the last: whoever follows the run hears that it left when it is in no table any more, and may go on with it.
    pub(super) news: News,
}

impl Task {
    pub(super) fn leaving(self) -> Leaving {
        let Self { engine, fold, inbox, granted, news, rests, host_allowed, .. } = self;
        let (scope, run) = (fold.scope, fold.metadata.run_id);
        let word = (!rests).then_some(host_allowed);
        Leaving { engine, scope, run, word, group: fold.group, inbox, granted, news }
    }
}

impl Leaving {
    /// Takes the run out of every table of the engine, answers whoever still waits, and tells the parent of a run that has ended.
    pub(super) async fn evict(mut self, left: Left) {
        let run = self.run;
        let has_ended = matches!(left, Left::Ended);
        let comes_back = left.is_passing();
        let is_left = !matches!(left, Left::Ended | Left::Stopped | Left::Rested);
        let problem = match left {
            Left::Ended | Left::Stopped | Left::Rested => None,
            Left::Refused(Refusal::LeaseLost) => {
                // Another engine writes this tenant: everything we hold in memory may be old.
                self.engine.depose();
                None
            }
            Left::Dropped => Some(Problem::new(
                Code::ServiceDegraded,
                format!("the run was stopped hard; it goes on by `dvt runs resume {run}`"),
            )),
            Left::Refused(refusal) => Some(Problem::from(refusal)),
            Left::Overtaken(problem) | Left::Broken(problem) => Some(problem),
        };
        // Nothing of it goes on without anybody who writes down what became of it. A run that ended has at most what is ending.
        let orders = self.engine.dispatcher().orders();
        orders.abandon(run, has_ended);
        if let Some(problem) = problem.clone() {
            self.engine.give_up(run, problem);
        }
        self.granted.into_iter().for_each(|granted| granted.settle(&orders));
        orders.serve().await;
        self.engine.forget(run);
        if let Some(key) = &self.group {
            self.engine.leave_group(key, self.scope, run);
        }
        self.inbox.close();
        while let Ok(message) = self.inbox.try_recv() {
            refuse(message);
        }
        // INVARIANT(INV-29): it is in no table any more, so whoever takes it up is its only task, and recovers it from the ledger.
        let word = self.word.filter(|_| comes_back && !self.engine.is_stopping());
        match (word, problem) {
            (Some(host_allowed), Some(problem)) => {
                let how = How::Duty { scope: self.scope, host_allowed };
                self.engine.take_up_later(self.scope.tenant(), run, how, &problem);
            }
            _ if is_left => self.engine.rests(run, false),
            _ => {}
        }
        drop(self.news);
        // Only now: whoever looks for this run from here on finds its end in the ledger, where it stands if we crash here.
        if has_ended {
            self.engine.tell_parent(&self.scope, run).await;
        } else {
            self.engine.families.left(run);
        }
    }
}

/// Answers what reached a run that is leaving.
pub(super) fn refuse(message: Message) {
    let again = || Problem::new(Code::LeaseLost, "the run left this engine; ask again");
    match message {
        Message::Act(act) => drop(act.answer.send(Err(again()))),
        Message::Recover(_, Some(answer)) => drop(answer.send(Err(again()))),
        Message::Recover(_, None)
        | Message::Slots(_)
        | Message::Report(..)
        | Message::Lost(_)
        | Message::Gone(_)
        | Message::ChildEnded(_)
        | Message::CancelledByParent
        | Message::StoppedByParent(_)
        | Message::CancelledByGroup
        | Message::Turn
        | Message::Due
        | Message::Drop
        | Message::Rest => {}
    }
}
