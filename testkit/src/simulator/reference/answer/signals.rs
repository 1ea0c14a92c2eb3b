//! Signals of people and other runs: contract 4.5 and 4.8.

use super::begin::add;
use super::{Answer, Essence, failure};
use crate::simulator::reference::course::{self, Phase};
use crate::simulator::reference::view::{Unit, is_of_the_run};
use dvt_core::command::OtherRun;
use dvt_model::code::Code;
use dvt_model::failure::{Failure, Usage};
use dvt_model::id::StepId;
use dvt_model::run::{RunStatus, StepStatus};
use dvt_plan::plan::Form;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Named signals that are kept for a step that may come.
const MOST_KEPT: usize = 100;

impl Answer<'_> {
    fn not_over(&self) -> Result<(), Code> {
        if self.view.is_over() { Err(Code::RunTerminal) } else { Ok(()) }
    }

    pub(super) fn cancel(&mut self, signal: &str) -> Result<(), Code> {
        self.not_over()?;
        self.cancel_for(json!({ "cause": "CANCEL", "signalId": signal }));
        Ok(())
    }

    pub(super) fn cancel_by_run(&mut self, cause: OtherRun) -> Result<(), Code> {
        self.not_over()?;
        let cause = match cause {
            OtherRun::Parent => "PARENT",
            OtherRun::Concurrency => "CONCURRENCY",
        };
        self.cancel_for(json!({ "cause": cause }));
        Ok(())
    }

    fn cancel_for(&mut self, payload: Value) {
        if self.view.is_cancelling() {
            return;
        }
        let phase = course::phase(self.plan, &self.view);
        self.say_run("RunCancelRequested", 1, payload);
        // A failing run goes on from the phase in which it is.
        if phase <= Phase::Drain {
            self.stop();
        }
        self.finish();
    }

    pub(super) fn pause(&mut self, signal: &str) -> Result<(), Code> {
        self.not_over()?;
        if self.view.status != Some(RunStatus::Running) || self.view.is_ending() {
            return Err(Code::InvalidStateTransition);
        }
        let payload = json!({ "cause": "OPERATOR", "signalId": signal });
        self.say_run("RunPaused", self.view.pauses + 1, payload);
        Ok(())
    }

    pub(super) fn resume(&mut self, signal: &str) -> Result<(), Code> {
        self.not_over()?;
        if self.view.status != Some(RunStatus::Paused) || self.view.is_ending() {
            return Err(Code::InvalidStateTransition);
        }
        let cause = self.view.paused.as_ref().map(|said| said.text("/cause").to_owned()).unwrap_or_default();
        self.say_run("RunResumed", self.view.pauses, json!({ "cause": "OPERATOR", "signalId": signal }));
        if cause == "STEP_FAILED" && self.first_failed().is_some() {
            // After a hold the run goes on as `fail`.
            let payload = json!({ "cause": "STEP_FAILED", "failedStepId": self.first_failed() });
            self.say_run("RunFailing", self.view.failings + 1, payload);
        } else {
            self.after_an_end();
        }
        self.finish();
        Ok(())
    }

    pub(super) fn retry_step(
        &mut self,
        signal: &str,
        unit: &str,
        force: bool,
        restored: &BTreeMap<StepId, Value>,
    ) -> Result<(), Code> {
        self.not_over()?;
        let fact = self.fact(unit).filter(|_| self.is_a_step(unit)).ok_or(Code::InvalidStateTransition)?;
        if fact.status == StepStatus::Running {
            return Err(Code::StepNotTerminal);
        }
        let right = fact.status == StepStatus::Failed
            || (force && matches!(fact.status, StepStatus::Success | StepStatus::Skipped));
        let cause = self.view.failing.as_ref().map(|said| said.text("/cause").to_owned());
        let in_time = cause.is_none()
            || (cause.as_deref() == Some("STEP_FAILED")
                && course::phase(self.plan, &self.view) == Phase::Drain);
        let takes = matches!(self.view.status, Some(RunStatus::Running | RunStatus::Paused));
        if !right || self.view.is_cancelling() || !in_time || !takes {
            return Err(Code::InvalidStateTransition);
        }
        let mut payload = json!({ "signalId": signal, "force": force });
        if !restored.is_empty() {
            add(&mut payload, [("restored", json!(restored))]);
        }
        self.say_nth("StepRetryRequested", unit, fact.retries + 1, 1, payload);
        self.after_leaving_the_set();
        self.finish();
        Ok(())
    }

    /// A hold ends with its failed set; the withdrawal of a failing run is the event's own meaning.
    fn after_leaving_the_set(&mut self) {
        let held = self.view.paused.as_ref().is_some_and(|said| said.text("/cause") == "STEP_FAILED");
        if held && !self.view.is_ending() && self.first_failed().is_none() {
            self.say_run("RunResumed", self.view.pauses, json!({ "cause": "STEP_FAILED" }));
        }
    }

    /// Signals name steps of the run: no item, nothing that undoes, nothing outside a selection.
    fn is_a_step(&self, unit: &str) -> bool {
        let parts = Unit::of(unit);
        parts.item.is_none() && !parts.undoes && is_of_the_run(self.plan, &self.view, unit)
    }

    pub(super) fn skip_step(&mut self, signal: &str, unit: &str) -> Result<(), Code> {
        self.not_over()?;
        let step = self.step(unit).cloned().ok_or(Code::InvalidStateTransition)?;
        let fact = self.fact(unit).filter(|_| self.is_a_step(unit)).ok_or(Code::InvalidStateTransition)?;
        let in_set = self.view.failed_set(self.plan).iter().any(|step| step.id.as_str() == unit);
        if matches!(fact.status, StepStatus::Success | StepStatus::Skipped)
            || (fact.status == StepStatus::Failed && !in_set)
        {
            return Err(Code::StepTerminal);
        }
        let open = matches!(self.view.status, Some(RunStatus::Running | RunStatus::Paused));
        let right = fact.status == StepStatus::Pending || in_set;
        if !right || !open || self.view.is_ending() || matches!(step.form, Form::Approval(_)) {
            return Err(Code::InvalidStateTransition);
        }
        let attempt = if in_set { fact.attempt + 1 } else { fact.attempt };
        let payload = json!({ "reasonCode": "OPERATOR_SKIP", "signalId": signal });
        self.say_nth("StepSkipped", unit, attempt, 1, payload);
        self.after_leaving_the_set();
        self.finish();
        Ok(())
    }

    pub(super) fn send(&mut self, signal: &str, name: &str, payload: &Value) -> Result<(), Code> {
        self.not_over()?;
        let waiting = self.waiting(name);
        let taker = waiting.iter().find(|unit| self.fits(unit, payload)).cloned();
        if !waiting.is_empty() && taker.is_none() {
            return Err(Code::SignalInvalidPayload);
        }
        if self.view.kept.len() >= MOST_KEPT {
            return Err(Code::QuotaExceeded);
        }
        let received = json!({ "signalId": signal, "name": name, "payload": payload });
        self.say_run("SignalReceived", self.view.signals + 1, received);
        if let Some(unit) = taker {
            self.complete_by(&unit, payload.clone(), Usage::default(), Some(signal));
            self.finish();
        }
        Ok(())
    }

    /// Steps that wait for a signal of that name, the oldest first.
    fn waiting(&self, name: &str) -> Vec<String> {
        let mut waiting: Vec<(usize, String)> = self
            .view
            .running()
            .filter(|unit| {
                self.step(unit)
                    .is_some_and(|step| matches!(&step.form, Form::Signal(signal) if signal.name == name))
            })
            .filter_map(|unit| Some((self.view.fact(unit)?.started.as_ref()?.0, unit.clone())))
            .collect();
        waiting.sort();
        waiting.into_iter().map(|(_, unit)| unit).collect()
    }

    fn fits(&self, unit: &str, payload: &Value) -> bool {
        match self.step(unit).map(|step| &step.form) {
            Some(Form::Signal(signal)) => signal.fits(payload).is_ok(),
            _ => false,
        }
    }

    /// A step that begins to wait takes the oldest kept signal that fits.
    pub(super) fn take_kept(&mut self, unit: &str, name: &str) {
        let kept = self.view.kept.iter().find(|said| {
            said.text("/name") == name && self.fits(unit, said.payload.get("payload").unwrap_or(&Value::Null))
        });
        if let Some(said) = kept.cloned() {
            let payload = said.payload.get("payload").cloned().unwrap_or(Value::Null);
            let signal = said.text("/signalId").to_owned();
            self.complete_by(unit, payload, Usage::default(), Some(&signal));
            self.after_an_end();
        }
    }

    pub(super) fn emergency_stop(&mut self, signal: &str, force_kill: bool) -> Result<(), Code> {
        self.not_over()?;
        for unit in self.running_in_order() {
            match self.step(&unit).map(|step| (&step.form, super::begin::is_base(step, &unit))) {
                Some((_, true)) | None => {}
                Some((Form::Plan(_), _)) => {
                    if let Some(child) = self.child(&unit) {
                        self.effect(Essence::StopChild(unit.clone(), child));
                    }
                }
                Some((Form::Run { .. } | Form::Script { .. } | Form::Uses(_), _)) => {
                    self.stop_one(&unit, force_kill)
                }
                Some(_) => {}
            }
        }
        for unit in self.running_in_order() {
            self.record_closed(&unit);
        }
        self.say_run("RunCancelled", 1, json!({ "cause": "EMERGENCY_STOP", "signalId": signal }));
        Ok(())
    }

    pub(super) fn queue_expired(&mut self) -> Result<(), Code> {
        if self.status() != RunStatus::Pending {
            return Err(Code::InvalidStateTransition);
        }
        self.say_run(
            "RunFailed",
            1,
            json!({ "failure": failure(Code::QueueTtlExpired, "SYSTEM", "engine") }),
        );
        Ok(())
    }

    pub(super) fn abort(&mut self, cause: &Failure) -> Result<(), Code> {
        self.not_over()?;
        if self.view.has_done {
            return Err(Code::InvalidStateTransition);
        }
        self.close_all();
        self.say_run("RunFailed", 1, json!({ "failure": cause }));
        Ok(())
    }
}
