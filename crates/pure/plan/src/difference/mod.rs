//! What changed between two plans: rights that are wider first, then what may be wider, then rights that are narrower, then
//! everything else.
//!
//! The canonical documents are compared, so formatting and comments are no change; sub-plans are compared with what they
//! were. What a key means for rights stands in one table ([`measure`]), and what holds a step back behind a gate is read
//! from the compiled plans ([`gates`]). A change that is in no table may let something run that was held back before: it
//! is told as possibly wider.

mod gates;
mod judge;
mod measure;
mod walk;

use crate::Checked;
use serde::Serialize;
use serde_json::Value;

/// One change.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// Where: keys and indices, joined by dots; what lies in a sub-plan follows on the `plan` of its step.
    pub path: String,
    /// What was there; nothing where it was added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// What is there now; nothing where it was removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// All changes.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// The plan may do more than before.
    pub widened: Vec<Change>,
    /// Nothing shows that the plan does no more than before.
    pub possibly_widened: Vec<Change>,
    /// The plan may do less than before.
    pub narrowed: Vec<Change>,
    /// Everything else: what lets nothing run that was held back before.
    pub changed: Vec<Change>,
}

impl Difference {
    /// Whether the plans are the same.
    pub fn is_empty(&self) -> bool {
        !self.may_be_wider() && self.narrowed.is_empty() && self.changed.is_empty()
    }

    /// Whether a right is wider than before, or nothing shows that it is not.
    pub fn may_be_wider(&self) -> bool {
        !self.widened.is_empty() || !self.possibly_widened.is_empty()
    }

    fn list(&mut self, verdict: Verdict) -> &mut Vec<Change> {
        match verdict {
            Verdict::Widened => &mut self.widened,
            Verdict::Possibly => &mut self.possibly_widened,
            Verdict::Narrowed => &mut self.narrowed,
            Verdict::Changed => &mut self.changed,
        }
    }
}

/// What a change means for rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Widened,
    Possibly,
    Narrowed,
    Changed,
}

/// Compares two checked plans. Where a plan has `files`, their digest is to be in it (see [`Checked::with_files`]), or what
/// they hold is not compared.
pub fn between(before: &Checked, after: &Checked) -> Difference {
    let side = |checked: &'_ Checked| walk::Side {
        document: checked.canonical.value().clone(),
        plan: std::sync::Arc::new(checked.plan.clone()),
    };
    let sides = [side(before), side(after)];
    let mut state = walk::State::new([&before.sub_plans, &after.sub_plans]);
    walk::plans(&sides, String::new(), &mut state);
    state.told
}
