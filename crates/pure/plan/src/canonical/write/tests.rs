//! What is written in one pass is what the general way makes of the value.

use super::*;
use crate::diagnostic::Source;
use crate::read::texts::Texts;
use crate::{Reach, Surroundings, canonical::normalise, definition};
use crate::{read, sub_plan};
use std::collections::BTreeMap;

/// The general way: to a value, normalised, the digests of sub-plans put in, and then to bytes.
fn generally(text: &str, plan: &Plan) -> (Vec<u8>, Plan) {
    let texts = Texts::default();
    let mut sink = crate::diagnostic::collector::Collector::new(text);
    let mut document = normalise(read::read(&mut sink, &texts).unwrap().to_value());
    let mut plan = plan.clone();
    for step in plan.steps.values_mut() {
        let part = if step.part == Part::Finally { "finally" } else { "steps" };
        let body = &mut document[part][step.id.as_str()];
        if let Some(digest) = pinned(step) {
            body[PLAN_DIGEST] = digest.to_string().into();
        }
        if let Some(digest) = step.compensate.as_deref().and_then(pinned) {
            body["compensate"][PLAN_DIGEST] = digest.to_string().into();
        }
        step.definition = Digest([0; 32]);
        if let Some(undo) = &mut step.compensate {
            undo.definition = Digest([0; 32]);
        }
    }
    definition::fill(&mut plan, &document);
    (canonical::to_bytes(&document).unwrap(), plan)
}

fn definitions(plan: &Plan) -> BTreeMap<String, (Digest, Option<Digest>)> {
    let undone = |step: &Step| step.compensate.as_ref().map(|undo| undo.definition);
    plan.steps.iter().map(|(id, step)| (id.to_string(), (step.definition, undone(step)))).collect()
}

struct Child;

impl sub_plan::SubPlans for Child {
    fn find(&self, _: &sub_plan::Wanted<'_>) -> Result<sub_plan::Found, String> {
        let text = "apiVersion: dvt/v1\nname: child\nsteps: { a: { uses: dvt/noop@1 } }\n".to_owned();
        Ok(sub_plan::Found::Written(Source { name: "child.yaml".to_owned(), text }))
    }

    fn pack(&self, _: &Source, _: &crate::Checked) -> Result<Option<Digest>, String> {
        Ok(None)
    }
}

const EVERYTHING: &str = r#"
apiVersion: dvt/v1
name: everything
title: for people
vars: { big: 1e21, tiny: 1.5e-7, odd: { ﬃ: 1, ö: 1, '😀': "a\u0001\"b\\c\u20ac" }, list: [1, null, true, {z: 1, a: 2}] }
files: a.sql
scratch: 64MiB
limits: { maxDuration: 1h30m, maxParallel: 3 }
defaults: { timeout: 2m, retry: { max: 2, initial: 3s, ceiling: 1m } }
data: { class: pii }
steps:
  z: { run: [a, 1, 1.50, true], needs: b, title: words, tags: [x], timeout: 5s, limits: { memory: 1GiB, output: 4KiB, cpu: 0.5 } }
  b: { uses: dvt/noop@1, with: { simulate: 10s, output: { simulate: 10s, '€': 1, "\r": 2 } } }
  c: { wait: 90s, needs: [b] }
  d: { plan: ./child.yaml, retry: { max: 1, initial: 2s } }
  e:
    run: [x]
    env: { A: 'b "quoted"' }
    compensate: { plan: ./child.yaml, title: undone }
  f: { run: [x], description: words, compensate: { run: [y], timeout: 1m, retry: { max: 3, ceiling: 2m } } }
  g: { uses: acme/etl@1, with: { simulate: 10s }, secrets: { DSN: a/b }, retry: 2 }
finally:
  a: { run: [last], needs: [] }
  c2: { run: [more], needs: a, scratch: false }
outputs: { x: '${{ steps.b.output }}' }
permissions: { secrets: [a/b], plugins: [acme/etl@1] }
"#;

fn held(text: &str) -> usize {
    let surroundings = Surroundings { sub_plans: &Child, reach: Reach::Language };
    let source = Source { name: "plan.yaml".to_owned(), text: text.to_owned() };
    let outcome = crate::check_with(&source, &surroundings);
    let Some(checked) = outcome.checked else { panic!("{text}\n{:?}", outcome.diagnostics) };
    let (bytes, plan) = generally(text, &checked.plan);
    let (ours, theirs) = (checked.canonical.bytes(), bytes.as_slice());
    assert_eq!(String::from_utf8_lossy(ours), String::from_utf8_lossy(theirs));
    assert_eq!(definitions(&checked.plan), definitions(&plan));
    let given = definitions(&plan).into_values().flat_map(|(own, undone)| [Some(own), undone]).flatten();
    assert!(given.into_iter().all(|digest| digest != Digest([0; 32])));
    // The value that is made of the bytes is the document again, also for whoever reads the bytes strictly, as a store does.
    assert_eq!(canonical::parse(ours).as_ref(), Ok(checked.canonical.value()));
    assert_eq!(canonical::to_bytes(checked.canonical.value()).unwrap(), bytes);
    assert_eq!(checked.digest(), crate::digest_of(&checked.canonical.into_value()));
    plan.steps.len()
}

#[test]
fn both_ways_give_the_same_bytes_and_digests() {
    assert_eq!(held(EVERYTHING), 9);
    // The same from JSON.
    let texts = Texts::default();
    let mut sink = crate::diagnostic::collector::Collector::new(EVERYTHING);
    let json = read::read(&mut sink, &texts).unwrap().to_value().to_string();
    assert_eq!(held(&json), 9);
}

#[test]
fn every_key_that_is_changed_is_in_the_sample() {
    for key in RETRY.iter().chain(SIZES).chain(&["maxDuration", "wait", "simulate", "timeout"]) {
        assert!(EVERYTHING.contains(&format!("{key}:")), "{key}");
    }
}
