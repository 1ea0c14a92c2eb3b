//! What must follow a command, one command a function.

use super::view::{Fact, View, is_inside, is_timer};
use super::words::Words;
use dvt_core::command::{Outcome, Report, Start};
use dvt_core::event::Event;
use dvt_model::attempt::{EngineAttemptId, LogicalAttemptId};
use dvt_model::canonical;
use dvt_model::code::Code;
use dvt_model::digest::Digest;
use dvt_model::failure::{Failure, Usage};
use dvt_model::id::{SignalId, StepId};
use dvt_model::run::{EventName, RunStatus, StepStatus};
use dvt_model::time::Timestamp;
use dvt_plan::expression::{Fault, evaluate};
use dvt_plan::plan::{Backoff, Form, Plan, RetryOn, Step};
use serde_json::{Value, json};

/// What the reference says of a command.
#[derive(Debug, Default)]
pub struct Expected {
    /// The events.
    pub events: Vec<Event>,
    /// What must be done afterwards.
    pub effects: Vec<Essence>,
}

/// An effect without what the events say already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Essence {
    /// Give out: step, attempt, dispatch, token.
    Dispatch(StepId, u32, u32, String),
    /// End: step, attempt, dispatch.
    Stop(StepId, u32, u32),
}

pub(super) struct Answer<'a> {
    plan: &'a Plan,
    past: &'a [Event],
    now: Timestamp,
    expected: Expected,
}

impl<'a> Answer<'a> {
    pub(super) fn new(plan: &'a Plan, past: &'a [Event], now: Timestamp) -> Self {
        Self { plan, past, now, expected: Expected::default() }
    }

    pub(super) fn done(self) -> Expected {
        self.expected
    }

    /// Everything, read again.
    fn view(&self) -> View {
        View::of(self.plan, self.past.iter().chain(&self.expected.events))
    }

    fn say(&mut self, name: EventName, step: Option<&StepId>, slot: u32, dispatch: u32, payload: Value) {
        self.expected.events.push(Event {
            name,
            step_id: step.cloned(),
            slot: LogicalAttemptId(slot),
            engine_attempt_id: EngineAttemptId(dispatch),
            at: self.now,
            payload,
        });
    }

    fn say_step(&mut self, name: EventName, id: &StepId, payload: Value) {
        let Some(fact) = self.view().steps.remove(id) else { return };
        self.say(name, Some(id), fact.attempt, fact.dispatch, payload);
    }

    /// The key of the attempt's StepStarted, from the text of contract 5.3.
    fn token(&self, id: &StepId, attempt: u32) -> String {
        let queued = self.view().queued;
        let piece = |pointer: &str| queued.pointer(pointer).and_then(Value::as_str).unwrap_or("").to_owned();
        let (run, plan) = (piece("/runId"), piece("/planRef/planId"));
        let (run, plan) = (run.trim_start_matches("run_"), plan.trim_start_matches("plan_"));
        let version = piece("/planRef/planVersion");
        Digest::of(format!("{run}|{id}|{attempt}|StepStarted|{plan}|{version}").as_bytes()).hex()
    }

    fn give_out(&mut self, id: &StepId) {
        let Some(fact) = self.view().steps.remove(id) else { return };
        let token = self.token(id, fact.attempt);
        self.expected.effects.push(Essence::Dispatch(id.clone(), fact.attempt, fact.dispatch, token));
    }

