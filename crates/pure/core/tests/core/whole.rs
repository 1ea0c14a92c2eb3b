//! What the golden plans mean: ends with their codes, the order of the way out, who may vote, what folds to what.

use crate::costs;
use crate::plans;
use crate::play::Play;
use dvt_core::event::{Effect, Event};
use dvt_core::{State, evolve};
use dvt_model::canonical;
use dvt_model::code::Code;
use dvt_model::run::{EventName, RunStatus};
use serde_json::Value;

struct Played {
    story: Vec<String>,
    events: Vec<Event>,
    refusals: Vec<Code>,
    effects: Vec<Effect>,
    status: Option<RunStatus>,
}

fn play(name: &str) -> Played {
    let golden = plans::all().into_iter().find(|golden| golden.name == name).unwrap();
    let play = Play::whole(&golden, 0);
    Played {
        story: play.story(),
        status: play.state.status(),
        events: play.events,
        refusals: play.refusals,
        effects: play.effects,
    }
}

impl Played {
    fn last(&self, name: EventName) -> &Value {
        &self.events.iter().rfind(|event| event.name == name).unwrap().payload
    }

    /// The events of these steps, in order; those of the run where it is asked for.
    fn of(&self, parts: &[&str]) -> Vec<&str> {
        let story = self.story.iter().map(String::as_str);
        story.filter(|line| parts.iter().any(|part| line.split(' ').nth(1) == Some(part))).collect()
    }
}

/// A failing end: the code of RunFailed.
fn fails_with(name: &str, code: Code) {
    let played = play(name);
    assert_eq!(played.status, Some(RunStatus::Failed), "{name}");
    assert_eq!(played.last(EventName::RunFailed)["failure"]["errorCode"], code.as_str(), "{name}");
}

#[test]
fn each_end_has_its_code() {
    fails_with("one refuses", Code::ApprovalRejected);
    fails_with("nobody votes", Code::ApprovalExpired);
    fails_with("a hold expires", Code::HoldExpired);
    fails_with("compensations take too long", Code::CompensationIncomplete);
    fails_with("never begun", Code::QueueTtlExpired);
    fails_with("too long", Code::RunTimeout);
    fails_with("only `finally` fails", Code::StepError);
}

#[test]
fn a_principal_counts_once_and_the_starter_not_at_all() {
    let played = play("two approve");
    assert_eq!(
        played.of(&["gate"]),
        ["StepStarted gate", "StepVoted gate", "StepVoted gate", "StepCompleted gate"]
    );
    assert_eq!(played.refusals, [Code::AuthzDenied, Code::InvalidStateTransition]);
    assert_eq!(
        play("an approval before the run").story[2..5],
        ["StepStarted dvt.approval", "StepVoted dvt.approval", "StepCompleted dvt.approval"]
    );
}

#[test]
fn the_way_out_undoes_the_newest_first_and_ends_with_finally() {
    let played = play("the way out");
    let begins: Vec<&str> = played
        .story
        .iter()
        .skip_while(|line| *line != "RunFailing")
        .filter_map(|line| line.strip_prefix("StepStarted "))
        .collect();
    let mut plain: Vec<&str> = begins.iter().map(|id| id.split('.').next().unwrap()).collect();
    plain.dedup();
    assert_eq!(plain, ["always", "if-failed", "second", "many", "first", "notify", "after"]);
    assert!(!begins.contains(&"never"));
    assert_eq!(
        begins.iter().filter(|id| id.starts_with("many.")).count(),
        4,
        "three items, and one of them twice"
    );
    let notify =
        played.events.iter().find(|event| event.step_id.as_ref().is_some_and(|id| id.as_str() == "notify"));
    assert_eq!(notify.unwrap().payload["inputs"]["with"], "FAILED");
}

#[test]
fn a_failure_is_withdrawn_while_the_run_drains() {
    let played = play("retry of step 2");
    assert_eq!(played.status, Some(RunStatus::Completed));
    assert_eq!(
        played.of(&["b"]),
        ["StepStarted b", "StepFailed b", "StepRetryRequested b", "StepStarted b", "StepCompleted b"]
    );
    assert!(played.story.contains(&"RunFailing".to_owned()));
}

