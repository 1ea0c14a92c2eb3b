//! Ends: reports of workers, ends of children, votes, and what time and lost workers do.

use super::begin::is_base;
use super::whose::{both, gave, given};
use super::{Answer, Essence, failure, is_inside};
use crate::simulator::reference::course::{self, Phase};
use crate::simulator::reference::view::Unit;
use dvt_core::command::{ChildEnded, ChildOutcome, Outcome, Report, Vote};
use dvt_core::event::body::Verdict;
use dvt_model::attempt::{EngineAttemptId, LogicalAttemptId};
use dvt_model::canonical;
use dvt_model::code::Code;
use dvt_model::failure::Usage;
use dvt_model::id::StepId;
use dvt_model::run::{RunStatus, StepStatus};
use dvt_model::time::Timestamp;
use dvt_plan::plan::Form;
use serde_json::{Value, json};

/// After this dispatch nothing is given out again.
const LAST_DISPATCH: u32 = 5;
/// An attempt that was told to end is closed after this, whatever its worker says.
const CLOSE_AFTER_MS: u64 = 10_000;
/// A hold that nobody looks after.
const HOLD_MS: u64 = 72 * 3_600_000;

impl Answer<'_> {
    pub(super) fn complete_inside(&mut self, unit: &str) {
        let inputs = self.view.fact(unit).map(|fact| fact.inputs()).unwrap_or_default();
        let output = inputs.pointer("/with/output").cloned().unwrap_or(Value::Null);
        self.complete(unit, output, Usage::default());
    }

    pub(super) fn complete(&mut self, unit: &str, output: Value, usage: Usage) {
        self.complete_by(unit, output, usage, None);
    }

    pub(super) fn complete_by(&mut self, unit: &str, output: Value, usage: Usage, signal: Option<&str>) {
        let started = self.view.fact(unit).and_then(|fact| fact.started_at()).unwrap_or(self.now);
        let mut payload = json!({
            "result": output,
            "durationMs": self.now.ms_since(started),
            "usage": usage,
            "artifactRefs": [],
        });
        let about = std::mem::take(&mut self.brought);
        super::begin::add(&mut payload, [("signalId", json!(signal)), ("about", about)]);
        self.say_step("StepCompleted", unit, payload);
        self.settle_base(unit);
    }

    /// The attempt failed; where it is not tried again the run may have to turn.
    pub(super) fn fail(&mut self, unit: &str, failure: &Value, usage: Usage) {
        let Some(step) = self.step(unit).cloned() else { return };
        let again = self.again(unit, &step, failure);
        let mut payload = json!({ "failure": failure, "usage": usage });
        let about = std::mem::take(&mut self.brought);
        super::begin::add(&mut payload, [("retryAt", json!(again)), ("about", about)]);
        self.say_step("StepFailed", unit, payload);
        self.settle_base(unit);
        self.after_an_end();
    }

    pub(super) fn report(&mut self, report: &Report) -> Result<(), Code> {
        let unit = report.step_id.to_string();
        let step = self.step(&unit).cloned().ok_or(Code::InvalidStateTransition)?;
        let fact = self.fact(&unit).ok_or(Code::InvalidStateTransition)?;
        let told = (report.logical_attempt_id.0, report.engine_attempt_id.0);
        if fact.answered == Some(told) {
            return Ok(());
        }
        if self.view.is_over() {
            return Err(Code::RunTerminal);
        }
        let is_his = told == (fact.attempt, fact.dispatch) && fact.status == StepStatus::Running;
        if !is_his || is_inside(&step) || is_base(&step, &unit) {
            return Err(Code::InvalidStateTransition);
        }
        match &report.outcome {
            Outcome::Completed(output) => match canonical::normalise(output.clone()) {
                Ok(output) => self.complete(&unit, output, report.usage),
                Err(_) => self.fail(&unit, &failure(Code::StepError, "USER", "program"), report.usage),
            },
            Outcome::Failed(failure) => self.fail(&unit, &json!(failure), report.usage),
        }
        self.finish();
        Ok(())
    }

    pub(super) fn child_ended(&mut self, ended: &ChildEnded) -> Result<(), Code> {
        let unit = ended.step_id.to_string();
        let child = ended.child_run_id.to_string();
        let fact = self.fact(&unit).ok_or(Code::InvalidStateTransition)?;
        if self.view.is_over() {
            return Err(Code::RunTerminal);
        }
        if fact.child() != Some(child.as_str()) {
            return Err(Code::InvalidStateTransition);
        }
        if fact.status != StepStatus::Running {
            return Ok(());
        }
        if let Some(about) = &ended.about {
            let before = match &ended.outcome {
                ChildOutcome::Completed(_) => gave(Some(&fact)),
                ChildOutcome::Failed(_) => given(Some(&fact)),
                ChildOutcome::Cancelled => Value::Null,
            };
            let is_told = !matches!(ended.outcome, ChildOutcome::Cancelled);
            self.brought = if is_told { both(&before, &json!(about)) } else { Value::Null };
        }
        match &ended.outcome {
            ChildOutcome::Completed(outputs) => self.complete(&unit, json!(outputs), Usage::default()),
            ChildOutcome::Failed(failure) => self.fail(&unit, &json!(failure), Usage::default()),
            ChildOutcome::Cancelled => {
                self.fail(&unit, &failure(Code::Cancelled, "USER", "engine"), Usage::default());
            }
        }
        self.finish();
        Ok(())
    }

    pub(super) fn vote(&mut self, vote: &Vote) -> Result<(), Code> {
        if self.view.is_over() {
            return Err(Code::RunTerminal);
        }
        let unit = vote.step_id.to_string();
        let step = self.step(&unit).cloned().ok_or(Code::InvalidStateTransition)?;
        let Form::Approval(approval) = &step.form else { return Err(Code::InvalidStateTransition) };
        let fact = self.fact(&unit).ok_or(Code::InvalidStateTransition)?;
        let principal = vote.principal_id.to_string();
        let outcome = if vote.outcome == Verdict::Approved { "APPROVED" } else { "REJECTED" };
        // A principal votes once an attempt: the same again gets the first answer, another one is refused.
        if let Some(first) = fact.ballot.iter().find(|said| said.text("/principalId") == principal) {
            let same = first.text("/outcome") == outcome;
            return if same { Ok(()) } else { Err(Code::InvalidStateTransition) };
        }
        if course::is_terminal(&fact) {
            return Err(Code::StepTerminal);
        }
        if fact.status != StepStatus::Running {
            return Err(Code::InvalidStateTransition);
        }
        let initiators = self.view.queued.as_ref().and_then(|said| said.payload.get("initiators").cloned());
        let is_initiator = initiators
            .and_then(|list| list.as_array().cloned())
            .is_some_and(|list| list.contains(&Value::String(principal.clone())));
        if approval.not_initiator && is_initiator {
            return Err(Code::AuthzDenied);
        }
        let payload = json!({
            "logicalAttemptId": fact.attempt,
            "decisionId": vote.decision_id,
            "principalId": principal,
            "outcome": outcome,
        });
        self.say_nth("StepVoted", &unit, fact.votes + 1, fact.dispatch, payload);
        let ballot = self.fact(&unit).map(|fact| fact.ballot).unwrap_or_default();
        let yes = ballot.iter().filter(|said| said.text("/outcome") == "APPROVED").count();
        if outcome == "REJECTED" {
            self.fail(&unit, &failure(Code::ApprovalRejected, "USER", "engine"), Usage::default());
        } else if yes >= usize::try_from(approval.min).unwrap_or(usize::MAX) {
            let votes: std::collections::BTreeSet<&str> =
                ballot.iter().map(|said| said.text("/principalId")).collect();
            self.complete(&unit, json!({ "approvedBy": votes }), Usage::default());
        }
        self.finish();
        Ok(())
    }

    pub(super) fn due(&mut self) {
        if self.view.is_over() || self.status() == RunStatus::Pending {
            return;
        }
        self.due_attempts();
        self.finish();
        if self.view.is_over() {
            return;
        }
        let left = self.plan.max_duration_ms.saturating_sub(self.view.counted_ms);
        let stopped = self.view.stopping_at.is_some_and(|at| at.plus_ms(CLOSE_AFTER_MS) <= self.now);
        if self.view.counts_since.is_some_and(|since| since.plus_ms(left) <= self.now) {
            self.say_run("RunFailing", self.view.failings + 1, json!({ "cause": "RUN_TIMEOUT" }));
            self.stop();
        } else if self.held_too_long() {
            let first = self.view.failed_set(self.plan);
            let first = first.first().map(|step| step.id.to_string());
            let mut payload = json!({ "cause": "HOLD_EXPIRED" });
            super::begin::add(&mut payload, [("failedStepId", json!(self.first_failed().or(first)))]);
            self.say_run("RunFailing", self.view.failings + 1, payload);
        } else if course::phase(self.plan, &self.view) == Phase::Drain && stopped {
            self.close_drain();
        }
        self.incomplete();
        self.finish();
    }

    fn held_too_long(&self) -> bool {
        let held = self.view.paused.as_ref().filter(|said| said.text("/cause") == "STEP_FAILED");
        held.is_some_and(|said| said.at.plus_ms(HOLD_MS) <= self.now) && !self.view.is_ending()
    }

    /// Timers end, and what waits for somebody has waited long enough.
    fn due_attempts(&mut self) {
        let mut over: Vec<(Timestamp, String)> = self
            .view
            .running()
            .filter_map(|unit| {
                Some((self.view.fact(unit)?.due_at().filter(|at| *at <= self.now)?, unit.clone()))
            })
            .collect();
        over.sort_by_key(|(at, unit)| (*at, order_of(unit)));
        for (_, unit) in over {
            let Some(step) = self.step(&unit).cloned() else { continue };
            if !self.view.is(&unit, StepStatus::Running) {
                continue;
            }
            let code = match &step.form {
                Form::Approval(_) => Code::ApprovalExpired,
                Form::Signal(_) | Form::Plan(_) => Code::Timeout,
                _ => {
                    self.complete_inside(&unit);
                    self.after_an_end();
                    continue;
                }
            };
            if let Form::Plan(_) = step.form {
                self.cancel_child(&unit);
            }
            self.fail(&unit, &failure(code, "TIMEOUT", "engine"), Usage::default());
        }
    }

    pub(super) fn cancel_child(&mut self, unit: &str) {
        if let Some(child) = self.child(unit) {
            self.effect(Essence::CancelChild(unit.to_owned(), child));
        }
    }

    pub(super) fn child(&self, unit: &str) -> Option<String> {
        self.view.fact(unit)?.child().map(str::to_owned)
    }

    pub(super) fn recover(&mut self) {
        if self.view.is_over() || self.status() == RunStatus::Pending {
            return;
        }
        let running: Vec<String> = self.in_order();
        let before = self.view.clone();
        for unit in running {
            if before.is(&unit, StepStatus::Running) && self.view.is(&unit, StepStatus::Running) {
                self.recover_one(&unit);
            }
        }
        self.finish();
    }

    fn recover_one(&mut self, unit: &str) {
        let Some(step) = self.step(unit).cloned() else { return };
        if is_base(&step, unit) {
            return;
        }
        if let Form::Plan(_) = step.form {
            // The child may never have been admitted.
            let Some(child) = self.child(unit) else { return };
            self.effect(Essence::StartChild(unit.to_owned(), child));
            return;
        }
        if is_inside(&step) {
            return;
        }
        if self.view.is_of_the_drain(unit) && self.view.is_stopping() {
            self.stop_one(unit, false);
        } else {
            self.lose(unit, "ENGINE_RESTART");
        }
    }

    pub(super) fn worker_lost(&mut self, lost: &[(StepId, LogicalAttemptId, EngineAttemptId)]) {
        if self.view.is_over() {
            return;
        }
        for (id, attempt, dispatch) in lost {
            let unit = id.to_string();
            let Some(step) = self.step(&unit).cloned() else { continue };
            let is_his = self.view.fact(&unit).is_some_and(|fact| {
                fact.status == StepStatus::Running && (fact.attempt, fact.dispatch) == (attempt.0, dispatch.0)
            });
            if !is_his || is_inside(&step) {
                continue;
            }
            if self.view.is_of_the_drain(&unit) && self.view.is_stopping() {
                // Nobody is left who could say that it ended.
                self.close(&unit);
                self.settle_base(&unit);
            } else {
                self.lose(&unit, "WORKER_LOST");
            }
        }
        self.finish();
    }

    /// Gives an attempt out again, or gives it up after the fifth time.
    fn lose(&mut self, unit: &str, cause: &str) {
        let Some(fact) = self.fact(unit) else { return };
        if fact.dispatch >= LAST_DISPATCH {
            self.fail(unit, &failure(Code::WorkerLost, "SYSTEM", "engine"), Usage::default());
            return;
        }
        let payload = json!({
            "logicalAttemptId": fact.attempt,
            "engineAttemptId": fact.dispatch + 1,
            "cause": cause,
        });
        self.say_nth("StepRedispatched", unit, fact.redispatches + 1, fact.dispatch + 1, payload);
        self.give_out(unit);
    }

    pub(super) fn stop_one(&mut self, unit: &str, now: bool) {
        let (attempt, dispatch) = self.attempt(unit);
        self.effect(Essence::Stop(unit.to_owned(), attempt, dispatch, now));
    }

    /// Closes an attempt, whatever its worker will say; the run of a sub-plan is asked to cancel.
    pub(super) fn close(&mut self, unit: &str) {
        self.cancel_child(unit);
        self.record_closed(unit);
    }

    /// StepFailed CANCELLED.
    pub(super) fn record_closed(&mut self, unit: &str) {
        let closed = failure(Code::Cancelled, "USER", "engine");
        self.say_step("StepFailed", unit, json!({ "failure": closed, "usage": Usage::default() }));
    }

    /// What runs, in order; a step of items after its items.
    pub(super) fn running_in_order(&self) -> Vec<String> {
        let runs = |unit: &String| self.view.is(unit, StepStatus::Running);
        let is_base = |unit: &String| self.step(unit).is_some_and(|step| is_base(step, unit));
        let (bases, mut others): (Vec<_>, Vec<_>) =
            self.in_order().into_iter().filter(runs).partition(is_base);
        others.extend(bases);
        others
    }

    /// Every RUNNING attempt is closed before a terminal event, and who has it is told.
    pub(super) fn close_all(&mut self) {
        for unit in self.running_in_order() {
            if self.step(&unit).is_some_and(|step| !is_inside(step) && !is_base(step, &unit)) {
                self.stop_one(&unit, false);
            }
            self.close(&unit);
        }
    }

    /// Ends what drains: workers are told, everything else is closed at once, and a step of items ends with them.
    pub(super) fn stop(&mut self) {
        for unit in self.running_in_order() {
            let Some(step) = self.step(&unit).cloned() else { continue };
            if !self.view.is_of_the_drain(&unit) || is_base(&step, &unit) {
                continue;
            }
            if is_inside(&step) {
                self.close(&unit);
                self.settle_base(&unit);
            } else {
                self.stop_one(&unit, false);
            }
        }
    }

    /// What did not hold up the drain is closed at its end; at its latest moment, everything that drains.
    pub(super) fn close_drain(&mut self) {
        for unit in self.running_in_order() {
            if self.view.is_of_the_drain(&unit) {
                self.close(&unit);
            }
        }
    }
}

/// Steps by id in byte order, items by index, what undoes them last.
fn order_of(unit: &str) -> (String, Option<u64>, bool) {
    let unit = Unit::of(unit);
    (unit.base.to_owned(), unit.item, unit.undoes)
}
