//! Runs of sub-plans: begun under their parent's slot, ended with it, and heard when they have ended (contract 5.7).
//!
//! A child is an ordinary run with a ledger of its own; its id was minted by the parent and stands in the parent's StepStarted.
//! So every order may come twice: what is in the ledger under that id is the answer. A child gets no rights that its parent has
//! not: power is the parent's word, narrowed by nothing but its own packed files.
// INVARIANT(INV-29): a parent killed at any point finds its child by that id, and begins no second one.

use crate::admit::{bounds_of, check_inputs};
use crate::engine::Engine;
use crate::groups::Key;
use crate::queue::Admission;
use crate::run::load::digest_of;
use crate::run::{Hot, Message};
use crate::{Problem, library};
use dvt_core::About;
use dvt_core::command::{ChildEnded, ChildOutcome, Start};
use dvt_core::event::StartChild;
use dvt_model::code::Code;
use dvt_model::digest::Digest;
use dvt_model::failure::{Failure, FailureCategory};
use dvt_model::id::{PlanId, RequestId, RunId, RunRequestId, SignalId, StepId};
use dvt_model::run::{EventName, PlanRef, Power};
use dvt_model::scope::TenantScope;
use dvt_plan::plan::Plan;
use dvt_store::Refusal;
use dvt_store::port::operation::{Rights, RunRow};
use dvt_store::port::transaction::Kind;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};

/// Between two tries to begin or end a child, at first.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How often another run that took the same name or version meanwhile is looked past.
const TRIES: u32 = 5;
/// How long an engine that ends waits for children that are being ended: the grace, the kill and a little.
const PATIENCE: Duration = Duration::from_secs(15);

/// What a parent wants done, in this order.
pub(crate) enum Order {
    /// Begin it, or find it.
    Start(StartChild),
    /// End it.
    End { step_id: StepId, child_run_id: RunId, how: Ending },
}

/// How a child's run ended, and whose data that tells.
type End = (ChildOutcome, Option<About>);

/// How a child is ended.
#[derive(Clone, Copy)]
pub(crate) enum Ending {
    /// By its way out.
    Cancel,
    /// Now.
    Stop { force_kill: bool },
}

impl Ending {
    pub(crate) fn message(self) -> Message {
        match self {
            Self::Cancel => Message::CancelledByParent,
            Self::Stop { force_kill } => Message::StoppedByParent(force_kill),
        }
    }
}

/// Whoever waits for the ends of children, by their runs.
pub(crate) struct Families {
    waiting: Mutex<BTreeMap<RunId, Waiting>>,
    ending: watch::Sender<usize>,
}

struct Waiting {
    parent: Hot,
    step_id: StepId,
    /// It is being ended, and an engine that ends waits for that.
    is_ending: bool,
    /// Its parent wants it to end.
    is_to_end: bool,
}

impl Default for Families {
    fn default() -> Self {
        Self { waiting: Mutex::default(), ending: watch::channel(0).0 }
    }
}

impl Families {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<RunId, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, waiting: &BTreeMap<RunId, Waiting>) {
        self.ending.send_replace(waiting.values().filter(|waiting| waiting.is_ending).count());
    }

    fn expect(&self, child: RunId, parent: Hot, step_id: StepId, is_ending: bool) {
        let mut waiting = self.lock();
        let was = waiting.get(&child).map(|waiting| (waiting.is_ending, waiting.is_to_end));
        let (was_ending, was_to_end) = was.unwrap_or_default();
        let (is_ending, is_to_end) = (is_ending || was_ending, is_ending || was_to_end);
        waiting.insert(child, Waiting { parent, step_id, is_ending, is_to_end });
        self.count(&waiting);
    }

    fn take(&self, child: RunId) -> Option<Waiting> {
        let mut waiting = self.lock();
        let found = waiting.remove(&child);
        self.count(&waiting);
        found
    }

    /// Whether a parent in memory waits for this child and has not ended it.
    pub(crate) fn want(&self, child: RunId) -> bool {
        self.lock().get(&child).is_some_and(|waiting| !waiting.is_to_end)
    }

    fn knows(&self, child: RunId) -> bool {
        self.lock().contains_key(&child)
    }

    /// A child left memory and has not ended: nobody waits for its end here, but whoever goes on with it tells the parent.
    pub(crate) fn left(&self, child: RunId) {
        let mut waiting = self.lock();
        if let Some(waiting) = waiting.get_mut(&child) {
            waiting.is_ending = false;
        }
        self.count(&waiting);
    }

    /// The parent is told. One that has ended, or is not in memory, finds it in the ledger when it needs it.
    fn tell(&self, child_run_id: RunId, (outcome, about): End) {
        if let Some(Waiting { parent, step_id, .. }) = self.take(child_run_id) {
            let ended = ChildEnded { step_id, child_run_id, outcome, about };
            drop(parent.send(Message::ChildEnded(Box::new(ended))));
        }
    }

    /// Waits for children that are being ended, so that a process that ends with the parent's run leaves none of them behind.
    pub(crate) async fn have_ended(&self) {
        let mut ending = self.ending.subscribe();
        // What takes longer goes on by `dvt runs resume`.
        drop(timeout(PATIENCE, ending.wait_for(|count| *count == 0)).await);
    }
}

