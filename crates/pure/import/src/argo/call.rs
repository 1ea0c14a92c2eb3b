//! One call of a template: its condition, its items, its arguments.

use super::context::OPEN;
use super::{Called, Importer, NO_WORD, Results, Scope};
use crate::Error;
use crate::foreign::expression::{Cel, Gives};
use crate::foreign::text::Text;
use crate::foreign::tree::{Kind, Place, Tree};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The most items that are written out.
const MOST_ITEMS: usize = 256;

/// How a template is called.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) name: String,
    /// What its steps' ids begin with.
    pub(super) id: String,
    pub(super) needs: BTreeSet<String>,
    pub(super) guard: Option<String>,
    /// The list over which it is repeated.
    pub(super) foreach: Option<Cel>,
    pub(super) place: Place,
}

/// What a call is repeated over.
enum Items {
    One,
    Written(Vec<Value>),
    Given(Cel),
    Unknown,
}

impl Importer<'_> {
    /// Writes out a step of a `steps` template or a task of a `dag`; `always` is a condition that ends in it.
    pub(super) fn call(
        &mut self,
        written: &Tree,
        prefix: &str,
        needs: BTreeSet<String>,
        guards: [Option<String>; 2],
        scope: &Scope,
    ) -> Result<Called, Error> {
        self.keys_of_call(written);
        let name = written.text_of("name").unwrap_or("step").to_owned();
        let id = if prefix.is_empty() { name.clone() } else { format!("{prefix}_{name}") };
        let given = Call { name, id, needs, guard: None, foreach: None, place: written.place };
        match self.items(written, scope) {
            Items::One => self.one(written, given, guards, scope.clone()),
            Items::Written(items) => {
                let mut all = Called::default();
                let mut results = Vec::new();
                for (index, item) in items.iter().enumerate() {
                    let label = label(item).unwrap_or_else(|| index.to_string());
                    let given = Call {
                        name: format!("{} ({label})", given.name),
                        id: format!("{}_{label}", given.id),
                        ..given.clone()
                    };
                    let called = self.one(written, given, guards.clone(), with_item(scope, item))?;
                    all.exits.extend(called.exits);
                    results.push(called.results);
                }
                if items.is_empty() {
                    all.exits = given.needs;
                }
                all.results = Results::Items(results);
                Ok(all)
            }
            Items::Given(list) => {
                let item = Cel::new("item", list.gives.item());
                let scope = Scope { item: Some(item), item_fields: BTreeMap::new(), ..scope.clone() };
                self.one(written, Call { foreach: Some(list), ..given }, guards, scope)
            }
            Items::Unknown => {
                let mut step = self.begin(&given, &guards);
                step.miss(&format!("`{}` is repeated over a list that is not written down", given.name));
                Ok(self.add(step))
            }
        }
    }

    fn one(
        &mut self,
        written: &Tree,
        mut given: Call,
        guards: [Option<String>; 2],
        scope: Scope,
    ) -> Result<Called, Error> {
        let own = written.get("when").and_then(|when| self.when(when, &scope));
        let parts: Vec<String> = guards.into_iter().flatten().chain(own).collect();
        given.guard = joined(&parts);
        let inputs = self.arguments(written.get("arguments"), &scope);
        let begun = self.steps.len();
        let called = self.resolve(written, &given, inputs, &scope)?;
        if written
            .at(&["continueOn", "failed"])
            .or_else(|| written.at(&["continueOn", "error"]))
            .is_some_and(Tree::is_true)
        {
            for step in self.steps.iter_mut().skip(begun) {
                step.continue_on_error = true;
            }
        }
        let hook = written.at(&["hooks", "exit"]).or_else(|| written.get("onExit").map(|_| written));
        if let Some(hook) = hook {
            self.exit_hook(written, hook, &given, &called, &scope)?;
        }
        Ok(called)
    }

    /// What runs behind a step however it ended.
    fn exit_hook(
        &mut self,
        written: &Tree,
        hook: &Tree,
        given: &Call,
        called: &Called,
        scope: &Scope,
    ) -> Result<(), Error> {
        let name = format!("{}-exit", given.name);
        let behind = Call {
            id: format!("{}_exit", given.id),
            name,
            needs: called.exits.clone(),
            guard: Some("always()".to_owned()),
            foreach: None,
            place: hook.place,
        };
        let mut scope = scope.clone();
        // It runs once, behind all items.
        scope.item = scope.item.filter(|_| given.foreach.is_none());
        if let Some(name) = written.text_of("name") {
            scope.called.insert(name.to_owned(), called.clone());
        }
        let inputs = if std::ptr::eq(written, hook) {
            BTreeMap::new()
        } else {
            self.arguments(hook.get("arguments"), &scope)
        };
        let template = hook.text_of("template").filter(|_| !std::ptr::eq(written, hook));
        let Some(name) = template.or_else(|| written.text_of("onExit")) else { return Ok(()) };
        self.by_name(&scope.owner.clone(), name, &behind, inputs, &scope).map(drop)
    }

    fn resolve(
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

    fn by_name(
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
        let mut step = self.begin(given, &[None, None]);
        step.miss(&missing);
        self.bound(&mut step, given);
        Ok(self.add(step))
    }

    fn keys_of_call(&mut self, written: &Tree) {
        for (key, place, value) in written.entries() {
            let why = match key.as_str() {
                "name" | "template" | "templateRef" | "inline" | "arguments" | "when" | "withItems"
                | "withParam" | "withSequence" | "depends" | "dependencies" | "continueOn" | "onExit" => {
                    continue;
                }
                "hooks" if value.entries().iter().all(|(name, ..)| name == "exit") => continue,
                "hooks" => "a plan has no hooks; steps with conditions can say it",
                _ => NO_WORD,
            };
            self.losses.add(key, why, key, *place);
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

/// All of the conditions.
pub(super) fn joined(parts: &[String]) -> Option<String> {
    match parts {
        [] => None,
        [one] => Some(one.clone()),
        several => Some(several.iter().map(|part| format!("({part})")).collect::<Vec<_>>().join(" && ")),
    }
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
