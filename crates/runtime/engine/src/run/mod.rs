//! Hot runs: one task a run, which alone holds its state and alone appends its events.
//!
//! Everything reaches it through its inbox. It refuses nothing by permission; whoever sends has checked the proof.

pub(crate) mod act;
pub(crate) mod advance;
pub(crate) mod append;
pub(crate) mod evict;
pub(crate) mod kept;
pub(crate) mod load;
mod news;
mod sleep;
mod take_over;

use crate::client::Progress;
use crate::dispatch::Granted;
use crate::{Acted, Asked, Grant, Problem};
use dvt_core::command::{ChildEnded, Report};
use dvt_model::attempt::{EngineAttemptId, LogicalAttemptId};
use dvt_model::id::{StepId, TenantId};
use dvt_model::run::RunStatus;
use dvt_model::scope::TenantScope;
use dvt_store::port::operation::EntryDraft;
use std::time::Instant;
use tokio::sync::{mpsc, oneshot, watch};

/// What a run's task is asked.
pub(crate) enum Message {
    /// The dispatcher has room for this many of its steps.
    Slots(Granted),
    /// An attempt ended; with it the slots that the run may use in the same turn. It stands in no line then.
    Report(Box<Report>, Option<Granted>),
    /// The worker that ran these is gone; they may be dying still.
    Lost(Vec<Gone>),
    /// An attempt that was to end is with no worker: nobody will say that it ended.
    Gone(Gone),
    /// The run of one of its sub-plans ended.
    ChildEnded(Box<ChildEnded>),
    /// Its parent's run ends it, by its way out.
    CancelledByParent,
    /// Its parent's run was stopped: it ends now, without the grace where that is asked.
    StoppedByParent(bool),
    /// A newer run of its group ends it, by its way out.
    CancelledByGroup,
    /// Its turn in its group has come.
    Turn,
    /// Something became due.
    Due,
    /// What it had running is lost: give it out again. The entries are those of the act that asks for it.
    Recover(Vec<EntryDraft>, Option<oneshot::Sender<Result<RunStatus, Problem>>>),
    /// A signal or a vote.
    Act(Box<Act>),
    /// Leave it as it is: it was taken up for one act, and goes on when somebody asks for that.
    Rest,
    /// Leave it as it is, and kill what it has running: a person interrupted twice.
    Drop,
}

/// An attempt without a worker: step, attempt and dispatch.
pub(crate) type Gone = (StepId, LogicalAttemptId, EngineAttemptId);

/// A signal or a vote with its proof and its reason.
pub(crate) struct Act {
    pub(crate) grant: Grant,
    pub(crate) asked: Asked,
    /// When it came to this engine.
    pub(crate) came: Instant,
    pub(crate) answer: oneshot::Sender<Result<Acted, Problem>>,
}

/// The way to a run's task.
#[derive(Clone)]
pub(crate) struct Hot {
    scope: TenantScope,
    inbox: mpsc::UnboundedSender<Message>,
    news: watch::Receiver<Progress>,
    /// Taken up for one act: it leaves when that is written, and nobody works on it.
    rests: bool,
}

impl Hot {
    /// A way to nobody's task, and what is sent on it.
    #[cfg(test)]
    pub(crate) fn alone(
        scope: TenantScope,
        run_id: dvt_model::id::RunId,
    ) -> (Self, mpsc::UnboundedReceiver<Message>) {
        let (inbox, received) = mpsc::unbounded_channel();
        let progress = Progress { run_id, last_run_seq: 0, status: RunStatus::Running };
        (Self { scope, inbox, news: watch::channel(progress).1, rests: false }, received)
    }

    pub(crate) fn tenant(&self) -> TenantId {
        self.scope.tenant()
    }

    pub(crate) fn rests(&self) -> bool {
        self.rests
    }

    pub(crate) fn scope(&self) -> &TenantScope {
        &self.scope
    }

    pub(crate) fn news(&self) -> watch::Receiver<Progress> {
        self.news.clone()
    }

    pub(crate) fn status(&self) -> RunStatus {
        self.news.borrow().status
    }

    /// Gives the message back when the task has ended.
    pub(crate) fn send(&self, message: Message) -> Result<(), Box<Message>> {
        self.inbox.send(message).map_err(|error| Box::new(error.0))
    }

    /// Waits until the run is in no table of the engine any more: its task has ended, and somebody else may take it up.
    pub(crate) async fn has_left(&self) {
        let mut news = self.news.clone();
        // The end of the news is the last thing that a run does.
        while news.changed().await.is_ok() {}
    }

    /// Something became due. A task that has ended has nothing due.
    pub(crate) fn due(&self) {
        drop(self.send(Message::Due));
    }
}
