//! What can be put on a stage and read back. An operation's preconditions are fields: without them it does not compile.

use dvt_model::action::Role;
use dvt_model::entry::{Envelope, PayloadClass};
use dvt_model::id::{BlockId, PlanId, PrincipalId, RunId, SignalId};
use dvt_model::run::{RunMetadata, RunStatus};
use dvt_model::scope::TenantScope;
use dvt_model::time::Timestamp;
use serde_json::Value;

/// An entry before it is sealed: the envelope without `payloads` (the store adds the commitments), and the payload.
/// Fields of a payload over 64 KiB go to a blob and stand in it as `{blob, size, commit}`; reading brings them back.
#[derive(Debug, Clone)]
pub struct EntryDraft {
    /// The envelope; `payloads` must be empty.
    pub envelope: Envelope,
    /// The payload and its class.
    pub payload: Option<(PayloadClass, Value)>,
}

/// Entries of one act or one advance of a run: they become one row. A repeated id gets the first answer.
#[derive(Debug, Clone)]
pub struct BlockDraft {
    /// Drawn by the caller before the first try.
    pub block_id: BlockId,
    /// Entries in order; run events among them carry `runSeq` without a gap.
    pub entries: Vec<EntryDraft>,
}

/// Admission of a run (contract 6.1 `bootstrapRun`): all of it at once.
#[derive(Debug, Clone)]
pub struct BootstrapRun {
    /// The run's row; precondition mustNotExist(run).
    pub metadata: RunMetadata,
    /// Precondition mustNotExist(admission key) (5.3).
    pub admission_key: String,
    /// What a repeat is compared by: the store keeps its HMAC under the run key.
    pub request: Value,
    /// The engine's epoch.
    pub engine_epoch: u64,
    /// Precondition count(open runs) < quota.
    pub most_open_runs: u64,
    /// Whether the run goes on without the client that started it.
    pub detached: bool,
    /// The plan to publish with it where it is not there yet (precondition: same version, same digest).
    pub plan_document: Value,
    /// AUTH_DECISION, RunQueued.
    pub block: BlockDraft,
    /// State after the block.
    pub status: RunStatus,
}

/// Run events, with the acts that caused them before them (decision, record, signal).
#[derive(Debug, Clone)]
pub struct AppendRun {
    /// The run.
    pub run_id: RunId,
    /// Precondition: the run's last `runSeq`.
    pub expected_run_seq: u64,
    /// Precondition: the engine's epoch.
    pub engine_epoch: u64,
    /// A signal's first decision, unique per (run, signal): its payload is compared by HMAC.
    pub signal: Option<(SignalId, Value)>,
    /// The entries.
    pub block: BlockDraft,
    /// State after the block.
    pub status: RunStatus,
}

/// An act that changes no run: a decision of a read, a refusal, a record. Never a run event.
#[derive(Debug, Clone)]
pub struct AppendAct {
    /// The entries.
    pub block: BlockDraft,
    /// Whether these are granted reads (kind `reads`) rather than an act.
    pub reads: bool,
}

/// Where a stage went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// Index of its first entry in the ledger.
    pub first_index: u64,
    /// Whether it was there already (the same block id).
    pub already: bool,
}

/// A run event read back, payload opened (`None` when erased).
#[derive(Debug, Clone)]
pub struct StoredEvent {
    /// Its index.
    pub index: u64,
    /// Its envelope.
    pub envelope: Envelope,
    /// Its payload, with blobs brought back.
    pub payload: Option<Value>,
}

/// A run as lists show it. `status` is a cache of the fold, written in the same transaction.
#[derive(Debug, Clone)]
pub struct RunRow {
    /// What names it.
    pub metadata: RunMetadata,
    /// State after its last event.
    pub status: RunStatus,
    /// Its last `runSeq`.
    pub last_run_seq: u64,
    /// When it was queued.
    pub queued_at: Timestamp,
    /// When its last event was recorded.
    pub updated_at: Timestamp,
    /// Whether it goes on without the client that started it.
    pub detached: bool,
}

/// A run that has not ended, with its scope.
#[derive(Debug, Clone)]
pub struct OpenRun {
    /// From the row that names the run.
    pub scope: TenantScope,
    /// The row.
    pub row: RunRow,
}

/// A member of a tenant.
#[derive(Debug, Clone)]
pub struct Member {
    /// The principal.
    pub principal_id: PrincipalId,
    /// Its name, sealed in the row.
    pub name: String,
    /// The OS user that it is, embedded.
    pub os_uid: u32,
    /// Its roles at the tenant's root.
    pub roles: Vec<Role>,
}

/// A page of runs, newest first.
#[derive(Debug, Clone)]
pub struct RunPage {
    /// The rows.
    pub rows: Vec<RunRow>,
    /// Sealed cursor of the next page.
    pub next: Option<String>,
}

/// One piece of a step's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogChunk {
    /// `stdout` or `stderr`.
    pub stream: String,
    /// When it was taken.
    pub at: Timestamp,
    /// Scrubbed text.
    pub text: String,
}

/// Plan row as it is looked up.
#[derive(Debug, Clone)]
pub struct PlanRow {
    /// Its id.
    pub plan_id: PlanId,
    /// Its version.
    pub version: String,
    /// Its canonical document.
    pub document: Value,
}
