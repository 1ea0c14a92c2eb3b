//! What a command may not do, and what becomes of the run when something goes wrong.

use crate::drive::{Run, plan, program, report, start};
use dvt_core::command::{Command, Outcome};
use dvt_core::event::Effect;
use dvt_core::{State, evolve};
use dvt_model::code::Code;
use dvt_model::run::{RunStatus, StepStatus};
use dvt_plan::plan::Form;
use serde_json::{Value, json};

#[test]
fn an_event_twice_is_refused_and_changes_nothing() {
    let mut run = Run::queued(plan(vec![program("a", &[])]));
    run.offer(1);
    run.complete("a", 1, 1).unwrap();
    let mut state = State::default();
    for event in &run.events {
        evolve(&run.plan, &mut state, event).unwrap();
        let before = state.clone();
        let refused = evolve(&run.plan, &mut state, event).unwrap_err();
        assert_eq!(refused.attempted, event.name.to_string());
        assert_eq!(state, before);
    }
    assert_eq!(state, run.state);
}

/// INV-29: acknowledged once, recorded once.
#[test]
fn a_report_is_heard_once() {
    let mut run = Run::queued(plan(vec![program("a", &[]), program("b", &[])]));
    run.offer(2);
    let heard = run.events.len();
    run.complete("a", 1, 1).unwrap();
    assert_eq!(run.events.len(), heard + 1);
    assert_eq!(run.complete("a", 1, 1), Ok(Vec::new()));
    assert_eq!(run.events.len(), heard + 1);
    assert_eq!(run.complete("b", 1, 2).unwrap_err().code, Code::InvalidStateTransition);
    assert_eq!(run.complete("b", 2, 1).unwrap_err().code, Code::InvalidStateTransition);
    assert_eq!(run.complete("absent", 1, 1).unwrap_err().code, Code::InvalidStateTransition);
    run.complete("b", 1, 1).unwrap();
    assert_eq!(run.state.status(), Some(RunStatus::Completed));
    // The last report again gets the first answer; anything else meets a run that is over.
    assert_eq!(run.complete("b", 1, 1), Ok(Vec::new()));
    assert_eq!(run.complete("b", 1, 2).unwrap_err().code, Code::RunTerminal);
    assert_eq!(run.cancel().unwrap_err().code, Code::RunTerminal);
    assert_eq!(run.ask(Command::Start(start())).unwrap_err().code, Code::RunAlreadyExists);
}

/// INV-29: the same token, a new dispatch; five of them and the step is given up.
#[test]
fn a_recovery_gives_out_what_ran_and_nothing_else() {
    let mut run = Run::queued(plan(vec![program("a", &[]), program("b", &[])]));
    let first = run.offer(2);
    run.complete("a", 1, 1).unwrap();
    for dispatch in 2..=5 {
        let effects = run.obey(Command::Recover).unwrap();
        let [Effect::Dispatch(again)] = effects.as_slice() else { panic!("{effects:?}") };
        assert_eq!((again.step_id.as_str(), &again.token), ("b", &first[1].token));
        assert_eq!(again.engine_attempt_id.0, dispatch);
    }
    assert_eq!(run.complete("b", 1, 4).unwrap_err().code, Code::InvalidStateTransition);
    let since = run.events.len();
    run.obey(Command::Recover).unwrap();
    assert_eq!(run.story(since), ["StepFailed b", "RunFailing", "RunFailed"]);
    assert_eq!(run.events[since].payload["failure"]["errorCode"], "WORKER_LOST");
}

#[test]
fn a_cancel_stops_what_runs_and_closes_what_does_not_answer() {
    let mut run = Run::queued(plan(vec![program("a", &[]), program("b", &[]), program("c", &["a"])]));
    run.offer(2);
    let since = run.events.len();
    let effects = run.cancel().unwrap();
    assert!(matches!(effects.as_slice(), [Effect::Stop { grace_ms: 5_000, .. }, Effect::Stop { .. }]));
    assert_eq!(run.cancel(), Ok(Vec::new()));
    run.complete("a", 1, 1).unwrap();
    assert!(!run.state.has_ready(run.now));
    let closes = run.state.next_due().unwrap();
    run.now = dvt_model::time::Timestamp::from_ms(closes.ms() - 1);
    run.obey(Command::Due).unwrap();
    assert_eq!(run.story(since), ["RunCancelRequested", "StepCompleted a"]);
    run.now = closes;
    run.obey(Command::Due).unwrap();
    assert_eq!(run.story(since + 2), ["StepFailed b", "RunCancelled"]);
    assert_eq!(run.state.step_status(&crate::drive::id("c")), Some(StepStatus::Pending));
    assert_eq!(run.complete("b", 1, 1).unwrap_err().code, Code::RunTerminal);
}

