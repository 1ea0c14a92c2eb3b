//! Again: what the store could not give or take for a moment is taken up again, for as long as this engine lives.
//!
//! It keeps no run's state: a run that left memory is folded from its ledger, as by `dvt runs resume`, under the word that it went on
//! with here. The pause is a tenant's, for it is a tenant's file that fails: it grows while that fails again, and no tenant waits for
//! another one's. If we crash the list is lost with us, and the next engine goes on with what is its duty.

use crate::engine::{Engine, told_to_stop};
use crate::notices::Notice;
use crate::run::Message;
use crate::{Grant, Problem};
use dvt_model::id::{RunId, TenantId};
use dvt_model::scope::TenantScope;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// The first pause, and the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Who failed longer ago than this fails for the first time again. Longer than a try and the longest pause together.
const CALM: Duration = Duration::from_secs(300);

/// By what right a run goes on.
pub(crate) enum How {
    /// It was at work here, or it is this engine's duty.
    Duty { scope: TenantScope, host_allowed: bool },
    /// A client attends it.
    Attended { grant: Box<Grant>, host_allowed: bool },
}

/// What waits of a tenant.
#[derive(Default)]
pub(crate) struct Due {
    runs: BTreeMap<RunId, How>,
    /// Its open runs could not be read; whether all of them are this engine's duty.
    open: Option<bool>,
}

struct Waiting {
    due: Due,
    at: Option<Instant>,
    pause: Duration,
    failed: Option<Instant>,
}

/// Whatever waits to be taken up again.
#[derive(Default)]
pub(crate) struct Again {
    waiting: Mutex<BTreeMap<TenantId, Waiting>>,
    called: Notify,
}

impl Again {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<TenantId, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The pause, where nothing else of the tenant waited.
    fn note(&self, tenant: TenantId, now: Instant, add: impl FnOnce(&mut Due)) -> Option<Duration> {
        let mut tenants = self.lock();
        let waiting = tenants.entry(tenant).or_insert_with(|| Waiting {
            due: Due::default(),
            at: None,
            pause: FIRST_PAUSE,
            failed: None,
        });
        add(&mut waiting.due);
        let is_first = waiting.at.is_none();
        if is_first {
            let again = waiting.failed.is_some_and(|failed| now.duration_since(failed) < CALM);
            waiting.pause = if again { (waiting.pause * 2).min(LONGEST_PAUSE) } else { FIRST_PAUSE };
            waiting.at = Some(now + waiting.pause);
        }
        waiting.failed = Some(now);
        let pause = waiting.pause;
        drop(tenants);
        self.called.notify_one();
        is_first.then_some(pause)
    }

    /// This run is to be taken up again.
    fn run(&self, tenant: TenantId, run: RunId, how: How) -> Option<Duration> {
        self.note(tenant, Instant::now(), |due| drop(due.runs.insert(run, how)))
    }

    /// The open runs of this tenant are to be read again.
    fn open_runs(&self, tenant: TenantId, all: bool) -> Option<Duration> {
        self.note(tenant, Instant::now(), |due| due.open = Some(all))
    }

    /// Whether this run waits here.
    pub(crate) fn holds(&self, tenant: TenantId, run: RunId) -> bool {
        self.lock().get(&tenant).is_some_and(|waiting| waiting.due.runs.contains_key(&run))
    }

    /// A person stopped it hard: it goes on when somebody asks for that.
    pub(crate) fn forget(&self, run: RunId) {
        for waiting in self.lock().values_mut() {
            waiting.due.runs.remove(&run);
        }
    }

    fn next(&self) -> Option<Instant> {
        self.lock().values().filter_map(|waiting| waiting.at).min()
    }

    fn take(&self, now: Instant) -> Vec<(TenantId, Due)> {
        let mut tenants = self.lock();
        let due = tenants.iter_mut().filter(|(_, waiting)| waiting.at.is_some_and(|at| at <= now));
        due.map(|(tenant, waiting)| {
            waiting.at = None;
            (*tenant, std::mem::take(&mut waiting.due))
        })
        .collect()
    }
}

