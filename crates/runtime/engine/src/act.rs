//! Acts on a run (contracts 4.1, 4.5, 9): signals and votes, accepted, repeated, or refused, and each of them entered.
//!
//! The effect itself happens in the run's task, in one block with decision and record; this file finds the task, checks proof
//! and record against the deed, and enters what adds no run event.

use crate::engine::Engine;
use crate::entry::{self, Place, SignalVerdict};
use crate::run::load::Fold;
use crate::run::{Act, Message};
use crate::{Grant, Problem, chance};
use dvt_model::code::Code;
use dvt_model::decision::DecisionRecord;
use dvt_model::deed::Deed;
use dvt_model::id::{RunId, SignalId};
use dvt_model::run::RunStatus;
use dvt_store::port::operation::EntryDraft;
use dvt_store::port::transaction::Kind;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::oneshot;

/// How often an act looks for the run's task again when the run leaves memory under it.
const TRIES: u32 = 5;

/// What is asked of a run, and why.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Asked {
    /// The signal or vote.
    pub deed: Deed,
    /// Its decision record, where it needs one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<DecisionRecord>,
    /// The same id again is the same signal.
    pub signal_id: SignalId,
}

/// What came of an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Acted {
    /// The run's state after it.
    pub status: RunStatus,
    /// It was given before: the first answer stands, and nothing changed.
    pub duplicate: bool,
}

/// The entries of an act that was refused: who was allowed to ask, and that it was in vain.
pub(crate) fn refusal(place: Place, grant: &Grant, asked: &Asked, code: Code) -> Vec<EntryDraft> {
    let mut entries = vec![entry::of_vain_decision(place, grant, asked.deed.route(), code)];
    entries.extend(verdict(place, grant, asked, Some(code)));
    entries
}

/// The SIGNAL_SENT of a signal; a vote has none.
pub(crate) fn verdict(
    place: Place,
    grant: &Grant,
    asked: &Asked,
    refused: Option<Code>,
) -> Option<EntryDraft> {
    let signal_type = asked.deed.signal_type()?;
    // What a refused signal brought is not taken in: no key of the run could end it with the person whom it is about.
    let is_kept = refused.is_none() || !matches!(asked.deed, Deed::Send { .. });
    let verdict = SignalVerdict {
        signal_id: &asked.signal_id,
        signal_type,
        payload: if is_kept { asked.deed.payload() } else { Value::Null },
        decision_id: chance::decision(place.now),
        refused,
    };
    Some(entry::of_signal(place, grant, verdict))
}

impl Engine {
    /// Does it to a run that may be hot, open without an engine, or ended.
    pub(crate) async fn act(
        self: &Arc<Self>,
        grant: &Grant,
        run: RunId,
        asked: &Asked,
        host_allowed: bool,
    ) -> Result<Acted, Problem> {
        self.pressure.may_change(grant.context.scope().tenant(), self.now())?;
        let result = match check_proof(grant, run, asked) {
            Ok(()) => self.act_checked(grant, run, asked, host_allowed).await,
            Err(problem) => Err(problem),
        };
        self.enter_if_refused(result, None, &[(grant, asked.deed.route())]).await
    }