#[test]
fn a_run_that_never_started_is_cancelled_at_once() {
    let mut run = Run::queued(plan(vec![program("a", &[])]));
    run.cancel().unwrap();
    assert_eq!(run.story(1), ["RunCancelRequested", "RunCancelled"]);
}

#[test]
fn steps_inside_the_engine_take_no_slot() {
    let mut instant = program("a", &[]);
    instant.form = Form::Noop { simulate_ms: 0 };
    let mut wait = program("b", &["a"]);
    wait.form = Form::Wait { duration_ms: 600_000 };
    let mut run = Run::queued(plan(vec![instant, wait]));
    run.offer(0);
    assert_eq!(run.story(1), ["RunStarted", "StepStarted a", "StepCompleted a", "StepStarted b"]);
    assert_eq!(
        run.ask(Command::Report(report("b", 1, 1, Outcome::Completed(Value::Null)))).unwrap_err().code,
        Code::InvalidStateTransition
    );
    let due = run.state.next_due().unwrap();
    assert_eq!(due.ms_since(run.now), 600_000);
    run.now = due;
    run.obey(Command::Due).unwrap();
    assert_eq!(run.story(5), ["StepCompleted b", "RunCompleted"]);
}

#[test]
fn a_retry_waits_for_its_time_and_keeps_the_limit() {
    let mut step = program("a", &[]);
    step.retry.max = 1;
    let mut run = Run::queued(plan(vec![step]));
    let first = run.offer(1);
    run.fail("a", 1, 1).unwrap();
    assert!(!run.state.has_ready(run.now));
    assert_eq!(run.state.next_due(), Some(run.now.plus_ms(1_000)));
    run.now = run.now.plus_ms(1_000);
    assert!(run.state.has_ready(run.now));
    assert_eq!(run.state.next_due_after(run.now).map(|at| at > run.now), Some(true));
    let second = run.offer(1);
    assert_eq!(second[0].logical_attempt_id.0, 2);
    assert_ne!(second[0].token, first[0].token);
    run.fail("a", 2, 1).unwrap();
    assert_eq!(run.story(5), ["StepFailed a", "RunFailing", "RunFailed"]);
    assert_eq!(run.events[7].payload["failedStepId"], "a");
}

#[test]
fn outputs_are_canonical_and_bounded() {
    let mut run = Run::queued(plan(vec![program("a", &[]), program("b", &[])]));
    run.offer(2);
    let since = run.events.len();
    run.obey(Command::Report(report("a", 1, 1, Outcome::Completed(json!({ "n": 1.0 }))))).unwrap();
    assert_eq!(run.events[since].payload["result"].to_string(), r#"{"n":1}"#);
    run.obey(Command::Report(report("b", 1, 1, Outcome::Completed(json!(1u64 << 60))))).unwrap();
    assert_eq!(run.events[since + 1].payload["failure"]["errorCode"], "STEP_ERROR");
    let message = run.events[since + 1].payload["failure"]["errorMessage"].as_str().unwrap();
    assert!(message.contains("send it as a string"), "{message}");
}

#[test]
fn a_run_that_takes_too_long_goes_the_way_out() {
    let mut slow = plan(vec![program("a", &[])]);
    slow.max_duration_ms = 5_000;
    let mut run = Run::queued(slow);
    run.offer(1);
    let at = run.state.next_due().unwrap();
    assert_eq!(at.ms_since(run.now), 5_000);
    run.now = at;
    let effects = run.obey(Command::Due).unwrap();
    assert!(matches!(effects.as_slice(), [Effect::Stop { .. }]));
    run.now = run.state.next_due().unwrap();
    run.obey(Command::Due).unwrap();
    assert_eq!(run.story(3), ["RunFailing", "StepFailed a", "RunFailed"]);
    assert_eq!(run.events[5].payload["failure"]["errorCode"], "RUN_TIMEOUT");
    assert_eq!(run.state.snapshot()["steps"][0]["error"]["code"], "CANCELLED");
}
