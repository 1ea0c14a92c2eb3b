//! What changed between two plans: rights that are wider first, then rights that are narrower, then everything else.
//!
//! The canonical documents are compared, so formatting and comments are no change. What counts as a right stands in one
//! table; a change there is never shown among the others.

use crate::Checked;
use serde::Serialize;
use serde_json::Value;

/// One change.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// Where: keys and indices, joined by dots.
    pub path: String,
    /// What was there; nothing where it was added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// What is there now; nothing where it was removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// All changes.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Difference {
    /// The plan may do more than before.
    pub widened: Vec<Change>,
    /// The plan may do less than before.
    pub narrowed: Vec<Change>,
    /// Everything else.
    pub changed: Vec<Change>,
}

impl Difference {
    /// Whether the plans are the same.
    pub fn is_empty(&self) -> bool {
        self.widened.is_empty() && self.narrowed.is_empty() && self.changed.is_empty()
    }
}

/// How a right is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    /// Each member is a right.
    Members,
    /// More is wider.
    More,
    /// Any other value than before may do anything: wider.
    Any,
    /// It holds the run back: wider where it is another one or gone, narrower where it is new.
    Gate,
    /// What is waited for: a right where that is a gate.
    Needs,
    /// It says how payloads are protected: wider whichever way it changes.
    Protection,
}

use Measure::{Any, Gate, Members, More, Needs, Protection};

/// Forms that hold a run back until somebody acts.
const GATES: &[&str] = &["approval", "signal"];

/// Keys that say what may be done, `*` for any one key. A new right of the language is a new row.
const RIGHTS: &[(&[&str], Measure)] = &[
    (&["permissions", "*"], Members),
    (&["files"], Members),
    (&["data", "*"], Protection),
    (&["scratch"], More),
    (&["tier"], Any),
    (&["limits", "*"], More),
    (&["defaults", "timeout"], More),
    (&["defaults", "retry"], Any),
    (&["steps", "*", "run"], Any),
    (&["steps", "*", "script"], Any),
    (&["steps", "*", "shell"], Any),
    (&["steps", "*", "uses"], Any),
    (&["steps", "*", "plan"], Any),
    (&["steps", "*", "approval"], Gate),
    (&["steps", "*", "signal"], Gate),
    (&["steps", "*", "needs"], Needs),
    (&["steps", "*", "retry"], Any),
    (&["steps", "*", "dataClass"], Protection),
    (&["steps", "*", "subject"], Protection),
    (&["steps", "*", "scratch"], Any),
    (&["steps", "*", "secrets"], Members),
    (&["steps", "*", "timeout"], More),
    (&["steps", "*", "tier"], Any),
    (&["steps", "*", "limits", "*"], More),
    (&["steps", "*", "declassify"], Any),
    (&["steps", "*", "compensate"], Any),
];

/// Compares two checked plans.
pub fn between(before: &Checked, after: &Checked) -> Difference {
    let mut difference = Difference::default();
    let mut path = Vec::new();
    let documents = [before.canonical.value(), after.canonical.value()];
    walk(documents.map(Some), documents, &mut path, &mut difference);
    difference
}

