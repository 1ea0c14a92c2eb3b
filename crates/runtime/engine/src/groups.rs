//! Concurrency groups (contract 5.7): of the runs of a plan that name one group, one at a time is past PENDING.
//!
//! Who is past PENDING stands in the ledger and is asked there; memory holds only who waits, and whose turn has come and is not
//! yet written. So an engine that dies takes no turn with it: the next one asks again. It refuses nobody by permission: whether
//! the starter may cancel what is under way is access's to say. A run that nobody works on keeps its group until it has ended.
// INVARIANT(INV-12): a turn is only leave to ask. The store takes no second run of a group past PENDING, whatever is believed here.

use crate::engine::Engine;
use crate::run::load::Fold;
use crate::run::{Hot, Message};
use crate::{Grant, Problem, entry};
use dvt_core::State;
use dvt_core::command::{Refusal, Start};
use dvt_model::code::Code;
use dvt_model::digest::Digest;
use dvt_model::id::{PlanId, RunId, TenantId};
use dvt_model::run::RunStatus;
use dvt_model::scope::{ScopeIds, TenantScope};
use dvt_model::time::Timestamp;
use dvt_plan::plan::{OnBusy, Plan};
use dvt_store::port::operation::{EntryDraft, Group, RunRow};
use dvt_store::port::transaction::{Kind, TenantTx};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};
use tokio::time::sleep;

/// How many runs of one group may wait.
const MOST_WAITING: u64 = 100;
/// How long a run may wait for its turn.
pub(crate) const LONGEST_WAIT_MS: u64 = 3_600_000;
/// Between two tries to ask a ledger that could not be read. Whose turn it is is told, not asked for again.
const PAUSE: Duration = Duration::from_millis(500);

/// A group: the plan's, in its project and environment. The name is a digest, for a group may be named after somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    scope: ScopeIds,
    plan: PlanId,
    name: String,
    on_busy: OnBusy,
}

impl Key {
    /// The group of a run that is to be queued.
    pub(crate) fn of_start(scope: ScopeIds, plan: &Plan, start: &Start) -> Result<Option<Self>, Problem> {
        Self::named(scope, plan, start.plan.plan_id, dvt_core::group_of(plan, start))
    }

    /// The group of a run in memory.
    pub(crate) fn of_state(
        scope: ScopeIds,
        (plan, plan_id): (&Plan, PlanId),
        state: &State,
    ) -> Result<Option<Self>, Problem> {
        Self::named(scope, plan, plan_id, state.group(plan))
    }

    fn named(
        scope: ScopeIds,
        plan: &Plan,
        plan_id: PlanId,
        name: Result<Option<String>, Refusal>,
    ) -> Result<Option<Self>, Problem> {
        let (Some(name), Some(concurrency)) = (name?, &plan.concurrency) else { return Ok(None) };
        let salted = format!("dvt.group.v1|{}|{}|{name}", scope.tenant_id.key(), plan_id.key());
        let name = Digest::of(salted.as_bytes()).hex();
        Ok(Some(Self { scope, plan: plan_id, name, on_busy: concurrency.on_busy }))
    }

    async fn open_runs(&self, transaction: &TenantTx) -> Result<Vec<RunRow>, Problem> {
        Ok(transaction.runs_of_group(self.plan, self.scope, &self.name).await?)
    }

    fn place(&self) -> (TenantId, PlanId, String) {
        (self.scope.tenant_id, self.plan, format!("{:?} {}", self.scope, self.name))
    }
}

/// Who waits in which group.
#[derive(Default)]
pub(crate) struct Groups {
    /// Held while a grouped run is admitted, and while it is asked who is next; each tenant's own.
    looking: Mutex<BTreeMap<TenantId, Arc<AsyncMutex<()>>>>,
    lines: Mutex<BTreeMap<(TenantId, PlanId, String), Line>>,
}

/// Those of one group: whose turn has come, and who waits, oldest first.
#[derive(Default)]
struct Line {
    turn: Option<RunId>,
    waiting: BTreeMap<(Timestamp, RunId), Hot>,
}

/// A run on its way into a group; while this lives, no other one of the tenant enters.
pub(crate) struct Entering {
    _looking: OwnedMutexGuard<()>,
    /// What the store counts.
    pub(crate) group: Group,
    /// Later than every open run of the group was queued, so that their order is that of their admissions.
    pub(crate) now: Timestamp,
    /// The decisions to cancel what is under way, with their records.
    pub(crate) decisions: Vec<EntryDraft>,
    /// The one that goes before.
    pub(crate) behind: Option<RunId>,
    /// What it means when the store has no room in the group. It is the store that says so, after it has looked whether the
    /// same request was made before.
    pub(crate) if_busy: Problem,
}

