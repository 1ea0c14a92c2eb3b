//! The approval before a run: the setting `runApproval` of a project and environment (contract 5.1, `approvalGate`).
//!
//! Which approval a run waits for is fixed when it is queued and stands in RunQueued; a change of the setting moves no run that is
//! there. A setting that cannot be read refuses every start: there is no fallback to no approval; that none is asked for any more is
//! written down like any other value. Surprising: a start reads the setting once and remembers it; the store takes no run whose
//! admission names another version than stands there, so a memory that is old costs a second look and lets nobody past.

use crate::entry::{self, Place};
use crate::{Grant, Problem};
use dvt_core::event::body::ApprovalGate;
use dvt_model::code::Code;
use dvt_model::scope::{ScopeIds, TenantScope};
use dvt_plan::plan::Plan;
use dvt_store::port::operation::{ActDraft, PutSetting, SeenSetting};
use dvt_store::port::transaction::TenantTx;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Where the setting lies.
const KIND: &str = "policy";
const NAME: &str = "runApproval";
/// The most places whose setting is remembered.
const MOST: usize = 1_024;

/// The value that asks for none.
const NONE: Value = Value::Bool(false);

/// The approval that runs of a place wait for; none where nobody set one. And the version of the setting that says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) gate: Option<ApprovalGate>,
    version: Option<u64>,
}

impl Seen {
    /// What the admission rests on.
    pub(crate) fn setting(&self) -> SeenSetting {
        SeenSetting { kind: KIND.to_owned(), name: NAME.to_owned(), version: self.version }
    }
}

/// The settings that were read.
#[derive(Default)]
pub(crate) struct Gates(Mutex<BTreeMap<[[u8; 16]; 3], Seen>>);

fn place(ids: &ScopeIds) -> [[u8; 16]; 3] {
    [ids.tenant_id.bytes(), ids.project_id.bytes(), ids.environment_id.bytes()]
}

impl Gates {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<[[u8; 16]; 3], Seen>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The setting of the transaction's scope: remembered, or read.
    pub(crate) async fn of(&self, scope: &TenantScope, transaction: &TenantTx) -> Result<Seen, Problem> {
        let place = place(&scope.ids());
        if let Some(seen) = self.lock().get(&place) {
            return Ok(*seen);
        }
        let (gate, version) = set(transaction).await?;
        let seen = Seen { gate, version: (version > 0).then_some(version) };
        let mut known = self.lock();
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(place, seen);
        Ok(seen)
    }

    /// The setting has changed.
    pub(crate) fn forget(&self, scope: &TenantScope) {
        self.lock().remove(&place(&scope.ids()));
    }
}

/// The approval that runs of this scope wait for, with the version of the setting; 0 where nobody ever set one.
pub(crate) async fn set(transaction: &TenantTx) -> Result<(Option<ApprovalGate>, u64), Problem> {
    let Some(row) = transaction.setting(KIND, NAME).await? else { return Ok((None, 0)) };
    if row.value == NONE {
        return Ok((None, row.version));
    }
    let gate: ApprovalGate = serde_json::from_value(row.value).map_err(|_| malformed())?;
    if gate.min == 0 { Err(malformed()) } else { Ok((Some(gate), row.version)) }
}

fn malformed() -> Problem {
    let message = "the setting `runApproval` is no approval `{role, min}` with `min` of 1 or more";
    Problem::new(Code::ConfigInvalid, message)
}

/// What [`change`] and its commit would be answered with.
pub(crate) async fn would_change(
    transaction: &TenantTx,
    (gate, from_version): (Option<ApprovalGate>, u64),
) -> Result<(), Problem> {
    check(gate)?;
    transaction.would_put_setting(KIND, NAME, expected(from_version)).await??;
    Ok(())
}

fn check(gate: Option<ApprovalGate>) -> Result<(), Problem> {
    if gate.is_some_and(|gate| gate.min == 0) { Err(malformed()) } else { Ok(()) }
}

fn expected(from_version: u64) -> Option<u64> {
    (from_version > 0).then_some(from_version)
}

/// A change of the setting, made from the version that is named, with the entry that tells of it.
pub(crate) fn change(
    place: Place,
    grant: &Grant,
    (gate, from_version): (Option<ApprovalGate>, u64),
    mut act: ActDraft,
) -> Result<PutSetting, Problem> {
    check(gate)?;
    let value = gate.map_or(NONE, |gate| json!(gate));
    act.block.entries.push(entry::of_setting(place, grant, NAME, &value));
    Ok(PutSetting {
        kind: KIND.to_owned(),
        name: NAME.to_owned(),
        expected_version: expected(from_version),
        rights: act.rights,
        value,
        block: act.block,
    })
}

/// The plan that a run follows, from what it was queued with.
pub(crate) fn follow(plan: Plan, queued: &Value) -> Result<Plan, Problem> {
    let Some(gate) = queued.get("approvalGate") else { return Ok(plan) };
    let gate: ApprovalGate = serde_json::from_value(gate.clone()).map_err(|_| {
        Problem::new(Code::LedgerIntegrityFailed, "the approval before the run was not recorded whole")
    })?;
    Ok(dvt_core::gated(plan, &gate))
}
