//! Worst cases: each figure against one worked out by hand.

use crate::lint;
use dvt_plan::plan::Bounds;

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
