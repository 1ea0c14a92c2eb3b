//! Actions (contract 8.3) and built-in roles (8.2), by their wire names. Which role may do what is `policy`'s table.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$item:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$item])* #[serde(rename = $text)] $variant,)*
        }

        impl $name {
            /// All of them, in the order of the contract.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The wire name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// Reads the wire name.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use words;

words! {
    /// What is asked for. An action that stands in no row of the table is denied.
    Action {
        /// Publish a plan (also the development version that `dvt run` publishes).
        PlanCreate = "PLAN_CREATE",
        /// Read a published plan.
        PlanRead = "PLAN_READ",
        /// Start a run.
        RunStart = "RUN_START",
        /// Cancel a run.
        RunCancel = "RUN_CANCEL",
        /// Send a signal; which one, section 4.5 says.
        SignalSend = "SIGNAL_SEND",
        /// Read status, lists and events without payload.
        RunReadStatus = "RUN_READ_STATUS",
        /// Read inputs, outputs and logs.
        RunReadPayload = "RUN_READ_PAYLOAD",
        /// Vote on an approval step.
        StepApprove = "STEP_APPROVE",
        /// Read the ledger.
        AuditRead = "AUDIT_READ",
        /// Read the entries that one caused.
        AuditReadSelf = "AUDIT_READ_SELF",
        /// Take entries out of the ledger, with their proofs.
        AuditExport = "AUDIT_EXPORT",
        /// Read a person's e-mail and address in an entry.
        AuditViewPii = "AUDIT_VIEW_PII",
        /// Replace a key by a new one.
        KeyRotate = "KEY_ROTATE",
        /// Destroy the key of a run's or a person's payloads.
        DataErase = "DATA_ERASE",
        /// Place or release a legal hold.
        LegalHoldSet = "LEGAL_HOLD_SET",
        /// Change how long data is kept.
        RetentionSet = "RETENTION_SET",
        /// Change what the tenant asks of its runs.
        PolicyWrite = "POLICY_WRITE",
        /// End what its clock has ended (system only).
        RetentionSweep = "RETENTION_SWEEP",
        /// Advance a run (system only).
        EngineAdvance = "ENGINE_ADVANCE",
        /// Resolve a secret (system only).
        SecretResolve = "SECRET_RESOLVE",
        /// Seal the ledger (system only).
        LedgerSeal = "LEDGER_SEAL",
        /// Make a tenant (platform only).
        TenantCreate = "TENANT_CREATE",
    }
}

words! {
    /// A built-in role. `system` is never assignable.
    Role {
        /// Everything of the tenant.
        TenantAdmin = "tenant-admin",
        /// Writes plans.
        PlanAuthor = "plan-author",
        /// Starts, cancels, signals.
        Operator = "operator",
        /// Operator, and retry and skip.
        Engineer = "engineer",
        /// Reads the ledger.
        Auditor = "auditor",
        /// Reads status.
        Viewer = "viewer",
        /// The engine itself.
        System = "system",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wire_names_come_back() {
        for action in Action::ALL {
            assert_eq!(Action::parse(action.as_str()), Some(*action));
        }
        for role in Role::ALL {
            assert_eq!(serde_json::to_value(role).unwrap(), role.as_str());
        }
        assert_eq!(Action::parse("run_start"), None);
    }
}
