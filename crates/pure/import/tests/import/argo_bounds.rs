//! What a workflow of Argo says of scripts, values, retries and times is what its plan says, or it is told.

use crate::argo_meanings::{import, plays, tells};
use crate::played::{self, played};
use dvt_import::{Imported, argo};
use dvt_plan::plan::{Backoff, Form, Plan, Step};
use std::process::Command;

fn plan(imported: &Imported) -> Plan {
    played::plan(imported).0.plan
}

fn step<'p>(plan: &'p Plan, id: &str) -> &'p Step {
    plan.steps.iter().find(|(name, _)| name.as_str() == id).map(|(_, step)| step).unwrap()
}

/// The script of the only step.
fn script(does: &str) -> (Imported, String) {
    let imported = import(&format!(
        "\n  arguments: {{parameters: [{{name: n, value: '3'}}]}}\n  templates:\n  - {{name: main, {does}}}\n"
    ));
    let plan = plan(&imported);
    let Form::Script { text, .. } = &step(&plan, "main").form else { panic!("{}", imported.text("x")) };
    let text = text.to_string();
    (imported, text)
}

/// Runs a script as a worker does.
fn runs(shell: &[&str], text: &str) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("script");
    std::fs::write(&path, text).unwrap();
    let mut command = Command::new(shell[0]);
    let output = command.args(&shell[1..]).arg(&path).env("VALUE_N", "a3; 4").output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn a_script_goes_on_after_a_failure_as_it_does_in_argo() {
    const SH: [&str; 2] = ["sh", "-eu"];
    const BASH: [&str; 3] = ["bash", "-euo", "pipefail"];
    for (shell, does, expected) in [
        (
            &SH[..],
            "container: {image: i, command: [sh, -c], args: ['grep -q nothing /etc/hostname; echo status $?']}",
            "status 1\n",
        ),
        (&BASH, "script: {image: i, command: [bash], source: 'false | true; echo here $NOBODY'}", "here\n"),
        (
            &BASH,
            "script: {image: i, command: [bash, -e], source: 'echo here $NOBODY; false; echo on'}",
            "here\n",
        ),
        (&SH, "script: {image: i, command: [sh], source: 'false; echo on'}", "on\n"),
    ] {
        let (_, text) = script(does);
        let (is_well, said) = runs(shell, &text);
        assert_eq!((is_well, said.as_str()), (!does.contains("-e]"), expected), "{text}");
    }
    let (imported, _) = script("script: {image: i, command: [bash, -l, -x], args: [a], source: 'true'}");
    assert!(tells(&imported, "command", "-l at") && !tells(&imported, "command", "-x at"));
    assert!(tells(&imported, "args", "args at"), "{:?}", imported.report.lost);
    let (imported, _) = script("script: {image: i, command: [python, -W, error], source: 'print(1)'}");
    assert!(tells(&imported, "command", "-W at"), "{:?}", imported.report.lost);
    let imported = import(
        "\n  templates:\n  - {name: main, script: {image: i, command: [perl, -n], source: 'print'}}\n",
    );
    assert!(
        imported.text("x").contains("run: [\"perl\", \"-n\", \"-e\", \"print\"]"),
        "{}",
        imported.text("x")
    );
}

#[test]
fn sh_reads_the_digits_of_a_value_in_its_own_words() {
    let does =
        "container: {image: i, command: [sh, -c], args: ['echo $(( {{workflow.parameters.n}} + 1 ))']}";
    let (_, text) = script(does);
    for shell in [&["sh", "-eu"][..], &["bash", "-eu"], &["bash", "--posix", "-eu"]] {
        assert_eq!(runs(shell, &text), (true, "35\n".to_owned()), "{text}");
    }
    assert!(!text.contains("//"), "{text}");
}