/// Takes up what is due until the engine ends.
pub(crate) async fn serve(engine: Arc<Engine>) {
    let mut stop = engine.stopping();
    loop {
        let next = engine.again.next();
        let due = async {
            match next {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = told_to_stop(&mut stop) => return,
            () = engine.again.called.notified() => continue,
            () = due => {}
        }
        for (tenant, due) in engine.again.take(Instant::now()) {
            let own = Arc::clone(&engine);
            // One tenant's file may be slow; the others do not wait for it.
            engine.go_on(async move { own.take_up_again(tenant, due).await });
        }
    }
}

impl Engine {
    /// What the store could not give or take of this run just now is tried again.
    pub(crate) fn take_up_later(&self, tenant: TenantId, run: RunId, how: How, problem: &Problem) {
        self.rests(run, true);
        self.tell_later(Some(run), self.again.run(tenant, run, how), problem);
    }

    /// The same of all open runs of a tenant.
    pub(crate) fn take_up_open_later(&self, tenant: TenantId, all: bool, problem: &Problem) {
        self.tell_later(None, self.again.open_runs(tenant, all), problem);
    }

    fn tell_later(&self, run: Option<RunId>, pause: Option<Duration>, problem: &Problem) {
        if let Some(pause) = pause {
            self.notices.add(Notice::Later { run, problem: problem.clone(), pause });
        }
    }

    /// It is left as it is; whoever asks for it is told why.
    pub(crate) fn leave(&self, run: RunId, problem: Problem) {
        self.rests(run, false);
        self.notices.add(Notice::Left { run, problem: problem.clone() });
        self.give_up(run, problem);
    }

    async fn take_up_again(self: &Arc<Self>, tenant: TenantId, due: Due) {
        if let Err(problem) = self.claim(tenant).await {
            if problem.is_passing() {
                // Not each of them alone: they would wait for the same file one after another.
                let pause = self.again.note(tenant, Instant::now(), |waiting| {
                    waiting.runs.extend(due.runs);
                    waiting.open = due.open.or(waiting.open);
                });
                self.tell_later(None, pause, &problem);
            }
            return;
        }
        if let Some(all) = due.open {
            self.take_up_open_of(tenant, all).await;
        }
        let mut taken = Vec::new();
        for (run, how) in due.runs {
            if self.is_stopping() {
                return;
            }
            // Whoever went on with it meanwhile has it.
            if self.at_work(tenant, run).is_some() {
                continue;
            }
            match self.take_up_by(run, &how).await {
                Ok(()) => taken.push(run),
                Err(problem) if problem.is_passing() => self.take_up_later(tenant, run, how, &problem),
                Err(problem) => self.leave(run, problem),
            }
        }
        self.tell_taken_up(taken);
    }

    async fn take_up_by(self: &Arc<Self>, run: RunId, how: &How) -> Result<(), Problem> {
        match how {
            How::Duty { scope, host_allowed } => {
                let recover = vec![Message::Recover(Vec::new(), None)];
                self.take_up(scope, run, *host_allowed, recover).await.map(drop)
            }
            How::Attended { grant, host_allowed } => {
                self.attend_now(grant, run, *host_allowed).await.map(drop)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_pause_grows_while_it_fails_again_and_is_bounded() {
        let again = Again::default();
        let (one, other) = (TenantId::from_random([1; 16]), TenantId::from_random([2; 16]));
        let mut now = Instant::now();
        let fail = |now: Instant, tenant| {
            again.note(tenant, now, |due| due.open = Some(true));
            let at = again.next().unwrap();
            assert!(again.take(at - Duration::from_millis(1)).is_empty(), "not before its time");
            assert_eq!(again.take(at).len(), 1);
            assert_eq!(again.next(), None);
            at - now
        };
        let mut pauses = Vec::new();
        for _ in 0..9 {
            let pause = fail(now, one);
            pauses.push(pause.as_secs());
            now += pause + SECOND;
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        // Another tenant's first failure is its first, and so is one after a long calm.
        assert_eq!(fail(now, other), FIRST_PAUSE);
        assert_eq!(fail(now + CALM, one), FIRST_PAUSE);
    }

    #[test]
    fn what_fails_together_waits_together_and_once() {
        let again = Again::default();
        let tenant = TenantId::from_random([1; 16]);
        let runs = [RunId::from_random([3; 16]), RunId::from_random([4; 16])];
        let minter = dvt_model::scope::Minter::behind_the_test_seam();
        let ids = dvt_model::scope::ScopeIds {
            tenant_id: tenant,
            project_id: dvt_model::id::ProjectId::from_random([5; 16]),
            environment_id: dvt_model::id::EnvironmentId::from_random([6; 16]),
        };
        let how = || How::Duty { scope: TenantScope::mint(&minter, ids), host_allowed: true };
        again.run(tenant, runs[0], how());
        let at = again.next().unwrap();
        again.run(tenant, runs[1], how());
        again.run(tenant, runs[1], how());
        assert_eq!(again.next(), Some(at), "a later one does not put it off");
        assert!(again.holds(tenant, runs[0]));
        again.forget(runs[0]);
        assert!(!again.holds(tenant, runs[0]));
        let due = again.take(at).pop().unwrap().1;
        assert_eq!(due.runs.keys().collect::<Vec<_>>(), [&runs[1]]);
        assert!(again.take(at + LONGEST_PAUSE).is_empty());
    }
}
