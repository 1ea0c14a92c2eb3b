//! The turn to the way out, and the end of a run.

use super::{Answer, failure};
use crate::simulator::reference::course::{self, Phase};
use dvt_model::code::Code;
use dvt_model::run::RunStatus;
use dvt_plan::expression::Fault;
use dvt_plan::plan::OnStepFailure;
use serde_json::{Value, json};

impl Answer<'_> {
    /// The step that failed first of those in the failed set.
    pub(super) fn first_failed(&self) -> Option<String> {
        let set = self.view.failed_set(self.plan);
        let first = set.iter().min_by_key(|step| {
            self.view.fact(step.id.as_str()).and_then(|fact| fact.ended.as_ref().map(|(place, _)| *place))
        });
        first.map(|step| step.id.to_string())
    }

    /// After an end of an attempt: the first step in the failed set turns a running run.
    pub(super) fn after_an_end(&mut self) {
        if self.view.status != Some(RunStatus::Running) || self.view.is_ending() {
            return;
        }
        let Some(first) = self.first_failed() else { return };
        match self.plan.on_step_failure {
            OnStepFailure::Fail => {
                let payload = json!({ "cause": "STEP_FAILED", "failedStepId": first });
                self.say_run("RunFailing", self.view.failings + 1, payload);
            }
            OnStepFailure::Hold => {
                self.say_run("RunPaused", self.view.pauses + 1, json!({ "cause": "STEP_FAILED" }));
            }
        }
    }

    /// Phases 3 and 4 together last at most `maxDuration` again.
    pub(super) fn incomplete(&mut self) {
        let phase = course::phase(self.plan, &self.view);
        let since = self.view.undoing_since;
        let over = since.is_some_and(|at| at.plus_ms(self.plan.max_duration_ms) <= self.now);
        if !over || !matches!(phase, Phase::Compensation | Phase::Finally) || self.view.is_over() {
            return;
        }
        self.close_all();
        let incomplete = failure(Code::CompensationIncomplete, "TIMEOUT", "engine");
        match self.view.cancel.clone() {
            Some(cancel) => {
                let mut payload = cancel.payload.clone();
                super::begin::add(&mut payload, [("failure", incomplete)]);
                self.say_run("RunCancelled", 1, payload);
            }
            None => {
                let step =
                    self.view.failing.as_ref().and_then(|said| said.payload.get("failedStepId").cloned());
                let mut payload = json!({ "failure": incomplete });
                super::begin::add(&mut payload, [("failedStepId", json!(step))]);
                self.say_run("RunFailed", 1, payload);
            }
        }
    }

    /// Ends the run where nothing is left to do.
    pub(super) fn finish(&mut self) {
        if self.view.is_over() {
            return;
        }
        if self.status() == RunStatus::Pending {
            if let Some(cancel) = self.view.cancel.clone() {
                self.say_run("RunCancelled", 1, cancel.payload.clone());
            }
            return;
        }
        if !self.view.is_ending() {
            let over = course::ordinary_is_over(self.plan, &self.view)
                && !course::has_finally(self.plan, &self.view);
            let empty = self.view.failed_set(self.plan).is_empty();
            if over && empty && self.view.status == Some(RunStatus::Running) {
                self.finish_well();
            }
            return;
        }
        if course::phase(self.plan, &self.view) == Phase::Drain {
            return;
        }
        self.close_drain();
        if course::phase(self.plan, &self.view) != Phase::Over {
            return;
        }
        if let Some(cancel) = self.view.cancel.clone() {
            self.say_run("RunCancelled", 1, cancel.payload.clone());
            return;
        }
        let failing = self.view.failing.clone();
        let text =
            |pointer: &str| failing.as_ref().map(|said| said.text(pointer).to_owned()).unwrap_or_default();
        let payload = match text("/cause").as_str() {
            "RUN_TIMEOUT" => json!({ "failure": failure(Code::RunTimeout, "TIMEOUT", "engine") }),
            "HOLD_EXPIRED" => {
                json!({ "failure": failure(Code::HoldExpired, "USER", "engine"), "failedStepId": text("/failedStepId") })
            }
            _ => {
                let step = text("/failedStepId");
                let cause = self.view.fact(&step).map(|fact| fact.failure()).unwrap_or_default();
                json!({ "failure": cause, "failedStepId": step })
            }
        };
        self.say_run("RunFailed", 1, payload);
    }

    fn finish_well(&mut self) {
        if let Some(step) = course::failed_finally(self.plan, &self.view).first() {
            let id = step.id.to_string();
            let cause = self.view.fact(&id).map(|fact| fact.failure()).unwrap_or_default();
            self.say_run("RunFailed", 1, json!({ "failure": cause, "failedStepId": id }));
            return;
        }
        let words = self.words(None);
        let outputs =
            self.plan.outputs.iter().map(|(name, template)| Ok((name.clone(), words.value(template)?)));
        match outputs.collect::<Result<serde_json::Map<_, _>, Fault>>() {
            Ok(outputs) => {
                let duration = self.now.ms_since(self.view.started_at.unwrap_or(self.now));
                self.say_run("RunCompleted", 1, json!({ "outputs": outputs, "durationMs": duration }));
            }
            Err(fault) => {
                let code = match fault {
                    Fault::OverBudget(_) => Code::ExpressionOverBudget,
                    Fault::Failed(_) => Code::ExpressionFailed,
                };
                let failure: Value = failure(code, "USER", "expression");
                self.say_run("RunFailed", 1, json!({ "failure": failure }));
            }
        }
    }
}
