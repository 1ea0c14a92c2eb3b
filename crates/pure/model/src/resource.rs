//! What an action is asked upon.

use crate::id::{PlanId, ProjectId, RunId, TenantId};
use crate::scope::ScopeIds;
use serde::{Deserialize, Serialize};

/// A resource as the ledger names it: its type and the text form of its id.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ResourceRef {
    /// The text form of the id; what was asked for, also where it does not exist.
    pub id: String,
    /// `run`, `plan`, `project`, `tenant`, `ledger`.
    #[serde(rename = "type")]
    pub resource_type: String,
}

/// A kind of resource that a proof can be about.
pub trait Resource {
    /// Its name in the ledger.
    const TYPE: &'static str;
    /// The text form of its id.
    fn id(&self) -> String;
    /// Where it lies.
    fn lies_in(&self) -> ScopeIds;
    /// How the ledger names it.
    fn reference(&self) -> ResourceRef {
        ResourceRef { resource_type: Self::TYPE.to_owned(), id: self.id() }
    }
}

macro_rules! resources {
    ($($(#[$doc:meta])* $name:ident, $text:literal, $id:ty;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub struct $name {
            /// Its id.
            pub id: $id,
            /// Where it lies.
            pub scope: ScopeIds,
        }

        impl Resource for $name {
            const TYPE: &'static str = $text;
            fn id(&self) -> String {
                self.id.to_string()
            }
            fn lies_in(&self) -> ScopeIds {
                self.scope
            }
        }
    )*};
}

resources! {
    /// A run that exists.
    Run, "run", RunId;
    /// A plan that exists, or is about to be published under this id.
    Plan, "plan", PlanId;
    /// A project: what plans are created in and runs are listed of.
    Project, "project", ProjectId;
    /// A tenant's ledger.
    Ledger, "ledger", TenantId;
    /// A tenant with its keys, holds and settings.
    Tenant, "tenant", TenantId;
}
