//! RETRY_RUN (contract 4.5): a new run in the place of one that has ended, which is not touched.
//!
//! It follows the plan, inputs and selection of the old one, under a word that is given anew: no power is handed down. It takes over
//! what completed and would do the same now. Decisions, record and signal stand in the block that queues the new run. The surprising
//! rule: the signal's id names the new run's request, so the same signal again is the same new run.

use crate::act::{check_proof, refusal, verdict};
use crate::admit::{Wanted, bounds_of};
use crate::client::{Again, StartAnswer};
use crate::engine::Engine;
use crate::entry::{self, Place};
use crate::run::load::Fold;
use crate::{Asked, Grant, Problem, chance, library};
use dvt_core::command::Start;
use dvt_core::event::body::RunQueued;
use dvt_model::action::Action;
use dvt_model::code::Code;
use dvt_model::deed::{Deed, RetryFrom};
use dvt_model::id::{RunId, RunRequestId};
use dvt_model::resource::ResourceRef;
use dvt_model::run::{Power, RunStatus};
use dvt_store::port::operation::EntryDraft;
use dvt_store::port::transaction::Kind;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::oneshot;

impl Engine {
    /// Begins it, with the right to start the plan and the right to send the signal.
    pub(crate) async fn retry_run(
        self: &Arc<Self>,
        (start, signal): (&Grant, &Grant),
        original: RunId,
        asked: &Asked,
        again: Again,
    ) -> Result<StartAnswer, Problem> {
        check_proof(signal, original, asked)?;
        self.takes(start.context.scope().tenant())?;
        let (engine, start, signal) = (Arc::clone(self), start.clone(), signal.clone());
        let asked = asked.clone();
        let (answer, answered) = oneshot::channel();
        self.go_on(async move {
            let result = engine.retry_checked((&start, &signal), original, &asked, again).await;
            let grants = [(&start, "startRun"), (&signal, "signal")];
            let result = engine.enter_if_refused(result, None, &grants).await;
            // Whoever asked may have gone; asking again gives this run.
            drop(answer.send(result));
        });
        answered.await.unwrap_or_else(|_| Err(Problem::engine_gone()))
    }

    async fn retry_checked(
        self: &Arc<Self>,
        (start, signal): (&Grant, &Grant),
        original: RunId,
        asked: &Asked,
        again: Again,
    ) -> Result<StartAnswer, Problem> {
        let came = Instant::now();
        let Deed::RetryRun { from, force } = asked.deed else {
            return Err(Problem::unproved("another signal than RETRY_RUN"));
        };
        let scope = *signal.context.scope();
        let row = self.row(&scope, original).await?;
        check_start(start, signal, row.metadata.plan.plan_id.to_string())?;
        if row.metadata.scope != scope.ids() {
            return Err(Problem::unproved("starting in the environment of this run"));
        }
        if let Err(problem) = may_retry(row.status, force) {
            let ledger = self.parts().store.begin(&scope, Kind::Act)?.ledger();
            let place = Place { ledger, scope: row.metadata.scope, now: self.now(), run: Some(original) };
            self.append_act(&scope, refusal(place, signal, asked, problem.code)).await?;
            return Err(problem);
        }
        self.claim(scope.tenant()).await?;
        let fold = Fold::load(self, scope, original).await?;
        let queued = fold.queued(self).await?;
        let transaction = self.parts().store.begin(&scope, Kind::Engine)?;
        let plan_ref = row.metadata.plan.clone();
        let published = transaction.plan(plan_ref.plan_id, &plan_ref.plan_version).await?;
        let document = published.ok_or_else(Problem::not_found)?.document;
        let plan = library::plain(&document)?;
        let whole = library::whole(&transaction, &document, &plan).await?;
        let bounds = bounds_of(whole.as_ref().unwrap_or(&plan), &document)?;
        let reuse = match from {
            RetryFrom::Failed => fold.state.reusable(&fold.plan, &plan),
            RetryFrom::Start => std::collections::BTreeSet::new(),
        };
        let power = Power {
            host_allowed: again.host_allowed,
            files_digest: queued.power.files_digest,
            secrets_profile: None,
        };
        let begins = Start {
            inputs: queued.inputs,
            bounds,
            selection: queued.selection,
            original_run_id: Some(original),
            reuse,
            about: fold.state.inputs_about(),
            known: fold.state.known().clone(),
            initiators: self.parts().two_persons.kept_out(start.context.principal().id),
            ..Start::plain(chance::run(self.now()), scope.tenant().key(), plan_ref, power)
        };
        let acts = |place: Place| -> Result<Vec<EntryDraft>, Problem> {
            let record = asked.record.as_ref().map(|record| entry::of_record(place, signal, record));
            let signalled = verdict(place, signal, asked, None);
            Ok(record.transpose()?.into_iter().chain(signalled).collect())
        };
        let wanted = Wanted {
            plan: Arc::new(plan),
            document,
            start: begins,
            starter: start,
            grants: vec![(start, "startRun"), (signal, "signal")],
            acts: &acts,
            run_request_id: request_of(original, asked)?,
            detached: again.detached,
        };
        let begun = self.begin_run(wanted).await;
        if begun.as_ref().is_ok_and(|answer| !answer.idempotent) {
            dvt_telemetry::signalled(came.elapsed());
        }
        begun.map_err(|problem| match problem.code {
            Code::IdempotencyKeyReused => Problem::new(
                Code::SignalDuplicate,
                format!("the signal id `{}` was used for something else", asked.signal_id),
            ),
            _ => problem,
        })
    }
}

