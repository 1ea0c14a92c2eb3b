//! The active engine of an installation: what its parts share, its beginning and its end.
//!
//! It ends when it is told to, and when another process holds the lease or writes a tenant. Its end is in order: runs
//! finish their turn, the worker and every step end, what is not sealed is sealed, and only then the lease is given back,
//! so that no step can run twice at once.

use crate::again::{self, Again};
use crate::children::Families;
use crate::client::{Counts, Progress};
use crate::dispatch::Dispatcher;
use crate::ends::Ends;
use crate::folding::Folding;
use crate::forward::server;
use crate::forward::socket::Socket;
use crate::gate::Gates;
use crate::groups::Groups;
use crate::notices::Notices;
use crate::plans::Plans;
use crate::pressure::{Change, Pressure};
use crate::resting::Resting;
use crate::run::advance::Task;
use crate::run::load::Fold;
use crate::run::{Hot, Message};
use crate::standing::Standing;
use crate::{Parts, Problem, keeper, lease, resting, sealer, surroundings, timers};
use dvt_model::id::{RunId, TenantId};
use dvt_model::scope::TenantScope;
use dvt_model::time::Timestamp;
use dvt_store::port::lease::Row;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// The longest end that is waited for by whoever stands by.
const LONGEST_END: Duration = Duration::from_secs(120);

