//! What a workflow of Argo does is what its plan does: each case is imported and played, with steps that fail, a run that is
//! cancelled, inputs that say otherwise.

use crate::played::played;
use dvt_import::{Imported, argo};

/// The beginning of a workflow whose first template is `main`, and templates that it calls.
const AROUND: &str = "\
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: { name: meanings }
spec:
  entrypoint: main
";
const TEMPLATES: &str = "
  - name: two
    steps:
    - - { name: one, template: work }
    - - { name: two, template: work }
  - name: work
    inputs: { parameters: [{ name: p, default: x }] }
    container: { image: alpine, command: [./work, '{{inputs.parameters.p}}'] }
";

/// Imports a workflow of these templates; what stands before `templates:` may be more of the specification.
pub(crate) fn import(spec: &str) -> Imported {
    argo::import(&format!("{AROUND}{spec}{TEMPLATES}")).unwrap_or_else(|error| panic!("{error}"))
}

/// Imports it and plays one test of it.
pub(crate) fn plays(spec: &str, case: &str) -> Imported {
    let imported = import(spec);
    played(&imported, case);
    imported
}

/// Whether the report names this under that word.
pub(crate) fn tells(imported: &Imported, what: &str, named: &str) -> bool {
    let mut all = imported.report.lost.iter().filter(|loss| loss.what == what);
    all.any(|loss| loss.named.iter().any(|one| one.starts_with(named)))
}

#[test]
fn a_template_whose_failure_does_not_matter_ends_at_its_first_failure() {
    let spec = "
  templates:
  - name: main
    steps:
    - - { name: try, template: two, continueOn: { failed: true } }
    - - { name: after, template: work }
";
    plays(
        spec,
        "{stubs: {try_one: {exit: 1}}, expect: {status: COMPLETED, steps: {try_two: SKIPPED, after: SUCCESS}}}",
    );
    plays(spec, "{expect: {status: COMPLETED, steps: {try_two: SUCCESS, after: SUCCESS}}}");
    plays(
        spec,
        "{stubs: {try_two: {exit: 1}}, expect: {status: COMPLETED, steps: {try_two: FAILED, after: SUCCESS}}}",
    );
    let several = "
  templates:
  - name: main
    dag:
      tasks:
      - { name: A, template: deep, continueOn: { failed: true } }
      - { name: B, template: work, dependencies: [A] }
      - { name: C, template: work, depends: A.Succeeded }
  - name: deep
    steps:
    - - { name: a, template: two }
    - - { name: b, template: work, when: '{{workflow.parameters.go}} == yes' }
    - - { name: c, template: work }
";
    let expect = "expect: {status: COMPLETED, steps: {A_b: SKIPPED, A_c: SKIPPED, B: SUCCESS, C: SKIPPED}}";
    plays(several, &format!("{{inputs: {{go: 'yes'}}, stubs: {{A_a_one: {{exit: 1}}}}, {expect}}}"));
    plays(
        several,
        "{inputs: {go: 'no'}, expect: {steps: {A_b: SKIPPED, A_c: SUCCESS, B: SUCCESS, C: SUCCESS}}}",
    );
}

