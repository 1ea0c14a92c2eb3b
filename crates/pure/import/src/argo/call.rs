//! One call of a template: its condition, its items, its arguments.

use super::called::{Called, Parts, Results};
use super::context::OPEN;
use super::start::Start;
use super::{Importer, NO_WORD, Scope};
use crate::Error;
use crate::foreign::expression::{Cel, Gives};
use crate::foreign::text::Text;
use crate::foreign::tree::{Kind, Place, Tree};
use serde_json::Value;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The most items that are written out.
const MOST_ITEMS: usize = 256;

/// How a template is called.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) name: String,
    /// What its steps' ids begin with.
    pub(super) id: String,
    pub(super) start: Start,
    /// Its own condition.
    pub(super) when: Option<String>,
    /// Whether a failure in it does not fail the run.
    pub(super) is_soft: bool,
    /// The list over which it is repeated.
    pub(super) foreach: Option<Cel>,
    pub(super) place: Place,
}

impl Call {
    /// The start of what is first in it.
    pub(super) fn inside(&self) -> Start {
        self.start.inside(self.when.as_ref())
    }
}

/// What a call is repeated over.
enum Items {
    One,
    Written(Vec<Value>),
    Given(Cel),
    Unknown,
}

impl Importer<'_> {
    /// Writes out a step of a `steps` template or a task of a `dag`.
    pub(super) fn call(
        &mut self,
        written: &Tree,
        around: &Call,
        start: Start,
        is_handled: bool,
        scope: &Scope,
    ) -> Result<Called, Error> {
        self.keys_of_call(written);
        let name = written.text_of("name").unwrap_or("step").to_owned();
        let id = if around.id.is_empty() { name.clone() } else { format!("{}_{name}", around.id) };
        let is_soft = around.is_soft || is_handled || continues(written);
        let given = Call { name, id, start, when: None, is_soft, foreach: None, place: written.place };
        match self.items(written, scope) {
            Items::One => self.one(written, given, scope.clone()),
            Items::Written(items) => {
                let mut all = Vec::new();
                for (index, item) in items.iter().enumerate() {
                    let label = label(item).unwrap_or_else(|| index.to_string());
                    let given = Call {
                        name: format!("{} ({label})", given.name),
                        id: format!("{}_{label}", given.id),
                        ..given.clone()
                    };
                    all.push(Rc::new(self.one(written, given, with_item(scope, item))?));
                }
                let mut called =
                    Called::several(Parts { all: &all, first: &all, ends: &all }, |_| true, &given.start);
                called.results = Results::Items(all.iter().map(|called| called.results.clone()).collect());
                called.items = Some(all.into());
                Ok(self.settled(called, &given, continues(written)))
            }
            Items::Given(list) => {
                let item = Cel::new("item", list.gives.item());
                let scope = Scope { item: Some(item), item_fields: BTreeMap::new(), ..scope.clone() };
                self.one(written, Call { foreach: Some(list), ..given }, scope)
            }
            Items::Unknown => {
                let mut step = self.begin(&given);
                step.miss(&format!("`{}` is repeated over a list that is not written down", given.name));
                let called = self.add(step);
                Ok(self.settled(called, &given, continues(written)))
            }
        }
    }

    fn one(&mut self, written: &Tree, mut given: Call, scope: Scope) -> Result<Called, Error> {
        given.when = written.get("when").and_then(|when| self.when(when, &scope));
        let inputs = self.arguments(written.get("arguments"), &scope);
        let called = self.resolve(written, &given, inputs, &scope)?;
        let called = self.settled(called, &given, continues(written));
        self.exit_hook(written, &given, called, &scope)
    }

    /// What was called, as those behind it see it.
    pub(super) fn settled(&self, mut called: Called, given: &Call, continues: bool) -> Called {
        called.begins = given.start.holds();
        called.when.clone_from(&given.when);
        called.continues = continues;
        called.is_soft = given.is_soft;
        called.is_tolerated |= given.when.is_some() || (continues && called.is_several());
        called.may_be_omitted = given.start.leaves_out(self.is_finally);
        called.late = called.late.max(given.start.late);
        called
    }

    pub(super) fn resolve(
        &mut self,
        written: &Tree,
        given: &Call,
        inputs: BTreeMap<String, Text>,
        scope: &Scope,
    ) -> Result<Called, Error> {
        if let Some(inline) = written.get("inline") {
            let scope = Scope { inputs, called: BTreeMap::new(), ..scope.clone() };
            return self.template((&scope.owner.clone(), ""), inline, given, scope);
        }
        let reference = written.get("templateRef");
        let owner =
            reference.and_then(|reference| reference.text_of("name")).unwrap_or(&scope.owner).to_owned();
        let name = reference
            .and_then(|reference| reference.text_of("template"))
            .or_else(|| written.text_of("template"));
        self.by_name(&owner, name.unwrap_or_default(), given, inputs, scope)
    }

    pub(super) fn by_name(
        &mut self,
        owner: &str,
        name: &str,
        given: &Call,
        inputs: BTreeMap<String, Text>,
        scope: &Scope,
    ) -> Result<Called, Error> {
        let missing = match self.templates.get(&(owner.to_owned(), name.to_owned())).copied() {
            Some(template)
                if !self.stack.contains(&(owner.to_owned(), name.to_owned())) && self.stack.len() < 16 =>
            {
                let scope = Scope {
                    owner: owner.to_owned(),
                    inputs,
                    called: BTreeMap::new(),
                    is_finally: scope.is_finally,
                    item: scope.item.clone().filter(|_| given.foreach.is_some()),
                    item_fields: BTreeMap::new(),
                };
                return self.template((owner, name), template, given, scope);
            }
            Some(_) => {
                self.losses.add(
                    "recursion",
                    "a plan has an end that is known before it runs",
                    name,
                    given.place,
                );
                format!("the template {name} calls itself, which a plan cannot")
            }
            None => {
                self.losses.add("templateRef", "it is in another file; put both into one", name, given.place);
                format!("the template {owner}/{name} is in another file")
            }
        };
        let mut step = self.begin(given);
        step.miss(&missing);
        self.bound(&mut step, given);
        Ok(self.add(step))
    }

    fn keys_of_call(&mut self, written: &Tree) {
        for (key, place, value) in written.entries() {
            let why = match key.as_str() {
                "name" | "template" | "templateRef" | "inline" | "arguments" | "when" | "withItems"
                | "withParam" | "withSequence" | "depends" | "dependencies" | "onExit" => {
                    continue;
                }
                "continueOn" => {
                    self.keys_of_continue_on(value);
                    continue;
                }
                "hooks" => {
                    self.keys_of_hooks(value);
                    continue;
                }
                _ => NO_WORD,
            };
            self.losses.add(key, why, key, *place);
        }
    }

    /// Names of `continueOn` what is not `failed`.
    fn keys_of_continue_on(&mut self, written: &Tree) {
        for (key, place, value) in written.entries() {
            if key != "failed" && value.is_true() {
                let why = "a plan does not tell an error of the cluster from a failure";
                self.losses.add(format!("continueOn.{key}"), why, key, *place);
            }
        }
    }

    /// Arguments by name.
    pub(super) fn arguments(&mut self, arguments: Option<&Tree>, scope: &Scope) -> BTreeMap<String, Text> {
        let mut found = BTreeMap::new();
        let Some(arguments) = arguments else { return found };
        for artifact in arguments.get("artifacts").map(Tree::items).unwrap_or_default() {
            self.lost_artifact(artifact);
        }
        for parameter in arguments.get("parameters").map(Tree::items).unwrap_or_default() {
            let Some(name) = parameter.text_of("name") else { continue };
            if let Some(value) = parameter.get("value") {
                let text = value.text().map_or_else(|| value.json().to_string(), str::to_owned);
                found.insert(name.to_owned(), self.text(&text, scope, value.place));
            } else if parameter.get("valueFrom").is_some() {
                self.losses.add("valueFrom", "its value stands in the cluster", name, parameter.place);
            }
        }
        found
    }

    fn items(&mut self, written: &Tree, scope: &Scope) -> Items {
        if let Some(list) = written.get("withItems")
            && let Kind::List(items) = &list.kind
        {
            if items.len() <= MOST_ITEMS {
                return Items::Written(items.iter().map(Tree::json).collect());
            }
            let why = "more than 256 items are not written out";
            self.losses.add("withItems", why, "withItems", written.place_of("withItems"));
            return Items::Unknown;
        }
        for key in ["withItems", "withParam"] {
            let Some(list) = written.get(key) else { continue };
            let text = self.text(list.text().unwrap_or_default(), scope, list.place);
            let known = text.known().and_then(|text| serde_json::from_str::<Value>(&text).ok());
            match known {
                Some(Value::Array(items)) if items.len() <= MOST_ITEMS => return Items::Written(items),
                Some(_) => {}
                None if text.known().is_none() => {
                    let list = listed(text.cel());
                    if let Some(list) = list.and_then(|list| list.fitting(key).ok()) {
                        return Items::Given(list);
                    }
                }
                None => {}
            }
            self.losses.add(key, "it is no list that can be read", key, written.place_of(key));
            return Items::Unknown;
        }
        let Some(sequence) = written.get("withSequence") else { return Items::One };
        let mut number = |key: &str| {
            let text = sequence.text_of(key).map(|text| self.text(text, scope, sequence.place))?;
            text.known().map(|text| text.parse::<i64>().ok())
        };
        let (count, start, end) = (number("count"), number("start"), number("end"));
        let is_known = ["count", "start", "end"].iter().zip([count, start, end]).all(|(key, value)| {
            sequence.get(key).is_none()
                || value.flatten().is_some_and(|value| value.unsigned_abs() < 1_000_000)
        });
        let format = sequence.text_of("format");
        if is_known && format.is_none_or(|format| format == "%d") {
            let start = start.flatten().unwrap_or(0);
            let all: Vec<i64> = match (count.flatten(), end.flatten()) {
                (Some(count), _) => {
                    (start..start.saturating_add(count.max(0))).take(MOST_ITEMS + 1).collect()
                }
                (None, Some(end)) if end < start => (end..=start).rev().take(MOST_ITEMS + 1).collect(),
                (None, Some(end)) => (start..=end).take(MOST_ITEMS + 1).collect(),
                (None, None) => Vec::new(),
            };
            if all.len() <= MOST_ITEMS {
                return Items::Written(
                    all.into_iter().map(|number| Value::from(number.to_string())).collect(),
                );
            }
        }
        let place = written.place_of("withSequence");
        self.losses.add("withSequence", "its numbers are not written down", "withSequence", place);
        Items::Unknown
    }
}

