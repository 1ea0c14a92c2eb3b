//! Counted cost: operations on the ready set per step do not grow with the plan.

use crate::drive::{Run, names, plan, program};
use dvt_model::run::RunStatus;
use dvt_plan::plan::Plan;

/// Decisions and fold together, per step.
fn touches_per_step(plan: Plan, slots: u32) -> f64 {
    let steps = names(&plan).len();
    let mut run = Run::queued(plan);
    while run.state.status() != Some(RunStatus::Completed) {
        let dispatched = run.offer(slots);
        assert!(!dispatched.is_empty());
        for dispatch in dispatched {
            run.complete(dispatch.step_id.as_str(), 1, 1).unwrap();
        }
    }
    (run.touches + run.state.touches()) as f64 / steps as f64
}

fn chain(count: usize) -> Plan {
    let name = |at: usize| format!("s{at:06}");
    let step = |at: usize| {
        let before = at.checked_sub(1).map(name);
        program(&name(at), &before.iter().map(String::as_str).collect::<Vec<_>>())
    };
    plan((0..count).map(step).collect())
}

fn fan(width: usize) -> Plan {
    let middle: Vec<String> = (0..width).map(|at| format!("s{at:06}")).collect();
    let mut steps = vec![program("a-first", &[])];
    steps.extend(middle.iter().map(|name| program(name, &["a-first"])));
    steps.push(program("z-last", &middle.iter().map(String::as_str).collect::<Vec<_>>()));
    plan(steps)
}

#[test]
fn a_step_costs_the_same_in_a_plan_ten_times_as_large() {
    for (shape, small, large) in [
        ("chain", touches_per_step(chain(1_000), 8), touches_per_step(chain(10_000), 8)),
        ("fan", touches_per_step(fan(1_000), 8), touches_per_step(fan(10_000), 8)),
    ] {
        println!("{shape}: {small:.3} touches a step at 1,000, {large:.3} at 10,000");
        assert!(small >= 4.0, "{shape}: nothing is counted");
        assert!(large / small <= 1.1, "{shape}: {small} to {large}");
    }
}
