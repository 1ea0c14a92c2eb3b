//! Admission: from a start request to a run whose RunQueued is durable (contract 4.1 `startRun`).
//!
//! It refuses a document that is no plan, a version that is not the document's, and a request id that was used for
//! something else. It trusts no figure of the request: digest and bounds are computed here. What was begun goes on when
//! the caller goes away: between the commit and the run's first turn nobody else would begin it.

use crate::client::{StartAnswer, StartRequest};
use crate::engine::Engine;
use crate::entry::{self, Place};
use crate::groups::Key;
use crate::plans::Checked;
use crate::publish::DEVELOPMENT;
use crate::queue::Admission;
use crate::run::Message;
use crate::run::load::canonical_of;
use crate::{Grant, Problem, chance, crash, library};
use dvt_core::command::Start;
use dvt_model::action::Action;
use dvt_model::code::Code;
use dvt_model::digest::Digest;
use dvt_model::id::{RunId, RunRequestId};
use dvt_model::resource::ResourceRef;
use dvt_model::run::{PlanRef, Power, RunStatus};
use dvt_model::scope::TenantScope;
use dvt_model::time::Timestamp;
use dvt_plan::bounds::Class;
use dvt_plan::plan::Plan;
use dvt_store::Refusal;
use dvt_store::port::operation::{EntryDraft, Rights};
use dvt_store::port::transaction::Kind;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::oneshot;

/// Concurrent runs of one tenant: the single-tenant default class of contract 5.7.
pub(crate) const MOST_OPEN_RUNS: u32 = 1_000;
/// How often the setting that an admission follows from is looked at again, because it has just changed.
const MOST_LOOKS: u32 = 4;
/// A start's inputs (contract 6.7).
const MOST_INPUT_BYTES: usize = 1024 * 1024;

/// A run that somebody may start: checked, and not yet queued.
pub(crate) struct Wanted<'a> {
    pub(crate) plan: Arc<Plan>,
    pub(crate) document: Value,
    pub(crate) start: Start,
    /// Who starts it; its rights are judged again when it is queued.
    pub(crate) starter: &'a Grant,
    /// Everything that was granted for it, with the operations of contract 4.1.
    pub(crate) grants: Vec<(&'a Grant, &'a str)>,
    /// What else is entered with it.
    pub(crate) acts: &'a (dyn Fn(Place) -> Result<Vec<EntryDraft>, Problem> + Sync),
    pub(crate) run_request_id: RunRequestId,
    pub(crate) detached: bool,
}

impl Engine {
    /// Publishes the plan where it is not there yet and admits the run, in one transaction.
    pub(crate) async fn start(
        self: &Arc<Self>,
        publish: &Grant,
        start: &Grant,
        request: StartRequest,
    ) -> Result<StartAnswer, Problem> {
        check_proofs(publish, start, &request)?;
        self.takes(start.context.scope().tenant())?;
        let (engine, publish, start) = (Arc::clone(self), publish.clone(), start.clone());
        let (answer, answered) = oneshot::channel();
        self.go_on(async move {
            let result = engine.admit(&publish, &start, request).await;
            let grants = [(&publish, "publishPlan"), (&start, "startRun")];
            let result = engine.enter_if_refused(result, None, &grants).await;
            // Whoever asked may have gone; asking again gives this run.
            drop(answer.send(result));
        });
        answered.await.unwrap_or_else(|_| Err(Problem::engine_gone()))
    }

