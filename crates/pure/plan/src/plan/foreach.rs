//! `foreach`: one step for each item of a list, or of the product of several lists.
//!
//! The items of a run are made by [`Foreach::items`] from lists that were evaluated before: order, exclusion and the
//! ceiling are decided here, once, for whoever runs plans.

use crate::expression::Expression;
use crate::template::TemplateValue;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Items that one `foreach` may have.
pub const MOST_ITEMS: u64 = 10_000;

/// What a `foreach` step repeats over, and how.
#[derive(Debug, Clone)]
pub struct Foreach {
    /// Where the items come from.
    pub source: Source,
    /// Items that are left out: each entry is a value equal to an item, or an object of which an item has every member.
    pub exclude: Option<TemplateValue>,
    /// Names the items in logs and status: an expression that sees `item` and `index`.
    pub key: Option<Expression>,
    /// Items at once; without it the plan's `maxParallel` alone holds.
    pub max_parallel: Option<u32>,
    /// The most items that the static types promise, at most [`MOST_ITEMS`].
    pub most: u64,
    /// Whether the static types promise it. Where they do not, `most` is the ceiling that holds for every list.
    pub is_bounded: bool,
}

/// Where the items come from.
#[derive(Debug, Clone)]
pub enum Source {
    /// A list: written down, or an expression that gives one.
    List(TemplateValue),
    /// The product of named lists; an item is an object with a member for each. Lists count in the byte order of their
    /// names, the last one fastest.
    Product(BTreeMap<String, TemplateValue>),
}

/// The lists of one attempt, evaluated.
#[derive(Debug, Clone, PartialEq)]
pub enum Lists {
    /// Of [`Source::List`].
    List(Value),
    /// Of [`Source::Product`].
    Product(BTreeMap<String, Value>),
}

/// Why there are no items.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoItems {
    /// What was evaluated is no list.
    #[error("`foreach` takes a list, and {0} is none")]
    NotAList(String),
    /// More items than one `foreach` may have.
    #[error("`foreach` has more than {MOST_ITEMS} items")]
    TooMany,
    /// What `exclude` gave is no list.
    #[error("`exclude` takes a list")]
    BadExclude,
}

impl Foreach {
    /// Visits every expression inside.
    pub fn each_expression<'f>(&'f self, visit: &mut impl FnMut(&'f Expression)) {
        match &self.source {
            Source::List(list) => list.each_expression(visit),
            Source::Product(lists) => lists.values().for_each(|list| list.each_expression(visit)),
        }
        if let Some(exclude) = &self.exclude {
            exclude.each_expression(visit);
        }
        if let Some(key) = &self.key {
            visit(key);
        }
    }

    /// The items in order, without those that are excluded; `index` counts what is left.
    pub fn items(lists: Lists, exclude: Option<&Value>) -> Result<Vec<Value>, NoItems> {
        let exclude = match exclude {
            None | Some(Value::Null) => &[],
            Some(Value::Array(entries)) => entries.as_slice(),
            Some(_) => return Err(NoItems::BadExclude),
        };
        let all = match lists {
            Lists::List(Value::Array(items)) => items,
            Lists::List(_) => return Err(NoItems::NotAList("its value".to_owned())),
            Lists::Product(lists) => product(lists)?,
        };
        if all.len() as u64 > MOST_ITEMS {
            return Err(NoItems::TooMany);
        }
        Ok(all.into_iter().filter(|item| !exclude.iter().any(|entry| excludes(entry, item))).collect())
    }
}

fn product(lists: BTreeMap<String, Value>) -> Result<Vec<Value>, NoItems> {
    let mut rows = vec![Map::new()];
    for (name, list) in lists {
        let Value::Array(items) = list else { return Err(NoItems::NotAList(format!("`{name}`"))) };
        if (rows.len() as u64).saturating_mul(items.len() as u64) > MOST_ITEMS {
            return Err(NoItems::TooMany);
        }
        let with = |row: &Map<String, Value>, item: &Value| {
            let mut row = row.clone();
            row.insert(name.clone(), item.clone());
            row
        };
        rows = rows.iter().flat_map(|row| items.iter().map(move |item| with(row, item))).collect();
    }
    Ok(rows.into_iter().map(Value::Object).collect())
}

fn excludes(entry: &Value, item: &Value) -> bool {
    match (entry, item) {
        (Value::Object(entry), Value::Object(item)) => {
            entry.iter().all(|(name, value)| item.get(name) == Some(value))
        }
        (entry, item) => entry == item,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn product_of(lists: Value, exclude: Value) -> Result<Vec<Value>, NoItems> {
        let Value::Object(lists) = lists else { unreachable!() };
        Foreach::items(Lists::Product(lists.into_iter().collect()), Some(&exclude))
    }

    #[test]
    fn a_product_counts_in_the_order_of_the_names() {
        let items = product_of(json!({"b": [1, 2], "a": ["x", "y"]}), json!([])).unwrap();
        let expected =
            json!([{"a": "x", "b": 1}, {"a": "x", "b": 2}, {"a": "y", "b": 1}, {"a": "y", "b": 2}]);
        assert_eq!(Value::Array(items), expected);
    }

    #[test]
    fn exclusions_are_of_members_or_of_whole_values() {
        let items =
            product_of(json!({"a": [1, 2], "b": [1, 2]}), json!([{"a": 1, "b": 2}, {"b": 1}])).unwrap();
        assert_eq!(Value::Array(items), json!([{"a": 2, "b": 2}]));
        let list = Lists::List(json!(["eu", "us", 1]));
        assert_eq!(Foreach::items(list, Some(&json!(["us", 1]))), Ok(vec![json!("eu")]));
    }

    #[test]
    fn what_is_none_and_what_is_too_much() {
        assert_eq!(product_of(json!({"a": [], "b": [1]}), json!([])), Ok(vec![]));
        let many: Vec<u32> = (0..101).collect();
        assert_eq!(product_of(json!({"a": many, "b": many}), json!([])), Err(NoItems::TooMany));
        assert_eq!(product_of(json!({"a": 1}), json!([])), Err(NoItems::NotAList("`a`".to_owned())));
        assert_eq!(Foreach::items(Lists::List(json!([1])), Some(&json!(1))), Err(NoItems::BadExclude));
    }
}
