//! The shape of a plan: steps, edges, layers and the widest of them, and the worst case.
//!
//! An importer adds needs that the foreign document leaves to its own tool (hooks before and after everything) and marks
//! them by tags: edges from a step tagged `order:first`, and all but the first N needs of one tagged `order:last:N`, are not
//! edges of the source.

use crate::Checked;
use crate::plan::Bounds;
use dvt_model::id::StepId;
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What is counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    /// Steps.
    pub steps: u64,
    /// Needs, named and implied.
    pub edges: u64,
    /// Those that are not an importer's own.
    pub source_edges: u64,
    /// Layers over the source's edges.
    pub levels: u64,
    /// Steps in the widest of these layers.
    pub widest: u64,
    /// The worst case.
    pub bounds: Bounds,
}

/// Counts.
pub fn of(checked: &Checked) -> Stats {
    let plan = &checked.plan;
    let marks = Marks::read(checked.canonical.value());
    let (mut edges, mut source_edges) = (0, 0);
    let mut depth: BTreeMap<&StepId, u64> = BTreeMap::new();
    let mut layers: BTreeMap<u64, u64> = BTreeMap::new();
    let mut order: Vec<&StepId> = plan.steps.keys().collect();
    // Every need lies in a lower layer of the whole plan, so this is an order in which needs come first.
    order.sort_by_key(|id| plan.layer(*id));
    for id in order {
        let needs = plan.steps.get(id).map(|step| &step.needs);
        let mut level = 0;
        for need in needs.into_iter().flatten() {
            edges += 1;
            if marks.is_of_source(need, id) {
                source_edges += 1;
                level = level.max(depth.get(need).copied().unwrap_or_default() + 1);
            }
        }
        depth.insert(id, level);
        *layers.entry(level).or_default() += 1;
    }
    Stats {
        steps: plan.steps.len() as u64,
        edges,
        source_edges,
        levels: layers.len() as u64,
        widest: layers.values().copied().max().unwrap_or_default(),
        bounds: checked.bounds.clone(),
    }
}

/// The importer's marks.
struct Marks {
    first: BTreeSet<String>,
    /// The needs of a last step that are the source's.
    last: BTreeMap<String, BTreeSet<String>>,
}

impl Marks {
    fn read(canonical: &Value) -> Self {
        let mut marks = Self { first: BTreeSet::new(), last: BTreeMap::new() };
        for (id, step) in canonical.get("steps").and_then(Value::as_object).into_iter().flatten() {
            let words = |key: &str| {
                step.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
            };
            for tag in words("tags") {
                if tag == "order:first" {
                    marks.first.insert(id.clone());
                } else if let Some(count) =
                    tag.strip_prefix("order:last:").and_then(|count| count.parse().ok())
                {
                    marks.last.insert(id.clone(), words("needs").take(count).map(str::to_owned).collect());
                }
            }
        }
        marks
    }

    fn is_of_source(&self, need: &StepId, id: &StepId) -> bool {
        !self.first.contains(need.as_str())
            && self.last.get(id.as_str()).is_none_or(|own| own.contains(need.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Source;

    #[test]
    fn added_order_is_no_edge_of_the_source() {
        let text = "
apiVersion: dvt/v1
name: shape
steps:
  before: { uses: dvt/noop@1, tags: ['order:first'] }
  a: { uses: dvt/noop@1, needs: before }
  b: { uses: dvt/noop@1, needs: a }
  c: { uses: dvt/noop@1, needs: a }
  after: { uses: dvt/noop@1, needs: [b, a, before, c], tags: ['order:last:1'] }
";
        let source = Source { name: "plan.yaml".to_owned(), text: text.to_owned() };
        let stats = of(&crate::check(&source).checked.unwrap());
        assert_eq!((stats.steps, stats.edges, stats.source_edges), (5, 7, 3));
        assert_eq!((stats.levels, stats.widest), (3, 2));
    }
}
