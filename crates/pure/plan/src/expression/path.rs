//! Paths: a base and its fields, indexes, calls and macros, from left to right.
//!
//! Bound JSON is walked where it lies and read into a value only at the end of the path. Messages name fields that the
//! text of the expression names, never a key that came out of data.

use super::ast::{Access, AccessKind, Kind, Node};
use super::evaluate::Evaluator;
use super::value::{Key, Value, whole};
use super::{Fault, ast, functions, json};
use serde_json::Value as Json;

/// What a path has reached.
enum Held<'a> {
    Json(&'a Json),
    Value(Value),
}

impl<'a> Evaluator<'a> {
    /// The value of a path.
    #[inline(never)]
    pub(super) fn path(&mut self, base: &'a Node, steps: &'a [Access]) -> Result<Value, Fault> {
        let held = self.walk(base, steps)?;
        self.own(held)
    }

    /// `has(path)`: whether the last field is there. Null has no fields, so the answer is false.
    #[inline(never)]
    pub(super) fn has(&mut self, path: &'a Node) -> Result<Value, Fault> {
        let Kind::Path { base, steps } = &path.kind else {
            return Err(Fault::Failed("`has` takes a path that ends in a field".to_owned()));
        };
        let Some((Access { kind: AccessKind::Field(name), .. }, before)) = steps.split_last() else {
            return Err(Fault::Failed("`has` takes a path that ends in a field".to_owned()));
        };
        match self.walk(base, before)? {
            Held::Json(Json::Object(map)) => Ok(Value::Bool(map.contains_key(name))),
            Held::Value(Value::Map(map)) => Ok(Value::Bool(map.get(name).is_some())),
            Held::Json(Json::Null) | Held::Value(Value::Null) => Ok(Value::Bool(false)),
            other => {
                let kind = self.own(other)?.kind();
                Err(Fault::Failed(format!("{kind} has no field `{name}`")))
            }
        }
    }

    fn walk(&mut self, base: &'a Node, steps: &'a [Access]) -> Result<Held<'a>, Fault> {
        let hidden = self.variables.iter().any(|(variable, _)| *variable == "steps");
        let of_steps = ast::is_binding(base, "steps", if hidden { &["steps"] } else { &[] });
        let mut held = self.base(base, of_steps)?;
        for (position, access) in steps.iter().enumerate() {
            self.budget.spend(1)?;
            // A step that left nothing behind has null for output: conditions such as `always()` meet it.
            if of_steps
                && position < 2
                && let Held::Json(Json::Object(map)) = held
                && let Some(key) = ast::literal_key(access)
                && !map.contains_key(key)
            {
                held = Held::Json(if position == 0 { &EMPTY } else { &Json::Null });
                continue;
            }
            held = match &access.kind {
                AccessKind::Field(name) => field(held, name)?,
                AccessKind::Index(index) => self.at_index(held, index)?,
                AccessKind::Call { name, arguments } => self.method(held, name, arguments)?,
                AccessKind::Macro { name, variable, bodies } => {
                    let target = self.own(held)?;
                    Held::Value(self.comprehend(*name, &target, variable, bodies)?)
                }
            };
        }
        Ok(held)
    }

    #[inline(never)]
    fn at_index(&mut self, held: Held<'a>, index: &'a Node) -> Result<Held<'a>, Fault> {
        let index = self.node(index)?;
        element(held, &index)
    }

    #[inline(never)]
    fn method(&mut self, held: Held<'a>, name: &'a str, arguments: &'a [Node]) -> Result<Held<'a>, Fault> {
        let target = self.own(held)?;
        let arguments = self.nodes(arguments)?;
        functions::method_call(name, &target, &arguments, &mut self.budget, &mut self.patterns)
            .map(Held::Value)
    }

    fn base(&mut self, base: &'a Node, of_steps: bool) -> Result<Held<'a>, Fault> {
        let Kind::Name { name, absolute } = &base.kind else { return self.node(base).map(Held::Value) };
        let variable = self.variables.iter().rev().find(|(variable, _)| !absolute && variable == name);
        if let Some((_, value)) = variable {
            return Ok(Held::Value(value.clone()));
        }
        match self.bindings.names.get(name) {
            Some(json) => Ok(Held::Json(json)),
            None if of_steps => Ok(Held::Json(&EMPTY)),
            None => Err(Fault::Failed(format!("`{name}` is not known here"))),
        }
    }

    /// Reads bound JSON into a value, once for each place.
    fn own(&mut self, held: Held<'a>) -> Result<Value, Fault> {
        let json = match held {
            Held::Value(value) => return Ok(value),
            Held::Json(json) => json,
        };
        if !matches!(json, Json::Array(_) | Json::Object(_) | Json::String(_)) {
            return json::from_json(json, &mut self.budget);
        }
        let address = std::ptr::from_ref(json).addr();
        if let Some(value) = self.converted.get(&address) {
            return Ok(value.clone());
        }
        let value = json::from_json(json, &mut self.budget)?;
        self.converted.insert(address, value.clone());
        Ok(value)
    }
}

/// An object without entries, for a step that was never bound.
static EMPTY: std::sync::LazyLock<Json> = std::sync::LazyLock::new(|| Json::Object(serde_json::Map::new()));

fn field<'a>(held: Held<'a>, name: &str) -> Result<Held<'a>, Fault> {
    let absent = || Fault::Failed(format!("there is no field `{name}`"));
    match held {
        Held::Json(Json::Object(map)) => map.get(name).map(Held::Json).ok_or_else(absent),
        Held::Value(Value::Map(map)) => map.get(name).cloned().map(Held::Value).ok_or_else(absent),
        other => Err(Fault::Failed(format!("{} has no field `{name}`", kind(&other)))),
    }
}

