//! The fold of step events, with the conditions that stand beside the table. Ends of attempts are in `step_end`.

use super::step_end::{attempt_ends, failed, keep, step_ends};
use super::{body, invalid, retry_requested, shown};
use crate::about::{self, About};
use crate::condition::Kind;
use crate::event::body::{
    SkipReason, StepCompleted, StepRedispatched, StepRetryRequested, StepReused, StepSkipped, StepStarted,
    StepVoted,
};
use crate::event::{Event, InvalidTransition};
use crate::ground::Ground;
use crate::lookup::{self, Doing};
use crate::mutant::{self, Mutant};
use crate::ready;
use crate::state::{Items, Lane, Place, Step as Facts};
use crate::table::{self, StepEvent};
use crate::{undo, way_out};
use dvt_model::attempt::{EngineAttemptId, LogicalAttemptId};
use dvt_model::id::StepId;
use dvt_model::run::StepStatus;
use dvt_plan::plan::{Form, Plan, Step};

pub(super) fn apply<G: Ground>(
    plan: &Plan,
    ground: &mut G,
    event: &Event,
    row: StepEvent,
) -> Result<(), InvalidTransition> {
    let found = event
        .step_id
        .as_ref()
        .and_then(|id| Some((id, lookup::definition(plan, id)?, lookup::facts(plan, ground, id)?)));
    let Some((id, step, mut facts)) = found else {
        let actual = event.step_id.as_ref().map_or("(none)", StepId::as_str);
        return Err(invalid(event, "a step, item or compensation that there is", actual));
    };
    if row == StepEvent::Skipped && facts.status == StepStatus::Failed {
        let StepSkipped { reason_code, .. } = body(event)?;
        if reason_code == SkipReason::OperatorSkip && in_failed_set(step, &facts) {
            // The next attempt, left out at once.
            lookup::next_attempt(&mut facts);
        }
    }
    let Some(next) = table::step(facts.status, row) else {
        return Err(invalid(event, followed(row), facts.status.as_str()));
    };
    let run = ground.run();
    if !run.status.is_some_and(|status| table::while_run_is(status, row)) {
        return Err(invalid(event, "a run that goes on", shown(run.status)));
    }
    if let Some(expected) = broken_condition(plan, ground, id, &facts, row) {
        return Err(invalid(event, expected, "another one"));
    }
    if let Some(expected) = broken_rule(ground, id, step, event, row)? {
        return Err(invalid(event, expected, "another one"));
    }
    let (slot, engine) = match row {
        StepEvent::Redispatched => (LogicalAttemptId(facts.redispatches + 1), facts.engine.next()),
        StepEvent::RetryRequested => (LogicalAttemptId(facts.retry_requests + 1), EngineAttemptId::FIRST),
        StepEvent::Voted => (LogicalAttemptId(facts.voted + 1), facts.engine),
        StepEvent::Started
        | StepEvent::Completed
        | StepEvent::Failed
        | StepEvent::Skipped
        | StepEvent::Reused => (facts.logical, facts.engine),
    };
    if (event.slot, event.engine_attempt_id) != (slot, engine) {
        let shown =
            |slot: LogicalAttemptId, engine: EngineAttemptId| format!("slot {slot}, dispatch {engine}");
        return Err(invalid(event, shown(slot, engine), shown(event.slot, event.engine_attempt_id)));
    }
    // Payloads are read before anything is written: a refused event leaves the state untouched.
    match row {
        StepEvent::Started => started(plan, ground, id, step, facts, body(event)?, event),
        StepEvent::Redispatched => {
            let StepRedispatched { .. } = body(event)?;
            ground.run_mut().seq += 1;
            if let Some(facts) = ground.step_mut(id) {
                facts.redispatches += 1;
                facts.engine = engine;
            }
        }
        StepEvent::Completed => completed(plan, ground, id, step, body(event)?, event, next),
        StepEvent::Failed => failed(plan, ground, id, step, body(event)?, event),
        StepEvent::Skipped => skipped(plan, ground, id, step, facts, &body(event)?, event),
        StepEvent::Reused => {
            let StepReused { result, .. } = body(event)?;
            let run = ground.run_mut();
            run.seq += 1;
            run.succeeded += 1;
            run.has_done = true;
            if facts.missing == 0 {
                ready::remove(plan, ground, id, step);
            }
            keep(ground, id, result);
            about::taken_over(ground, id, step);
            step_ends(plan, ground, id, step, next, event);
            undo::add(plan, ground, id, step);
        }
        StepEvent::RetryRequested => retry_requested::apply(plan, ground, id, step, body(event)?),
        StepEvent::Voted => {
            let StepVoted { principal_id, outcome, .. } = body(event)?;
            ground.run_mut().seq += 1;
            if let Some(facts) = ground.step_mut(id) {
                facts.voted += 1;
                facts.votes.insert(principal_id, outcome);
            }
        }
    }
    Ok(())
}

