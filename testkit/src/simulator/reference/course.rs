//! Where a run stands: what may begin, what is settled, which phase of the way out this is. Everything is asked of the
//! facts anew.

use super::view::{Fact, Unit, View, is_selected, is_waiting, step_of};
use dvt_model::run::{RunStatus, StepStatus};
use dvt_plan::plan::{Part, Plan, Step};

/// The phases of 4.6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Not ending.
    None,
    /// 1
    Drain,
    /// 2
    Conditional,
    /// 3
    Compensation,
    /// 4
    Finally,
    /// Nothing is left.
    Over,
}

/// The newest attempt is over for good.
pub(super) fn is_terminal(fact: &Fact) -> bool {
    matches!(fact.status, StepStatus::Success | StepStatus::Failed | StepStatus::Skipped)
}

/// Whether a step asks for `always()`, and for `failure()`.
pub(super) fn asks(step: &Step) -> (bool, bool) {
    let functions = step.condition.as_ref().map(|condition| condition.status_functions());
    functions.map_or((false, false), |functions| (functions.always, functions.failure))
}

/// Whether a pending ordinary step may ever begin, as far as the way out has to say.
pub(super) fn may_begin(view: &View, step: &Step) -> bool {
    let (always, failure) = asks(step);
    !view.is_ending() || always || (failure && view.is_failing())
}

/// Terminal, or never to begin.
pub(super) fn is_settled(view: &View, step: &Step) -> bool {
    if !is_selected(view, step.id.as_str()) {
        return true;
    }
    match view.fact(step.id.as_str()) {
        Some(fact) if fact.status == StepStatus::Pending => !may_begin(view, step),
        Some(fact) => is_terminal(fact),
        None => false,
    }
}

/// The names of the items of a step's newest attempt.
pub(super) fn items(view: &View, id: &str) -> Vec<String> {
    let count = view.fact(id).and_then(Fact::items).unwrap_or(0);
    (0..count).map(|item| format!("{id}.{item}")).collect()
}

/// Something of the drain is still at work: an attempt that waits for nobody.
pub(super) fn drains(plan: &Plan, view: &View) -> bool {
    view.units.keys().any(|name| {
        let is_base = |step: &Step| step.foreach.is_some() && Unit::of(name).item.is_none();
        view.is_of_the_drain(name)
            && step_of(plan, name).is_some_and(|step| !is_waiting(&step.form) && !is_base(step))
    })
}

/// Compensations that are due, the next one first: groups of one step in reverse order of their completion. Of a `foreach`
/// the items are what is undone, so the last of them is when it completed.
pub(super) fn owed(plan: &Plan, view: &View) -> Vec<Vec<String>> {
    let mut groups: Vec<(usize, Vec<String>)> = Vec::new();
    for step in plan.steps.values().filter(|step| step.compensate.is_some()) {
        let id = step.id.as_str();
        let names = match step.foreach {
            Some(_) => {
                let of = |name: &&String| Unit::of(name).base == id && Unit::of(name).item.is_some();
                let mut items: Vec<String> =
                    view.units.keys().filter(|name| !Unit::of(name).undoes).filter(of).cloned().collect();
                items.sort_by_key(|name| Unit::of(name).item);
                items
            }
            None => vec![id.to_owned()],
        };
        let done: Vec<&String> = names.iter().filter(|name| view.is(name, StepStatus::Success)).collect();
        let places = done.iter().filter_map(|name| view.fact(name)?.ended.as_ref().map(|(place, _)| *place));
        let Some(last) = places.max() else { continue };
        let open = done.into_iter().map(|name| format!("{name}.compensate"));
        let open: Vec<String> = open.filter(|name| !view.fact(name).is_some_and(is_terminal)).collect();
        if !open.is_empty() {
            groups.push((last, open));
        }
    }
    groups.sort_by_key(|(place, _)| std::cmp::Reverse(*place));
    groups.into_iter().map(|(_, names)| names).collect()
}

/// A conditional step that runs or still may.
fn has_conditional(plan: &Plan, view: &View) -> bool {
    let steps = plan.steps.values().filter(|step| step.part == Part::Ordinary);
    steps.filter(|step| is_selected(view, step.id.as_str())).any(|step| {
        match view.fact(step.id.as_str()).map(|fact| fact.status) {
            Some(StepStatus::Running) => !is_waiting(&step.form) || !view.is_of_the_drain(step.id.as_str()),
            Some(StepStatus::Pending) => may_begin(view, step),
            _ => false,
        }
    })
}

/// Whether `finally` has something left to do.
pub(super) fn has_finally(plan: &Plan, view: &View) -> bool {
    let mut steps = plan.steps.values().filter(|step| step.part == Part::Finally);
    steps.any(|step| !view.fact(step.id.as_str()).is_some_and(is_terminal))
}

/// The phase.
pub(super) fn phase(plan: &Plan, view: &View) -> Phase {
    if !view.is_ending() {
        Phase::None
    } else if drains(plan, view) {
        Phase::Drain
    } else if has_conditional(plan, view) {
        Phase::Conditional
    } else if !owed(plan, view).is_empty() {
        Phase::Compensation
    } else if has_finally(plan, view) {
        Phase::Finally
    } else {
        Phase::Over
    }
}

/// Every ordinary step is over.
pub(super) fn ordinary_is_over(plan: &Plan, view: &View) -> bool {
    let mut steps = plan.steps.values().filter(|step| step.part == Part::Ordinary);
    steps.all(|step| {
        !is_selected(view, step.id.as_str()) || view.fact(step.id.as_str()).is_some_and(is_terminal)
    })
}

/// The `finally` steps that failed and were not forgiven, in the order of their failures.
pub(super) fn failed_finally<'p>(plan: &'p Plan, view: &View) -> Vec<&'p Step> {
    let steps = plan.steps.values().filter(|step| step.part == Part::Finally && !step.continue_on_error);
    let mut failed: Vec<&Step> = steps.filter(|step| view.is(step.id.as_str(), StepStatus::Failed)).collect();
    failed.sort_by_key(|step| {
        view.fact(step.id.as_str()).and_then(|fact| fact.ended.as_ref().map(|(place, _)| *place))
    });
    failed
}

/// Whether the run stands where new attempts can begin at all.
pub(super) fn is_open(view: &View) -> bool {
    view.status == Some(RunStatus::Running) || (view.status == Some(RunStatus::Paused) && view.is_ending())
}