fn busy(why: &str) -> Problem {
    Problem::new(Code::ConcurrencyBusy, format!("the plan's `concurrency` lets one run go at a time: {why}"))
}

fn full() -> Problem {
    let message = format!("{MOST_WAITING} runs of its group wait for their turn already");
    Problem::new(Code::QueueFull, message)
}

impl Groups {
    fn lines(&self) -> MutexGuard<'_, BTreeMap<(TenantId, PlanId, String), Line>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn look(&self, tenant: TenantId) -> OwnedMutexGuard<()> {
        let of_tenant = {
            let mut looking = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(looking.entry(tenant).or_default())
        };
        of_tenant.lock_owned().await
    }
}

impl Engine {
    /// Asks for a place in a group, for a run that is to be queued now. `starter` is who asks; the run of a sub-plan has
    /// nobody who could cancel another one.
    pub(crate) async fn enter_group(
        &self,
        transaction: &TenantTx,
        key: &Key,
        (run, starter): (RunId, Option<&Grant>),
    ) -> Result<Entering, Problem> {
        let looking = self.groups.look(key.scope.tenant_id).await;
        let open = key.open_runs(transaction).await?;
        let newest = open.last().map(|row| row.queued_at.plus_ms(1));
        let now = newest.map_or(self.now(), |newest| newest.max(self.now()));
        let (most_open, if_busy, decisions) = match key.on_busy {
            OnBusy::Reject => (1, busy("another run of its group has not ended"), Vec::new()),
            OnBusy::Queue => (MOST_WAITING + 1, full(), Vec::new()),
            OnBusy::CancelPrevious => {
                match self.may_cancel_all(starter, &open, run, (transaction, now)).await {
                    Ok(decisions) => (MOST_WAITING + 1, full(), decisions),
                    Err(problem) if problem.code.is_retryable() => return Err(problem),
                    Err(_) => (0, busy("another one has not ended, and you may not cancel it"), Vec::new()),
                }
            }
        };
        let group = Group { name: key.name.clone(), most_open };
        let behind = open.first().map(|row| row.metadata.run_id);
        Ok(Entering { _looking: looking, group, now, decisions, behind, if_busy })
    }

    /// The decisions that the starter may cancel the others, each with the record that says for which run. They stand in the
    /// block that queues the new run: who finds that run in the ledger may end those before it, also after a crash.
    // INVARIANT(INV-15): no record, no cancel. INVARIANT(INV-07): the decision has its entry in the block of the deed.
    async fn may_cancel_all(
        &self,
        starter: Option<&Grant>,
        others: &[RunRow],
        run: RunId,
        (transaction, now): (&TenantTx, Timestamp),
    ) -> Result<Vec<EntryDraft>, Problem> {
        let mut entries = Vec::new();
        for other in others {
            let starter = starter.ok_or_else(|| Problem::unproved("a sub-plan cancels no other run"))?;
            let why = format!("run {run} of the same concurrency group was started (onBusy: cancelPrevious)");
            let (grant, record) =
                self.parts().door.cancel(&starter.context, other.metadata.run_id, why).await?;
            let ledger = transaction.ledger();
            let place = entry::Place { ledger, scope: starter.context.scope().ids(), now, run: Some(run) };
            entries.push(entry::of_decision(place, &grant, "startRun"));
            entries.push(entry::of_record(place, &grant, &record)?);
        }
        Ok(entries)
    }

    /// A run that could begin waits for its turn; where the plan says so, the older ones are ended first.
    pub(crate) fn line_up(
        self: &Arc<Self>,
        key: &Key,
        (queued_at, run): (Timestamp, RunId),
        hot: Hot,
        host_allowed: bool,
    ) {
        let scope = *hot.scope();
        let engine = Arc::clone(self);
        let own = key.clone();
        self.groups.lines().entry(key.place()).or_default().waiting.insert((queued_at, run), hot);
        self.go_on(async move {
            if own.on_busy == OnBusy::CancelPrevious {
                engine.end_older(&own, scope, (queued_at, run), host_allowed).await;
            }
            engine.who_is_next(&own, scope).await;
        });
    }

    /// A run of the group left memory: it has ended, or somebody else works on it from here on.
    pub(crate) fn leave_group(self: &Arc<Self>, key: &Key, scope: TenantScope, run: RunId) {
        if let Some(line) = self.groups.lines().get_mut(&key.place()) {
            line.waiting.retain(|(_, waiting), _| *waiting != run);
            if line.turn == Some(run) {
                line.turn = None;
            }
        }
        let (engine, key) = (Arc::clone(self), key.clone());
        self.go_on(async move { engine.who_is_next(&key, scope).await });
    }

