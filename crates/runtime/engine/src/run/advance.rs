//! Advancing: inbox → `core::decide` → events → one append → effects and answers.
//!
//! What waits in the inbox is decided together and appended as one block, so that many ends of steps share a sync. The
//! memory may run ahead of the ledger only inside one turn: nothing is told or started before the append returned, and
//! if it fails the memory is dropped.

use super::kept::{Told, of_log, paired};
use super::load::Fold;
use super::news::News;
use super::{Gone, Hot, Message};
use crate::children::{self, Ending, Order, Orders, Parent};
use crate::dispatch::{Attempt, Granted, Reported, Stop, Unserved};
use crate::engine::Engine;
use crate::groups::LONGEST_WAIT_MS;
use crate::{Problem, chance, crash};
use dvt_core::command::{Command, Input, OtherRun, Signal};
use dvt_core::event::{Effect, Event};
use dvt_model::code::Code;
use dvt_model::run::RunStatus;
use dvt_model::time::Timestamp;
use dvt_store::Refusal;
use dvt_store::port::operation::EntryDraft;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;

/// The most messages of one turn; a block stays small and a cancel is not held up.
const MOST: usize = 64;

/// A run's task.
pub(crate) struct Task {
    pub(crate) engine: Arc<Engine>,
    pub(crate) fold: Fold,
    pub(crate) inbox: mpsc::UnboundedReceiver<Message>,
    pub(super) hot: Hot,
    pub(super) news: News,
    pub(super) host_allowed: bool,
    /// Taken up for one act: it asks for no slots and no timer.
    pub(super) rests: bool,
    /// The way to whoever begins and ends the runs of its sub-plans, once there are any.
    pub(super) children: Option<Orders>,
    /// Stands in the line of its group, or has had its turn.
    pub(super) turn: Turning,
    /// When something becomes due.
    pub(super) due: Option<Timestamp>,
    /// Whether the timers wake it then and at no other time.
    pub(super) is_set: bool,
    /// Stands in the dispatcher's line.
    pub(super) wants: bool,
    /// When the last offer was made, if it started nothing: another one would not either before something else happens, or
    /// becomes due.
    pub(crate) fruitless: Option<Timestamp>,
    /// Slots of this turn, to be given back whatever becomes of it.
    pub(crate) granted: Vec<Granted>,
}

/// How far a run is that may begin only when its turn in its group comes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Turning {
    Outside,
    InLine,
    Come,
}

/// Why a task ended.
pub(crate) enum Left {
    /// The run has ended.
    Ended,
    /// The engine ends.
    Stopped,
    /// Somebody stopped it hard.
    Dropped,
    /// It was taken up for one act, which is written.
    Rested,
    /// The store takes no more.
    Refused(Refusal),
    /// Its ledger has events that its memory has not.
    Overtaken(Problem),
    /// The core refuses its own events: a bug, and the run is left as the ledger has it.
    Broken(Problem),
}

impl Left {
    /// What whoever asked for something is told, where it is a refusal.
    pub(super) fn as_problem(&self) -> Option<Problem> {
        match self {
            Self::Refused(refusal) => Some(refusal.clone().into()),
            Self::Overtaken(problem) | Self::Broken(problem) => Some(problem.clone()),
            Self::Ended | Self::Stopped | Self::Dropped | Self::Rested => None,
        }
    }

    /// Whether it left for what the store could not take or give just now.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Refused(refusal) => matches!(refusal, Refusal::Unavailable(_)),
            Self::Broken(problem) => problem.is_passing(),
            Self::Ended | Self::Stopped | Self::Dropped | Self::Rested | Self::Overtaken(_) => false,
        }
    }
}

impl From<Refusal> for Left {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// What is told when a turn is durable.
#[derive(Default)]
struct Turn {
    acts: Vec<EntryDraft>,
    events: Vec<Told>,
    effects: Vec<Effect>,
    reports: Vec<Reported>,
    answers: Vec<oneshot::Sender<Result<RunStatus, Problem>>>,
}

impl Task {
    /// Makes the task of a folded run; `host_allowed` is the word of whoever continues it. One that is to rest after the first
    /// messages starts nothing by itself.
    // Power only narrows: the recorded word AND the present one.
    // INVARIANT(INV-29): what it was taken up for lies in its inbox before anybody can reach it. Slots that came earlier would start
    // steps before what was running is settled, and might end the run before the decision to go on with it is entered.
    pub(crate) fn new(
        engine: Arc<Engine>,
        fold: Fold,
        host_allowed: bool,
        first: Vec<Message>,
    ) -> (Self, Hot) {
        let (sender, inbox) = mpsc::unbounded_channel();
        let rests = first.iter().any(|message| matches!(message, Message::Rest));
        for message in first {
            // The other end is in our hand.
            drop(sender.send(message));
        }
        let (news, told) = News::new(fold.progress());
        let hot = Hot { scope: fold.scope, inbox: sender, news: told, rests };
        let host_allowed = host_allowed && fold.power.host_allowed;
        let task = Self {
            engine,
            fold,
            inbox,
            hot: hot.clone(),
            news,
            host_allowed,
            rests,
            children: None,
            turn: Turning::Outside,
            due: None,
            is_set: true,
            wants: false,
            fruitless: None,
            granted: Vec::new(),
        };
        (task, hot)
    }

