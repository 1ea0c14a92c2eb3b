//! What a command of the binary asks of the engine: the same calls whether the engine is this process or another.

mod turn;

use crate::engine::Engine;
use crate::forward::remote::Remote;
use crate::forward::request::{Command, Reply};
use crate::held::{Held, One};
use crate::status::Follow;
use crate::{Acted, Asked, Grant, Notice, Parts, Problem, PublishAnswer, PublishRequest, act};
use dvt_model::code::Code;
use dvt_model::decision::DecisionRecord;
use dvt_model::deed::Deed;
use dvt_model::digest::Digest;
use dvt_model::id::{PlanId, RunId, RunRequestId, SignalId, StepId};
use dvt_model::proof::{Authorized, Permits, PlanCreate, RunCancel, RunReadStatus, RunStart, SignalSend};
use dvt_model::resource::{Plan, Project, Run};
use dvt_model::run::RunStatus;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::Mutex as AsyncMutex;

/// What a run is started with.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StartRequest {
    /// The plan's canonical document (published with the run where it is not there yet).
    pub plan_document: Value,
    /// Its id: the known one of this name, or a new one.
    pub plan_id: PlanId,
    /// Its version.
    pub plan_version: String,
    /// Inputs, resolved and checked.
    pub inputs: BTreeMap<String, Value>,
    /// The same request id in the same scope, plan and version is the same run.
    pub run_request_id: RunRequestId,
    /// Digest of the bundle, already kept with `put_bundle`.
    pub files_digest: Option<Digest>,
    /// The owner's word for the host tier.
    pub host_allowed: bool,
    /// Whether it goes on without this client.
    pub detached: bool,
    /// The steps of a partial run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selection: Option<BTreeSet<StepId>>,
}

/// How a run in the place of another one is begun.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Again {
    /// The owner's word for the host tier: it is given anew.
    pub host_allowed: bool,
    /// Whether it goes on without this client.
    pub detached: bool,
}

/// The answer, once RunQueued is durable.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StartAnswer {
    /// The run.
    pub run_id: RunId,
    /// `embedded`.
    pub provider: String,
    /// Its state.
    pub status: RunStatus,
    /// Whether the same request had started it before.
    pub idempotent: bool,
    /// The oldest open run of its concurrency group: this one waits for its turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behind: Option<RunId>,
}

/// News of a run: read the events after the last known `runSeq` from the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// The run.
    pub run_id: RunId,
    /// Its newest acknowledged `runSeq`.
    pub last_run_seq: u64,
    /// Its state.
    pub status: RunStatus,
}

/// What an engine works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Runs.
    pub runs: usize,
    /// Those of them that sleep: neither plan nor state is in memory.
    pub asleep: usize,
}

/// By what right this client asks about a run.
#[derive(Clone)]
struct Right {
    grant: Grant,
    host_allowed: bool,
}

/// What a process does about the lease.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stance {
    /// It asks whoever holds it.
    Asks,
    /// It takes it where nobody holds it, and goes on with detached runs and those that its clients attend.
    Leads,
    /// The same, and it goes on with every open run (`dvt engine`).
    LeadsAll,
}

/// This process's side of the engine.
#[derive(Clone)]
enum Side {
    Engine(Arc<Engine>),
    Remote(Arc<Remote>),
}

/// A connection to the engine. Dropping it detaches; a holder's drop ends the engine in order.
pub struct Client {
    parts: Parts,
    stance: Stance,
    side: RwLock<Side>,
    held: Held<Right>,
    turning: AsyncMutex<()>,
}

impl Client {
    pub(crate) async fn attach(parts: Parts) -> Result<Self, Problem> {
        Self::of(parts, Stance::Leads).await
    }

    pub(crate) async fn connect(parts: Parts) -> Result<Self, Problem> {
        Self::of(parts, Stance::Asks).await
    }

    pub(crate) async fn reside(parts: Parts) -> Result<Self, Problem> {
        Self::of(parts, Stance::LeadsAll).await
    }

    async fn of(parts: Parts, stance: Stance) -> Result<Self, Problem> {
        let side = turn::find(&parts, stance).await?;
        Ok(Self {
            parts,
            stance,
            side: RwLock::new(side),
            held: Held::default(),
            turning: AsyncMutex::default(),
        })
    }

