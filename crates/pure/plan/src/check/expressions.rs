//! DVT-P007 and DVT-P026: names and types inside expressions, before anything runs.
//!
//! The checker of `expression` knows the language; this file knows the plan: which inputs, variables and steps there
//! are, what shape they have, and what the value is used for.

use crate::diagnostic::codes;
use crate::diagnostic::collector::{Collector, Report};
use crate::document::templates::locate;
use crate::document::{Draft, Occurrence, Owner, Role, StepDraft};
use crate::expression::check::{Names, Problem, ProblemKind, Shape, examine};
use crate::input::{Schema, Type};
use crate::plan::{Form, OutputMode, Part};
use std::ops::Range;

/// Checks every expression of the plan.
pub(crate) fn check(draft: &Draft, names: &mut Names, occurrences: &[Occurrence], sink: &mut Collector<'_>) {
    let items: Vec<Option<Shape>> = draft
        .steps
        .iter()
        .map(|step| step.foreach.as_ref().map(|foreach| super::items::item(foreach, names)))
        .collect();
    let before_start = Names { inputs: names.inputs.clone(), vars: names.vars.clone(), ..Names::default() };
    let is_finally = |at: usize| draft.steps.get(at).is_some_and(|step| step.part == Part::Finally);
    for occurrence in occurrences {
        let (item, is_finally) = match occurrence.owner {
            Owner::Step(at) | Owner::Compensation(at) => (items.get(at).cloned().flatten(), is_finally(at)),
            Owner::Lists(at) => (None, is_finally(at)),
            Owner::Start | Owner::PlanOutputs => (None, false),
        };
        names.item = item;
        names.run_status = is_finally;
        let (problems, shape) = match occurrence.owner {
            Owner::Start => examine(&occurrence.expression, &before_start),
            Owner::Compensation(at) => match draft.steps.get(at) {
                Some(step) => {
                    super::items::for_undoing(step, names, |names| examine(&occurrence.expression, names))
                }
                None => examine(&occurrence.expression, names),
            },
            Owner::Step(_) | Owner::Lists(_) | Owner::PlanOutputs => examine(&occurrence.expression, names),
        };
        for problem in &problems {
            tell(draft, occurrence, problem, sink);
        }
        if problems.is_empty() {
            use_of(occurrence, &shape, sink);
        }
        // Listing the legal names of a plan with many steps is costly, and nobody reads the hundred-and-first list.
        if !sink.has_room() {
            break;
        }
    }
    names.item = None;
    names.run_status = false;
}

/// What there is to be named.
pub(crate) fn names(draft: &Draft) -> Names {
    let steps = draft.steps.iter();
    Names {
        inputs: draft.inputs.iter().map(|(name, input)| (name.clone(), shape(&input.schema))).collect(),
        vars: draft.vars.iter().map(|(name, value)| (name.clone(), Shape::of(value))).collect(),
        steps: steps.map(|step| (step.id.clone(), super::items::left_behind(step))).collect(),
        item: None,
        run_status: false,
    }
}

/// What one attempt leaves behind where no schema says so.
pub(crate) fn output_shape(step: &StepDraft) -> Shape {
    match &step.form {
        Some(Form::Run { .. } | Form::Script { .. }) => match step.output {
            OutputMode::Text => Shape::String,
            OutputMode::Lines => Shape::list(Shape::String),
            OutputMode::File | OutputMode::Json => Shape::Any,
        },
        Some(Form::Signal(signal)) => signal.schema.as_ref().map_or(Shape::Any, shape),
        Some(Form::Plan(_)) => match &step.child_outputs {
            Some(outputs) => Shape::Object { fields: outputs.clone(), open: false },
            None => Shape::Any,
        },
        Some(
            Form::Noop { .. }
            | Form::Uses(_)
            | Form::Wait { .. }
            | Form::WaitUntil { .. }
            | Form::Approval(_),
        )
        | None => Shape::Any,
    }
}

/// What a schema promises; of two types nothing is known.
pub(crate) fn shape(schema: &Schema) -> Shape {
    let [one] = schema.types.as_slice() else { return Shape::Any };
    match one {
        Type::Null => Shape::Null,
        Type::Boolean => Shape::Bool,
        Type::Integer => Shape::Int,
        Type::Number => Shape::Number,
        Type::String => Shape::String,
        Type::Array => Shape::list(schema.items.as_ref().map_or(Shape::Any, |items| shape(items))),
        Type::Object => Shape::Object {
            fields: schema.properties.iter().map(|(name, schema)| (name.clone(), shape(schema))).collect(),
            open: schema.additional,
        },
    }
}

