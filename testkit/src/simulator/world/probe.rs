//! Events that may not stand here, put before the core on purpose: it must refuse each and stay as it is.
//!
//! The law of the reference says which they are. A cell of the tables that nobody provokes is a cell that nobody tested.

use super::World;
use crate::simulator::coverage::Table;
use crate::simulator::reference::{Said, law};
use dvt_core::event::Event;
use dvt_core::evolve;
use dvt_model::attempt::{EngineAttemptId, LogicalAttemptId};
use dvt_model::id::StepId;
use dvt_model::run::EventName;
use serde_json::{Value, json};

impl World<'_> {
    /// One run event and one step event of every kind.
    pub(super) fn probe(&mut self) {
        for name in law::RUN_EVENTS {
            self.put(name, None);
        }
        let mut units: Vec<String> = self.reading.units().map(|(unit, ..)| unit.to_owned()).collect();
        // What undoes a success has no event before its turn comes.
        let undone =
            self.plan.steps.values().filter(|step| step.compensate.is_some() && step.foreach.is_none());
        let undone = undone.filter(|step| self.reading.step_state(step.id.as_str()) == "SUCCESS");
        units.extend(undone.map(|step| format!("{}.compensate", step.id)));
        let Some(unit) = self.random.pick(&units).cloned() else { return };
        for name in law::STEP_EVENTS {
            self.put(name, Some(&unit));
        }
    }

    pub(super) fn put(&mut self, name: &str, unit: Option<&str>) {
        let Some(event) = self.made(name, unit) else { return };
        let said = Said::of(&event);
        let Err(reason) = self.reading.allows(self.plan, &said) else { return };
        let mut state = self.state.clone();
        let taken = evolve(self.plan, &mut state, &event).is_ok();
        if taken || state != self.state {
            self.wrong.get_or_insert(format!(
                "at event {} the core takes {event:?}, which the law forbids: {reason}",
                self.stored.len()
            ));
            return;
        }
        let run = self.reading.run_state();
        match unit {
            None if !law::run_cell(run, name) => self.coverage.meet(Table::Run, format!("{run} {name} -")),
            None => self.coverage.meet(Table::Condition, reason),
            Some(unit) => {
                let state = self.reading.step_state(unit);
                let mut by_cell = false;
                if !law::step_cell(state, name) {
                    self.coverage.meet(Table::Step, format!("{state} {name} -"));
                    by_cell = true;
                }
                if !law::step_event_in(run, name) && run != "(none)" {
                    self.coverage.meet(Table::While, format!("{run} {name} -"));
                    by_cell = true;
                }
                if !by_cell {
                    self.coverage.meet(Table::Condition, reason);
                }
            }
        }
    }

    /// An event with a new key and a payload of its shape.
    fn made(&mut self, name: &str, unit: Option<&str>) -> Option<Event> {
        let event = EventName::parse(name)?;
        let attempt = self.reading.units().find(|(known, ..)| Some(*known) == unit);
        let (logical, dispatch) = attempt.map_or((1, 1), |(_, logical, dispatch)| (logical, dispatch));
        let nth = self.reading.counted(name, unit) + 1;
        let slot = match name {
            "RunPaused" | "RunFailing" | "StepRedispatched" | "StepVoted" | "StepRetryRequested" => nth,
            "RunResumed" => (nth - 1).max(1),
            _ => logical,
        };
        let failure = json!({
            "errorCode": "STEP_ERROR", "errorMessage": "", "retryable": false, "failureCategory": "USER",
            "failureSource": "program",
        });
        let usage = json!({ "cpuMs": 0, "peakMemoryBytes": 0 });
        let payload = match name {
            "RunQueued" => self.stored.first().map(|event| event.payload.clone())?,
            "RunStarted" => json!({ "provider": "embedded" }),
            "RunPaused" | "RunResumed" => json!({ "cause": "OPERATOR" }),
            "RunFailing" => json!({ "cause": *self.random.pick(&["STEP_FAILED", "RUN_TIMEOUT"])? }),
            "RunCancelRequested" | "RunCancelled" => json!({ "cause": "CANCEL" }),
            "RunCompleted" => json!({ "outputs": {}, "durationMs": 0 }),
            "RunFailed" => json!({ "failure": failure }),
            "StepStarted" => json!({ "inputs": {}, "timeoutMs": 1_000 }),
            "StepCompleted" => {
                json!({ "result": Value::Null, "durationMs": 0, "usage": usage, "artifactRefs": [] })
            }
            "StepFailed" => json!({ "failure": failure, "usage": usage }),
            "StepSkipped" => {
                json!({ "reasonCode": *self.random.pick(&["OPERATOR_SKIP", "CONDITION_FALSE"])? })
            }
            "StepReused" => json!({
                "result": 1,
                "originalRunId": self.start.run_id,
                "originalEventId": "evt_07070707-0707-4707-8707-070707070707",
                "definitionDigest": self.start.plan.digest,
            }),
            "StepRedispatched" => json!({
                "logicalAttemptId": logical, "engineAttemptId": dispatch + 1, "cause": "ENGINE_RESTART",
            }),
            "StepVoted" => json!({
                "logicalAttemptId": logical,
                "decisionId": "dec_07070707-0707-4707-8707-070707070707",
                "principalId": "prn_07070707-0707-4707-8707-070707070707",
                "outcome": "APPROVED",
            }),
            "StepRetryRequested" => json!({ "signalId": "probe", "force": self.random.chance(50) }),
            _ => return None,
        };
        let dispatch = if name == "StepRedispatched" { dispatch + 1 } else { dispatch };
        Some(Event {
            name: event,
            step_id: unit.map(StepId::parse_stored).transpose().ok()?,
            slot: LogicalAttemptId(slot),
            engine_attempt_id: EngineAttemptId(dispatch),
            at: self.now,
            payload,
        })
    }
}
