//! Jobs of GitHub in a plan: what runs, what is left out, and what a condition is told, where steps fail or are left out.

use crate::played::{plan, play};
use dvt_import::{Imported, github};
use std::collections::BTreeMap;

fn imported(jobs: &str) -> Imported {
    let text = format!("on: {{workflow_dispatch: {{inputs: {{go: {{type: string}}}}}}}}\njobs:\n{jobs}");
    github::import(&text).unwrap()
}

/// Plays jobs; the steps that ended, by how.
fn ends(jobs: &str, case: &str) -> BTreeMap<String, String> {
    play(&imported(jobs), case)
}

#[track_caller]
fn hold(ends: &BTreeMap<String, String>, ran: &[&str], not: &[&str]) {
    for step in ran {
        assert_eq!(ends.get(*step).map(String::as_str), Some("SUCCESS"), "{step} of {ends:#?}");
    }
    for step in not {
        let end = ends.get(*step).map(String::as_str);
        assert!(end.is_none() || end == Some("SKIPPED"), "{step} of {ends:#?}");
    }
}

const DEPLOY: &str = "
  build: {steps: [{id: compile, run: make}, {id: test, run: make test}]}
  deploy:
    needs: build
    steps:
      - {id: push, run: ./deploy}
      - {id: rollback, if: failure(), run: ./rollback}
      - {id: page, if: always(), run: ./page}
      - {id: last, run: ./last}
  notify:
    needs: build
    if: always() && needs.build.result == 'failure'
    steps: [{id: say, run: ./say}, {id: close, run: ./close}]
";

#[test]
fn a_job_that_never_began_runs_none_of_its_steps() {
    for failing in ["build_compile", "build_test"] {
        let ends = ends(DEPLOY, &format!("stubs: {{{failing}: {{exit: 1}}}}"));
        hold(&ends, &["notify_say", "notify_close"], &["deploy_push", "deploy_rollback", "deploy_page"]);
    }
    let well = ends(DEPLOY, "");
    hold(
        &well,
        &["deploy_push", "deploy_page", "deploy_last"],
        &["deploy_rollback", "notify_say", "notify_close"],
    );
    let own = ends(DEPLOY, "stubs: {deploy_push: {exit: 1}}");
    hold(&own, &["deploy_rollback", "deploy_page"], &["deploy_last", "notify_say"]);
}

#[test]
fn a_job_left_out_is_left_out_whole_and_so_is_what_needs_it() {
    let jobs = "
  gate: {if: inputs.go == 'yes', steps: [{id: check, run: ./check}, {id: tag, if: inputs.go != 'no', run: ./tag}]}
  release:
    needs: gate
    steps: [{id: prepare, run: ./a}, {id: notes, if: inputs.go == 'later', run: ./b}, {id: publish, run: ./c}]
  after: {needs: release, steps: [{id: tell, run: ./d}]}
";
    hold(
        &ends(jobs, "inputs: {go: 'yes'}"),
        &["gate_check", "gate_tag", "release_prepare", "release_publish", "after"],
        &["release_notes"],
    );
    hold(
        &ends(jobs, "inputs: {go: 'no'}"),
        &[],
        &["gate_check", "gate_tag", "release_prepare", "release_notes", "release_publish", "after"],
    );
}

#[test]
fn a_first_step_with_a_condition_says_nothing_of_its_job() {
    let jobs = "
  gate: {if: inputs.go == 'yes', steps: [{id: tag, if: inputs.go == 'never', run: ./tag}]}
  release: {needs: gate, steps: [{id: first, if: always(), run: ./a}, {id: publish, run: ./b}]}
";
    hold(&ends(jobs, "inputs: {go: 'yes'}"), &["release_first", "release_publish"], &["gate_tag"]);
    hold(&ends(jobs, "inputs: {go: 'no'}"), &[], &["gate_tag", "release_first", "release_publish"]);
}