#[test]
fn a_task_behind_one_that_was_omitted_is_omitted_and_behind_one_that_ran_it_runs() {
    let spec = "
  templates:
  - name: main
    dag:
      tasks:
      - { name: A, template: work }
      - { name: repair, template: work, depends: A.Failed }
      - { name: restart, template: work, depends: repair }
      - { name: inside, template: few, depends: repair }
      - { name: S, template: work, when: '{{workflow.parameters.go}} == yes' }
      - { name: T, template: work, depends: S.Succeeded }
      - { name: U, template: work, depends: S.Skipped }
      - { name: V, template: work, depends: S }
      - { name: W, template: work, depends: T }
      - { name: X, template: work, depends: T.Omitted }
  - name: few
    steps:
    - - { name: a, template: work, when: '{{workflow.parameters.go}} == yes' }
    - - { name: b, template: work }
";
    plays(
        spec,
        "{inputs: {go: 'no'}, expect: {status: COMPLETED, steps: {repair: SKIPPED, restart: SKIPPED, inside_a: SKIPPED,
          inside_b: SKIPPED, S: SKIPPED, T: SKIPPED, U: SUCCESS, V: SUCCESS, W: SKIPPED, X: SUCCESS}}}",
    );
    plays(
        spec,
        "{inputs: {go: 'yes'}, stubs: {A: {exit: 1}}, expect: {status: COMPLETED, steps: {repair: SUCCESS, restart: SUCCESS,
          inside_a: SUCCESS, inside_b: SUCCESS, T: SUCCESS, U: SKIPPED, V: SUCCESS, W: SUCCESS, X: SKIPPED}}}",
    );
    plays(
        spec,
        "{inputs: {go: 'no'}, stubs: {A: {exit: 1}}, expect: {status: COMPLETED, steps: {inside_a: SKIPPED, inside_b: SUCCESS}}}",
    );
    plays(
        spec,
        "{inputs: {go: 'no'}, stubs: {A: {exit: 1}, repair: {exit: 1}}, expect: {status: FAILED, steps: {restart: SKIPPED,
          inside_a: SKIPPED, inside_b: SKIPPED}}}",
    );
}

#[test]
fn after_a_cancel_no_task_begins_that_asks_how_others_ended() {
    let spec = "
  templates:
  - name: main
    dag:
      tasks:
      - { name: A, template: work }
      - { name: B, template: work }
      - { name: release, template: work, depends: A.Succeeded || B.Succeeded }
      - { name: repair, template: work, depends: B.Failed }
";
    let cancelled = "stubs: {B: {output: 1, lasts: 5m}}, acts: [{at: 1m, do: CANCEL}]";
    plays(
        spec,
        &format!(
            "{{{cancelled}, expect: {{status: CANCELLED, steps: {{release: PENDING, repair: PENDING}}}}}}"
        ),
    );
    plays(spec, "{stubs: {A: {exit: 1}}, expect: {steps: {release: SUCCESS, repair: SKIPPED}}}");
}

#[test]
fn a_step_behind_a_failed_one_does_not_begin_wherever_its_template_is_called() {
    let spec = "
  templates:
  - name: main
    dag:
      tasks:
      - { name: A, template: two }
      - { name: repair, template: two, depends: A.Failed }
      - { name: either, template: work, depends: A || repair.Succeeded }
      - { name: tail, template: work, depends: repair.Succeeded }
";
    for failed in ["A_one", "A_two"] {
        plays(
            spec,
            &format!(
                "{{stubs: {{{failed}: {{exit: 1}}}},
                  expect: {{steps: {{repair_one: SUCCESS, repair_two: SUCCESS, either: SUCCESS, tail: SUCCESS}}}}}}"
            ),
        );
        plays(
            spec,
            &format!(
                "{{stubs: {{{failed}: {{exit: 1}}, repair_one: {{exit: 1}}}},
                  expect: {{status: FAILED, steps: {{repair_one: FAILED, repair_two: SKIPPED, either: SKIPPED, tail: SKIPPED}}}}}}"
            ),
        );
    }
    plays(
        spec,
        "{expect: {status: COMPLETED, steps: {repair_one: SKIPPED, either: SUCCESS, tail: SKIPPED}}}",
    );
    let hook = "
  templates:
  - name: main
    steps:
    - - { name: c, template: work, hooks: { exit: { template: two } } }
    - - { name: d, template: work }
";
    plays(
        hook,
        "{stubs: {c_exit_one: {exit: 1}}, expect: {status: COMPLETED, steps: {c_exit_two: SKIPPED, d: SUCCESS}}}",
    );
    plays(hook, "{stubs: {c: {exit: 1}}, expect: {steps: {c_exit_two: SUCCESS, d: SKIPPED}}}");
}

