//! The schema for editors and the reader say the same of the same documents, one key after the other.

use crate::editor::validated;
use dvt_plan::diagnostic::Source;
use dvt_plan::{Reach, Surroundings};

/// What stands in a plan, and whether it is right.
const PLANS: &[(&str, bool)] = &[
    ("version: 1.0.0-1", true),
    ("version: 1.0.0-0.a.01b+01", true),
    ("version: 1.0.0-01", false),
    ("version: 1.0.0-a.00", false),
    ("version: 01.0.0", false),
    ("files: ['*.py', ./x, 'a/**/b', '[a-z].sql', '..a']", true),
    ("files: ['**', '**/x', 'a/**', './*']", true),
    ("files: ['a**']", false),
    ("files: ['**a/x']", false),
    ("files: ['***']", false),
    ("files: ['./.']", false),
    ("files: [\"a\\tb\"]", false),
    ("files: ['../x']", false),
    ("files: ['a/../x']", false),
    ("files: ['/x']", false),
    ("files: ['~/x']", false),
    ("files: ['a//b']", false),
    ("files: ['a/./b']", false),
    ("files: ['a/']", false),
    ("files: ['.']", false),
    ("files: ['a\\b']", false),
    ("files: ['[a']", false),
    ("files: ['']", false),
    ("limits: { maxDuration: 1s }", true),
    ("limits: { maxDuration: 1000ms }", true),
    ("limits: { maxDuration: 999ms }", false),
    ("limits: { maxDuration: 0h }", false),
    ("defaults: { timeout: 1ms }", true),
    ("defaults: { timeout: 0s }", false),
    ("permissions: { egress: ['api.acme.test:443', 'localhost:65535'] }", true),
    ("permissions: { egress: ['api.acme.test:+443'] }", false),
    ("permissions: { egress: ['api.acme.test:00443'] }", false),
    ("permissions: { egress: ['a.test:65536'] }", false),
    ("permissions: { egress: ['a.test:0'] }", false),
    ("permissions: { egress: ['.:1'] }", false),
    ("permissions: { egress: [':443'] }", false),
    ("permissions: { egress: ['-a:443'] }", false),
    ("permissions: { plugins: ['acme/etl@1.2'] }", true),
    ("permissions: { plugins: ['//@..'] }", false),
    ("permissions: { plugins: ['a@1..2'] }", false),
    ("permissions: { plugins: ['a@01'] }", false),
    ("permissions: { secrets: ['a/b@7', 'a/b'] }", true),
    ("permissions: { secrets: ['a/b@007'] }", false),
    ("permissions: { secrets: ['A/b'] }", false),
];

/// What stands in a step, and whether it is right.
const STEPS: &[(&str, bool)] = &[
    ("retry: { max: 1, on: { exit: 75 } }", true),
    ("retry: { max: 1, on: [{ exit: [75, 111] }, transient] }", true),
    ("retry: { max: 1, on: {} }", false),
    ("retry: { max: 1, on: [{}] }", false),
    ("retry: { max: 1, on: [{ exit: [] }] }", false),
    ("retry: { max: 1, on: [] }", false),
    ("retry: { max: 1, on: [{ exit: 0 }] }", false),
    ("retry: { max: 2, initial: 10m }", true),
    ("retry: { max: 2, ceiling: 500ms }", true),
    ("retry: { max: 2, initial: 0s, ceiling: 0s }", true),
    ("foreach: { x: [1], y: '[2]' }", true),
    ("foreach: []", true),
    ("foreach: {}", false),
    ("foreach: { x-y: [1] }", false),
    ("foreach: { x: 1 }", false),
    ("foreach: { x: { y: [1] } }", false),
    ("foreach: ' '", false),
    ("foreach: 1", false),
    ("foreach: { x: [1] }, exclude: [{ x: 1 }]", true),
    ("foreach: { x: [1] }, exclude: '[1]'", false),
    ("foreach: { x: [1] }, exclude: { x: 1 }", false),
    ("timeout: 1ms", true),
    ("timeout: 0s", false),
    ("timeout: 0h0m", false),
    ("env: { A: b, LDX: c, PATHS: d }", true),
    ("env: { PATH: /bin }", false),
    ("env: { BASH_ENV: x }", false),
    ("env: { LD_PRELOAD: x }", false),
    ("env: { DYLD_X: x }", false),
    ("env: { DVT_RUN: x }", false),
    ("env: { '1A': x }", false),
    ("subject: ana", true),
    ("subject: 7", true),
    ("subject: '${{ run.id }}'", true),
    ("subject: ''", false),
    ("subject: ' '", false),
    ("subject: null", false),
    ("subject: true", false),
    ("subject: [a]", false),
];

#[test]
fn the_schema_and_the_reader_agree() {
    let plans = PLANS.iter().map(|(text, good)| (format!("{text}\nsteps: {{ a: {{ run: [x] }} }}"), good));
    let steps = STEPS.iter().map(|(text, good)| (format!("steps: {{ a: {{ run: [x], {text} }} }}"), good));
    let mut documents = Vec::new();
    let mut wrong = Vec::new();
    let mut expected = Vec::new();
    for (text, good) in plans.chain(steps) {
        let text = format!("apiVersion: dvt/v1\nname: a\n{text}\n");
        let source = Source { name: "plan.yaml".to_owned(), text: text.clone() };
        let surroundings = Surroundings { reach: Reach::Language, ..Surroundings::default() };
        let outcome = dvt_plan::check_with(&source, &surroundings);
        if outcome.checked.is_some() != *good {
            wrong.push(format!("reader: {text}{:?}", outcome.diagnostics));
        }
        documents.push((text.clone(), dvt_plan::value(&text).unwrap()));
        expected.push(*good);
    }
    for ((text, _), (fault, good)) in documents
        .iter()
        .zip(validated(&dvt_plan::editor::schema(), &documents).into_iter().flatten().zip(expected))
    {
        if fault.is_none() != good {
            wrong.push(format!("schema: {text}{fault:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
