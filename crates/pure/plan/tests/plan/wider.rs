//! `plan diff` and what holds a run back: packed files, sub-plans, gates however far away, limits; and default deny.

use crate::surroundings_with;
use dvt_model::digest::Digest;
use dvt_plan::difference::{Change, Difference, between};
use dvt_plan::sub_plan::{Found, SubPlans, Wanted};
use dvt_plan::{Checked, diagnostic::Source};
use std::collections::BTreeMap;

/// Plans by path.
#[derive(Default)]
struct Files(BTreeMap<String, String>);

impl SubPlans for Files {
    fn find(&self, wanted: &Wanted<'_>) -> Result<Found, String> {
        let name = wanted.reference.to_string();
        let text = self.0.get(&name).ok_or("there is no such file")?.clone();
        Ok(Found::Written(Source { name, text }))
    }

    fn pack(&self, _: &Source, _: &Checked) -> Result<Option<Digest>, String> {
        Ok(None)
    }
}

fn head(name: &str, rest: &str) -> String {
    format!("apiVersion: dvt/v1\nname: {name}\n{rest}")
}

fn with(children: &[(&str, &str)], rest: &str) -> Checked {
    let files = children.iter().map(|(name, text)| (format!("./{name}.yaml"), head(name, text))).collect();
    let source = Source { name: "plan.yaml".to_owned(), text: head("demo", rest) };
    let outcome = dvt_plan::check_with(&source, &surroundings_with(&Files(files)));
    outcome.checked.unwrap_or_else(|| panic!("{rest}\n{:?}", outcome.diagnostics))
}

fn to(before: &str, after: &str) -> Difference {
    between(&with(&[], before), &with(&[], after))
}

fn paths(list: &[Change]) -> Vec<&str> {
    list.iter().map(|one| one.path.as_str()).collect()
}

const GATED: &str = "steps:
  approve: { approval: { role: operator }, timeout: 1m }
  prepare: { run: [echo], needs: approve }
  load: { run: [echo], needs: prepare }
  apart: { run: [echo] }
";

#[test]
fn what_weakens_a_gate_is_a_wider_right() {
    let steps = |from: &str, to: &str| {
        assert!(GATED.contains(from));
        GATED.replace(from, to)
    };
    let approve = "approve: { ";
    for (after, path) in [
        (steps(approve, "approve: { continueOnError: true, "), "steps.approve.continueOnError"),
        (steps(approve, "approve: { if: 'false', "), "steps.approve.if"),
        (steps(approve, "approve: { if: 'always()', "), "steps.approve.if"),
        (steps("prepare: {", "prepare: { if: always(),"), "steps.prepare.if"),
        (steps("load: {", "load: { if: always(),"), "steps.load.if"),
        (steps("load: {", "load: { if: '!failure()',"), "steps.load.if"),
        (steps("prepare: {", "prepare: { continueOnError: true,"), "steps.prepare.continueOnError"),
        (steps("role: operator", "role: viewer"), "steps.approve.approval"),
        (steps("timeout: 1m", "timeout: 2m"), "steps.approve.timeout"),
        (steps(", needs: prepare", ""), "steps.load.needs"),
        (steps(", needs: approve", ""), "steps.prepare.needs"),
        (steps("needs: prepare", "needs: apart"), "steps.load.needs"),
    ] {
        let found = to(GATED, &after);
        assert_eq!(paths(&found.widened), [path], "{after}\n{found:#?}");
        assert!(to(&after, GATED).may_be_wider() || !to(&after, GATED).narrowed.is_empty(), "{after}");
    }
}

#[test]
fn a_gate_that_stands_elsewhere_on_the_way_still_holds() {
    let other = GATED.replace("needs: prepare", "needs: approve");
    assert!(!to(GATED, &other).may_be_wider(), "{:?}", to(GATED, &other));
    assert!(!to(&other, GATED).may_be_wider());
    let more = GATED.replace("apart: { ", "apart: { needs: approve, ");
    let found = to(GATED, &more);
    assert!(!found.may_be_wider());
    assert_eq!(
        (paths(&found.narrowed), paths(&to(&more, GATED).widened)),
        (vec!["steps.apart.needs"], vec!["steps.apart.needs"])
    );
}

/// Who adds a gate, or takes a step away, asks for nothing.
#[test]
fn a_gate_that_is_new_and_a_step_that_is_gone_are_narrower() {
    let ungated = "steps:\n  prepare: { run: [echo] }\n  load: { run: [echo], needs: prepare }\n  apart: { run: [echo] }\n";
    let found = to(ungated, GATED);
    assert!(!found.may_be_wider(), "{found:#?}");
    assert_eq!(paths(&found.narrowed), ["steps.prepare.needs", "steps.approve.approval"], "{found:#?}");
    let rich = "steps:\n  a: { run: [echo] }\n  b: { run: [echo], timeout: 1m, if: always(), env: { A: b }, foreach: [1], continueOnError: true }\n  c: { wait: 1s, needs: b }\n";
    let found = to(rich, "steps:\n  a: { run: [echo] }\n");
    assert!(!found.may_be_wider(), "{found:#?}");
    assert_eq!(paths(&to("steps:\n  a: { run: [echo] }\n", rich).widened), ["steps.b.run"]);
}

