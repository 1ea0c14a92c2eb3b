//! `TenantTx`: one transaction, exactly one tenant. Reads now, writes staged, preconditions judged under the head lock.

use super::error::{Error, Refusal};
use super::ledger::{Exported, Page, PayloadSight, Query, Sight, Which};
use super::operation::*;
use crate::blob::{bundle, log};
use crate::commit::prepare::{Keys, People};
use crate::commit::stage::Stage;
use crate::commit::staged::{Operation, canonical_of, held, prepare, weight};
use crate::commit::{change, group, setting, waiting};
use crate::read::{Reader, events, ledger, members, plans, proof, queue, runs, settings, snapshot};
use crate::sqlite::Sql;
use crate::tenant::Tenant;
use dvt_model::code::Code;
use dvt_model::digest::Digest;
use dvt_model::entry::PayloadClass;
use dvt_model::id::{DecisionId, LedgerId, PlanId, PlanName, PrincipalId, RunId, StepId};
use dvt_model::scope::{Root, ScopeIds, TenantScope};
use dvt_model::time::Timestamp;
use rusqlite::Connection;
use serde_json::Value;
use std::sync::Arc;
use tokio::sync::oneshot;

/// What a transaction is for; it decides what may be staged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Reads, and acts that change no run.
    Act,
    /// The active engine.
    Engine,
}

/// A transaction of one tenant. Dropping it stages nothing.
pub struct TenantTx {
    reader: Reader,
    kind: Kind,
    staged: Vec<Operation>,
    people: People,
}

impl TenantTx {
    pub(crate) fn new(tenant: Arc<Tenant>, scope: TenantScope, kind: Kind) -> Self {
        Self { reader: Reader { tenant, scope }, kind, staged: Vec::new(), people: People::new() }
    }

    /// The scope it was begun with.
    pub fn scope(&self) -> &TenantScope {
        &self.reader.scope
    }

    /// The tenant's ledger, for envelopes.
    pub fn ledger(&self) -> LedgerId {
        self.reader.tenant.ledger
    }

    /// The tenant's root project and environment.
    pub fn root(&self) -> Root {
        self.reader.tenant.root
    }

