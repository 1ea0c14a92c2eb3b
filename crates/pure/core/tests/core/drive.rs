//! Plans made as values, and a run that obeys commands: decide, then fold, as the engine does.

use dvt_core::command::{Command, Input, Outcome, Refusal, Report, Signal, Start};
use dvt_core::event::{Dispatch, Effect, Event};
use dvt_core::{Decided, State, decide, evolve};
use dvt_model::attempt::{EngineAttemptId, LogicalAttemptId};
use dvt_model::code::Code;
use dvt_model::digest::Digest;
use dvt_model::failure::{Failure, FailureCategory, Usage};
use dvt_model::id::{PlanId, PlanName, RunId, SignalId, StepId};
use dvt_model::run::{PlanRef, Power};
use dvt_model::time::Timestamp;
use dvt_plan::plan::{Backoff, Form, Plan, Retry, RetryOn, Step};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The key form of the tenant of all these runs.
pub(crate) const TENANT: &str = "0d3c6a9e-4f0c-4a8e-9d5d-3d4c0f7dbb8a";

/// A step id.
pub(crate) fn id(text: &str) -> StepId {
    StepId::parse(text).unwrap()
}

/// A program step.
pub(crate) fn program(name: &str, needs: &[&str]) -> Step {
    let form = Form::Run { program: "echo".to_owned(), arguments: Vec::new() };
    Step {
        needs: needs.iter().map(|need| id(need)).collect(),
        retry: Retry {
            max: 0,
            backoff: Backoff::Constant,
            initial_ms: 1_000,
            ceiling_ms: 1_000,
            full_jitter: false,
            on: vec![RetryOn::Failure, RetryOn::Timeout].into(),
        },
        ..Step::new(id(name), form)
    }
}

/// A plan of these steps.
pub(crate) fn plan(steps: Vec<Step>) -> Plan {
    Plan::new(PlanName::parse("driven").unwrap(), steps)
}

/// The start of all these runs.
pub(crate) fn start() -> Start {
    Start {
        bounds: json!({}),
        ..Start::plain(
            RunId::from_random([1; 16]),
            TENANT.to_owned(),
            PlanRef {
                plan_id: PlanId::from_random([2; 16]),
                plan_version: "1.0.0".to_owned(),
                digest: Digest::of(b"plan"),
            },
            Power { host_allowed: true, files_digest: None, secrets_profile: None },
        )
    }
}

/// A run.
pub(crate) struct Run {
    pub(crate) plan: Plan,
    pub(crate) state: State,
    pub(crate) events: Vec<Event>,
    pub(crate) now: Timestamp,
    pub(crate) touches: u64,
}

impl Run {
    /// Queued and nothing else.
    pub(crate) fn queued(plan: Plan) -> Self {
        let now = Timestamp::from_ms(1_771_200_000_000);
        let mut run = Self { plan, state: State::default(), events: Vec::new(), now, touches: 0 };
        run.obey(Command::Start(start())).unwrap();
        run
    }

    pub(crate) fn ask(&self, command: Command) -> Result<Decided, Refusal> {
        decide(&self.plan, &self.state, &Input { now: self.now, entropy: [9; 32], command })
    }

    pub(crate) fn obey(&mut self, command: Command) -> Result<Vec<Effect>, Refusal> {
        let decided = self.ask(command)?;
        for event in &decided.events {
            evolve(&self.plan, &mut self.state, event).unwrap();
        }
        self.touches += decided.touches;
        self.events.extend(decided.events);
        Ok(decided.effects)
    }

    /// Offers slots and gives what is to be dispatched.
    pub(crate) fn offer(&mut self, slots: u32) -> Vec<Dispatch> {
        let effects = self.obey(Command::Offer { slots }).unwrap();
        let dispatches = effects.into_iter().filter_map(|effect| match effect {
            Effect::Dispatch(dispatch) => Some(dispatch),
            Effect::Stop { .. }
            | Effect::StartChild(_)
            | Effect::CancelChild { .. }
            | Effect::StopChild { .. } => None,
        });
        dispatches.collect()
    }

    pub(crate) fn complete(
        &mut self,
        step: &str,
        attempt: u32,
        dispatch: u32,
    ) -> Result<Vec<Effect>, Refusal> {
        self.obey(Command::Report(report(step, attempt, dispatch, Outcome::Completed(Value::Null))))
    }

    pub(crate) fn fail(&mut self, step: &str, attempt: u32, dispatch: u32) -> Result<Vec<Effect>, Refusal> {
        self.obey(Command::Report(report(step, attempt, dispatch, Outcome::Failed(step_error()))))
    }

    pub(crate) fn cancel(&mut self) -> Result<Vec<Effect>, Refusal> {
        self.obey(Command::Signal(Signal::Cancel { signal_id: SignalId::parse("stop-1").unwrap() }))
    }

    /// Names and steps of the events since.
    pub(crate) fn story(&self, since: usize) -> Vec<String> {
        let tell = |event: &Event| match &event.step_id {
            Some(step) => format!("{} {step}", event.name),
            None => event.name.to_string(),
        };
        self.events.iter().skip(since).map(tell).collect()
    }
}

pub(crate) fn report(step: &str, attempt: u32, dispatch: u32, outcome: Outcome) -> Report {
    Report {
        step_id: id(step),
        logical_attempt_id: LogicalAttemptId(attempt),
        engine_attempt_id: EngineAttemptId(dispatch),
        outcome,
        usage: Usage::default(),
    }
}

pub(crate) fn step_error() -> Failure {
    Failure {
        error_code: Code::StepError,
        error_message: "exit status 1".to_owned(),
        retryable: false,
        failure_category: FailureCategory::User,
        failure_source: "program".to_owned(),
        exit_status: Some(1),
    }
}

/// All the steps of a plan, as text.
pub(crate) fn names(plan: &Plan) -> BTreeSet<String> {
    plan.steps.keys().map(ToString::to_string).collect()
}