    /// Serves until the run or the engine ends.
    // What is awake lies in boxes, so that the future of one that sleeps is small.
    pub(crate) async fn serve(self) {
        let (mut awake, mut woken_by) = (Box::new(self), None);
        loop {
            if let Some(left) = Box::pin(awake.work(woken_by.take())).await {
                return awake.leaving().evict(left).await;
            }
            match awake.fall_asleep().until_woken().await {
                Ok((task, message)) => (awake, woken_by) = (task, Some(message)),
                Err((leaving, left)) => return leaving.evict(left).await,
            }
        }
    }

    /// Serves until it leaves, or nothing has happened for so long that it may sleep.
    async fn work(&mut self, mut woken_by: Option<Message>) -> Option<Left> {
        let mut stop = self.engine.stopping();
        loop {
            if self.fold.status.is_terminal() {
                self.engine.ends.note(self.fold.scope.tenant(), self.fold.progress());
                return Some(Left::Ended);
            }
            if let Some(orders) = self.arrange() {
                orders.serve().await;
            }
            if self.may_take_over() {
                if let Err(left) = self.take_over().await {
                    return Some(left);
                }
                continue;
            }
            let first = match woken_by.take() {
                Some(message) => Some(message),
                None => tokio::select! {
                    biased;
                    () = crate::engine::told_to_stop(&mut stop) => return Some(Left::Stopped),
                    message = self.inbox.recv() => message,
                    () = self.news.due() => {
                        self.news.tell();
                        continue;
                    }
                    () = sleep(self.engine.parts().idle), if self.may_sleep() => return None,
                },
            };
            let Some(first) = first else { return Some(Left::Stopped) };
            if let Err(left) = self.turns(first).await {
                return Some(left);
            }
        }
    }

    /// Tells the timers and the dispatcher what this run waits for; what is to be served where it stands in the dispatcher's line from
    /// now on.
    fn arrange(&mut self) -> Option<Unserved> {
        if self.rests {
            return None;
        }
        let run = self.fold.metadata.run_id;
        let now = self.engine.now();
        let due = [self.fold.state.next_due_after(now), self.patience_ends()].into_iter().flatten().min();
        // Every message wakes somebody, so they are told of news alone.
        if !self.is_set || due != self.due {
            self.engine.set_timer(run, due, &self.hot);
            (self.due, self.is_set) = (due, true);
        }
        if self.fold.state.may_begin(now) && self.waits_for_its_turn() {
            self.line_up();
            return None;
        }
        if self.wants || self.is_fruitless(now) || !self.fold.state.has_ready(now) {
            return None;
        }
        self.wants = true;
        let orders = self.engine.dispatcher().orders();
        orders.want(run, self.hot.clone());
        Some(orders)
    }

    /// Whether an offer would start nothing. What became due since the last one (a retry, while a turn was written) it would start,
    /// and no timer tells of it any more.
    fn is_fruitless(&self, now: Timestamp) -> bool {
        let due = |since| self.fold.state.next_due_after(since).is_some_and(|at| at <= now);
        self.fruitless.is_some_and(|since| !due(since))
    }

    /// Whether it is time to bring what it takes over from another run.
    fn may_take_over(&self) -> bool {
        let state = &self.fold.state;
        let wants = state.wants_reuse().is_some() && state.may_begin(self.engine.now());
        wants && !self.rests && !self.waits_for_its_turn()
    }

    /// A run of a group that has not begun may begin in its turn only.
    fn waits_for_its_turn(&self) -> bool {
        self.fold.group.is_some() && self.fold.status == RunStatus::Pending && self.turn != Turning::Come
    }

    fn line_up(&mut self) {
        let (Some(key), Some(queued_at)) = (&self.fold.group, self.fold.state.queued_at()) else { return };
        if self.turn == Turning::Outside {
            self.turn = Turning::InLine;
            let own = (queued_at, self.fold.metadata.run_id);
            self.engine.line_up(key, own, self.hot.clone(), self.host_allowed);
        }
    }