    /// Steps by layer, then id; layers computed from the needs alone.
    fn in_order(&self) -> Vec<&'a Step> {
        fn layer(plan: &Plan, step: &Step) -> usize {
            step.needs
                .iter()
                .filter_map(|need| plan.steps.get(need))
                .map(|need| layer(plan, need) + 1)
                .max()
                .unwrap_or(0)
        }
        let mut steps: Vec<&Step> = self.plan.steps.values().collect();
        steps.sort_by_key(|step| (layer(self.plan, step), step.id.clone()));
        steps
    }

    pub(super) fn start(&mut self, start: &Start) {
        let mut payload = json!({
            "runId": start.run_id,
            "tenantId": start.tenant_id,
            "planRef": start.plan,
            "planDigest": start.plan.digest,
            "pluginDigests": {},
            "semanticsVersion": "1.0",
            "inputs": start.inputs,
            "bounds": start.bounds,
            "power": start.power,
            "trigger": "manual",
        });
        if let (Some(files), Some(members)) = (start.power.files_digest, payload.as_object_mut()) {
            members.insert("filesDigest".to_owned(), json!(files));
        }
        self.say(EventName::RunQueued, None, 1, 1, payload);
    }

    pub(super) fn offer(&mut self, mut slots: u32) {
        if self.view().status == Some(RunStatus::Pending) {
            self.say(EventName::RunStarted, None, 1, 1, json!({ "provider": "embedded" }));
        }
        if self.view().is_over() {
            return;
        }
        let was_ending = self.view().ending.is_some();
        loop {
            let view = self.view();
            let turned = view.ending.is_some() && !was_ending;
            let full = view.running() >= usize::try_from(self.plan.max_parallel).unwrap_or(usize::MAX);
            if turned || full || view.drains(self.plan) {
                break;
            }
            let may = |step: &&&Step| {
                let mut needs = step.needs.iter().filter_map(|need| self.plan.steps.get(need));
                let due = view.fact(&step.id).and_then(|fact| fact.retry_at).is_none_or(|at| at <= self.now);
                view.is(&step.id, StepStatus::Pending)
                    && view.may_begin(step)
                    && needs.all(|need| view.is_settled(need))
                    && due
                    && (slots > 0 || is_inside(step))
            };
            let steps = self.in_order();
            let Some(step) = steps.iter().find(may) else { break };
            if self.begin(step, &view) {
                slots -= 1;
            }
        }
        self.finish();
    }

    /// Whether it took a slot.
    fn begin(&mut self, step: &Step, view: &View) -> bool {
        let words = Words { plan: self.plan, view };
        let is_retry = view.fact(&step.id).is_some_and(|fact| fact.attempt > 1);
        let asked = if is_retry { Ok(None) } else { reason_to_skip(step, &words) };
        let inputs = match asked {
            Ok(Some(reason)) => {
                self.say_step(EventName::StepSkipped, &step.id, json!({ "reasonCode": reason }));
                return false;
            }
            Ok(None) => words.inputs(step),
            Err(fault) => Err(fault),
        };
        let lasts = match step.form {
            Form::Wait { duration_ms: ms } | Form::Noop { simulate_ms: ms } => Some(ms),
            _ => None,
        };
        let timeout = match step.form {
            Form::Wait { duration_ms } => duration_ms,
            _ => step.timeout_ms.unwrap_or(10 * 60 * 1_000),
        };
        let mut payload = json!({ "inputs": inputs.as_ref().unwrap_or(&Value::Null), "timeoutMs": timeout });
        if let Some(members) = payload.as_object_mut() {
            if lasts.is_none() {
                members.insert("tier".to_owned(), json!("host"));
                if let Some(files) = view.queued.get("filesDigest") {
                    members.insert("bundleDigest".to_owned(), files.clone());
                }
            }
            if let Some(ms) = lasts.filter(|ms| *ms > 0 && inputs.is_ok()) {
                members.insert("dueAt".to_owned(), json!(self.now.plus_ms(ms)));
            }
        }
        self.say_step(EventName::StepStarted, &step.id, payload);
        match (inputs, lasts) {
            (Err(fault), _) => {
                let code = match fault {
                    Fault::OverBudget(_) => Code::ExpressionOverBudget,
                    Fault::Failed(_) => Code::ExpressionFailed,
                };
                self.fail(step, &failure(code, "USER", "expression"), Usage::default());
                false
            }
            (Ok(_), None) => {
                self.give_out(&step.id);
                true
            }
            (Ok(_), Some(0)) => {
                self.complete_inside(&step.id);
                false
            }
            (Ok(_), Some(_)) => false,
        }
    }

    fn complete_inside(&mut self, id: &StepId) {
        let view = self.view();
        let output = view
            .fact(id)
            .and_then(|fact| fact.inputs.pointer("/with/output").cloned())
            .unwrap_or(Value::Null);
        self.complete(id, output, Usage::default());
    }

    fn complete(&mut self, id: &StepId, output: Value, usage: Usage) {
        let view = self.view();
        let started_at = view.fact(id).and_then(|fact| fact.started_at).unwrap_or(self.now);
        let payload = json!({
            "result": output,
            "durationMs": self.now.ms_since(started_at),
            "usage": usage,
            "artifactRefs": [],
        });
        self.say_step(EventName::StepCompleted, id, payload);
    }

    fn fail(&mut self, step: &Step, failure: &Value, usage: Usage) {
        let view = self.view();
        let Some(fact) = view.fact(&step.id) else { return };
        let stopped = view.is_of_the_drain(&step.id) && view.stopping_at.is_some();
        let again =
            view.may_begin(step) && !stopped && fact.attempt <= step.retry.max && is_retried(step, failure);
        let mut payload = json!({ "failure": failure, "usage": usage });
        if again {
            let at = self.now.plus_ms(self.pause(step, fact));
            if let Some(members) = payload.as_object_mut() {
                members.insert("retryAt".to_owned(), json!(at));
            }
        }
        self.say_step(EventName::StepFailed, &step.id, payload);
        if !again && !step.continue_on_error && view.ending.is_none() {
            let payload = json!({ "cause": "STEP_FAILED", "failedStepId": step.id });
            self.say(EventName::RunFailing, None, view.failings + 1, 1, payload);
        }
    }

    /// Section "Conditions, failure, order": growth, ceiling, jitter from the attempt's key.
    fn pause(&self, step: &Step, fact: &Fact) -> u64 {
        let factor = match step.retry.backoff {
            Backoff::Constant => 1,
            Backoff::Linear => u64::from(fact.attempt),
            Backoff::Exponential => 2u64.pow(fact.attempt - 1),
        };
        let cap = (step.retry.initial_ms * factor).min(step.retry.ceiling_ms);
        if !step.retry.full_jitter {
            return cap;
        }
        let digest = Digest::of(self.token(&step.id, fact.attempt).as_bytes()).hex();
        let head = digest.get(..16).and_then(|head| u64::from_str_radix(head, 16).ok()).unwrap_or(0);
        u64::try_from(u128::from(cap) * u128::from(head) / (1u128 << 64)).unwrap_or(cap)
    }

    pub(super) fn report(&mut self, report: &Report) -> Result<(), Code> {
        let view = self.view();
        let step = self.plan.steps.get(&report.step_id).ok_or(Code::InvalidStateTransition)?;
        let fact = view.fact(&report.step_id).ok_or(Code::InvalidStateTransition)?;
        let told = (report.logical_attempt_id.0, report.engine_attempt_id.0);
        if fact.answered == Some(told) {
            return Ok(());
        }
        if view.is_over() {
            return Err(Code::RunTerminal);
        }
        if fact.status != StepStatus::Running || is_inside(step) || told != (fact.attempt, fact.dispatch) {
            return Err(Code::InvalidStateTransition);
        }
        match &report.outcome {
            Outcome::Completed(output) => match canonical::normalise(output.clone()) {
                Ok(output) => self.complete(&step.id, output, report.usage),
                Err(_) => self.fail(step, &failure(Code::StepError, "USER", "program"), report.usage),
            },
            Outcome::Failed(failure) => self.fail(step, &json!(failure), report.usage),
        }
        self.finish();
        Ok(())
    }

    pub(super) fn due(&mut self) {
        if self.view().status != Some(RunStatus::Running) {
            return;
        }
        let view = self.view();
        let running = view.steps.iter().filter(|(_, fact)| fact.status == StepStatus::Running);
        let mut over: Vec<(Timestamp, StepId)> = running
            .filter_map(|(id, fact)| Some((fact.due_at.filter(|at| *at <= self.now)?, id.clone())))
            .collect();
        over.sort();
        for (_, id) in over {
            self.complete_inside(&id);
        }
        self.finish();
        let view = self.view();
        if view.is_over() {
            return;
        }
        let left = self.plan.max_duration_ms.saturating_sub(view.counted_ms);
        if view.counts_since.is_some_and(|since| since.plus_ms(left) <= self.now) {
            self.say(EventName::RunFailing, None, view.failings + 1, 1, json!({ "cause": "RUN_TIMEOUT" }));
            self.stop();
        } else if view.drains(self.plan) && view.stopping_at.is_some_and(|at| at.plus_ms(10_000) <= self.now)
        {
            for step in self.in_order() {
                if self.view().is_of_the_drain(&step.id) {
                    self.close(&step.id);
                }
            }
        }
        self.finish();
    }

    pub(super) fn recover(&mut self) {
        if self.view().status != Some(RunStatus::Running) {
            return;
        }
        let before = self.view();
        for step in self.in_order() {
            let view = self.view();
            let Some(fact) = before.fact(&step.id).filter(|fact| fact.status == StepStatus::Running) else {
                continue;
            };
            if is_inside(step) {
                continue;
            }
            if view.is_of_the_drain(&step.id) && view.stopping_at.is_some() {
                self.expected.effects.push(Essence::Stop(step.id.clone(), fact.attempt, fact.dispatch));
            } else if fact.dispatch == 5 {
                self.fail(step, &failure(Code::WorkerLost, "SYSTEM", "engine"), Usage::default());
            } else {
                let payload = json!({
                    "logicalAttemptId": fact.attempt,
                    "engineAttemptId": fact.dispatch + 1,
                    "cause": "ENGINE_RESTART",
                });
                self.say(
                    EventName::StepRedispatched,
                    Some(&step.id),
                    fact.redispatches + 1,
                    fact.dispatch + 1,
                    payload,
                );
                self.give_out(&step.id);
            }
        }
        self.finish();
    }

    pub(super) fn cancel(&mut self, signal: &SignalId) -> Result<(), Code> {
        let view = self.view();
        if view.is_over() {
            return Err(Code::RunTerminal);
        }
        if view.cancel.is_none() {
            let payload = json!({ "cause": "CANCEL", "signalId": signal });
            self.say(EventName::RunCancelRequested, None, 1, 1, payload);
            self.stop();
            self.finish();
        }
        Ok(())
    }

    /// Ends what drains.
    fn stop(&mut self) {
        for step in self.in_order() {
            let view = self.view();
            let Some(fact) = view.fact(&step.id).filter(|_| view.is_of_the_drain(&step.id)) else { continue };
            if is_inside(step) {
                self.close(&step.id);
            } else {
                self.expected.effects.push(Essence::Stop(step.id.clone(), fact.attempt, fact.dispatch));
            }
        }
    }

    fn close(&mut self, id: &StepId) {
        let payload =
            json!({ "failure": failure(Code::Cancelled, "USER", "engine"), "usage": Usage::default() });
        self.say_step(EventName::StepFailed, id, payload);
    }

    /// Ends the run where nothing is left to do.
    fn finish(&mut self) {
        let view = self.view();
        if view.is_over() {
            return;
        }
        if view.status == Some(RunStatus::Pending) {
            self.say(EventName::RunCancelled, None, 1, 1, view.cancel.unwrap_or(Value::Null));
            return;
        }
        if view.ending.is_none() {
            let open = [StepStatus::Pending, StepStatus::Running];
            if !view.steps.values().any(|fact| open.contains(&fact.status)) {
                self.finish_well(&view);
            }
            return;
        }
        if view.drains(self.plan) {
            return;
        }
        for step in self.in_order() {
            if view.is_of_the_drain(&step.id) && is_timer(step) {
                self.close(&step.id);
            }
        }
        let view = self.view();
        if !self.plan.steps.values().all(|step| view.is_settled(step)) {
            return;
        }
        if let Some(cancel) = view.cancel {
            self.say(EventName::RunCancelled, None, 1, 1, cancel);
            return;
        }
        let failing = view.failing.clone().unwrap_or(Value::Null);
        let step = failing.get("failedStepId").and_then(Value::as_str).and_then(|id| StepId::parse(id).ok());
        let payload = match step.and_then(|id| Some((view.fact(&id)?.failure.clone(), id))) {
            Some((failure, id)) => json!({ "failure": failure, "failedStepId": id }),
            None => json!({ "failure": failure(Code::RunTimeout, "TIMEOUT", "engine") }),
        };
        self.say(EventName::RunFailed, None, 1, 1, payload);
    }

    fn finish_well(&mut self, view: &View) {
        let words = Words { plan: self.plan, view };
        let outputs =
            self.plan.outputs.iter().map(|(name, template)| Ok((name.clone(), words.value(template)?)));
        match outputs.collect::<Result<serde_json::Map<_, _>, Fault>>() {
            Ok(outputs) => {
                let duration = self.now.ms_since(view.started_at.unwrap_or(self.now));
                let payload = json!({ "outputs": outputs, "durationMs": duration });
                self.say(EventName::RunCompleted, None, 1, 1, payload);
            }
            Err(_) => {
                let payload = json!({ "failure": failure(Code::ExpressionFailed, "USER", "expression") });
                self.say(EventName::RunFailed, None, 1, 1, payload);
            }
        }
    }
}

