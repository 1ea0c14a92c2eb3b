//! Graphs and differences: hostile titles stay text, and a wider right is always told first.

use crate::lint;
use dvt_plan::{Checked, difference, graph};

fn checked(text: &str) -> Checked {
    let outcome = lint("plan.yaml", text);
    outcome.checked.unwrap_or_else(|| panic!("{:?}", outcome.diagnostics))
}

fn plan(rest: &str) -> Checked {
    checked(&format!("apiVersion: dvt/v1\nname: demo\n{rest}"))
}

#[test]
fn every_step_and_edge_is_drawn_once() {
    let plan =
        plan("steps:\n  a: { run: [x] }\n  b: { run: [x], needs: a }\n  c: { wait: 1m, needs: [a, b] }\n");
    assert_eq!(
        graph::mermaid(&plan),
        "flowchart TD\n  n0[\"a\"]\n  n1[\"b\"]\n  n2([\"c\"])\n  n0 --> n1\n  n0 --> n2\n  n1 --> n2\n"
    );
    let svg = graph::svg(&plan);
    assert_eq!((svg.matches("<text").count(), svg.matches("<path").count()), (3, 3));
}

#[test]
fn what_runs_at_the_end_is_drawn_as_any_step() {
    let plan = plan(
        "steps:\n  a: { run: [x] }\nfinally:\n  b: { approval: { role: operator }, title: Was it right }\n  c: { run: [x], needs: b }\n",
    );
    let mermaid = graph::mermaid(&plan);
    assert_eq!(mermaid, "flowchart TD\n  n0[\"a\"]\n  n1{{\"Was it right\"}}\n  n2[\"c\"]\n  n1 --> n2\n");
    let svg = graph::svg(&plan);
    assert!(svg.contains(">Was it right</text>") && svg.contains("rx=\"16\""), "{svg}");
}

#[test]
fn hostile_titles_are_inert() {
    for title in [
        "</text><script>alert(1)</script>",
        "\\\"]; click n0 href \\\"javascript:alert(1)\\\"",
        "a\\nb --> c",
        "<img src=x onerror=alert(1)>",
        "]]>&amp;&#60;script&#62;",
        "\\u202Eevil\\u2066\\u0007",
        "`${x}` %%{init: {}}%% \\\\",
    ] {
        let plan = plan(&format!("steps:\n  a: {{ run: [x], title: \"{title}\" }}\n"));
        let mermaid = graph::mermaid(&plan);
        assert_eq!(mermaid.lines().count(), 2, "{mermaid}");
        let label = mermaid.split("[\"").nth(1).unwrap().split("\"]").next().unwrap();
        assert!(!label.contains(['"', '<', '>', '&', '`', '%', '{', '$', '\\', '[']), "{label}");
        let svg = graph::svg(&plan);
        assert_eq!(svg.matches('<').count(), svg.matches('>').count(), "{svg}");
        for word in ["<script", "<img", "<a", "href", "\u{202e}", "\u{7}"] {
            // `href` may stand in a text, where it is only a word.
            assert!(!svg.contains(word) || word == "href", "{word} in {svg}");
        }
        assert!(!svg.contains("href=\""), "{svg}");
    }
}

#[test]
fn a_large_plan_is_drawn_in_time() {
    let mut text = String::from("apiVersion: dvt/v1\nname: wide\nsteps:\n");
    for step in 0..10_000 {
        let needs =
            if step < 100 { String::new() } else { format!(", needs: [s{}, s{}]", step - 100, step - 37) };
        text.push_str(&format!("  s{step}: {{ uses: dvt/noop@1{needs} }}\n"));
    }
    let plan = checked(&text);
    let begun = std::time::Instant::now();
    assert_eq!(graph::svg(&plan).matches("<g>").count(), 10_000);
    println!("graph: 10,000 steps in {:?}", begun.elapsed());
    assert!(begun.elapsed().as_secs() < 20);
}

