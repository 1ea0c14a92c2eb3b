//! The digest of a step's definition: equal digests mean that the step does the same with the same inputs.
//!
//! It covers the step as it stands in the canonical form without what people alone read, the plan's `defaults` and
//! `vars`, and the digest of the packed files. A run that is retried from its failure takes over a completed step where
//! this digest has not changed (`StepReused`).

use crate::document::plan::FILES_DIGEST;
use crate::plan::{Part, Plan};
use dvt_model::canonical;
use dvt_model::digest::Digest;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// Keys that change nothing of what a step does.
pub(crate) const FOR_PEOPLE: &[&str] = &["title", "description", "tags"];

/// Keys of the plan that change what its steps do.
pub(crate) const SHARED: &[&str] = &["defaults", "vars", FILES_DIGEST];

/// Fills in the digests of all steps, of a stored document.
pub(crate) fn fill(plan: &mut Plan, document: &Value) {
    let shared: Map<String, Value> =
        SHARED.iter().filter_map(|key| Some(((*key).to_owned(), document.get(*key)?.clone()))).collect();
    let shared = digest(&[], &Value::Object(shared));
    let bodies = |part: &str| document.get(part).and_then(Value::as_object).into_iter().flatten().peekable();
    let (mut ordinary, mut finally) = (bodies("steps"), bodies("finally"));
    for step in plan.steps.values_mut() {
        // Both go in byte order, so each body is found where the one before it was.
        let bodies = if step.part == Part::Finally { &mut finally } else { &mut ordinary };
        while bodies.next_if(|(id, _)| id.as_str() < step.id.as_str()).is_some() {}
        let Some((_, body)) = bodies.next_if(|(id, _)| id.as_str() == step.id.as_str()) else { continue };
        step.definition = digest(&shared.0, &bare(body));
        if let (Some(undo), Some(body)) = (&mut step.compensate, body.get("compensate")) {
            undo.definition = digest(&shared.0, &bare(body));
        }
    }
}

fn bare(body: &Value) -> Cow<'_, Value> {
    let Some(members) = body.as_object() else { return Cow::Borrowed(body) };
    // Most steps say nothing for people alone, and need no copy.
    if !FOR_PEOPLE.iter().any(|key| members.contains_key(*key)) {
        return Cow::Borrowed(body);
    }
    let kept = members.iter().filter(|(key, _)| !FOR_PEOPLE.contains(&key.as_str()));
    Cow::Owned(Value::Object(kept.map(|(key, value)| (key.clone(), value.clone())).collect()))
}

#[expect(clippy::expect_used, reason = "reading refused every number and depth that has no canonical form")]
fn digest(before: &[u8], value: &Value) -> Digest {
    let bytes = canonical::to_bytes(value).expect("a part of a checked document has a canonical form");
    Digest::of_parts(&[before, &bytes])
}
