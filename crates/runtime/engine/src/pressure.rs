//! Degraded modes of contract 5.10, as far as one machine with one file a tenant has them: starts that take too long, and a ledger
//! that cannot be sealed; beside them those of the machine itself, which `surroundings` looks for. What a mode refuses is refused with `SERVICE_DEGRADED` and may be asked for again.
//!
//! It keeps times and decides; it writes nothing. Each change of a mode is handed back once, to be entered in the ledger. All
//! times are of the engine's clock. (A write that fails is refused where it is tried; a worker that is silent is replaced by the
//! dispatcher.)

use crate::Problem;
use dvt_model::code::Code;
use dvt_model::id::TenantId;
use dvt_model::time::Timestamp;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A start that takes longer than this is slow.
const SLOW_MS: u64 = 5_000;
/// Starts of the last minute are looked at, and at least so many of them.
const WINDOW_MS: u64 = 60_000;
const FEWEST: usize = 5;
/// More are not remembered of a tenant.
const MOST: usize = 256;
/// A ledger that is unsealed for longer is an incident; for longer than the second one it takes no more.
const BEHIND_MS: u64 = 5_000;
const CLOSED_MS: u64 = 300_000;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mode {
    /// Of the starts of the last minute one in twenty took longer than five seconds.
    SlowStarts,
    /// The tenant's ledger has not been sealed for more than five seconds.
    SealerBehind,
    /// The key file cannot be read, or is another one. Everybody's.
    KeyUnreadable,
    /// The wall clock was set while we worked. Everybody's.
    ClockStepped,
}

impl Mode {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::SlowStarts => "SLOW_STARTS",
            Self::SealerBehind => "SEALER_BEHIND",
            Self::KeyUnreadable => "KEY_UNREADABLE",
            Self::ClockStepped => "CLOCK_STEPPED",
        }
    }
}

/// A mode was entered, or left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) mode: Mode,
    pub(crate) entered: bool,
}

/// What is remembered.
#[derive(Default)]
pub(crate) struct Pressure(Mutex<State>);

/// All of it by tenant: nobody's load closes another one's door, or is told in another one's ledger.
#[derive(Default)]
struct State {
    starts: BTreeMap<TenantId, Starts>,
    unsealed: BTreeMap<TenantId, Unsealed>,
}

#[derive(Default)]
struct Starts {
    /// When a run was queued, and how long that took.
    last: VecDeque<(Timestamp, u64)>,
    is_slow: bool,
}

struct Unsealed {
    since: Timestamp,
    is_incident: bool,
}

fn degraded(message: &str) -> Problem {
    Problem::new(Code::ServiceDegraded, message)
}

impl Starts {
    /// Whether one start in twenty is slow, of those that still count.
    fn is_slow(&mut self, now: Timestamp) -> bool {
        while self.last.front().is_some_and(|(at, _)| now.ms_since(*at) > WINDOW_MS) {
            self.last.pop_front();
        }
        let slow = self.last.iter().filter(|(_, took_ms)| *took_ms > SLOW_MS).count();
        self.last.len() >= FEWEST && slow.saturating_mul(20) > self.last.len()
    }
}

impl Pressure {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A run was queued; it was asked for at `asked`.
    pub(crate) fn started(&self, tenant: TenantId, asked: Timestamp, now: Timestamp) -> Option<Change> {
        let mut state = self.lock();
        let starts = state.starts.entry(tenant).or_default();
        starts.last.push_back((now, now.ms_since(asked)));
        if starts.last.len() > MOST {
            starts.last.pop_front();
        }
        let enters = starts.is_slow(now) && !starts.is_slow;
        starts.is_slow |= enters;
        enters.then_some(Change { mode: Mode::SlowStarts, entered: true })
    }

    /// Whether another run may be queued; and whether the mode that forbade it is over.
    pub(crate) fn may_start(&self, tenant: TenantId, now: Timestamp) -> Result<Option<Change>, Problem> {
        let mut state = self.lock();
        let Some(starts) = state.starts.get_mut(&tenant).filter(|starts| starts.is_slow) else {
            return Ok(None);
        };
        if starts.is_slow(now) {
            return Err(degraded(
                "runs take longer than 5 s to be queued, so no more are taken for a minute",
            ));
        }
        starts.is_slow = false;
        Ok(Some(Change { mode: Mode::SlowStarts, entered: false }))
    }

