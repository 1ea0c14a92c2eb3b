//! Recovery: a run that no engine works on is taken up again, by whoever has the right and asks for it.
//!
//! It never happens as a side effect of starting another run (contract 4.10): a new holder goes on with detached runs and
//! with those that a live client attends, and leaves every other one as it is; `dvt engine` goes on with all of them.

use crate::again::How;
use crate::engine::Engine;
use crate::entry::{self, Place};
use crate::notices::Notice;
use crate::run::load::Fold;
use crate::run::{Hot, Message};
use crate::{Grant, Problem};
use dvt_model::action::Action;
use dvt_model::code::Code;
use dvt_model::id::{RunId, TenantId};
use dvt_model::run::RunStatus;
use dvt_model::scope::TenantScope;
use dvt_store::port::operation::RunRow;
use dvt_store::port::transaction::Kind;
use std::sync::Arc;
use tokio::sync::oneshot;

impl Engine {
    /// Makes an open run hot, with these messages before all others. A run that became hot meanwhile gets them too, but for
    /// `Recover`, which is answered with a refusal: whoever made it hot recovers it.
    // Power: what is taken up here runs with the recorded power AND `host_allowed`.
    // INVARIANT(INV-29): a run is recovered once a fold; a second `Recover` would give out again what is alive.
    pub(crate) async fn take_up(
        self: &Arc<Self>,
        scope: &TenantScope,
        run: RunId,
        host_allowed: bool,
        messages: Vec<Message>,
    ) -> Result<Hot, Problem> {
        let (folding, known) = loop {
            let folding = self.folding.alone(run).await;
            let known = self.hot(scope.tenant(), run);
            let Some(resting) = known.as_ref().filter(|hot| hot.rests()).cloned() else {
                break (folding, known);
            };
            // It leaves as soon as its act is written. Nobody who asks for it waits in line behind us meanwhile.
            drop(folding);
            resting.has_left().await;
        };
        let Some(hot) = known else {
            // The scope of the row that names the run (contract 1.1): a wide caller's would be wider than the run.
            self.claim(scope.tenant()).await?;
            let open = self.parts().store.open_runs(scope.tenant()).await?;
            let open = open.into_iter().find(|open| open.row.metadata.run_id == run);
            let own = open.ok_or_else(Problem::terminal)?.scope;
            let fold = Fold::load(self, own, run).await?;
            let mut first = Vec::new();
            if !messages.iter().any(|message| matches!(message, Message::Rest)) {
                first.extend(self.said_to(&fold).await?);
            }
            first.extend(messages);
            return Ok(self.warm(fold, host_allowed, first));
        };
        drop(folding);
        for message in messages {
            match message {
                Message::Recover(_, answer) => {
                    if let Some(answer) = answer {
                        // Nobody may be waiting any more; then nobody is refused.
                        drop(answer.send(Err(worked_on())));
                    }
                }
                // It is worked on: there is nothing to leave.
                Message::Rest => {}
                other => hot.send(other).map_err(|_| Problem::engine_gone())?,
            }
        }
        Ok(hot)
    }

    /// `dvt runs resume`: goes on with an open run that no engine works on.
    pub(crate) async fn resume(
        self: &Arc<Self>,
        grant: &Grant,
        run: RunId,
        host_allowed: bool,
    ) -> Result<RunStatus, Problem> {
        if grant.action != Action::SignalSend || grant.resource != entry::run_reference(run) {
            return Err(Problem::unproved("going on with this run"));
        }
        self.pressure.may_change(grant.context.scope().tenant(), self.now())?;
        let result = self.resume_checked(grant, run, host_allowed).await;
        self.enter_if_refused(result, None, &[(grant, "resumeRun")]).await
    }

    async fn resume_checked(
        self: &Arc<Self>,
        grant: &Grant,
        run: RunId,
        host_allowed: bool,
    ) -> Result<RunStatus, Problem> {
        let scope = grant.context.scope();
        let row = self.row(scope, run).await?;
        let transaction = self.parts().store.begin(scope, Kind::Act)?;
        let place = Place {
            ledger: transaction.ledger(),
            scope: row.metadata.scope,
            now: self.now(),
            run: Some(run),
        };
        // The same proof comes again when an answer was lost: it is what it was then, whatever became of the run since.
        let known = transaction.decision_recorded(grant.decision_id).await?;
        if let Some(code) = transaction.decision_in_vain(grant.decision_id).await? {
            return Err(Problem::refused_before(code));
        }
        let decision = if known { Vec::new() } else { vec![entry::of_decision(place, grant, "resumeRun")] };
        if row.status.is_terminal() {
            return if known { Ok(row.status) } else { Err(Problem::terminal()) };
        }
        if self.at_work(scope.tenant(), run).is_some() {
            return Err(worked_on());
        }
        let (answer, answered) = oneshot::channel();
        self.take_up(scope, run, host_allowed, vec![Message::Recover(decision, Some(answer))]).await?;
        answered.await.unwrap_or_else(|_| Err(Problem::engine_gone()))
    }