#[test]
fn a_job_that_may_fail_ends_at_its_failure_and_the_others_go_on() {
    let jobs = "
  nightly:
    continue-on-error: true
    steps:
      - {id: test, run: ./test}
      - {id: publish, run: ./publish}
      - {id: why, if: failure(), run: ./why}
      - {id: clean, if: always(), run: ./clean}
  next: {needs: nightly, steps: [{id: go, run: ./go}]}
  told: {needs: nightly, if: always() && needs.nightly.result == 'success', steps: [{id: it, run: ./it}]}
";
    let failed = ends(jobs, "stubs: {nightly_test: {exit: 1}}");
    hold(&failed, &["nightly_why", "nightly_clean", "next", "told"], &["nightly_publish"]);
    hold(&ends(jobs, ""), &["nightly_publish", "nightly_clean", "next"], &["nightly_why"]);
}

#[test]
fn the_result_of_a_job_is_that_of_all_its_steps() {
    let jobs = "
  build: {steps: [{id: compile, run: make}, {id: report, if: failure(), run: ./report}, {id: clean, if: always(), run: ./clean}]}
  deploy: {needs: build, if: always() && needs.build.result == 'success', steps: [{run: ./deploy}]}
  mourn: {needs: build, if: always() && needs.build.result == 'failure', steps: [{run: ./mourn}]}
  plain: {needs: build, steps: [{run: ./plain}]}
";
    hold(&ends(jobs, ""), &["build_clean", "deploy", "plain"], &["build_report", "mourn"]);
    let failed = ends(jobs, "stubs: {build_compile: {exit: 1}}");
    hold(&failed, &["build_report", "build_clean", "mourn"], &["deploy", "plain"]);
    let matrix = "
  test: {strategy: {matrix: {v: [1, 2]}}, steps: [{run: ./test}]}
  report: {needs: test, if: always() && needs.test.result == 'failure', steps: [{run: ./report}]}
  cleanup: {needs: test, if: always(), steps: [{id: stop, run: ./stop}, {id: remove, run: ./remove}]}
";
    for failing in ["test_1", "test_2"] {
        let failed = ends(matrix, &format!("stubs: {{{failing}: {{exit: 1}}}}"));
        hold(&failed, &["report", "cleanup_stop", "cleanup_remove"], &[]);
    }
    hold(&ends(matrix, ""), &["cleanup_stop", "cleanup_remove"], &["report"]);
    let stopped = ends(matrix, "stubs: {cleanup_stop: {exit: 1}}");
    hold(&stopped, &[], &["cleanup_remove"]);
}

#[test]
fn a_step_left_out_is_no_failure_of_those_behind_it() {
    let jobs = "
  test:
    steps:
      - {id: unit, run: ./unit}
      - {id: extra, if: inputs.go == 'yes', run: ./extra}
      - {id: report, if: success() || failure(), run: ./report}
      - {id: upload, if: success() && inputs.go != 'yes', run: ./upload}
      - {id: maybe, continue-on-error: true, run: ./maybe}
      - {id: fine, if: steps.maybe.conclusion == 'success', run: ./fine}
      - {id: bad, if: steps.maybe.outcome == 'failure', run: ./bad}
";
    let case = "inputs: {go: 'no'}\nstubs: {test_maybe: {exit: 1}}";
    hold(
        &ends(jobs, case),
        &["test_unit", "test_report", "test_upload", "test_fine", "test_bad"],
        &["test_extra"],
    );
    let failed = ends(jobs, "inputs: {go: 'no'}\nstubs: {test_unit: {exit: 1}}");
    hold(&failed, &["test_report"], &["test_extra", "test_upload", "test_fine", "test_bad"]);
    // A failure of another job is none of this one's steps.
    let two = "
  other: {steps: [{run: ./other}]}
  mine: {steps: [{id: one, run: ./one}, {id: two, if: failure(), run: ./two}, {id: three, if: always(), run: ./three}]}
";
    hold(&ends(two, "stubs: {other: {exit: 1}}"), &["mine_one", "mine_three"], &["mine_two"]);
    let told = imported(two).report.lost;
    assert!(told.iter().any(|loss| loss.what == "jobs"), "{told:#?}");
    assert!(!imported("  one: {steps: [{run: a}]}").report.lost.iter().any(|loss| loss.what == "jobs"));
}

