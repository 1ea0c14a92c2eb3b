//! DVT-P010 and DVT-P011: needs that are no steps, and steps that wait for each other.
//!
//! Kahn's algorithm over indices, linear in steps and needs; the way round a cycle is walked only when there is one.

use crate::diagnostic::codes;
use crate::diagnostic::collector::{Collector, Report, shown};
use crate::diagnostic::nearest;
use crate::document::{Draft, Occurrence, Owner, StepDraft};
use crate::plan::Part;
use crate::plan::edges::{self, Edges};
use crate::plan::index::Index;
use crate::read::tree::Place;
use dvt_model::id::StepId;
use std::collections::BTreeMap;

/// The graph of a plan without cycles.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    /// Needs of each step, by its index in the draft; named and implied.
    pub(crate) needs: Edges,
    /// All steps, each after its needs.
    pub(crate) order: Vec<usize>,
}

/// The steps by id.
pub(crate) fn index(draft: &Draft) -> Index<'_> {
    Index::new(draft.steps.iter().map(|step| &*step.id))
}

/// Builds the graph and reports what is wrong with it.
pub(crate) fn check(
    draft: &Draft,
    index: &Index<'_>,
    occurrences: &[Occurrence],
    sink: &mut Collector<'_>,
) -> Graph {
    let mut needs: Vec<edges::Pair> = Vec::with_capacity(draft.steps.len());
    for (at, step) in draft.steps.iter().enumerate() {
        if let Some(first) = index.get(&step.id).filter(|first| *first != at) {
            twice(draft, first, step, sink);
        }
        for (need, place) in &step.needs {
            match index.get(need.as_str()) {
                Some(other) if other == at => {
                    let message = format!("the step {} needs itself", shown(&step.id));
                    let report = Report::error(codes::CYCLE, *place, message);
                    sink.add(report.fix("leave it out"));
                }
                Some(other) => {
                    if across(draft, step, other, *place, sink) {
                        needs.extend(edges::pair(at, other));
                    }
                }
                None => unknown(need, *place, index, sink),
            }
        }
    }
    for occurrence in occurrences {
        let (at, is_undo) = match occurrence.owner {
            Owner::Step(at) | Owner::Lists(at) => (at, false),
            Owner::Compensation(at) => (at, true),
            Owner::Start | Owner::PlanOutputs => continue,
        };
        let Some(reader) = draft.steps.get(at) else { continue };
        for step in occurrence.expression.steps() {
            // A name that is no step is told by the check of names.
            let Some(other) = index.get(step.as_str()) else { continue };
            if other == at {
                if !is_undo {
                    let message = format!("the step {} reads its own output", shown(step.as_str()));
                    let report = Report::error(codes::CYCLE, occurrence.place, message);
                    sink.add(report.why("an output exists once its step has ended"));
                }
                continue;
            }
            // What `finally` reads of ordinary steps has ended before it, without a need.
            let part = draft.steps.get(other).map_or(Part::Ordinary, |other| other.part);
            if reader.part == Part::Finally && part == Part::Ordinary {
                continue;
            }
            if across(draft, reader, other, occurrence.place, sink) {
                needs.extend(edges::pair(at, other));
            }
        }
    }
    let needs = Edges::new(draft.steps.len(), needs);
    let order = acyclic(draft, &needs, sink);
    Graph { needs, order }
}

/// Whether a step may wait for another one: `steps` among themselves, `finally` among themselves.
fn across(draft: &Draft, step: &StepDraft, other: usize, place: Place, sink: &mut Collector<'_>) -> bool {
    let Some(other) = draft.steps.get(other).filter(|other| other.part != step.part) else { return true };
    let report = if other.part == Part::Finally {
        let message = format!("{} is a step of `finally`, which runs after all others", shown(&other.id));
        Report::error(codes::UNKNOWN_NEED, place, message)
            .fix("move the step that needs it to `finally`, too")
    } else {
        let message = format!("{} is no step of `finally`", shown(&other.id));
        Report::error(codes::UNKNOWN_NEED, place, message)
            .why("`finally` runs when all other steps are over, so it waits for none of them")
            .fix("leave it out; its output can be read all the same")
    };
    sink.add(report.related(other.place, "this one"));
    false
}