/// What its children need of a parent.
pub(crate) struct Parent {
    pub(crate) scope: TenantScope,
    pub(crate) plan: Arc<Plan>,
    pub(crate) request_id: RequestId,
    pub(crate) host_allowed: bool,
}

/// The way to whoever carries out a parent's orders.
pub(crate) struct Orders {
    sender: mpsc::UnboundedSender<Order>,
    /// Those that are not carried out yet.
    left: Arc<AtomicUsize>,
}

impl Orders {
    pub(crate) fn give(&self, order: Order) {
        self.left.fetch_add(1, Ordering::SeqCst);
        // Nobody is there only when the engine ends; the next one asks for the same children again.
        drop(self.sender.send(order));
    }

    /// Whether the parent may let go of them: orders of before and after would overtake each other else.
    pub(crate) fn are_carried_out(&self) -> bool {
        self.left.load(Ordering::SeqCst) == 0
    }
}

/// Carries out a parent's orders until its task has ended, or sleeps.
pub(crate) fn serve(engine: &Arc<Engine>, parent: Parent) -> Orders {
    let (sender, mut orders) = mpsc::unbounded_channel();
    let (own, left) = (Arc::clone(engine), Arc::new(AtomicUsize::new(0)));
    let carried_out = Arc::clone(&left);
    engine.go_on(async move {
        while let Some(order) = orders.recv().await {
            match order {
                Order::Start(child) => parent.begin(&own, &child).await,
                Order::End { child_run_id, how, .. } => parent.end(&own, child_run_id, how).await,
            }
            carried_out.fetch_sub(1, Ordering::SeqCst);
        }
    });
    Orders { sender, left }
}

/// The id of the signal by which a parent's emergency stop ends its child.
pub(crate) fn stop_of(child: RunId) -> Result<SignalId, Problem> {
    SignalId::parse(&format!("parent:{}", child.key()))
        .map_err(|error| Problem::new(Code::Internal, error.to_string()))
}

impl Parent {
    /// At once, before anybody can hear of the parent's end: children are being ended.
    pub(crate) fn note(engine: &Engine, hot: &Hot, order: &Order) {
        match order {
            Order::Start(child) => {
                engine.families.expect(child.child_run_id, hot.clone(), child.step_id.clone(), false);
            }
            Order::End { step_id, child_run_id, .. } => {
                engine.families.expect(*child_run_id, hot.clone(), step_id.clone(), true);
            }
        }
    }

    async fn begin(&self, engine: &Arc<Engine>, child: &StartChild) {
        let (mut pause, mut tries) = (FIRST_PAUSE, 0);
        loop {
            let problem = match self.bring(engine, child).await {
                Ok(None) => return,
                Ok(Some(end)) => return engine.families.tell(child.child_run_id, end),
                Err(problem) => problem,
            };
            tries += 1;
            if problem.code == Code::LeaseLost {
                return;
            }
            if !is_asked_again(&problem, tries) {
                let end = (ChildOutcome::Failed(failure_of(problem)), None);
                return engine.families.tell(child.child_run_id, end);
            }
            if paused(engine, &mut pause).await {
                return;
            }
        }
    }

    /// The child goes on (`None`), or has ended.
    async fn bring(&self, engine: &Arc<Engine>, child: &StartChild) -> Result<Option<End>, Problem> {
        let run = child.child_run_id;
        match engine.row(&self.scope, run).await {
            Ok(row) if row.status.is_terminal() => outcome_of(engine, &self.scope, &row).await.map(Some),
            Ok(_) => {
                let recover = vec![Message::Recover(Vec::new(), None)];
                if engine.at_work(self.scope.tenant(), run).is_none() {
                    engine.take_up(&self.scope, run, self.host_allowed, recover).await?;
                }
                Ok(None)
            }
            Err(problem) if problem.code == Code::NotFound => {
                self.admit(engine, child).await?;
                Ok(None)
            }
            Err(problem) => Err(problem),
        }
    }

