//! Authorization envelopes (contract 4.2): a proof on its way from one process of the installation to another.
//!
//! Text form: `<64 hex digits of the MAC>.<canonical JSON>`; the MAC is made over exactly the bytes after the dot, under
//! the link key of the tenant that the envelope names. An envelope opens once, for one command, for at most 60 seconds.
//! Everything that is wrong with one gives one and the same answer.

use crate::Denied;
use crate::embedded::Embedded;
use dvt_engine::{Door, Grant, Judging, Opened, Problem};
use dvt_model::action::{Action, Role};
use dvt_model::canonical;
use dvt_model::code::Code;
use dvt_model::context::{Authenticated, Kind, OpContext, Principal, PrincipalType};
use dvt_model::decision::{Draft, Operation};
use dvt_model::deed::Deed;
use dvt_model::digest::{Digest, hex, unhex};
use dvt_model::id::{DecisionId, PrincipalId, RequestId, RunId, TenantId};
use dvt_model::proof::{Authorized, RunCancel};
use dvt_model::resource::{ResourceRef, Run};
use dvt_model::scope::{ScopeIds, TenantScope};
use dvt_model::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// The longest life of an envelope.
pub const LIFE_MS: u64 = 60_000;
/// Keeps this MAC apart from every other one under the link key.
const DOMAIN: &[u8] = b"dvt.link.envelope.v1\0";

/// The body, before it is known to be true.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Unverified {
    v: u32,
    scope: ScopeIds,
    principal: Caller,
    action: Action,
    resource: ResourceRef,
    command_digest: Digest,
    decision_id: DecisionId,
    policy_decision_id: DecisionId,
    request_id: RequestId,
    issued_at: Timestamp,
    expires_at: Timestamp,
    nonce: String,
}

/// The caller, as access knew it where the proof was made.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Caller {
    id: PrincipalId,
    #[serde(rename = "type")]
    principal_type: PrincipalType,
    roles: Vec<Role>,
    rights_epoch: u64,
    kind: Kind,
    auth_time: Timestamp,
    methods: Vec<String>,
}

/// Nonces that were seen, each until its envelope would have expired anyway.
#[derive(Debug, Default)]
pub(crate) struct Nonces(Mutex<BTreeMap<(TenantId, String), Timestamp>>);

impl Nonces {
    /// Whether this one is new; it is not new again before it is forgotten, and forgotten only after it expired.
    /// Each tenant's are its own: nobody uses up another's.
    fn first_use(&self, tenant: TenantId, nonce: &str, expires_at: Timestamp, now: Timestamp) -> bool {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.retain(|_, until| *until >= now);
        seen.insert((tenant, nonce.to_owned()), expires_at).is_none()
    }
}

fn refused() -> Problem {
    Problem {
        code: Code::AuthorizationRequired,
        message: "the authorization envelope is missing or bad".to_owned(),
    }
}

fn message(body: &[u8]) -> Vec<u8> {
    [DOMAIN, body].concat()
}

impl Embedded {
    fn mac(&self, tenant: TenantId, body: &[u8]) -> Result<[u8; 32], Problem> {
        self.store
            .link_mac(tenant, &message(body))
            .map_err(|error| Problem { code: Code::KeyUnavailable, message: error.to_string() })
    }
}

// INVARIANT(INV-12): what crosses a process line is authenticated again on the other side; nothing in it is believed before.
impl Door for Embedded {
    fn seal(&self, grant: &Grant, command: &[u8]) -> Result<String, Problem> {
        let context = &grant.context;
        let principal = context.principal();
        let issued_at = self.now();
        let body = Unverified {
            v: 1,
            scope: context.scope().ids(),
            principal: Caller {
                id: principal.id,
                principal_type: principal.principal_type,
                roles: principal.roles.clone(),
                rights_epoch: principal.rights_epoch,
                kind: context.kind(),
                auth_time: context.auth_time(),
                methods: context.methods().to_vec(),
            },
            action: grant.action,
            resource: grant.resource.clone(),
            command_digest: Digest::of(command),
            decision_id: grant.decision_id,
            policy_decision_id: grant.policy_decision_id,
            request_id: context.request_id(),
            issued_at,
            expires_at: issued_at.plus_ms(LIFE_MS),
            nonce: hex(&dvt_keys::entropy::random::<16>()),
        };
        let bytes = canonical::of(&body).map_err(|error| Problem {
            code: Code::Internal,
            message: format!("an envelope cannot be written: {error}"),
        })?;
        let text = String::from_utf8(bytes)
            .map_err(|_| Problem { code: Code::Internal, message: "an envelope is no text".to_owned() })?;
        Ok(format!("{}.{text}", hex(&self.mac(context.scope().tenant(), text.as_bytes())?)))
    }

    fn cancel<'a>(&'a self, context: &'a OpContext, run: RunId, why: String) -> Judging<'a> {
        const ROUTE: &str = "startRun";
        let of = |denied: Denied| Problem { code: denied.code, message: denied.message };
        Box::pin(async move {
            let proof: Authorized<Run, RunCancel> =
                self.deed(context, run, &Deed::Cancel {}, ROUTE).await.map_err(of)?;
            let operation = Operation::Cancel;
            let draft = Draft { operation, justification_text: why, approval_ticket_id: None };
            let record = self.record(&proof, draft).map_err(of)?;
            Ok((Grant::of(&proof), record))
        })
    }

    fn open(&self, envelope: &str, command: &[u8]) -> Result<Opened, Problem> {
        let (mac, body) = envelope.split_once('.').ok_or_else(refused)?;
        let mac = unhex(mac).ok_or_else(refused)?;
        // The tenant is read before it is believed, only to know whose key must have made the MAC.
        let unverified: Unverified = canonical::read(body.as_bytes()).map_err(|_| refused())?;
        let genuine = self
            .store
            .link_verify(unverified.scope.tenant_id, &message(body.as_bytes()), &mac)
            .map_err(|_| refused())?;
        if !genuine {
            return Err(refused());
        }
        let body = unverified;
        let now = self.now();
        let alive = body.issued_at <= now && now < body.expires_at;
        let short = body.expires_at.ms_since(body.issued_at) <= LIFE_MS;
        let this_command = body.command_digest == Digest::of(command);
        if body.v != 1 || !alive || !short || !this_command {
            return Err(refused());
        }
        // Last, so that a refused envelope does not use its nonce up.
        if !self.nonces.first_use(body.scope.tenant_id, &body.nonce, body.expires_at, now) {
            return Err(refused());
        }
        let context = OpContext::mint(
            &self.minter,
            Authenticated {
                principal: Principal {
                    id: body.principal.id,
                    principal_type: body.principal.principal_type,
                    roles: body.principal.roles,
                    rights_epoch: body.principal.rights_epoch,
                },
                scope: TenantScope::mint(&self.minter, body.scope),
                request_id: body.request_id,
                kind: body.principal.kind,
                auth_time: body.principal.auth_time,
                methods: body.principal.methods,
            },
        );
        Ok(Grant {
            context,
            action: body.action,
            resource: body.resource,
            decision_id: body.decision_id,
            policy_decision_id: body.policy_decision_id,
        })
    }
}
