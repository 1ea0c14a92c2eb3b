//! The stable JSON of runs and events: what programs read.

use crate::view::picture::{Picture, StepPicture, WITHHELD};
use dvt_model::id::RunId;
use dvt_model::run::{RunMetadata, StepStatus};
use dvt_model::time::Timestamp;
use dvt_store::port::operation::StoredEvent;
use serde_json::{Map, Value, json};

/// What the ledger says about the end of a followed run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sealed {
    /// Entries that are events of the run.
    pub(crate) entries: u64,
    /// Size of the tenant's ledger under the newest checkpoint.
    pub(crate) size: u64,
}

/// `RunStatusSnapshot` (contract 5.5): the core's fold, with what people ask beside it, inputs and outputs among it.
pub(crate) fn snapshot(metadata: &RunMetadata, picture: &Picture, fold: &Value, recovering: bool) -> Value {
    let mut object = run(metadata, picture);
    // What the fold says is the state; nothing of ours stands over it.
    for (key, value) in fold.as_object().into_iter().flatten() {
        put(&mut object, key, Some(value.clone()));
    }
    let shown = fold.get("steps").and_then(Value::as_array).into_iter().flatten();
    let steps = shown.map(|shown| {
        let look = shown.get("stepId").and_then(Value::as_str).and_then(|id| picture.step(id));
        let mut object = look.map_or_else(|| json!({}), step);
        for (key, value) in shown.as_object().into_iter().flatten() {
            put(&mut object, key, Some(value.clone()));
        }
        object
    });
    let mut steps: Vec<Value> = steps.collect();
    if picture.is_withheld {
        steps.iter_mut().for_each(withhold);
        put(&mut object, "payloadsWithheld", Some(Value::Bool(true)));
    }
    put(&mut object, "steps", Some(Value::from(steps)));
    if recovering {
        put(&mut object, "substatus", Some(Value::from("RECOVERING")));
    }
    object
}

/// What the core's fold and an absent output would tell, taken out.
fn withhold(step: &mut Value) {
    if let Some(message) = step.pointer_mut("/error/message") {
        *message = Value::from(WITHHELD);
    }
    if let Some(step) = step.as_object_mut() {
        step.remove("output");
    }
}

/// The end of a followed run: steps by id, and the ledger's word.
pub(crate) fn ended(metadata: &RunMetadata, picture: &Picture, sealed: Sealed) -> Value {
    let mut object = run(metadata, picture);
    let steps: Map<String, Value> =
        picture.steps.iter().chain(picture.derived()).map(|(id, look)| (id.clone(), step(look))).collect();
    put(&mut object, "steps", Some(Value::from(steps)));
    put(&mut object, "ledger", Some(json!({"entries": sealed.entries, "sealedSize": sealed.size})));
    object
}

/// A run of which some payloads are erased: what is left of it, for its state cannot be folded any more.
pub(crate) fn partly_erased(metadata: &RunMetadata, picture: &Picture, erased: u64) -> Value {
    let mut object = run(metadata, picture);
    let steps = picture.steps.iter().chain(picture.derived()).map(|(id, look)| {
        let mut step = step(look);
        put(&mut step, "stepId", Some(Value::from(id.as_str())));
        step
    });
    let mut steps: Vec<Value> = steps.collect();
    if picture.is_withheld {
        steps.iter_mut().for_each(withhold);
        put(&mut object, "payloadsWithheld", Some(Value::Bool(true)));
    }
    put(&mut object, "steps", Some(Value::from(steps)));
    put(&mut object, "payloadsErased", Some(Value::from(erased)));
    object
}

/// A run that this process no longer follows and that has not ended.
pub(crate) fn left(metadata: &RunMetadata, picture: &Picture) -> Value {
    let mut object = run(metadata, picture);
    let steps: Map<String, Value> =
        picture.steps.iter().chain(picture.derived()).map(|(id, look)| (id.clone(), step(look))).collect();
    put(&mut object, "steps", Some(Value::from(steps)));
    put(&mut object, "substatus", Some(Value::from("RECOVERING")));
    object
}

