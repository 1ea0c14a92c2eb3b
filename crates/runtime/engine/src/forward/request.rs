//! What is asked over the socket, and what is answered.
//!
//! The text of a command is what its envelopes are bound to, together with the name of the socket it is meant for: an
//! envelope taken to another engine opens nothing there.

use crate::client::{Again, Progress, StartAnswer, StartRequest};
use crate::{Acted, Asked, Problem, PublishAnswer, PublishRequest};
use dvt_model::canonical;
use dvt_model::code::Code;
use dvt_model::id::RunId;
use dvt_model::run::RunStatus;
use serde::{Deserialize, Serialize};

/// A command. Those with `*` carry envelopes; the others concern only what this connection follows.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub(crate) enum Command {
    /// * (PLAN_CREATE, then RUN_START) Start a run.
    Start(Box<StartRequest>),
    /// * (PLAN_CREATE) Publish a plan.
    Publish(Box<PublishRequest>),
    /// * (what the deed takes: RUN_CANCEL, SIGNAL_SEND or STEP_APPROVE) A signal or a vote.
    Act { run: RunId, asked: Box<Asked>, host_allowed: bool },
    /// * (RUN_START on the plan, then SIGNAL_SEND) A new run in the place of one that has ended.
    Retry { run: RunId, asked: Box<Asked>, again: Again },
    /// * (SIGNAL_SEND) Go on with a run that no engine works on.
    Resume { run: RunId, host_allowed: bool },
    /// * (what the run was started, resumed or cancelled with) The engine changed; this client still attends the run.
    Attach { run: RunId, host_allowed: bool },
    /// * (any right on the run) Be told of news.
    Follow { run: RunId },
    /// The next news after `known_seq`.
    Progress { run: RunId, known_seq: u64 },
    /// A checkpoint over everything acknowledged.
    Seal { run: RunId },
    /// Kill the running steps of this client's runs without grace.
    StopHard,
}

/// The bytes that are signed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Addressed {
    audience: String,
    command: Command,
}

/// The text of a command for one engine.
pub(crate) fn write(audience: &str, command: &Command) -> Result<String, Problem> {
    let addressed = Addressed { audience: audience.to_owned(), command: command.clone() };
    let bytes = canonical::of(&addressed).map_err(|error| {
        Problem::new(Code::InvalidRequest, format!("the request cannot be sent: {error}"))
    })?;
    String::from_utf8(bytes).map_err(|error| Problem::new(Code::Internal, error.to_string()))
}

/// Reads a command meant for this engine.
pub(crate) fn read(audience: &str, text: &str) -> Result<Command, Problem> {
    let addressed: Addressed = canonical::read(text.as_bytes())
        .map_err(|error| Problem::new(Code::InvalidRequest, format!("the request is malformed: {error}")))?;
    if addressed.audience != audience {
        return Err(Problem::unproved("it was meant for another engine"));
    }
    Ok(addressed.command)
}

/// One call.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Call {
    pub(crate) id: u64,
    pub(crate) text: String,
    pub(crate) envelopes: Vec<String>,
}

/// Its answer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Answer {
    pub(crate) id: u64,
    pub(crate) result: Result<Reply, Problem>,
}

/// What an answer holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Reply {
    Started(StartAnswer),
    Status(RunStatus),
    Acted(Acted),
    News(Progress),
    Sealed(u64),
    Published(PublishAnswer),
    Done,
}

/// The first frame of an engine.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Greeting {
    pub(crate) epoch: u64,
}
