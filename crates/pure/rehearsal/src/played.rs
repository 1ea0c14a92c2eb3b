//! What was played: the events in their order, and what they say of the run and its steps.

use dvt_core::event::Event;
use dvt_model::run::{EventName, RunStatus, StepStatus};
use serde_json::Value;
use std::collections::BTreeMap;

/// A run that was played.
#[derive(Debug, Clone)]
pub struct Played {
    /// All events.
    pub events: Vec<Event>,
    /// The run's state at the end of the play.
    pub status: Option<RunStatus>,
    /// How long it took on the test's clock.
    pub lasted_ms: u64,
    /// Steps, items and compensations that were met.
    pub steps: BTreeMap<String, Step>,
    /// Outputs of a run that completed.
    pub outputs: Value,
    /// The failure of a run that failed.
    pub failure: Value,
    /// The step whose failure it is.
    pub failed_step: Option<String>,
}

/// A step that was met.
#[derive(Debug, Clone)]
pub struct Step {
    /// Its state.
    pub status: StepStatus,
    /// Its newest attempt.
    pub attempt: u32,
    /// Its output; null without success.
    pub output: Value,
    /// The failure of its newest attempt.
    pub failure: Value,
    /// Why it was left out.
    pub reason: Option<String>,
}

impl Played {
    /// What events say.
    pub(crate) fn of(events: Vec<Event>, status: Option<RunStatus>) -> Self {
        let mut played = Self {
            lasted_ms: match (events.first(), events.last()) {
                (Some(first), Some(last)) => last.at.ms_since(first.at),
                (_, _) => 0,
            },
            events: Vec::new(),
            status,
            steps: BTreeMap::new(),
            outputs: Value::Null,
            failure: Value::Null,
            failed_step: None,
        };
        for event in &events {
            played.read(event);
        }
        played.events = events;
        played
    }

    fn read(&mut self, event: &Event) {
        let member = |name: &str| event.payload.get(name).cloned().unwrap_or(Value::Null);
        let Some(id) = &event.step_id else {
            match event.name {
                EventName::RunCompleted => self.outputs = member("outputs"),
                EventName::RunFailed => {
                    self.failure = member("failure");
                    self.failed_step = member("failedStepId").as_str().map(str::to_owned);
                }
                _ => {}
            }
            return;
        };
        let step = self.steps.entry(id.to_string()).or_insert_with(|| Step {
            status: StepStatus::Pending,
            attempt: 1,
            output: Value::Null,
            failure: Value::Null,
            reason: None,
        });
        match event.name {
            EventName::StepStarted => {
                step.status = StepStatus::Running;
                step.attempt = event.slot.0;
                step.failure = Value::Null;
            }
            EventName::StepCompleted => {
                step.status = StepStatus::Success;
                step.output = member("result");
            }
            EventName::StepFailed => {
                step.failure = member("failure");
                step.status =
                    if member("retryAt").is_null() { StepStatus::Failed } else { StepStatus::Pending };
            }
            EventName::StepSkipped => {
                step.status = StepStatus::Skipped;
                step.reason = member("reasonCode").as_str().map(str::to_owned);
            }
            _ => {}
        }
    }

    /// The names of what began, in the order of their first attempts.
    pub fn order(&self) -> Vec<String> {
        let mut order: Vec<String> = Vec::new();
        for event in self.events.iter().filter(|event| event.name == EventName::StepStarted) {
            let name = event.step_id.as_ref().map(ToString::to_string).unwrap_or_default();
            if !order.contains(&name) {
                order.push(name);
            }
        }
        order
    }
}
