//! Who reads a step's output: what may be forgotten, and when.

use super::{Part, Plan, Step};
use dvt_model::id::StepId;
use std::collections::BTreeMap;

/// Who reads what a step left behind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Readers {
    /// Ordinary steps, in byte order.
    pub steps: Vec<StepId>,
    /// Steps whose compensation reads it, in byte order.
    pub compensations: Vec<StepId>,
    /// `finally` steps, in byte order.
    pub finally: Vec<StepId>,
    /// Whether the plan's outputs read it.
    pub outputs: bool,
}

/// Finds the readers of every step; a step that nobody reads has no entry.
pub(crate) fn of(plan: &Plan) -> BTreeMap<StepId, Readers> {
    let mut found: BTreeMap<StepId, Readers> = BTreeMap::new();
    let mut note = |reader: &Step| {
        for read in &reader.reads {
            let readers = found.entry(read.clone()).or_default();
            match reader.part {
                Part::Ordinary => readers.steps.push(reader.id.clone()),
                Part::Compensation => readers.compensations.push(reader.id.clone()),
                Part::Finally => readers.finally.push(reader.id.clone()),
            }
        }
    };
    for step in plan.steps.values() {
        note(step);
        if let Some(compensation) = &step.compensate {
            note(compensation);
        }
    }
    for output in plan.outputs.values() {
        output.each_expression(&mut |expression| {
            for read in expression.steps() {
                found.entry(read.clone()).or_default().outputs = true;
            }
        });
    }
    found
}