fn element<'a>(held: Held<'a>, index: &Value) -> Result<Held<'a>, Fault> {
    let absent = || Fault::Failed("there is no such key".to_owned());
    match (&held, index) {
        (Held::Json(Json::Object(map)), Value::String(name)) => {
            map.get(&**name).map(Held::Json).ok_or_else(absent)
        }
        (Held::Json(Json::Object(_)), _) => Err(absent()),
        (Held::Value(Value::Map(map)), _) => Key::of(index)
            .and_then(|key| map.entries().get(&key).cloned())
            .map(Held::Value)
            .ok_or_else(absent),
        (Held::Json(Json::Array(items)), _) => {
            position(index, items.len()).map(|at| items.get(at).map_or(Held::Value(Value::Null), Held::Json))
        }
        (Held::Value(Value::List(list)), _) => position(index, list.items().len())
            .map(|at| Held::Value(list.items().get(at).cloned().unwrap_or(Value::Null))),
        _ => Err(Fault::Failed(format!("{} has no elements", kind(&held)))),
    }
}

/// A place in a list of so many items.
fn position(index: &Value, length: usize) -> Result<usize, Fault> {
    let number = match index {
        Value::Int(number) => Some(*number),
        Value::Double(number) => whole(*number),
        _ => None,
    };
    let number = number.ok_or_else(|| Fault::Failed(format!("a list has no element at {}", index.kind())))?;
    usize::try_from(number)
        .ok()
        .filter(|at| *at < length)
        .ok_or_else(|| Fault::Failed(format!("the index {number} is outside of a list of {length}")))
}

fn kind(held: &Held<'_>) -> &'static str {
    match held {
        Held::Value(value) => value.kind(),
        Held::Json(Json::Null) => "null",
        Held::Json(Json::Bool(_)) => "bool",
        Held::Json(Json::Number(_)) => "a number",
        Held::Json(Json::String(_)) => "string",
        Held::Json(Json::Array(_)) => "list",
        Held::Json(Json::Object(_)) => "map",
    }
}
