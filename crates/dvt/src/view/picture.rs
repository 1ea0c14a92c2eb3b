//! What a run looks like now: its events, read in order, as the views need them (times, attempts, reasons of waiting).
//!
//! It shows and never decides: the core's fold is the state; this keeps beside each state what people ask about it. An
//! erased payload leaves its fields empty; an unknown event moves the watermark and nothing else.

use crate::view::label;
use dvt_model::failure::{Failure, Usage};
use dvt_model::run::{EventName, RunStatus, StepStatus};
use dvt_model::time::Timestamp;
use dvt_plan::expression::Expression;
use dvt_plan::plan::{Form, Part, Plan};
use dvt_store::port::operation::StoredEvent;
use serde_json::Value;
use std::collections::BTreeMap;

/// A run, as far as its events were read.
#[derive(Debug, Clone)]
pub(crate) struct Picture {
    pub(crate) status: RunStatus,
    pub(crate) queued_at: Option<Timestamp>,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) ended_at: Option<Timestamp>,
    /// Why it is on the way out, while it is: `FAILING` or `CANCELLING`.
    pub(crate) ending: Option<&'static str>,
    /// Why it began to fail, as its event names it.
    pub(crate) failing: Option<String>,
    pub(crate) inputs: Option<Value>,
    pub(crate) outputs: Option<Value>,
    pub(crate) failure: Option<Failure>,
    pub(crate) failed_step: Option<String>,
    pub(crate) host_allowed: bool,
    pub(crate) steps: BTreeMap<String, StepPicture>,
    /// Items and compensations that began, by their ids.
    derived: BTreeMap<String, StepPicture>,
    /// What names the items of a step where people look.
    labels: BTreeMap<String, Vec<String>>,
    /// What makes a name of an item, where a `foreach` says so.
    keys: BTreeMap<String, Expression>,
    /// Steps in the order of their layers, then by id; those of `finally` come last.
    pub(crate) order: Vec<String>,
    pub(crate) last_run_seq: u64,
    pub(crate) usage: Usage,
    /// Whether inputs, outputs and messages were taken out, for whoever may read no more than the status.
    pub(crate) is_withheld: bool,
}

/// A step, as far as its events were read.
#[derive(Debug, Clone)]
pub(crate) struct StepPicture {
    pub(crate) status: StepStatus,
    /// The newest attempt that began; 0 before the first.
    pub(crate) attempts: u32,
    pub(crate) dispatches: u32,
    /// Begin of the newest attempt and of the first.
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) first_started_at: Option<Timestamp>,
    pub(crate) ended_at: Option<Timestamp>,
    pub(crate) retry_at: Option<Timestamp>,
    pub(crate) due_at: Option<Timestamp>,
    pub(crate) failure: Option<Failure>,
    pub(crate) output: Option<Value>,
    pub(crate) skipped: Option<String>,
    pub(crate) needs: Vec<String>,
    pub(crate) most_attempts: u32,
    /// Whether an `if` may still let it start after a failure or a cancel.
    pub(crate) has_condition: bool,
    /// Whether it runs at the end, whatever happened.
    pub(crate) is_finally: bool,
    /// How long it waits, where that is all it does.
    pub(crate) wait_ms: Option<u64>,
    /// Whether it starts a program, so that it prints and its time is its own doing.
    pub(crate) is_program: bool,
    /// Items of a `foreach`: how many there are, and how many of them have ended well.
    pub(crate) items: Option<(u64, u64)>,
}

impl StepPicture {
    /// Wall time from its first attempt to its end, or to `now`.
    pub(crate) fn elapsed_ms(&self, now: Timestamp) -> Option<u64> {
        let end = self.ended_at.unwrap_or(now);
        self.first_started_at.map(|start| end.ms_since(start))
    }

    /// Whether its next attempt is due later.
    pub(crate) fn is_waiting_for_retry(&self) -> bool {
        self.status == StepStatus::Pending && self.retry_at.is_some()
    }

    /// Whether it ended in any way.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.status, StepStatus::Success | StepStatus::Failed | StepStatus::Skipped)
    }
}

/// What stands where a message is withheld.
pub(crate) const WITHHELD: &str = "its message needs RUN_READ_PAYLOAD";

