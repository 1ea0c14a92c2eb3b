//! What all events together say, read from the first to the last. A fact is the events that matter for it, nothing more.

use super::course::{self, Phase};
use super::said::Said;
use dvt_model::run::{RunStatus, StepStatus};
use dvt_model::time::Timestamp;
use dvt_plan::plan::{Form, Part, Plan, Step};
use serde_json::Value;
use std::collections::BTreeMap;
use std::rc::Rc;

/// A step, an item or a compensation as its events say it.
#[derive(Debug, Clone)]
pub(super) struct Fact {
    pub(super) status: StepStatus,
    pub(super) attempt: u32,
    pub(super) dispatch: u32,
    /// How often each event counted n-th happened.
    pub(super) redispatches: u32,
    pub(super) retries: u32,
    pub(super) votes: u32,
    /// The votes of the newest attempt.
    pub(super) ballot: Vec<Rc<Said>>,
    /// The StepStarted of the newest attempt, with its place.
    pub(super) started: Option<(usize, Rc<Said>)>,
    /// The event that ended the newest attempt, with its place.
    pub(super) ended: Option<(usize, Rc<Said>)>,
    /// When the newest attempt, a retry, may begin.
    pub(super) retry_at: Option<Timestamp>,
    /// The attempt and dispatch that a report ended last.
    pub(super) answered: Option<(u32, u32)>,
    /// Skipped by an operator.
    pub(super) by_operator: bool,
    /// The items of a `foreach`, as its last attempt that had a list was given them.
    pub(super) list: Option<Value>,
}

impl Fact {
    fn fresh() -> Self {
        Self {
            status: StepStatus::Pending,
            attempt: 1,
            dispatch: 1,
            redispatches: 0,
            retries: 0,
            votes: 0,
            ballot: Vec::new(),
            started: None,
            ended: None,
            retry_at: None,
            answered: None,
            by_operator: false,
            list: None,
        }
    }

    /// Another attempt, which has not begun: no vote of the old one counts for it.
    fn next_attempt(&mut self) {
        self.status = StepStatus::Pending;
        self.attempt += 1;
        self.dispatch = 1;
        self.retry_at = None;
        self.ballot.clear();
    }

    /// The child's run of the newest attempt.
    pub(super) fn child(&self) -> Option<&str> {
        let (_, started) = self.started.as_ref().filter(|(_, said)| said.slot == self.attempt)?;
        Some(started.text("/childRunId")).filter(|child| !child.is_empty())
    }

    /// An item or compensation that has begun and is not over: it runs, or waits for its retry.
    pub(super) fn is_under_way(&self) -> bool {
        self.status == StepStatus::Running || (self.status == StepStatus::Pending && self.retry_at.is_some())
    }

    /// The output; null without success.
    pub(super) fn output(&self) -> Value {
        let result = self.ended.as_ref().filter(|_| self.status == StepStatus::Success);
        result.and_then(|(_, said)| said.payload.get("result").cloned()).unwrap_or(Value::Null)
    }

    /// The failure of the newest attempt that failed.
    pub(super) fn failure(&self) -> Value {
        let failure = self.ended.as_ref().and_then(|(_, said)| said.payload.get("failure").cloned());
        failure.unwrap_or(Value::Null)
    }

    pub(super) fn started_at(&self) -> Option<Timestamp> {
        self.started.as_ref().map(|(_, said)| said.at)
    }

    /// The resolved inputs of the newest attempt.
    pub(super) fn inputs(&self) -> Value {
        let inputs = self.started.as_ref().and_then(|(_, said)| said.payload.get("inputs").cloned());
        inputs.unwrap_or(Value::Null)
    }

    /// How many items the newest attempt of a `foreach` has.
    pub(super) fn items(&self) -> Option<u64> {
        self.started.as_ref().and_then(|(_, said)| said.payload.get("itemCount")).and_then(Value::as_u64)
    }

