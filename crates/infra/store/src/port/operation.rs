//! What can be put on a stage and read back. An operation's preconditions are fields: without them it does not compile.

use dvt_model::action::Role;
use dvt_model::entry::{Envelope, PayloadClass};
use dvt_model::id::{BlockId, EnvironmentId, PlanId, PlanName, PrincipalId, RunId, SignalId};
use dvt_model::run::{PlanRef, RunMetadata, RunStatus};
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

/// Whose personal data something is: it lies under a key that ends with that person (contract 6.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// One person's: a principal's id, or what a plan's `subject` names.
    Person(String),
    /// That of several persons of the run: it ends with the first of them. Those who are named here are noted as known to
    /// the run, whatever else is kept of them.
    Several(Vec<String>),
}

impl From<&str> for Subject {
    fn from(person: &str) -> Self {
        Self::Person(person.to_owned())
    }
}

impl Subject {
    /// Whether both lie under one key.
    pub(crate) fn has_key_of(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Person(one), Self::Person(other)) => one == other,
            (Self::Several(_), Self::Several(_)) => true,
            (Self::Person(_), Self::Several(_)) | (Self::Several(_), Self::Person(_)) => false,
        }
    }
}

/// What decides under which key something of a run lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protection {
    /// Its class.
    pub class: PayloadClass,
    /// Whose personal data it is.
    pub about: Option<Subject>,
}

impl Default for Protection {
    fn default() -> Self {
        Self { class: PayloadClass::Standard, about: None }
    }
}

/// Entries of one act or one advance of a run: they become one row. A repeated id gets the first answer.
#[derive(Debug, Clone)]
pub struct BlockDraft {
    /// Drawn by the caller before the first try.
    pub block_id: BlockId,
    /// Entries in order; run events among them carry `runSeq` without a gap.
    pub entries: Vec<EntryDraft>,
}

impl BlockDraft {
    /// A block of these entries, with an id of its own.
    pub fn of(entries: Vec<EntryDraft>) -> Self {
        let moment = entries.first().map_or(Timestamp::from_ms(0), |entry| entry.envelope.recorded_at);
        Self { block_id: BlockId::at(moment, crate::seal::random()), entries }
    }
}

/// On whose rights an operation rests. They are judged again under the head lock, so that what was authorized before they
/// ended is refused after (contract 6.1, principalEpoch).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rights {
    /// A member's, as they were when the operation was authorized.
    Of {
        /// The member.
        principal: PrincipalId,
        /// Its epoch then, see [`KnownMember`].
        epoch: u64,
    },
    /// Nobody's: an act of the system itself, or the record of a refusal, for which nobody needs a right.
    Nobody,
}

/// The entries of an act that changes something (a key, a hold, what is kept), and the rights that it rests on.
#[derive(Debug, Clone)]
pub struct ActDraft {
    /// Decision, record, and what else is said of it.
    pub block: BlockDraft,
    /// Precondition: these rights.
    pub rights: Rights,
}

/// A run that waits for its turn (contract 5.7).
#[derive(Debug, Clone)]
pub struct Queueing {
    /// The request that names its place.
    pub request_id: String,
    /// Precondition count(waiting runs) < this.
    pub most_waiting: u64,
}

/// Runs of a plan of which only some may be open at a time (contract 5.7).
#[derive(Debug, Clone)]
pub struct Group {
    /// Its name within project, environment and plan.
    pub name: String,
    /// Precondition count(open runs of the group) < this.
    pub most_open: u64,
}

/// A setting of the run's own project and environment, as somebody saw it.
#[derive(Debug, Clone)]
pub struct SeenSetting {
    /// What kind of setting.
    pub kind: String,
    /// Its name within the kind.
    pub name: String,
    /// Its version; `None`: there was none.
    pub version: Option<u64>,
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
    /// Precondition: the rights it rests on.
    pub rights: Rights,
    /// Where it waits, if it does; precondition count(waiting runs).
    pub queue: Option<Queueing>,
    /// Its concurrency group, if it has one; precondition count(open runs of the group).
    pub group: Option<Group>,
    /// Precondition rowVersion(setting): what the admission follows from still stands.
    pub setting: Option<SeenSetting>,
    /// Whether the run's id was drawn for this very admission, so that the file cannot hold a key of it.
    pub is_new: bool,
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

/// Publishing of a plan without a run of it (contract 4.1 `publishPlan`).
#[derive(Debug, Clone)]
pub struct PublishPlan {
    /// What names it; precondition: the version keeps its digest, in the whole project.
    pub plan: PlanRef,
    /// Its name; precondition: the project knows it by this id or not at all.
    pub name: PlanName,
    /// Its canonical document.
    pub document: Value,
    /// The engine's epoch.
    pub engine_epoch: u64,
    /// Precondition: the rights it rests on.
    pub rights: Rights,
    /// Its entries.
    pub block: BlockDraft,
}

/// An act that changes no run: a decision of a read, a refusal, a record. Never a run event.
#[derive(Debug, Clone)]
pub struct AppendAct {
    /// The entries.
    pub block: BlockDraft,
    /// Whether these are granted reads (kind `reads`) rather than an act.
    pub reads: bool,
    /// Precondition: the rights it rests on.
    pub rights: Rights,
}

/// A change of a setting of the transaction's own project and environment (contract 6.1, configuration writes).
#[derive(Debug, Clone)]
pub struct PutSetting {
    /// What kind of setting.
    pub kind: String,
    /// Its name within the kind.
    pub name: String,
    /// Precondition: the version that it was made from (`If-Match`); `None`: there must be none yet.
    pub expected_version: Option<u64>,
    /// Precondition: the rights it rests on.
    pub rights: Rights,
    /// The new value, sealed in the row.
    pub value: Value,
    /// Its entries: a change of a setting is an act.
    pub block: BlockDraft,
}

/// A setting, opened.
#[derive(Debug, Clone, PartialEq)]
pub struct SettingRow {
    /// Rises by one with each change.
    pub version: u64,
    /// The value.
    pub value: Value,
    /// When it was changed.
    pub changed_at: Timestamp,
}

/// Ends a member's rights as they are known to others: its epoch rises, and what was authorized before is refused.
#[derive(Debug, Clone)]
pub struct EndRights {
    /// Whose.
    pub principal: PrincipalId,
    /// Precondition: the epoch that they have.
    pub expected_epoch: u64,
    /// Precondition: the rights that the ending rests on.
    pub rights: Rights,
    /// Its entries.
    pub block: BlockDraft,
}

/// Where a run stands in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueState {
    /// It waits.
    Pending,
    /// An engine is about to start it.
    Locked {
        /// When its lease ends.
        until: Timestamp,
    },
    /// It is started; its place moves no more.
    Started,
    /// It never started; its place moves no more.
    Failed,
}