#[test]
fn after_a_cancel_only_what_always_runs_begins() {
    let jobs = "
  build: {steps: [{id: long, run: ./long}]}
  always: {needs: build, if: always(), steps: [{id: one, run: ./a}, {id: two, run: ./b}]}
  failed: {needs: build, if: failure(), steps: [{id: three, run: ./c}]}
";
    let case = "stubs: {build: {output: 1, lasts: 5m}}\nacts: [{at: 1m, do: CANCEL}]";
    hold(&ends(jobs, case), &["always_one", "always_two"], &["failed"]);
}

/// The script of the plan's one step.
fn script(job: &str) -> String {
    let (_, text) = plan(&imported(job));
    text.split_once("script: ").unwrap().1.to_owned()
}

#[test]
fn shells_stop_where_they_stop_there() {
    let with = |shell: &str| script(&format!("  a: {{steps: [{{run: 'echo it'{shell}}}]}}"));
    assert!(with("").contains("set +u +o pipefail\n"), "{}", with(""));
    assert!(with(", shell: bash").contains("set +u\n"));
    assert!(with(", shell: sh").contains("set +u\n"));
    assert!(!with(", shell: python").contains("set +"));
}

#[test]
fn a_step_may_take_as_long_as_a_job_there() {
    let (checked, _) =
        plan(&imported("  a: {steps: [{id: one, run: x}, {id: two, timeout-minutes: 5, run: y}]}"));
    let times: Vec<_> = checked.plan.steps.values().map(|step| step.timeout_ms).collect();
    assert_eq!(times, [Some(6 * 3_600_000), Some(300_000)]);
}

#[test]
fn a_variable_that_the_script_sets_is_not_the_one_that_was_pasted() {
    let kept = "  a: {env: {V: '1'}, steps: [{run: 'echo ${{ env.V }} $V'}]}";
    assert!(!script(kept).contains("VALUE_"), "{}", script(kept));
    let set = "  a: {env: {V: '1'}, steps: [{run: 'V=${{ env.V }}-b; echo ${{ env.V }}'}]}";
    assert!(script(set).contains("${VALUE_V}"), "{}", script(set));
}

#[test]
fn what_a_matrix_holds_open_is_told() {
    for matrix in [
        "{v: [1], include: [{v: 1, tag: 'x-${{ github.sha }}'}]}",
        "{v: [1, 2], exclude: [{v: '${{ inputs.go }}'}]}",
        "{v: [{a: '${{ inputs.go }}'}]}",
    ] {
        let imported = imported(&format!("  a: {{strategy: {{matrix: {matrix}}}, steps: [{{run: x}}]}}"));
        assert!(imported.report.lost.iter().any(|loss| loss.what == "matrix"), "{matrix}");
        assert!(!imported.text("it").contains("$ {{"), "{matrix}");
    }
}

#[test]
fn each_instance_has_the_system_of_its_machine() {
    let job = "  a: {strategy: {matrix: {os: [ubuntu-latest, windows-latest]}}, runs-on: '${{ matrix.os }}', \
               steps: [{id: one, run: Get-Date}, {id: two, if: runner.os == 'Windows', shell: bash, run: x}]}";
    let (checked, text) = plan(&imported(job));
    let form = |id: &str| checked.plan.steps[id].form.word();
    assert_eq!((form("a_ubuntu-latest_one"), form("a_windows-latest_one")), ("script", "run"), "{text}");
    let ended = play(&imported(job), "");
    hold(&ended, &["a_windows-latest_two"], &["a_ubuntu-latest_two"]);
}
