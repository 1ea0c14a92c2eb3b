//! Which class the payloads of each step have: what its steps say, and what flows from the outputs that they read.
//!
//! A step that says nothing has the class of the plan: what nobody lowered is protected as the plan asks. Surprising: a step that
//! declassifies is still given what it reads, so its arguments, its log and its failures keep the higher class.

use super::{DataClass, Form, Part, Plan, Step};
use dvt_model::id::StepId;
use std::collections::BTreeMap;

/// The classes of a step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Classes {
    /// Of what it is given, what it prints, and how it fails.
    pub input: DataClass,
    /// Of its output.
    pub output: DataClass,
}

/// Finds the classes of every step; none where the whole plan is `standard`.
pub(crate) fn of(plan: &Plan) -> BTreeMap<StepId, Classes> {
    let mut found = BTreeMap::new();
    if plan.data_class == DataClass::Standard {
        return found;
    }
    let mut order: Vec<&Step> = plan.steps.values().collect();
    // What is read has ended before: it lies in a lower layer, and ordinary steps before those of `finally`.
    order.sort_by_key(|step| (step.part == Part::Finally, plan.layer(&step.id)));
    for step in order {
        let classes = of_step(plan, &found, step);
        found.insert(step.id.clone(), classes);
    }
    found
}

fn of_step(plan: &Plan, found: &BTreeMap<StepId, Classes>, step: &Step) -> Classes {
    let of = |step: &Step| {
        let read = step.reads.iter().filter_map(|read| found.get(read)).map(|classes| classes.output);
        read.max().unwrap_or_default()
    };
    let read = of(step);
    let undone_by = step.compensate.as_deref().map(of).unwrap_or_default();
    let own = match (step.data_class, &step.declassify) {
        (Some(own), _) => own,
        (None, Some(_)) => DataClass::Standard,
        (None, None) => plan.data_class,
    };
    let output = if step.declassify.is_some() { own } else { own.max(read) };
    // How a sub-plan fails may tell of whatever its plan carries, which is no more than this one.
    let runs = |step: &Step| matches!(step.form, Form::Plan(_));
    let fails =
        if runs(step) || step.compensate.as_deref().is_some_and(runs) { plan.data_class } else { output };
    Classes { input: output.max(read).max(undone_by).max(fails), output }
}

/// Why data may not cross between a step and the sub-plan that it runs. Both classes are told, the higher one first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crossing {
    /// The sub-plan carries more than the plan.
    AbovePlan(DataClass, DataClass),
    /// It carries more than what the step gives, and the step does not declassify.
    AboveStep(DataClass, DataClass),
    /// The step hands over more than the sub-plan carries.
    HandsDown(DataClass, DataClass),
}

/// Compares the class of a sub-plan with those of the step (or of what undoes it) that runs it.
// INVARIANT(INV-18): a class crosses into a sub-plan and back as it flows between steps, or the plan is refused.
pub(super) fn crossing(plan: &Plan, step: &Step, child: &Plan) -> Option<Crossing> {
    let carries = child.data_class;
    if carries > plan.data_class {
        return Some(Crossing::AbovePlan(carries, plan.data_class));
    }
    let gives = plan.classes(&step.id).output;
    let speaks = step.declassify.is_some() && step.part != Part::Compensation;
    if carries > gives && !speaks {
        return Some(Crossing::AboveStep(carries, gives));
    }
    let mut hands_over = false;
    if let Some(with) = &step.with {
        with.each_expression(&mut |_| hands_over = true);
    }
    let of_base = plan.steps.get(&step.id).and_then(|base| base.data_class);
    let own = step.data_class.or(of_base).unwrap_or(plan.data_class);
    let read = step.reads.iter().map(|read| plan.classes(read).output).max().unwrap_or_default();
    let given = own.max(read);
    (hands_over && given > carries).then_some(Crossing::HandsDown(given, carries))
}
