//! Which steps an approval or a signal holds back, however far behind it they stand, and which of them it holds no more.
//!
//! The compiled needs are followed, which hold those that an expression implies. A sub-plan in which somebody is waited
//! for is a gate as well.

use crate::plan::{Form, Plan, Step};
use dvt_model::digest::Digest;
use dvt_model::id::StepId;
use std::collections::{BTreeMap, BTreeSet};

/// Gates of one step that are told by name; it is wider by the first of them.
const MOST_TOLD: usize = 16;
/// Gates that are followed at once, one bit each.
const AT_ONCE: usize = 64;

/// What is found from one plan to another.
#[derive(Debug, Default)]
pub(super) struct Gates {
    /// Steps of the first plan that are gates.
    gates: BTreeSet<StepId>,
    /// Steps of the first plan that a gate holds back.
    held: BTreeSet<StepId>,
    /// By step, the gates that hold it in the first plan and not in the second. Of a step whose needs are the same in both,
    /// one of its needs is told instead.
    lost: BTreeMap<StepId, Vec<StepId>>,
}

impl Gates {
    /// Compares what the gates of one plan hold back with another plan.
    pub(super) fn from(one: &Plan, other: &Plan) -> Self {
        let mut known = BTreeMap::new();
        let gates: Vec<&StepId> =
            one.steps.values().filter(|step| holds(step, &mut known)).map(|step| &step.id).collect();
        let (order_of_one, order_of_other) = (order(one), order(other));
        let mut found = Self { gates: gates.iter().map(|id| (*id).clone()).collect(), ..Self::default() };
        for some in gates.chunks(AT_ONCE) {
            let (own, others) = (behind(one, &order_of_one, some), behind(other, &order_of_other, some));
            for (place, step) in one.steps.values().enumerate() {
                let holding = own.get(place).copied().unwrap_or(0);
                if holding == 0 {
                    continue;
                }
                found.held.insert(step.id.clone());
                let Some((there, same)) = other.steps.place(&step.id).zip(other.steps.get(&step.id)) else {
                    continue;
                };
                let lost = holding & !others.get(there).copied().unwrap_or(0);
                if lost == 0 || same.needs == step.needs {
                    continue;
                }
                let told = found.lost.entry(step.id.clone()).or_default();
                let gates = some.iter().enumerate().filter(|(at, _)| lost >> at & 1 == 1);
                told.extend(
                    gates.map(|(_, gate)| (*gate).clone()).take(MOST_TOLD.saturating_sub(told.len())),
                );
            }
        }
        found
    }

    /// Whether a step of the first plan is a gate.
    pub(super) fn is_gate(&self, id: &str) -> bool {
        self.gates.contains(id)
    }

    /// Whether a step of the first plan is a gate or stands behind one.
    pub(super) fn is_held(&self, id: &str) -> bool {
        self.is_gate(id) || self.held.contains(id)
    }

    /// The gates that hold a step no more.
    pub(super) fn lost(&self, id: &str) -> &[StepId] {
        self.lost.get(id).map(Vec::as_slice).unwrap_or_default()
    }
}

/// Whether a step waits for somebody.
fn holds(step: &Step, known: &mut BTreeMap<Digest, bool>) -> bool {
    match &step.form {
        Form::Approval(_) | Form::Signal(_) => true,
        Form::Plan(sub_plan) => {
            // What is not known is a gate.
            let (Some(digest), Some(child)) = (sub_plan.digest, &sub_plan.child) else { return true };
            if let Some(answer) = known.get(&digest) {
                return *answer;
            }
            // Eight levels at most lie below.
            let answer = child.steps.values().any(|step| holds(step, known));
            known.insert(digest, answer);
            answer
        }
        Form::Run { .. }
        | Form::Script { .. }
        | Form::Noop { .. }
        | Form::Uses(_)
        | Form::Wait { .. }
        | Form::WaitUntil { .. } => false,
    }
}

/// Places of steps, needs first.
fn order(plan: &Plan) -> Vec<usize> {
    let mut order: Vec<usize> = (0..plan.steps.len()).collect();
    order.sort_by_key(|place| plan.layers.get(*place));
    order
}

/// By place, which of some gates a step stands behind, one bit each.
fn behind(plan: &Plan, order: &[usize], gates: &[&StepId]) -> Vec<u64> {
    let mut own = vec![0_u64; plan.steps.len()];
    for (at, gate) in gates.iter().enumerate() {
        if let Some(bits) = plan.steps.place(*gate).and_then(|place| own.get_mut(place)) {
            *bits |= 1 << at;
        }
    }
    let mut behind = vec![0_u64; plan.steps.len()];
    for place in order {
        let bits = behind.get(*place).copied().unwrap_or(0) | own.get(*place).copied().unwrap_or(0);
        if bits == 0 {
            continue;
        }
        for dependant in plan.dependants.of(*place) {
            if let Some(held) = behind.get_mut(dependant) {
                *held |= bits;
            }
        }
    }
    behind
}