#[test]
fn pauses_between_attempts_are_those_of_argo() {
    let retry = |strategy: &str| {
        let imported = import(&format!(
            "\n  templates:\n  - {{name: main, retryStrategy: {strategy}, container: {{image: i, command: [x]}}}}\n"
        ));
        let retry = step(&plan(&imported), "main").retry.clone();
        (imported, retry)
    };
    let (imported, found) = retry("{limit: 5, backoff: {duration: 1m, factor: 3, cap: 30m, odd: 1}}");
    assert_eq!(
        (found.max, found.initial_ms, found.ceiling_ms, found.full_jitter),
        (5, 60_000, 1_800_000, false)
    );
    assert!(tells(&imported, "backoff.factor", "factor at") && tells(&imported, "backoff.odd", "odd at"));
    let (imported, found) = retry("{limit: 5, backoff: {duration: 1h, factor: 2}}");
    assert_eq!((found.initial_ms, found.ceiling_ms, found.full_jitter), (3_600_000, 86_400_000, false));
    assert!(
        found.backoff == Backoff::Exponential
            && !imported.report.lost.iter().any(|lost| lost.what.starts_with("backoff"))
    );
    let (_, found) = retry("{limit: 2}");
    assert!(found.backoff == Backoff::Constant && found.initial_ms == 0 && !found.full_jitter);
    let (_, found) = retry("{limit: 2, backoff: {duration: 1m}}");
    assert!(found.backoff == Backoff::Constant && found.initial_ms == 60_000 && !found.full_jitter);
}

#[test]
fn retries_and_times_of_what_is_not_one_program_are_kept_or_told() {
    let imported = import(
        "
  templates:
  - name: main
    retryStrategy: { limit: 3 }
    activeDeadlineSeconds: 60
    steps:
    - - { name: set, template: set }
    - - { name: pause, template: pause }
    - - { name: rest, template: rest }
  - name: set
    retryStrategy: { limit: 4 }
    timeout: 5m
    containerSet: { retryStrategy: { retries: 2, duration: 10s }, containers: [{ name: c, image: i, command: [x] }] }
  - { name: pause, suspend: {}, timeout: 1h, retryStrategy: { limit: 1 } }
  - { name: rest, suspend: { duration: 5m }, timeout: 1m }
",
    );
    let count = |what: &str| {
        imported.report.lost.iter().filter(|lost| lost.what == what).map(|lost| lost.count).sum::<u64>()
    };
    assert_eq!(
        ["retryStrategy", "activeDeadlineSeconds", "timeout"].map(count),
        [3, 1, 2],
        "{:?}",
        imported.report.lost
    );
    let plan = plan(&imported);
    let set = step(&plan, "set_c");
    assert_eq!(
        (set.timeout_ms, set.retry.max, set.retry.initial_ms, set.retry.full_jitter),
        (Some(300_000), 2, 10_000, false)
    );
    assert_eq!(step(&plan, "pause").timeout_ms, Some(3_600_000));
    assert!(!tells(&imported, "suspend", "suspend at"), "{:?}", imported.report.lost);
}

#[test]
fn what_a_template_of_the_whole_workflow_says_is_kept_or_told() {
    let text = "
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: { name: a7 }
spec: { workflowTemplateRef: { name: base }, parallelism: 2 }
---
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: { name: base }
spec:
  entrypoint: main
  activeDeadlineSeconds: 300
  parallelism: 1
  synchronization: { mutex: { name: m } }
  hooks: { exit: { template: main } }
  templates: [{ name: main, container: { image: i, command: [x] } }]
";
    let imported = argo::import(text).unwrap();
    for key in ["synchronization", "hooks"] {
        assert!(tells(&imported, key, &format!("{key} at")), "{:?}", imported.report.lost);
    }
    let checked = plan(&imported);
    assert_eq!((checked.max_duration_ms, checked.max_parallel), (300_000, 2));
    let imported =
        argo::import(&text.replace("300", "soon").replace("parallelism: 2", "parallelism: 0")).unwrap();
    assert!(
        tells(&imported, "activeDeadlineSeconds", "activeDeadlineSeconds at"),
        "{:?}",
        imported.report.lost
    );
    assert!(tells(&imported, "parallelism", "parallelism at 5:"), "{:?}", imported.report.lost);
}