fn twice(draft: &Draft, first: usize, step: &StepDraft, sink: &mut Collector<'_>) {
    let message = format!("the step {} stands in `steps` and in `finally`", shown(&step.id));
    let mut report = Report::error(codes::DUPLICATE_KEY, step.place, message);
    if let Some(first) = draft.steps.get(first) {
        report = report.related(first.place, "the first one");
    }
    sink.add(report.why("expressions name steps by their ids").fix("give one of them another id"));
}

fn unknown(need: &StepId, place: Place, index: &Index<'_>, sink: &mut Collector<'_>) {
    let has_room = sink.has_room();
    sink.add_error(|| {
        let message = format!("there is no step {}", shown(need.as_str()));
        let report = Report::error(codes::UNKNOWN_NEED, place, message);
        if !has_room {
            return report;
        }
        let names = index.ids();
        let report = report.did_you_mean(nearest::nearest(need.as_str(), names.clone()));
        report.choices(nearest::ordered(need.as_str(), names))
    });
}

fn acyclic(draft: &Draft, needs: &Edges, sink: &mut Collector<'_>) -> Vec<usize> {
    let dependants = needs.turned();
    let mut waiting: Vec<usize> = needs.places().map(|at| needs.of(at).len()).collect();
    let mut ready: Vec<usize> = needs.places().filter(|at| needs.of(*at).len() == 0).collect();
    let mut order = Vec::with_capacity(waiting.len());
    while let Some(at) = ready.pop() {
        order.push(at);
        for dependant in dependants.of(at) {
            if let Some(left) = waiting.get_mut(dependant) {
                *left -= 1;
                if *left == 0 {
                    ready.push(dependant);
                }
            }
        }
    }
    if order.len() < waiting.len() {
        cycle(draft, needs, &waiting, sink);
    }
    order
}

/// Walks from one waiting step along needs that wait too, until a step comes twice: the way between is a cycle.
fn cycle(draft: &Draft, needs: &Edges, waiting: &[usize], sink: &mut Collector<'_>) {
    let waits = |at: &usize| waiting.get(*at).is_some_and(|left| *left > 0);
    let Some(mut at) = needs.places().find(|at| waits(at)) else { return };
    let mut seen = BTreeMap::new();
    let mut way = Vec::new();
    while !seen.contains_key(&at) {
        seen.insert(at, way.len());
        way.push(at);
        match needs.of(at).find(waits) {
            Some(next) => at = next,
            None => return,
        }
    }
    let begin = seen.get(&at).copied().unwrap_or(0);
    let round: Vec<usize> = way.into_iter().skip(begin).collect();
    let name = |at: &usize| draft.steps.get(*at).map_or("", |step| &*step.id);
    let lowest = round.iter().enumerate().min_by_key(|(_, at)| **at).map_or(0, |(index, _)| index);
    let round: Vec<usize> = round.iter().cycle().skip(lowest).take(round.len()).copied().collect();
    let shown_steps = 8;
    let mut names: Vec<&str> = round.iter().map(name).take(shown_steps).collect();
    if round.len() > shown_steps {
        names.push("…");
    }
    names.extend(round.first().map(name));
    let Some(first) = round.first().and_then(|at| draft.steps.get(*at)) else { return };
    let message = format!("steps wait for each other: {}", names.join(" → "));
    let mut report = Report::error(codes::CYCLE, first.place, message)
        .label(format!("each needs the next; {} steps in all", round.len()))
        .why("none of them could ever start")
        .fix("take one of these needs away; an expression that reads a step's output needs it as well");
    for at in round.iter().skip(1).take(shown_steps) {
        if let Some(step) = draft.steps.get(*at) {
            report = report.related(step.place, "waits in the same round");
        }
    }
    sink.add(report);
}
