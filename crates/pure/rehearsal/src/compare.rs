//! What came beside what was expected. Only what the test names is compared, and every difference is told.

use crate::difference::{difference, first, shown};
use crate::played::Played;
use dvt_model::run::StepStatus;
use dvt_plan::diagnostic::Diagnostic;
use dvt_plan::plan::Plan;
use dvt_plan::test_file::codes::NOT_AS_EXPECTED;
use dvt_plan::test_file::{Case, Placed, StepExpectation};
use serde_json::Value;

/// Names in a list that are shown.
const MOST_NAMES: usize = 12;

pub(crate) fn all(_plan: &Plan, case: &Case, played: &Played) -> Vec<Diagnostic> {
    let mut out = Vec::new();
    run(case, played, &mut out);
    order(case, played, &mut out);
    for expected in &case.expect.steps {
        step(expected, played, &mut out);
    }
    for (name, expected) in &case.expect.outputs {
        let came = played.outputs.get(&name.value);
        value(&format!("the output `{}` of the plan", name.value), expected, came, &mut out);
    }
    out
}

fn run(case: &Case, played: &Played, out: &mut Vec<Diagnostic>) {
    let failure = cause(played);
    if let Some(expected) = &case.expect.status
        && played.status != Some(expected.value)
    {
        let came = played.status.map_or("no run", dvt_model::run::RunStatus::as_str);
        let message = format!("the run is {came}, not {}", expected.value);
        let mut told = difference(NOT_AS_EXPECTED, expected.span, message, format!("it is {came}"));
        told.why = failure;
        out.push(told);
    }
    if let Some(expected) = &case.expect.code {
        let came = played.failure.get("errorCode").and_then(Value::as_str).unwrap_or("none");
        if came != expected.value.as_str() {
            let message = format!("the run failed with {came}, not {}", expected.value);
            out.push(difference(NOT_AS_EXPECTED, expected.span, message, format!("it is {came}")));
        }
    }
}

/// Why a run failed, in a sentence.
fn cause(played: &Played) -> Option<String> {
    let code = played.failure.get("errorCode").and_then(Value::as_str)?;
    let text = played.failure.get("errorMessage").and_then(Value::as_str).unwrap_or_default();
    Some(match &played.failed_step {
        Some(step) => format!("`{step}` failed with {code}: {text}"),
        None => format!("{code}: {text}"),
    })
}

/// The named steps begin in the named order; others may stand between.
fn order(case: &Case, played: &Played, out: &mut Vec<Diagnostic>) {
    let began = played.order();
    let mut after: Option<(usize, &str)> = None;
    for expected in &case.expect.order {
        let at = began.iter().position(|name| *name == expected.value);
        match (at, after) {
            (None, _) => {
                let message = format!("`{}` did not begin", expected.value);
                let state = played.steps.get(&expected.value).map(told_state);
                let label = state.unwrap_or_else(|| "it was never met".to_owned());
                out.push(list(difference(NOT_AS_EXPECTED, expected.span, message, label), &began));
            }
            (Some(at), Some((before, name))) if at < before => {
                let message = format!("`{}` began before `{name}`", expected.value);
                let label = format!("expected after `{name}`");
                out.push(list(difference(NOT_AS_EXPECTED, expected.span, message, label), &began));
            }
            (Some(at), _) => after = Some((at, &expected.value)),
        }
    }
}

fn list(mut told: Diagnostic, began: &[String]) -> Diagnostic {
    let more = if began.len() > MOST_NAMES { ", …" } else { "" };
    let names: Vec<&str> = began.iter().take(MOST_NAMES).map(String::as_str).collect();
    told.why = Some(match names.is_empty() {
        true => "nothing began".to_owned(),
        false => format!("the steps began in this order: {}{more}", names.join(", ")),
    });
    told
}

fn told_state(step: &crate::played::Step) -> String {
    match (step.status, &step.reason) {
        (StepStatus::Skipped, Some(reason)) => format!("it is SKIPPED ({reason})"),
        (StepStatus::Failed, _) => {
            let code = step.failure.get("errorCode").and_then(Value::as_str).unwrap_or_default();
            format!("it is FAILED ({code})")
        }
        (StepStatus::Pending, _) => "it is not started".to_owned(),
        (status, _) => format!("it is {status}"),
    }
}

fn step(expected: &StepExpectation, played: &Played, out: &mut Vec<Diagnostic>) {
    let name = &expected.name.value;
    let met = played.steps.get(name);
    if let Some(status) = &expected.status {
        let came = met.map_or(StepStatus::Pending, |step| step.status);
        if came != status.value {
            let label = met.map_or_else(|| "it is not started".to_owned(), told_state);
            let word = if came == StepStatus::Pending { "not started" } else { came.as_str() };
            let mut told = difference(
                NOT_AS_EXPECTED,
                status.span,
                format!("`{name}` is {word}, not {}", status.value),
                label,
            );
            told.why = met
                .and_then(|step| step.failure.get("errorMessage"))
                .and_then(Value::as_str)
                .map(str::to_owned);
            out.push(told);
        }
    }
    if let Some(attempts) = &expected.attempts {
        let came = met.map_or(0, |step| step.attempt);
        if came != attempts.value {
            let message = format!("`{name}` took {came} attempts, not {}", attempts.value);
            out.push(difference(NOT_AS_EXPECTED, attempts.span, message, format!("it took {came}")));
        }
    }
    if let Some(code) = &expected.code {
        let came =
            met.and_then(|step| step.failure.get("errorCode")).and_then(Value::as_str).unwrap_or("none");
        if came != code.value.as_str() {
            let message = format!("`{name}` failed with {came}, not {}", code.value);
            out.push(difference(NOT_AS_EXPECTED, code.span, message, format!("it is {came}")));
        }
    }
    if let Some(output) = &expected.output {
        value(&format!("the output of `{name}`"), output, met.map(|step| &step.output), out);
    }
}

fn value(what: &str, expected: &Placed<Value>, came: Option<&Value>, out: &mut Vec<Diagnostic>) {
    let came = came.unwrap_or(&Value::Null);
    let Some((path, wanted, found)) = first(&expected.value, came) else { return };
    let side = |value: Option<&Value>| value.map_or_else(|| "nothing".to_owned(), shown);
    let place = if path.is_empty() { String::new() } else { format!(" at `{path}`") };
    let message = format!("{what} differs{place}: expected {}, and {} came", side(wanted), side(found));
    let mut told = difference(NOT_AS_EXPECTED, expected.span, message, String::new());
    told.why = (!path.is_empty()).then(|| format!("the whole value is {}", shown(came)));
    out.push(told);
}
