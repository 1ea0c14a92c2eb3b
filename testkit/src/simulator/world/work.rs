//! Workers and children: what was given out, how it ends, and what is told of it.

use super::World;
use crate::simulator::plans::filled;
use dvt_core::About;
use dvt_core::command::{ChildEnded, ChildOutcome, Command, Outcome, Report};
use dvt_core::event::{Dispatch, Effect, StartChild};
use dvt_model::code::Code;
use dvt_model::failure::{Failure, FailureCategory, Usage};
use dvt_model::time::Timestamp;
use dvt_plan::bounds;
use dvt_plan::plan::Form;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What a worker does.
pub(super) struct Job {
    pub(super) report: Report,
    pub(super) ends_at: Timestamp,
}

/// What a child's run does.
pub(super) struct Child {
    pub(super) ended: ChildEnded,
    pub(super) ends_at: Timestamp,
}

impl World<'_> {
    pub(super) fn act(&mut self, effect: Effect) {
        match effect {
            Effect::Dispatch(dispatch) => {
                // Delivered twice: the worker takes the second for the first one's repeat.
                if self.random.chance(3) {
                    self.coverage.fault("double delivery");
                }
                let job = self.work(&dispatch);
                self.pool.retain(|job| job.report.step_id != dispatch.step_id);
                self.pool.push(job);
            }
            Effect::Stop { step_id, engine_attempt_id, .. } => {
                let obeys = !self.random.chance(30);
                let (now, delay) = (self.now, self.random.below(5_000));
                let job = self.pool.iter_mut().find(|job| {
                    job.report.step_id == step_id && job.report.engine_attempt_id == engine_attempt_id
                });
                match job {
                    Some(job) if obeys => {
                        let cancelled = failure(Code::Cancelled, FailureCategory::User, None, false);
                        job.report.outcome = Outcome::Failed(cancelled);
                        job.ends_at = now.plus_ms(delay);
                    }
                    Some(_) => self.coverage.fault("stop ignored"),
                    None => {}
                }
            }
            Effect::StartChild(child) => self.begin_child(&child),
            Effect::CancelChild { step_id, child_run_id }
            | Effect::StopChild { step_id, child_run_id, .. } => {
                self.children.retain(|child| child.ended.child_run_id != child_run_id);
                let ends_at = self.now.plus_ms(self.random.below(4_000));
                let ended =
                    ChildEnded { step_id, child_run_id, outcome: ChildOutcome::Cancelled, about: None };
                self.children.push(Child { ended, ends_at });
            }
        }
    }

    /// The same run id again is no second run.
    fn begin_child(&mut self, child: &StartChild) {
        if self.children.iter().any(|known| known.ended.child_run_id == child.child_run_id) {
            self.coverage.fault("double delivery");
            return;
        }
        // The id says whose data it brings back, so that no chance is used up by it.
        let about = match child.child_run_id.key().chars().last() {
            Some('0'..='3') => Some(About::Person("ada".to_owned())),
            Some('4'..='6') => Some(About::Person("bob".to_owned())),
            Some('7'..='8') => Some(About::Several(vec!["ada".to_owned(), "cleo".to_owned()])),
            _ => None,
        };
        let outcome = match self.random.below(10) {
            0..=1 => ChildOutcome::Failed(failure(Code::StepError, FailureCategory::User, Some(1), false)),
            2 => ChildOutcome::Cancelled,
            _ => ChildOutcome::Completed(BTreeMap::from([("last".to_owned(), json!(self.random.below(9)))])),
        };
        let ended =
            ChildEnded { step_id: child.step_id.clone(), child_run_id: child.child_run_id, outcome, about };
        let form = self.plan.steps.get(child.step_id.step()).map(|step| &step.form);
        let plan = match form {
            Some(Form::Plan(sub_plan)) => sub_plan.child.as_deref(),
            Some(_) | None => None,
        };
        // A child's run keeps its own bounds.
        let most = plan.map_or(0, |plan| bounds::of(&filled(plan)).duration_ms);
        let ends_at = self.now.plus_ms(self.random.below(12_000).min(most));
        self.children.push(Child { ended, ends_at });
    }

    /// A worker takes an attempt; how it will end is drawn now.
    fn work(&mut self, dispatch: &Dispatch) -> Job {
        let kind =
            if self.random.chance(self.failing) { self.random.below(6) } else { 6 + self.random.below(8) };
        let outcome = match kind {
            0 => Outcome::Failed(failure(Code::StepError, FailureCategory::User, Some(1), false)),
            1 => Outcome::Failed(failure(Code::StepError, FailureCategory::User, Some(75), true)),
            2 => Outcome::Failed(failure(Code::Timeout, FailureCategory::Timeout, None, false)),
            3 => Outcome::Failed(failure(Code::Oom, FailureCategory::User, None, false)),
            4 => Outcome::Failed(failure(Code::SandboxUnavailable, FailureCategory::Platform, None, true)),
            // An integer that no reader keeps: the output is refused.
            5 => Outcome::Completed(json!(1u64 << 60)),
            6 => Outcome::Completed(json!({ "rows": [1.0, 2.5], "of": dispatch.step_id })),
            7 => Outcome::Completed(Value::Null),
            8 => Outcome::Completed(json!("text")),
            9 => Outcome::Completed(json!([3, 4])),
            _ => Outcome::Completed(json!(self.random.below(1_000))),
        };
        let mut lasts = self.random.below(4_000);
        if self.random.chance(6) {
            self.coverage.fault("slow worker");
            lasts += 60_000;
        }
        // A worker keeps the time of what it does.
        let outcome = if lasts > dispatch.timeout_ms {
            lasts = dispatch.timeout_ms;
            Outcome::Failed(failure(Code::Timeout, FailureCategory::Timeout, None, false))
        } else {
            outcome
        };
        let usage = Usage { cpu_ms: self.random.below(50), peak_memory_bytes: 4_096, ..Usage::default() };
        let report = Report {
            step_id: dispatch.step_id.clone(),
            logical_attempt_id: dispatch.logical_attempt_id,
            engine_attempt_id: dispatch.engine_attempt_id,
            outcome,
            usage,
        };
        Job { report, ends_at: self.now.plus_ms(lasts) }
    }

    /// A worker reports, not always the one that ended first.
    pub(super) fn report_some(&mut self) -> Result<(), String> {
        let ended: Vec<usize> = (0..self.pool.len())
            .filter(|at| self.pool.get(*at).is_some_and(|job| job.ends_at <= self.now))
            .collect();
        let Some(at) = self.random.pick(&ended).copied() else { return self.time_passes() };
        if ended.first() != Some(&at) {
            self.coverage.fault("reorder");
        }
        let report = self.pool.remove(at).report;
        self.heard.push(report.clone());
        self.obey(Command::Report(report))
    }

    /// A child's run tells of its end, and sometimes a second time.
    pub(super) fn child_ends(&mut self) -> Result<(), String> {
        let ended = self.children.iter().position(|child| child.ends_at <= self.now);
        let Some(at) = ended else { return self.time_passes() };
        let again = self.random.chance(20);
        let ended = self.children.remove(at).ended;
        self.obey(Command::ChildEnded(ended.clone()))?;
        if again {
            self.coverage.fault("double delivery");
            self.obey(Command::ChildEnded(ended))?;
        }
        Ok(())
    }

    pub(super) fn time_passes(&mut self) -> Result<(), String> {
        let ends = self.pool.iter().map(|job| job.ends_at);
        let ends = ends.chain(self.children.iter().map(|child| child.ends_at));
        let next = ends.chain(self.state.next_due()).filter(|at| *at > self.now).min();
        self.now = match next {
            // The end of `maxDuration` is often the only moment that is left; most histories are to see other ends.
            Some(next) if self.random.chance(if next.ms_since(self.now) < 120_000 { 75 } else { 4 }) => next,
            Some(_) | None => self.now.plus_ms(self.random.below(2_500)),
        };
        Ok(())
    }
}

pub(super) fn failure(
    code: Code,
    category: FailureCategory,
    exit_status: Option<i32>,
    retryable: bool,
) -> Failure {
    Failure {
        error_code: code,
        error_message: "simulated".to_owned(),
        retryable,
        failure_category: category,
        failure_source: "program".to_owned(),
        exit_status,
    }
}
