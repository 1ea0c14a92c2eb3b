//! Doubles that the canonical form writes as integers beyond 2^53: refused at the door they come in by, with a code, and
//! never written down, for nobody could read them again.

use crate::drive::{Run, id, plan, program, report, start};
use dvt_core::State;
use dvt_core::command::{Command, Outcome, Report, Start};
use dvt_core::event::Event;
use dvt_model::canonical;
use dvt_model::code::Code;
use dvt_model::run::{RunStatus, StepStatus};
use dvt_plan::expression::parse;
use dvt_plan::plan::{Foreach, Plan, Source};
use dvt_plan::template::TemplateValue;
use serde_json::{Value, json};

/// Such doubles, with the least and the largest.
const REFUSED: [f64; 5] =
    [9_007_199_254_740_994.0, -9_007_199_254_740_994.0, 1e16, 1e20, 999_999_999_999_999_900_000.0];
const KEPT: [f64; 5] = [9_007_199_254_740_992.0, 1e21, -1e22, 1e300, -0.0];

fn expression(text: &str) -> TemplateValue {
    TemplateValue::Expression(parse(text).unwrap())
}

/// Whoever reads what was written gets the same.
fn is_read_again(events: &[Event]) {
    for event in events {
        let bytes = canonical::of(&event.payload).unwrap();
        let again = canonical::parse(&bytes);
        assert_eq!(again.as_ref().map(canonical::to_bytes), Ok(Ok(bytes)), "{}", event.name);
    }
}

fn failure(run: &Run, name: &str) -> Value {
    let failed = run.events.iter().rfind(|event| event.name.as_str() == name);
    failed.map_or(Value::Null, |event| event.payload["failure"]["errorCode"].clone())
}

#[test]
fn an_input_is_refused() {
    for (numbers, is_kept) in [(REFUSED, false), (KEPT, true)] {
        for number in numbers {
            let run = Run { state: State::default(), ..Run::queued(plan(vec![program("a", &[])])) };
            let inputs = [("n".to_owned(), json!([{ "x": number }]))].into();
            match run.ask(Command::Start(Start { inputs, ..start() })) {
                Err(refusal) => {
                    assert!(!is_kept, "{number}: {refusal:?}");
                    assert_eq!(refusal.code, Code::SchemaValidationFailed, "{number}");
                }
                Ok(decided) => {
                    assert!(is_kept, "{number}");
                    is_read_again(&decided.events);
                }
            }
        }
    }
}

#[test]
fn an_output_fails_its_step() {
    for (numbers, ends) in [(REFUSED, StepStatus::Failed), (KEPT, StepStatus::Success)] {
        for number in numbers {
            let mut run = Run::queued(plan(vec![program("a", &[])]));
            run.offer(1);
            let output = Outcome::Completed(json!({ "x": [number] }));
            run.obey(Command::Report(report("a", 1, 1, output))).unwrap();
            assert_eq!(run.state.step_status(&id("a")), Some(ends), "{number}");
            assert!(run.state.status().is_some_and(RunStatus::is_terminal), "{number}");
            if ends == StepStatus::Failed {
                assert_eq!(failure(&run, "StepFailed"), json!(Code::StepError));
            }
            is_read_again(&run.events);
        }
    }
}

/// Plans in which an expression gives the number, each in another place.
fn places(number: f64) -> Vec<(&'static str, Plan)> {
    let value = || expression(&format!("{{'x': [{number:e} * 1.0]}}"));
    let mut env = program("a", &[]);
    env.env.insert("X".to_owned(), value());
    let mut foreach = program("a", &[]);
    foreach.foreach = Some(Box::new(Foreach {
        source: Source::List(expression(&format!("[{number:e} * 1.0]"))),
        exclude: None,
        key: None,
        max_parallel: None,
        most: 1,
        is_bounded: true,
    }));
    let mut outputs = plan(vec![program("a", &[])]);
    outputs.outputs.insert("o".to_owned(), value());
    vec![("StepFailed", plan(vec![env])), ("StepFailed", plan(vec![foreach])), ("RunFailed", outputs)]
}

#[test]
fn an_expression_fails_its_step_or_its_run() {
    for (numbers, is_kept) in [(REFUSED, false), (KEPT, true)] {
        for number in numbers {
            for (event, plan) in places(number) {
                let mut run = Run::queued(plan);
                while let [dispatch, ..] = run.offer(1).as_slice() {
                    let (attempt, engine) = (dispatch.logical_attempt_id.0, dispatch.engine_attempt_id.0);
                    let done = report("a", attempt, engine, Outcome::Completed(Value::Null));
                    let done = Report { step_id: dispatch.step_id.clone(), ..done };
                    run.obey(Command::Report(done)).unwrap();
                }
                let ends = if is_kept { RunStatus::Completed } else { RunStatus::Failed };
                assert_eq!(run.state.status(), Some(ends), "{number} {event}");
                if !is_kept {
                    assert_eq!(failure(&run, event), json!(Code::ExpressionFailed), "{number}");
                }
                is_read_again(&run.events);
            }
        }
    }
}