/// A need that an expression implies is a need.
#[test]
fn a_need_that_is_implied_no_more_is_a_wider_right() {
    let text = |with: &str| {
        format!(
            "steps:\n  approve: {{ approval: {{ role: operator }} }}\n  load: {{ run: [echo], with: {{ a: {with} }} }}\n"
        )
    };
    let found = to(&text("'${{ steps.approve.status }}'"), &text("x"));
    assert_eq!(paths(&found.widened), ["steps.load.needs"], "{found:#?}");
    assert_eq!(found.widened[0].before, Some("approve".into()));
    let back = to(&text("x"), &text("'${{ steps.approve.status }}'"));
    assert_eq!(paths(&back.narrowed), ["steps.load.needs"]);
}

/// More gates than go into one word, each followed.
#[test]
fn each_of_many_gates_is_followed() {
    let text = |cut: Option<usize>| {
        let mut text = String::from("steps:\n");
        for at in 0..150 {
            text.push_str(&format!("  g{at}: {{ approval: {{ role: operator }} }}\n"));
            let needs = if cut == Some(at) { String::new() } else { format!(", needs: g{at}") };
            text.push_str(&format!("  s{at}: {{ run: [echo]{needs} }}\n"));
        }
        text
    };
    for cut in [0, 63, 64, 149] {
        let found = to(&text(None), &text(Some(cut)));
        assert_eq!(paths(&found.widened), [format!("steps.s{cut}.needs")]);
    }
}

#[test]
fn what_packed_files_hold_is_compared() {
    let plan = || with(&[], "files: ['*.py']\nsteps: { a: { run: [python3, x.py] } }\n");
    let packed = |content: &str| plan().with_files(Digest::of(content.as_bytes()));
    let found = between(&packed("one"), &packed("two"));
    assert_eq!(paths(&found.widened), ["filesDigest"]);
    assert!(between(&packed("one"), &packed("one")).is_empty());
}

#[test]
fn what_a_sub_plan_does_is_compared() {
    let parent = "steps:\n  a: { plan: ./child.yaml }\n  b: { plan: ./child.yaml }\n";
    let child = |run: &str| with(&[("child", &format!("steps: {{ a: {{ run: [{run}] }} }}\n"))], parent);
    let found = between(&child("echo, hi"), &child("rm, -rf, /"));
    assert_eq!(paths(&found.widened), ["steps.a.plan.steps.a.run", "steps.b.planDigest"]);
    let title = |title: &str| {
        with(&[("child", &format!("title: {title}\nsteps: {{ a: {{ run: [echo] }} }}\n"))], parent)
    };
    let found = between(&title("x"), &title("y"));
    assert!(!found.may_be_wider(), "{found:?}");
    assert_eq!(paths(&found.changed), ["steps.a.plan.title", "steps.b.planDigest"]);
}

#[test]
fn a_gate_inside_a_sub_plan_holds_what_stands_behind_it() {
    let children = [
        ("outer", "steps: { in: { plan: ./inner.yaml } }\n"),
        ("inner", "steps: { ask: { approval: { role: operator } } }\n"),
    ];
    let parent = |needs: &str, more: &str| {
        let steps =
            format!("steps:\n  ask: {{ plan: ./outer.yaml{more} }}\n  load: {{ run: [echo]{needs} }}\n");
        with(&children, &steps)
    };
    let before = parent(", needs: ask", "");
    assert_eq!(paths(&between(&before, &parent("", "")).widened), ["steps.load.needs"]);
    let lenient = parent(", needs: ask", ", continueOnError: true");
    assert_eq!(paths(&between(&before, &lenient).widened), ["steps.ask.continueOnError"]);
    let repeated = parent(", needs: ask", ", foreach: []");
    assert_eq!(paths(&between(&before, &repeated).widened), ["steps.ask.foreach"]);
    let mut open = children;
    open[1].1 = "steps: { ask: { approval: { role: operator }, continueOnError: true } }\n";
    let steps = "steps:\n  ask: { plan: ./outer.yaml }\n  load: { run: [echo], needs: ask }\n";
    let found = between(&before, &with(&open, steps));
    assert_eq!(paths(&found.widened), ["steps.ask.plan.steps.in.plan.steps.ask.continueOnError"]);
}

