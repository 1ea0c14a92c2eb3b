//! Goes through two canonical documents side by side, and into the sub-plans that they pin.

use super::gates::Gates;
use super::measure;
use super::{Change, Difference, Verdict};
use crate::plan::{Form, Plan};
use dvt_model::digest::Digest;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One of the two plans.
#[derive(Debug)]
pub(super) struct Side {
    /// Its canonical form.
    pub(super) document: Value,
    /// The same, compiled.
    pub(super) plan: Arc<Plan>,
}

/// What was told, and what is known for all levels.
#[derive(Debug)]
pub(super) struct State<'b> {
    pub(super) told: Difference,
    /// The documents of all plans below, of each side.
    below: [&'b BTreeMap<Digest, Value>; 2],
    /// Sub-plans that were compared already, and the gravest that was found in them: they are told once.
    compared: BTreeMap<[Digest; 2], Verdict>,
}

impl<'b> State<'b> {
    pub(super) fn new(below: [&'b BTreeMap<Digest, Value>; 2]) -> Self {
        Self { told: Difference::default(), below, compared: BTreeMap::new() }
    }

    /// How much was told, the gravest first.
    fn counts(&self) -> [(usize, Verdict); 4] {
        let told = &self.told;
        [
            (told.widened.len(), Verdict::Widened),
            (told.possibly_widened.len(), Verdict::Possibly),
            (told.narrowed.len(), Verdict::Narrowed),
            (told.changed.len(), Verdict::Changed),
        ]
    }
}

/// Compares two plans; `prefix` is where they stand in what is compared as a whole.
pub(super) fn plans(sides: &[Side; 2], prefix: String, state: &mut State<'_>) {
    let [before, after] = sides;
    let mut walk = Walk {
        sides,
        lost: Gates::from(&before.plan, &after.plan),
        gained: Gates::from(&after.plan, &before.plan),
        prefix,
        path: Vec::new(),
        state,
    };
    walk.value([Some(&before.document), Some(&after.document)]);
}

/// On the way through two documents.
pub(super) struct Walk<'v, 's, 'b> {
    pub(super) sides: &'v [Side; 2],
    /// What held a step back before.
    pub(super) lost: Gates,
    /// What holds a step back now.
    pub(super) gained: Gates,
    prefix: String,
    pub(super) path: Vec<&'v str>,
    state: &'s mut State<'b>,
}

impl<'v> Walk<'v, '_, '_> {
    fn value(&mut self, [before, after]: [Option<&'v Value>; 2]) {
        if before == after {
            return;
        }
        if let Some(measure) = measure::of(&self.path) {
            self.judge(measure, before, after);
            return;
        }
        let [old, new] = [before, after].map(|value| value.and_then(Value::as_object));
        let is_in_both = old.is_some() && new.is_some();
        let is_in_one = (old.is_some() && after.is_none()) || (new.is_some() && before.is_none());
        if is_in_both || (is_in_one && measure::has_below(&self.path)) {
            let keys = old.into_iter().flat_map(|map| map.keys());
            let added = new.into_iter().flat_map(|map| map.keys());
            let added = added.filter(|key| old.is_none_or(|map| !map.contains_key(*key)));
            for key in keys.chain(added) {
                self.path.push(key);
                self.value([old, new].map(|map| map?.get(key)));
                self.path.pop();
            }
            if is_in_both {
                self.gates();
            }
            return;
        }
        // Of a step that is new or gone, what it does was told.
        let verdict = if self.is_step_of_one() { Verdict::Changed } else { Verdict::Possibly };
        self.tell(verdict, before, after);
    }

    /// The step that the way leads through.
    pub(super) fn step(&self) -> Option<&'v str> {
        let [part, id, ..] = self.path.as_slice() else { return None };
        matches!(*part, "steps" | "finally").then_some(*id)
    }

    /// Whether each document has the step that the way leads through.
    pub(super) fn has_step(&self) -> Option<[bool; 2]> {
        let (part, id) = (self.path.first()?, self.step()?);
        let has = |side: &Side| side.document.get(*part).is_some_and(|steps| steps.get(id).is_some());
        let [before, after] = self.sides;
        Some([has(before), has(after)])
    }

    pub(super) fn is_step_of_one(&self) -> bool {
        self.has_step().is_some_and(|has| has != [true, true])
    }

    /// At a step that is in both plans: the gates that hold it no more, and those that hold it now.
    fn gates(&mut self) {
        let Some(id) = self.step().filter(|_| self.path.len() == 2) else { return };
        let [lost, gained] = [&self.lost, &self.gained].map(|gates| gates.lost(id).to_vec());
        self.path.push("needs");
        for gate in lost {
            self.tell(Verdict::Widened, Some(&gate.as_str().into()), None);
        }
        for gate in gained {
            self.tell(Verdict::Narrowed, None, Some(&gate.as_str().into()));
        }
        self.path.pop();
    }

    /// A sub-plan that is another one than before: it is compared with what it was.
    pub(super) fn below(&mut self, before: Option<&Value>, after: Option<&Value>) {
        let sides = self.step().and_then(|id| {
            let [before, after] = self.sides;
            Some([self.child(0, before, id)?, self.child(1, after, id)?])
        });
        let Some([(one, old), (other, new)]) = sides else {
            self.tell(Verdict::Widened, before, after);
            return;
        };
        if let Some(verdict) = self.state.compared.get(&[one, other]) {
            self.tell(*verdict, before, after);
            return;
        }
        let earlier = self.state.counts();
        // INVARIANT(INV-21): a plan is never below itself, and each pair is compared once.
        let place = self.path.get(..2).unwrap_or_default().join(".");
        plans(&[old, new], format!("{}{place}.plan.", self.prefix), self.state);
        let later = self.state.counts();
        let gravest = earlier.iter().zip(&later).find(|((few, _), (many, _))| many > few);
        let verdict = gravest.map(|((_, verdict), _)| *verdict);
        if verdict.is_none() {
            self.tell(Verdict::Possibly, before, after);
        }
        self.state.compared.insert([one, other], verdict.unwrap_or(Verdict::Possibly));
    }

    fn child(&self, at: usize, side: &Side, id: &str) -> Option<(Digest, Side)> {
        let Form::Plan(sub_plan) = &side.plan.steps.get(id)?.form else { return None };
        let digest = sub_plan.digest?;
        let document = self.state.below.get(at)?.get(&digest)?.clone();
        Some((digest, Side { document, plan: sub_plan.child.clone()? }))
    }

    pub(super) fn tell(&mut self, verdict: Verdict, before: Option<&Value>, after: Option<&Value>) {
        let path = format!("{}{}", self.prefix, self.path.join("."));
        self.state.told.list(verdict).push(Change { path, before: before.cloned(), after: after.cloned() });
    }
}
