//! Readings of the contract that were got wrong once: each is a place in which core and reference model differed.

use crate::drive::{Run, id, plan, program, step_error};
use dvt_core::command::{Command, Outcome, Report, Signal};
use dvt_core::event::Effect;
use dvt_model::attempt::{EngineAttemptId, LogicalAttemptId};
use dvt_model::code::Code;
use dvt_model::failure::Usage;
use dvt_model::id::{SignalId, StepId};
use dvt_model::run::{RunStatus, StepStatus};
use dvt_plan::expression;
use dvt_plan::plan::{Foreach, Form, OnStepFailure, Part, Source, Step};
use dvt_plan::template::TemplateValue;
use serde_json::{Value, json};

fn signal(number: u32) -> SignalId {
    SignalId::parse(&format!("signal-{number}")).unwrap()
}

fn unit(text: &str) -> StepId {
    StepId::parse_stored(text).unwrap()
}

fn foreach(name: &str, max_parallel: Option<u32>) -> Step {
    let source = Source::List(TemplateValue::Literal(json!(["a", "b", "c"])));
    let foreach = Foreach { source, exclude: None, key: None, max_parallel, most: 3, is_bounded: true };
    Step { foreach: Some(Box::new(foreach)), ..program(name, &[]) }
}

/// The end of the newest attempt.
fn ends(run: &mut Run, of: &str, outcome: Outcome) {
    let (logical_attempt_id, engine_attempt_id) = run.state.attempt(&unit(of)).unwrap();
    let usage = Usage::default();
    let report = Report { step_id: unit(of), logical_attempt_id, engine_attempt_id, outcome, usage };
    run.obey(Command::Report(report)).unwrap();
}

fn completes(run: &mut Run, of: &str) {
    ends(run, of, Outcome::Completed(json!(of)));
}

fn fails(run: &mut Run, of: &str) {
    ends(run, of, Outcome::Failed(step_error()));
}

fn retry(run: &mut Run, step: &str, force: bool) {
    let step_id = id(step);
    let forgotten = run.state.forgotten_by(&run.plan, &step_id);
    let output = |of: &StepId| {
        let ended = run
            .events
            .iter()
            .rfind(|event| event.step_id.as_ref() == Some(of) && event.payload.get("result").is_some());
        ended.unwrap().payload["result"].clone()
    };
    let restored = forgotten.iter().map(|of| (of.clone(), output(of))).collect();
    let retry = Signal::RetryStep { signal_id: signal(1), step_id, force, restored };
    run.obey(Command::Signal(retry)).unwrap();
}

/// What became ready while the run drained begins when its failure is withdrawn, a next item among it.
#[test]
fn a_withdrawn_failure_leaves_nothing_behind() {
    let mut run = Run::queued(plan(vec![
        program("bad", &[]),
        program("slow", &[]),
        program("after", &["slow"]),
        program("long", &[]),
        foreach("list", Some(1)),
    ]));
    run.offer(9);
    fails(&mut run, "bad");
    completes(&mut run, "slow");
    completes(&mut run, "list.0");
    assert!(run.state.is_ending() && !run.state.has_ready(run.now));
    retry(&mut run, "bad", false);
    assert!(!run.state.is_ending());
    let since = run.events.len();
    run.offer(9);
    assert_eq!(run.story(since), ["StepStarted bad", "StepStarted list.1", "StepStarted after"]);
}

/// A step of items is closed at the end of the drain, not with its last running item, and after its items.
#[test]
fn a_step_of_items_is_closed_at_the_end_of_the_drain() {
    let mut run =
        Run::queued(plan(vec![program("bad", &[]), program("long", &[]), foreach("list", Some(1))]));
    run.offer(9);
    fails(&mut run, "bad");
    completes(&mut run, "list.0");
    assert_eq!(run.state.step_status(&id("list")), Some(StepStatus::Running));
    let since = run.events.len();
    completes(&mut run, "long");
    assert_eq!(run.story(since), ["StepCompleted long", "StepFailed list", "RunFailed"]);

    let mut run = Run::queued(plan(vec![foreach("list", None)]));
    run.offer(9);
    let since = run.events.len();
    let stop = Signal::EmergencyStop { signal_id: signal(1), force_kill: true };
    run.obey(Command::Signal(stop)).unwrap();
    let closed = ["StepFailed list.0", "StepFailed list.1", "StepFailed list.2", "StepFailed list"];
    assert_eq!(run.story(since), [closed.as_slice(), &["RunCancelled"]].concat());
}

