//! What the change of one key means for rights.

use super::Verdict::{self, Changed, Narrowed, Possibly, Widened};
use super::measure::{self, Measure};
use super::walk::{Side, Walk};
use crate::plan::Step;
use serde_json::Value;

/// How `concurrency` lets a run in, the narrowest first.
const ON_BUSY: [&str; 3] = ["reject", "queue", "cancelPrevious"];
/// Walls, the weakest first.
const TIERS: [&str; 3] = ["host", "contained", "sealed"];

impl Walk<'_, '_, '_> {
    pub(super) fn judge(&mut self, measure: Measure, before: Option<&Value>, after: Option<&Value>) {
        let verdict = match measure {
            Measure::Members => {
                self.members(before, after);
                return;
            }
            Measure::Below if !self.is_step_of_one() => {
                self.below(before, after);
                return;
            }
            Measure::Words | Measure::Below => Changed,
            Measure::Protection => Widened,
            Measure::Gate => {
                if before.is_some() {
                    Widened
                } else {
                    Narrowed
                }
            }
            Measure::Any => {
                if after.is_some() {
                    Widened
                } else {
                    Narrowed
                }
            }
            // A step that is gone does nothing more, and what one that is new may do is told by its form.
            Measure::More(_) | Measure::Either | Measure::Tier | Measure::Flag if self.is_step_of_one() => {
                if self.has_step() == Some([true, false]) {
                    Narrowed
                } else {
                    Changed
                }
            }
            Measure::Timer if self.is_step_of_one() => Narrowed,
            Measure::More(unsaid) => self.more(before, after, unsaid),
            Measure::Either => Widened,
            Measure::Timer => {
                if before.is_some() {
                    Possibly
                } else {
                    Narrowed
                }
            }
            Measure::Needs => {
                let Some(verdict) = self.needs(before, after) else { return };
                verdict
            }
            Measure::Condition => self.condition(before, after),
            Measure::Continue => self.continues(after),
            Measure::Repeat => self.graver_of_a_gate(),
            Measure::Tier => tier(before, after),
            Measure::Flag => {
                if after == Some(&Value::Bool(false)) {
                    Narrowed
                } else {
                    Widened
                }
            }
            Measure::Concurrency => concurrency(before, after),
            Measure::OnFailure => {
                if before.is_some_and(|word| word == "hold") {
                    Widened
                } else {
                    Possibly
                }
            }
            Measure::Constant => {
                if self.is_read() {
                    Possibly
                } else {
                    Changed
                }
            }
        };
        self.tell(verdict, before, after);
    }

    fn members(&mut self, before: Option<&Value>, after: Option<&Value>) {
        let (old, new) = (members(before), members(after));
        for member in new.iter().filter(|member| !old.contains(member)) {
            self.tell(Widened, None, Some(member));
        }
        for member in old.iter().filter(|member| !new.contains(member)) {
            self.tell(Narrowed, Some(member), None);
        }
    }

    /// A time of a step is known where nothing is said of it.
    fn more(&self, before: Option<&Value>, after: Option<&Value>, unsaid: Option<u64>) -> Verdict {
        let [old, new] = self.sides;
        let time = |side: &Side| Some(self.compiled(side)?.timeout_ms? as f64);
        match (self.path.as_slice(), time(old), time(new)) {
            ([_, _, "timeout"], Some(old), Some(new)) if after.is_some() => {
                measure::more(Some(old), Some(new), None)
            }
            _ => {
                let number = |value: Option<&Value>| value.and_then(Value::as_f64);
                measure::more(number(before), number(after), unsaid)
            }
        }
    }

    fn compiled<'s>(&self, side: &'s Side) -> Option<&'s Step> {
        side.plan.steps.get(self.step()?)
    }

    /// Of needs that are gates it is told by name elsewhere, at the step; the others are a matter of order.
    fn needs(&self, before: Option<&Value>, after: Option<&Value>) -> Option<Verdict> {
        let id = self.step().unwrap_or_default();
        let [old, new] = [members(before), members(after)];
        let is_told = |need: &Value, told: &[dvt_model::id::StepId]| {
            need.as_str().is_some_and(|need| told.iter().any(|gate| gate.as_str() == need))
        };
        let mut gone = old.iter().filter(|need| !new.contains(need) && !is_told(need, self.lost.lost(id)));
        let mut added = new.iter().filter(|need| !old.contains(need) && !is_told(need, self.gained.lost(id)));
        if gone.next().is_some() {
            // What an approval needs is what it shows.
            let shows_less = self.lost.is_gate(id) && !self.is_step_of_one();
            return Some(if shows_less { Possibly } else { Changed });
        }
        added.next().map(|_| Changed)
    }

    /// Without a status function a condition only leaves out; with one, a step starts whose needs were not met.
    fn condition(&self, before: Option<&Value>, after: Option<&Value>) -> Verdict {
        if self.is_step_of_one() {
            return Changed;
        }
        let id = self.step().unwrap_or_default();
        let asks_status = |side: &Side| {
            let condition = self.compiled(side).and_then(|step| step.condition.as_ref());
            condition.is_some_and(|condition| condition.uses_status_function())
        };
        let [old, new] = self.sides;
        let is_gate = self.lost.is_gate(id);
        let is_left_out_less = is_gate && after.is_none() && !asks_status(old);
        let is_left_out_more = !is_gate && before.is_none() && !asks_status(new);
        if is_left_out_less || is_left_out_more {
            return Narrowed;
        }
        if self.lost.is_held(id) { Widened } else { Possibly }
    }

    fn continues(&self, after: Option<&Value>) -> Verdict {
        if self.is_step_of_one() {
            return Changed;
        }
        let is_held = self.lost.is_held(self.step().unwrap_or_default());
        match (after == Some(&Value::Bool(true)), is_held) {
            (true, true) => Widened,
            (true, false) => Possibly,
            (false, _) => Narrowed,
        }
    }

    fn graver_of_a_gate(&self) -> Verdict {
        match (self.is_step_of_one(), self.lost.is_gate(self.step().unwrap_or_default())) {
            (true, _) => Changed,
            (false, true) => Widened,
            (false, false) => Possibly,
        }
    }

    /// Whether an expression of one of the plans may read constants: their name stands somewhere.
    fn is_read(&self) -> bool {
        let names = |side: &Side| {
            let members = side.document.as_object().into_iter().flatten();
            members.filter(|(key, _)| *key != "vars").any(|(_, value)| says(value, "vars"))
        };
        self.sides.iter().any(names)
    }
}

