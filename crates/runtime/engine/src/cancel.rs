//! Cancelling a run (contracts 4.1, 4.5): accepted, repeated, or refused, and each of them entered.
//!
//! The effect itself happens in the run's task, in one block with decision and record; this file finds the task, and
//! enters what adds no run event.

use crate::engine::Engine;
use crate::entry::{self, Place, SignalVerdict};
use crate::run::load::Fold;
use crate::run::{Cancel, Message};
use crate::{Grant, Problem, chance};
use dvt_model::action::Action;
use dvt_model::code::Code;
use dvt_model::decision::{DecisionRecord, Operation};
use dvt_model::id::{RunId, SignalId};
use dvt_model::run::RunStatus;
use dvt_store::port::operation::EntryDraft;
use dvt_store::port::transaction::Kind;
use std::sync::Arc;
use tokio::sync::oneshot;

/// How often a cancel looks for the run's task again when the run leaves memory under it.
const TRIES: u32 = 5;

/// The entries of a refused cancel: who was allowed to ask, and that it was in vain.
pub(crate) fn refusal(place: Place, grant: &Grant, signal_id: &SignalId, code: Code) -> Vec<EntryDraft> {
    let verdict = SignalVerdict {
        signal_id,
        signal_type: "CANCEL",
        decision_id: chance::decision(),
        refused: Some(code),
    };
    vec![entry::of_decision(place, grant, "cancelRun"), entry::of_signal(place, grant, verdict)]
}

impl Engine {
    /// Cancels a run that may be hot, open without an engine, or ended.
    pub(crate) async fn cancel(
        self: &Arc<Self>,
        grant: &Grant,
        run: RunId,
        record: &DecisionRecord,
        signal_id: &SignalId,
        host_allowed: bool,
    ) -> Result<RunStatus, Problem> {
        let result = match check_proof(grant, run, record) {
            Ok(()) => self.cancel_checked(grant, run, record, signal_id, host_allowed).await,
            Err(problem) => Err(problem),
        };
        self.enter_if_refused(result, None, &[(grant, "cancelRun")]).await
    }

    async fn cancel_checked(
        self: &Arc<Self>,
        grant: &Grant,
        run: RunId,
        record: &DecisionRecord,
        signal_id: &SignalId,
        host_allowed: bool,
    ) -> Result<RunStatus, Problem> {
        let scope = grant.context.scope();
        for _ in 0..TRIES {
            let row = self.row(scope, run).await?;
            if row.status.is_terminal() {
                let transaction = self.parts().store.begin(scope, Kind::Act)?;
                if transaction.decision_recorded(grant.decision_id).await? {
                    // The same proof again: its cancel was accepted, and the answer was lost with an engine.
                    return Ok(row.status);
                }
                let ledger = transaction.ledger();
                let place = Place { ledger, scope: row.metadata.scope, now: self.now(), run: Some(run) };
                self.append_act(scope, refusal(place, grant, signal_id, Code::RunTerminal)).await?;
                return Err(Problem::terminal());
            }
            let (answer, answered) = oneshot::channel();
            let (grant, record, signal_id) = (grant.clone(), record.clone(), signal_id.clone());
            let asked = Message::Cancel(Box::new(Cancel { grant, record, signal_id, answer }));
            // A run that no engine worked on is taken up to be ended: first the cancel, then what was running is settled.
            // Power: what always runs on its way out has the recorded power AND the word of the one who cancels.
            let hot = match self.hot(scope.tenant(), run) {
                Some(hot) => {
                    let sent = hot.send(asked);
                    if sent.is_err() { continue } else { hot }
                }
                None => {
                    let messages = vec![asked, Message::Recover(Vec::new(), None)];
                    match self.take_up(scope, run, host_allowed, messages).await {
                        Err(problem) if problem.code == Code::RunTerminal => continue,
                        taken => taken?,
                    }
                }
            };
            match answered.await {
                Ok(Err(problem)) if problem.code == Code::LeaseLost && !self.is_stopping() => {}
                Ok(answer) => return answer,
                Err(_) if self.is_stopping() => return Err(Problem::engine_gone()),
                Err(_) => drop(hot),
            }
        }
        Err(Problem::engine_gone())
    }

    /// A signal id that was used before: the first decision stands, this one is entered without an effect.
    pub(crate) async fn enter_repeated(
        &self,
        fold: &Fold,
        grant: &Grant,
        signal_id: &SignalId,
        same: bool,
    ) -> Result<(), Problem> {
        let place = fold.place(self);
        if !same {
            self.append_act(&fold.scope, refusal(place, grant, signal_id, Code::SignalDuplicate)).await?;
            return Err(Problem::new(
                Code::SignalDuplicate,
                format!("the signal id `{signal_id}` was used for something else"),
            ));
        }
        // The same proof comes again when an answer was lost; its decision is in the ledger already.
        let transaction = self.parts().store.begin(&fold.scope, Kind::Act)?;
        if !transaction.decision_recorded(grant.decision_id).await? {
            self.append_act(&fold.scope, vec![entry::of_decision(place, grant, "cancelRun")]).await?;
        }
        Ok(())
    }
}

// INVARIANT(INV-15): no complete record about exactly this act, no act.
fn check_proof(grant: &Grant, run: RunId, record: &DecisionRecord) -> Result<(), Problem> {
    let reference = entry::run_reference(run);
    if grant.action != Action::RunCancel || grant.resource != reference {
        return Err(Problem::unproved("cancelling this run"));
    }
    if record.operation() != Operation::Cancel || *record.resource() != reference {
        return Err(Problem::new(
            Code::DecisionRecordIncomplete,
            "the decision record is about something else than cancelling this run",
        ));
    }
    Ok(())
}
