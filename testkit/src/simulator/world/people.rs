//! People and other runs: votes, signals, and who else ends a run.

use super::World;
use crate::simulator::plans::payload;
use dvt_core::command::{Command, OtherRun, Signal, Vote};
use dvt_core::entropy;
use dvt_core::event::body::Verdict;
use dvt_model::code::Code;
use dvt_model::failure::FailureCategory;
use dvt_model::id::{DecisionId, SignalId, StepId};
use dvt_plan::plan::Form;
use std::collections::BTreeMap;

impl World<'_> {
    pub(super) fn signal_id(&mut self) -> Result<SignalId, String> {
        self.signals += 1;
        SignalId::parse(&format!("signal-{}", self.signals)).map_err(|error| error.to_string())
    }

    pub(super) fn resume(&mut self) -> Result<(), String> {
        let signal_id = self.signal_id()?;
        self.obey(Command::Signal(Signal::Resume { signal_id }))
    }

    fn any_step(&mut self) -> Option<StepId> {
        let failed = self.reading.units().filter(|(unit, ..)| self.reading.step_state(unit) == "FAILED");
        let failed: Vec<String> = failed.map(|(unit, ..)| unit.to_owned()).collect();
        let all: Vec<String> = self.reading.units().map(|(unit, ..)| unit.to_owned()).collect();
        let from = if self.random.chance(60) && !failed.is_empty() { &failed } else { &all };
        let unit = self.random.pick(from)?;
        StepId::parse_stored(unit).ok()
    }

    /// A signal of any kind, in whatever state the run is.
    pub(super) fn signal_some(&mut self) -> Result<(), String> {
        let signal_id = self.signal_id()?;
        let paused = self.reading.run_state() == "PAUSED";
        let rare = self.reading.run_state() == "PENDING" || (paused && self.reading.is_ending());
        if rare && self.random.chance(20) {
            let force_kill = self.random.chance(50);
            return self.obey(Command::Signal(Signal::EmergencyStop { signal_id, force_kill }));
        }
        let signal = match self.random.below(32) {
            0..=4 => Signal::Pause { signal_id },
            5..=8 => Signal::Resume { signal_id },
            9 | 10 => Signal::Cancel { signal_id },
            11..=17 => {
                let Some(step_id) = self.any_step() else { return Ok(()) };
                let force = self.random.chance(20);
                let restored = self.restored(&step_id);
                Signal::RetryStep { signal_id, step_id, force, restored }
            }
            18..=22 => {
                let Some(step_id) = self.any_step() else { return Ok(()) };
                Signal::SkipStep { signal_id, step_id }
            }
            23..=29 => {
                let name = (*self.random.pick(&["go", "stop"]).unwrap_or(&"go")).to_owned();
                Signal::Send { signal_id, name, payload: payload(&mut self.random) }
            }
            30 if paused => Signal::Resume { signal_id },
            30 => Signal::Pause { signal_id },
            _ if self.random.chance(40) => {
                let force_kill = self.random.chance(50);
                Signal::EmergencyStop { signal_id, force_kill }
            }
            _ => Signal::Cancel { signal_id },
        };
        self.obey(Command::Signal(signal))
    }

    /// What the ledger gives back of outputs that the state let go.
    fn restored(&self, step: &StepId) -> BTreeMap<StepId, serde_json::Value> {
        let ids = self.state.forgotten_by(self.plan, step);
        let of = |id: &StepId| {
            let done =
                self.stored.iter().rev().find(|event| {
                    event.step_id.as_ref() == Some(id) && event.payload.get("result").is_some()
                });
            done.and_then(|event| event.payload.get("result").cloned())
        };
        ids.into_iter().filter_map(|id| Some((id.clone(), of(&id)?))).collect()
    }

    /// Many at once: of one kind, repeated, or more than are kept.
    pub(super) fn signal_storm(&mut self) -> Result<(), String> {
        self.coverage.fault("signal storm");
        if self.random.chance(12) {
            for _ in 0..104 {
                if self.is_over() {
                    break;
                }
                let signal_id = self.signal_id()?;
                let signal = Signal::Send { signal_id, name: "far".to_owned(), payload: 1.into() };
                self.obey(Command::Signal(signal))?;
            }
            return Ok(());
        }
        for _ in 0..=self.random.below(4) {
            self.signal_some()?;
        }
        Ok(())
    }

    /// Somebody votes on an approval, or on something that is none.
    pub(super) fn vote(&mut self) -> Result<(), String> {
        let is_approval = |id: &StepId| {
            self.plan.steps.get(id.step()).is_some_and(|step| matches!(step.form, Form::Approval(_)))
        };
        let approvals: Vec<StepId> = self.plan.steps.keys().filter(|id| is_approval(id)).cloned().collect();
        let step_id = match self.random.pick(&approvals).cloned() {
            Some(step_id) if !self.random.chance(5) => step_id,
            Some(_) | None if self.random.chance(10) => match self.any_step() {
                Some(step_id) => step_id,
                None => return Ok(()),
            },
            Some(_) | None => return self.time_passes(),
        };
        let Some(principal_id) = self.random.pick(&self.voters).copied() else { return Ok(()) };
        let outcome = if self.random.chance(15) { Verdict::Rejected } else { Verdict::Approved };
        let decision_id = DecisionId::from_random(entropy::nth(&self.random.bytes(), 0));
        let vote = Vote { step_id, decision_id, principal_id, outcome };
        let again = self.random.chance(15);
        self.obey(Command::Vote(vote.clone()))?;
        if again {
            self.coverage.fault("double delivery");
            let outcome = if self.random.chance(50) { Verdict::Rejected } else { vote.outcome };
            self.obey(Command::Vote(Vote { outcome, ..vote }))?;
        }
        Ok(())
    }

    /// The parent ends it, a newer run of its group does, its place in the queue runs out, or it cannot be trusted.
    pub(super) fn other_run(&mut self) -> Result<(), String> {
        match self.random.below(12) {
            0..=2 => {
                self.coverage.fault("cancelled parent");
                self.obey(Command::Cancel { cause: OtherRun::Parent })
            }
            3..=5 => self.obey(Command::Cancel { cause: OtherRun::Concurrency }),
            6..=7 => self.obey(Command::QueueExpired),
            8 => {
                let code = Code::PlanIntegrityValidationFailed;
                self.obey(Command::Abort(super::work::failure(code, FailureCategory::System, None, false)))
            }
            _ => self.signal_some(),
        }
    }
}