    /// When it has waited for its turn for as long as it may.
    fn patience_ends(&self) -> Option<Timestamp> {
        let since = self.fold.state.waits_since().filter(|_| self.waits_for_its_turn())?;
        Some(since.plus_ms(LONGEST_WAIT_MS))
    }

    /// Everything that waits now, in its order; an act is a turn of its own, for it has a signal of its own.
    async fn turns(&mut self, first: Message) -> Result<(), Left> {
        let mut next = Some(first);
        while next.is_some() {
            let mut turn = Turn::default();
            let mut count = 0;
            let mut act = None;
            while let Some(message) = next.take() {
                match message {
                    Message::Act(asked) => {
                        act = Some(asked);
                        break;
                    }
                    other => self.decide(other, &mut turn)?,
                }
                count += 1;
                if count < MOST {
                    next = self.inbox.try_recv().ok();
                }
            }
            self.offer(&mut turn)?;
            self.finish(turn).await?;
            if let Some(act) = act {
                self.act_on(*act).await?;
            }
            if self.fold.status.is_terminal() {
                break;
            }
        }
        Ok(())
    }

    /// Decides upon what one message brings.
    fn decide(&mut self, message: Message, turn: &mut Turn) -> Result<(), Left> {
        let command = match message {
            Message::Slots(granted) => {
                self.take(granted);
                return Ok(());
            }
            Message::Report(report, granted) => {
                granted.into_iter().for_each(|granted| self.take(granted));
                turn.reports.push(Reported::of(&report));
                Command::Report(*report)
            }
            // Time alone makes a retry ready: the next offer may start it though nothing was appended since the last one.
            Message::Due => {
                self.fruitless = None;
                // The timers have forgotten it, also where a clock that was set back makes it due at the same moment again.
                self.is_set = false;
                let has_waited = self.patience_ends().is_some_and(|at| at <= self.engine.now());
                if has_waited { Command::QueueExpired } else { Command::Due }
            }
            Message::Turn => {
                self.turn = Turning::Come;
                return Ok(());
            }
            Message::CancelledByGroup => Command::Cancel { cause: OtherRun::Concurrency },
            Message::Lost(lost) => Command::WorkerLost { lost: self.not_being_ended(lost, turn) },
            Message::Gone(gone) => Command::WorkerLost { lost: vec![gone] },
            Message::ChildEnded(ended) => Command::ChildEnded(*ended),
            Message::CancelledByParent => Command::Cancel { cause: OtherRun::Parent },
            Message::StoppedByParent(force_kill) => {
                let signal_id = children::stop_of(self.fold.metadata.run_id).map_err(Left::Broken)?;
                Command::Signal(Signal::EmergencyStop { signal_id, force_kill })
            }
            Message::Recover(acts, answer) => {
                turn.acts.extend(acts);
                turn.answers.extend(answer);
                Command::Recover
            }
            Message::Drop => return Err(Left::Dropped),
            Message::Rest => return Err(Left::Rested),
            Message::Act(_) => return Ok(()),
        };
        self.ask(command, turn).map(drop)
    }

    /// Those that were being ended are closed when it is sure that they are gone (ADR 66): that is asked for again.
    fn not_being_ended(&self, lost: Vec<Gone>, turn: &mut Turn) -> Vec<Gone> {
        let (ending, others): (Vec<_>, _) =
            lost.into_iter().partition(|(step, ..)| self.fold.state.is_being_ended(step));
        let stops = ending.into_iter().map(|(step_id, logical_attempt_id, engine_attempt_id)| Effect::Stop {
            step_id,
            logical_attempt_id,
            engine_attempt_id,
            grace_ms: 0,
        });
        turn.effects.extend(stops);
        others
    }

    /// Slots are used at the end of the turn, when everything that came is known.
    fn take(&mut self, granted: Granted) {
        self.wants = false;
        self.granted.push(granted);
    }

    /// What ended and what begins after it are one block: if we crash before it, neither happened.
    fn offer(&mut self, turn: &mut Turn) -> Result<(), Left> {
        let slots = self.granted.iter().map(Granted::slots).sum();
        if slots > 0 && !self.rests {
            let now = self.engine.now();
            let does = self.ask(Command::Offer { slots }, turn)?;
            self.fruitless = (!does).then_some(now);
        }
        Ok(())
    }

