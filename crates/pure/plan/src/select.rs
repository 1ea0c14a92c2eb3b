//! Choosing steps of a plan by name, tag and graph, with the words of dbt: `tag:nightly,orders+`.
//!
//! Criteria apart by blanks are joined, those apart by commas must hold together. A criterion is a step's id (`*` stands for anything)
//! or `tag:<tag>`; `+` before it takes what it needs too, behind it what needs it, `2+` and `+2` that many layers. `finally` steps
//! belong to every run and are not chosen. What names nothing is refused: a run of nothing is no run that somebody asked for.

use crate::plan::{Part, Plan};
use dvt_model::id::StepId;
use std::collections::BTreeSet;

type Steps = BTreeSet<StepId>;

/// Why a text chooses nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not a criterion.
    #[error("`{0}` is no criterion: a step's id or `tag:<tag>`, with `+` before or behind it")]
    Malformed(String),
    /// No step.
    #[error("`{0}` names no step of the plan")]
    Nothing(String),
    /// A criterion of a method that is not known.
    #[error("`{0}` asks by `{1}`; steps are chosen by id and by `tag`")]
    Method(String, String),
}

/// The steps that a selection names.
pub fn select(plan: &Plan, text: &str) -> Result<BTreeSet<StepId>, Error> {
    let mut all = Steps::new();
    for part in text.split_whitespace() {
        let mut common: Option<Steps> = None;
        for criterion in part.split(',') {
            let found = one(plan, criterion)?;
            common = Some(match common {
                Some(before) => before.intersection(&found).cloned().collect(),
                None => found,
            });
        }
        let common = common.filter(|common| !common.is_empty());
        all.extend(common.ok_or_else(|| Error::Nothing(part.to_owned()))?);
    }
    if all.is_empty() { Err(Error::Nothing(text.to_owned())) } else { Ok(all) }
}

/// A step and all that needs it: where a run starts.
pub fn from(plan: &Plan, step: &StepId) -> Result<BTreeSet<StepId>, Error> {
    let known = plan.steps.get(step).filter(|step| step.part == Part::Ordinary);
    let known = known.ok_or_else(|| Error::Nothing(step.to_string()))?;
    Ok(reach(plan, [known.id.clone()].into(), usize::MAX, needed_by))
}

fn one(plan: &Plan, criterion: &str) -> Result<Steps, Error> {
    let malformed = || Error::Malformed(criterion.to_owned());
    let (above, rest) = match criterion.split_once('+') {
        Some((depth, rest)) if depth.bytes().all(|byte| byte.is_ascii_digit()) => (Some(layers(depth)), rest),
        _ => (None, criterion),
    };
    let (below, value) = match rest.rsplit_once('+') {
        Some((value, depth)) if depth.bytes().all(|byte| byte.is_ascii_digit()) => {
            (Some(layers(depth)), value)
        }
        _ => (None, rest),
    };
    if value.is_empty() || value.contains('+') {
        return Err(malformed());
    }
    let (tag, name) = match value.split_once(':') {
        Some(("tag", tag)) => (Some(tag), ""),
        Some((method, _)) => return Err(Error::Method(criterion.to_owned(), method.to_owned())),
        None => (None, value),
    };
    let is_chosen = |id: &StepId, tags: &[String]| match tag {
        Some(tag) => tags.iter().any(|own| own == tag),
        None => matches(name.as_bytes(), id.as_str().as_bytes()),
    };
    let ordinary = plan.steps.iter().filter(|(_, step)| step.part == Part::Ordinary);
    let chosen: Steps =
        ordinary.filter(|(id, step)| is_chosen(id, &step.tags)).map(|(id, _)| id.clone()).collect();
    if chosen.is_empty() {
        return Err(Error::Nothing(criterion.to_owned()));
    }
    let mut all = chosen.clone();
    if let Some(depth) = above {
        all.extend(reach(plan, chosen.clone(), depth, needs));
    }
    if let Some(depth) = below {
        all.extend(reach(plan, chosen, depth, needed_by));
    }
    Ok(all)
}