    /// The engine changed and a client that attends a run is still there: its run goes on here, later where the store cannot
    /// give it now.
    pub(crate) async fn attend(
        self: &Arc<Self>,
        grant: &Grant,
        run: RunId,
        host_allowed: bool,
    ) -> Result<RunStatus, Problem> {
        let attended = self.attend_now(grant, run, host_allowed).await;
        if let Some(problem) = attended.as_ref().err().filter(|problem| problem.is_passing()) {
            let how = How::Attended { grant: Box::new(grant.clone()), host_allowed };
            self.take_up_later(grant.context.scope().tenant(), run, how, problem);
        }
        attended
    }

    pub(crate) async fn attend_now(
        self: &Arc<Self>,
        grant: &Grant,
        run: RunId,
        host_allowed: bool,
    ) -> Result<RunStatus, Problem> {
        let scope = grant.context.scope();
        let row = self.row(scope, run).await?;
        if !self.attends(grant, &row).await? {
            return Err(Problem::unproved("attending this run"));
        }
        if row.status.is_terminal() {
            return Ok(row.status);
        }
        if let Some(hot) = self.at_work(scope.tenant(), run) {
            return Ok(hot.status());
        }
        let (answer, answered) = oneshot::channel();
        let recover = vec![Message::Recover(Vec::new(), Some(answer))];
        let hot = self.take_up(scope, run, host_allowed, recover).await?;
        self.tell_inherited(row.status);
        match answered.await {
            // Another client of the same run was quicker: it goes on here, which is what was asked for.
            Ok(Err(problem)) if problem.code == Code::InvalidStateTransition => Ok(hot.status()),
            Ok(answer) => answer,
            Err(_) => Err(Problem::engine_gone()),
        }
    }

    /// What a new holder takes up by itself: detached runs, or every open one, under their recorded power.
    // They are told to rest before the first of them is taken up, which may take a while.
    pub(crate) async fn take_up_open(self: &Arc<Self>, all: bool) -> Result<(), Problem> {
        let tenants = self.parts().store.tenants()?;
        for tenant in &tenants {
            // What cannot be read now is read again below.
            for open in self.parts().store.open_runs(*tenant).await.unwrap_or_default() {
                self.rests(open.row.metadata.run_id, all || open.row.detached);
            }
        }
        self.note_resting();
        for tenant in tenants {
            self.take_up_open_of(tenant, all).await;
        }
        Ok(())
    }

    /// The same of one tenant. What the store cannot give just now is taken up as soon as it can.
    pub(crate) async fn take_up_open_of(self: &Arc<Self>, tenant: TenantId, all: bool) {
        let open_runs = match self.parts().store.open_runs(tenant).await.map_err(Problem::from) {
            Ok(open_runs) => open_runs,
            Err(problem) => {
                // One tenant that cannot be read does not hold up the others; whoever asks for its runs is told.
                if problem.is_passing() {
                    self.take_up_open_later(tenant, all, &problem);
                }
                return;
            }
        };
        let mut taken = Vec::new();
        for open in open_runs {
            if all || open.row.detached {
                let run = open.row.metadata.run_id;
                // One run that cannot be folded does not hold up the others; whoever asks for it is told.
                match self.take_up(&open.scope, run, true, vec![Message::Recover(Vec::new(), None)]).await {
                    Ok(_) => {
                        self.tell_inherited(open.row.status);
                        taken.push(run);
                    }
                    Err(problem) if problem.is_passing() => {
                        let how = How::Duty { scope: open.scope, host_allowed: true };
                        self.take_up_later(tenant, run, how, &problem);
                        self.give_up(run, problem);
                    }
                    Err(problem) => self.leave(run, problem),
                }
            }
        }
        self.tell_taken_up(taken);
    }

    /// Says which runs are worked on again, where there are any.
    pub(crate) fn tell_taken_up(&self, runs: Vec<RunId>) {
        if !runs.is_empty() {
            self.notices.add(Notice::TakenUp(runs));
        }
    }

    /// A run in this state was taken up because the engine is another one.
    fn tell_inherited(&self, status: RunStatus) {
        if self.inherits() && status == RunStatus::Pending {
            dvt_telemetry::lease_expired();
        }
    }

    /// Whether a grant is one by which its client attends the run: the one it started it with, or one by which it resumed
    /// or cancelled it. Its decision stands in the ledger already; a new one would need an act of its own.
    async fn attends(&self, grant: &Grant, row: &RunRow) -> Result<bool, Problem> {
        let run = row.metadata.run_id;
        let transaction = self.parts().store.begin(grant.context.scope(), Kind::Act)?;
        if !transaction.decision_recorded(grant.decision_id).await?
            || transaction.decision_in_vain(grant.decision_id).await?.is_some()
        {
            return Ok(false);
        }
        if grant.action != Action::RunStart {
            let acts = matches!(grant.action, Action::SignalSend | Action::RunCancel);
            return Ok(acts && grant.resource == entry::run_reference(run));
        }
        // Starting the plan is no right on its other runs: the request must be the one that queued this run.
        let first = transaction.fetch_events(run, 0, 1).await?.into_iter().next();
        Ok(first.is_some_and(|first| first.envelope.request_id == grant.context.request_id()))
    }
}

fn worked_on() -> Problem {
    Problem::new(Code::InvalidStateTransition, "an engine works on this run already")
}