impl Picture {
    /// A run of this plan before its first event.
    pub(crate) fn new(plan: &Plan) -> Self {
        let mut order: Vec<(bool, u32, String)> = Vec::new();
        let mut steps = BTreeMap::new();
        for (id, step) in &plan.steps {
            let is_finally = step.part == Part::Finally;
            order.push((is_finally, plan.layer(id), id.to_string()));
            steps.insert(
                id.to_string(),
                StepPicture {
                    status: StepStatus::Pending,
                    attempts: 0,
                    dispatches: 0,
                    started_at: None,
                    first_started_at: None,
                    ended_at: None,
                    retry_at: None,
                    due_at: None,
                    failure: None,
                    output: None,
                    skipped: None,
                    needs: step.needs.iter().map(ToString::to_string).collect(),
                    most_attempts: step.retry.max.saturating_add(1),
                    has_condition: step.condition.is_some(),
                    is_finally,
                    wait_ms: match step.form {
                        Form::Wait { duration_ms } => Some(duration_ms),
                        _ => None,
                    },
                    is_program: step.form.is_program(),
                    items: None,
                },
            );
        }
        order.sort();
        Self {
            status: RunStatus::Pending,
            queued_at: None,
            started_at: None,
            ended_at: None,
            ending: None,
            failing: None,
            inputs: None,
            outputs: None,
            failure: None,
            failed_step: None,
            host_allowed: false,
            steps,
            derived: BTreeMap::new(),
            labels: BTreeMap::new(),
            keys: plan
                .steps
                .iter()
                .filter_map(|(id, step)| Some((id.to_string(), step.foreach.as_ref()?.key.clone()?)))
                .collect(),
            order: order.into_iter().map(|(.., id)| id).collect(),
            last_run_seq: 0,
            usage: Usage::default(),
            is_withheld: false,
        }
    }

    /// Reads one more event.
    pub(crate) fn apply(&mut self, event: &StoredEvent) {
        let Some(part) = &event.envelope.run else { return };
        self.last_run_seq = self.last_run_seq.max(part.run_seq);
        let Some(name) = event.envelope.event_name.as_deref().and_then(EventName::parse) else { return };
        let at = part.emitted_at;
        let payload = Payload(event.payload.as_ref());
        if let Some(step) = &event.envelope.step_id {
            self.usage_of(&payload);
            let numbers = (part.logical_attempt_id.0, part.engine_attempt_id.0);
            if let (EventName::StepStarted, Some(items)) = (name, payload.items()) {
                let labels = label::of(items, self.keys.get(step));
                self.labels.insert(step.clone(), labels);
            }
            match self.steps.get_mut(step) {
                Some(step) => step.apply(name, at, numbers.0, numbers.1, &payload),
                None => self.apply_derived(step, name, at, numbers, &payload),
            }
            return;
        }
        match name {
            EventName::RunQueued => {
                self.queued_at = Some(at);
                self.inputs = payload.get("inputs").cloned();
                self.host_allowed = payload.get("power").and_then(|power| power.get("hostAllowed"))
                    == Some(&Value::Bool(true));
            }
            EventName::RunStarted => {
                self.started_at = Some(at);
                self.status = RunStatus::Running;
            }
            EventName::RunPaused => self.status = RunStatus::Paused,
            EventName::RunResumed => self.status = RunStatus::Running,
            EventName::SignalReceived => {}
            EventName::RunFailing => {
                self.ending = Some("FAILING");
                self.failing = payload.text("cause");
                self.failed_step = payload.text("failedStepId");
            }
            EventName::RunCancelRequested => self.ending = Some("CANCELLING"),
            EventName::RunCompleted | EventName::RunFailed | EventName::RunCancelled => {
                self.status = match name {
                    EventName::RunCompleted => RunStatus::Completed,
                    EventName::RunFailed => RunStatus::Failed,
                    _ => RunStatus::Cancelled,
                };
                self.ended_at = Some(at);
                self.ending = None;
                self.outputs = payload.get("outputs").cloned();
                self.failure = payload.read("failure");
                self.failed_step = payload.text("failedStepId").or(self.failed_step.take());
            }
            EventName::StepStarted
            | EventName::StepRedispatched
            | EventName::StepCompleted
            | EventName::StepFailed
            | EventName::StepSkipped
            | EventName::StepReused
            | EventName::StepRetryRequested
            | EventName::StepVoted => {}
        }
    }

    /// An item of a `foreach`, or a compensation: it begins to be shown with its first event.
    fn apply_derived(
        &mut self,
        id: &str,
        name: EventName,
        at: Timestamp,
        (attempt, dispatch): (u32, u32),
        payload: &Payload<'_>,
    ) {
        let Some(base) = id.split('.').next().and_then(|base| self.steps.get_mut(base)) else { return };
        let step = self.derived.entry(id.to_owned()).or_insert_with(|| base.begun_anew());
        let was_done = step.status == StepStatus::Success;
        step.apply(name, at, attempt, dispatch, payload);
        if let Some((_, done)) = base.items.as_mut().filter(|_| !id.ends_with(".compensate"))
            && !was_done
            && step.status == StepStatus::Success
        {
            *done += 1;
        }
    }

