//! INV-06: the same plan and commands give the same events, byte for byte, and what is stored folds to what is live.

use crate::drive::{Run, plan, program};
use dvt_core::event::Event;
use dvt_core::{State, evolve};
use dvt_model::canonical;
use dvt_model::run::RunStatus;

fn bodies(events: &[Event]) -> Vec<u8> {
    let mut out = Vec::new();
    for event in events {
        out.extend_from_slice(event.name.as_str().as_bytes());
        out.extend_from_slice(event.step_id.as_ref().map_or("", |id| id.as_str()).as_bytes());
        out.extend_from_slice(&event.slot.0.to_be_bytes());
        out.extend_from_slice(&canonical::to_bytes(&event.payload).unwrap());
    }
    out
}

/// Three beside each other and a join; results arrive in this order.
fn history(arrivals: &[&str]) -> Run {
    let steps =
        vec![program("a", &[]), program("b", &[]), program("c", &[]), program("join", &["a", "b", "c"])];
    let mut run = Run::queued(plan(steps));
    let offered: Vec<String> = run.offer(8).iter().map(|dispatch| dispatch.step_id.to_string()).collect();
    assert_eq!(offered, ["a", "b", "c"]);
    for step in arrivals {
        run.now = run.now.plus_ms(10);
        run.complete(step, 1, 1).unwrap();
    }
    assert_eq!(run.offer(8).len(), 1);
    run.complete("join", 1, 1).unwrap();
    assert_eq!(run.state.status(), Some(RunStatus::Completed));
    run
}

#[test]
fn the_same_commands_give_the_same_bytes() {
    let orders = [
        ["a", "b", "c"],
        ["a", "c", "b"],
        ["b", "a", "c"],
        ["b", "c", "a"],
        ["c", "a", "b"],
        ["c", "b", "a"],
    ];
    let mut seen = std::collections::BTreeSet::new();
    for order in orders {
        let (first, second) = (history(&order), history(&order));
        assert_eq!(bodies(&first.events), bodies(&second.events));
        assert_eq!(first.state, second.state);
        // The order of arrival is part of the commands: each gives its own events, and the join waits for all of them.
        assert!(seen.insert(bodies(&first.events)));
        let end: Vec<String> = first.story(5);
        let mut expected: Vec<String> = order.iter().map(|step| format!("StepCompleted {step}")).collect();
        expected.extend(["StepStarted join", "StepCompleted join", "RunCompleted"].map(str::to_owned));
        assert_eq!(end, expected);
    }
}

#[test]
fn what_is_stored_folds_to_what_is_live() {
    let run = history(&["b", "a", "c"]);
    let mut folded = State::default();
    for event in &run.events {
        let text = canonical::to_bytes(&event.payload).unwrap();
        let read = Event { payload: canonical::parse(&text).unwrap(), ..event.clone() };
        evolve(&run.plan, &mut folded, &read).unwrap();
    }
    assert_eq!(folded, run.state);
    assert_eq!(folded.snapshot_digest(), run.state.snapshot_digest());
    let text = serde_json::to_string(&run.state).unwrap();
    assert_eq!(serde_json::from_str::<State>(&text).unwrap(), run.state);
}