/// A failure without its sentence, which is not compared.
fn failure(code: Code, category: &str, source: &str) -> Value {
    json!({
        "errorCode": code,
        "errorMessage": "",
        "retryable": false,
        "failureCategory": category,
        "failureSource": source,
    })
}

fn is_retried(step: &Step, failure: &Value) -> bool {
    let Ok(failure) = serde_json::from_value::<Failure>(failure.clone()) else { return false };
    let code = failure.error_code.as_str();
    let category = serde_json::to_value(failure.failure_category).unwrap_or(Value::Null);
    let machinery = category == "SYSTEM" || category == "PLATFORM";
    step.retry.on.iter().any(|class| match class {
        RetryOn::Failure => code == "STEP_ERROR" || code == "OOM",
        RetryOn::Timeout => code == "TIMEOUT",
        RetryOn::Transient => (machinery && failure.retryable) || failure.exit_status == Some(75),
        RetryOn::Exit(statuses) => statuses.iter().any(|status| failure.exit_status == Some(*status)),
    })
}

/// Why a step whose needs are settled is left out, if it is.
fn reason_to_skip(step: &Step, words: &Words<'_>) -> Result<Option<&'static str>, Fault> {
    let well = |need: &StepId| {
        let forgiven = words.plan.steps.get(need).is_some_and(|need| need.continue_on_error);
        words.view.is(need, StepStatus::Success) || (words.view.is(need, StepStatus::Failed) && forgiven)
    };
    let success = step.needs.iter().all(well);
    let source = step.condition.as_ref().map_or("", |condition| condition.source());
    let asks = ["always()", "failure()", "success()"].iter().any(|function| source.contains(function));
    if !asks && !success {
        return Ok(Some("DEPENDENCY_SKIPPED"));
    }
    let Some(condition) = &step.condition else { return Ok(None) };
    let mut bindings = words.bindings();
    bindings.success = success;
    bindings.failure = words.view.failing.is_some();
    match evaluate(condition, &bindings)? {
        Value::Bool(true) => Ok(None),
        Value::Bool(false) => Ok(Some("CONDITION_FALSE")),
        Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            Err(Fault::Failed(String::new()))
        }
    }
}