    async fn admit(
        self: &Arc<Self>,
        publish: &Grant,
        start: &Grant,
        request: StartRequest,
    ) -> Result<StartAnswer, Problem> {
        let scope = *start.context.scope();
        let bytes = canonical_of(&request.plan_document)?;
        let digest = Digest::of(&bytes);
        let known = self.plans.of(scope.tenant(), digest);
        // What was never checked is read before anything else is done with it.
        let read = match &known {
            Some(_) => None,
            None => Some(library::plain(&request.plan_document)?),
        };
        self.claim(scope.tenant()).await?;
        let transaction = self.parts().store.begin(&scope, Kind::Engine)?;
        let Checked { plan, bounds } = match (known, read) {
            (Some(known), _) => known,
            (None, None) => return Err(Problem::new(Code::Internal, "the plan was not read")),
            (None, Some(plan)) => {
                let whole = library::whole(&transaction, &request.plan_document, &plan).await?;
                let bounds = bounds_of(whole.as_ref().unwrap_or(&plan), &request.plan_document)?;
                let checked = Checked { plan: Arc::new(plan), bounds };
                // What lies below a plan may be gone by the next start, and is looked at anew.
                if whole.is_none() {
                    self.plans.keep(scope.tenant(), (digest, bytes.len()), &checked);
                }
                checked
            }
        };
        check_version(&plan, &request, digest)?;
        let inputs = check_inputs(&plan, request.inputs)?;
        if let Some(files) = request.files_digest {
            transaction.get_bundle(files).await?.ok_or_else(|| {
                Problem::new(
                    Code::PlanRefMismatch,
                    "the plan's packed files are not there under their digest",
                )
            })?;
        }
        let run_id = chance::run(self.now());
        let plan_ref = PlanRef { plan_id: request.plan_id, plan_version: request.plan_version, digest };
        let power = Power {
            host_allowed: request.host_allowed,
            files_digest: request.files_digest,
            secrets_profile: None,
        };
        let begins = Start {
            inputs,
            bounds,
            selection: request.selection,
            initiators: self.parts().two_persons.kept_out(start.context.principal().id),
            ..Start::plain(run_id, scope.tenant().key(), plan_ref, power)
        };
        let wanted = Wanted {
            plan,
            document: request.plan_document,
            start: begins,
            starter: start,
            grants: vec![(publish, "publishPlan"), (start, "startRun")],
            acts: &|_| Ok(Vec::new()),
            run_request_id: request.run_request_id,
            detached: request.detached,
        };
        self.begin_run(wanted).await
    }

    /// Queues a run that somebody asked for, and makes it hot. Where the setting has changed that its admission follows from, it
    /// is made anew from what stands there now.
    pub(crate) async fn begin_run(self: &Arc<Self>, wanted: Wanted<'_>) -> Result<StartAnswer, Problem> {
        let (scope, asked) = (*wanted.starter.context.scope(), self.now());
        self.enter_change(&scope, self.pressure.may_start(scope.tenant(), asked)?);
        for _ in 1..MOST_LOOKS {
            match self.try_to_begin((scope, asked), &wanted).await {
                Err(problem) if problem.code == Code::VersionConflict => self.gates.forget(&scope),
                other => return other,
            }
        }
        self.try_to_begin((scope, asked), &wanted).await
    }

