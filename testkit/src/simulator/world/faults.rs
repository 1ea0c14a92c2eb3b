//! Faults: what machines, networks and clocks do.

use super::World;
use crate::simulator::invariants;
use dvt_core::State;
use dvt_core::command::{Command, Outcome, Report};
use dvt_model::attempt::{EngineAttemptId, LogicalAttemptId};
use dvt_model::failure::Usage;
use dvt_model::time::Timestamp;
use serde_json::Value;

impl World<'_> {
    /// The engine dies with its workers: what is stored is folded, and the rest begins again.
    pub(super) fn crash(&mut self) -> Result<(), String> {
        self.coverage.fault("crash");
        let phase = self.reading.phase(self.plan);
        if phase > 0 {
            self.coverage.fault(&format!("crash in phase {phase}"));
        }
        let given_up = std::mem::take(&mut self.pool);
        for job in given_up {
            if self.random.chance(30) {
                self.late.push(job.report);
            }
        }
        let folded = invariants::fold(self.plan, &self.stored)?;
        if folded != self.state {
            return Err("the state after a restart is another one".to_owned());
        }
        self.state = folded;
        self.obey(Command::Recover)
    }

    /// A report that was heard comes again.
    pub(super) fn repeat(&mut self) -> Result<(), String> {
        let Some(report) = self.random.pick(&self.heard).cloned() else { return Ok(()) };
        self.coverage.fault("duplicate report");
        self.obey(Command::Report(report))
    }

    /// A report is lost on its way; only a recovery will find out.
    pub(super) fn lose(&mut self) -> Result<(), String> {
        if self.pool.is_empty() {
            return Ok(());
        }
        self.coverage.fault("lost report");
        let at = usize::try_from(self.random.below(self.pool.len() as u64)).unwrap_or(0);
        let job = self.pool.remove(at);
        self.late.push(job.report);
        Ok(())
    }

    /// A report comes that nobody waits for any more, or still does.
    pub(super) fn come_late(&mut self) -> Result<(), String> {
        if self.late.is_empty() {
            return Ok(());
        }
        self.coverage.fault("late report");
        let report = self.late.remove(0);
        let newest = self.state.attempt(&report.step_id);
        if newest.is_some_and(|newest| newest.1 > report.engine_attempt_id) {
            self.coverage.fault("stale dispatch");
        }
        self.heard.push(report.clone());
        self.obey(Command::Report(report))
    }

    /// A worker dies and the engine does not.
    pub(super) fn worker_dies(&mut self) -> Result<(), String> {
        let times = if self.poisoned { 6 } else { 1 };
        for _ in 0..times {
            let lost: Vec<_> = self
                .pool
                .iter()
                .map(|job| {
                    let report = &job.report;
                    (report.step_id.clone(), report.logical_attempt_id, report.engine_attempt_id)
                })
                .collect();
            if lost.is_empty() {
                break;
            }
            if lost.iter().any(|(_, _, dispatch)| dispatch.0 >= 5) {
                self.coverage.fault("poisoned step");
            }
            let gone = std::mem::take(&mut self.pool);
            self.late.extend(gone.into_iter().map(|job| job.report).filter(|_| self.random.chance(20)));
            self.coverage.fault("worker lost");
            self.obey(Command::WorkerLost { lost })?;
        }
        Ok(())
    }

    pub(super) fn step_the_clock(&mut self) -> Result<(), String> {
        self.coverage.fault("clock step");
        let by = i64::try_from(self.random.below(20_000)).unwrap_or(0) - 6_000;
        self.now = Timestamp::from_ms(self.now.ms() + by);
        Ok(())
    }

    /// The state goes through its stored form and comes back the same.
    pub(super) fn snapshot(&mut self) -> Result<(), String> {
        self.coverage.fault("snapshot");
        let text = serde_json::to_string(&self.state).map_err(|error| error.to_string())?;
        let read: State = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        if read != self.state {
            return Err("the state does not come back from its snapshot".to_owned());
        }
        self.state = read;
        Ok(())
    }

    /// A report of something that never was.
    pub(super) fn stray(&mut self) -> Result<(), String> {
        let steps: Vec<_> = self.plan.steps.keys().collect();
        let Some(step) = self.random.pick(&steps) else { return Ok(()) };
        self.coverage.fault("stray report");
        let report = Report {
            step_id: (*step).clone(),
            logical_attempt_id: LogicalAttemptId(u32::try_from(1 + self.random.below(3)).unwrap_or(1)),
            engine_attempt_id: EngineAttemptId(9),
            outcome: Outcome::Completed(Value::Null),
            usage: Usage::default(),
        };
        self.obey(Command::Report(report))
    }
}
