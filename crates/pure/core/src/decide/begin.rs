//! An attempt begins, or is left out: conditions, inputs, StepStarted, and what its form needs.

use super::complete::{complete, settle_items};
use super::draft::{Draft, unknown};
use super::fail::{self, failure};
use super::offer::step_of;
use super::{ENGINE, child, dispatch, named};
use crate::about::{self, Whose};
use crate::command::Refusal;
use crate::condition::{self, Verdict};
use crate::event::body::{StepSkipped, StepStarted};
use crate::ground::Ground;
use crate::lookup::{self, Doing};
use crate::render;
use crate::state::Step as Facts;
use dvt_model::attempt::LogicalAttemptId;
use dvt_model::code::Code;
use dvt_model::failure::{FailureCategory, Usage};
use dvt_model::id::StepId;
use dvt_model::run::EventName;
use dvt_model::time::Timestamp;
use dvt_plan::expression::Fault;
use dvt_plan::plan::{Foreach, Form, Step};
use serde_json::{Value, json};

/// Approvals and signals wait for so long where they say nothing.
const WAITS_MS: u64 = 7 * 86_400_000;
/// The longest time of a program where it says nothing.
const TIMEOUT_MS: u64 = 600_000;

/// Starts a step, item or compensation, or leaves it out; whether it took a slot.
pub(super) fn begin(draft: &mut Draft<'_>, id: &StepId) -> Result<bool, Refusal> {
    let plan = draft.plan;
    let step = step_of(draft, id)?;
    let facts = lookup::facts(plan, draft, id).ok_or_else(|| unknown(id))?;
    if facts.logical == LogicalAttemptId::FIRST {
        match condition::ask(plan, draft, id, step) {
            Verdict::Start => {}
            Verdict::Skip(reason_code) => {
                draft.step_event(
                    EventName::StepSkipped,
                    id,
                    &StepSkipped { reason_code, signal_id: None },
                )?;
                settle_items(draft, id)?;
                return Ok(false);
            }
            Verdict::Fault(fault) => return fault_at_start(draft, id, step, &fault),
        }
    }
    if let (Some(foreach), Doing::Items) = (&step.foreach, lookup::doing(step, id)) {
        return begin_items(draft, id, step, foreach, &facts);
    }
    let given = render::inputs(plan, draft, id, step)
        .and_then(|inputs| Ok(Given { inputs, whose: about::of_attempt(plan, draft, id, step)? }));
    match given {
        Ok(given) => start(draft, id, step, given),
        Err(fault) => fault_at_start(draft, id, step, &fault),
    }
}

/// What an attempt is given, and whose data that and its output are.
struct Given {
    inputs: Value,
    whose: Whose,
}

/// The step of a `foreach` begins: its items are what it was given. A later attempt repeats over the same ones, for it runs
/// only those without success. A forced one makes its list anew, and fails where that has become another.
fn begin_items(
    draft: &mut Draft<'_>,
    id: &StepId,
    step: &Step,
    foreach: &Foreach,
    facts: &Facts,
) -> Result<bool, Refusal> {
    let kept = facts.error.as_ref().and_then(|_| draft.inputs(id)?.get("items")?.as_array().cloned());
    let items = match kept.map_or_else(|| render::items(draft.plan, draft, id, foreach), Ok) {
        Ok(items) => items,
        Err(fault) => return fault_at_start(draft, id, step, &fault),
    };
    let items = Value::Array(items);
    let before = facts.items.as_ref().and_then(|items| items.list);
    if before.is_some_and(|before| before != lookup::list_digest(&items)) {
        let fault = Fault::Failed(format!("the list of `{id}` is another one than in its last attempt"));
        return fault_at_start(draft, id, step, &fault);
    }
    let count = u32::try_from(items.as_array().map_or(0, Vec::len)).unwrap_or(u32::MAX);
    let inputs = json!({ "items": items });
    // The subjects of the items are asked for here, where the items stand in nothing but this overlay.
    draft.set_inputs(id, Some(inputs.clone()));
    let whose = match about::of_items(draft.plan, draft, id, step, count) {
        Ok(whose) => whose,
        Err(fault) => return fault_at_start(draft, id, step, &fault),
    };
    let body =
        StepStarted { item_count: Some(count), ..started(draft, id, step, Given { inputs, whose }, None) };
    draft.step_event(EventName::StepStarted, id, &body)?;
    settle_items(draft, id)?;
    Ok(false)
}