/// An item that fails out of retries lets no further item start, a retry among them; the next attempt of its step takes it up.
#[test]
fn an_item_that_waits_for_its_retry_is_given_up_with_its_step() {
    let mut list = foreach("list", None);
    list.retry.max = 1;
    let mut run = Run::queued(plan(vec![list]));
    run.plan.on_step_failure = OnStepFailure::Hold;
    run.offer(9);
    fails(&mut run, "list.0");
    run.now = run.now.plus_ms(1_000);
    run.offer(9);
    fails(&mut run, "list.1");
    let since = run.events.len();
    fails(&mut run, "list.0");
    completes(&mut run, "list.2");
    let ends = ["StepFailed list.0", "StepCompleted list.2", "StepFailed list", "RunPaused"];
    assert_eq!(run.story(since), ends);
    run.now = run.now.plus_ms(9_000);
    assert!(!run.state.has_ready(run.now));
    retry(&mut run, "list", false);
    let since = run.events.len();
    run.offer(9);
    assert_eq!(run.story(since), ["StepStarted list", "StepStarted list.0", "StepStarted list.1"]);
    assert_eq!(run.state.attempt(&unit("list.1")).unwrap().0, LogicalAttemptId(2));
    completes(&mut run, "list.0");
    completes(&mut run, "list.1");
    assert_eq!(run.state.status(), Some(RunStatus::Completed));
}

/// A forced attempt of a step of items that had succeeded makes its list anew, with what the items left; over another list
/// it fails.
#[test]
fn a_forced_attempt_keeps_what_its_items_left() {
    let mut list = foreach("list", None);
    let source = "steps.names.output".to_owned();
    let parsed = TemplateValue::Expression(expression::parse(&source).unwrap());
    if let Some(foreach) = &mut list.foreach {
        foreach.source = Source::List(parsed);
    }
    list.needs.insert(id("names"));
    let mut run = Run::queued(plan(vec![program("names", &[]), list, program("long", &[])]));
    run.offer(9);
    ends(&mut run, "names", Outcome::Completed(json!(["x", "y"])));
    run.offer(9);
    completes(&mut run, "list.0");
    completes(&mut run, "list.1");
    retry(&mut run, "list", true);
    run.offer(9);
    let last = run.events.last().unwrap();
    assert_eq!(last.payload["result"], json!(["list.0", "list.1"]));

    retry(&mut run, "names", true);
    run.offer(9);
    ends(&mut run, "names", Outcome::Completed(json!(["x", "z"])));
    retry(&mut run, "list", true);
    let since = run.events.len();
    run.offer(9);
    assert_eq!(run.story(since), ["StepStarted list", "StepFailed list", "RunFailing"]);
    assert_eq!(run.events[since + 1].payload["failure"]["errorCode"], Code::ExpressionFailed.as_str());
}

/// The next attempt of a step waits for a need that is tried again, whenever that was asked.
#[test]
fn a_retry_waits_for_a_need_that_comes_again() {
    let mut last = program("last", &["first"]);
    last.retry.max = 1;
    let mut run = Run::queued(plan(vec![program("first", &[]), last]));
    run.offer(9);
    completes(&mut run, "first");
    run.offer(9);
    retry(&mut run, "first", true);
    run.offer(9);
    fails(&mut run, "last");
    run.now = run.now.plus_ms(60_000);
    assert!(!run.state.has_ready(run.now));
    completes(&mut run, "first");
    let since = run.events.len();
    run.offer(9);
    assert_eq!(run.story(since), ["StepStarted last"]);
}

/// Where that need is done by the engine itself, the attempt that waited for it begins in the same walk.
#[test]
fn a_retry_begins_in_the_walk_that_frees_it() {
    let mut first = program("first", &[]);
    first.form = Form::Noop { simulate_ms: 0 };
    let mut last = program("last", &["first"]);
    last.retry.max = 1;
    let mut run = Run::queued(plan(vec![first, last]));
    run.offer(9);
    retry(&mut run, "first", true);
    fails(&mut run, "last");
    run.now = run.now.plus_ms(60_000);
    let since = run.events.len();
    run.offer(9);
    assert_eq!(run.story(since), ["StepStarted first", "StepCompleted first", "StepStarted last"]);
}