/// The active engine.
pub(crate) struct Engine {
    parts: Parts,
    epoch: u64,
    /// Whether the lease was taken from a holder that did not give it back.
    inherits: bool,
    hot: Mutex<BTreeMap<RunId, Hot>>,
    /// Which of them sleep.
    pub(crate) sleeping: Sleeping,
    /// Runs that could not be written, and why: whoever follows one is told.
    given_up: Mutex<BTreeMap<RunId, Problem>>,
    /// What the store could not give or take for a moment.
    pub(crate) again: Again,
    /// Runs on which it does not work.
    resting: Arc<Resting>,
    /// What whoever is this engine is told.
    pub(crate) notices: Notices,
    /// The approvals before runs.
    pub(crate) gates: Gates,
    /// Plans that were checked a moment ago.
    pub(crate) plans: Plans,
    /// Runs that ended a moment ago.
    pub(crate) ends: Ends,
    /// Parents of runs of sub-plans: who is told when one has ended.
    pub(crate) families: Families,
    /// Runs that wait for the end of another one.
    pub(crate) groups: Groups,
    claimed: Mutex<BTreeSet<TenantId>>,
    /// Held while a tenant is claimed: its file may be slow, and no other tenant waits for it.
    claiming: Folding<TenantId>,
    /// Held while a run is folded or admitted, so that no run ever has two tasks.
    pub(crate) folding: Folding<RunId>,
    dispatcher: Dispatcher,
    timers: mpsc::UnboundedSender<timers::Setting>,
    pub(crate) pressure: Arc<Pressure>,
    sealer: Mutex<Option<mpsc::UnboundedSender<sealer::Ask>>>,
    /// Whom the sealer knows to have something to seal.
    told: Arc<sealer::Told>,
    tasks: Mutex<JoinSet<()>>,
    stop: watch::Sender<bool>,
    deposed: AtomicBool,
    ended: watch::Receiver<bool>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many of the runs that an engine works on sleep.
#[derive(Default)]
pub(crate) struct Sleeping(AtomicUsize);

impl Sleeping {
    pub(crate) fn begin(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn end(&self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Waits until the engine is told to end, or is gone.
pub(crate) async fn told_to_stop(stop: &mut watch::Receiver<bool>) {
    drop(stop.wait_for(|stop| *stop).await);
}

impl Engine {
    /// Becomes the engine with a lease just taken.
    pub(crate) fn begin(parts: Parts, (row, inherits): (Row, bool), socket: Socket) -> Arc<Self> {
        let (timers, settings) = mpsc::unbounded_channel();
        let (seals, asks) = mpsc::unbounded_channel();
        let changes = seals.clone();
        let (stop, stopping) = watch::channel(false);
        let (tell_ended, ended) = watch::channel(false);
        let engine = Arc::new(Self {
            epoch: row.epoch,
            inherits,
            hot: Mutex::default(),
            sleeping: Sleeping::default(),
            given_up: Mutex::default(),
            again: Again::default(),
            resting: Arc::default(),
            notices: Notices::default(),
            gates: Gates::default(),
            plans: Plans::default(),
            ends: Ends::default(),
            families: Families::default(),
            groups: Groups::default(),
            claimed: Mutex::default(),
            claiming: Folding::default(),
            folding: Folding::default(),
            dispatcher: Dispatcher::new(),
            timers,
            pressure: Arc::default(),
            sealer: Mutex::new(Some(seals)),
            told: Arc::default(),
            tasks: Mutex::default(),
            stop,
            deposed: AtomicBool::new(false),
            ended,
            parts,
        });
        engine.go_on(again::serve(Arc::clone(&engine)));
        let parts = engine.parts.clone();
        let ticking = tokio::spawn(timers::serve(Arc::clone(&parts.clock), settings));
        let standing = Standing::new(&parts.folder, row.epoch);
        let of_tenants = (Arc::clone(&engine.pressure), Arc::clone(&engine.told));
        let sealing = tokio::spawn(sealer::serve(parts.clone(), of_tenants, standing, asks));
        let looking = tokio::spawn(surroundings::serve(
            surroundings::begin(&parts),
            parts.clone(),
            changes,
            stopping.clone(),
        ));
        let resting = Arc::clone(&engine.resting);
        let noting = tokio::spawn(resting::serve(resting, parts.folder.clone(), row.epoch, stopping.clone()));
        let keeping = tokio::spawn(keeper::serve(parts.store.clone(), stopping.clone()));
        let dispatching = tokio::spawn(engine.dispatcher.floor(parts.clone(), stopping.clone()));
        let serving = tokio::spawn(server::serve(Arc::clone(&engine), socket, stopping.clone()));
        let supervised = Arc::clone(&engine);
        tokio::spawn(async move {
            let engine = supervised;
            let (done, is_done) = watch::channel(false);
            let mut keeping_lease = tokio::spawn(lease::keep(parts.store.lease(), row.clone(), is_done));
            let mut stopping = stopping;
            let lost = tokio::select! {
                held = &mut keeping_lease => Some(held.unwrap_or(false)),
                () = told_to_stop(&mut stopping) => None,
            };
            engine.stop.send_replace(true);
            // The lease is renewed until the end is over: whoever stands by takes a holder that renews no more for a stopped one, and
            // kills it. An end that does not come is not waited for without end.
            let hurry = tokio::spawn(async move {
                sleep(LONGEST_END).await;
                done.send_replace(true);
                std::future::pending::<()>().await;
            });
            // 1. Runs finish their turn. If we crash from here on, the ledger has what was acknowledged and no more.
            let mut tasks = std::mem::take(&mut *lock(&engine.tasks));
            while tasks.join_next().await.is_some() {}
            // 2. The worker ends and with it every step: nobody may run one while the next holder gives it out again.
            drop(dispatching.await);
            drop(serving.await);
            drop(keeping.await);
            drop(looking.await);
            drop(noting.await);
            ticking.abort();
            // 3. What is durable and unsealed is sealed.
            drop(lock(&engine.sealer).take());
            drop(sealing.await);
            // 4. Only now another one may work. A crash before this leaves a row whose holder is dead.
            hurry.abort();
            let held = match lost {
                Some(held) => held,
                // Its sender is gone with the task that was aborted.
                None => keeping_lease.await.unwrap_or(false),
            };
            if held && !engine.deposed.load(Ordering::SeqCst) {
                let table = parts.store.lease();
                drop(tokio::task::spawn_blocking(move || table.release(&row)).await);
            }
            tell_ended.send_replace(true);
        });
        engine
    }

    pub(crate) fn parts(&self) -> &Parts {
        &self.parts
    }

    pub(crate) fn inherits(&self) -> bool {
        self.inherits
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.parts.clock)()
    }

    pub(crate) fn dispatcher(&self) -> &Dispatcher {
        &self.dispatcher
    }

    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }

    pub(crate) fn is_stopping(&self) -> bool {
        *self.stop.borrow()
    }

    /// Ends in order; does not wait.
    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Waits for the end.
    pub(crate) async fn ended(&self) {
        // An error means that the supervisor is gone, which is an end too.
        drop(self.ended.clone().wait_for(|ended| *ended).await);
    }

    /// Another engine works: this one ends, and leaves the lease alone.
    pub(crate) fn depose(&self) {
        self.deposed.store(true, Ordering::SeqCst);
        self.stop();
    }

    /// Raises the tenant's epoch, once, before anything of it is folded or written.
    pub(crate) async fn claim(&self, tenant: TenantId) -> Result<(), Problem> {
        let is_claimed = || lock(&self.claimed).contains(&tenant);
        if is_claimed() {
            return Ok(());
        }
        let _alone = self.claiming.alone(tenant).await;
        if is_claimed() {
            return Ok(());
        }
        match self.parts.store.claim(tenant, self.epoch).await {
            Ok(()) => {
                lock(&self.claimed).insert(tenant);
                self.tell_open_runs(tenant).await;
                Ok(())
            }
            Err(dvt_store::Refusal::LeaseLost) => {
                self.depose();
                Err(Problem::engine_gone())
            }
            Err(refusal) => Err(refusal.into()),
        }
    }

    /// Tells how many runs of a tenant are open, where somebody watches. Nobody else writes of its runs from here on.
    async fn tell_open_runs(&self, tenant: TenantId) {
        if !dvt_telemetry::is_watched() {
            return;
        }
        // Where they cannot be read nothing is told of them.
        if let Ok(open) = self.parts.store.open_runs(tenant).await {
            let open = u32::try_from(open.len()).unwrap_or(u32::MAX);
            dvt_telemetry::open_runs(tenant, open, crate::admit::MOST_OPEN_RUNS);
        }
    }

    /// The task of a run of this tenant, if the run is hot.
    pub(crate) fn hot(&self, tenant: TenantId, run: RunId) -> Option<Hot> {
        lock(&self.hot).get(&run).filter(|hot| hot.tenant() == tenant).cloned()
    }

    /// The same of a run that is worked on: one that was taken up for an act alone rests, and leaves.
    pub(crate) fn at_work(&self, tenant: TenantId, run: RunId) -> Option<Hot> {
        self.hot(tenant, run).filter(|hot| !hot.rests())
    }

    /// Whether a run is in memory.
    pub(crate) fn works(&self) -> bool {
        !lock(&self.hot).is_empty()
    }

    /// Runs that are worked on, and how many of them sleep.
    pub(crate) fn counts(&self) -> Counts {
        let runs = lock(&self.hot).len();
        Counts { runs, asleep: self.sleeping.0.load(Ordering::SeqCst) }
    }

    /// For how long nothing happens to a run before it may sleep.
    pub(crate) fn idle_ms(&self) -> u64 {
        u64::try_from(self.parts.idle.as_millis()).unwrap_or(u64::MAX)
    }

    pub(crate) fn news_of(&self, tenant: TenantId, run: RunId) -> Option<watch::Receiver<Progress>> {
        self.hot(tenant, run).map(|hot| hot.news())
    }

    /// Makes a run hot, with what it does before anything else. The caller is alone with it ([`Folding::alone`]).
    pub(crate) fn warm(self: &Arc<Self>, fold: Fold, host_allowed: bool, first: Vec<Message>) -> Hot {
        let run = fold.metadata.run_id;
        lock(&self.given_up).remove(&run);
        let (task, hot) = Task::new(Arc::clone(self), fold, host_allowed, first);
        lock(&self.hot).insert(run, hot.clone());
        if !hot.rests() {
            self.resting.ends(run);
        }
        self.go_on(task.serve());
        hot
    }

    /// Does this whoever goes away meanwhile; the engine's end waits for it.
    // It lies in a box before it is a task: a runtime moves what it is given some ten times, and this is 9 kB.
    pub(crate) fn go_on(&self, work: impl Future<Output = ()> + Send + 'static) {
        let work = Box::pin(work);
        let mut tasks = lock(&self.tasks);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(work);
    }

    pub(crate) fn forget(&self, run: RunId) {
        lock(&self.hot).remove(&run);
        drop(self.timers.send(timers::Setting::Never(run)));
    }

    /// Nobody works on this open run, unless somebody does by now; whether this engine takes it up again by itself.
    pub(crate) fn rests(&self, run: RunId, comes_back: bool) {
        let hot = lock(&self.hot);
        if hot.get(&run).is_none_or(Hot::rests) {
            self.resting.begins(run, comes_back);
        }
    }

    /// Writes down at once which runs rest.
    pub(crate) fn note_resting(&self) {
        self.resting.write(&self.parts.folder, self.epoch);
    }

    pub(crate) fn give_up(&self, run: RunId, problem: Problem) {
        lock(&self.given_up).insert(run, problem);
    }

    pub(crate) fn given_up(&self, run: RunId) -> Option<Problem> {
        lock(&self.given_up).get(&run).cloned()
    }

    pub(crate) fn set_timer(&self, run: RunId, due: Option<Timestamp>, hot: &Hot) {
        let setting = due.map_or(timers::Setting::Never(run), |at| timers::Setting::At(run, at, hot.clone()));
        // The timers are gone only when the engine ends.
        drop(self.timers.send(setting));
    }

    /// Something was entered in a tenant's ledger, in this scope.
    pub(crate) fn seal_soon(&self, scope: &TenantScope) {
        if self.told.is_news(scope.tenant()) {
            self.tell_sealer(sealer::Ask::Soon(*scope));
        }
    }

    /// Enters that a mode was entered or left, as soon as the ledger takes it.
    pub(crate) fn enter_change(&self, scope: &TenantScope, change: Option<Change>) {
        if let Some(change) = change {
            self.tell_sealer(sealer::Ask::Enter(*scope, change));
        }
    }

    fn tell_sealer(&self, ask: sealer::Ask) {
        if let Some(sealer) = lock(&self.sealer).as_ref() {
            // It is gone only when the engine ends.
            drop(sealer.send(ask));
        }
    }

    /// Whether it takes what changes something of a tenant.
    pub(crate) fn takes(&self, tenant: TenantId) -> Result<(), Problem> {
        if self.is_stopping() {
            return Err(Problem::engine_gone());
        }
        self.pressure.may_change(tenant, self.now())
    }

    /// A checkpoint over everything acknowledged of a tenant; its size.
    pub(crate) async fn seal(&self, tenant: TenantId) -> Result<u64, Problem> {
        let (answer, answered) = oneshot::channel();
        let asked =
            lock(&self.sealer).as_ref().is_some_and(|to| to.send(sealer::Ask::Now(tenant, answer)).is_ok());
        if !asked {
            return Err(Problem::engine_gone());
        }
        answered.await.unwrap_or_else(|_| Err(Problem::engine_gone()))
    }

    /// Leaves these runs as the ledger has them and kills their running steps without grace: they go on by `resume`.
    pub(crate) fn stop_hard(&self, runs: &[RunId]) {
        for run in runs {
            self.again.forget(*run);
            if let Some(hot) = lock(&self.hot).get(run).cloned() {
                // A run that has ended meanwhile has nothing running.
                drop(hot.send(Message::Drop));
            }
        }
    }
}