/// The condition of contract 4.4 that does not hold, if one does not.
fn broken_condition<G: Ground>(
    plan: &Plan,
    ground: &G,
    id: &StepId,
    facts: &Facts,
    row: StepEvent,
) -> Option<&'static str> {
    let run = ground.run();
    let begins = match row {
        StepEvent::Started => true,
        StepEvent::Skipped => id.is_compensation(),
        StepEvent::Redispatched
        | StepEvent::Completed
        | StepEvent::Failed
        | StepEvent::Reused
        | StepEvent::RetryRequested
        | StepEvent::Voted => false,
    };
    if begins && !way_out::may_begin_now(run, facts.kind) {
        return Some("a run in which the step may begin");
    }
    let is_item = id.index().is_some() && !id.is_compensation();
    if is_item && matches!(row, StepEvent::Started | StepEvent::Skipped) {
        let base = lookup::base(plan, id).and_then(|base| ground.step(&base));
        if base.is_none_or(|base| base.status != StepStatus::Running) {
            return Some("an item whose step runs");
        }
    }
    let is_first = facts.logical == LogicalAttemptId::FIRST;
    if begins && id.is_compensation() && is_first && !undo::is_next(ground, id) {
        return Some("a compensation whose turn it is");
    }
    let is_original = ground.queued().is_some_and(|queued| queued.original_run_id.is_some());
    if row == StepEvent::Reused && (!is_original || run.has_begun) {
        return Some("a run that continues another one and has started no step");
    }
    None
}

/// The sentence below the tables of contract 4.4 that does not hold: what people may ask for, and of what.
fn broken_rule<G: Ground>(
    ground: &G,
    id: &StepId,
    step: &Step,
    event: &Event,
    row: StepEvent,
) -> Result<Option<&'static str>, InvalidTransition> {
    let run = ground.run();
    let is_approval = matches!(step.form, Form::Approval(_));
    Ok(match row {
        StepEvent::Voted => (!is_approval).then_some("an approval"),
        StepEvent::Skipped => {
            let StepSkipped { reason_code, .. } = body(event)?;
            let by_operator = reason_code == SkipReason::OperatorSkip;
            if by_operator && run.ending_seq.is_some() {
                Some("a run that is not ending")
            } else {
                (by_operator && is_approval).then_some("a step that is no approval")
            }
        }
        StepEvent::RetryRequested => {
            let StepRetryRequested { force, .. } = body(event)?;
            let has_failed = ground.step(id).is_some_and(|facts| facts.status == StepStatus::Failed);
            if !id.is_plain() {
                Some("a step of the plan")
            } else if !has_failed && !force {
                Some("a step that has failed")
            } else {
                (!way_out::takes_retries(run))
                    .then_some("a run that is not ending, or drains after a failure")
            }
        }
        StepEvent::Started
        | StepEvent::Redispatched
        | StepEvent::Completed
        | StepEvent::Failed
        | StepEvent::Reused => None,
    })
}

