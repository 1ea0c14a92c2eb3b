//! What is too large for a ledger ends a step or a run, with a code, and never the writing of the run.

use crate::drive::{Run, plan, program, report};
use dvt_core::command::{Command, Outcome};
use dvt_model::code::Code;
use dvt_model::run::{RunStatus, StepStatus};
use dvt_plan::expression::parse;
use dvt_plan::template::TemplateValue;
use serde_json::{Value, json};

/// The largest output of one expression is 1 MiB; this many of them are more than a ledger takes as one value.
const TOO_MANY: usize = 9;

fn big() -> TemplateValue {
    TemplateValue::Expression(parse("steps.big.output").unwrap())
}

fn with_big_done(mut run: Run) -> Run {
    run.offer(1);
    let output = Outcome::Completed(json!("x".repeat(1_000_000)));
    run.obey(Command::Report(report("big", 1, 1, output))).unwrap();
    run
}

fn payload(run: &Run, name: &str) -> Value {
    run.events.iter().rfind(|event| event.name.as_str() == name).unwrap().payload.clone()
}

/// INV-21
#[test]
fn inputs_of_a_step_are_bounded_together() {
    for (count, ends) in [(TOO_MANY, StepStatus::Failed), (TOO_MANY - 1, StepStatus::Running)] {
        let mut reader = program("reader", &["big"]);
        reader.env = (0..count).map(|at| (format!("V{at}"), big())).collect();
        let mut run = with_big_done(Run::queued(plan(vec![program("big", &[]), reader])));
        run.offer(1);
        assert_eq!(run.state.step_status(&crate::drive::id("reader")), Some(ends));
        if ends == StepStatus::Failed {
            let failed = payload(&run, "StepFailed");
            assert_eq!(failed["failure"]["errorCode"], json!(Code::ExpressionOverBudget));
            assert_eq!(run.state.status(), Some(RunStatus::Failed));
        }
    }
}

/// INV-21
#[test]
fn outputs_of_a_run_are_bounded_together() {
    for (count, ends) in [(TOO_MANY, RunStatus::Failed), (TOO_MANY - 1, RunStatus::Completed)] {
        let mut plan = plan(vec![program("big", &[])]);
        plan.outputs = (0..count).map(|at| (format!("v{at}"), big())).collect();
        let run = with_big_done(Run::queued(plan));
        assert_eq!(run.state.status(), Some(ends));
        if ends == RunStatus::Failed {
            assert_eq!(payload(&run, "RunFailed")["failure"]["errorCode"], json!(Code::OutputLimit));
        }
    }
}

/// A number may be longer in its canonical form than it was on the link.
#[test]
fn an_output_is_bounded_in_its_canonical_form() {
    for (count, ends) in [(1_000_000, RunStatus::Failed), (100, RunStatus::Completed)] {
        let mut run = Run::queued(plan(vec![program("big", &[])]));
        run.offer(1);
        let output = Outcome::Completed(json!(vec![1e-6; count]));
        run.obey(Command::Report(report("big", 1, 1, output))).unwrap();
        assert_eq!(run.state.status(), Some(ends));
    }
}
