//! `dvt plan test`: what a person sees, what a program reads, and how it ends.

use crate::home::{Home, repository};

const PLAN: &str = "apiVersion: dvt/v1\nname: etl\nsteps:\n  load: { run: [load] }\n  tell: { needs: load, run: [tell], if: always() }\n";
const TEST: &str = "plan: etl.yaml\ntests:\n  goes well:\n    expect: { status: COMPLETED, order: [load, tell] }\n  load fails:\n    stubs: { load: { exit: 1 } }\n    expect: { status: COMPLETED }\n";

#[test]
fn the_example_passes() {
    let home = Home::new();
    let folder = repository().join("examples/orders-etl");
    let told = home.dvt(&["plan", "test", &folder.display().to_string()]).ends(0);
    assert!(
        told.out.contains("✓ a quiet night") && told.out.contains("4 passed, 0 failed in "),
        "{}",
        told.out
    );
    assert_eq!(told.err, "");
}

#[test]
fn a_difference_is_shown_at_its_place_and_fails_the_command() {
    let home = Home::new();
    home.plan("etl", PLAN);
    let test = home.plan("etl.test", TEST);
    let told = home.dvt(&["plan", "test", &test]).ends(1);
    assert!(
        told.out.contains("✓ goes well") && told.out.contains("✗ load fails  1 difference"),
        "{}",
        told.out
    );
    assert!(
        told.err.starts_with("error[DVT-T002]: the run is FAILED, not COMPLETED\n  ┌─ etl.test.yaml:7:23\n"),
        "{}",
        told.err
    );
    assert!(
        told.err.contains("^^^^^^^^^ it is FAILED")
            && told.err.contains("why:     `load` failed with STEP_ERROR"),
        "{}",
        told.err
    );
    let report = home.dvt(&["plan", "test", &test, "--output", "json"]).ends(1).json();
    assert_eq!((&report["passed"], &report["failed"]), (&1.into(), &1.into()));
    assert_eq!(report["files"][0]["tests"][1]["differences"][0]["span"]["line"], 7);
    assert_eq!(report["files"][0]["tests"][1]["steps"]["load"]["code"], "STEP_ERROR");
    home.dvt(&["plan", "test", &test, "--only", "goes"]).ends(0);
    home.dvt(&["plan", "test", &test, "--only", "nothing like this"]).ends(2);
}

#[test]
fn a_misspelled_step_is_no_test() {
    let home = Home::new();
    home.plan("etl", PLAN);
    let test = home.plan(
        "etl.test",
        "plan: etl.yaml\ntests:\n  one:\n    stubs: { laod: { exit: 1 } }\n    expect: { status: FAILED }\n",
    );
    let told = home.dvt(&["plan", "test", &test]).ends(2);
    assert!(told.err.contains("error[DVT-T001]: the plan has no step `laod`"), "{}", told.err);
    assert!(told.err.contains("^^^^ did you mean `load`?"), "{}", told.err);
    assert!(home.dvt(&["explain", "DVT-T001"]).ends(0).out.contains("nearest spelling"));
}
