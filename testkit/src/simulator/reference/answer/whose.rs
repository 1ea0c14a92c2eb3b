//! Whose data something is: what flows out of what a step reads, and what the run of a sub-plan brings back.
//!
//! Random plans name no subject and declassify nothing, so persons come out of children alone. A value is null where it is about nobody.

use super::Answer;
use crate::simulator::reference::course;
use crate::simulator::reference::said::Said;
use crate::simulator::reference::view::{Fact, Unit};
use dvt_plan::plan::Form;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::rc::Rc;

fn names(whose: &Value) -> BTreeSet<String> {
    let several = whose.get("several").and_then(Value::as_array).into_iter().flatten();
    several.chain(whose.get("person")).filter_map(|name| name.as_str().map(str::to_owned)).collect()
}

/// About both of them.
pub(super) fn both(one: &Value, other: &Value) -> Value {
    if one.is_null() || one == other {
        return other.clone();
    }
    if other.is_null() {
        return one.clone();
    }
    json!({ "several": names(one).union(&names(other)).collect::<Vec<_>>() })
}

/// What the newest attempt says under this key; of several, an event tells the names once.
fn says(fact: &Fact, started_as: &str, end: &str) -> Value {
    let of = |said: &Option<(usize, Rc<Said>)>, key: &str| {
        said.as_ref().and_then(|(place, said)| Some((*place, said.name, said.payload.get(key)?.clone())))
    };
    let begun = fact.started.as_ref().map(|(place, _)| *place);
    let at_end = of(&fact.ended, "about").filter(|(place, name, _)| *name == end && Some(*place) > begun);
    let found = at_end.or_else(|| of(&fact.started, started_as)).map(|(_, _, whose)| whose);
    match found {
        Some(whose) if whose.get("several").is_some() => json!({ "several": [] }),
        Some(whose) => whose,
        None => Value::Null,
    }
}

/// Whose data a unit was given.
pub(super) fn given(fact: Option<&Fact>) -> Value {
    fact.map_or(Value::Null, |fact| says(fact, "about", "StepFailed"))
}

/// Whose its output is.
pub(super) fn gave(fact: Option<&Fact>) -> Value {
    fact.map_or(Value::Null, |fact| says(fact, "outputAbout", "StepCompleted"))
}

impl Answer<'_> {
    /// What flows in: of what it reads, and of what it undoes.
    pub(super) fn flows(&self, unit: &str) -> Value {
        let Some(step) = self.step(unit) else { return Value::Null };
        let read = step.reads.iter().map(|read| gave(self.view.fact(read.as_str())));
        let flow = read.fold(Value::Null, |all, one| both(&all, &one));
        let undone = unit.strip_suffix(".compensate").filter(|_| Unit::of(unit).undoes);
        let undone = undone.and_then(|undone| self.view.fact(undone));
        [given(undone), gave(undone)].iter().fold(flow, |all, one| both(&all, one))
    }

    /// What the items of a sub-plan add to what their step gives.
    pub(super) fn items_gave(&self, base: &str) -> Value {
        let before = gave(self.view.fact(base));
        let items = course::items(&self.view, base);
        let all = items.iter().fold(before.clone(), |all, item| both(&all, &gave(self.view.fact(item))));
        self.added(base, &before, all)
    }

    /// What the item whose failure the step repeats adds to what that tells of.
    pub(super) fn item_failed(&self, base: &str, item: &str) -> Value {
        let before = given(self.view.fact(base));
        let all = both(&before, &given(self.view.fact(item)));
        self.added(base, &before, all)
    }

    fn added(&self, base: &str, before: &Value, all: Value) -> Value {
        let runs = self.step(base).is_some_and(|step| matches!(step.form, Form::Plan(_)));
        if runs && all != *before { all } else { Value::Null }
    }
}