    /// Runs a read on a lane of the tenant.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Reader, &Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let reader = self.reader.clone();
        self.reader.tenant.lanes.run(move |lane| work(&reader, lane)).await
    }

    /// A member by OS user, with the roles that reach this scope.
    pub async fn member_by_os_uid(&self, uid: u32) -> Result<Option<KnownMember>, Error> {
        self.read(move |reader, lane| members::by_os_uid(reader, lane, uid)).await
    }

    /// A run of this scope (`covers`); another scope's is `None`.
    pub async fn run(&self, run: RunId) -> Result<Option<RunRow>, Error> {
        self.read(move |reader, lane| runs::one(reader, lane, run)).await
    }

    /// Runs of this scope, newest first; at most 500.
    pub async fn list_runs(&self, limit: u32, cursor: Option<&str>) -> Result<RunPage, Error> {
        self.list_runs_of(&RunFilter::default(), limit, cursor).await
    }

    /// The same of some runs. A cursor belongs to one filter; with another it is refused.
    pub async fn list_runs_of(
        &self,
        filter: &RunFilter,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<RunPage, Error> {
        let (filter, cursor) = (filter.clone(), cursor.map(str::to_owned));
        self.read(move |reader, lane| runs::list(reader, lane, &filter, (limit, cursor.as_deref()))).await
    }

    /// Ids of runs of this scope whose text form starts with `prefix` (`run_` and >= 6 digits), at most 10.
    pub async fn runs_by_prefix(&self, prefix: &str) -> Result<Vec<RunId>, Error> {
        let prefix = prefix.to_owned();
        self.read(move |reader, lane| runs::by_prefix(reader, lane, &prefix)).await
    }

    /// Run events after `after_seq`, at most `limit` (<= 1,000). `NotFound` where the scope has no such run.
    pub async fn fetch_events(
        &self,
        run: RunId,
        after_seq: u64,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, Error> {
        self.read(move |reader, lane| events::fetch(reader, lane, run, after_seq, limit)).await
    }

    /// The newest snapshot: (lastRunSeq, state).
    pub async fn get_snapshot(&self, run: RunId) -> Result<Option<(u64, Value)>, Error> {
        self.read(move |reader, lane| snapshot::get(reader, lane, run)).await
    }

    /// Keeps a snapshot if its `lastRunSeq` rises; a cache, written outside the append.
    pub async fn put_snapshot(&self, run: RunId, last_run_seq: u64, state: &Value) -> Result<(), Error> {
        self.engine_only()?;
        snapshot::put(&self.reader, run, last_run_seq, state.clone()).await
    }

    /// The id of the plan of this name in the scope's project.
    pub async fn plan_id(&self, name: &PlanName) -> Result<Option<PlanId>, Error> {
        let name = name.clone();
        self.read(move |reader, lane| plans::id(reader, lane, &name)).await
    }

    /// A published plan.
    pub async fn plan(&self, plan: PlanId, version: &str) -> Result<Option<PlanRow>, Error> {
        let version = version.to_owned();
        self.read(move |reader, lane| plans::one(reader, lane, plan, &version)).await
    }

    /// Plan versions of this scope, the newest first; at most 500.
    pub async fn list_plans(
        &self,
        filter: &PlanFilter,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<PlanPage, Error> {
        let (filter, cursor) = (filter.clone(), cursor.map(str::to_owned));
        self.read(move |reader, lane| plans::list(reader, lane, &filter, (limit, cursor.as_deref()))).await
    }

    /// One version of a plan, also where its document has ended.
    pub async fn plan_version(&self, plan: PlanId, version: &str) -> Result<Option<PlanVersion>, Error> {
        let version = version.to_owned();
        self.read(move |reader, lane| plans::version(reader, lane, plan, &version)).await
    }

    /// Keeps a packed bundle of files, sealed, under the digest of its bytes.
    pub async fn put_bundle(&self, digest: Digest, bytes: &[u8]) -> Result<(), Error> {
        bundle::keep(&self.reader.tenant, self.reader.scope, digest, bytes.to_vec()).await
    }

    /// A bundle of this scope.
    pub async fn get_bundle(&self, digest: Digest) -> Result<Option<Vec<u8>>, Error> {
        self.read(move |reader, lane| bundle::read(&reader.tenant, lane, &reader.scope, digest)).await
    }

    /// Appends to the log of an attempt. A crash may lose the tail, never the order.
    pub async fn append_log(
        &self,
        run: RunId,
        step: &StepId,
        attempt: u32,
        chunk: LogChunk,
    ) -> Result<(), Error> {
        self.append_log_under(&Protection::default(), (run, step, attempt), chunk).await
    }

    /// The same for an attempt whose output is of another class, or about somebody. What counts is the first piece.
    pub async fn append_log_under(
        &self,
        under: &Protection,
        (run, step, attempt): (RunId, &StepId, u32),
        chunk: LogChunk,
    ) -> Result<(), Error> {
        self.engine_only()?;
        let key = (run, step.clone(), attempt);
        if !self.reader.tenant.logs().contains_key(&key) {
            let row = self.run(run).await?.ok_or(Error::NotFound)?;
            log::ensure(&self.reader.tenant, row.metadata.scope, key.clone(), under.clone()).await?;
        }
        self.read(move |reader, lane| log::append(&reader.tenant, lane, &key, &chunk)).await
    }

    /// The log of an attempt. `NotFound` where the scope has no such run.
    pub async fn read_log(&self, run: RunId, step: &StepId, attempt: u32) -> Result<Vec<LogChunk>, Error> {
        self.read_log_from(run, step, attempt, LogMark::default()).await.map(|(chunks, _)| chunks)
    }

    /// What was added to the log of an attempt since a mark, and the mark behind that.
    pub async fn read_log_from(
        &self,
        run: RunId,
        step: &StepId,
        attempt: u32,
        mark: LogMark,
    ) -> Result<(Vec<LogChunk>, LogMark), Error> {
        let key = (run, step.clone(), attempt);
        self.read(move |reader, lane| match runs::one(reader, lane, run)? {
            Some(_) => log::read(&reader.tenant, lane, &key, mark),
            None => Err(Error::NotFound),
        })
        .await
    }

    /// The HMAC of a value under the run's own key: says later whether it was this one, and ends with the run (contract 9).
    pub async fn run_mac(&self, run: RunId, value: &Value) -> Result<[u8; 32], Error> {
        let message = canonical_of(value)?;
        self.read(move |reader, lane| {
            runs::one(reader, lane, run)?.ok_or(Error::NotFound)?;
            let key = reader.tenant.keyring.run_key(lane, run, PayloadClass::Standard, None)?;
            // A key that no transaction has brought in is that of a run whose own is destroyed.
            if key.undurable().is_some() { Err(Error::erased()) } else { Ok(key.hmac(&message)) }
        })
        .await
    }

    /// A setting of this very project and environment.
    pub async fn setting(&self, kind: &str, name: &str) -> Result<Option<SettingRow>, Error> {
        let (kind, name) = (kind.to_owned(), name.to_owned());
        self.read(move |reader, lane| settings::one(reader, lane, &kind, &name)).await
    }

    /// What [`Self::put_setting`] would be answered with: whether the setting has the version that the change is made from.
    pub async fn would_put_setting(
        &self,
        kind: &str,
        name: &str,
        expected_version: Option<u64>,
    ) -> Result<Result<(), Refusal>, Error> {
        let (kind, name) = (kind.to_owned(), name.to_owned());
        self.read(move |reader, lane| {
            let (tenant, place) = (reader.tenant.id, reader.scope.ids());
            setting::has_version(lane, tenant, &place, (&kind, &name), expected_version).sql()
        })
        .await
    }

    /// The open runs of a plan in a concurrency group, oldest first; those that the scope does not cover are left out.
    pub async fn runs_of_group(
        &self,
        plan: PlanId,
        scope: ScopeIds,
        name: &str,
    ) -> Result<Vec<RunRow>, Error> {
        let name = name.to_owned();
        self.read(move |reader, lane| runs::of_group(reader, lane, (plan, scope), &name)).await
    }

    /// The open runs of its concurrency group that were queued before a run, oldest first; none where it is in no group.
    pub async fn before_in_group(&self, run: RunId) -> Result<Vec<RunRow>, Error> {
        self.read(move |reader, lane| runs::before_in_group(reader, lane, run)).await
    }

    /// Runs of this scope that wait, oldest first; at most 500.
    pub async fn waiting_runs(&self, limit: u32) -> Result<Vec<QueueRow>, Error> {
        self.read(move |reader, lane| queue::waiting(reader, lane, limit)).await
    }

    /// How many entries the ledger has.
    pub async fn ledger_size(&self) -> Result<u64, Error> {
        self.read(|reader, lane| Ok(group::head(lane, reader.tenant.id)?.next_index)).await
    }

    /// How many of them a checkpoint stands over.
    pub async fn sealed_size(&self) -> Result<u64, Error> {
        self.read(|reader, lane| Ok(group::head(lane, reader.tenant.id)?.sealed_size)).await
    }

    /// Moves a run's place in the queue; gives its new version. It writes no entry: the run's own events tell what became of it.
    pub async fn move_in_queue(&self, step: MoveInQueue) -> Result<u64, Refusal> {
        self.engine_only().map_err(Refusal::from)?;
        let visible = self.run(step.run_id).await.map_err(Refusal::from)?;
        if visible.is_none() {
            return Err(Refusal::Contract("the run is not there".to_owned()));
        }
        self.reader.tenant.committer.write(0, move |group| waiting::advance(group, &step)).await
    }

    /// Whether a granted status read of (principal, action, resource) since `since` is in the ledger already (7.1).
    pub async fn read_recorded(
        &self,
        who: PrincipalId,
        action: &str,
        resource: &str,
        since: Timestamp,
    ) -> Result<bool, Error> {
        let (action, resource) = (action.to_owned(), resource.to_owned());
        self.read(move |reader, lane| events::read_recorded(reader, lane, (who, &action, &resource), since))
            .await
    }

    /// Whether a decision is in the ledger.
    pub async fn decision_recorded(&self, decision: DecisionId) -> Result<bool, Error> {
        self.read(move |reader, lane| events::decision_recorded(reader, lane, decision)).await
    }

    /// The code by which what was decided was refused after the decision: nothing came of it. `None` where it was done, or where the
    /// decision is not in the ledger.
    pub async fn decision_in_vain(&self, decision: DecisionId) -> Result<Option<Code>, Error> {
        self.read(move |reader, lane| events::decision_in_vain(reader, lane, decision)).await
    }

    /// A page of the ledger, newest first, as far as the right to read it reaches.
    pub async fn read_ledger(
        &self,
        sight: &Sight,
        query: &Query,
        cursor: Option<&str>,
    ) -> Result<Page, Error> {
        let (sight, query, cursor) = (sight.clone(), query.clone(), cursor.map(str::to_owned));
        self.read(move |reader, lane| ledger::page(reader, lane, &sight, &query, cursor.as_deref())).await
    }

    /// At most 10,000 entries with their proofs; with `payloads` also what they commit to, in clear.
    pub async fn export_ledger(
        &self,
        sight: &Sight,
        payloads: Option<&PayloadSight>,
        query: &Query,
    ) -> Result<Exported, Error> {
        let (sight, payloads, query) = (sight.clone(), payloads.cloned(), query.clone());
        self.read(move |reader, lane| proof::export(reader, lane, &sight, payloads.as_ref(), &query)).await
    }

    /// One entry with its proof under the newest checkpoint; none where it stands above it.
    pub async fn prove_entry(&self, sight: &Sight, which: Which) -> Result<Exported, Error> {
        let sight = sight.clone();
        self.read(move |reader, lane| proof::one(reader, lane, &sight, which)).await
    }

    /// The newest checkpoint, and the proof that it extends the tree of `first` leaves.
    pub async fn prove_growth(&self, first: u64) -> Result<(String, Vec<dvt_ledger::Hash>), Error> {
        self.read(move |reader, lane| proof::extends(reader, lane, first)).await
    }

    fn engine_only(&self) -> Result<(), Error> {
        if self.kind == Kind::Engine {
            return Ok(());
        }
        Err(Error::Contract("only the engine changes what belongs to a run".to_owned()))
    }

    /// Stages the admission of a run.
    pub fn bootstrap_run(&mut self, operation: BootstrapRun) {
        self.staged.push(Operation::Bootstrap(Box::new(operation)));
    }

    /// Stages run events.
    pub fn append_run(&mut self, operation: AppendRun) {
        self.staged.push(Operation::Append(Box::new(operation)));
    }

    /// Stages the publishing of a plan.
    pub fn publish_plan(&mut self, operation: PublishPlan) {
        self.staged.push(Operation::Publish(Box::new(operation)));
    }

    /// Stages an act.
    pub fn append_act(&mut self, operation: AppendAct) {
        self.staged.push(Operation::Act(operation));
    }

    /// Names whom the payload of the staged block's entry at this place is about: it gets a key that ends with them (contract
    /// 6.4). No name is stored anywhere.
    pub fn about(&mut self, place: usize, whom: impl Into<Subject>) {
        self.people.insert(place, whom.into());
    }

    pub(crate) fn stage(&mut self, act: ActDraft, change: change::Draft) {
        self.staged.push(Operation::Change(act, change));
    }

    /// Stages a change of a setting.
    pub fn put_setting(&mut self, operation: PutSetting) {
        self.staged.push(Operation::Setting(operation));
    }

    /// Stages the end of a member's rights.
    pub fn end_rights(&mut self, operation: EndRights) {
        self.staged.push(Operation::EndRights(operation));
    }

    /// Hands the stage to the committer; answers after the sync. A stage holds one operation.
    pub async fn commit(mut self) -> Result<Committed, Refusal> {
        let (Some(operation), true) = (self.staged.pop(), self.staged.is_empty()) else {
            return Err(Refusal::Contract("a stage holds one operation".to_owned()));
        };
        let is_the_engines =
            matches!(operation, Operation::Bootstrap(_) | Operation::Append(_) | Operation::Publish(_));
        if self.kind != Kind::Engine && is_the_engines {
            return Err(Refusal::Contract("only the engine changes runs and publishes plans".to_owned()));
        }
        crate::rotate::if_due(&self.reader.tenant).await?;
        let committer = &self.reader.tenant.committer;
        let room = committer.room(weight(&operation)).await?;
        // Sealing, leaves and the MAC come before the lock (they do not contain the index): here where nothing but memory is
        // needed, else on a lane.
        let people = std::mem::take(&mut self.people);
        let prepared = match held(&self.reader, &operation, &people) {
            Some(held) => prepare(&self.reader, &Keys::Held(&held), operation, &people),
            None => {
                self.read(move |reader, lane| prepare(reader, &Keys::Lane(lane), operation, &people)).await
            }
        };
        let (deed, block) = prepared.map_err(Refusal::from)?;
        let (answer, wait) = oneshot::channel();
        let tenant = Arc::clone(&self.reader.tenant);
        let stage = Stage { tenant, scope: self.reader.scope, deed, block, committed: None, answer };
        self.reader.tenant.committer.put(Box::new(stage), room)?;
        wait.await.map_err(|_| crate::commit::closed())?
    }
}