    /// Asks the core, and lets the state follow at once so that what comes next in the turn is decided upon it; whether it did
    /// anything.
    fn ask(&mut self, command: Command, turn: &mut Turn) -> Result<bool, Left> {
        let input = Input { now: self.engine.now(), entropy: chance::entropy(), command };
        // A refusal changes nothing: an old dispatch reports, or a repeat. Whoever sent it is still answered.
        let Ok(decided) = dvt_core::decide(&self.fold.plan, &self.fold.state, &input) else {
            return Ok(false);
        };
        let does = !decided.events.is_empty();
        if does {
            self.fruitless = None;
        }
        let kept = dvt_core::kept(&self.fold.plan, &self.fold.state, &decided.events);
        self.evolve(&decided.events)?;
        turn.events.extend(paired(decided.events, kept));
        turn.effects.extend(decided.effects);
        Ok(does)
    }

    pub(crate) fn evolve(&mut self, events: &[Event]) -> Result<(), Left> {
        for event in events {
            dvt_core::evolve(&self.fold.plan, &mut self.fold.state, event)
                .map_err(|error| Left::Broken(Problem::new(Code::ContractViolation, error.to_string())))?;
        }
        Ok(())
    }

    /// Makes a turn durable, then does what follows from it.
    async fn finish(&mut self, turn: Turn) -> Result<(), Left> {
        if !turn.reports.is_empty() {
            // If we crash here, the step has ended and nobody knows: it is given out again under the same token.
            crash::point(crash::REPORT_BEFORE_APPEND);
        }
        if turn.events.is_empty() {
            let entries = turn.acts;
            self.engine.append_act(&self.fold.scope, entries).await.map_err(Left::Broken)?;
        } else {
            self.fold.append(&self.engine, turn.acts.into(), turn.events, None).await?;
        }
        if !turn.reports.is_empty() {
            // If we crash here, the ledger has the end of the step; the worker dies with us and is never told.
            crash::point(crash::REPORT_APPENDED);
        }
        let orders = self.engine.dispatcher().orders();
        // What the worker may forget goes with what it is to do next.
        for report in turn.reports {
            orders.acknowledge(self.fold.metadata.run_id, report);
        }
        self.order_all(&orders, turn.effects);
        self.granted.drain(..).for_each(|granted| granted.settle(&orders));
        orders.serve().await;
        for answer in turn.answers {
            // Whoever asked may have gone.
            drop(answer.send(Ok(self.fold.status)));
        }
        self.tell();
        self.fold.snapshot_if_worth(&self.engine).await;
        Ok(())
    }

    /// Does what the core wants done. Each effect follows from a durable event; a crash before one is healed by `Recover`.
    pub(super) async fn act(&mut self, effects: Vec<Effect>) {
        let orders = self.engine.dispatcher().orders();
        self.order_all(&orders, effects);
        orders.serve().await;
    }

    fn order_all(&mut self, orders: &Unserved, effects: Vec<Effect>) {
        let run = self.fold.metadata.run_id;
        for effect in effects {
            match effect {
                Effect::Dispatch(dispatch) => {
                    crash::point(crash::BEFORE_DISPATCH);
                    orders.dispatch(Attempt {
                        run,
                        scope: self.fold.scope,
                        files: self.fold.power.files_digest,
                        host_allowed: self.host_allowed,
                        protection: of_log(&self.fold.plan, &self.fold.state, &dispatch.step_id),
                        dispatch,
                        hot: self.hot.clone(),
                    });
                }
                Effect::StartChild(child) => self.order(Order::Start(child)),
                Effect::CancelChild { step_id, child_run_id } => {
                    self.order(Order::End { step_id, child_run_id, how: Ending::Cancel });
                }
                Effect::StopChild { step_id, child_run_id, force_kill } => {
                    self.order(Order::End { step_id, child_run_id, how: Ending::Stop { force_kill } });
                }
                Effect::Stop { step_id, logical_attempt_id, engine_attempt_id, grace_ms } => {
                    orders.stop(Stop {
                        run,
                        step_id,
                        logical: logical_attempt_id,
                        engine: engine_attempt_id,
                        grace_ms,
                        waits: (!self.fold.status.is_terminal()).then(|| self.hot.clone()),
                    });
                }
            }
        }
    }

    /// Orders about children are carried out one after another, so that an end never overtakes a beginning.
    fn order(&mut self, order: Order) {
        Parent::note(&self.engine, &self.hot, &order);
        let orders = self.children.get_or_insert_with(|| {
            let parent = Parent {
                scope: self.fold.scope,
                plan: Arc::clone(&self.fold.plan),
                request_id: self.fold.request_id,
                host_allowed: self.host_allowed,
            };
            children::serve(&self.engine, parent)
        });
        orders.give(order);
    }

    pub(crate) fn tell(&mut self) {
        self.news.bring(self.fold.progress());
    }
}