fn put(object: &mut Value, key: &str, value: Option<Value>) {
    if let (Some(value), Some(object)) = (value, object.as_object_mut()) {
        object.insert(key.to_owned(), value);
    }
}

fn run(metadata: &RunMetadata, picture: &Picture) -> Value {
    let now = crate::clock::now();
    let counted = |status: StepStatus| picture.steps.values().filter(|step| step.status == status).count();
    let mut object = json!({
        "runId": metadata.run_id,
        "planId": metadata.plan.plan_id,
        "planName": metadata.plan_name,
        "planVersion": metadata.plan.plan_version,
        "planDigest": metadata.plan.digest,
        "status": picture.status,
        "paused": false,
        "lastRunSeq": picture.last_run_seq,
        "totalSteps": picture.steps.len(),
        "completedSteps": counted(StepStatus::Success),
        "failedSteps": counted(StepStatus::Failed),
        "runningSteps": counted(StepStatus::Running),
        "durationMs": picture.duration_ms(now),
        "usage": picture.usage,
    });
    put(&mut object, "substatus", picture.ending.map(Value::from));
    put(&mut object, "queuedAt", picture.queued_at.map(time));
    put(&mut object, "startedAt", picture.started_at.map(time));
    put(&mut object, "completedAt", picture.ended_at.map(time));
    put(&mut object, "totalDurationMs", picture.ended_at.map(|_| Value::from(picture.duration_ms(now))));
    put(&mut object, "failedStepId", picture.failed_step.clone().map(Value::from));
    put(&mut object, "failure", picture.failure.as_ref().map(|failure| json!(failure)));
    put(&mut object, "inputs", picture.inputs.clone());
    put(&mut object, "outputs", picture.outputs.clone());
    object
}

fn step(look: &StepPicture) -> Value {
    let mut object = json!({"status": look.status, "attempts": look.attempts});
    put(&mut object, "dispatches", (look.dispatches > 1).then(|| json!(look.dispatches)));
    put(&mut object, "startedAt", look.first_started_at.map(time));
    put(&mut object, "completedAt", look.ended_at.map(time));
    put(&mut object, "durationMs", look.ended_at.and_then(|end| look.elapsed_ms(end)).map(Value::from));
    put(&mut object, "retryAt", look.retry_at.map(time));
    put(&mut object, "reasonCode", look.skipped.clone().map(Value::from));
    put(
        &mut object,
        "error",
        look.failure.as_ref().map(|failure| {
            json!({"code": failure.error_code, "message": failure.error_message, "retryable": failure.retryable})
        }),
    );
    if look.status == StepStatus::Success {
        put(&mut object, "output", Some(look.output.clone().unwrap_or(Value::Null)));
    }
    object
}

fn time(at: Timestamp) -> Value {
    Value::from(at.to_string())
}

/// One event, for `jsonl`.
pub(crate) fn event(run: RunId, event: &StoredEvent) -> Value {
    let mut object = json!({
        "runId": run,
        "eventType": event.envelope.event_name,
        "index": event.index,
        "persistedAt": event.envelope.recorded_at,
        "payload": event.payload,
    });
    if let (Some(object), Some(part)) = (object.as_object_mut(), &event.envelope.run) {
        object.insert("runSeq".to_owned(), json!(part.run_seq));
        object.insert("emittedAt".to_owned(), json!(part.emitted_at));
        object.insert("logicalAttemptId".to_owned(), json!(part.logical_attempt_id));
        object.insert("engineAttemptId".to_owned(), json!(part.engine_attempt_id));
        object.insert("idempotencyKey".to_owned(), json!(part.idempotency_key));
        if let Some(step) = &event.envelope.step_id {
            object.insert("stepId".to_owned(), json!(step));
        }
    }
    object
}