fn tell(draft: &Draft, occurrence: &Occurrence, problem: &Problem, sink: &mut Collector<'_>) {
    let code = match problem.kind {
        ProblemKind::UnknownName | ProblemKind::UnknownFunction => codes::UNKNOWN_NAME,
        ProblemKind::WrongArity | ProblemKind::WrongType => codes::EXPRESSION_TYPE,
    };
    let place = place(occurrence, problem.range.clone(), sink);
    let mut report = Report::error(code, place, problem.message.clone());
    if occurrence.owner == Owner::Start && problem.message.contains("step") {
        let message = "the group of `concurrency` is decided before any step, so it sees none";
        sink.add(Report::error(code, place, message).fix("group: '${{ inputs.region }}'"));
        return;
    }
    let written = occurrence.expression.source().get(problem.range.clone()).unwrap_or_default();
    let near = near(written, &problem.choices);
    if let Some(near) = near {
        let input = near.strip_prefix("inputs.").unwrap_or(near);
        let declared = draft.inputs.get(input).zip(draft.input_places.get(input));
        let known =
            declared.filter(|_| problem.kind == ProblemKind::UnknownName && written.starts_with("inputs"));
        report = match known {
            Some((declared, at)) => {
                let line = sink.span(*at).line;
                let text = format!("did you mean `inputs.{input}`? ({}, line {line})", declared.describe());
                report.label(text)
            }
            None => report.did_you_mean(Some(near)),
        };
    }
    sink.add(report.choices(problem.choices.clone()));
}

/// The first choice, where it is near to what was written.
fn near<'a>(written: &str, choices: &'a [String]) -> Option<&'a str> {
    let last = |text: &'a str| text.rsplit('.').next().unwrap_or(text);
    let word = written.rsplit('.').next().unwrap_or(written);
    let first = choices.first().map(String::as_str)?;
    crate::diagnostic::nearest::nearest(word, [last(first)]).map(|_| first)
}

fn use_of(occurrence: &Occurrence, shape: &Shape, sink: &mut Collector<'_>) {
    let source = occurrence.expression.source();
    let fault = match (occurrence.role, shape) {
        (Role::Condition, Shape::Any | Shape::Bool) | (Role::Whole, _) => None,
        (Role::Condition, other) => Some((
            format!("`if` takes true or false, and this is {other}"),
            "compare it, for instance with   == or !=",
        )),
        (Role::Items, Shape::Any | Shape::List(_)) => None,
        (Role::Items, other) => Some((
            format!("`foreach` takes a list, and this is {other}"),
            "foreach: inputs.regions   where   regions: { type: array, maxItems: 16 }",
        )),
        (Role::InText, Shape::List(_) | Shape::Object { .. } | Shape::Null) => Some((
            format!("a value inside text is a string, number or boolean, and this is {shape}"),
            "${{ toJson(…) }}   or   ${{ ….join(',') }}",
        )),
        (Role::InText, _) => None,
        (Role::Moment, Shape::Any | Shape::String) => None,
        (Role::Moment, other) => Some((
            format!("`waitUntil` takes a moment as a text, and this is {other}"),
            "'2026-12-24T18:00:00Z'   or for a duration   wait: 10m",
        )),
        (Role::Person, Shape::Any | Shape::String | Shape::Int | Shape::Number) => None,
        (Role::Person, other) => Some((
            format!("`subject` names one person, by a text or a number, and this is {other}"),
            "subject: ${{ inputs.customer }}",
        )),
    };
    if let Some((message, fix)) = fault {
        let place = place(occurrence, 0..source.len(), sink);
        sink.add(Report::error(codes::EXPRESSION_TYPE, place, message).fix(fix));
    }
    if occurrence.role != Role::Condition && occurrence.expression.uses_status_function() {
        let place = place(occurrence, 0..source.len(), sink);
        let message = "`always()`, `success()` and `failure()` mean something in `if` alone";
        sink.add(Report::error(codes::EXPRESSION_TYPE, place, message).fix("${{ steps.load.status }}"));
    }
}

fn place(occurrence: &Occurrence, range: Range<usize>, sink: &Collector<'_>) -> crate::read::tree::Place {
    locate(sink.text(), occurrence.place, occurrence.expression.source(), occurrence.nth, range)
}