    /// A step, an item or a compensation.
    pub(crate) fn step(&self, id: &str) -> Option<&StepPicture> {
        self.steps.get(id).or_else(|| self.derived.get(id))
    }

    /// Items and compensations that began, in byte order of their ids.
    pub(crate) fn derived(&self) -> impl Iterator<Item = (&String, &StepPicture)> {
        self.derived.iter()
    }

    /// The items of a step that began, in byte order of their ids.
    pub(crate) fn items_of<'a>(
        &'a self,
        base: &'a str,
    ) -> impl Iterator<Item = (&'a String, &'a StepPicture)> {
        self.below(base).filter(|(id, _)| !id.ends_with(".compensate"))
    }

    /// The compensations of a step or of its items that began.
    pub(crate) fn undone_of<'a>(
        &'a self,
        base: &'a str,
    ) -> impl Iterator<Item = (&'a String, &'a StepPicture)> {
        self.below(base).filter(|(id, _)| id.ends_with(".compensate"))
    }

    fn below<'a>(&'a self, base: &'a str) -> impl Iterator<Item = (&'a String, &'a StepPicture)> {
        let of_base = move |id: &str| id.strip_prefix(base).is_some_and(|rest| rest.starts_with('.'));
        self.derived.range(format!("{base}.")..).take_while(move |(id, _)| of_base(id))
    }

    /// What an item is called beside the name of its step: `apac`, or its number.
    pub(crate) fn item_name(&self, id: &str) -> String {
        let shown = self.shown(id);
        let named = shown.split_once('[').and_then(|(_, rest)| rest.strip_suffix(']'));
        named.or_else(|| id.split('.').nth(1)).unwrap_or(id).to_owned()
    }

    /// An id as people read it: `transform[apac]` for `transform.2`.
    pub(crate) fn shown(&self, id: &str) -> String {
        label::shown(id, &self.labels)
    }

    /// The id that somebody means: as it stands, or as it is shown.
    pub(crate) fn meant(&self, id: &str) -> String {
        label::meant(id, &self.labels).unwrap_or_else(|| id.to_owned())
    }

    fn usage_of(&mut self, payload: &Payload<'_>) {
        if let Some(usage) = payload.read::<Usage>("usage") {
            self.usage = self.usage.and(usage);
        }
    }

    /// The same run without what only a reader of payloads may see. A message may quote a value; codes stay.
    pub(crate) fn withheld(mut self) -> Self {
        self.is_withheld = true;
        (self.inputs, self.outputs) = (None, None);
        // Items are values, too.
        self.labels.clear();
        for failure in self.failure.iter_mut().chain(
            self.steps.values_mut().chain(self.derived.values_mut()).filter_map(|s| s.failure.as_mut()),
        ) {
            WITHHELD.clone_into(&mut failure.error_message);
        }
        for step in self.steps.values_mut().chain(self.derived.values_mut()) {
            step.output = None;
        }
        self
    }

    /// Steps in the order in which they are shown.
    pub(crate) fn in_order(&self) -> impl Iterator<Item = (&String, &StepPicture)> {
        self.order.iter().filter_map(|id| self.steps.get_key_value(id))
    }

    /// From queued to ended, or to `now`.
    pub(crate) fn duration_ms(&self, now: Timestamp) -> u64 {
        let end = self.ended_at.unwrap_or(now);
        self.queued_at.map_or(0, |start| end.ms_since(start))
    }

    /// The program that took the longest, where one ended: of a `foreach` its slowest item. A wait is not slow, it waits.
    pub(crate) fn slowest(&self) -> Option<(&String, &StepPicture, u64)> {
        let now = self.ended_at?;
        let alone = self.steps.iter().filter(|(_, step)| step.items.is_none());
        let items = self.derived.iter().filter(|(id, _)| !id.ends_with(".compensate"));
        let ended = alone.chain(items).filter(|(_, step)| step.is_program && step.ended_at.is_some());
        ended.filter_map(|(id, step)| Some((id, step, step.elapsed_ms(now)?))).max_by_key(|(_, _, ms)| *ms)
    }

    /// What failed there: of a `foreach` the item that ended it.
    pub(crate) fn failed_part(&self) -> Option<(&String, &StepPicture)> {
        let (base, step) = self.culprit()?;
        let failed = self.items_of(base).filter(|(_, item)| item.status == StepStatus::Failed);
        // Siblings may have failed after it.
        failed.min_by_key(|(_, item)| item.ended_at).or(Some((base, step)))
    }

    /// The failed step that the end is about: the one that the run names, else the first failed one. Of a run that failed as a whole,
    /// as when its time was over, it is none: what was ended with it is not why.
    pub(crate) fn culprit(&self) -> Option<(&String, &StepPicture)> {
        let named = self.failed_step.as_ref().and_then(|id| self.steps.get_key_value(id));
        if named.is_none() && self.failure.is_some() {
            return None;
        }
        let first = || self.in_order().find(|(_, step)| step.status == StepStatus::Failed);
        named.or_else(first)
    }
}