/// Whether the failure of a step counts for the run: the derived failed set of contract 4.4.
pub(super) fn in_failed_set(step: &Step, facts: &Facts) -> bool {
    facts.status == StepStatus::Failed && counts(step, facts.kind)
}

/// Whether a failure of this step would count for the run.
pub(super) fn counts(step: &Step, kind: Kind) -> bool {
    match kind {
        Kind::Ordinary | Kind::Failure | Kind::Always => {
            !step.continue_on_error || mutant::active(Mutant::ContinueOnErrorIgnored)
        }
        Kind::Compensation | Kind::Finally => false,
    }
}

/// The states in which the event would be possible, for the sentence.
fn followed(row: StepEvent) -> String {
    let states = StepStatus::ALL.iter().filter(|from| table::step(**from, row).is_some());
    states.map(|status| status.as_str()).collect::<Vec<_>>().join(" or ")
}

fn started<G: Ground>(
    plan: &Plan,
    ground: &mut G,
    id: &StepId,
    step: &Step,
    mut facts: Facts,
    body: StepStarted,
    event: &Event,
) {
    let doing = lookup::doing(step, id);
    leave_the_line(plan, ground, id, step, &facts);
    let run = ground.run_mut();
    run.seq += 1;
    run.has_begun = true;
    run.running += 1;
    match doing {
        Doing::Worker | Doing::Noop => {}
        Doing::Standing => run.timers += 1,
        Doing::Child => run.children += 1,
        Doing::Items => run.bases += 1,
    }
    facts.status = StepStatus::Running;
    facts.doing = doing;
    facts.started_seq = run.seq;
    facts.started_at = Some(event.at);
    facts.due_at = body.due_at;
    facts.retry_at = None;
    facts.child = body.child_run_id;
    ground.meet(body.about.as_ref());
    ground.meet(body.output_about.as_ref());
    facts.about = body.about.map(About::told);
    facts.about_output = body.output_about.map(About::told);
    if let (Some(_), false) = (id.index(), id.is_compensation())
        && let Some(base) = lookup::base(plan, id).and_then(|base| ground.step(&base))
    {
        facts.of_base = base.logical;
    }
    let seq = facts.started_seq;
    ground.add_step(id.clone(), facts);
    ground.put(ready::by_layer(plan, Lane::Running, id));
    if let Some(due) = body.due_at {
        ground.put(Place::of(Lane::Due, due.ms(), id));
    }
    if matches!(step.form, Form::Signal(_)) && doing == Doing::Standing {
        ground.put(Place::of(Lane::Signal, Place::seq(seq), id));
    }
    let list = body.inputs.get("items").map(lookup::list_digest);
    ground.set_inputs(id, Some(body.inputs));
    if doing == Doing::Items {
        let max_parallel = step.foreach.as_ref().and_then(|foreach| foreach.max_parallel);
        let count = body.item_count.unwrap_or(0);
        let next = next_item(ground, id, 0, count);
        let before = ground.step(id).and_then(|facts| facts.items.as_ref()?.list);
        let items = Items { count, next, busy: 0, max_parallel, failed: None, list: list.or(before) };
        if let Some(facts) = ground.step_mut(id) {
            facts.items = Some(items);
        }
        ready::place_next_item(plan, ground, id, step);
    }
    if mutant::active(Mutant::OutputDroppedTooSoon) {
        ready::release(ground, step);
    }
}

/// Takes what begins out of its place: the ready set, its retry, the line of the items or of the compensations.
fn leave_the_line<G: Ground>(plan: &Plan, ground: &mut G, id: &StepId, step: &Step, facts: &Facts) {
    if facts.retry_at.is_some() || id.is_plain() {
        ready::remove(plan, ground, id, step);
    } else if id.is_compensation() {
        undo::begin(plan, ground, id);
    } else {
        item_begins(plan, ground, id, step);
    }
}