    /// Is the engine, or stands by until the one that is has ended, and takes over then; again and again. It returns only where
    /// neither can be: no engine answers and the lease cannot be taken.
    pub async fn stand(&self) -> Result<(), Problem> {
        loop {
            let side = self.side();
            match &side {
                Side::Engine(engine) => engine.ended().await,
                Side::Remote(remote) => remote.ended().await,
            }
            self.turn(&side).await?;
        }
    }

    /// Whether a process that stays for the sake of detached runs has a reason to: one of them is open, or a run of somebody
    /// else is in this engine's memory, whose steps would be given out again.
    pub async fn has_work(&self) -> Result<bool, Problem> {
        let engine = match self.side() {
            Side::Engine(engine) => Some(engine),
            Side::Remote(_) => None,
        };
        if engine.as_ref().is_some_and(|engine| engine.works()) {
            return Ok(true);
        }
        for tenant in self.parts.store.tenants()? {
            for open in self.parts.store.open_runs(tenant).await? {
                let run = open.row.metadata.run_id;
                let given_up = engine
                    .as_ref()
                    .is_some_and(|engine| engine.given_up(run).is_some() && !engine.again.holds(tenant, run));
                if open.row.detached && !given_up {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// What is to be said about runs that this process takes up, as soon as there is something; nothing where it is not the engine, or
    /// not any more.
    pub async fn notices(&self) -> Vec<Notice> {
        match self.side() {
            Side::Engine(engine) => tokio::select! {
                biased;
                notices = engine.notices.next() => notices,
                () = engine.ended() => Vec::new(),
            },
            Side::Remote(_) => Vec::new(),
        }
    }

    /// Whether this process is the engine.
    pub fn is_engine(&self) -> bool {
        matches!(self.side(), Side::Engine(_))
    }

    /// What this process works on, where it is the engine.
    pub fn counts(&self) -> Option<Counts> {
        match self.side() {
            Side::Engine(engine) => Some(engine.counts()),
            Side::Remote(_) => None,
        }
    }

    /// `startRun` (4.1): publishes the document where needed, admits, acknowledges when RunQueued is durable.
    pub async fn start_run(
        &self,
        publish: &Authorized<Project, PlanCreate>,
        proof: &Authorized<Plan, RunStart>,
        request: StartRequest,
    ) -> Result<StartAnswer, Problem> {
        let (publish, start) = (Grant::of(publish), Grant::of(proof));
        let host_allowed = request.host_allowed;
        let command = Command::Start(Box::new(request));
        let answer = self
            .ask(|side| {
                let (publish, start, command) = (&publish, &start, &command);
                async move {
                    match (side, command) {
                        (Side::Engine(engine), Command::Start(request)) => {
                            engine.start(publish, start, (**request).clone()).await.map(Reply::Started)
                        }
                        (Side::Engine(_), _) => Err(unexpected()),
                        (Side::Remote(remote), command) => remote.call(command, &[publish, start]).await,
                    }
                }
            })
            .await?;
        let Reply::Started(answer) = answer else { return Err(unexpected()) };
        self.held.hold(answer.run_id, true, Right { grant: start, host_allowed });
        if answer.status.is_terminal() {
            self.held.has_ended(answer.run_id);
        }
        Ok(answer)
    }

    /// `publishPlan` (4.1): a version that is there already with the same digest is the answer.
    pub async fn publish_plan(
        &self,
        proof: &Authorized<Project, PlanCreate>,
        request: PublishRequest,
    ) -> Result<PublishAnswer, Problem> {
        let grant = Grant::of(proof);
        let command = Command::Publish(Box::new(request));
        let answer = self
            .ask(|side| {
                let (grant, command) = (&grant, &command);
                async move {
                    match (side, command) {
                        (Side::Engine(engine), Command::Publish(request)) => {
                            engine.publish(grant, (**request).clone()).await.map(Reply::Published)
                        }
                        (Side::Engine(_), _) => Err(unexpected()),
                        (Side::Remote(remote), command) => remote.call(command, &[grant]).await,
                    }
                }
            })
            .await?;
        let Reply::Published(answer) = answer else { return Err(unexpected()) };
        Ok(answer)
    }

    /// RETRY_RUN (4.5): a new run in the place of one that has ended, which is not touched. The same signal id again is the same
    /// new run.
    pub async fn retry_run(
        &self,
        start: &Authorized<Plan, RunStart>,
        signal: &Authorized<Run, SignalSend>,
        asked: Asked,
        again: Again,
    ) -> Result<StartAnswer, Problem> {
        let (start, signal, run) = (Grant::of(start), Grant::of(signal), signal.resource().id);
        let command = Command::Retry { run, asked: Box::new(asked.clone()), again };
        let answer = self
            .ask(|side| {
                let (start, signal, asked, command) = (&start, &signal, &asked, &command);
                async move {
                    match side {
                        Side::Engine(engine) => {
                            engine.retry_run((start, signal), run, asked, again).await.map(Reply::Started)
                        }
                        Side::Remote(remote) => remote.call(command, &[start, signal]).await,
                    }
                }
            })
            .await?;
        let Reply::Started(answer) = answer else { return Err(unexpected()) };
        let right = Right { grant: start, host_allowed: again.host_allowed };
        self.held.hold(answer.run_id, true, right);
        Ok(answer)
    }

    /// `cancelRun` (4.1); a second one is accepted and adds no event. Where the run must be taken up to be ended, it has
    /// the word by which this client attends it, if it does.
    pub async fn cancel_run(
        &self,
        proof: &Authorized<Run, RunCancel>,
        record: DecisionRecord,
        signal_id: SignalId,
    ) -> Result<RunStatus, Problem> {
        let asked = Asked { deed: Deed::Cancel {}, record: Some(record), signal_id };
        self.act_as_attended(proof, asked).await
    }

    /// [`Self::act_on_run`] with the word by which this client attends the run, if it does.
    pub async fn act_as_attended<A: Permits>(
        &self,
        proof: &Authorized<Run, A>,
        asked: Asked,
    ) -> Result<RunStatus, Problem> {
        let word = self.held.of(proof.resource().id).is_some_and(|held| held.right.host_allowed);
        Ok(self.act_on_run(proof, asked, word).await?.status)
    }

    /// The same, with the owner's word for the host tier: what always runs on the way out of a run that no engine works
    /// on has it, where the run was queued with it.
    pub async fn cancel_run_with_word(
        &self,
        proof: &Authorized<Run, RunCancel>,
        record: DecisionRecord,
        signal_id: SignalId,
        host_allowed: bool,
    ) -> Result<RunStatus, Problem> {
        let asked = Asked { deed: Deed::Cancel {}, record: Some(record), signal_id };
        Ok(self.act_on_run(proof, asked, host_allowed).await?.status)
    }

    /// A signal or a vote (4.1, 4.5, 9); the same one again is accepted, adds no event and is told as a duplicate. The word is for what
    /// always runs on the way out of a run that this act ends and that no engine works on.
    pub async fn act_on_run<A: Permits>(
        &self,
        proof: &Authorized<Run, A>,
        asked: Asked,
        host_allowed: bool,
    ) -> Result<Acted, Problem> {
        let (grant, run) = (Grant::of(proof), proof.resource().id);
        let ends = act::ends(&asked.deed);
        let command = Command::Act { run, asked: Box::new(asked.clone()), host_allowed };
        let answer = self
            .ask(|side| {
                let (grant, asked, command) = (&grant, &asked, &command);
                async move {
                    match side {
                        Side::Engine(engine) => {
                            engine.act(grant, run, asked, host_allowed).await.map(Reply::Acted)
                        }
                        Side::Remote(remote) => remote.call(command, &[grant]).await,
                    }
                }
            })
            .await?;
        if ends {
            self.held.hold(run, true, Right { grant, host_allowed });
        }
        let Reply::Acted(acted) = answer else { return Err(unexpected()) };
        Ok(acted)
    }

    /// Goes on with a run that no engine works on (`dvt runs resume`).
    pub async fn resume_run(
        &self,
        proof: &Authorized<Run, SignalSend>,
        host_allowed: bool,
    ) -> Result<RunStatus, Problem> {
        let (grant, run) = (Grant::of(proof), proof.resource().id);
        let command = Command::Resume { run, host_allowed };
        let answer = self
            .ask(|side| {
                let (grant, command) = (&grant, &command);
                async move {
                    match side {
                        Side::Engine(engine) => {
                            engine.resume(grant, run, host_allowed).await.map(Reply::Status)
                        }
                        Side::Remote(remote) => remote.call(command, &[grant]).await,
                    }
                }
            })
            .await?;
        self.held.hold(run, true, Right { grant, host_allowed });
        status_in(answer)
    }

    /// Lets this client ask for news of a run that it neither started, resumed nor cancelled. Such a run does not go on
    /// for its sake when the engine changes.
    pub async fn follow(&self, proof: &Authorized<Run, RunReadStatus>) -> Result<(), Problem> {
        let (grant, run) = (Grant::of(proof), proof.resource().id);
        let command = Command::Follow { run };
        self.ask(|side| {
            let (grant, command) = (&grant, &command);
            async move {
                match side {
                    Side::Engine(engine) => engine.may_follow(grant, run).await.map(|()| Reply::Done),
                    Side::Remote(remote) => remote.call(command, &[grant]).await,
                }
            }
        })
        .await?;
        self.held.hold(run, false, Right { grant, host_allowed: false });
        Ok(())
    }

    /// Follows a run: the next news after `known_seq`; returns at once when there is some already, or when the run has
    /// ended. Where the other engine ends meanwhile this process takes over (4.10) and goes on answering. The run must be
    /// one that this client started, resumed, cancelled or [`Client::follow`]s; `NOT_FOUND` else.
    pub async fn progress(&self, run: RunId, known_seq: u64) -> Result<Progress, Problem> {
        let One { attends, right } = self.held_of(run)?;
        let follow = Follow::by(&right.grant, attends);
        let command = Command::Progress { run, known_seq };
        let answer = self
            .ask(|side| {
                let (follow, command) = (&follow, &command);
                async move {
                    match side {
                        Side::Engine(engine) => {
                            engine.progress(follow, run, known_seq).await.map(Reply::News)
                        }
                        Side::Remote(remote) => remote.call(command, &[]).await,
                    }
                }
            })
            .await?;
        let Reply::News(news) = answer else { return Err(unexpected()) };
        if news.status.is_terminal() {
            self.held.has_ended(run);
        }
        Ok(news)
    }

    /// Stops the running steps of this client's runs hard (second interrupt): kill without grace, then the process may end.
    pub async fn stop_hard(&self) {
        match self.side() {
            Side::Engine(engine) => engine.stop_hard(&self.held.attended()),
            // If the engine is gone its steps are too.
            Side::Remote(remote) => drop(remote.call(&Command::StopHard, &[]).await),
        }
    }

    /// Asks for a checkpoint over everything acknowledged so far; gives its size.
    pub async fn seal(&self, run: RunId) -> Result<u64, Problem> {
        let tenant = self.held_of(run)?.right.grant.context.scope().tenant();
        let answer = self
            .ask(|side| async move {
                match side {
                    Side::Engine(engine) => engine.seal(tenant).await.map(Reply::Sealed),
                    Side::Remote(remote) => remote.call(&Command::Seal { run }, &[]).await,
                }
            })
            .await?;
        let Reply::Sealed(size) = answer else { return Err(unexpected()) };
        Ok(size)
    }

    /// Ends in order: children's runs that are being ended come to their end, steps of runs without another client are left for
    /// recovery, the lease is given back, all is sealed.
    pub async fn close(self) -> Result<(), Problem> {
        if let Side::Engine(engine) = self.side() {
            engine.families.have_ended().await;
            engine.dispatcher().have_ended().await;
            engine.stop();
            engine.ended().await;
        }
        Ok(())
    }

    fn side(&self) -> Side {
        self.side.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn held_of(&self, run: RunId) -> Result<One<Right>, Problem> {
        self.held.of(run).ok_or_else(Problem::not_found)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if let Side::Engine(engine) = self.side() {
            engine.stop();
        }
    }
}

fn unexpected() -> Problem {
    Problem::new(Code::Internal, "the engine answered something else than was asked")
}

fn status_in(reply: Reply) -> Result<RunStatus, Problem> {
    match reply {
        Reply::Status(status) => Ok(status),
        Reply::Acted(_)
        | Reply::Started(_)
        | Reply::News(_)
        | Reply::Sealed(_)
        | Reply::Published(_)
        | Reply::Done => Err(unexpected()),
    }
}