fn started(
    draft: &Draft<'_>,
    id: &StepId,
    step: &Step,
    given: Given,
    due_at: Option<Timestamp>,
) -> StepStarted {
    let is_program = step.form.is_program() && lookup::doing(step, id) == Doing::Worker;
    let files = draft.queued().and_then(|queued| queued.power.files_digest);
    let Given { inputs, whose } = given;
    StepStarted {
        inputs,
        bundle_digest: files.filter(|_| is_program),
        tier: is_program.then(|| "host".to_owned()),
        timeout_ms: timeout_ms(step),
        due_at,
        child_run_id: None,
        item_count: None,
        about: whose.inputs,
        output_about: whose.output,
    }
}

/// The longest time of an attempt: as the plan says, else the default of `semanticsVersion` 1.0.
pub(super) fn timeout_ms(step: &Step) -> u64 {
    match step.form {
        Form::Wait { duration_ms } => duration_ms,
        Form::Run { .. } | Form::Script { .. } | Form::Noop { .. } | Form::Uses(_) => {
            step.timeout_ms.unwrap_or(TIMEOUT_MS)
        }
        Form::Approval(_) | Form::Signal(_) | Form::WaitUntil { .. } | Form::Plan(_) => {
            step.timeout_ms.unwrap_or(WAITS_MS)
        }
    }
}

fn start(draft: &mut Draft<'_>, id: &StepId, step: &Step, given: Given) -> Result<bool, Refusal> {
    let now = draft.now;
    match &step.form {
        Form::Run { .. } | Form::Script { .. } | Form::Uses(_) => {
            let body = started(draft, id, step, given, None);
            draft.step_event(EventName::StepStarted, id, &body)?;
            dispatch::dispatch(draft, id, step)?;
            return Ok(true);
        }
        Form::Noop { simulate_ms: lasts_ms } | Form::Wait { duration_ms: lasts_ms } => {
            let due_at = (*lasts_ms > 0).then(|| now.plus_ms(*lasts_ms));
            timer(draft, id, step, given, due_at)?;
        }
        Form::WaitUntil { .. } => {
            let until = given.inputs.get("until").and_then(Value::as_str).and_then(Timestamp::parse_rfc3339);
            let Some(until) = until else {
                let fault = Fault::Failed("`waitUntil` gives no time with its offset (RFC 3339)".to_owned());
                return fault_at_start(draft, id, step, &fault);
            };
            timer(draft, id, step, given, (until > now).then_some(until))?;
        }
        Form::Approval(_) => {
            let body = started(draft, id, step, given, Some(now.plus_ms(timeout_ms(step))));
            draft.step_event(EventName::StepStarted, id, &body)?;
        }
        Form::Signal(signal) => {
            let body = started(draft, id, step, given, Some(now.plus_ms(timeout_ms(step))));
            draft.step_event(EventName::StepStarted, id, &body)?;
            named::take_early(draft, id, signal)?;
        }
        Form::Plan(sub_plan) => {
            let due_at = step.timeout_ms.map(|ms| now.plus_ms(ms));
            let body = started(draft, id, step, given, due_at);
            child::start(draft, id, sub_plan, body)?;
        }
    }
    Ok(false)
}

/// A timer that is over before it began starts and ends in one append.
fn timer(
    draft: &mut Draft<'_>,
    id: &StepId,
    step: &Step,
    given: Given,
    due_at: Option<Timestamp>,
) -> Result<(), Refusal> {
    let body = started(draft, id, step, given, due_at);
    draft.step_event(EventName::StepStarted, id, &body)?;
    if due_at.is_none() { complete_inside(draft, id) } else { Ok(()) }
}

/// A step inside the engine ends: a noop with `with.output`, a wait with null.
pub(super) fn complete_inside(draft: &mut Draft<'_>, id: &StepId) -> Result<(), Refusal> {
    let result =
        draft.inputs(id).and_then(|inputs| inputs.get("with")?.get("output")).cloned().unwrap_or(Value::Null);
    complete(draft, id, result, Usage::default(), None)
}

/// An expression gave no value: the attempt begins and fails in the same append, so that it can be seen.
fn fault_at_start(draft: &mut Draft<'_>, id: &StepId, step: &Step, fault: &Fault) -> Result<bool, Refusal> {
    let none = (lookup::doing(step, id) == Doing::Items).then_some(0);
    let given = Given { inputs: Value::Null, whose: about::without_subject(draft, id, step) };
    let body = StepStarted { item_count: none, ..started(draft, id, step, given, None) };
    draft.step_event(EventName::StepStarted, id, &body)?;
    fail::fail(draft, id, fail::of_expression(fault), Usage::default())?;
    Ok(false)
}

/// A failure that the engine itself makes.
pub(super) fn of_engine(
    code: Code,
    category: FailureCategory,
    message: String,
) -> dvt_model::failure::Failure {
    failure(code, category, ENGINE, message)
}