#[test]
fn values_between_quotes_are_one_text() {
    let spec = |when: &str| {
        format!(
            "
  arguments: {{ parameters: [{{ name: a, value: main }}, {{ name: b, value: prod }}] }}
  templates:
  - name: main
    steps: [[{{ name: d, template: work, when: \"{when}\" }}]]
"
        )
    };
    for sign in ["/", "-", "+", "*", "%", " and "] {
        let when =
            format!("'{{{{workflow.parameters.a}}}}{sign}{{{{workflow.parameters.b}}}}' == 'main{sign}prod'");
        plays(&spec(&when), "{expect: {status: COMPLETED, steps: {d: SUCCESS}}}");
        plays(&spec(&when), "{inputs: {a: x}, expect: {status: COMPLETED, steps: {d: SKIPPED}}}");
    }
    plays(&spec("'{{workflow.parameters.a}}' == main"), "{expect: {steps: {d: SUCCESS}}}");
}

#[test]
fn what_a_workflow_gives_wins_over_what_its_first_template_says() {
    let imported = import(
        "
  arguments: { parameters: [{ name: env, value: prod }] }
  onExit: bye
  templates:
  - name: main
    inputs: { parameters: [{ name: env, value: dev }, { name: own, value: dev }] }
    steps: [[{ name: a, template: work, when: '{{inputs.parameters.env}} == prod' }, { name: b, template: work, when: '{{inputs.parameters.own}} == dev' }]]
  - name: bye
    inputs: { parameters: [{ name: env, value: dev }] }
    steps: [[{ name: c, template: work, when: '{{inputs.parameters.env}} == prod' }]]
",
    );
    played(&imported, "{expect: {steps: {a: SUCCESS, b: SUCCESS, bye_c: SUCCESS}}}");
    played(&imported, "{inputs: {env: test}, expect: {steps: {a: SKIPPED, b: SUCCESS, bye_c: SKIPPED}}}");
}

#[test]
fn a_step_may_run_for_hours_where_the_workflow_does_not_bound_it() {
    let spec = "
  templates:
  - name: main
    steps:
    - - { name: a, template: work }
    - - { name: b, template: pause }
  - { name: pause, suspend: {} }
";
    let imported = plays(spec, "{stubs: {a: {output: 1, lasts: 20h}}, expect: {steps: {a: SUCCESS}}}");
    assert!(tells(&imported, "timeout", "Workflow at"), "{:?}", imported.report.lost);
    assert!(tells(&imported, "suspend", "suspend at"), "{:?}", imported.report.lost);
}

/// What could be an option that takes code is handed to no interpreter: its step says what is missing.
#[test]
fn a_value_that_may_be_an_option_of_an_interpreter_is_told() {
    for (argument, is_missing) in [
        ("python, '{{workflow.parameters.x}}'", true),
        ("python, main.py", false),
        ("sh, -e, '-{{workflow.parameters.x}}', '{{workflow.name}}'", true),
        ("sh, -e, '-{{o.nothing}}', '{{workflow.name}}'", false),
        ("sh, -e, '{{o.nothing}}file', '{{workflow.name}}'", false),
    ] {
        let imported = import(&format!(
            "\n  arguments: {{parameters: [{{name: x}}]}}\n  templates:\n  - name: main\n    container: {{image: i, command: [{argument}]}}\n"
        ));
        plan(&imported);
        assert_eq!(imported.report.missing, u64::from(is_missing), "{argument}: {:#?}", imported.report.lost);
        assert_eq!(imported.report.lost.iter().any(|loss| loss.what == "args"), is_missing, "{argument}");
    }
}

/// In Argo each node is resumed by itself; here each waits for a signal of its own name.
#[test]
fn two_steps_never_wait_for_one_signal() {
    let imported = import(
        "
  templates:
  - name: main
    dag: { tasks: [{ name: a-b, template: pause }, { name: a_b, template: pause }, { name: c, template: twice }] }
  - name: twice
    steps: [[{ name: c, template: pause }, { name: d, template: pause }]]
  - { name: pause, suspend: {}, outputs: { parameters: [{ name: o, valueFrom: { supplied: {} } }] } }
",
    );
    let plan = plan(&imported);
    let names: Vec<&str> = plan
        .steps
        .values()
        .filter_map(|step| if let Form::Signal(signal) = &step.form { Some(&*signal.name) } else { None })
        .collect();
    assert_eq!(names.len(), 4, "{names:?}");
    assert_eq!(names.iter().collect::<std::collections::BTreeSet<_>>().len(), 4, "{names:?}");
    assert!(names.contains(&"c") && names.contains(&"d") && names.contains(&"a_b"), "{names:?}");
    assert!(tells(&imported, "suspend", "a_b at"), "{:?}", imported.report.lost);
}
