//! The fields of an envelope that a verifier looks at, borrowed from its bytes.
//!
//! Not the whole `Envelope` of model: a verifier must also read ledgers whose words are newer than its own.

use serde::Deserialize;

/// The only version of envelopes.
pub(super) const RECORD_VERSION: &str = "1.0";

/// What identifies an entry and orders it. Ids, hashes and words have no escapes in canonical JSON, so they are borrowed.
#[derive(Deserialize)]
#[cfg_attr(test, derive(PartialEq, Debug))]
#[serde(rename_all = "camelCase")]
pub(super) struct Identity<'a> {
    pub(super) record_version: &'a str,
    pub(super) entry_id: &'a str,
    pub(super) ledger_id: &'a str,
    pub(super) tenant_id: &'a str,
    pub(super) event_type: &'a str,
    #[serde(default, borrow)]
    pub(super) event_name: Option<&'a str>,
    #[serde(default, borrow)]
    pub(super) run_id: Option<&'a str>,
    #[serde(default)]
    pub(super) run_seq: Option<u64>,
    #[serde(default, borrow)]
    pub(super) idempotency_key: Option<&'a str>,
}

/// What an entry says about payloads and, as a tombstone, about keys.
#[derive(Deserialize)]
pub(super) struct Commits {
    #[serde(default)]
    pub(super) payloads: Vec<dvt_model::entry::PayloadCommit>,
    pub(super) resource: dvt_model::resource::ResourceRef,
}

/// Events after which a run has none.
pub(super) fn is_terminal(event_name: Option<&str>) -> bool {
    matches!(event_name, Some("RunCompleted" | "RunFailed" | "RunCancelled"))
}
