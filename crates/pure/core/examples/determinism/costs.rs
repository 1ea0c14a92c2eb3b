//! Counted operations and bytes per step at several sizes, for three shapes and the items of one `foreach`: they must not grow with the plan. Times are
//! printed beside them and judged by nobody.

use dvt_core::command::{Command, Input, Outcome, Report, Start};
use dvt_core::event::Effect;
use dvt_core::{State, decide, evolve};
use dvt_model::digest::Digest;
use dvt_model::failure::Usage;
use dvt_model::id::{PlanId, PlanName, RunId, StepId};
use dvt_model::run::{PlanRef, Power, RunStatus};
use dvt_model::time::Timestamp;
use dvt_plan::plan::{Foreach, Form, Plan, Source, Step};
use dvt_plan::template::TemplateValue;
use serde_json::Value;
use std::process::ExitCode;
use std::time::Instant;

/// The largest ratio between sizes.
const MOST: f64 = 1.1;

/// What a run cost, per step.
pub(crate) struct Cost {
    /// Operations on the ready set, of decisions and fold.
    pub(crate) touches: f64,
    /// The state at its largest, as it is serialized.
    pub(crate) state_bytes: f64,
    /// RunStatusSnapshot at the end.
    pub(crate) snapshot_bytes: f64,
    /// Steps decided in a second.
    pub(crate) steps_per_second: f64,
}

fn id(at: usize) -> String {
    format!("s{at:06}")
}

fn step(name: &str, needs: impl IntoIterator<Item = String>) -> Step {
    let form = Form::Run { program: "echo".to_owned(), arguments: Vec::new() };
    let mut made = Step::new(StepId::parse(name).expect("an id"), form);
    made.needs = needs.into_iter().map(|need| StepId::parse(&need).expect("an id")).collect();
    made
}

/// The shapes.
pub(crate) const SHAPES: [&str; 4] = ["chain", "1->N->1", "layered", "items"];
/// The most items of one `foreach`.
pub(crate) const MOST_ITEMS: usize = 10_000;

/// `chain`, `1→N→1`, the items of one step, or layers of ten of which each step needs two of the layer before.
pub(crate) fn shape(shape: &str, count: usize) -> Plan {
    let steps = match shape {
        "chain" => (0..count).map(|at| step(&id(at), at.checked_sub(1).map(id))).collect(),
        "1->N->1" => {
            let middle = (1..count - 1).map(|at| step(&id(at), [id(0)]));
            let last = step(&id(count - 1), (1..count - 1).map(id));
            std::iter::once(step(&id(0), [])).chain(middle).chain([last]).collect()
        }
        "items" => vec![items(count)],
        _ => {
            let needs = |at: usize| {
                let before = (at / 10).checked_sub(1).map(|layer| layer * 10);
                before.into_iter().flat_map(move |layer| [id(layer + at % 10), id(layer + (at + 3) % 10)])
            };
            (0..count).map(|at| step(&id(at), needs(at))).collect()
        }
    };
    Plan::new(PlanName::parse("costs").expect("a name"), steps)
}

fn items(count: usize) -> Step {
    let list = (0..count).collect::<Vec<_>>();
    let source = Source::List(TemplateValue::Literal(serde_json::json!(list)));
    let most = count as u64;
    Step {
        foreach: Some(Box::new(Foreach {
            source,
            exclude: None,
            key: None,
            max_parallel: None,
            most,
            is_bounded: true,
        })),
        ..step("items", [])
    }
}

/// Runs a plan of so many steps, or items, to its end and counts.
pub(crate) fn of(plan: &Plan, steps: usize) -> Cost {
    let plan_ref = PlanRef {
        plan_id: PlanId::from_random([2; 16]),
        plan_version: "1.0.0".to_owned(),
        digest: Digest::of(b"plan"),
    };
    let power = Power { host_allowed: true, files_digest: None, secrets_profile: None };
    let start = Start::plain(RunId::from_random([1; 16]), "tenant".to_owned(), plan_ref, power);
    let (mut state, mut touches, mut largest, mut ended) = (State::default(), 0, 0, 0usize);
    let mut measured = std::time::Duration::ZERO;
    let mut ask = |state: &mut State, command: Command| {
        let begun = Instant::now();
        let input = Input { now: Timestamp::from_ms(1_771_200_000_000), entropy: [9; 32], command };
        let decided = decide(plan, state, &input).expect("it is decided");
        for event in &decided.events {
            evolve(plan, state, event).expect("it folds");
        }
        measured += begun.elapsed();
        touches += decided.touches;
        decided.effects
    };
    ask(&mut state, Command::Start(start));
    while state.status() != Some(RunStatus::Completed) {
        let effects = ask(&mut state, Command::Offer { slots: 8 });
        assert!(!effects.is_empty(), "the run stands still");
        for effect in effects {
            let Effect::Dispatch(dispatch) = effect else { continue };
            let report = Report {
                step_id: dispatch.step_id,
                logical_attempt_id: dispatch.logical_attempt_id,
                engine_attempt_id: dispatch.engine_attempt_id,
                outcome: Outcome::Completed(Value::Null),
                usage: Usage::default(),
            };
            ask(&mut state, Command::Report(report));
            ended += 1;
            if ended % steps.div_ceil(8) == 0 {
                largest = largest.max(serde_json::to_vec(&state).expect("it is written").len());
            }
        }
    }
    let snapshot = state.snapshot().to_string().len();
    let each = |number: f64| number / steps as f64;
    Cost {
        touches: each((touches + state.touches()) as f64),
        state_bytes: each(largest as f64),
        snapshot_bytes: each(snapshot as f64),
        steps_per_second: steps as f64 / measured.as_secs_f64(),
    }
}

/// Prints all sizes and shapes; fails where a count grows.
pub(crate) fn print(sizes: &[usize]) -> ExitCode {
    let mut grows = false;
    for name in SHAPES {
        let mut first: Option<Cost> = None;
        for size in sizes.iter().filter(|size| name != "items" || **size <= MOST_ITEMS) {
            let cost = of(&shape(name, *size), *size);
            println!(
                "{name:<8} {size:>6} steps: {:>6.2} touches, {:>6.0} bytes of state, {:>6.0} bytes of snapshot a step, {:>8.0} steps/s",
                cost.touches, cost.state_bytes, cost.snapshot_bytes, cost.steps_per_second
            );
            if let Some(first) = &first {
                let pairs = [
                    (first.touches, cost.touches),
                    (first.state_bytes, cost.state_bytes),
                    (first.snapshot_bytes, cost.snapshot_bytes),
                ];
                grows |= pairs.iter().any(|(small, large)| large / small > MOST);
            } else {
                first = Some(cost);
            }
        }
    }
    if grows {
        eprintln!("a count a step grows by more than {MOST} with the plan");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