#[test]
fn limits_that_are_gone_or_higher_are_wider_rights() {
    let step = |keys: &str| format!("steps: {{ a: {{ run: [echo]{keys} }} }}\n");
    let plan = |keys: &str| format!("{keys}\n{}", step(""));
    for (before, after, path) in [
        (step(", limits: { memory: 1GiB }"), step(""), "steps.a.limits.memory"),
        (
            step(", shell: bash").replace("run: [echo]", "script: ls").replace("bash", "python"),
            step("").replace("run: [echo]", "script: ls"),
            "steps.a.shell",
        ),
        (step(", timeout: 1m"), step(", timeout: 2m"), "steps.a.timeout"),
        (step(""), step(", timeout: 20m"), "steps.a.timeout"),
        (step(", scratch: false"), step(""), "steps.a.scratch"),
        (
            plan("limits: { maxDuration: 1h, maxParallel: 2 }"),
            plan("limits: { maxDuration: 1h }"),
            "limits.maxParallel",
        ),
        (plan("limits: { maxParallel: 2 }"), plan(""), "limits.maxParallel"),
        (plan(""), plan("limits: { maxDuration: 48h }"), "limits.maxDuration"),
        (plan(""), plan("limits: { maxParallel: 65 }"), "limits.maxParallel"),
        (plan("concurrency: { group: g }"), plan(""), "concurrency"),
        (plan("concurrency: { group: g, onBusy: reject }"), plan("concurrency: { group: g }"), "concurrency"),
        (plan("concurrency: { group: g }"), plan("concurrency: { group: h }"), "concurrency"),
        (plan("concurrency: g"), plan("concurrency: { group: g, onBusy: cancelPrevious }"), "concurrency"),
        (plan(""), plan("concurrency: { group: g, onBusy: cancelPrevious }"), "concurrency"),
        (plan("onStepFailure: hold"), plan(""), "onStepFailure"),
    ] {
        let prefix = if before.contains("scratch") { "scratch: 1MiB\n" } else { "" };
        let found = to(&format!("{prefix}{before}"), &format!("{prefix}{after}"));
        assert_eq!(paths(&found.widened), [path], "{before}\n{after}\n{found:#?}");
    }
    for (before, after, path) in [
        (step(""), step(", timeout: 5m"), "steps.a.timeout"),
        (plan(""), plan("limits: { maxDuration: 1h }"), "limits.maxDuration"),
        (plan(""), plan("concurrency: { group: g }"), "concurrency"),
        (plan("concurrency: { group: g, onBusy: cancelPrevious }"), plan("concurrency: g"), "concurrency"),
        (step(""), step(", if: 'inputs.a'"), "steps.a.if"),
        (step(", continueOnError: true"), step(""), "steps.a.continueOnError"),
    ] {
        let inputs = "inputs: { a: { type: boolean } }\n";
        let found = to(&format!("{inputs}{before}"), &format!("{inputs}{after}"));
        assert!(!found.may_be_wider(), "{found:#?}");
        assert_eq!(paths(&found.narrowed), [path]);
    }
    let found = to(&plan(""), &plan("scratch: 1GiB"));
    assert_eq!(paths(&found.widened), ["scratch"]);
    assert_eq!(paths(&to(&plan("scratch: 1GiB"), &plan("")).narrowed), ["scratch"]);
}

/// What is in no table may let something run that was held back before.
#[test]
fn what_is_not_shown_to_be_no_wider_is_possibly_wider() {
    let plan = |top: &str, step: &str| {
        format!("{top}\nsteps: {{ a: {{ run: [echo, '${{{{ vars.a }}}}']{step} }} }}\n")
    };
    let vars = "vars: { a: 1 }\n";
    for (top, step, path) in [
        ("vars: { a: 2 }", "", "vars.a"),
        ("vars: { a: 1 }\ninputs: { x: { type: string } }", "", "inputs"),
        ("vars: { a: 1 }\noutputs: { x: 1 }", "", "outputs"),
        ("vars: { a: 1 }\nonStepFailure: hold", "", "onStepFailure"),
        (vars, ", env: { A: b }", "steps.a.env"),
        (vars, ", with: { a: b }", "steps.a.with"),
        (vars, ", output: text", "steps.a.output"),
        (vars, ", outputs: { type: string }", "steps.a.outputs"),
        (vars, ", foreach: [1, 2]", "steps.a.foreach"),
        (vars, ", continueOnError: true", "steps.a.continueOnError"),
        (vars, ", if: always()", "steps.a.if"),
    ] {
        let found = to(&plan(vars, ""), &plan(top, step));
        let possible = paths(&found.possibly_widened);
        assert!(possible.len() == 1 && possible[0].starts_with(path), "{path}: {found:#?}");
        assert!(found.widened.is_empty() && found.may_be_wider());
    }
    // What people alone read is no right.
    let found = to(
        &plan(vars, ""),
        &plan(&format!("title: t\ndescription: d\ntags: [x]\n{vars}"), ", title: t, tags: [y]"),
    );
    assert!(!found.may_be_wider() && found.narrowed.is_empty(), "{found:#?}");
    assert_eq!(found.changed.len(), 5);
}
