//! Runs that another run ends. What was said to one that left memory before it was written down, or that an engine did not come to say
//! before it was gone, stands in the other run's own ledger: whoever takes the run up says it first.
//!
//! A parent closes the step of a sub-plan in the block that leads to the child's end (contract 4.6). So an open run for which no step of
//! its parent waits is one to be ended.

use crate::Problem;
use crate::children::Ending;
use crate::engine::Engine;
use crate::run::Message;
use crate::run::load::Fold;
use dvt_model::id::RunId;
use dvt_model::run::EventName;
use dvt_store::port::operation::RunRow;
use dvt_store::port::transaction::Kind;

impl Engine {
    /// What another run has to say to one that is taken up: its parent, or a newer one of its group.
    pub(crate) async fn said_to(&self, fold: &Fold) -> Result<Option<Message>, Problem> {
        if let Some(ending) = known(self.ending_of(fold).await)? {
            return Ok(Some(ending.message()));
        }
        Ok(known(self.is_ended_by_group(fold).await)?.then_some(Message::CancelledByGroup))
    }

    /// How its parent ends this run; `None` where it has none, or one that waits for it.
    // If we crash between the block of the parent and that of the child, whoever takes the child up finds the same.
    async fn ending_of(&self, child: &Fold) -> Result<Option<Ending>, Problem> {
        let run = child.metadata.run_id;
        // What a parent in memory says from here on finds the child.
        let Some(parent) = child.state.parent_run().filter(|_| !self.families.want(run)) else {
            return Ok(None);
        };
        self.ending_by(child, parent).await
    }

    async fn ending_by(&self, child: &Fold, parent: RunId) -> Result<Option<Ending>, Problem> {
        let row = self.row(&child.scope, parent).await?;
        if row.status.is_terminal() {
            let is_stopped = self.is_stopped(child, &row).await?;
            // What it had running was killed when it left memory.
            return Ok(Some(if is_stopped { Ending::Stop { force_kill: false } } else { Ending::Cancel }));
        }
        let fold = Fold::load(self, child.scope, parent).await?;
        Ok((!fold.state.awaits(child.metadata.run_id)).then_some(Ending::Cancel))
    }

    /// Whether a run was ended by an emergency stop, as its last event says.
    async fn is_stopped(&self, child: &Fold, row: &RunRow) -> Result<bool, Problem> {
        let transaction = self.parts().store.begin(&child.scope, Kind::Engine)?;
        let before = row.last_run_seq.saturating_sub(1);
        let last = transaction.fetch_events(row.metadata.run_id, before, 1).await?.into_iter().next();
        Ok(last.is_some_and(|last| {
            let cause = last.payload.as_ref().and_then(|payload| payload.get("cause")?.as_str());
            last.envelope.event_name.as_deref() == Some(EventName::RunCancelled.as_str())
                && cause == Some("EMERGENCY_STOP")
        }))
    }
}

/// A run that cannot be read says nothing, and whoever asks for it is told why.
fn known<T: Default>(said: Result<T, Problem>) -> Result<T, Problem> {
    match said {
        Err(problem) if !problem.is_passing() => Ok(T::default()),
        known => known,
    }
}
