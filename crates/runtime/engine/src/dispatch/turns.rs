//! Who waits for slots, and whose turn it is: tenants by turns, and in the turn of a tenant its runs by turns.
//!
//! So a tenant with a hundred runs has no more of the slots than one with a single run. What is done here is the same few looks however
//! many wait. A tenant whose pipe is full has no turn: what it began says more than can be kept already.

use crate::run::Hot;
use dvt_model::id::{RunId, TenantId};
use std::collections::{BTreeMap, BTreeSet};

/// The runs that wait.
#[derive(Default)]
pub(super) struct Turns {
    /// Numbers are given once; the smallest is the first.
    last_number: u64,
    /// Whose turn it is, tenant by tenant; each once, but for those that are held back.
    order: BTreeMap<u64, TenantId>,
    held: BTreeSet<TenantId>,
    tenants: BTreeMap<TenantId, Waiting>,
    /// Under what each run waits.
    numbers: BTreeMap<RunId, (TenantId, u64)>,
}

/// What waits of a tenant: at least one run.
struct Waiting {
    turn: u64,
    runs: BTreeMap<u64, (RunId, Hot)>,
}

/// The run whose turn it is.
pub(super) struct Next {
    pub(super) hot: Hot,
    /// Among how many tenants what is free is divided, and its tenant's part among how many runs.
    pub(super) tenants: usize,
    pub(super) runs: usize,
}

impl Turns {
    fn number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    /// A run stands behind the others of its tenant; once.
    pub(super) fn add(&mut self, run: RunId, hot: Hot) {
        if self.numbers.contains_key(&run) {
            return;
        }
        let (tenant, number) = (hot.tenant(), self.number());
        self.numbers.insert(run, (tenant, number));
        let waiting = self.tenants.entry(tenant);
        let waiting = waiting.or_insert_with(|| Waiting { turn: number, runs: BTreeMap::new() });
        waiting.runs.insert(number, (run, hot));
        if waiting.turn == number && !self.held.contains(&tenant) {
            self.order.insert(number, tenant);
        }
    }

    /// A tenant has no turn from now on.
    pub(super) fn hold(&mut self, tenant: TenantId) {
        self.held.insert(tenant);
        if let Some(waiting) = self.tenants.get(&tenant) {
            self.order.remove(&waiting.turn);
        }
    }

    /// It has turns again.
    pub(super) fn release(&mut self, tenant: TenantId) {
        self.held.remove(&tenant);
        if let Some(waiting) = self.tenants.get(&tenant) {
            self.order.insert(waiting.turn, tenant);
        }
    }

    pub(super) fn holds(&self, tenant: TenantId) -> bool {
        self.held.contains(&tenant)
    }

    /// Whether nobody waits who may have a turn.
    pub(super) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Whether nobody but this run waits who may have a turn.
    pub(super) fn is_alone(&self, run: RunId) -> bool {
        let Some((tenant, _)) = self.numbers.get(&run) else { return false };
        let of_tenant = self.tenants.get(tenant).map(|waiting| waiting.runs.len());
        self.order.len() == 1 && of_tenant == Some(1)
    }

    /// Whose turn it is; it waits no more, and its tenant's next turn comes after everybody else's.
    pub(super) fn next(&mut self) -> Option<Next> {
        let tenants = self.order.len();
        let (_, tenant) = self.order.pop_first()?;
        let waiting = self.tenants.get_mut(&tenant)?;
        let runs = waiting.runs.len();
        let (_, (run, hot)) = waiting.runs.pop_first()?;
        self.numbers.remove(&run);
        if runs > 1 {
            self.last_number += 1;
            waiting.turn = self.last_number;
            self.order.insert(waiting.turn, tenant);
        } else {
            self.tenants.remove(&tenant);
        }
        Some(Next { hot, tenants, runs })
    }

    /// It waits no more.
    pub(super) fn forget(&mut self, run: RunId) {
        let Some((tenant, number)) = self.numbers.remove(&run) else { return };
        let Some(waiting) = self.tenants.get_mut(&tenant) else { return };
        waiting.runs.remove(&number);
        if waiting.runs.is_empty() {
            self.order.remove(&waiting.turn);
            self.tenants.remove(&tenant);
        }
    }
}
