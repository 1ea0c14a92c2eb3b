//! Tests of rehearsals: what passes, and that each kind of expectation can fail and says where.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use dvt_model::digest::Digest;
use dvt_plan::diagnostic::{Diagnostic, Source};
use dvt_plan::plan::Plan;
use dvt_plan::sub_plan::{Found, SubPlans, Wanted};
use dvt_plan::{Checked, Reach, Surroundings, test_file};

const PLAN: &str = "
apiVersion: dvt/v1
name: shop
inputs: { day: { type: string, default: monday } }
steps:
  fetch: { run: [fetch] , retry: { max: 2, initial: 10s, jitter: none, on: [transient] } }
  count: { needs: fetch, run: [count], timeout: 5s, with: { all: '${{ steps.fetch.output }}' } }
  rest: { needs: count, wait: 1h }
  store: { needs: rest, run: [store], if: steps.count.output != 0 }
  tell: { needs: store, run: [tell], if: always() }
outputs:
  rows: ${{ steps.count.output }}
";

fn source(name: &str, text: &str) -> Source {
    Source { name: name.to_owned(), text: text.to_owned() }
}

fn plan() -> Plan {
    let outcome = dvt_plan::check(&source("plan.yaml", PLAN));
    outcome.checked.unwrap_or_else(|| panic!("{:?}", outcome.diagnostics)).plan
}

/// Plays the one case of a test file.
fn play(case: &str) -> Vec<Diagnostic> {
    let text = format!("plan: plan.yaml\ntests:\n  one:\n{case}");
    let read = test_file::read(&source("plan.test.yaml", &text));
    let file = read.file.unwrap_or_else(|| panic!("{:?}", read.diagnostics));
    let told = test_file::unknown_names(&source("plan.test.yaml", &text), &file, &plan());
    assert!(told.is_empty(), "{told:?}");
    dvt_rehearsal::rehearse(&plan(), &file.cases[0]).differences
}

const GOOD: &str = "
    stubs:
      fetch: [{ exit: 75 }, { output: { rows: 3 } }]
      count: { output: 3 }
    expect:
      status: COMPLETED
      order: [fetch, count, store, tell]
      steps: { fetch: { status: SUCCESS, attempts: 2 }, store: SUCCESS }
      outputs: { rows: 3 }
";

#[test]
fn a_test_passes_and_takes_no_time_of_ours() {
    let begun = std::time::Instant::now();
    assert_eq!(play(GOOD), []);
    // An hour and ten seconds on the test's clock.
    assert!(begun.elapsed() < std::time::Duration::from_secs(5));
}

/// Each expectation fails alone where it is wrong, at its own place.
#[test]
fn every_expectation_can_fail_and_says_where() {
    for (right, wrong, line, told) in [
        ("status: COMPLETED", "status: FAILED", 9, "the run is COMPLETED, not FAILED"),
        ("[fetch, count, store, tell]", "[fetch, store, count, tell]", 10, "`count` began before `store`"),
        ("attempts: 2", "attempts: 3", 11, "`fetch` took 2 attempts, not 3"),
        ("store: SUCCESS", "store: SKIPPED", 11, "`store` is SUCCESS, not SKIPPED"),
        ("rows: 3 }\n", "rows: 4 }\n", 12, "the output `rows` of the plan differs: expected 4, and 3 came"),
    ] {
        let at = GOOD.rfind(right).unwrap();
        let case = format!("{}{wrong}{}", &GOOD[..at], &GOOD[at + right.len()..]);
        let differences = play(&case);
        assert_eq!(differences.len(), 1, "{wrong}: {differences:?}");
        assert_eq!(differences[0].message, told);
        assert_eq!((differences[0].span.line, differences[0].code.as_str()), (line, "DVT-T002"), "{wrong}");
    }
}

#[test]
fn a_stub_that_lasts_too_long_times_out_and_a_skip_is_told_with_its_reason() {
    let differences = play(
        "
    stubs: { count: { output: 1, lasts: 1m } }
    expect: { steps: { count: { status: FAILED, code: TIMEOUT }, store: SUCCESS, tell: SUCCESS } }
",
    );
    assert_eq!(differences.len(), 1, "{differences:?}");
    assert_eq!(differences[0].message, "`store` is not started, not SUCCESS");
    let differences = play(
        "
    stubs: { count: { output: 0 } }
    expect: { order: [fetch, store] }
",
    );
    assert_eq!(differences[0].message, "`store` did not begin");
    assert_eq!(differences[0].label.as_deref(), Some("it is SKIPPED (CONDITION_FALSE)"));
}

#[test]
fn acts_happen_at_their_moment_and_are_missed_where_it_never_comes() {
    let cancel = "
    acts: [{ at: 30m, do: CANCEL }]
    expect: { status: CANCELLED, steps: { rest: { status: FAILED, code: CANCELLED }, store: PENDING, tell: SUCCESS } }
";
    assert_eq!(play(cancel), []);
    let late = play("\n    acts: [{ at: 3h, do: CANCEL }]\n    expect: { status: COMPLETED }\n");
    assert_eq!(late.len(), 1, "{late:?}");
    assert_eq!(late[0].code, "DVT-T003");
    let never = play("\n    acts: [{ during: rest, do: CANCEL }]\n    expect: { status: CANCELLED }\n");
    assert_eq!(never, []);
}

/// Stubs of the file hold for each test that has none of its own for the step.
#[test]
fn stubs_of_the_file_are_shared() {
    let text = "plan: p\nstubs: { count: { exit: 3 } }\ntests:\n  a: { expect: { status: FAILED } }\n  b: { stubs: { count: { output: 1 } }, expect: { status: COMPLETED } }\n";
    let file = test_file::read(&source("t", text)).file.unwrap();
    for case in &file.cases {
        assert_eq!(dvt_rehearsal::rehearse(&plan(), case).differences, [], "{}", case.name.value);
    }
}