impl QueueState {
    /// As it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Locked { .. } => "LOCKED",
            Self::Started => "STARTED",
            Self::Failed => "FAILED",
        }
    }

    /// Reads the stored word with its lease.
    pub(crate) fn parse(text: &str, until: Option<Timestamp>) -> Option<Self> {
        match (text, until) {
            ("PENDING", None) => Some(Self::Pending),
            ("LOCKED", Some(until)) => Some(Self::Locked { until }),
            ("STARTED", None) => Some(Self::Started),
            ("FAILED", None) => Some(Self::Failed),
            _ => None,
        }
    }
}

/// A place in the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueRow {
    /// The run that has it.
    pub run_id: RunId,
    /// Where it stands.
    pub state: QueueState,
    /// Since when it waits.
    pub queued_at: Timestamp,
    /// Rises by one with each move.
    pub version: u64,
}

/// A move of a run's place in the queue (contract 6.1 `leaseRun`).
#[derive(Debug, Clone, Copy)]
pub struct MoveInQueue {
    /// The run.
    pub run_id: RunId,
    /// Precondition: the row's version.
    pub expected_version: u64,
    /// Precondition: the engine's epoch.
    pub engine_epoch: u64,
    /// Where it goes.
    pub to: QueueState,
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

/// A member as it is looked up.
#[derive(Debug, Clone)]
pub struct KnownMember {
    /// The member, with the roles that reach the scope.
    pub member: Member,
    /// The epoch of its rights: what is authorized now names it, see [`Rights`].
    pub epoch: u64,
}

/// Which runs a list is about; the default is all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// In one of these states; none named: in any.
    pub statuses: Vec<RunStatus>,
    /// Of the plan of this name.
    pub plan: Option<PlanName>,
    /// Queued at this moment or later.
    pub since: Option<Timestamp>,
    /// Queued before this moment.
    pub until: Option<Timestamp>,
}

impl RunFilter {
    /// The states as one word that a query looks a state up in; empty where any will do.
    pub(crate) fn words(&self) -> String {
        let mut words: Vec<&str> = self.statuses.iter().map(|status| status.as_str()).collect();
        words.sort_unstable();
        words.dedup();
        if words.is_empty() { String::new() } else { format!(",{},", words.join(",")) }
    }

    /// What binds a cursor to this list: states and plan. Its range of time the cursor carries along, for `since` may have been
    /// so long ago, and the second page looks through the same time as the first.
    pub(crate) fn binding(&self) -> String {
        let plan = self.plan.as_ref().map_or("", PlanName::as_str);
        format!("runs|{}|{plan}", self.words())
    }
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

/// A published version as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanVersion {
    /// What names it.
    pub plan: PlanRef,
    /// Its name.
    pub name: String,
    /// Where it was published.
    pub environment_id: EnvironmentId,
    /// When.
    pub published_at: Timestamp,
    /// Whether its document is still kept; its digest always is.
    pub is_kept: bool,
}

/// Which plan versions a list is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlanFilter {
    /// Of the plan of this name.
    pub name: Option<PlanName>,
    /// Also what was run as it lay there, without a version of its own (`0.0.0-dev.d…`).
    pub development: bool,
}

/// A page of plan versions, newest first.
#[derive(Debug, Clone)]
pub struct PlanPage {
    /// The rows.
    pub rows: Vec<PlanVersion>,
    /// Sealed cursor of the next page.
    pub next: Option<String>,
}

/// How far a log was read: the next reading goes on behind it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LogMark {
    pub(crate) frames: u64,
    pub(crate) bytes: u64,
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
