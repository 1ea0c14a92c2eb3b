//! Beginnings: a run is queued, started, and its steps begin one after the other.

use super::{Answer, Essence, failure, is_inside};
use crate::simulator::reference::course::{self, Phase};
use crate::simulator::reference::view::{Fact, Unit};
use crate::simulator::reference::words::{Words, timestamp};
use dvt_core::command::{Reused, Start};
use dvt_model::code::Code;
use dvt_model::run::{RunStatus, StepStatus};
use dvt_model::time::Timestamp;
use dvt_plan::expression::{Fault, evaluate};
use dvt_plan::plan::{Form, Part, Step};
use serde_json::{Map, Value, json};

/// An approval or signal step without `timeout` waits this long.
const WEEK_MS: u64 = 7 * 24 * 3_600_000;
/// The `timeout` of a step that says none.
const TEN_MINUTES_MS: u64 = 10 * 60 * 1_000;

impl Answer<'_> {
    pub(super) fn start(&mut self, start: &Start) {
        let mut payload = json!({
            "runId": start.run_id,
            "tenantId": start.tenant_id,
            "planRef": start.plan,
            "planDigest": start.plan.digest,
            "pluginDigests": {},
            "semanticsVersion": "1.0",
            "inputs": start.inputs,
            "bounds": start.bounds,
            "power": start.power,
            "trigger": start.trigger,
        });
        let optional = [
            ("filesDigest", json!(start.power.files_digest)),
            ("startAt", json!(start.start_at)),
            ("selection", json!(start.selection)),
            ("approvalGate", json!(start.approval_gate)),
            ("originalRunId", json!(start.original_run_id)),
            ("reuse", if start.reuse.is_empty() { Value::Null } else { json!(start.reuse) }),
            ("parentRunId", json!(start.parent_run_id)),
            ("depth", if start.depth == 0 { Value::Null } else { json!(start.depth) }),
            ("initiators", if start.initiators.is_empty() { Value::Null } else { json!(start.initiators) }),
        ];
        add(&mut payload, optional);
        self.say_run("RunQueued", 1, payload);
    }

    /// RunStarted, where the run waits for nothing else.
    fn begin_run(&mut self) {
        self.say_run("RunStarted", 1, json!({ "provider": "embedded" }));
    }

    pub(super) fn reuse(&mut self, reused: &[Reused]) -> Result<(), Code> {
        let queued = self.view.queued.clone();
        let promised =
            queued.as_ref().and_then(|said| said.payload.get("reuse").and_then(Value::as_array).cloned());
        let Some(promised) = promised else { return Err(Code::InvalidStateTransition) };
        match self.status() {
            RunStatus::Pending => {}
            // A repeat is no error (5.4).
            RunStatus::Running | RunStatus::Paused => return Ok(()),
            RunStatus::Completed | RunStatus::Failed | RunStatus::Cancelled => return Err(Code::RunTerminal),
        }
        let start_at = queued.as_ref().and_then(|said| said.moment("/startAt"));
        if start_at.is_some_and(|at| at > self.now) {
            return Err(Code::InvalidStateTransition);
        }
        let given: Vec<&Reused> = reused.iter().collect();
        let names: Vec<Value> = given.iter().map(|reused| json!(reused.step_id)).collect();
        if names != promised {
            return Err(Code::InvalidRequest);
        }
        let same = |reused: &&Reused| {
            self.step(reused.step_id.as_str()).is_some_and(|step| step.definition == reused.definition_digest)
        };
        if !given.iter().all(same) {
            return Err(Code::PlanIntegrityValidationFailed);
        }
        self.begin_run();
        for reused in given {
            let original = queued.as_ref().map(|said| said.text("/originalRunId").to_owned());
            let payload = json!({
                "result": reused.result,
                "originalRunId": original,
                "originalEventId": reused.original_event_id,
                "definitionDigest": reused.definition_digest,
            });
            self.say_step("StepReused", reused.step_id.as_str(), payload);
        }
        self.finish();
        Ok(())
    }

    pub(super) fn offer(&mut self, mut slots: u32) {
        if self.status() == RunStatus::Pending {
            let queued = self.view.queued.clone();
            let start_at = queued.as_ref().and_then(|said| said.moment("/startAt"));
            let waits = queued.as_ref().is_some_and(|said| said.payload.get("reuse").is_some());
            if waits || start_at.is_some_and(|at| at > self.now) {
                return;
            }
            self.begin_run();
        }
        if self.view.is_over() {
            return;
        }
        let was_ending = self.view.is_ending();
        while let Some(unit) = self.next(slots) {
            if self.begin(&unit) {
                slots -= 1;
            }
            // The turn to the way out is an end of this offer: what drains is waited for.
            if (self.view.is_ending() && !was_ending) || !course::is_open(&self.view) {
                break;
            }
        }
        self.finish();
    }

    /// The unit that begins next.
    fn next(&self, slots: u32) -> Option<String> {
        let view = &self.view;
        let full = self.at_work() >= usize::try_from(self.plan.max_parallel).unwrap_or(usize::MAX);
        if full || !course::is_open(view) {
            return None;
        }
        let has_room = |unit: &String| {
            slots > 0 || self.step(unit).is_some_and(|step| is_inside(step) || is_base(step, unit))
        };
        let phase = course::phase(self.plan, view);
        let candidates: Vec<String> = match phase {
            Phase::Drain | Phase::Over => return None,
            Phase::Compensation => self.owed_now(),
            Phase::Finally => self.units_of(Part::Finally),
            Phase::Conditional => self.units_of(Part::Ordinary),
            Phase::None => {
                let mut units = self.units_of(Part::Ordinary);
                if course::ordinary_is_over(self.plan, view) {
                    units.extend(self.units_of(Part::Finally));
                }
                units
            }
        };
        candidates.into_iter().find(|unit| self.is_ready(unit) && has_room(unit))
    }

    fn units_of(&self, part: Part) -> Vec<String> {
        let of =
            |unit: &String| !Unit::of(unit).undoes && self.step(unit).is_some_and(|step| step.part == part);
        self.in_order().into_iter().filter(of).collect()
    }

    /// Attempts at work; the base of a `foreach` is none, its items are.
    fn at_work(&self) -> usize {
        self.view.running().filter(|unit| !self.step(unit).is_some_and(|step| is_base(step, unit))).count()
    }

    /// Compensations that may begin now: those of one step, items up to its `maxParallel`.
    fn owed_now(&self) -> Vec<String> {
        let groups = course::owed(self.plan, &self.view);
        let Some(group) = groups.first() else { return Vec::new() };
        let is_under_way = |unit: &&String| self.view.fact(unit).is_some_and(Fact::is_under_way);
        let under_way = group.iter().filter(is_under_way).count();
        let base = group.first().map(|unit| Unit::of(unit).base.to_owned()).unwrap_or_default();
        let foreach = self.plan.steps.values().find(|step| step.id.as_str() == base);
        let most =
            foreach.and_then(|step| step.foreach.as_ref()).map_or(Some(1), |foreach| foreach.max_parallel);
        let has_room =
            under_way < most.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX));
        group.iter().filter(|unit| has_room || is_under_way(unit)).cloned().collect()
    }

    fn is_ready(&self, unit: &str) -> bool {
        let view = &self.view;
        let Some(step) = self.step(unit) else { return false };
        let fact = view.fact(unit);
        let pending = fact.is_none_or(|fact| fact.status == StepStatus::Pending);
        let due = fact.and_then(|fact| fact.retry_at).is_none_or(|at| at <= self.now);
        if !pending || !due {
            return false;
        }
        let parts = Unit::of(unit);
        if parts.undoes {
            return true;
        }
        if parts.item.is_some() {
            let goes_on = step.part == Part::Finally || course::may_begin(view, step);
            return goes_on && self.item_may_begin(unit, parts.base, step);
        }
        if step.part == Part::Finally {
            return step.needs.iter().all(|need| view.fact(need.as_str()).is_some_and(course::is_terminal));
        }
        let selected = |id: &str| self.is_selected(id);
        let mut needs = step.needs.iter().filter(|need| selected(need.as_str()));
        selected(unit)
            && course::may_begin(view, step)
            && needs.all(|need| self.plan.steps.get(need).is_some_and(|need| course::is_settled(view, need)))
    }

    /// Whether a step belongs to the run.
    fn is_selected(&self, id: &str) -> bool {
        super::super::view::is_of_the_run(self.plan, &self.view, id)
    }

    /// Whether it took a slot.
    fn begin(&mut self, unit: &str) -> bool {
        let Some(step) = self.step(unit).cloned() else { return false };
        let is_first = self.view.fact(unit).is_none_or(|fact| fact.attempt == 1);
        let asked = if is_first { self.reason_to_skip(unit, &step) } else { Ok(None) };
        match asked {
            Ok(Some(reason)) => {
                self.say_step("StepSkipped", unit, json!({ "reasonCode": reason }));
                self.settle_base(unit);
                self.after_an_end();
                return false;
            }
            Err(fault) => {
                self.begin_at_fault(unit, &step, &fault);
                return false;
            }
            Ok(None) => {}
        }
        if is_base(&step, unit) {
            self.begin_base(unit, &step);
            return false;
        }
        let inputs = self.words(Some(unit)).inputs(&step);
        let ends_at = self.ends_at(unit, &step);
        match (inputs, ends_at) {
            (Err(fault), _) | (_, Err(fault)) => {
                self.begin_at_fault(unit, &step, &fault);
                false
            }
            (Ok(inputs), Ok(ends_at)) => self.begin_well(unit, &step, inputs, ends_at),
        }
    }

    /// When a step inside the engine ends by itself, or runs out of time.
    fn ends_at(&self, unit: &str, step: &Step) -> Result<Option<Timestamp>, Fault> {
        Ok(match &step.form {
            Form::Wait { duration_ms: ms } | Form::Noop { simulate_ms: ms } => Some(self.now.plus_ms(*ms)),
            Form::WaitUntil { at } => Some(timestamp(&self.words(Some(unit)).value(at)?)?),
            Form::Approval(_) | Form::Signal(_) => Some(self.now.plus_ms(timeout_ms(step))),
            Form::Plan(_) => step.timeout_ms.map(|ms| self.now.plus_ms(ms)),
            Form::Run { .. } | Form::Script { .. } | Form::Uses(_) => None,
        })
    }

    fn begin_well(&mut self, unit: &str, step: &Step, inputs: Value, ends_at: Option<Timestamp>) -> bool {
        let at_once = matches!(step.form, Form::Wait { .. } | Form::WaitUntil { .. } | Form::Noop { .. })
            && ends_at.is_some_and(|at| at <= self.now);
        let mut payload = json!({ "inputs": inputs, "timeoutMs": timeout_ms(step) });
        let refused = self.refused_child(step);
        let child =
            (matches!(step.form, Form::Plan(_)) && refused.is_none()).then(|| self.next_id().to_string());
        if !is_inside(step) {
            let files = self.view.queued.as_ref().and_then(|said| said.payload.get("filesDigest").cloned());
            add(&mut payload, [("tier", json!("host")), ("bundleDigest", json!(files))]);
        }
        add(&mut payload, [("dueAt", json!(ends_at.filter(|_| !at_once))), ("childRunId", json!(child))]);
        self.say_step("StepStarted", unit, payload);
        if let Some(code) = refused {
            self.fail(unit, &failure(code, "USER", "engine"), dvt_model::failure::Usage::default());
            return false;
        }
        if at_once {
            self.complete_inside(unit);
            self.after_an_end();
            return false;
        }
        match &step.form {
            Form::Plan(_) => self.effect(Essence::StartChild(unit.to_owned(), child.unwrap_or_default())),
            Form::Signal(signal) => self.take_kept(unit, &signal.name.clone()),
            Form::Wait { .. } | Form::WaitUntil { .. } | Form::Noop { .. } | Form::Approval(_) => {}
            Form::Run { .. } | Form::Script { .. } | Form::Uses(_) => {
                self.give_out(unit);
                return true;
            }
        }
        false
    }

    /// Why a sub-plan gets no run: eight runs are above it already (5.7), or nobody pinned its plan.
    fn refused_child(&self, step: &Step) -> Option<Code> {
        let Form::Plan(sub_plan) = &step.form else { return None };
        let depth =
            self.view.queued.as_ref().and_then(|said| said.payload.get("depth")).and_then(Value::as_u64);
        if depth.unwrap_or(0) >= 8 {
            return Some(Code::PlanUnbounded);
        }
        sub_plan.digest.is_none().then_some(Code::PlanIntegrityValidationFailed)
    }

    /// It began, and what it would have been given could not be told.
    pub(super) fn begin_at_fault(&mut self, unit: &str, step: &Step, fault: &Fault) {
        let mut payload = json!({ "inputs": Value::Null, "timeoutMs": timeout_ms(step) });
        if !is_inside(step) && !is_base(step, unit) {
            let files = self.view.queued.as_ref().and_then(|said| said.payload.get("filesDigest").cloned());
            add(&mut payload, [("tier", json!("host")), ("bundleDigest", json!(files))]);
        }
        if is_base(step, unit) {
            add(&mut payload, [("itemCount", json!(0))]);
        }
        self.say_step("StepStarted", unit, payload);
        let code = match fault {
            Fault::OverBudget(_) => Code::ExpressionOverBudget,
            Fault::Failed(_) => Code::ExpressionFailed,
        };
        self.fail(unit, &failure(code, "USER", "expression"), dvt_model::failure::Usage::default());
    }

    /// Why a step whose needs are settled is left out, if it is.
    fn reason_to_skip(&self, unit: &str, step: &Step) -> Result<Option<&'static str>, Fault> {
        let parts = Unit::of(unit);
        if parts.undoes {
            return Ok(None);
        }
        let of_items =
            step.foreach.is_some() && step.condition.as_ref().is_some_and(|asked| asked.uses_item());
        let (view, plan) = (&self.view, self.plan);
        let well = |need: &dvt_model::id::StepId| {
            let forgiven = plan.steps.get(need).is_some_and(|need| need.continue_on_error);
            let fact = view.fact(need.as_str());
            !self.is_selected(need.as_str())
                || view.is(need.as_str(), StepStatus::Success)
                || (view.is(need.as_str(), StepStatus::Failed) && forgiven)
                || fact.is_some_and(|fact| fact.status == StepStatus::Skipped && fact.by_operator)
        };
        let success = step.needs.iter().all(well);
        // `success() && (…)` is what every `if` without a status function means; written out it is the same.
        let by_success = step.condition.as_ref().is_none_or(|condition| condition.implies_success());
        if parts.item.is_none() && by_success && !success {
            let failed =
                step.needs.iter().any(|need| view.is(need.as_str(), StepStatus::Failed) && !well(need));
            let reason =
                if step.part == Part::Finally && failed { "DEPENDENCY_FAILED" } else { "DEPENDENCY_SKIPPED" };
            return Ok(Some(reason));
        }
        let Some(condition) = &step.condition else { return Ok(None) };
        // `if` of a `foreach` is asked once, or for each item where it names one.
        if step.foreach.is_some() && of_items != parts.item.is_some() {
            return Ok(None);
        }
        let words: Words<'_> = self.words(Some(unit));
        let mut bindings = words.bindings();
        bindings.success = success;
        bindings.failure = view.is_failing()
            || step.needs.iter().any(|need| view.is(need.as_str(), StepStatus::Failed) && !well(need));
        match evaluate(condition, &bindings)? {
            Value::Bool(true) => Ok(None),
            Value::Bool(false) => Ok(Some("CONDITION_FALSE")),
            _ => Err(Fault::Failed(String::new())),
        }
    }
}

/// The base of a `foreach`: what has items, and is none.
pub(in crate::simulator::reference) fn is_base(step: &Step, unit: &str) -> bool {
    step.foreach.is_some() && Unit::of(unit).item.is_none() && !Unit::of(unit).undoes
}

pub(super) fn timeout_ms(step: &Step) -> u64 {
    match step.form {
        Form::Wait { duration_ms } => duration_ms,
        // What waits for somebody else, a child's run among them.
        Form::WaitUntil { .. } | Form::Approval(_) | Form::Signal(_) | Form::Plan(_) => {
            step.timeout_ms.unwrap_or(WEEK_MS)
        }
        Form::Run { .. } | Form::Script { .. } | Form::Uses(_) | Form::Noop { .. } => {
            step.timeout_ms.unwrap_or(TEN_MINUTES_MS)
        }
    }
}

/// Adds the members that are not null.
pub(in crate::simulator::reference) fn add<const N: usize>(payload: &mut Value, members: [(&str, Value); N]) {
    if let Some(object) = payload.as_object_mut() {
        let given = members.into_iter().filter(|(_, value)| !value.is_null());
        object.extend(given.map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>());
    }
}