    pub(super) fn due_at(&self) -> Option<Timestamp> {
        self.started.as_ref().and_then(|(_, said)| said.moment("/dueAt"))
    }
}

/// Everything.
#[derive(Debug, Clone, Default)]
pub(super) struct View {
    pub(super) count: usize,
    pub(super) status: Option<RunStatus>,
    pub(super) units: BTreeMap<String, Fact>,
    pub(super) queued: Option<Rc<Said>>,
    pub(super) started_at: Option<Timestamp>,
    /// Whether anything has completed, or was taken over.
    pub(super) has_done: bool,
    pub(super) pauses: u32,
    pub(super) paused: Option<Rc<Said>>,
    pub(super) failing: Option<Rc<Said>>,
    pub(super) failings: u32,
    pub(super) cancel: Option<Rc<Said>>,
    /// The place of the event by which the run became ending, as long as it is.
    pub(super) ending: Option<usize>,
    /// When what drains began to be ended (cancel, time-out).
    pub(super) stopping_at: Option<Timestamp>,
    /// When phase 3 or 4 was first met.
    pub(super) undoing_since: Option<Timestamp>,
    /// Signals that came; those that a step took are no longer among them.
    pub(super) signals: u32,
    pub(super) kept: Vec<Rc<Said>>,
    /// The time that `maxDuration` has counted, and since when its clock runs.
    pub(super) counted_ms: u64,
    pub(super) counts_since: Option<Timestamp>,
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unit<'p> {
    /// The step that it is, or is an item of, or undoes.
    pub(super) base: &'p str,
    /// Which item.
    pub(super) item: Option<u64>,
    /// Whether it undoes.
    pub(super) undoes: bool,
}

impl<'p> Unit<'p> {
    pub(super) fn of(name: &'p str) -> Self {
        let (rest, undoes) = match name.strip_suffix(".compensate") {
            Some(rest) => (rest, true),
            None => (name, false),
        };
        match rest.split_once('.') {
            Some((base, item)) => Self { base, item: item.parse().ok(), undoes },
            None => Self { base: rest, item: None, undoes },
        }
    }
}

/// The step of the plan that a unit is made from.
pub(super) fn step_of<'p>(plan: &'p Plan, name: &str) -> Option<&'p Step> {
    let unit = Unit::of(name);
    let step = plan.steps.iter().find(|(id, _)| id.as_str() == unit.base).map(|(_, step)| step)?;
    if unit.undoes { step.compensate.as_deref() } else { Some(step) }
}

/// Whether a step belongs to the run: of a partial one those that were selected, and `finally`.
pub(super) fn is_of_the_run(plan: &Plan, view: &View, id: &str) -> bool {
    let step = step_of(plan, id);
    step.is_some_and(|step| step.part == Part::Finally || is_selected(view, step.id.as_str()))
}

/// Whether a partial run lists the step.
pub(super) fn is_selected(view: &View, id: &str) -> bool {
    let selection = view.queued.as_ref().and_then(|said| said.payload.get("selection")?.as_array().cloned());
    selection.is_none_or(|selection| selection.iter().any(|known| known.as_str() == Some(id)))
}

/// Contract 4.4: "a waiting step (approval, timer, signal, sub-plan)". It does not hold up a drain.
pub(super) fn is_waiting(form: &Form) -> bool {
    stops_the_clock(form) || matches!(form, Form::Plan(_))
}

/// Contract 4.6: the clock of `maxDuration` stands while all attempts "wait for an approval, signal or timer". A child's run
/// is at work meanwhile.
fn stops_the_clock(form: &Form) -> bool {
    matches!(form, Form::Wait { .. } | Form::WaitUntil { .. } | Form::Approval(_) | Form::Signal(_))
}

impl View {
    /// Of no event yet.
    pub(super) fn of(plan: &Plan) -> Self {
        let units = plan.steps.keys().map(|id| (id.to_string(), Fact::fresh()));
        Self { units: units.collect(), ..Self::default() }
    }

