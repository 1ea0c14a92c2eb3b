//! What somebody asks of a run: the signals of contract 4.5 and the votes of section 9, with what each of them needs.
//!
//! One table of facts a deed: its type on the wire, the action and the lowest role that it takes, and the decision record without
//! which it does nothing. Whether the run's state allows it is the core's to say.

use crate::action::{Action, Role};
use crate::decision::Operation;
use crate::id::StepId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A signal or a vote.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "type",
    rename_all = "SCREAMING_SNAKE_CASE",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum Deed {
    /// No new step starts.
    Pause {},
    /// Goes on after a pause.
    Resume {},
    /// The way out.
    Cancel {},
    /// Another attempt of a failed step.
    RetryStep {
        /// The step.
        step_id: StepId,
        /// Also of one that succeeded or was left out.
        force: bool,
    },
    /// A new run in the place of one that has ended; it takes the right to start the plan as well.
    RetryRun {
        /// Which steps it takes over.
        from: RetryFrom,
        /// Also of one that completed.
        force: bool,
    },
    /// A step is left out and counts as a success.
    SkipStep {
        /// The step.
        step_id: StepId,
    },
    /// A named signal.
    Send {
        /// Its name.
        name: String,
        /// What it brings.
        payload: Value,
    },
    /// Ended now, without a way out.
    EmergencyStop {
        /// Without the grace.
        force_kill: bool,
    },
    /// A vote for what an approval step asks.
    Approve {
        /// The step.
        step_id: StepId,
    },
    /// A vote against it.
    Reject {
        /// The step.
        step_id: StepId,
    },
}

/// Where a run in the place of another one begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RetryFrom {
    /// It takes over what completed.
    #[default]
    Failed,
    /// It takes nothing over.
    Start,
}

impl Deed {
    /// The signal's type on the wire; votes are no signals.
    pub fn signal_type(&self) -> Option<&'static str> {
        match self {
            Self::Pause {} => Some("PAUSE"),
            Self::Resume {} => Some("RESUME"),
            Self::Cancel {} => Some("CANCEL"),
            Self::RetryStep { .. } => Some("RETRY_STEP"),
            Self::RetryRun { .. } => Some("RETRY_RUN"),
            Self::SkipStep { .. } => Some("SKIP_STEP"),
            Self::Send { .. } => Some("SEND"),
            Self::EmergencyStop { .. } => Some("EMERGENCY_STOP"),
            Self::Approve { .. } | Self::Reject { .. } => None,
        }
    }

    /// The signal's payload, closed: nothing stands in it but what its type names.
    pub fn payload(&self) -> Value {
        match self {
            Self::Pause {} | Self::Resume {} | Self::Cancel {} => json!({}),
            Self::RetryStep { step_id, force } => json!({ "stepId": step_id, "force": force }),
            Self::RetryRun { from, force } => json!({ "from": from, "force": force }),
            Self::SkipStep { step_id } | Self::Approve { step_id } | Self::Reject { step_id } => {
                json!({ "stepId": step_id })
            }
            Self::Send { name, payload } => json!({ "name": name, "payload": payload }),
            Self::EmergencyStop { force_kill } => json!({ "forceKill": force_kill }),
        }
    }

    /// The action of contract 8.3 that it takes.
    pub fn action(&self) -> Action {
        match self {
            Self::Cancel {} => Action::RunCancel,
            Self::Approve { .. } | Self::Reject { .. } => Action::StepApprove,
            Self::Pause {}
            | Self::Resume {}
            | Self::RetryStep { .. }
            | Self::RetryRun { .. }
            | Self::SkipStep { .. }
            | Self::Send { .. }
            | Self::EmergencyStop { .. } => Action::SignalSend,
        }
    }

    /// The lowest role that may ask for it (4.5). A step may name another one for votes and SEND.
    pub fn lowest_role(&self) -> Role {
        match self {
            Self::Pause {}
            | Self::Resume {}
            | Self::Cancel {}
            | Self::Send { .. }
            | Self::Approve { .. }
            | Self::Reject { .. } => Role::Operator,
            Self::RetryStep { .. } | Self::RetryRun { .. } | Self::SkipStep { .. } => Role::Engineer,
            Self::EmergencyStop { .. } => Role::TenantAdmin,
        }
    }

    /// The decision record that it does nothing without; SEND needs none.
    pub fn operation(&self) -> Option<Operation> {
        match self {
            Self::Pause {} => Some(Operation::Pause),
            Self::Resume {} => Some(Operation::Resume),
            Self::Cancel {} => Some(Operation::Cancel),
            Self::RetryStep { force: false, .. } => Some(Operation::Retry),
            Self::RetryStep { force: true, .. } => Some(Operation::ForceRetry),
            Self::RetryRun { force: false, .. } => Some(Operation::Restart),
            Self::RetryRun { force: true, .. } => Some(Operation::ForceRetry),
            Self::SkipStep { .. } => Some(Operation::ManualOverride),
            Self::Send { .. } => None,
            Self::EmergencyStop { .. } => Some(Operation::EmergencyStop),
            Self::Approve { .. } => Some(Operation::Approve),
            Self::Reject { .. } => Some(Operation::Reject),
        }
    }

    /// The operation of contract 4.1, as the ledger's `route` names it.
    pub fn route(&self) -> &'static str {
        match self {
            Self::Cancel {} => "cancelRun",
            Self::Approve { .. } => "approve",
            Self::Reject { .. } => "reject",
            Self::Pause {}
            | Self::Resume {}
            | Self::RetryStep { .. }
            | Self::RetryRun { .. }
            | Self::SkipStep { .. }
            | Self::Send { .. }
            | Self::EmergencyStop { .. } => "signal",
        }
    }

    /// The step that it is about.
    pub fn step(&self) -> Option<&StepId> {
        match self {
            Self::RetryStep { step_id, .. }
            | Self::SkipStep { step_id }
            | Self::Approve { step_id }
            | Self::Reject { step_id } => Some(step_id),
            Self::Pause {}
            | Self::Resume {}
            | Self::Cancel {}
            | Self::RetryRun { .. }
            | Self::Send { .. }
            | Self::EmergencyStop { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deed_reads_back_and_knows_no_other_keys() {
        let deed = Deed::RetryStep { step_id: StepId::parse("load").unwrap(), force: true };
        let text = serde_json::to_string(&deed).unwrap();
        assert_eq!(text, r#"{"type":"RETRY_STEP","stepId":"load","force":true}"#);
        assert_eq!(serde_json::from_str::<Deed>(&text).unwrap(), deed);
        for refused in [
            r#"{"type":"PAUSE","reason":"x"}"#,
            r#"{"type":"SKIP_STEP"}"#,
            r#"{"type":"UPDATE_PARAMS"}"#,
            r#"{"type":"EMERGENCY_STOP","forceKill":"yes"}"#,
        ] {
            assert!(serde_json::from_str::<Deed>(refused).is_err(), "{refused}");
        }
    }
}