fn walk<'v>(
    [before, after]: [Option<&'v Value>; 2],
    documents: [&'v Value; 2],
    path: &mut Vec<&'v str>,
    difference: &mut Difference,
) {
    if before == after {
        return;
    }
    // What runs at the end is as able as any step.
    let measured = measure(path).or_else(|| {
        let (first, rest) = path.split_first()?;
        (*first == "finally").then(|| measure(&[&["steps"], rest].concat()))?
    });
    if measured == Some(Needs) {
        needs([before, after], documents, path, difference);
        return;
    }
    if let Some(measure) = measured {
        right(measure, before, after, path, difference);
        return;
    }
    let (old, new) = (before.and_then(Value::as_object), after.and_then(Value::as_object));
    let has_rights_below = path.len() < 3 && (old.is_some() || new.is_some());
    if (old.is_some() && new.is_some()) || (has_rights_below && (before.is_none() || after.is_none())) {
        let keys = old.into_iter().flat_map(|map| map.keys());
        let added = new.into_iter().flat_map(|map| map.keys());
        let added = added.filter(|key| old.is_none_or(|map| !map.contains_key(*key)));
        for key in keys.chain(added) {
            path.push(key);
            walk([old, new].map(|map| map?.get(key)), documents, path, difference);
            path.pop();
        }
        return;
    }
    difference.changed.push(change(path, before, after));
}

fn measure(path: &[&str]) -> Option<Measure> {
    let fits = |pattern: &[&str]| {
        pattern.len() == path.len() && pattern.iter().zip(path).all(|(part, key)| *part == "*" || part == key)
    };
    RIGHTS.iter().find(|(pattern, _)| fits(pattern)).map(|(_, measure)| *measure)
}

fn right(
    measure: Measure,
    before: Option<&Value>,
    after: Option<&Value>,
    path: &[&str],
    difference: &mut Difference,
) {
    match measure {
        Members => {
            let (old, new) = (members(before), members(after));
            for member in new.iter().filter(|member| !old.contains(member)) {
                difference.widened.push(change(path, None, Some(member)));
            }
            for member in old.iter().filter(|member| !new.contains(member)) {
                difference.narrowed.push(change(path, Some(member), None));
            }
        }
        More => {
            let number = |value: Option<&Value>| value.and_then(Value::as_f64);
            // Nothing said is the language's default, which this table does not know; saying less than it is still told as a
            // change of rights, on the careful side.
            let wider = match (number(before), number(after)) {
                (Some(old), Some(new)) => new > old,
                (_, new) => new.is_none(),
            };
            let list = if wider { &mut difference.widened } else { &mut difference.narrowed };
            list.push(change(path, before, after));
        }
        Gate => {
            let list = if before.is_some() { &mut difference.widened } else { &mut difference.narrowed };
            list.push(change(path, before, after));
        }
        Protection => difference.widened.push(change(path, before, after)),
        Any | Needs => {
            let list = if after.is_some() { &mut difference.widened } else { &mut difference.narrowed };
            list.push(change(path, before, after));
        }
    }
}

/// Needs of a step that is in both plans: those that are gates one by one, the others as a whole.
fn needs(
    [before, after]: [Option<&Value>; 2],
    documents: [&Value; 2],
    path: &[&str],
    difference: &mut Difference,
) {
    let [old, new] = [members(before), members(after)];
    let is_there = |document: &Value| at(document, path.iter().take(2).copied()).is_some();
    let is_gate = |document: &Value, need: &Value| {
        let part = path.first().copied().unwrap_or_default();
        let step = at(document, [part, need.as_str().unwrap_or_default()]);
        step.is_some_and(|step| GATES.iter().any(|gate| step.get(gate).is_some()))
    };
    let [earlier, later] = documents;
    let is_in_both = is_there(earlier) && is_there(later);
    let (mut gone, mut added) = (Vec::new(), Vec::new());
    if is_in_both {
        gone.extend(old.iter().filter(|need| !new.contains(need) && is_gate(earlier, need)));
        added.extend(new.iter().filter(|need| !old.contains(need) && is_gate(later, need)));
    }
    difference.widened.extend(gone.iter().map(|need| change(path, Some(need), None)));
    difference.narrowed.extend(added.iter().map(|need| change(path, None, Some(need))));
    let is_told = |need: &&Value, told: &[&Value]| told.contains(need);
    let is_other = old.iter().filter(|need| !new.contains(need)).any(|need| !is_told(&need, &gone))
        || new.iter().filter(|need| !old.contains(need)).any(|need| !is_told(&need, &added));
    if is_other || (gone.is_empty() && added.is_empty()) {
        difference.changed.push(change(path, before, after));
    }
}

fn at<'v, 'k>(document: &'v Value, path: impl IntoIterator<Item = &'k str>) -> Option<&'v Value> {
    path.into_iter().try_fold(document, |value, key| value.get(key))
}

fn members(value: Option<&Value>) -> Vec<Value> {
    match value {
        Some(Value::Array(items)) => items.clone(),
        Some(Value::Object(map)) => {
            map.iter().map(|(key, value)| serde_json::json!({ key.as_str(): value })).collect()
        }
        Some(other) => vec![other.clone()],
        None => Vec::new(),
    }
}

fn change(path: &[&str], before: Option<&Value>, after: Option<&Value>) -> Change {
    Change { path: path.join("."), before: before.cloned(), after: after.cloned() }
}
