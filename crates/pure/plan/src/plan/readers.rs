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

/// Notes what a step and what undoes it read; a step that nobody reads has no entry.
pub(super) fn note(step: &Step, found: &mut BTreeMap<StepId, Readers>) {
    for reader in std::iter::once(step).chain(step.compensate.as_deref()) {
        for read in &reader.reads {
            let readers = found.entry(read.clone()).or_default();
            match reader.part {
                Part::Ordinary => readers.steps.push(reader.id.clone()),
                Part::Compensation => readers.compensations.push(reader.id.clone()),
                Part::Finally => readers.finally.push(reader.id.clone()),
            }
        }
    }
}

/// Notes what the outputs of the plan read.
pub(super) fn note_outputs(plan: &Plan, found: &mut BTreeMap<StepId, Readers>) {
    for output in plan.outputs.values() {
        output.each_expression(&mut |expression| {
            for read in expression.steps() {
                found.entry(read.clone()).or_default().outputs = true;
            }
        });
    }
}