#[test]
fn the_exit_handler_of_a_cancelled_run_is_told_that_it_failed() {
    let spec = "
  onExit: bye
  templates:
  - name: main
    steps: [[{ name: b, template: work }]]
  - name: bye
    steps:
    - - { name: cheer, template: work, when: '{{workflow.status}} == Succeeded' }
      - { name: weep, template: work, when: '{{workflow.status}} != Succeeded' }
    - - { name: last, template: work }
";
    plays(
        spec,
        "{stubs: {b: {output: 1, lasts: 5m}}, acts: [{at: 1m, do: CANCEL}],
          expect: {status: CANCELLED, steps: {bye_cheer: SKIPPED, bye_weep: SUCCESS, bye_last: SUCCESS}}}",
    );
    plays(
        spec,
        "{stubs: {b: {exit: 1}}, expect: {steps: {bye_cheer: SKIPPED, bye_weep: SUCCESS, bye_last: SUCCESS}}}",
    );
    plays(spec, "{expect: {steps: {bye_cheer: SUCCESS, bye_weep: SKIPPED, bye_last: SUCCESS}}}");
    plays(spec, "{stubs: {bye_cheer: {exit: 1}}, expect: {steps: {bye_cheer: FAILED, bye_last: SKIPPED}}}");
}

#[test]
fn an_exit_hook_runs_where_its_step_has_begun_and_those_behind_wait_for_it() {
    let spec = "
  templates:
  - name: main
    steps:
    - - { name: a, template: work, hooks: { exit: { template: work, expression: 'steps[\"a\"].status == \"Failed\"' } } }
    - - { name: b, template: work, hooks: { exit: { template: work } } }
    - - { name: c, template: work, when: '1 == 2', onExit: work }
    - - { name: d, template: work, hooks: { exit: { templateRef: { name: other, template: x } } } }
    - - { name: e, template: work }
";
    let imported = plays(
        spec,
        "{stubs: {b_exit: {output: 1, lasts: 5m}, d_exit: {output: 1}}, expect: {status: COMPLETED, order: [a, b, b_exit, d, d_exit, e],
          steps: {a_exit: SKIPPED, b_exit: SUCCESS, c: SKIPPED, c_exit: SKIPPED}}}",
    );
    assert!(tells(&imported, "templateRef", "x at"), "{:?}", imported.report.lost);
    plays(
        spec,
        "{stubs: {a: {exit: 1}}, expect: {status: FAILED, steps: {a_exit: SUCCESS, b_exit: SKIPPED}}}",
    );
    plays(
        spec,
        "{stubs: {b: {output: 1, lasts: 5m}}, acts: [{at: 1m, do: CANCEL}], expect: {status: CANCELLED, steps: {b_exit: SUCCESS, d_exit: SKIPPED}}}",
    );
    let unread = import(
        &spec.replace("== \\\"Failed", "=~ \\\"Failed").replace("template: x }", "template: x }, odd: 1"),
    );
    assert!(tells(&unread, "hooks.exit.odd", "odd at"), "{:?}", unread.report.lost);
    let each = "
  templates:
  - name: main
    dag:
      tasks:
      - { name: gen, template: gen }
      - { name: A, template: work, depends: gen, withParam: '{{tasks.gen.outputs.result}}', onExit: work }
      - { name: none, template: work, depends: A.AllFailed }
      - { name: any, template: work, depends: A.AnySucceeded }
  - { name: gen, script: { image: i, command: [bash], source: 'echo [1,2]' } }
";
    let imported =
        plays(each, "{stubs: {gen: {output: '[1,2]'}}, expect: {steps: {none: SKIPPED, any: SKIPPED}}}");
    for (what, named) in
        [("hooks", "onExit at"), ("depends", "A.AllFailed at"), ("depends", "A.AnySucceeded at")]
    {
        assert!(tells(&imported, what, named), "{named}: {:?}", imported.report.lost);
    }
}

