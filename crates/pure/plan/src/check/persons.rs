//! DVT-P037: a step hands down whom only its sub-plan names by `subject`, so here the name lies under nobody's key.

use crate::diagnostic::codes;
use crate::diagnostic::collector::{Collector, Report};
use crate::document::{Draft, StepDraft};
use crate::expression::Expression;
use crate::plan::{Form, Plan};
use crate::template::TemplateValue;
use std::collections::{BTreeMap, BTreeSet};

/// Warns about each input of a sub-plan that names a person there and nobody here.
pub(crate) fn check(draft: &Draft, sink: &mut Collector<'_>) {
    let mut named: BTreeSet<&str> = BTreeSet::new();
    for subject in draft.bodies().filter_map(|step| step.subject.as_ref()) {
        // Of each step an item is another one.
        subject.each_expression(&mut |expression| {
            named.extend((!expression.uses_item()).then_some(expression.source().trim()));
        });
    }
    for step in draft.bodies().filter(|step| step.subject.is_none()) {
        if let Some(Form::Plan(sub_plan)) = &step.form
            && let Some(child) = &sub_plan.child
        {
            of_step(step, child, &named, sink);
        }
    }
}

fn of_step(step: &StepDraft, child: &Plan, named: &BTreeSet<&str>, sink: &mut Collector<'_>) {
    let Some(TemplateValue::Object(given)) = &step.with else { return };
    let naming = naming(child);
    for (input, value) in given {
        let Some(names) = naming.get(input.as_str()) else { continue };
        let mut unnamed = None;
        value.each_expression(&mut |expression: &Expression| {
            let source = expression.source().trim();
            if !named.contains(source) {
                unnamed = Some(source.to_owned());
            }
        });
        let Some(source) = unnamed else { continue };
        let (whom, fix) = match names {
            Names::One => ("a person", format!("subject: ${{{{ {source} }}}}")),
            Names::Several => ("persons", format!("foreach: {source}   and   subject: ${{{{ item }}}}")),
        };
        let message =
            format!("`{}` names {whom} by its input `{input}`, and this step names nobody", child.name);
        let report = Report::warning(codes::PERSON_HANDED_DOWN, step.form_place, message)
            .why("here the name lies under nobody's key, so it does not end with that person");
        sink.add(report.fix(fix));
    }
}

/// Whom an input names: a step names one person, so those of a list are named item by item.
enum Names {
    One,
    Several,
}

/// The inputs by which a plan names persons.
fn naming(plan: &Plan) -> BTreeMap<&str, Names> {
    let mut inputs = BTreeMap::new();
    for step in plan.steps.values() {
        let mut names_item = false;
        let bodies = [Some(step), step.compensate.as_deref()].into_iter().flatten();
        for subject in bodies.filter_map(|body| body.subject.as_ref()) {
            subject.each_expression(&mut |expression| {
                inputs.extend(expression.inputs().iter().map(|input| (input.as_str(), Names::One)));
                names_item |= expression.uses_item();
            });
        }
        if let Some(foreach) = step.foreach.as_ref().filter(|_| names_item) {
            foreach.each_expression(&mut |expression| {
                inputs.extend(expression.inputs().iter().map(|input| (input.as_str(), Names::Several)));
            });
        }
    }
    inputs
}