    /// One event more.
    pub(super) fn read(&mut self, plan: &Plan, said: &Rc<Said>) {
        match &said.step {
            Some(name) => self.read_step(name, said),
            None => self.read_run(said),
        }
        self.withdraw(plan, said);
        self.count += 1;
        self.tick(plan, said.at);
        if self.undoing_since.is_none()
            && matches!(course::phase(plan, self), Phase::Compensation | Phase::Finally)
        {
            self.undoing_since = Some(said.at);
        }
    }

    /// A failing run whose failed set becomes empty before its drain has ended goes on.
    fn withdraw(&mut self, plan: &Plan, said: &Said) {
        let by_step = self.failing.as_ref().is_some_and(|said| said.text("/cause") == "STEP_FAILED");
        if said.name == "StepRetryRequested" && by_step && self.failed_set(plan).is_empty() {
            self.failing = None;
            self.ending = None;
        }
    }

    fn read_run(&mut self, said: &Rc<Said>) {
        let place = self.count;
        match said.name {
            "RunQueued" => {
                self.status = Some(RunStatus::Pending);
                self.queued = Some(said.clone());
            }
            "RunStarted" => {
                self.status = Some(RunStatus::Running);
                self.started_at = Some(said.at);
            }
            "RunPaused" => {
                self.status = Some(RunStatus::Paused);
                self.pauses += 1;
                self.paused = Some(said.clone());
            }
            "RunResumed" => {
                self.status = Some(RunStatus::Running);
                self.paused = None;
            }
            "RunFailing" => {
                self.failings += 1;
                self.failing = Some(said.clone());
                self.ending = self.ending.or(Some(place));
                if said.text("/cause") == "RUN_TIMEOUT" {
                    self.stopping_at = self.stopping_at.or(Some(said.at));
                }
            }
            "RunCancelRequested" => {
                self.cancel = Some(said.clone());
                self.ending = self.ending.or(Some(place));
                self.stopping_at = self.stopping_at.or(Some(said.at));
            }
            "RunCompleted" => self.status = Some(RunStatus::Completed),
            "RunFailed" => self.status = Some(RunStatus::Failed),
            "RunCancelled" => self.status = Some(RunStatus::Cancelled),
            "SignalReceived" => {
                self.signals += 1;
                self.kept.push(said.clone());
            }
            _ => {}
        }
    }

    fn read_step(&mut self, name: &str, said: &Rc<Said>) {
        let place = self.count;
        if said.name == "StepStarted" {
            self.begin_items_again(name, said);
        }
        self.has_done |= said.name == "StepCompleted" || said.name == "StepReused";
        let fact = self.units.entry(name.to_owned()).or_insert_with(Fact::fresh);
        match said.name {
            "StepStarted" => {
                fact.status = StepStatus::Running;
                fact.started = Some((place, said.clone()));
                fact.retry_at = None;
                fact.list = said.payload.pointer("/inputs/items").cloned().or(fact.list.take());
            }
            "StepRedispatched" => {
                fact.dispatch += 1;
                fact.redispatches += 1;
            }
            "StepCompleted" | "StepReused" => {
                let taken = said.text("/signalId");
                self.kept.retain(|kept| taken.is_empty() || kept.text("/signalId") != taken);
                fact.status = StepStatus::Success;
                fact.ended = Some((place, said.clone()));
                fact.answered = Some((said.slot, said.dispatch));
            }
            "StepFailed" => {
                fact.ended = Some((place, said.clone()));
                if said.text("/failure/failureSource") != "engine" {
                    fact.answered = Some((said.slot, said.dispatch));
                }
                fact.status = StepStatus::Failed;
                if let Some(at) = said.moment("/retryAt") {
                    fact.next_attempt();
                    fact.retry_at = Some(at);
                }
            }
            "StepSkipped" => {
                fact.status = StepStatus::Skipped;
                fact.ended = Some((place, said.clone()));
                fact.attempt = said.slot;
                fact.by_operator = said.text("/reasonCode") == "OPERATOR_SKIP";
            }
            "StepRetryRequested" => {
                fact.next_attempt();
                fact.retries += 1;
                fact.by_operator = false;
            }
            "StepVoted" => {
                fact.votes += 1;
                fact.ballot.push(said.clone());
            }
            _ => {}
        }
    }