#[test]
fn a_hold_ends_when_its_steps_are_looked_after() {
    for name in ["hold and skip", "hold and retry", "an item out of retries, and its step again"] {
        let played = play(name);
        assert_eq!(played.status, Some(RunStatus::Completed), "{name}: {:?}", played.story);
        let held: Vec<&String> =
            played.story.iter().filter(|line| ["RunPaused", "RunResumed"].contains(&line.as_str())).collect();
        assert_eq!(held, ["RunPaused", "RunResumed"], "{name}");
    }
    // A new attempt runs only the items without SUCCESS.
    let played = play("an item out of retries, and its step again");
    assert_eq!(played.of(&["list"]).len(), 5);
    assert_eq!(played.of(&["list.0"]), ["StepStarted list.0", "StepCompleted list.0"]);
}

#[test]
fn a_closed_sub_plan_has_its_run_cancelled() {
    for name in ["a sub-plan is closed at the end of a drain", "cancel reaches down"] {
        let effects = play(name).effects;
        assert!(effects.iter().any(|effect| matches!(effect, Effect::CancelChild { .. })), "{name}");
    }
    let effects = play("cancel reaches down").effects;
    let starts = effects.iter().filter_map(|effect| match effect {
        Effect::StartChild(child) => Some(child.child_run_id),
        Effect::Dispatch(_) | Effect::Stop { .. } | Effect::CancelChild { .. } | Effect::StopChild { .. } => {
            None
        }
    });
    let starts: Vec<_> = starts.collect();
    assert_eq!(starts.len(), 2, "asked for again after the recovery");
    assert_eq!(starts[0], starts[1], "and it is the same run");
}

#[test]
fn what_is_taken_over_does_not_run() {
    let played = play("taken over");
    assert_eq!(played.of(&["a", "b"]), ["StepReused a", "StepReused b"]);
    let reader = played.events.iter().find(|event| event.name == EventName::StepStarted).unwrap();
    assert_eq!(reader.payload["inputs"]["with"].to_string(), "[1]");
    assert_eq!(play("a partial run").of(&["a", "d"]), Vec::<&str>::new());
}

#[test]
fn numbers_keep_one_form() {
    let played = play("maps, floats and 1.0");
    let result = played.of(&["b"]).len();
    assert_eq!(result, 2);
    let b = played
        .events
        .iter()
        .rfind(|event| event.step_id.as_ref().is_some_and(|id| id.as_str() == "b"))
        .unwrap();
    assert_eq!(b.payload["result"]["one"].to_string(), "1");
    assert_eq!(b.payload["result"]["rows"].to_string(), "[2,5,2e+21]");
    assert_eq!(b.payload["result"]["z"].to_string(), "0.30000000000000004");
}

/// INV-06: what is stored folds to what is live, and an event that comes twice changes nothing.
#[test]
fn all_golden_runs_fold_from_their_text() {
    for golden in plans::all() {
        let play = Play::whole(&golden, 3);
        let mut folded = State::default();
        for event in &play.events {
            let text = canonical::to_bytes(&event.payload).unwrap();
            let read = Event { payload: canonical::parse(&text).unwrap(), ..event.clone() };
            evolve(&golden.plan, &mut folded, &read).unwrap();
            // (The same payload may come again where the n-th of a name is not over; its number is not.)
            let before = folded.clone();
            assert!(
                evolve(&golden.plan, &mut folded, &read).is_err(),
                "{}: {} twice",
                golden.name,
                event.name
            );
            assert_eq!(folded, before, "{}: {}", golden.name, event.name);
        }
        assert_eq!(folded, play.state, "{}", golden.name);
        let text = serde_json::to_string(&play.state).unwrap();
        assert_eq!(serde_json::from_str::<State>(&text).unwrap(), play.state, "{}", golden.name);
    }
}

/// A step costs the same in a larger plan; 50,000 steps are `cargo xtask bench --core`.
#[test]
fn counts_a_step_do_not_grow() {
    for shape in costs::SHAPES {
        let of = |size| costs::of(&costs::shape(shape, size), size);
        let (small, large) = (of(1_000), of(3_000));
        for (what, small, large) in [
            ("touches", small.touches, large.touches),
            ("bytes of state", small.state_bytes, large.state_bytes),
            ("bytes of snapshot", small.snapshot_bytes, large.snapshot_bytes),
        ] {
            println!("{shape}: {small:.1} {what} a step at 1,000, {large:.1} at 3,000");
            assert!(small > 1.0 && large / small <= 1.1, "{shape}, {what}: {small} to {large}");
        }
    }
}
