//! What the words of a plan mean in a run: two texts that say the same, and what an expression is given.

use crate::drive::{Run, report, step_error};
use dvt_core::command::{Command, Outcome, Report};
use dvt_core::event::Effect;
use dvt_model::run::{EventName, RunStatus};
use dvt_plan::diagnostic::Source;
use dvt_plan::plan::Plan;
use serde_json::{Value, json};

fn compiled(text: &str) -> Plan {
    let source = Source { name: "plan.yaml".to_owned(), text: text.to_owned() };
    let outcome = dvt_plan::check(&source);
    outcome.checked.unwrap_or_else(|| panic!("{:?}", outcome.diagnostics)).plan
}

/// Plays a plan to its end: programs complete with their last argument, those called `false` fail.
fn played(text: &str) -> Run {
    let mut run = Run::queued(compiled(text));
    for _ in 0..100 {
        if run.state.status().is_some_and(RunStatus::is_terminal) {
            return run;
        }
        let mut effects = run.obey(Command::Offer { slots: 8 }).unwrap();
        while let Some(effect) = effects.pop() {
            let Effect::Dispatch(dispatch) = effect else { continue };
            let outcome = match &dispatch.program {
                dvt_core::event::Program::Run(words) if words[0] == "false" => Outcome::Failed(step_error()),
                dvt_core::event::Program::Run(words) => Outcome::Completed(json!(words.last())),
                other => panic!("{other:?}"),
            };
            let ended = Report { step_id: dispatch.step_id, ..report("x", 1, 1, outcome) };
            effects.extend(run.obey(Command::Report(ended)).unwrap());
        }
    }
    panic!("it does not end: {:?}", run.story(0));
}

/// `success() && (…)` is what an `if` means without a status function; written out it is the same condition, item by item or not.
#[test]
fn success_written_out_is_no_other_condition() {
    let mut seen = Vec::new();
    for need in ["if: 'false'", "run: ['false'], continueOnError: true"] {
        for of in ["foreach: steps.first.output,", "foreach: [{ ok: true }, { ok: false }],", ""] {
            let says = if of.is_empty() { "1 < 2" } else { "item.ok" };
            let form = if need.contains("run") { need.to_owned() } else { format!("run: [x], {need}") };
            let text = |condition: &str| {
                format!(
                    "apiVersion: dvt/v1\nname: same\nsteps:\n  first: {{ {form}, outputs: {{ type: array, maxItems: 3 }} }}
  each: {{ needs: first, {of} if: '{condition}', run: [y] }}\n  after: {{ needs: each, run: [z] }}\n"
                )
            };
            let (bare, said) = (played(&text(says)), played(&text(&format!("success() && {says}"))));
            assert_eq!(said.story(0), bare.story(0), "{of} {form}");
            let reasons = |run: &Run| -> Vec<Value> {
                run.events.iter().map(|event| event.payload["reasonCode"].clone()).collect()
            };
            assert_eq!(reasons(&said), reasons(&bare), "{of} {form}");
            seen.push((bare.state.status().unwrap(), bare.story(0).len()));
            if need.contains("if") {
                assert_eq!(said.state.status(), Some(RunStatus::Completed), "{:?}", said.story(0));
                let skipped = ["StepSkipped first", "StepSkipped each", "StepSkipped after"];
                assert!(skipped.iter().all(|one| said.story(0).iter().any(|told| told == one)));
            }
            // Control: who asks for more than success is asked.
            let always = played(&text(&format!("always() && {says}")));
            assert_ne!((always.story(0), need.contains("if")), (bare.story(0), true));
        }
    }
    println!("{} pairs of texts with the same events", seen.len());
}

/// What undoes an item is given what that item left.
#[test]
fn what_undoes_an_item_sees_what_it_left() {
    let run = played(
        "apiVersion: dvt/v1
name: undone
steps:
  a:
    foreach: [x, y]
    run: [mark, 'id-${{ item }}']
    output: text
    compensate: { run: [unmake, 'undo ${{ steps.a.output }}'] }
  b: { needs: a, run: ['false'] }
",
    );
    let undone: Vec<(String, Value)> = run
        .events
        .iter()
        .filter(|event| event.name == EventName::StepStarted)
        .filter(|event| event.step_id.as_ref().is_some_and(dvt_model::id::StepId::is_compensation))
        .map(|event| {
            (event.step_id.as_ref().unwrap().to_string(), event.payload["inputs"]["arguments"].clone())
        })
        .collect();
    let wanted = [("a.0.compensate", json!(["undo id-x"])), ("a.1.compensate", json!(["undo id-y"]))];
    assert_eq!(undone, wanted.map(|(id, arguments)| (id.to_owned(), arguments)));
}