/// The next item of a `foreach` begins, and makes room for the one after it.
fn item_begins<G: Ground>(plan: &Plan, ground: &mut G, id: &StepId, step: &Step) {
    ready::remove(plan, ground, id, step);
    let (Some(base), Some(index)) = (lookup::base(plan, id), id.index()) else { return };
    let count = ground.step(&base).and_then(|facts| facts.items.as_ref()).map_or(0, |items| items.count);
    let from = if mutant::active(Mutant::ForeachItemLost) && index == 1 { index + 2 } else { index + 1 };
    let next = next_item(ground, &base, from, count);
    if let Some(items) = ground.step_mut(&base).and_then(|facts| facts.items.as_mut()) {
        items.next = next;
        items.busy += 1;
    }
    ready::place_next_item(plan, ground, &base, step);
}

/// The first item from here on that still has to run: a new attempt runs those without SUCCESS. (One that was left out
/// stays so: its condition would say the same again.)
fn next_item<G: Ground>(ground: &G, base: &StepId, from: u32, count: u32) -> u32 {
    let is_done = |index: &u32| {
        let status = ground.step(&base.item(*index)).map(|facts| facts.status);
        matches!(status, Some(StepStatus::Success | StepStatus::Skipped))
    };
    (from..count).find(|index| !is_done(index)).unwrap_or(count)
}

fn completed<G: Ground>(
    plan: &Plan,
    ground: &mut G,
    id: &StepId,
    step: &Step,
    body: StepCompleted,
    event: &Event,
    next: StepStatus,
) {
    let StepCompleted { result, signal_id, about, .. } = body;
    let run = ground.run_mut();
    run.seq += 1;
    run.succeeded += u32::from(id.is_plain());
    run.has_done = true;
    attempt_ends(plan, ground, id, step, true);
    keep(ground, id, result);
    if let Some(facts) = ground.step_mut(id) {
        facts.answered = Some((event.slot, event.engine_attempt_id));
        facts.error = None;
    }
    if let Some(about) = about {
        ground.meet(Some(&about));
        if let Some(facts) = ground.step_mut(id) {
            facts.about_output = Some(about.told());
        }
    }
    if let Some(signal_id) = signal_id {
        let taken = ground
            .signal_numbers()
            .into_iter()
            .find(|number| ground.signal(*number).is_some_and(|signal| signal.signal_id == signal_id));
        if let Some(number) = taken {
            ground.set_signal(number, None);
            let run = ground.run_mut();
            run.kept_signals = run.kept_signals.saturating_sub(1);
        }
    }
    step_ends(plan, ground, id, step, next, event);
    undo::add(plan, ground, id, step);
}

fn skipped<G: Ground>(
    plan: &Plan,
    ground: &mut G,
    id: &StepId,
    step: &Step,
    mut facts: Facts,
    body: &StepSkipped,
    event: &Event,
) {
    ground.run_mut().seq += 1;
    let was = ground.step(id).map(|facts| facts.status);
    facts.skipped = Some(body.reason_code);
    if was == Some(StepStatus::Failed) && id.is_plain() {
        // It was over before, and still is: only how it counts has changed.
        retry_requested::leave_failed_set(ground, id);
        let run = ground.run_mut();
        run.failed = run.failed.saturating_sub(1);
        facts.status = StepStatus::Skipped;
        facts.completed_at = Some(event.at);
        let has_released = std::mem::replace(&mut facts.has_released, true);
        ground.add_step(id.clone(), facts);
        if !has_released {
            ready::release(ground, step);
        }
        return;
    }
    if facts.missing == 0 {
        leave_the_line(plan, ground, id, step, &facts);
    }
    facts.retry_at = None;
    ground.add_step(id.clone(), facts);
    if id.index().is_some() && !id.is_compensation() {
        super::step_end::item_ends(plan, ground, id, step);
    }
    step_ends(plan, ground, id, step, StepStatus::Skipped, event);
}
