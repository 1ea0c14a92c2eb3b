//! The engine: admission, lease, hot runs, timers, recovery, sealing of checkpoints.
//!
//! It takes proofs and never decides permissions; it re-checks that a proof's scope is the command's. Whatever changes a run
//! happens only in the active engine; other processes forward to it over the private socket. Nothing is acknowledged before
//! it is durable, and what the core decided takes effect only after its events are.

mod act;
mod admit;
mod again;
mod ahead;
mod chance;
mod children;
pub mod client;
mod crash;
mod dispatch;
mod ends;
mod engine;
mod entry;
mod folding;
mod forward;
mod gate;
mod groups;
mod held;
pub mod keep;
mod keeper;
mod lease;
mod library;
mod notices;
mod plans;
mod pressure;
mod problem;
mod process;
mod publish;
mod queue;
mod recover;
mod resting;
mod retry;
mod run;
mod said_again;
mod sealer;
mod standing;
mod status;
mod surroundings;
mod timers;

pub use act::{Acted, Asked};
pub use ahead::not_run_yet;
pub use crash::CRASH_SITES;
pub use notices::Notice;
pub use problem::Problem;
pub use publish::{PublishAnswer, PublishRequest};
pub use resting::{AtRest, Rest};
pub use retry::may_retry;
pub use run::act::weigh;
pub use standing::{Degraded, degraded};
pub use surroundings::{LOOK_EVERY, Surroundings};

use client::Client;
use dvt_model::context::OpContext;
use dvt_model::decision::DecisionRecord;
use dvt_model::id::{PrincipalId, RunId};
use dvt_model::proof::{Authorized, Permits};
use dvt_model::resource::Resource;
use dvt_store::{Clock, Store};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// What the composition root gives the engine.
#[derive(Clone)]
pub struct Parts {
    /// The store.
    pub store: Store,
    /// The data folder: the engine's socket and `starter.lock` lie in it.
    pub folder: PathBuf,
    /// The program that becomes the worker (it is started with the argument `__worker`).
    pub worker: PathBuf,
    /// The clock.
    pub clock: Clock,
    /// Opens the authorization envelopes of forwarded commands; `access` implements it.
    pub door: Arc<dyn Door>,
    /// For how long nothing happens to a run before its plan and state leave memory; [`IDLE`].
    pub idle: Duration,
    /// For how long what a run's ledger does not take is tried again before the run leaves memory; [`PATIENCE`].
    pub patience: Duration,
    /// What it looks at beside its work.
    pub surroundings: Surroundings,
    /// Whether whoever starts a run is kept from approving it.
    pub two_persons: TwoPersons,
}

/// What `not: initiator` and an approval before a run mean here (contract 1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TwoPersons {
    /// Whoever starts a run cannot approve it.
    Required,
    /// The one member of a single tenant may; the record of his vote says `soloOwner`.
    Waived,
}

impl TwoPersons {
    /// Who may not vote in a run that this principal starts. It is fixed when the run is queued.
    pub(crate) fn kept_out(self, starter: PrincipalId) -> BTreeSet<PrincipalId> {
        match self {
            Self::Required => [starter].into(),
            Self::Waived => BTreeSet::new(),
        }
    }
}

/// Long enough that a run at work never sleeps, short enough that thousands that wait for people or days cost nothing.
pub const IDLE: Duration = Duration::from_secs(60);

/// Long enough for a backup, a disk that is cleared, a machine that stands still, in which the programs of the run go on; short enough
/// that whoever waits for an answer is told.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// What opens a forwarded command: verifies the envelope's MAC, age, nonce and command digest, and mints the context.
pub trait Door: Send + Sync {
    /// Opens an envelope for exactly this command; `AUTHORIZATION_REQUIRED` or `TENANT_ISOLATION_VIOLATION`.
    fn open(&self, envelope: &str, command: &[u8]) -> Result<Opened, Problem>;
    /// Seals an envelope for a command that this process wants to forward with a proof's authority.
    fn seal(&self, grant: &Grant, command: &[u8]) -> Result<String, Problem>;
    /// Whether a caller may cancel a run too, and the record of it, complete but for its entry; a refusal is entered.
    fn cancel<'a>(&'a self, context: &'a OpContext, run: RunId, why: String) -> Judging<'a>;
}

/// A right to cancel, with its reason, on its way.
pub type Judging<'a> = Pin<Box<dyn Future<Output = Result<(Grant, DecisionRecord), Problem>> + Send + 'a>>;

/// What a proof says, as data for the envelope (contract 4.2).
#[derive(Clone, Debug)]
pub struct Grant {
    /// Who, where, which request.
    pub context: OpContext,
    /// The action.
    pub action: dvt_model::action::Action,
    /// The resource.
    pub resource: dvt_model::resource::ResourceRef,
    /// The decision.
    pub decision_id: dvt_model::id::DecisionId,
    /// The policy evaluation.
    pub policy_decision_id: dvt_model::id::DecisionId,
}

/// An opened envelope: a grant that was proved to come from a process of this installation.
pub type Opened = Grant;

impl Grant {
    /// What a proof of this process says.
    pub fn of<R: Resource, A: Permits>(proof: &Authorized<R, A>) -> Self {
        Self {
            context: proof.context().clone(),
            action: proof.action(),
            resource: proof.resource().reference(),
            decision_id: proof.decision_id(),
            policy_decision_id: proof.policy_decision_id(),
        }
    }
}

/// Takes the lease and becomes the engine, or connects to the process that holds it. A holder that is stopped is ended first.
pub async fn attach(parts: Parts) -> Result<Client, Problem> {
    Client::attach(parts).await
}

/// Takes the lease or stands by for it, to go on with every open run (`dvt engine`); see [`Client::stand`].
pub async fn reside(parts: Parts) -> Result<Client, Problem> {
    Client::reside(parts).await
}

/// Connects to a live holder; `SERVICE_DEGRADED` where there is none.
pub async fn connect(parts: Parts) -> Result<Client, Problem> {
    Client::connect(parts).await
}

/// Whether some live process holds the lease (so that a run without it is shown RECOVERING).
pub fn engine_is_live(store: &Store) -> bool {
    matches!(store.lease().read(), Ok(Some(row)) if process::is_alive(&row.holder))
}