    async fn try_to_begin(
        self: &Arc<Self>,
        (scope, asked): (TenantScope, Timestamp),
        wanted: &Wanted<'_>,
    ) -> Result<StartAnswer, Problem> {
        let Wanted { plan, start, starter, grants, .. } = wanted;
        let mut transaction = self.parts().store.begin(&scope, Kind::Engine)?;
        let seen = self.gates.of(&scope, &transaction).await?;
        let plan = match &seen.gate {
            Some(gate) => Arc::new(dvt_core::gated((**plan).clone(), gate)),
            None => Arc::clone(plan),
        };
        let start = Start { approval_gate: seen.gate, ..start.clone() };
        let (run_id, host_allowed) = (start.run_id, start.power.host_allowed);
        let mut entering = match Key::of_start(scope.ids(), &plan, &start)? {
            Some(key) => Some(self.enter_group(&transaction, &key, (run_id, Some(*starter))).await?),
            None => None,
        };
        let now = entering.as_ref().map_or_else(|| self.now(), |entering| entering.now);
        let place = Place { ledger: transaction.ledger(), scope: scope.ids(), now, run: Some(run_id) };
        let mut decisions: Vec<EntryDraft> =
            grants.iter().map(|(grant, operation)| entry::of_decision(place, grant, operation)).collect();
        decisions.extend((wanted.acts)(place)?);
        decisions.extend(entering.iter_mut().flat_map(|entering| entering.decisions.drain(..)));
        let principal = starter.context.principal();
        let admission = Admission {
            scope,
            plan,
            document: wanted.document.clone(),
            start,
            decisions,
            request_id: starter.context.request_id(),
            run_request_id: wanted.run_request_id.clone(),
            rights: Rights::Of { principal: principal.id, epoch: principal.rights_epoch },
            most_open_runs: MOST_OPEN_RUNS.into(),
            detached: wanted.detached,
            now,
            group: entering.as_ref().map(|entering| entering.group.clone()),
            setting: Some(seen.setting()),
            is_new: true,
        };
        let (operation, fold) = self.queue(&mut transaction, admission)?;
        let status = fold.status;
        // If we crash before the commit there is no run; the same request makes one. After it, the run exists, nobody was
        // told, and the same request gives this run back and goes on with it.
        transaction.bootstrap_run(operation);
        let admitting = self.folding.alone(run_id).await;
        match transaction.commit().await {
            Ok(_) => {}
            Err(Refusal::Admitted { run, same }) => {
                drop((admitting, entering));
                return self.admitted(&scope, grants, run, same, host_allowed).await;
            }
            Err(Refusal::LeaseLost) => {
                self.depose();
                return Err(Problem::engine_gone());
            }
            Err(refusal) => {
                let busy = entering.filter(|_| refusal == Refusal::GroupBusy);
                return Err(busy.map_or_else(|| refusal.into(), |entering| entering.if_busy));
            }
        }
        crash::point(crash::START_ACK);
        self.enter_change(&scope, self.pressure.started(scope.tenant(), asked, self.now()));
        self.seal_soon(&scope);
        if status.is_terminal() {
            self.ends.note(scope.tenant(), fold.progress());
        } else {
            self.warm(fold, host_allowed, Vec::new());
        }
        drop(admitting);
        Ok(StartAnswer {
            run_id,
            provider: "embedded".to_owned(),
            status,
            idempotent: false,
            behind: entering.and_then(|entering| entering.behind),
        })
    }

    /// The same request id again: the first run, or a refusal if it asks for something else. The decisions are entered
    /// all the same, but never twice. A run that no engine works on, because the one that admitted it died, goes on here.
    async fn admitted(
        self: &Arc<Self>,
        scope: &TenantScope,
        grants: &[(&Grant, &str)],
        run: RunId,
        same: bool,
        host_allowed: bool,
    ) -> Result<StartAnswer, Problem> {
        let refused = (!same).then_some(Code::IdempotencyKeyReused);
        self.enter_unless_known(Some(run), grants, refused).await?;
        if !same {
            return Err(Problem::new(
                Code::IdempotencyKeyReused,
                "this request id was used for the same plan with other inputs or another power",
            ));
        }
        let row = self.row(scope, run).await?;
        let status = if row.status.is_terminal() || self.at_work(scope.tenant(), run).is_some() {
            row.status
        } else {
            self.go_on_with(scope, run, host_allowed).await?
        };
        Ok(StartAnswer {
            run_id: run,
            provider: row.metadata.provider,
            status,
            idempotent: true,
            behind: None,
        })
    }

