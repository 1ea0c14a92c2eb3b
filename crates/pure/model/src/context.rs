//! Who asks: the first argument of every operation (contract 1.1).

use crate::action::Role;
use crate::id::{PrincipalId, RequestId};
use crate::scope::{Minter, TenantScope};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What sort of caller a principal is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PrincipalType {
    /// A person.
    User,
    /// A machine account.
    ServiceAccount,
    /// A plugin, for one call.
    Plugin,
    /// A worker.
    Worker,
    /// The engine itself.
    System,
}

/// A verified caller: id, type and the roles bound to it where it acts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Principal {
    /// Its id.
    pub id: PrincipalId,
    /// Its sort.
    pub principal_type: PrincipalType,
    /// Its roles in this scope.
    pub roles: Vec<Role>,
    /// The epoch of its rights when it was authenticated: the store refuses what rests on ended ones.
    pub rights_epoch: u64,
}

/// How the call came in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A person at a terminal or console.
    Interactive,
    /// A program.
    Api,
    /// A schedule.
    Scheduled,
    /// A worker.
    Worker,
    /// The engine: recovery, timers, sealing.
    System,
}

/// Principal, scope, request and the manner of the call. Only authentication makes one.
// INVARIANT(INV-01): private fields, no `Default`; the constructor takes the `Minter`.
#[derive(Clone, Debug)]
pub struct OpContext {
    principal: Principal,
    scope: TenantScope,
    request_id: RequestId,
    kind: Kind,
    auth_time: Timestamp,
    methods: Vec<String>,
}

/// What authentication learned about a call.
#[derive(Clone, Debug)]
pub struct Authenticated {
    /// The verified caller.
    pub principal: Principal,
    /// Where it acts.
    pub scope: TenantScope,
    /// The id of this request.
    pub request_id: RequestId,
    /// How it came in.
    pub kind: Kind,
    /// When the caller proved who it is.
    pub auth_time: Timestamp,
    /// By which means (RFC 8176 `amr`; `os` = the operating system's word).
    pub methods: Vec<String>,
}

impl OpContext {
    /// Makes the context of an authenticated call.
    pub fn mint(_: &Minter, authenticated: Authenticated) -> Self {
        let Authenticated { principal, scope, request_id, kind, auth_time, methods } = authenticated;
        Self { principal, scope, request_id, kind, auth_time, methods }
    }

    /// The caller.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Where the caller acts.
    pub fn scope(&self) -> &TenantScope {
        &self.scope
    }

    /// The id of this request.
    pub fn request_id(&self) -> RequestId {
        self.request_id
    }

    /// How the call came in.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// When the caller proved who it is.
    pub fn auth_time(&self) -> Timestamp {
        self.auth_time
    }

    /// By which means the caller proved it.
    pub fn methods(&self) -> &[String] {
        &self.methods
    }
}
