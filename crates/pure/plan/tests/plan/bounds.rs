//! Worst cases: each figure against one worked out by hand.

use crate::lint;
use dvt_plan::plan::Bounds;
use serde_json::{Value, json};

fn bounds(steps: &str) -> Bounds {
    let text = format!(
        "apiVersion: dvt/v1\nname: a\ninputs: {{ l: {{ type: array, maxItems: 10 }}, u: {{ type: array }} }}\ndefaults: {{ timeout: 1m }}\n{steps}"
    );
    let outcome = lint("plan.yaml", &text);
    outcome.checked.unwrap_or_else(|| panic!("{:#?}", outcome.diagnostics)).bounds
}

const NO_PAUSE: &str = "backoff: constant, initial: 0s, jitter: none";

#[test]
fn foreach_and_retry_multiply() {
    let found = bounds(&format!(
        "steps: {{ a: {{ foreach: inputs.l, maxParallel: 3, run: [x], retry: {{ max: 2, {NO_PAUSE} }} }} }}"
    ));
    // Ten items of three attempts, and the base step.
    assert_eq!((found.steps, found.attempts, found.parallel), (1, 31, 4));
    assert_eq!(found.duration_ms, 30 * 60_000);
    assert_eq!(found.output_bytes, 10 << 20);
    assert!(found.is_bounded);
}

#[test]
fn products_and_unbounded_lists() {
    assert_eq!(bounds("steps: { a: { foreach: { x: inputs.l, y: [1, 2, 3] }, run: [x] } }").attempts, 31);
    let open = bounds("steps: { a: { foreach: inputs.u, run: [x] } }");
    assert_eq!((open.attempts, open.is_bounded), (10_001, false));
    assert_eq!(bounds("steps: { a: { foreach: { x: inputs.l, y: inputs.u }, run: [x] } }").attempts, 10_001);
}

#[test]
fn compensation_and_finally_count() {
    let found = bounds(
        "steps: { a: { run: [x], retry: 1, compensate: { run: [u], retry: 2 } } }\nfinally: { f: { run: [n] } }",
    );
    // Two attempts, three of the compensation, one at the end; a pause of one second, and of one and two seconds.
    assert_eq!((found.steps, found.attempts, found.parallel), (2, 6, 1));
    assert_eq!(found.duration_ms, 6 * 60_000 + 1_000 + 3_000);
    let each = bounds("steps: { a: { foreach: inputs.l, run: [x], compensate: { run: [u] } } }");
    assert_eq!(each.attempts, 22);
}

#[test]
fn waits_stop_the_clock() {
    let limits = "limits: { maxDuration: 1h }\n";
    let found = bounds(&format!("{limits}steps: {{ a: {{ approval: {{ role: operator }}, timeout: 1d }} }}"));
    assert_eq!(found.duration_ms, 86_400_000);
    let held = bounds("onStepFailure: hold\nsteps: { a: { run: [x] } }");
    assert_eq!(held.duration_ms, 60_000 + 72 * 3_600_000);
}

#[test]
fn past_max_duration_the_way_out_is_bounded_too() {
    let found = bounds(
        "limits: { maxDuration: 2m }\nsteps: { a: { foreach: inputs.l, run: [x], compensate: { run: [u] } } }",
    );
    // Two minutes, the grace and the longest attempt; then the compensations within two minutes and a grace.
    assert_eq!(found.duration_ms, (120_000 + 10_000 + 60_000) + (120_000 + 10_000));
}

#[test]
fn hostile_figures_stay_finite() {
    let found = bounds(
        "steps: { a: { foreach: inputs.l, run: [x], timeout: 366d, retry: { max: 20, initial: 1d, ceiling: 1d, jitter: none } }, w: { waitUntil: '${{ inputs.l[0] }}' } }",
    );
    assert!(found.duration_ms > 0 && found.duration_ms < u64::MAX);
}

const SCHEMAS: &[&str] = &[
    "{}",
    "{ maxItems: 2 }",
    "{ type: array, maxItems: 2 }",
    "{ type: object }",
    "{ type: [object, array], maxItems: 2 }",
    "{ type: [array, 'null'], maxItems: 3 }",
    "{ enum: [{ a: 1, b: 2, c: 3 }, [1]] }",
    "{ enum: [[1, 2, 3], [1]], maxItems: 2 }",
    "{ const: { a: 1, b: 2 } }",
    "{ type: object, properties: { a: {} } }",
    "{ type: object, properties: { a: {}, b: {} }, additionalProperties: false }",
];