#[test]
fn inputs_are_checked_as_at_a_start() {
    let told = play("\n    inputs: { dya: friday }\n    expect: { status: COMPLETED }\n");
    assert!(told[0].message.contains("did you mean `day`?"), "{told:?}");
}

/// What is wrong with a file is told with its place, and with the nearest spelling.
#[test]
fn a_test_file_is_read_strictly() {
    for (text, code, place, near) in [
        ("plan: p\ntests: { a: { stub: {}, expect: { status: COMPLETED } } }", "DVT-P005", (2, 15), "stubs"),
        ("plan: p\ntests: { a: { expect: { status: COMPLETE } } }", "DVT-P006", (2, 33), "COMPLETED"),
        (
            "plan: p\ntests: { a: { stubs: { x: { fail: TIMEUOT } }, expect: { status: FAILED } } }",
            "DVT-P006",
            (2, 35),
            "TIMEOUT",
        ),
        (
            "plan: p\ntests: { a: { stubs: { x: { output: 1, exit: 2 } }, expect: { status: FAILED } } }",
            "DVT-P006",
            (2, 27),
            "",
        ),
        ("plan: p\ntests: { a: { stubs: {} } }", "DVT-P008", (2, 10), ""),
        ("plan: p\ntests: {}", "DVT-P008", (1, 1), ""),
        ("tests: { a: { expect: { status: FAILED } } }", "DVT-P008", (1, 1), ""),
        (
            "plan: p\ntests: { a: { acts: [{ do: CANCEL }], expect: { status: FAILED } } }",
            "DVT-P006",
            (2, 22),
            "",
        ),
        (
            "apiVersion: dvt/v9\nplan: p\ntests: { a: { expect: { status: FAILED } } }",
            "PLAN_SCHEMA_VERSION_UNKNOWN",
            (1, 13),
            "",
        ),
    ] {
        let read = test_file::read(&source("t", text));
        assert!(read.file.is_none(), "{text}");
        let told = &read.diagnostics[0];
        assert_eq!(
            (told.code.as_str(), (told.span.line, told.span.column)),
            (code, place),
            "{text}: {told:?}"
        );
        if !near.is_empty() {
            assert_eq!(told.label.as_deref(), Some(format!("did you mean `{near}`?").as_str()), "{text}");
        }
    }
}

#[test]
fn names_that_the_plan_does_not_have_are_told_with_the_nearest() {
    let text = "plan: p\ntests:\n  a:\n    stubs: { fecth: { output: 1 } }\n    expect: { order: [cuont], steps: { stroe: SUCCESS, count.0: SUCCESS }, outputs: { row: 1 } }\n";
    let source = source("t", text);
    let file = test_file::read(&source).file.unwrap();
    let told = test_file::unknown_names(&source, &file, &plan());
    let near: Vec<&str> = told.iter().map(|told| told.label.as_deref().unwrap_or("")).collect();
    assert_eq!(
        near,
        ["did you mean `fetch`?", "did you mean `count`?", "did you mean `store`?", "did you mean `rows`?"]
    );
    assert!(told.iter().all(|told| told.code == "DVT-T001"));
    assert_eq!((told[0].span.line, told[0].span.column), (4, 14));
}

/// What the core takes as the outputs of steps for which no worker counts is never more than the plan was counted with.
// INVARIANT(INV-21): no history exceeds the bounds that its plan was admitted with.
#[test]
fn outputs_stay_within_their_bound() {
    struct One;
    impl SubPlans for One {
        fn find(&self, _: &Wanted<'_>) -> Result<Found, String> {
            let text = "apiVersion: dvt/v1\nname: child\nsteps: { a: { wait: 1s } }\n";
            Ok(Found::Written(source("child.yaml", text)))
        }
        fn pack(&self, _: &Source, _: &Checked) -> Result<Option<Digest>, String> {
            Ok(None)
        }
    }
    for kib in [1, 1_025, 4_000] {
        let large = "x".repeat(kib * 1_024);
        // The one gives what its plan says, the other what the test says.
        let noop = format!("uses: dvt/noop@1, with: {{ output: {{ x: {large} }} }}");
        for form in [noop.as_str(), "plan: ./child.yaml"] {
            let text = format!("apiVersion: dvt/v1\nname: shop\nsteps: {{ a: {{ {form} }} }}\n");
            let surroundings = Surroundings { sub_plans: &One, reach: Reach::Runs };
            let outcome = dvt_plan::check_with(&source("plan.yaml", &text), &surroundings);
            let checked = outcome.checked.unwrap_or_else(|| panic!("{:?}", outcome.diagnostics));
            let case = format!(
                "plan: plan.yaml\ntests: {{ one: {{ stubs: {{ a: {{ output: {{ x: {large} }} }} }}, expect: {{ status: COMPLETED }} }} }}"
            );
            let file = test_file::read(&source("plan.test.yaml", &case));
            let file = file.file.unwrap_or_else(|| panic!("{:?}", file.diagnostics));
            let played = dvt_rehearsal::rehearse(&checked.plan, &file.cases[0]).played.unwrap();
            let bytes: usize = played.steps.values().map(|step| step.output.to_string().len()).sum();
            assert!(
                bytes as u64 <= checked.bounds.output_bytes,
                "{bytes} of {}",
                checked.bounds.output_bytes
            );
            assert!(bytes > kib * 1_024, "it was taken");
        }
    }
}