#[test]
fn how_several_steps_ended_is_asked_of_all_of_them() {
    let spec = "
  templates:
  - name: main
    dag:
      tasks:
      - { name: A, template: work, withItems: [x, y], continueOn: { failed: true } }
      - { name: tell, template: work, dependencies: [A], when: '{{tasks.A.status}} == Failed' }
      - { name: B, template: few, continueOn: { failed: true } }
      - { name: tellB, template: work, dependencies: [B], when: '{{tasks.B.status}} == Failed' }
      - { name: well, template: work, depends: B.Succeeded }
      - { name: L, template: work, withItems: [x, y], continueOn: { failed: true } }
      - { name: none, template: work, depends: L.AllFailed }
      - { name: any, template: work, depends: L.AnySucceeded }
      - { name: no, template: work, withItems: [] }
      - { name: skipped, template: work, depends: no.Skipped }
  - name: few
    steps:
    - - { name: one, template: work }
    - - { name: two, template: work, when: '1 == 2' }
";
    plays(
        spec,
        "{stubs: {A_y: {exit: 1}, L_x: {exit: 1}},
          expect: {status: COMPLETED, steps: {tell: SUCCESS, tellB: SKIPPED, well: SUCCESS, none: SKIPPED, any: SUCCESS, skipped: SUCCESS}}}",
    );
    plays(
        spec,
        "{stubs: {B_one: {exit: 1}, L_x: {exit: 1}, L_y: {exit: 1}},
          expect: {status: COMPLETED, steps: {tell: SKIPPED, tellB: SUCCESS, well: SKIPPED, none: SUCCESS, any: SKIPPED}}}",
    );
}

#[test]
fn a_failure_that_every_task_behind_it_handles_does_not_fail_the_run() {
    let spec = |tasks: &str| {
        format!(
            "\n  templates:\n  - name: main\n    dag:\n      tasks:\n      - {{ name: A, template: work }}\n      - {{ name: B, template: work }}\n{tasks}"
        )
    };
    let handled = spec(
        "      - { name: repair, template: work, depends: A.Failed }\n      - { name: end, template: work, depends: A.Succeeded || repair.Succeeded }\n",
    );
    let imported = plays(
        &handled,
        "{stubs: {A: {exit: 1}}, expect: {status: COMPLETED, steps: {repair: SUCCESS, end: SUCCESS}}}",
    );
    assert!(!tells(&imported, "depends", "A at"), "{:?}", imported.report.lost);
    plays(
        &handled,
        "{stubs: {A: {exit: 1}, repair: {exit: 1}}, expect: {status: FAILED, steps: {end: SKIPPED}}}",
    );
    // The failure of A is the end of `other`, which is omitted then.
    let not = spec(
        "      - { name: repair, template: work, depends: A.Failed }\n      - { name: next, template: work, depends: repair }\n      - { name: other, template: work, depends: A.Succeeded }\n",
    );
    let imported = plays(
        &not,
        "{stubs: {A: {exit: 1}}, expect: {status: FAILED, steps: {repair: SUCCESS, next: SUCCESS, other: PENDING}}}",
    );
    assert!(tells(&imported, "depends", "A at"), "{:?}", imported.report.lost);
    // Only one of both may be forgiven.
    let both = spec("      - { name: end, template: work, depends: A.Succeeded || B.Succeeded }\n");
    plays(&both, "{stubs: {A: {exit: 1}, B: {exit: 1}}, expect: {status: FAILED, steps: {end: SKIPPED}}}");
    let errored = spec("      - { name: infra, template: work, depends: A.Errored }\n");
    let imported =
        plays(&errored, "{stubs: {A: {exit: 1}}, expect: {status: FAILED, steps: {infra: PENDING}}}");
    assert!(tells(&imported, "depends", "A.Errored at"), "{:?}", imported.report.lost);
}

#[test]
fn only_a_failure_is_forgiven_where_the_workflow_forgives_failures() {
    let spec = "
  templates:
  - name: main
    steps:
    - - { name: a, template: work, continueOn: { error: true } }
    - - { name: b, template: work, continueOn: { failed: false, error: true } }
";
    let imported = plays(spec, "{stubs: {a: {exit: 1}}, expect: {status: FAILED, steps: {b: PENDING}}}");
    assert_eq!(
        imported.report.lost.iter().find(|loss| loss.what == "continueOn.error").map(|loss| loss.count),
        Some(2)
    );
}
