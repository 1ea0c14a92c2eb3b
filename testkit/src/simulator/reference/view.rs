//! What all events together say, read from the first to the last.

use dvt_core::event::Event;
use dvt_model::id::StepId;
use dvt_model::run::{EventName, RunStatus, StepStatus};
use dvt_model::time::Timestamp;
use dvt_plan::plan::{Form, Plan, Step};
use serde_json::Value;
use std::collections::BTreeMap;

/// A step as its events say it.
#[derive(Debug, Clone)]
pub(super) struct Fact {
    pub(super) status: StepStatus,
    pub(super) attempt: u32,
    pub(super) dispatch: u32,
    pub(super) redispatches: u32,
    /// The place of the StepStarted of the newest attempt.
    pub(super) started: Option<usize>,
    pub(super) started_at: Option<Timestamp>,
    pub(super) due_at: Option<Timestamp>,
    pub(super) retry_at: Option<Timestamp>,
    pub(super) inputs: Value,
    pub(super) output: Value,
    pub(super) failure: Value,
    pub(super) answered: Option<(u32, u32)>,
}

/// Everything.
pub(super) struct View {
    pub(super) status: Option<RunStatus>,
    pub(super) steps: BTreeMap<StepId, Fact>,
    pub(super) queued: Value,
    pub(super) started_at: Option<Timestamp>,
    pub(super) failing: Option<Value>,
    pub(super) failings: u32,
    pub(super) cancel: Option<Value>,
    /// The place of the event by which the run became ending.
    pub(super) ending: Option<usize>,
    /// When what drains began to be ended.
    pub(super) stopping_at: Option<Timestamp>,
    /// The time that `maxDuration` has counted, and since when its clock runs.
    pub(super) counted_ms: u64,
    pub(super) counts_since: Option<Timestamp>,
}

fn moment(payload: &Value, name: &str) -> Option<Timestamp> {
    payload.get(name).and_then(Value::as_str).and_then(Timestamp::parse)
}

pub(super) fn is_timer(step: &Step) -> bool {
    matches!(step.form, Form::Wait { .. })
}

pub(super) fn is_inside(step: &Step) -> bool {
    matches!(step.form, Form::Wait { .. } | Form::Noop { .. })
}

