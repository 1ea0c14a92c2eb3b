//! Names of a test file against its plan: a stub or an expectation of a step that is not there would say nothing.

use super::codes::UNKNOWN_NAME;
use super::{Deed, Moment, Placed, TestFile};
use crate::diagnostic::collector::{Collector, Report, shown};
use crate::diagnostic::nearest;
use crate::plan::Plan;
use crate::read::tree::Place;

pub(super) fn check(sink: &mut Collector<'_>, file: &TestFile, plan: &Plan) {
    let mut told = std::collections::BTreeSet::new();
    for case in &file.cases {
        for stub in case.stubs.values().filter(|stub| told.insert(stub.name.span.start)) {
            step(sink, &stub.name, plan);
        }
        for act in &case.acts {
            match &act.moment {
                Moment::After(name) | Moment::During(name) => step(sink, name, plan),
                Moment::At(_) => {}
            }
            match &act.deed.value {
                Deed::RetryStep(name) | Deed::SkipStep(name) => {
                    step(sink, &Placed { value: name.clone(), span: act.deed.span }, plan);
                }
                Deed::Cancel | Deed::Pause | Deed::Resume | Deed::EmergencyStop | Deed::Send { .. } => {}
            }
        }
        for name in &case.expect.order {
            step(sink, name, plan);
        }
        for expected in &case.expect.steps {
            step(sink, &expected.name, plan);
        }
        for (name, _) in &case.expect.outputs {
            if !plan.outputs.contains_key(&name.value) {
                let known = plan.outputs.keys().map(String::as_str);
                unknown(sink, name, "output", &name.value, known);
            }
        }
    }
}

/// A step; of an item or a compensation (`load.0`, `load.compensate`) the step that it belongs to.
fn step(sink: &mut Collector<'_>, name: &Placed<String>, plan: &Plan) {
    let base = name.value.split('.').next().unwrap_or_default();
    if !plan.steps.keys().any(|id| id.as_str() == base) {
        unknown(sink, name, "step", base, plan.steps.keys().map(dvt_model::id::StepId::as_str));
    }
}

fn unknown<'a>(
    sink: &mut Collector<'_>,
    name: &Placed<String>,
    what: &str,
    word: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) {
    let place = Place::new(name.span.start, name.span.end);
    let message = format!("the plan has no {what} {}", shown(word));
    let near = nearest::nearest(word, known.clone());
    let report = Report::error(UNKNOWN_NAME, place, message).did_you_mean(near);
    sink.add(report.choices(nearest::ordered(word, known)));
}