    /// Gives the turn to the oldest who waits, unless a run is past PENDING or has the turn.
    // If we crash here, nobody has the turn; whoever works on those who wait asks again.
    async fn who_is_next(&self, key: &Key, scope: TenantScope) {
        let _looking = self.groups.look(key.scope.tenant_id).await;
        loop {
            {
                let mut lines = self.groups.lines();
                let Some(line) = lines.get(&key.place()) else { return };
                if line.turn.is_some() {
                    return;
                }
                if line.waiting.is_empty() {
                    lines.remove(&key.place());
                    return;
                }
            }
            match self.under_way(key, scope).await {
                Ok(true) => return,
                Ok(false) => {}
                // The ledger cannot be read just now, and nobody else would ask again.
                Err(_) if self.paused().await => return,
                Err(_) => continue,
            }
            let mut lines = self.groups.lines();
            let Some(line) = lines.get_mut(&key.place()) else { return };
            if let Some(((_, run), hot)) = line.waiting.pop_first()
                && hot.send(Message::Turn).is_ok()
            {
                line.turn = Some(run);
                return;
            }
        }
    }

    async fn under_way(&self, key: &Key, scope: TenantScope) -> Result<bool, Problem> {
        let transaction = self.parts().store.begin(&scope, Kind::Engine)?;
        let open = key.open_runs(&transaction).await?;
        Ok(open.iter().any(|row| row.status != RunStatus::Pending))
    }

    /// Ends the open runs of the group that were queued before this one: each of them was decided when this one was queued.
    async fn end_older(
        self: &Arc<Self>,
        key: &Key,
        scope: TenantScope,
        own: (Timestamp, RunId),
        host_allowed: bool,
    ) {
        loop {
            match self.try_to_end_older(key, scope, own, host_allowed).await {
                Ok(()) => return,
                Err(_) if self.paused().await => return,
                Err(_) => {}
            }
        }
    }

    async fn try_to_end_older(
        self: &Arc<Self>,
        key: &Key,
        scope: TenantScope,
        own: (Timestamp, RunId),
        host_allowed: bool,
    ) -> Result<(), Problem> {
        let transaction = self.parts().store.begin(&scope, Kind::Engine)?;
        for row in key.open_runs(&transaction).await? {
            let run = row.metadata.run_id;
            if (row.queued_at, run) >= own {
                continue;
            }
            if let Some(hot) = self.at_work(scope.tenant(), run) {
                if hot.send(Message::CancelledByGroup).is_ok() {
                    continue;
                }
                // It leaves memory at this moment. Unless it has ended, it is ended like one that nobody works on.
                hot.has_left().await;
            }
            // First the end, then what was running is settled.
            let messages = vec![Message::CancelledByGroup, Message::Recover(Vec::new(), None)];
            match self.take_up(&scope, run, host_allowed, messages).await {
                Ok(_) => {}
                Err(problem) if problem.code == Code::RunTerminal => {}
                Err(problem) if problem.code.is_retryable() => return Err(problem),
                // It cannot be folded: whoever asks for it is told why. Its group stays taken.
                Err(problem) => self.give_up(run, problem),
            }
        }
        Ok(())
    }

    /// Whether an open run of its group that is newer ends this one: that was decided and recorded when the newer one was queued, and may
    /// have been said to nobody who could write it down.
    pub(crate) async fn is_ended_by_group(&self, fold: &Fold) -> Result<bool, Problem> {
        let (Some(key), Some(queued_at)) = (&fold.group, fold.state.queued_at()) else { return Ok(false) };
        let transaction = self.parts().store.begin(&fold.scope, Kind::Engine)?;
        let own = (queued_at, fold.metadata.run_id);
        // Versions of a plan may differ in this: it is the newer run's plan that says so, and each is asked once.
        let mut asked = BTreeMap::from([(fold.metadata.plan.digest, key.on_busy)]);
        for row in key.open_runs(&transaction).await? {
            if (row.queued_at, row.metadata.run_id) <= own {
                continue;
            }
            let on_busy = match asked.get(&row.metadata.plan.digest) {
                Some(on_busy) => *on_busy,
                None => {
                    let newer = Fold::load(self, fold.scope, row.metadata.run_id).await?;
                    let on_busy = newer.group.map_or(OnBusy::Queue, |group| group.on_busy);
                    asked.insert(row.metadata.plan.digest, on_busy);
                    on_busy
                }
            };
            if on_busy == OnBusy::CancelPrevious {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Waits a little; whether the engine ends.
    async fn paused(&self) -> bool {
        let mut stop = self.stopping();
        tokio::select! {
            () = crate::engine::told_to_stop(&mut stop) => true,
            () = sleep(PAUSE) => false,
        }
    }
}
