//! `all`, `exists`, `exists_one`, `filter` and `map`: a body asked for each item of a list or each key of a map.
//!
//! `all` and `exists` absorb failures as `&&` and `||` do; the others stop at the first.

use super::Fault;
use super::ast::{Macro, Node};
use super::evaluate::Evaluator;
use super::value::Value;

impl<'a> Evaluator<'a> {
    /// Runs a macro over `target`.
    pub(super) fn comprehend(
        &mut self,
        name: Macro,
        target: &Value,
        variable: &'a str,
        bodies: &'a [Node],
    ) -> Result<Value, Fault> {
        let items: Vec<Value> = match target {
            Value::List(list) => list.items().to_vec(),
            Value::Map(map) => map.entries().keys().map(super::value::Key::value).collect(),
            other => {
                return Err(Fault::Failed(format!("`{}` does not work on {}", name.name(), other.kind())));
            }
        };
        self.budget.build_items(items.len())?;
        match (name, bodies) {
            (Macro::All, [body]) => self.quantify(items, variable, body, false),
            (Macro::Exists, [body]) => self.quantify(items, variable, body, true),
            (Macro::ExistsOne, [body]) => self.exists_one(items, variable, body),
            (Macro::Filter, [condition]) => self.filter(items, variable, condition),
            (Macro::Map, [body]) => self.map_each(items, variable, None, body),
            (Macro::Map, [condition, body]) => self.map_each(items, variable, Some(condition), body),
            _ => Err(Fault::Failed(format!("`{}` has too many arguments", name.name()))),
        }
    }

    #[inline(never)]
    fn exists_one(&mut self, items: Vec<Value>, variable: &'a str, body: &'a Node) -> Result<Value, Fault> {
        let mut count = 0;
        for item in items {
            count += usize::from(self.test(Macro::ExistsOne, variable, item, body)?);
        }
        Ok(Value::Bool(count == 1))
    }

    #[inline(never)]
    fn filter(&mut self, items: Vec<Value>, variable: &'a str, condition: &'a Node) -> Result<Value, Fault> {
        let mut kept = Vec::new();
        for item in items {
            if self.test(Macro::Filter, variable, item.clone(), condition)? {
                kept.push(item);
            }
        }
        Value::list(kept)
    }

    #[inline(never)]
    fn map_each(
        &mut self,
        items: Vec<Value>,
        variable: &'a str,
        condition: Option<&'a Node>,
        body: &'a Node,
    ) -> Result<Value, Fault> {
        let mut made = Vec::new();
        for item in items {
            if let Some(condition) = condition
                && !self.test(Macro::Map, variable, item.clone(), condition)?
            {
                continue;
            }
            made.push(self.with(variable, item, body)?);
        }
        Value::list(made)
    }

    /// A body with its variable bound, which is unbound again whatever happens.
    fn with(&mut self, variable: &'a str, item: Value, body: &'a Node) -> Result<Value, Fault> {
        self.variables.push((variable, item));
        let result = self.node(body);
        self.variables.pop();
        result
    }

    fn test(&mut self, name: Macro, variable: &'a str, item: Value, body: &'a Node) -> Result<bool, Fault> {
        match self.with(variable, item, body)? {
            Value::Bool(value) => Ok(value),
            other => Err(Fault::Failed(format!(
                "the condition of `{}` is {}, not bool",
                name.name(),
                other.kind()
            ))),
        }
    }

    #[inline(never)]
    fn quantify(
        &mut self,
        items: Vec<Value>,
        variable: &'a str,
        body: &'a Node,
        deciding: bool,
    ) -> Result<Value, Fault> {
        let name = if deciding { Macro::Exists } else { Macro::All };
        let mut failure = None;
        for item in items {
            match self.test(name, variable, item, body) {
                Ok(value) if value == deciding => return Ok(Value::Bool(deciding)),
                Ok(_) => {}
                Err(over @ Fault::OverBudget(_)) => return Err(over),
                Err(failed) => {
                    failure.get_or_insert(failed);
                }
            }
        }
        failure.map_or(Ok(Value::Bool(!deciding)), Err)
    }
}