    /// Queues the child's run and makes it hot.
    // If we crash before the commit there is no child, and the parent asks for it again under the same id. After it, the child
    // is open, and the parent's recovery takes it up.
    async fn admit(&self, engine: &Arc<Engine>, child: &StartChild) -> Result<(), Problem> {
        let digest = library::pinned(&self.plan, &child.step_id).ok_or_else(|| {
            Problem::new(Code::PlanIntegrityValidationFailed, "the step pins no sub-plan".to_owned())
        })?;
        let mut transaction = engine.parts().store.begin(&self.scope, Kind::Engine)?;
        let document = library::document(&transaction, digest).await?;
        let plan = library::plain(&document)?;
        if digest_of(&document)? != digest {
            let message = "the sub-plan is not the one that its parent pins";
            return Err(Problem::new(Code::PlanIntegrityValidationFailed, message));
        }
        // A parent that was admitted before classes were compared is held to them here.
        if let Some(runs) = library::running(&self.plan, &child.step_id)
            && let Some(crossing) = self.plan.crossing(runs, &plan)
        {
            let message = format!("the class of the sub-plan does not fit its step: {crossing:?}");
            return Err(Problem::new(Code::InvalidPlanSchema, message));
        }
        let whole = library::whole(&transaction, &document, &plan).await?;
        let bounds = bounds_of(whole.as_ref().unwrap_or(&plan), &document)?;
        let inputs = check_inputs(&plan, child.inputs.clone())?;
        let known = transaction.plan_id(&plan.name).await?;
        let plan_ref = PlanRef {
            plan_id: known.unwrap_or_else(|| PlanId::from_random(dvt_keys::entropy::random())),
            plan_version: version_of(&plan, digest),
            digest,
        };
        let power = Power { files_digest: library::files_of(&document), ..child.power.clone() };
        let run_request_id = RunRequestId::parse(&format!("child:{}", child.child_run_id.key()))
            .map_err(|error| Problem::new(Code::Internal, error.to_string()))?;
        let start = Start {
            inputs,
            bounds,
            parent_run_id: Some(child.parent_run_id),
            depth: child.depth,
            initiators: child.initiators.clone(),
            about: child.about.clone(),
            ..Start::plain(child.child_run_id, self.scope.tenant().key(), plan_ref, power)
        };
        let entering = match Key::of_start(self.scope.ids(), &plan, &start)? {
            Some(key) => Some(engine.enter_group(&transaction, &key, (child.child_run_id, None)).await?),
            None => None,
        };
        let admission = Admission {
            scope: self.scope,
            plan: Arc::new(plan),
            document,
            start,
            // Nobody asked but the parent's plan: what was decided about the parent's start covers everything below it.
            decisions: Vec::new(),
            request_id: self.request_id,
            run_request_id,
            rights: Rights::Nobody,
            // It runs under its parent's slot.
            most_open_runs: u64::MAX,
            detached: false,
            now: entering.as_ref().map_or_else(|| engine.now(), |entering| entering.now),
            group: entering.as_ref().map(|entering| entering.group.clone()),
            setting: None,
            // An earlier try may have written it, and its key.
            is_new: false,
        };
        let (operation, fold) = engine.queue(&mut transaction, admission)?;
        transaction.bootstrap_run(operation);
        let admitting = engine.folding.alone(child.child_run_id).await;
        match transaction.commit().await {
            Ok(_) => {}
            Err(Refusal::LeaseLost) => {
                engine.depose();
                return Err(Problem::engine_gone());
            }
            // Written by a try of which we heard nothing; the next look finds it.
            Err(Refusal::Admitted { .. }) => return Err(Refusal::RunAlreadyExists.into()),
            Err(refusal) => {
                let busy = entering.filter(|_| refusal == Refusal::GroupBusy);
                return Err(busy.map_or_else(|| refusal.into(), |entering| entering.if_busy));
            }
        }
        engine.seal_soon(&self.scope);
        engine.warm(fold, self.host_allowed, Vec::new());
        drop(admitting);
        Ok(())
    }

    async fn end(&self, engine: &Arc<Engine>, child: RunId, how: Ending) {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.ask_to_end(engine, child, how).await {
                Ok(true) => return,
                Ok(false) => {}
                Err(problem) if problem.is_passing() || problem.code == Code::RunTerminal => {}
                Err(problem) => {
                    // It cannot be folded: whoever asks for it is told why, and the parent does not wait for it.
                    engine.give_up(child, problem);
                    engine.families.left(child);
                    return;
                }
            }
            if paused(engine, &mut pause).await {
                return;
            }
        }
    }

    /// Whether it was asked, or is over.
    async fn ask_to_end(&self, engine: &Arc<Engine>, child: RunId, how: Ending) -> Result<bool, Problem> {
        if let Some(hot) = engine.at_work(self.scope.tenant(), child) {
            return Ok(hot.send(how.message()).is_ok());
        }
        match engine.row(&self.scope, child).await {
            Ok(row) if row.status.is_terminal() => {
                let outcome = outcome_of(engine, &self.scope, &row).await?;
                engine.families.tell(child, outcome);
            }
            Ok(_) => {
                // First the end, then what was running is settled.
                let messages = vec![how.message(), Message::Recover(Vec::new(), None)];
                engine.take_up(&self.scope, child, self.host_allowed, messages).await?;
            }
            // It never began, and nobody begins it any more: orders come one after another.
            Err(problem) if problem.code == Code::NotFound => drop(engine.families.take(child)),
            Err(problem) => return Err(problem),
        }
        Ok(true)
    }
}