    /// Takes an open run up for the client that started it and asks again; its state then.
    // Power: the recorded one AND the word that came with this request.
    async fn go_on_with(
        self: &Arc<Self>,
        scope: &TenantScope,
        run: RunId,
        host_allowed: bool,
    ) -> Result<RunStatus, Problem> {
        let (answer, answered) = oneshot::channel();
        let recover = vec![Message::Recover(Vec::new(), Some(answer))];
        match self.take_up(scope, run, host_allowed, recover).await {
            Ok(hot) => match answered.await {
                // Somebody else was quicker: it goes on, which is what was asked for.
                Ok(Err(problem)) if problem.code == Code::InvalidStateTransition => Ok(hot.status()),
                Ok(answer) => answer,
                Err(_) => Err(Problem::engine_gone()),
            },
            Err(problem) if problem.code == Code::RunTerminal => Ok(self.row(scope, run).await?.status),
            Err(problem) => Err(problem),
        }
    }
}

/// Both proofs are of one caller, one scope and this plan.
// INVARIANT(INV-12): checked by the engine whatever access has checked.
fn check_proofs(publish: &Grant, start: &Grant, request: &StartRequest) -> Result<(), Problem> {
    let scope = start.context.scope();
    if publish.context.scope() != scope || publish.context.principal().id != start.context.principal().id {
        return Err(Problem::unproved("its two proofs are of two callers"));
    }
    let project = ResourceRef { resource_type: "project".to_owned(), id: scope.project().to_string() };
    if publish.action != Action::PlanCreate || publish.resource != project {
        return Err(Problem::unproved("publishing in this project"));
    }
    let plan = ResourceRef { resource_type: "plan".to_owned(), id: request.plan_id.to_string() };
    if start.action != Action::RunStart || start.resource != plan {
        return Err(Problem::unproved("starting this plan"));
    }
    Ok(())
}

/// What a plan and all below it may cost, or why it is refused.
pub(crate) fn bounds_of(plan: &Plan, document: &Value) -> Result<Value, Problem> {
    if let Some(word) = crate::ahead::not_run_yet(plan) {
        return Err(Problem::new(Code::InvalidPlanSchema, format!("{word} is not carried out yet")));
    }
    let bytes = dvt_model::canonical::of(document).map_or(0, |bytes| bytes.len() as u64);
    let bounds = dvt_plan::bounds::of(plan);
    match Class::SINGLE_TENANT.refuses(&bounds, bytes) {
        Some(why) => Err(Problem::new(Code::PlanUnbounded, why)),
        None => Ok(json!(bounds)),
    }
}

fn check_version(plan: &Plan, request: &StartRequest, digest: Digest) -> Result<(), Problem> {
    let version = request.plan_version.as_str();
    let mine = match version.strip_prefix(DEVELOPMENT) {
        Some(short) => short.len() == 12 && digest.hex().starts_with(short),
        None => plan.version.as_deref() == Some(version),
    };
    if !mine {
        return Err(Problem::new(
            Code::PlanRefMismatch,
            format!("`{version}` is not the version of this document"),
        ));
    }
    let packed = request.plan_document.get("filesDigest").and_then(Value::as_str).map(Digest::parse);
    if packed.unwrap_or_default() != request.files_digest
        || (request.files_digest.is_none() && packed.is_some())
    {
        return Err(Problem::new(Code::PlanRefMismatch, "the packed files are not those of this document"));
    }
    Ok(())
}

/// Resolved inputs resolve to themselves; what was not checked by the client is refused here.
pub(crate) fn check_inputs(
    plan: &Plan,
    inputs: BTreeMap<String, Value>,
) -> Result<BTreeMap<String, Value>, Problem> {
    let inputs = plan.resolve_inputs(inputs).map_err(|errors| {
        let reasons: Vec<String> = errors.iter().map(ToString::to_string).collect();
        Problem::new(Code::InvalidRequest, reasons.join("; "))
    })?;
    let bytes = dvt_model::canonical::of(&inputs)
        .map_err(|error| Problem::new(Code::InvalidRequest, format!("the inputs are refused: {error}")))?;
    if bytes.len() > MOST_INPUT_BYTES {
        return Err(Problem::new(Code::PayloadTooLarge, "the inputs are larger than 1 MiB"));
    }
    Ok(inputs)
}
