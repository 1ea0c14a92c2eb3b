//! What can be seen of a run (contract 5.5): RunStatusSnapshot, and the digest by which two folds are compared. Both come
//! from the fold alone.

use crate::event::body::PauseCause;
use crate::ground::Ground;
use crate::state::{Lane, State, Step};
use crate::way_out::{self, Phase};
use dvt_model::canonical;
use dvt_model::digest::Digest;
use dvt_model::id::StepId;
use dvt_model::run::{RunStatus, StepStatus};
use serde_json::{Value, json};

impl State {
    /// The RunStatusSnapshot; null before RunQueued. RECOVERING, which no event says, is the engine's to add.
    pub fn snapshot(&self) -> Value {
        let (Some(queued), Some(status)) = (&self.queued, self.run.status) else { return Value::Null };
        let run = &self.run;
        let total = run.completed_at.map(|end| end.ms_since(run.started_at.unwrap_or(end)));
        let mut snapshot = json!({
            "runId": queued.run_id,
            "status": status,
            "paused": status == RunStatus::Paused,
            "lastRunSeq": run.seq,
            "startedAt": run.started_at,
            "completedAt": run.completed_at,
            "totalDurationMs": total,
            "totalSteps": self.steps.keys().filter(|id| id.is_plain()).count(),
            "completedSteps": run.succeeded,
            "failedSteps": run.failed,
            "runningSteps": run.running,
            "steps": self.shown_steps(),
            "artifacts": [],
        });
        if let (Some(pause), Some(members)) = (&run.pause, snapshot.as_object_mut()) {
            members.insert("pauseReason".to_owned(), json!(pause.cause));
        }
        if let (Some(substatus), Some(members)) = (self.substatus(), snapshot.as_object_mut()) {
            members.insert("substatus".to_owned(), substatus.into());
        }
        snapshot
    }

    /// The snapshot hash: SHA-256 of the canonical `{runId, status, paused, startedAt, completedAt, steps}`.
    pub fn snapshot_digest(&self) -> Option<Digest> {
        let (queued, status) = (self.queued.as_ref()?, self.run.status?);
        let compared = json!({
            "runId": queued.run_id,
            "status": status,
            "paused": status == RunStatus::Paused,
            "startedAt": self.run.started_at,
            "completedAt": self.run.completed_at,
            "steps": self.shown_steps(),
        });
        canonical::to_bytes(&compared).ok().map(|bytes| Digest::of(&bytes))
    }

    fn shown_steps(&self) -> Vec<Value> {
        self.steps.iter().map(|(id, step)| shown(id, step)).collect()
    }

    /// Shown, never decisive.
    fn substatus(&self) -> Option<&'static str> {
        let run = &self.run;
        if !way_out::is_open(run) {
            return None;
        }
        if run.cancel.is_some() {
            return Some("CANCELLING");
        }
        match way_out::phase(run) {
            Phase::Drain => return Some("DRAINING"),
            Phase::Conditional | Phase::Undo | Phase::Finally | Phase::Over => return Some("FAILING"),
            Phase::None => {}
        }
        if let Some(pause) = &run.pause {
            return match pause.cause {
                PauseCause::StepFailed => Some("WAITING_APPROVAL"),
                PauseCause::Operator => {
                    (run.running > run.timers + run.children + run.bases).then_some("DRAINING")
                }
            };
        }
        let working = run.running - run.bases;
        if working > 0 && working == run.timers {
            return Some(self.waits_for());
        }
        if working > 0 && working == run.timers + run.children {
            return Some("WAITING_CHILD");
        }
        self.after(&Lane::Retry.start()).map(|_| "RETRYING")
    }

    /// All that runs waits: for a signal or an approval, where one of them does, else for a time.
    fn waits_for(&self) -> &'static str {
        if self.after(&Lane::Signal.start()).is_some() {
            return "WAITING_SIGNAL";
        }
        let approval =
            self.lane(Lane::Running).into_iter().any(|id| self.inputs.get(&id).is_some_and(is_shown));
        if approval { "WAITING_APPROVAL" } else { "WAITING_TIMER" }
    }
}

/// The inputs of an approval are what its voters are shown; a timer has nothing to show.
fn is_shown(inputs: &Value) -> bool {
    inputs.get("outputs").is_some()
}

fn shown(id: &StepId, step: &Step) -> Value {
    let mut shown = json!({
        "stepId": id,
        "status": step.status,
        "logicalAttemptId": step.logical,
        "engineAttemptId": step.engine,
        "startedAt": step.started_at,
        "completedAt": step.completed_at,
        "artifacts": [],
    });
    if let (StepStatus::Failed, Some(error), Some(members)) =
        (step.status, &step.error, shown.as_object_mut())
    {
        let error =
            json!({ "code": error.error_code, "message": error.error_message, "retryable": error.retryable });
        members.insert("error".to_owned(), error);
    }
    shown
}
