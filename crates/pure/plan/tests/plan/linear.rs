//! Large plans cost in proportion: fifty thousand steps are read, and one more is refused.

use crate::lint;
use std::fmt::Write;

/// A plan of layers of `width` steps, each step with two needs.
fn layered(steps: usize, width: usize) -> String {
    let mut text = String::from("apiVersion: dvt/v1\nname: large\nsteps:\n");
    for step in 0..steps {
        write!(text, "  s{step}: {{ run: [echo, 'x${{{{ vars.a }}}}']").unwrap();
        if step >= width {
            write!(text, ", needs: [s{}, s{}]", step - width, step - width + 1).unwrap();
        }
        text.push_str(" }\n");
    }
    text.push_str("vars: { a: b }\n");
    text
}

#[test]
fn fifty_thousand_steps() {
    let begun = std::time::Instant::now();
    let checked = lint("plan.yaml", &layered(50_000, 100)).checked.unwrap();
    println!("50,000 steps in {:?}", begun.elapsed());
    assert_eq!(checked.plan.steps.len(), 50_000);
    assert_eq!(checked.plan.steps.keys().map(|id| checked.plan.layer(id)).max(), Some(505));
    assert_eq!(checked.bounds.attempts, 50_000);
    assert_eq!(dvt_plan::load(checked.canonical.value()).unwrap().steps.len(), 50_000);
}

#[test]
fn a_chain_and_a_cycle_of_fifty_thousand() {
    let chain = layered(50_000, 1);
    // Each step of a chain of width one needs itself as the second need; take that away.
    let mut text = String::from("apiVersion: dvt/v1\nname: chain\nsteps:\n");
    for step in 0..50_000 {
        writeln!(
            text,
            "  s{step}: {{ run: [echo], needs: [{}] }}",
            if step == 0 { String::new() } else { format!("s{}", step - 1) }
        )
        .unwrap();
    }
    let plan = lint("plan.yaml", &text).checked.unwrap().plan;
    assert_eq!(plan.steps.keys().map(|id| plan.layer(id)).max(), Some(49_999));
    let round = text.replace("needs: [] }", "needs: [s49999] }");
    let told = lint("plan.yaml", &round).diagnostics;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].code, "DVT-P011");
    assert!(told[0].message.contains("s0 → s49999 → "), "{}", told[0].message);
    let told = lint("plan.yaml", &chain).diagnostics;
    assert_eq!(told.last().unwrap().code, "DVT-P029", "every step needs itself, and a hundred are shown");
    assert_eq!(told.len(), 101);
}

#[test]
fn one_step_too_many() {
    let told = lint("plan.yaml", &layered(50_001, 100)).diagnostics;
    assert!(told.iter().any(|one| one.code == "DVT-P020"), "{told:?}");
}

#[test]
fn a_worst_case_beyond_every_class() {
    let text = format!("{}defaults: {{ retry: 20 }}\n", layered(20_000, 100));
    let outcome = lint("plan.yaml", &text);
    assert_eq!(outcome.diagnostics[0].code, "PLAN_UNBOUNDED");
    assert!(outcome.checked.is_none());
    assert!(lint("plan.yaml", &text.replace("retry: 20", "retry: 10")).checked.is_some(), "control");
}

#[test]
fn wrong_needs_and_names_in_every_step_stay_cheap() {
    let begun = crate::bombs::on_processor();
    let text = layered(20_000, 100);
    let told = lint("plan.yaml", &text.replace("needs: [s", "needs: [t")).diagnostics;
    assert_eq!(told.len(), 101);
    let told = lint("plan.yaml", &text.replace("vars.a", "steps.q1.output")).diagnostics;
    assert_eq!(told[0].code, "DVT-P007");
    let took = crate::bombs::on_processor() - begun;
    println!("two plans of 20,000 faults in {took:?} of a processor");
    // No test of speed: comparing every name with every other would take hours.
    assert!(took.as_secs() < 200);
}
