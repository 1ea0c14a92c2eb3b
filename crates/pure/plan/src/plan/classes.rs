//! Which class the payloads of each step have: what its steps say, and what flows from the outputs that they read.
//!
//! A step that says nothing has the class of the plan: what nobody lowered is protected as the plan asks. Surprising: a step that
//! declassifies is still given what it reads, so its arguments, its log and its failures keep the higher class.

use super::{DataClass, Part, Plan, Step};
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
    Classes { input: output.max(read).max(undone_by), output }
}
