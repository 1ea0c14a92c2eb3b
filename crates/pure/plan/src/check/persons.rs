//! DVT-P037: a step hands down whom only its sub-plan names by `subject`, so here the name lies under nobody's key.

use crate::diagnostic::codes;
use crate::diagnostic::collector::{Collector, Report};
use crate::document::{Draft, StepDraft};
use crate::expression::Expression;
use crate::plan::{Form, Plan};
use crate::template::TemplateValue;
use std::collections::BTreeSet;

/// Warns about each input of a sub-plan that names a person there and nobody here.
pub(crate) fn check(draft: &Draft, sink: &mut Collector<'_>) {
    let mut named: BTreeSet<&str> = BTreeSet::new();
    for subject in draft.bodies().filter_map(|step| step.subject.as_ref()) {
        subject.each_expression(&mut |expression| named.extend([expression.source().trim()]));
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
    for (input, value) in given.iter().filter(|(input, _)| naming.contains(input.as_str())) {
        let mut unnamed = None;
        value.each_expression(&mut |expression: &Expression| {
            let source = expression.source().trim();
            if !named.contains(source) {
                unnamed = Some(source.to_owned());
            }
        });
        let Some(source) = unnamed else { continue };
        let message =
            format!("`{}` names a person by its input `{input}`, and this step names nobody", child.name);
        let report = Report::warning(codes::PERSON_HANDED_DOWN, step.form_place, message)
            .why("here the name lies under nobody's key, so it does not end with that person");
        sink.add(report.fix(format!("subject: ${{{{ {source} }}}}")));
    }
}

/// The inputs by which a plan names persons.
fn naming(plan: &Plan) -> BTreeSet<&str> {
    let mut inputs = BTreeSet::new();
    let bodies = plan.steps.values().flat_map(|step| std::iter::once(step).chain(step.compensate.as_deref()));
    for subject in bodies.filter_map(|step| step.subject.as_ref()) {
        subject
            .each_expression(&mut |expression| inputs.extend(expression.inputs().iter().map(String::as_str)));
    }
    inputs
}