impl StepPicture {
    /// The same step before anything of it began.
    fn begun_anew(&self) -> Self {
        Self {
            status: StepStatus::Pending,
            attempts: 0,
            dispatches: 0,
            started_at: None,
            first_started_at: None,
            ended_at: None,
            retry_at: None,
            due_at: None,
            failure: None,
            output: None,
            skipped: None,
            items: None,
            ..self.clone()
        }
    }

    fn apply(&mut self, name: EventName, at: Timestamp, attempt: u32, dispatch: u32, payload: &Payload<'_>) {
        match name {
            EventName::StepStarted => {
                self.status = StepStatus::Running;
                self.attempts = attempt;
                self.dispatches = dispatch;
                self.started_at = Some(at);
                self.first_started_at = self.first_started_at.or(Some(at));
                self.retry_at = None;
                self.due_at = payload.time("dueAt");
                // A new attempt of a `foreach` runs only the items that did not end well.
                let done = self.items.map_or(0, |(_, done)| done);
                self.items = payload.get("itemCount").and_then(Value::as_u64).map(|count| (count, done));
            }
            EventName::StepRedispatched => {
                self.dispatches = payload
                    .get("engineAttemptId")
                    .and_then(Value::as_u64)
                    .map_or(dispatch, |number| u32::try_from(number).unwrap_or(u32::MAX));
            }
            EventName::StepCompleted => {
                self.status = StepStatus::Success;
                self.ended_at = Some(at);
                self.failure = None;
                self.output = payload.get("result").cloned();
            }
            EventName::StepFailed => {
                self.failure = payload.read("failure");
                self.retry_at = payload.time("retryAt");
                // A due retry is the next attempt, PENDING.
                self.status = if self.retry_at.is_some() { StepStatus::Pending } else { StepStatus::Failed };
                self.ended_at = self.retry_at.is_none().then_some(at);
            }
            EventName::StepSkipped => {
                self.status = StepStatus::Skipped;
                self.skipped = payload.text("reasonCode");
            }
            EventName::StepReused => {
                self.status = StepStatus::Success;
                self.ended_at = Some(at);
                self.output = payload.get("result").cloned();
            }
            EventName::StepRetryRequested => {
                self.status = StepStatus::Pending;
                self.ended_at = None;
            }
            EventName::StepVoted
            | EventName::SignalReceived
            | EventName::RunPaused
            | EventName::RunResumed
            | EventName::RunQueued
            | EventName::RunStarted
            | EventName::RunFailing
            | EventName::RunCancelRequested
            | EventName::RunCompleted
            | EventName::RunFailed
            | EventName::RunCancelled => {}
        }
    }
}

#[cfg(test)]
impl Picture {
    /// An item or a compensation as a test wants it.
    pub(crate) fn begin(&mut self, id: &str) -> &mut StepPicture {
        let base = self.steps[id.split('.').next().unwrap()].begun_anew();
        self.derived.entry(id.to_owned()).or_insert(base)
    }

    pub(crate) fn name_items(&mut self, step: &str, names: &[&str]) {
        self.labels.insert(step.to_owned(), names.iter().map(ToString::to_string).collect());
    }
}

/// A payload that may be erased.
struct Payload<'a>(Option<&'a Value>);

impl<'a> Payload<'a> {
    fn get(&self, key: &str) -> Option<&'a Value> {
        self.0.and_then(|payload| payload.get(key)).filter(|value| !value.is_null())
    }

    /// The items of a `foreach`, in the payload of its StepStarted.
    fn items(&self) -> Option<&'a Vec<Value>> {
        self.get("itemCount")?;
        self.get("inputs")?.get("items")?.as_array()
    }

    fn text(&self, key: &str) -> Option<String> {
        self.get(key).and_then(Value::as_str).map(ToOwned::to_owned)
    }

    fn time(&self, key: &str) -> Option<Timestamp> {
        self.get(key).and_then(Value::as_str).and_then(Timestamp::parse)
    }

    fn read<T: serde::de::DeserializeOwned>(&self, key: &str) -> Option<T> {
        self.get(key).and_then(|value| serde_json::from_value(value.clone()).ok())
    }
}