/// Whether a run in this state may be run again.
pub fn may_retry(status: RunStatus, force: bool) -> Result<(), Problem> {
    let why = match status {
        RunStatus::Failed | RunStatus::Cancelled => return Ok(()),
        RunStatus::Completed if force => return Ok(()),
        RunStatus::Completed => "the run has completed; it is run again only with `force`",
        RunStatus::Pending | RunStatus::Running | RunStatus::Paused => {
            "the run has not ended; a step of it can be tried again, or it can be cancelled first"
        }
    };
    Err(Problem::new(Code::InvalidStateTransition, why))
}

/// The second proof is of the same caller, in the same scope, for the plan of the run.
// INVARIANT(INV-12): checked by the engine whatever access has checked.
fn check_start(start: &Grant, signal: &Grant, plan: String) -> Result<(), Problem> {
    let one_caller = start.context.scope() == signal.context.scope()
        && start.context.principal().id == signal.context.principal().id;
    let plan = ResourceRef { resource_type: "plan".to_owned(), id: plan };
    if one_caller && start.action == Action::RunStart && start.resource == plan {
        return Ok(());
    }
    Err(Problem::unproved("starting the plan of this run"))
}

/// The request that the new run is admitted by.
fn request_of(original: RunId, asked: &Asked) -> Result<RunRequestId, Problem> {
    // A signal's id may be as long as a request's: its digest is always short enough.
    let digest = dvt_model::digest::Digest::of(asked.signal_id.as_str().as_bytes());
    RunRequestId::parse(&format!("retry:{}:{}", original.key(), digest.hex().get(..32).unwrap_or_default()))
        .map_err(|error| Problem::new(Code::Internal, error.to_string()))
}

impl Fold {
    /// What the run was queued with.
    pub(crate) async fn queued(&self, engine: &Engine) -> Result<RunQueued, Problem> {
        let transaction = engine.parts().store.begin(&self.scope, Kind::Engine)?;
        let first = transaction.fetch_events(self.metadata.run_id, 0, 1).await?.into_iter().next();
        let payload = first.and_then(|first| first.payload);
        let payload =
            payload.ok_or_else(|| Problem::new(Code::PayloadErased, "the run's inputs are erased"))?;
        serde_json::from_value(payload).map_err(|error| {
            Problem::new(Code::LedgerIntegrityFailed, format!("what the run was queued with: {error}"))
        })
    }
}