/// A conditional step is tried again though a need of it will never begin.
#[test]
fn a_conditional_step_is_tried_again_on_the_way_out() {
    let mut always = program("always", &["never"]);
    always.condition = Some(expression::parse("always()").unwrap());
    always.retry.max = 1;
    let mut run = Run::queued(plan(vec![program("first", &[]), program("never", &["first"]), always]));
    run.offer(9);
    fails(&mut run, "first");
    run.offer(9);
    fails(&mut run, "always");
    run.now = run.now.plus_ms(60_000);
    let since = run.events.len();
    run.offer(9);
    assert_eq!(run.story(since), ["StepStarted always"]);
}

/// Nobody is left who could say that it ended.
#[test]
fn a_lost_worker_ends_what_is_being_stopped() {
    let mut run = Run::queued(plan(vec![program("a", &[]), program("b", &[])]));
    run.offer(9);
    run.cancel().unwrap();
    let since = run.events.len();
    let lost = vec![(id("a"), LogicalAttemptId::FIRST, EngineAttemptId::FIRST)];
    let effects = run.obey(Command::WorkerLost { lost }).unwrap();
    assert_eq!((run.story(since), effects), (vec!["StepFailed a".to_owned()], Vec::<Effect>::new()));
}

/// Contract 4.5, 3: a finished step says so before the state of its run is asked.
#[test]
fn a_finished_step_cannot_be_left_out() {
    let mut run = Run::queued(plan(vec![program("a", &[]), program("b", &[]), program("c", &["b"])]));
    run.offer(9);
    completes(&mut run, "a");
    run.cancel().unwrap();
    let skip = |step: &str| Command::Signal(Signal::SkipStep { signal_id: signal(1), step_id: id(step) });
    assert_eq!(run.obey(skip("a")).unwrap_err().code, Code::StepTerminal);
    assert_eq!(run.obey(skip("c")).unwrap_err().code, Code::InvalidStateTransition);
}

/// Contract 4.4: RunFailed "while no step has completed": an item is part of one, and a cancel is no hindrance.
#[test]
fn a_run_that_has_done_nothing_can_be_given_up() {
    let abort = || Command::Abort(step_error());
    let mut run = Run::queued(plan(vec![foreach("list", None), program("b", &[])]));
    run.offer(9);
    run.cancel().unwrap();
    let mut other = Run { plan: run.plan.clone(), state: run.state.clone(), events: Vec::new(), ..run };
    other.obey(abort()).unwrap();
    assert_eq!(other.state.status(), Some(RunStatus::Failed));
    let mut run = Run::queued(other.plan);
    run.offer(9);
    completes(&mut run, "list.0");
    assert_eq!(run.obey(abort()).unwrap_err().code, Code::InvalidStateTransition);
}

/// Two `finally` steps failed; that one of them comes again does not make the other well.
#[test]
fn the_failure_of_a_finally_step_stands_until_it_comes_again() {
    let last = |name: &str| Step { part: Part::Finally, ..program(name, &[]) };
    let mut run = Run::queued(plan(vec![program("a", &[]), last("x"), last("y"), last("z")]));
    run.offer(9);
    completes(&mut run, "a");
    run.offer(9);
    fails(&mut run, "x");
    fails(&mut run, "y");
    retry(&mut run, "x", false);
    run.offer(9);
    completes(&mut run, "x");
    completes(&mut run, "z");
    let end = run.events.last().unwrap();
    assert_eq!((run.state.status(), &end.payload["failedStepId"]), (Some(RunStatus::Failed), &json!("y")));
}

/// Items by index: the retry of an item's compensation comes before the first attempt of the next one's.
#[test]
fn what_undoes_items_begins_by_index() {
    let mut list = foreach("list", None);
    let mut undo = program("list", &[]);
    (undo.part, undo.retry.max) = (Part::Compensation, 1);
    list.compensate = Some(Box::new(undo));
    let mut run = Run::queued(plan(vec![list, program("bad", &[])]));
    run.offer(9);
    for item in ["list.0", "list.1", "list.2"] {
        completes(&mut run, item);
    }
    fails(&mut run, "bad");
    run.offer(1);
    fails(&mut run, "list.0.compensate");
    run.now = run.now.plus_ms(60_000);
    let since = run.events.len();
    run.offer(1);
    assert_eq!(run.story(since), ["StepStarted list.0.compensate"]);
    assert_eq!(run.events[since].payload["inputs"]["with"], Value::Null);
}