    async fn act_checked(
        self: &Arc<Self>,
        grant: &Grant,
        run: RunId,
        asked: &Asked,
        host_allowed: bool,
    ) -> Result<Acted, Problem> {
        let (scope, came) = (grant.context.scope(), Instant::now());
        for _ in 0..TRIES {
            let row = self.row(scope, run).await?;
            let transaction = self.parts().store.begin(scope, Kind::Act)?;
            // The same proof again, for the answer was lost with an engine: it is what it was the first time.
            if transaction.decision_recorded(grant.decision_id).await? {
                if let Some(code) = transaction.decision_in_vain(grant.decision_id).await? {
                    return Err(Problem::refused_before(code));
                }
                if row.status.is_terminal() || asked.deed.signal_type().is_none() {
                    return Ok(Acted { status: row.status, duplicate: false });
                }
            }
            if row.status.is_terminal() {
                let ledger = transaction.ledger();
                let place = Place { ledger, scope: row.metadata.scope, now: self.now(), run: Some(run) };
                self.append_act(scope, refusal(place, grant, asked, Code::RunTerminal)).await?;
                return Err(Problem::terminal());
            }
            let (answer, answered) = oneshot::channel();
            let act = Act { grant: grant.clone(), asked: asked.clone(), came, answer };
            let act = Message::Act(Box::new(act));
            let hot = match self.hot(scope.tenant(), run) {
                Some(hot) => {
                    let sent = hot.send(act);
                    if sent.is_err() { continue } else { hot }
                }
                None => match self.take_up_for(asked, scope, run, host_allowed, act).await {
                    Err(problem) if problem.code == Code::RunTerminal => continue,
                    taken => taken?,
                },
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

    /// A run that no engine works on. To end it, it is taken up: first the act, then what was running is settled. Any other act
    /// is written down and the run rests again as it was: it goes on by `dvt runs resume` alone (contract 4.10).
    // Power: what always runs on its way out has the recorded power AND the word of the one who ends it.
    async fn take_up_for(
        self: &Arc<Self>,
        asked: &Asked,
        scope: &dvt_model::scope::TenantScope,
        run: RunId,
        host_allowed: bool,
        act: Message,
    ) -> Result<crate::run::Hot, Problem> {
        if ends(&asked.deed) {
            return self
                .take_up(scope, run, host_allowed, vec![act, Message::Recover(Vec::new(), None)])
                .await;
        }
        self.take_up(scope, run, false, vec![act, Message::Rest]).await
    }

    /// A signal id that was used before: the first decision stands, this one is entered without an effect. Whether it is another
    /// asking, and not the same proof once more.
    pub(crate) async fn enter_repeated(
        &self,
        fold: &Fold,
        grant: &Grant,
        asked: &Asked,
        same: bool,
    ) -> Result<bool, Problem> {
        let place = fold.place(self);
        if !same {
            self.append_act(&fold.scope, refusal(place, grant, asked, Code::SignalDuplicate)).await?;
            return Err(Problem::new(
                Code::SignalDuplicate,
                format!("the signal id `{}` was used for something else", asked.signal_id),
            ));
        }
        // The same proof comes again when an answer was lost; its decision is in the ledger already.
        let transaction = self.parts().store.begin(&fold.scope, Kind::Act)?;
        if transaction.decision_recorded(grant.decision_id).await? {
            return Ok(false);
        }
        let entries = vec![entry::of_decision(place, grant, asked.deed.route())];
        self.append_act(&fold.scope, entries).await?;
        Ok(true)
    }
}

/// Whether it ends the run, so that whoever asks sees the end.
pub(crate) fn ends(deed: &Deed) -> bool {
    matches!(deed, Deed::Cancel {} | Deed::EmergencyStop { .. })
}

// INVARIANT(INV-15): no complete record about exactly this act, no act.
// INVARIANT(INV-12): the lowest role is asked again here, whatever access has asked.
pub(crate) fn check_proof(grant: &Grant, run: RunId, asked: &Asked) -> Result<(), Problem> {
    let (deed, reference) = (&asked.deed, entry::run_reference(run));
    let roles = &grant.context.principal().roles;
    if grant.action != deed.action()
        || grant.resource != reference
        || !dvt_policy::holds(roles, deed.lowest_role())
    {
        return Err(Problem::unproved("this act on this run"));
    }
    let about = asked.record.as_ref().map(|record| (record.operation(), record.resource()));
    if about.map(|(operation, _)| operation) != deed.operation()
        || about.is_some_and(|(_, resource)| *resource != reference)
    {
        return Err(Problem::new(
            Code::DecisionRecordIncomplete,
            "the decision record is missing, or about something else than this act on this run",
        ));
    }
    Ok(())
}