impl Engine {
    /// A run has ended: if it is the run of a sub-plan, its parent hears how.
    pub(crate) async fn tell_parent(&self, scope: &TenantScope, run: RunId) {
        if !self.families.knows(run) {
            return;
        }
        let outcome = match self.row(scope, run).await {
            Ok(row) => outcome_of(self, scope, &row).await,
            Err(problem) => Err(problem),
        };
        match outcome {
            Ok(outcome) => self.families.tell(run, outcome),
            // The end stands in the ledger and can be read later: the parent's recovery looks for it there.
            Err(problem) => {
                self.give_up(run, problem);
                self.families.left(run);
            }
        }
    }
}

/// How a run ended, as its last event says.
async fn outcome_of(engine: &Engine, scope: &TenantScope, row: &RunRow) -> Result<End, Problem> {
    let broken = || Problem::new(Code::LedgerIntegrityFailed, "the end of a sub-plan's run cannot be read");
    let transaction = engine.parts().store.begin(scope, Kind::Engine)?;
    let before = row.last_run_seq.saturating_sub(1);
    let last = transaction.fetch_events(row.metadata.run_id, before, 1).await?.into_iter().next();
    let last = last.ok_or_else(broken)?;
    let name = last.envelope.event_name.as_deref().and_then(EventName::parse).ok_or_else(broken)?;
    let payload = last
        .payload
        .ok_or_else(|| Problem::new(Code::PayloadErased, "the outputs of the sub-plan's run are erased"))?;
    let part = |key: &str| payload.get(key).cloned().unwrap_or_default();
    let outcome = match name {
        EventName::RunCompleted => {
            ChildOutcome::Completed(serde_json::from_value(part("outputs")).map_err(|_| broken())?)
        }
        EventName::RunFailed => {
            ChildOutcome::Failed(serde_json::from_value(part("failure")).map_err(|_| broken())?)
        }
        EventName::RunCancelled => ChildOutcome::Cancelled,
        _ => return Err(broken()),
    };
    Ok((outcome, serde_json::from_value(part("about")).map_err(|_| broken())?))
}

/// `0.0.0-dev.d<12 hex>` where the document has no version of its own, as for a plan that lies in a folder.
fn version_of(plan: &Plan, digest: Digest) -> String {
    plan.version
        .clone()
        .unwrap_or_else(|| format!("0.0.0-dev.d{}", digest.hex().chars().take(12).collect::<String>()))
}

fn failure_of(problem: Problem) -> Failure {
    Failure {
        error_code: problem.code,
        error_message: format!("the sub-plan could not be begun: {}", problem.message),
        retryable: problem.code.is_retryable(),
        failure_category: FailureCategory::System,
        failure_source: "engine".to_owned(),
        exit_status: None,
    }
}

/// Whether a child that could not be begun may be there, or may be begun yet.
fn is_asked_again(problem: &Problem, tries: u32) -> bool {
    match problem.code {
        // Whether it was written cannot be known: the ledger is asked again, for as long as there is an engine.
        _ if problem.is_passing() => true,
        Code::RunTerminal | Code::RunAlreadyExists | Code::PlanVersionExists => tries < TRIES,
        _ => false,
    }
}

/// Waits a little, longer each time; whether the engine ends.
async fn paused(engine: &Engine, pause: &mut Duration) -> bool {
    let mut stop = engine.stopping();
    let waited = *pause;
    *pause = (waited * 2).min(LONGEST_PAUSE);
    tokio::select! {
        () = crate::engine::told_to_stop(&mut stop) => true,
        () = sleep(waited) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dvt_store::Error;

    #[test]
    fn what_cannot_be_known_is_asked_again_without_end() {
        let unknown = [
            Problem::from(Refusal::Unavailable("busy".to_owned())),
            Problem::from(Error::Unavailable("be read".to_owned())),
            Problem::from(Error::Key("the file is away".to_owned())),
        ];
        for problem in unknown {
            assert!(is_asked_again(&problem, u32::MAX), "{problem:?}");
        }
        // Control: what is known is told, at once or after a few looks.
        assert!(!is_asked_again(&Refusal::Contract("too large".to_owned()).into(), 1));
        let exists: Problem = Refusal::RunAlreadyExists.into();
        assert!(is_asked_again(&exists, 1) && !is_asked_again(&exists, TRIES));
    }
}