#[test]
fn widened_rights_come_first() {
    let old = plan(
        "files: [a.py]\nlimits: { maxParallel: 2 }\nvars: { x: 1 }\nsteps:\n  a: { run: [x], timeout: 1m }\n  gone: { run: [x] }\n",
    );
    let new = plan(
        "files: [a.py, b.py]\nlimits: { maxParallel: 8 }\nvars: { x: 2 }\nsteps:\n  a: { run: [y], timeout: 30s }\n  more: { script: 'ls', title: t }\n",
    );
    let paths = |list: &[difference::Change]| list.iter().map(|one| one.path.clone()).collect::<Vec<_>>();
    let found = difference::between(&old, &new);
    assert_eq!(paths(&found.widened), ["files", "limits.maxParallel", "steps.a.run", "steps.more.script"]);
    assert_eq!(paths(&found.narrowed), ["steps.a.timeout", "steps.gone.run"]);
    assert_eq!(paths(&found.changed), ["steps.more.title", "vars.x"]);
    // The other way round, what was wider is narrower.
    let back = difference::between(&new, &old);
    assert!(paths(&back.narrowed).contains(&"files".to_owned()));
    assert!(difference::between(&old, &old).is_empty());
    // Layout and comments are no change.
    let same = plan(
        "# note\nfiles:\n  - a.py\nlimits: { maxParallel: 2 }\nvars: { x: 1 }\nsteps:\n  gone: { run: [x] }\n  a: { timeout: 60s, run: [x] }\n",
    );
    assert!(difference::between(&old, &same).is_empty());
}

/// What holds a run back is no right of the plan: without it the plan may do more.
#[test]
fn a_gate_that_is_gone_is_a_wider_right() {
    let gated = "steps:\n  a: { run: [x] }\n  ask: { approval: { role: operator, min: 2 }, needs: a }\n  go: { signal: go, needs: a }\n  b: { run: [y], needs: [ask, go, a] }\n";
    let old = plan(gated);
    let paths = |list: &[difference::Change]| list.iter().map(|one| one.path.clone()).collect::<Vec<_>>();
    let to = |text: &str| difference::between(&old, &plan(text));
    let without = to("steps:\n  a: { run: [x] }\n  b: { run: [y], needs: [a] }\n");
    let gone = ["steps.ask.approval", "steps.b.needs", "steps.b.needs", "steps.go.signal"];
    assert_eq!(paths(&without.widened), gone);
    assert!(without.narrowed.is_empty());
    let back = difference::between(&plan("steps:\n  a: { run: [x] }\n  b: { run: [y], needs: [a] }\n"), &old);
    assert!(back.widened.is_empty(), "{back:?}");
    assert_eq!(
        paths(&back.narrowed),
        ["steps.b.needs", "steps.b.needs", "steps.ask.approval", "steps.go.signal"]
    );
    assert_eq!(paths(&to(&gated.replace("min: 2", "min: 1")).widened), ["steps.ask.approval"]);
    assert_eq!(paths(&to(&gated.replace("[ask, go, a]", "[go, a]")).widened), ["steps.b.needs"]);
    // A need that is no gate is a matter of order alone.
    let order = to(&gated.replace("[ask, go, a]", "[ask, go]"));
    assert!(order.widened.is_empty() && order.narrowed.is_empty());
    assert_eq!(paths(&order.changed), ["steps.b.needs"]);
}

/// What says whose data a payload is, and how it is protected, is told first whichever way it changes.
#[test]
fn less_protection_is_a_wider_right() {
    let paths = |list: &[difference::Change]| list.iter().map(|one| one.path.clone()).collect::<Vec<_>>();
    let (old, new) = (
        plan("data: { class: pii }\nsteps:\n  a: { run: [x], dataClass: pii, subject: ana, retry: 1 }\n"),
        plan("steps:\n  a: { run: [x], retry: 3 }\n"),
    );
    let found = difference::between(&old, &new);
    assert_eq!(
        paths(&found.widened),
        ["data.class", "steps.a.dataClass", "steps.a.retry", "steps.a.subject"]
    );
}