/// No number is all of them; one that is too large is as good.
fn layers(depth: &str) -> usize {
    depth.parse().unwrap_or(usize::MAX)
}

fn needs(plan: &Plan, id: &StepId) -> Vec<StepId> {
    plan.steps.get(id).map(|step| step.needs.iter().cloned().collect()).unwrap_or_default()
}

fn needed_by(plan: &Plan, id: &StepId) -> Vec<StepId> {
    plan.dependants(id).cloned().collect()
}

/// What lies within so many edges, the start included; `finally` steps are no part of it.
fn reach(plan: &Plan, start: Steps, depth: usize, next: fn(&Plan, &StepId) -> Vec<StepId>) -> Steps {
    let mut seen = start.clone();
    let (mut edge, mut left): (Vec<StepId>, usize) = (start.into_iter().collect(), depth);
    while left > 0 && !edge.is_empty() {
        let further = edge.iter().flat_map(|id| next(plan, id));
        let ordinary =
            further.filter(|id| plan.steps.get(id).is_some_and(|step| step.part == Part::Ordinary));
        edge = ordinary.filter(|id| seen.insert(id.clone())).collect();
        left -= 1;
    }
    seen
}

/// `*` stands for anything. It goes back to the last `*` alone, so a hostile pattern costs the product of the lengths.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut here) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while here < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at + 1, here));
                at += 1;
            }
            Some(byte) if text.get(here) == Some(byte) => {
                at += 1;
                here += 1;
            }
            _ => {
                let Some((after, from)) = star else { return false };
                star = Some((after, from + 1));
                at = after;
                here = from + 1;
            }
        }
    }
    pattern.get(at..).is_none_or(|rest| rest.iter().all(|byte| *byte == b'*'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Source;

    const PLAN: &str = "
apiVersion: dvt/v1
name: shop
steps:
  orders: { uses: dvt/noop@1, tags: [nightly] }
  customers: { uses: dvt/noop@1 }
  join: { uses: dvt/noop@1, needs: [orders, customers], tags: [nightly, heavy] }
  load-a: { uses: dvt/noop@1, needs: join }
  load-b: { uses: dvt/noop@1, needs: load-a }
finally:
  notify: { uses: dvt/noop@1 }
";

    fn plan() -> Plan {
        let source = Source { name: "plan.yaml".to_owned(), text: PLAN.to_owned() };
        crate::check(&source).checked.unwrap().plan
    }

    fn chosen(text: &str) -> Vec<String> {
        select(&plan(), text).unwrap().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn steps_are_chosen_by_name_tag_and_graph() {
        assert_eq!(chosen("join"), ["join"]);
        assert_eq!(chosen("load-*"), ["load-a", "load-b"]);
        assert_eq!(chosen("tag:nightly"), ["join", "orders"]);
        assert_eq!(chosen("+join"), ["customers", "join", "orders"]);
        assert_eq!(chosen("join+1"), ["join", "load-a"]);
        assert_eq!(chosen("1+load-b"), ["load-a", "load-b"]);
        assert_eq!(chosen("customers+"), ["customers", "join", "load-a", "load-b"]);
        assert_eq!(chosen("tag:nightly,orders+ customers"), ["customers", "join", "orders"]);
        assert_eq!(chosen("*"), ["customers", "join", "load-a", "load-b", "orders"]);
        let from: Vec<String> = from(&plan(), &StepId::parse("load-a").unwrap())
            .unwrap()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(from, ["load-a", "load-b"]);
    }

    #[test]
    fn what_names_nothing_is_refused() {
        for text in ["", "nobody", "tag:weekly", "notify", "orders,customers"] {
            assert!(matches!(select(&plan(), text), Err(Error::Nothing(_))), "{text}");
        }
        for text in ["+", "a+b+c", "++join"] {
            assert!(matches!(select(&plan(), text), Err(Error::Malformed(_))), "{text}");
        }
        assert!(matches!(select(&plan(), "path:x"), Err(Error::Method(..))));
        assert!(from(&plan(), &StepId::parse("notify").unwrap()).is_err());
    }
}
