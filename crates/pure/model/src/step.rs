//! Ids of what a run makes of a step: `<step>.<n>` is the n-th item of its `foreach`, counted from 0; `<step>.compensate`
//! and `<step>.<n>.compensate` undo; `dvt.approval` is the approval that a tenant puts before a run.
//!
//! A document cannot write them, for [`StepId::parse`] takes no dot; the ledger holds them, and reading back from there is
//! [`StepId::parse_stored`] (which serde uses too).

use crate::id::{InvalidId, StepId, invalid, is_step_or_plan_name};

const COMPENSATE: &str = ".compensate";
const GATE: &str = "dvt.approval";
/// Items that one `foreach` may have.
const MOST_ITEMS: u32 = 10_000;

/// Whether the text is a step id or one of those made from it.
pub(crate) fn is_place(text: &str) -> bool {
    text == GATE || is_step_or_plan_name(step_of(text)) && text.len() <= 64 + 16 && rest_fits(text)
}

/// The part before the first dot.
fn step_of(text: &str) -> &str {
    text.split_once('.').map_or(text, |(step, _)| step)
}

fn rest_fits(text: &str) -> bool {
    let without = text.strip_suffix(COMPENSATE).unwrap_or(text);
    match without.split_once('.') {
        None => true,
        Some((_, index)) => number(index).is_some(),
    }
}

/// A decimal without leading zeros, below the largest number of items.
fn number(text: &str) -> Option<u32> {
    let value: u32 = text.parse().ok()?;
    (value < MOST_ITEMS && value.to_string() == text).then_some(value)
}

impl StepId {
    /// Reads an id as it stands in the ledger.
    pub fn parse_stored(text: &str) -> Result<Self, InvalidId> {
        if is_place(text) {
            Ok(Self(text.into()))
        } else {
            Err(invalid(text, "the id of a step, item or compensation"))
        }
    }

    /// The approval that a tenant puts before a run.
    pub fn gate() -> Self {
        Self(GATE.into())
    }

    /// Whether it is that approval.
    pub fn is_gate(&self) -> bool {
        &*self.0 == GATE
    }

    /// The n-th item of this step, from 0.
    #[must_use]
    pub fn item(&self, index: u32) -> Self {
        Self(format!("{}.{index}", self.0).into())
    }

    /// What undoes this step or item.
    #[must_use]
    pub fn compensation(&self) -> Self {
        Self(format!("{}{COMPENSATE}", self.0).into())
    }

    /// The step of the plan: itself, unless it is an item or a compensation.
    pub fn step(&self) -> &str {
        if self.is_gate() { &self.0 } else { step_of(&self.0) }
    }

    /// Which item it is, or undoes.
    pub fn index(&self) -> Option<u32> {
        if self.is_gate() {
            return None;
        }
        let (_, rest) = self.0.split_once('.')?;
        number(rest.strip_suffix(COMPENSATE).unwrap_or(rest))
    }

    /// Whether it is a compensation.
    pub fn is_compensation(&self) -> bool {
        self.0.ends_with(COMPENSATE)
    }

    /// Whether the plan itself holds it: no item and no compensation.
    pub fn is_plain(&self) -> bool {
        self.is_gate() || !self.0.contains('.')
    }

    /// What a compensation undoes: the step or item.
    pub fn undone(&self) -> Option<Self> {
        self.0.strip_suffix(COMPENSATE).map(|undone| Self(undone.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_run_makes_of_a_step_comes_back_from_the_ledger_and_from_nowhere_else() {
        let step = StepId::parse("load").unwrap();
        let made = [
            (step.item(0), "load.0", Some(0), false),
            (step.item(9_999), "load.9999", Some(9_999), false),
            (step.compensation(), "load.compensate", None, true),
            (step.item(12).compensation(), "load.12.compensate", Some(12), true),
        ];
        for (id, text, index, undoes) in made {
            assert_eq!((id.as_str(), id.index(), id.is_compensation()), (text, index, undoes));
            assert_eq!((id.step(), id.is_plain()), ("load", false));
            assert_eq!(StepId::parse_stored(text).as_ref(), Ok(&id));
            assert_eq!(serde_json::from_str::<StepId>(&format!("\"{text}\"")).unwrap(), id);
            assert!(StepId::parse(text).is_err(), "{text}");
        }
        assert_eq!(step.item(3).compensation().undone(), Some(step.item(3)));
        let gate = StepId::gate();
        assert_eq!((gate.step(), gate.is_plain(), gate.index()), ("dvt.approval", true, None));
        assert_eq!(StepId::parse_stored("dvt.approval"), Ok(gate));
        for wrong in [
            "load.",
            "load.01",
            "load.10000",
            "load.-1",
            "load.x",
            ".0",
            "9.0",
            "load.0.1",
            "load.compensate.0",
            "other.approval",
        ] {
            assert!(StepId::parse_stored(wrong).is_err(), "{wrong}");
        }
    }
}