/// A value as the list that it is, or that its text says; a number and a flag are none.
fn listed(value: Cel) -> Option<Cel> {
    match value.gives {
        Gives::List(_) | Gives::Any => Some(value),
        Gives::Text => Some(Cel::new(format!("fromJson({})", value.source), Gives::Any)),
        Gives::Null | Gives::Flag | Gives::Number | Gives::Object => None,
    }
}

/// Whether those behind a call run also where it failed.
pub(super) fn continues(written: &Tree) -> bool {
    written.at(&["continueOn", "failed"]).is_some_and(Tree::is_true)
}

fn with_item(scope: &Scope, item: &Value) -> Scope {
    let fields = item.as_object().into_iter().flatten().map(|(key, value)| (key.clone(), Cel::json(value)));
    let whole = match item {
        Value::Object(_) | Value::Array(_) => Cel::text(&item.to_string()),
        other => Cel::json(other),
    };
    Scope { item: Some(whole), item_fields: fields.collect(), ..scope.clone() }
}

fn label(item: &Value) -> Option<String> {
    let text = match item {
        Value::String(text) => text.clone(),
        Value::Number(_) | Value::Bool(_) => item.to_string(),
        Value::Object(entries) => {
            let values = entries.values().filter_map(|value| match value {
                Value::String(text) => Some(text.clone()),
                Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
                Value::Null | Value::Array(_) | Value::Object(_) => None,
            });
            values.collect::<Vec<_>>().join("_")
        }
        Value::Null | Value::Array(_) => String::new(),
    };
    Some(text).filter(|text| !text.is_empty() && text.len() <= 40 && !text.contains(OPEN))
}