    /// A new attempt of a `foreach` runs the items without SUCCESS: those that failed have another attempt, and those that
    /// waited for one may begin at once.
    fn begin_items_again(&mut self, base: &str, said: &Said) {
        if said.payload.get("itemCount").is_none() {
            return;
        }
        let is_item = |name: &&mut String| Unit::of(name).base == base && Unit::of(name).item.is_some();
        let mut names: Vec<String> = self.units.keys().cloned().collect();
        for name in names.iter_mut().filter(is_item).filter(|name| !Unit::of(name).undoes) {
            let Some(item) = self.units.get_mut(name) else { continue };
            if item.status == StepStatus::Failed {
                item.next_attempt();
            }
            item.retry_at = None;
        }
    }

    /// The clock of `maxDuration` stands while the run is not running, is ending, or waits for others alone.
    fn tick(&mut self, plan: &Plan, at: Timestamp) {
        let runs = |(_, fact): &(&String, &Fact)| fact.status == StepStatus::Running;
        let mut attempts = self
            .units
            .iter()
            .filter(runs)
            .filter_map(|(name, _)| Some((name, step_of(plan, name)?)))
            // The base of a `foreach` is no attempt of its own: its items are.
            .filter(|(name, step)| step.foreach.is_none() || Unit::of(name).item.is_some())
            .peekable();
        let only_waits = attempts.peek().is_some() && attempts.all(|(_, step)| stops_the_clock(&step.form));
        let counts = self.status == Some(RunStatus::Running) && self.ending.is_none() && !only_waits;
        if counts && self.counts_since.is_none() {
            self.counts_since = Some(at);
        } else if let Some(since) = self.counts_since.filter(|_| !counts) {
            self.counted_ms += at.ms_since(since);
            self.counts_since = None;
        }
    }

    pub(super) fn fact(&self, name: &str) -> Option<&Fact> {
        self.units.get(name)
    }

    pub(super) fn is(&self, name: &str, status: StepStatus) -> bool {
        self.fact(name).is_some_and(|fact| fact.status == status)
    }

    pub(super) fn is_over(&self) -> bool {
        self.status.is_some_and(RunStatus::is_terminal)
    }

    pub(super) fn is_cancelling(&self) -> bool {
        self.cancel.is_some()
    }

    pub(super) fn is_failing(&self) -> bool {
        self.failing.is_some()
    }

    pub(super) fn is_ending(&self) -> bool {
        self.is_failing() || self.is_cancelling()
    }

    /// Whether what drains is ended rather than waited for.
    pub(super) fn is_stopping(&self) -> bool {
        self.is_cancelling() || self.failing.as_ref().is_some_and(|said| said.text("/cause") == "RUN_TIMEOUT")
    }

    /// Ordinary steps whose newest attempt is FAILED and not forgiven.
    pub(super) fn failed_set<'p>(&self, plan: &'p Plan) -> Vec<&'p Step> {
        let steps = plan.steps.values().filter(|step| step.part == Part::Ordinary);
        steps
            .filter(|step| !step.continue_on_error && self.is(step.id.as_str(), StepStatus::Failed))
            .collect()
    }

    /// Runs, and began before the run was ending.
    pub(super) fn is_of_the_drain(&self, name: &str) -> bool {
        let Some(fact) = self.fact(name).filter(|fact| fact.status == StepStatus::Running) else {
            return false;
        };
        fact.started.as_ref().zip(self.ending).is_some_and(|((started, _), ending)| *started < ending)
    }

    pub(super) fn running(&self) -> impl Iterator<Item = &String> {
        self.units.iter().filter(|(_, fact)| fact.status == StepStatus::Running).map(|(name, _)| name)
    }
}
