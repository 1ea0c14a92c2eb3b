//! The budget of one evaluation: steps, and the bytes of what it builds.
//!
//! Work on long texts and lists is charged by its size, so that a step stays about a microsecond. Nothing is given back:
//! the sum is what bounds time and memory, whatever the expression does in between.

use super::Fault;

/// Evaluation steps.
const MAX_STEPS: usize = 100_000;
/// Bytes of strings, lists and maps built on the way.
const MAX_BUILT: usize = 8 << 20;
/// Bytes of the result as JSON, and of each text made by `toJson`.
pub(super) const MAX_RESULT: usize = 1 << 20;
/// Bytes that cost one step to look at.
const BYTES_PER_STEP: usize = 64;

/// What is left.
#[derive(Debug)]
pub(super) struct Budget {
    steps: usize,
    bytes: usize,
}

impl Budget {
    pub(super) fn new() -> Self {
        Self { steps: MAX_STEPS, bytes: MAX_BUILT }
    }

    /// Takes steps.
    // INVARIANT(INV-21): every node, item, comparison and byte that an evaluation touches passes here.
    pub(super) fn spend(&mut self, steps: usize) -> Result<(), Fault> {
        self.steps = self.steps.checked_sub(steps).ok_or(Fault::OverBudget("100,000 steps"))?;
        Ok(())
    }

    /// Takes the steps for looking at so many bytes.
    pub(super) fn look(&mut self, bytes: usize) -> Result<(), Fault> {
        self.spend(bytes / BYTES_PER_STEP)
    }

    /// Takes the bytes of something new, and the steps to write them; ask before building it.
    pub(super) fn build(&mut self, bytes: usize) -> Result<(), Fault> {
        self.bytes = self.bytes.checked_sub(bytes).ok_or(Fault::OverBudget("8 MiB of values"))?;
        self.look(bytes)
    }

    /// Takes what a list or map of so many items costs.
    pub(super) fn build_items(&mut self, items: usize) -> Result<(), Fault> {
        self.build(items.saturating_mul(size_of::<super::value::Value>()))
    }
}
