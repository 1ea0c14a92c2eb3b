//! `strategy.matrix`: the product of its lists, without `exclude`, with `include`, as GitHub makes it.

use crate::foreign::tree::{Kind, Tree};
use serde_json::{Map, Value};

/// The most combinations, as at GitHub.
const MOST: usize = 256;

/// The combinations, each with its members in order; one empty combination where there is no matrix. The error is what
/// cannot be written out.
pub(super) fn combinations(strategy: Option<&Tree>) -> Result<Vec<Map<String, Value>>, String> {
    let Some(matrix) = strategy.and_then(|strategy| strategy.get("matrix")) else {
        return Ok(vec![Map::new()]);
    };
    if matrix.entries().is_empty() {
        return Err("matrix".to_owned());
    }
    let mut all = vec![Map::new()];
    let mut axes = Vec::new();
    for (name, _, values) in matrix.entries() {
        if name == "include" || name == "exclude" {
            continue;
        }
        let Kind::List(values) = &values.kind else { return Err(format!("matrix.{name}")) };
        if values.iter().any(is_open) {
            return Err(format!("matrix.{name}"));
        }
        axes.push(name.clone());
        let mut more = Vec::new();
        for combination in &all {
            for value in values {
                let mut combination = combination.clone();
                combination.insert(name.clone(), value.json());
                more.push(combination);
            }
        }
        all = more;
        if all.len() > MOST {
            return Err("matrix".to_owned());
        }
    }
    if axes.is_empty() {
        all.clear();
    }
    let fits = |combination: &Map<String, Value>, asked: &Map<String, Value>| {
        asked.iter().all(|(key, value)| combination.get(key) == Some(value))
    };
    for excluded in listed(matrix, "exclude")? {
        all.retain(|combination| !fits(combination, &excluded));
    }
    let of_product = all.len();
    for included in listed(matrix, "include")? {
        let on_axes: Map<String, Value> = included
            .iter()
            .filter(|(key, _)| axes.contains(key))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        let mut extends = false;
        for combination in all.iter_mut().take(of_product) {
            if fits(combination, &on_axes) && !axes.is_empty() {
                combination.extend(included.clone());
                extends = true;
            }
        }
        if !extends {
            all.push(included);
        }
        if all.len() > MOST {
            return Err("matrix".to_owned());
        }
    }
    if all.is_empty() { Err("matrix".to_owned()) } else { Ok(all) }
}

fn listed(matrix: &Tree, key: &str) -> Result<Vec<Map<String, Value>>, String> {
    let Some(list) = matrix.get(key) else { return Ok(Vec::new()) };
    let Kind::List(items) = &list.kind else { return Err(format!("matrix.{key}")) };
    if items.iter().any(is_open) {
        return Err(format!("matrix.{key}"));
    }
    let each = items.iter().map(|item| match item.json() {
        Value::Object(entries) => Ok(entries),
        _ => Err(format!("matrix.{key}")),
    });
    each.collect()
}

/// Whether a value is known only when the workflow runs.
fn is_open(tree: &Tree) -> bool {
    match &tree.kind {
        Kind::Null => false,
        Kind::Scalar { .. } => tree.text().is_some_and(|text| text.contains("${{")),
        Kind::List(items) => items.iter().any(is_open),
        Kind::Map(entries) => entries.iter().any(|(key, _, value)| key.contains("${{") || is_open(value)),
    }
}

/// What tells a combination from the others, for ids and titles.
pub(super) fn label(combination: &Map<String, Value>) -> String {
    let values = combination.values().filter_map(|value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    });
    values.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foreign::tree;

    #[test]
    fn include_extends_or_adds_and_exclude_takes_away() {
        let text = "matrix: {os: [a, b], v: [1, 2], exclude: [{os: a, v: 1}], include: [{os: b, x: y}, {os: c, v: 3}]}";
        let tree = tree::read(text).unwrap().documents;
        let labels: Vec<String> = combinations(tree.first()).unwrap().iter().map(label).collect();
        assert_eq!(labels, ["a, 2", "b, 1, y", "b, 2, y", "c, 3"]);
        let tree = tree::read("matrix: {include: [{a: 1}, {a: 2}]}").unwrap().documents;
        assert_eq!(combinations(tree.first()).unwrap().len(), 2);
        let tree = tree::read("matrix: ${{ fromJson(x) }}").unwrap().documents;
        assert!(combinations(tree.first()).is_err());
        assert_eq!(combinations(None).unwrap().len(), 1);
    }
}
