//! Reading the ledger (contract 7.5): who may see what, what is asked for, and what comes back.
//!
//! A [`Sight`] is made from a proof and from nothing else; without one no entry is read. What a sight does not reach does not
//! exist for its holder.

use dvt_ledger::{Hash, Salt};
use dvt_model::entry::{EventType, Outcome};
use dvt_model::id::PrincipalId;
use dvt_model::proof::{AuditExport, AuditRead, AuditReadSelf, Authorized, RunReadPayload};
use dvt_model::resource::{Ledger, Project};
use dvt_model::scope::TenantScope;
use dvt_model::time::Timestamp;
use serde_json::Value;

/// The most rows of a page.
pub const MOST_ROWS: u32 = 50;
/// The most entries of an export.
pub const MOST_EXPORTED: u32 = 10_000;
/// How far back a question reaches that names no beginning, and how far it may.
const DEFAULT_DAYS: i64 = 30;
const MOST_DAYS: i64 = 365;
const DAY_MS: i64 = 86_400_000;

/// What a proof lets its holder see.
#[derive(Debug, Clone)]
pub struct Sight {
    pub(crate) scope: TenantScope,
    pub(crate) who: PrincipalId,
    pub(crate) is_whole: bool,
    pub(crate) may_export: bool,
}

impl Sight {
    /// Every entry that the scope covers.
    pub fn whole(proof: &Authorized<Ledger, AuditRead>) -> Self {
        Self::of(*proof.scope(), proof.context().principal().id)
    }

    /// The entries that one caused or that concern one; of others' acts among them no more than that they were.
    pub fn own(proof: &Authorized<Ledger, AuditReadSelf>) -> Self {
        Self { is_whole: false, ..Self::of(*proof.scope(), proof.context().principal().id) }
    }

    /// Every entry that the scope covers, whole, with salts and proofs.
    pub fn export(proof: &Authorized<Ledger, AuditExport>) -> Self {
        Self { may_export: true, ..Self::of(*proof.scope(), proof.context().principal().id) }
    }

    const fn of(scope: TenantScope, who: PrincipalId) -> Self {
        Self { scope, who, is_whole: true, may_export: false }
    }
}

/// The right to payloads in clear, beside an export.
#[derive(Debug, Clone)]
pub struct PayloadSight {
    pub(crate) scope: TenantScope,
}

impl PayloadSight {
    /// From the right to read payloads in the scope's project.
    pub fn of(proof: &Authorized<Project, RunReadPayload>) -> Self {
        Self { scope: *proof.scope() }
    }
}

/// What is asked for. Fields that are absent ask for everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// Who caused it.
    pub actor: Option<PrincipalId>,
    /// Upon what: the text form of an id.
    pub resource: Option<String>,
    /// How it ended.
    pub decision: Option<Outcome>,
    /// What kind of fact.
    pub event_type: Option<EventType>,
    /// The class of the data that was touched.
    pub class: Option<String>,
    /// From when on; 30 days before `until` where absent, at most 365.
    pub since: Option<Timestamp>,
    /// Until when; now where absent.
    pub until: Option<Timestamp>,
}

/// A range that is asked for, checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// From when on.
    pub since: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

impl Query {
    /// Its range; `None` where it is empty or longer than a year.
    pub fn range(&self, now: Timestamp) -> Option<Range> {
        let until = self.until.unwrap_or(now);
        let since = self.since.unwrap_or(Timestamp::from_ms(until.ms() - DEFAULT_DAYS * DAY_MS));
        let length = until.ms() - since.ms();
        (0..=MOST_DAYS * DAY_MS).contains(&length).then_some(Range { since, until })
    }

    /// What binds a cursor to the question: everything but where the page begins.
    pub(crate) fn text(&self, sight: &Sight) -> String {
        format!("ledger|{}|{}|{self:?}", sight.who.key(), sight.is_whole)
    }
}

/// An entry as a page shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its index.
    pub index: u64,
    /// Its envelope; without the fields that name others where it is redacted.
    pub envelope: Value,
    /// Whether fields were left out.
    pub redacted: bool,
}

/// A page, newest first.
#[derive(Debug, Clone)]
pub struct Page {
    /// The rows.
    pub rows: Vec<Row>,
    /// Sealed cursor of the next page.
    pub next: Option<String>,
    /// What was looked through.
    pub range: Range,
}

/// Which entry is to be proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// By its index.
    Index(u64),
    /// By its id.
    Entry(dvt_model::id::EntryId),
}

/// An entry with everything that proves it.
#[derive(Debug, Clone)]
pub struct Proven {
    /// Its index.
    pub index: u64,
    /// Its envelope, byte for byte as hashed.
    pub envelope: Vec<u8>,
    /// The salt of its leaf.
    pub leaf_salt: Salt,
    /// The inclusion path under [`Exported::note`].
    pub path: Vec<Hash>,
    /// Its payloads in clear, in the order of its commitments; empty where nobody asked.
    pub payloads: Vec<Cleared>,
}

/// A payload in clear.
#[derive(Debug, Clone, PartialEq)]
pub enum Cleared {
    /// Salt and value, as committed to.
    Open {
        /// The salt of its commitment.
        salt: Salt,
        /// Its value.
        value: Value,
    },
    /// Its key is gone.
    Erased,
}

/// Entries and the checkpoint that they are proved under.
#[derive(Debug, Clone)]
pub struct Exported {
    /// The newest signed checkpoint.
    pub note: String,
    /// Its size.
    pub size: u64,
    /// The entries, newest first.
    pub entries: Vec<Proven>,
    /// The tombstones of erased payloads among them.
    pub tombstones: Vec<Proven>,
    /// Entries that were asked for and stand above the checkpoint: they cannot be proved yet.
    pub unsealed: u64,
}