/// Whether a word stands in a text; the depth is that of the document, which reading bounds.
fn says(value: &Value, word: &str) -> bool {
    match value {
        Value::String(text) => text.contains(word),
        Value::Array(items) => items.iter().any(|item| says(item, word)),
        Value::Object(members) => members.values().any(|member| says(member, word)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The weakest wall that is accepted: a weaker one is wider. What holds without a word is the tenant's.
fn tier(before: Option<&Value>, after: Option<&Value>) -> Verdict {
    let rank = |value: &Value| TIERS.iter().position(|tier| value == tier);
    let strongest = TIERS.len() - 1;
    match (before.and_then(rank), after.and_then(rank)) {
        (Some(old), Some(new)) if new > old => Narrowed,
        (None, Some(new)) if before.is_none() && new == strongest => Narrowed,
        (None, Some(_)) if before.is_none() => Possibly,
        _ => Widened,
    }
}

/// A group holds runs back; another group, or none, holds others back.
fn concurrency(before: Option<&Value>, after: Option<&Value>) -> Verdict {
    let on_busy = |value: &Value| {
        let word = value.get("onBusy").and_then(Value::as_str).unwrap_or("queue");
        ON_BUSY.iter().position(|known| *known == word).unwrap_or(ON_BUSY.len())
    };
    // A text alone is the group.
    let group = |value: &Value| value.get("group").unwrap_or(value).clone();
    let cancels = ON_BUSY.len() - 1;
    match (before, after) {
        (None, Some(new)) if on_busy(new) < cancels => Narrowed,
        (Some(old), Some(new)) if group(old) == group(new) && on_busy(new) < on_busy(old) => Narrowed,
        _ => Widened,
    }
}

fn members(value: Option<&Value>) -> Vec<Value> {
    match value {
        Some(Value::Array(items)) => items.clone(),
        Some(Value::Object(map)) => {
            map.iter().map(|(key, value)| serde_json::json!({ key.as_str(): value })).collect()
        }
        Some(other) => vec![other.clone()],
        None => Vec::new(),
    }
}