const LISTS: &[&str] = &[
    "inputs.x",
    "inputs.x.map(k, k)",
    "inputs.x.filter(k, true)",
    "inputs.x.map(k, true, k).filter(k, true)",
    "(true ? inputs.x : inputs.x).map(k, k)",
    "inputs.x.map(k, k) + inputs.x.filter(k, true)",
    "(inputs.x + inputs.x).map(k, k)",
];

/// Every value that a schema lets in has at most as many items as the plan was counted with. Macros repeat over the keys of
/// an object, and `maxItems` says nothing of these.
// INVARIANT(INV-21): what is not known counts as the most that may be, never as fewer.
#[test]
fn no_value_that_is_let_in_has_more_items_than_were_counted() {
    let mut values: Vec<Value> = (0..6).map(|count| (0..count).collect()).collect();
    let object =
        |count: usize| (0..count).map(|at| (["a", "b", "c", "d", "e"][at].to_owned(), json!(at))).collect();
    values.extend((0..6).map(|count| Value::Object(object(count))));
    values.extend([json!({"a": 1, "b": 2, "c": 3}), json!([1]), json!([1, 2, 3]), json!({"a": 1, "b": 2})]);
    let (mut compared, mut bounded) = (0, 0);
    for (schema, list) in SCHEMAS.iter().flat_map(|schema| LISTS.iter().map(move |list| (schema, list))) {
        let text = format!(
            "apiVersion: dvt/v1\nname: a\ninputs: {{ x: {schema} }}\nsteps: {{ a: {{ foreach: '{list}', run: [x] }} }}\n"
        );
        // What can only be an object is refused where a list is wanted.
        let Some(checked) = lint("plan.yaml", &text).checked else { continue };
        let expression = dvt_plan::expression::parse(list).unwrap();
        for value in values.iter().filter(|value| checked.plan.inputs["x"].check(value).is_ok()) {
            let mut bindings = dvt_plan::expression::Bindings::default();
            bindings.names.insert("inputs".to_owned(), json!({ "x": value }));
            if let Ok(Value::Array(items)) = dvt_plan::expression::evaluate(&expression, &bindings) {
                let attempts = items.len() as u64 + 1;
                assert!(
                    attempts <= checked.bounds.attempts,
                    "{schema} {list} {value}: {}",
                    checked.bounds.attempts
                );
                compared += 1;
                bounded += usize::from(checked.bounds.is_bounded);
            }
        }
    }
    assert!(compared > 300 && bounded > 100, "{compared} {bounded}");
}

#[test]
fn what_may_be_an_object_of_any_size_is_unbounded() {
    let found = |inputs: &str, step: &str| {
        let text = format!("apiVersion: dvt/v1\nname: a\ninputs: {{ x: {inputs} }}\nsteps: {{ {step} }}\n");
        let outcome = lint("plan.yaml", &text);
        let bounds = outcome.checked.unwrap_or_else(|| panic!("{text}\n{:#?}", outcome.diagnostics)).bounds;
        (bounds.is_bounded, bounds.attempts)
    };
    let keys = "a: { foreach: 'inputs.x.map(k, k)', run: [x] }";
    assert_eq!(found("{ maxItems: 2 }", keys), (false, 10_001));
    assert_eq!(found("{ type: [object, array], maxItems: 2 }", keys), (false, 10_001));
    assert_eq!(found("{ enum: [{ a: 1, b: 2, c: 3 }] }", keys), (true, 4));
    assert_eq!(found("{ const: { a: 1, b: 2 } }", keys), (true, 3));
    assert_eq!(found("{ type: array, maxItems: 2 }", keys), (true, 3), "control");
    let output = "s: { uses: dvt/noop@1, outputs: { maxItems: 1 } }, a: { foreach: 'steps.s.output.map(k, k)', run: [x] }";
    assert_eq!(found("{}", output), (false, 10_002));
}
