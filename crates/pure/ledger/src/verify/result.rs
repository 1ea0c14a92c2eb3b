//! The verification result (contract 7.8) and its findings, placed by tamper class (contract 7.7).

use dvt_model::id::LedgerId;
use dvt_model::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// The most findings that are listed; the last one says when there are more.
pub const MAX_FINDINGS: usize = 1000;

/// How it ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// Everything that was checked holds, and a signed checkpoint stands over it.
    Valid,
    /// Something does not hold; the findings say what and where.
    Invalid,
    /// Nothing is wrong, but not everything could be checked: no key, no checkpoint, or a source that cannot be read.
    Incomplete,
}

/// What outside witnesses said.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Witness {
    /// Enough of them signed.
    Witnessed,
    /// None did.
    Unwitnessed,
    /// Only one on the same machine did.
    UnwitnessedLocal,
}

/// A proof layer (contract 7.3).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    /// Leaves against salts and envelopes.
    Leaf,
    /// Tiles and roots, computed again.
    Tree,
    /// Signatures.
    Checkpoint,
    /// MACs of blocks.
    Mac,
    /// Commitments of payloads.
    Payload,
    /// Cosignatures.
    Witness,
}

/// A range of ledger indices.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Span {
    /// The first.
    pub from: u64,
    /// One behind the last.
    pub to: u64,
}

/// One thing that does not hold.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Finding {
    /// The tamper class of contract 7.7 that fits best; 0 when nothing was tampered with but could not be read.
    pub class: u8,
    /// Where, if it is one entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
    /// Where, if it is a range of entries or a tree size (then `to`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<Span>,
    /// For people. No payload, no personal text.
    pub detail: String,
}

impl Finding {
    /// At one entry.
    pub(super) fn at(class: u8, index: u64, detail: impl Into<String>) -> Self {
        Self { class, index: Some(index), range: None, detail: detail.into() }
    }

    /// Over a range.
    pub(super) fn over(class: u8, range: Range<u64>, detail: impl Into<String>) -> Self {
        let range = Some(Span { from: range.start, to: range.end });
        Self { class, index: None, range, detail: detail.into() }
    }

    /// Nowhere in particular.
    pub(super) fn about(class: u8, detail: impl Into<String>) -> Self {
        Self { class, index: None, range: None, detail: detail.into() }
    }

    /// Whether it places something at this index.
    pub fn covers(&self, index: u64) -> bool {
        self.index == Some(index) || self.range.is_some_and(|span| (span.from..span.to).contains(&index))
    }
}

/// The newest checkpoint that holds.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SealedHead {
    /// Its size.
    pub size: u64,
    /// Its root in base64, as in its text.
    pub root_hash: String,
    /// The key that signed it, `name+<8 hex>`.
    pub key_id: String,
    /// Witnesses that cosigned it.
    pub witnesses: Vec<String>,
}

/// What the verifier found.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VerificationResult {
    /// The ledger; absent when not even the head row could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ledger_id: Option<LedgerId>,
    /// Its origin.
    pub origin: String,
    /// The first index whose entry was checked.
    pub from_index: u64,
    /// One behind the last.
    pub to_size: u64,
    /// How many.
    pub entries_checked: u64,
    /// Payloads whose commitment was checked; 0 without keys.
    pub payloads_checked: u64,
    /// Payloads whose key is gone.
    pub erased: u64,
    /// How it ended.
    pub status: Status,
    /// What witnesses said.
    pub witness: Witness,
    /// Whether a checkpoint from elsewhere was given; without one a rollback of the whole store is out of reach.
    pub anchored: bool,
    /// What was checked.
    pub layers: Vec<Layer>,
    /// Entries above the last checkpoint: proved by their MAC alone.
    pub unsealed: u64,
    /// What does not hold.
    pub findings: Vec<Finding>,
    /// The newest checkpoint that holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<SealedHead>,
    /// When the verifier began.
    pub started_at: Timestamp,
    /// How long it took.
    pub duration_ms: u64,
    /// Which verifier.
    pub verifier_version: String,
}

/// Findings, held to [`MAX_FINDINGS`].
#[derive(Debug, Default)]
pub(super) struct Findings {
    list: Vec<Finding>,
    more: u64,
}

impl Findings {
    pub(super) fn add(&mut self, finding: Finding) {
        if self.list.len() < MAX_FINDINGS {
            self.list.push(finding);
        } else {
            self.more += 1;
        }
    }

    /// The class of what was found first inside this range.
    pub(super) fn class_within(&self, range: &Range<u64>) -> Option<u8> {
        let inside = |finding: &&Finding| {
            finding.index.is_some_and(|index| range.contains(&index))
                || finding.range.is_some_and(|span| {
                    span.from < range.end && span.to > range.start && span.to <= range.end
                })
        };
        self.list.iter().find(inside).map(|finding| finding.class)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(super) fn into_list(mut self) -> Vec<Finding> {
        if self.more > 0 {
            self.list.push(Finding::about(0, format!("{} more findings are not listed", self.more)));
        }
        self.list
    }
}
