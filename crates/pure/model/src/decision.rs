//! `DecisionRecord.v1` (contract 9): why somebody did what needs a reason.
//!
//! INVARIANT(INV-15): an operation that needs a record takes a [`DecisionRecord`], and only [`Draft::complete`] makes one.

use crate::action::{Role, words};
use crate::id::{DecisionId, PrincipalId};
use crate::resource::ResourceRef;
use crate::scope::ScopeIds;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

words! {
    /// The operations of section 9 that exist today.
    Operation {
        /// Pause a run.
        Pause = "PAUSE",
        /// Go on with a paused run.
        Resume = "RESUME",
        /// Cancel a run.
        Cancel = "CANCEL",
        /// Another attempt of a failed step.
        Retry = "RETRY",
        /// Another attempt of a step that has not failed.
        ForceRetry = "FORCE_RETRY",
        /// A new run in the place of one that has ended.
        Restart = "RESTART",
        /// Leave a step out.
        ManualOverride = "MANUAL_OVERRIDE",
        /// End a run now, without its way out.
        EmergencyStop = "EMERGENCY_STOP",
        /// A vote for what an approval step asks.
        Approve = "APPROVE",
        /// A vote against it.
        Reject = "REJECT",
        /// Destroy the key of a run's or a person's payloads.
        DataErasure = "DATA_ERASURE",
        /// Place or release a legal hold.
        LegalHoldChange = "LEGAL_HOLD_CHANGE",
        /// Take away envelopes whose years are over.
        LedgerPrune = "LEDGER_PRUNE",
        /// Change what the tenant asks of its runs.
        PolicyChange = "POLICY_CHANGE",
    }
}

impl Operation {
    /// Whether it is a vote on an approval step.
    pub fn is_vote(self) -> bool {
        matches!(self, Self::Approve | Self::Reject)
    }

    fn kind(self) -> &'static str {
        if self.is_vote() { "APPROVAL" } else { "OPERATOR" }
    }
}

/// A record as it is being written. Not yet good for anything.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Draft {
    /// What is to be done.
    pub operation: Operation,
    /// Why; 1 to 2,000 characters for a single tenant (contract 1.3).
    pub justification_text: String,
    /// The ticket that allows it, optional for a single tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_ticket_id: Option<String>,
}

/// What `access` knows about the act.
#[derive(Clone, Debug)]
pub struct Circumstances {
    /// The record's id.
    pub decision_id: DecisionId,
    /// The authenticated principal.
    pub actor_id: PrincipalId,
    /// The weakest held role that suffices.
    pub actor_role: Role,
    /// Where it acts.
    pub scope: ScopeIds,
    /// Upon what.
    pub resource: ResourceRef,
    /// When.
    pub timestamp: Timestamp,
    /// The policy evaluation behind it.
    pub policy_decision_id: DecisionId,
    /// Whether the tenant has one owner, so that rules about a second person are waived (contract 1.3).
    pub solo_owner: bool,
}

/// A complete record. Private fields: it can only come from [`Draft::complete`] or out of the ledger.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DecisionRecord {
    decision_id: DecisionId,
    kind: String,
    operation: Operation,
    actor_id: PrincipalId,
    actor_role: Role,
    scope: ScopeIds,
    resource: ResourceRef,
    justification_text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    approval_ticket_id: Option<String>,
    timestamp: Timestamp,
    policy_decision_id: DecisionId,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    solo_owner: bool,
}

/// The fields that a record lacks.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the decision record is incomplete: {}", .0.join(", "))]
pub struct Incomplete(pub Vec<String>);

/// The longest justification.
pub const MAX_JUSTIFICATION: usize = 2_000;

impl Draft {
    /// Checks each field and makes the record, or names what is missing.
    pub fn complete(self, circumstances: Circumstances) -> Result<DecisionRecord, Incomplete> {
        let mut missing = Vec::new();
        let length = self.justification_text.trim().chars().count();
        if !(1..=MAX_JUSTIFICATION).contains(&length) {
            missing.push(format!(
                "`justificationText` needs 1 to {MAX_JUSTIFICATION} characters, it has {length}"
            ));
        }
        if self.approval_ticket_id.as_ref().is_some_and(|ticket| ticket.trim().is_empty()) {
            missing.push("`approvalTicketId` is empty".to_owned());
        }
        if !missing.is_empty() {
            return Err(Incomplete(missing));
        }
        Ok(DecisionRecord {
            decision_id: circumstances.decision_id,
            kind: self.operation.kind().to_owned(),
            operation: self.operation,
            actor_id: circumstances.actor_id,
            actor_role: circumstances.actor_role,
            scope: circumstances.scope,
            resource: circumstances.resource,
            justification_text: self.justification_text.trim().to_owned(),
            approval_ticket_id: self.approval_ticket_id,
            timestamp: circumstances.timestamp,
            policy_decision_id: circumstances.policy_decision_id,
            // Only votes have a rule about a second person today; elsewhere the word would say nothing.
            solo_owner: circumstances.solo_owner && self.operation.is_vote(),
        })
    }
}

impl DecisionRecord {
    /// The record's id.
    pub fn decision_id(&self) -> DecisionId {
        self.decision_id
    }

    /// What it is about to do.
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// Upon what.
    pub fn resource(&self) -> &ResourceRef {
        &self.resource
    }

    /// Why.
    pub fn justification_text(&self) -> &str {
        &self.justification_text
    }
}