impl View {
    pub(super) fn of<'a>(plan: &Plan, events: impl Iterator<Item = &'a Event>) -> Self {
        let fresh = |id: &StepId| {
            let fact = Fact {
                status: StepStatus::Pending,
                attempt: 1,
                dispatch: 1,
                redispatches: 0,
                started: None,
                started_at: None,
                due_at: None,
                retry_at: None,
                inputs: Value::Null,
                output: Value::Null,
                failure: Value::Null,
                answered: None,
            };
            (id.clone(), fact)
        };
        let mut view = Self {
            status: None,
            steps: plan.steps.keys().map(fresh).collect(),
            queued: Value::Null,
            started_at: None,
            failing: None,
            failings: 0,
            cancel: None,
            ending: None,
            stopping_at: None,
            counted_ms: 0,
            counts_since: None,
        };
        for (place, event) in events.enumerate() {
            view.read(place, event);
            view.count(plan, event.at);
        }
        view
    }

    fn read(&mut self, place: usize, event: &Event) {
        let payload = &event.payload;
        match event.name {
            EventName::RunQueued => {
                self.status = Some(RunStatus::Pending);
                self.queued = payload.clone();
            }
            EventName::RunStarted => {
                self.status = Some(RunStatus::Running);
                self.started_at = Some(event.at);
            }
            EventName::RunFailing => {
                self.failings += 1;
                self.ending = self.ending.or(Some(place));
                if payload.get("cause").and_then(Value::as_str) == Some("RUN_TIMEOUT") {
                    self.stopping_at = self.stopping_at.or(Some(event.at));
                }
                self.failing = Some(payload.clone());
            }
            EventName::RunCancelRequested => {
                self.ending = self.ending.or(Some(place));
                self.stopping_at = self.stopping_at.or(Some(event.at));
                self.cancel = Some(payload.clone());
            }
            EventName::RunCompleted => self.status = Some(RunStatus::Completed),
            EventName::RunFailed => self.status = Some(RunStatus::Failed),
            EventName::RunCancelled => self.status = Some(RunStatus::Cancelled),
            EventName::StepStarted
            | EventName::StepRedispatched
            | EventName::StepCompleted
            | EventName::StepFailed
            | EventName::StepSkipped => self.read_step(place, event),
            EventName::RunPaused
            | EventName::RunResumed
            | EventName::SignalReceived
            | EventName::StepReused
            | EventName::StepRetryRequested
            | EventName::StepVoted => {}
        }
    }

    fn read_step(&mut self, place: usize, event: &Event) {
        let Some(fact) = event.step_id.as_ref().and_then(|id| self.steps.get_mut(id)) else { return };
        let payload = &event.payload;
        let attempt = (event.slot.0, event.engine_attempt_id.0);
        match event.name {
            EventName::StepStarted => {
                fact.status = StepStatus::Running;
                fact.started = Some(place);
                fact.started_at = Some(event.at);
                fact.due_at = moment(payload, "dueAt");
                fact.retry_at = None;
                fact.inputs = payload.get("inputs").cloned().unwrap_or(Value::Null);
            }
            EventName::StepRedispatched => {
                fact.dispatch += 1;
                fact.redispatches += 1;
            }
            EventName::StepCompleted => {
                fact.status = StepStatus::Success;
                fact.output = payload.get("result").cloned().unwrap_or(Value::Null);
                fact.answered = Some(attempt);
            }
            EventName::StepFailed => {
                fact.failure = payload.get("failure").cloned().unwrap_or(Value::Null);
                if fact.failure.get("failureSource").and_then(Value::as_str) != Some("engine") {
                    fact.answered = Some(attempt);
                }
                fact.retry_at = moment(payload, "retryAt");
                if fact.retry_at.is_some() {
                    fact.status = StepStatus::Pending;
                    fact.attempt += 1;
                    fact.dispatch = 1;
                } else {
                    fact.status = StepStatus::Failed;
                }
            }
            EventName::StepSkipped => fact.status = StepStatus::Skipped,
            EventName::RunQueued
            | EventName::RunStarted
            | EventName::RunFailing
            | EventName::RunCancelRequested
            | EventName::RunCompleted
            | EventName::RunFailed
            | EventName::RunCancelled
            | EventName::RunPaused
            | EventName::RunResumed
            | EventName::SignalReceived
            | EventName::StepReused
            | EventName::StepRetryRequested
            | EventName::StepVoted => {}
        }
    }

    /// The clock of `maxDuration` stands while the run does not run, is ending, or waits for timers alone.
    fn count(&mut self, plan: &Plan, at: Timestamp) {
        let mut running = self.steps.iter().filter(|(_, fact)| fact.status == StepStatus::Running).peekable();
        let only_timers =
            running.peek().is_some() && running.all(|(id, _)| plan.steps.get(id).is_some_and(is_timer));
        let counts = self.status == Some(RunStatus::Running) && self.ending.is_none() && !only_timers;
        if counts && self.counts_since.is_none() {
            self.counts_since = Some(at);
        } else if let Some(since) = self.counts_since.filter(|_| !counts) {
            self.counted_ms += at.ms_since(since);
            self.counts_since = None;
        }
    }

    pub(super) fn fact(&self, id: &StepId) -> Option<&Fact> {
        self.steps.get(id)
    }

    pub(super) fn is(&self, id: &StepId, status: StepStatus) -> bool {
        self.fact(id).is_some_and(|fact| fact.status == status)
    }

    pub(super) fn is_over(&self) -> bool {
        self.status.is_some_and(RunStatus::is_terminal)
    }

    /// Whether a step may still begin, as far as the way out has to say.
    pub(super) fn may_begin(&self, step: &Step) -> bool {
        let source = step.condition.as_ref().map_or("", |condition| condition.source());
        self.ending.is_none()
            || source.contains("always()")
            || (source.contains("failure()") && self.failing.is_some())
    }

    /// Terminal, or never to begin.
    pub(super) fn is_settled(&self, step: &Step) -> bool {
        match self.fact(&step.id).map(|fact| fact.status) {
            Some(StepStatus::Success | StepStatus::Failed | StepStatus::Skipped) => true,
            Some(StepStatus::Pending) => !self.may_begin(step),
            Some(StepStatus::Running) | None => false,
        }
    }

    /// Runs, and began before the run was ending.
    pub(super) fn is_of_the_drain(&self, id: &StepId) -> bool {
        let started =
            self.fact(id).filter(|fact| fact.status == StepStatus::Running).and_then(|fact| fact.started);
        started.zip(self.ending).is_some_and(|(started, ending)| started < ending)
    }

    /// Phase 1: something that is no timer drains.
    pub(super) fn drains(&self, plan: &Plan) -> bool {
        plan.steps.values().any(|step| self.is_of_the_drain(&step.id) && !is_timer(step))
    }

    pub(super) fn running(&self) -> usize {
        self.steps.values().filter(|fact| fact.status == StepStatus::Running).count()
    }
}