    /// A tenant's ledger has entries that are not sealed.
    pub(crate) fn wrote(&self, tenant: TenantId, now: Timestamp) {
        self.lock().unsealed.entry(tenant).or_insert(Unsealed { since: now, is_incident: false });
    }

    /// It could not be sealed.
    pub(crate) fn not_sealed(&self, tenant: TenantId, now: Timestamp) -> Option<Change> {
        let mut state = self.lock();
        let unsealed = state.unsealed.get_mut(&tenant).filter(|unsealed| !unsealed.is_incident)?;
        unsealed.is_incident = now.ms_since(unsealed.since) > BEHIND_MS;
        unsealed.is_incident.then_some(Change { mode: Mode::SealerBehind, entered: true })
    }

    /// It is sealed.
    pub(crate) fn sealed(&self, tenant: TenantId) -> Option<Change> {
        let was = self.lock().unsealed.remove(&tenant)?;
        was.is_incident.then_some(Change { mode: Mode::SealerBehind, entered: false })
    }

    /// Whether a tenant's ledger takes acts.
    pub(crate) fn may_change(&self, tenant: TenantId, now: Timestamp) -> Result<(), Problem> {
        let state = self.lock();
        let unsealed = state.unsealed.get(&tenant).filter(|unsealed| unsealed.is_incident);
        match unsealed {
            Some(unsealed) if now.ms_since(unsealed.since) > CLOSED_MS => Err(degraded(
                "the ledger could not be sealed for 5 min, so nothing more is entered until it is",
            )),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTERED: Option<Change> = Some(Change { mode: Mode::SlowStarts, entered: true });

    fn mine() -> TenantId {
        TenantId::from_random([6; 16])
    }

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_ms(1_771_200_000_000 + ms)
    }

    #[test]
    fn slow_starts_close_the_door_until_they_are_forgotten() {
        let pressure = Pressure::default();
        // Few say nothing, and five seconds are not slow.
        for _ in 0..4 {
            assert_eq!(pressure.started(mine(), at(0), at(9_000)), None);
            assert_eq!(pressure.may_start(mine(), at(9_000)), Ok(None));
        }
        assert_eq!(pressure.started(mine(), at(0), at(9_000)), ENTERED);
        assert_eq!(pressure.started(mine(), at(0), at(9_000)), None, "it is told once");
        assert_eq!(pressure.may_start(mine(), at(9_000)).unwrap_err().code, Code::ServiceDegraded);
        assert!(pressure.may_start(mine(), at(69_000)).is_err());
        let other = TenantId::from_random([7; 16]);
        assert_eq!(pressure.may_start(other, at(9_000)), Ok(None), "another tenant's door is its own");
        assert_eq!(pressure.started(other, at(9_000), at(9_001)), None);
        let left = Some(Change { mode: Mode::SlowStarts, entered: false });
        assert_eq!(pressure.may_start(mine(), at(69_001)), Ok(left));
        assert_eq!(pressure.may_start(mine(), at(69_002)), Ok(None));
    }

    #[test]
    fn one_slow_start_among_many_is_no_mode() {
        let pressure = Pressure::default();
        for _ in 0..20 {
            assert_eq!(pressure.started(mine(), at(0), at(5_000)), None);
        }
        assert_eq!(pressure.started(mine(), at(0), at(5_001)), None);
        assert_eq!(pressure.started(mine(), at(0), at(5_001)), ENTERED);
    }

    #[test]
    fn an_unsealed_ledger_is_an_incident_and_then_takes_no_more() {
        let (pressure, tenant) = (Pressure::default(), TenantId::from_random([7; 16]));
        let change = |entered| Some(Change { mode: Mode::SealerBehind, entered });
        pressure.wrote(tenant, at(0));
        pressure.wrote(tenant, at(4_000));
        assert_eq!(pressure.not_sealed(tenant, at(5_000)), None);
        assert_eq!(pressure.not_sealed(tenant, at(5_001)), change(true));
        assert_eq!(pressure.not_sealed(tenant, at(5_002)), None, "it is told once");
        assert!(pressure.may_change(tenant, at(300_000)).is_ok());
        assert_eq!(pressure.may_change(tenant, at(300_001)).unwrap_err().code, Code::ServiceDegraded);
        assert!(
            pressure.may_change(TenantId::from_random([8; 16]), at(300_001)).is_ok(),
            "another tenant's is its own"
        );
        assert_eq!(pressure.sealed(tenant), change(false));
        assert_eq!(pressure.sealed(tenant), None);
        assert!(pressure.may_change(tenant, at(300_001)).is_ok());
    }
}
