//! INVARIANT(INV-18): every payload has the class and the persons that the plan and what was read give it. One table, event by event.

use crate::drive::{Run, id, report, step_error};
use dvt_core::command::{Command, Outcome, Report, Start};
use dvt_core::{About, Kept, evolve, kept};
use dvt_model::run::EventName;
use dvt_plan::diagnostic::Source;
use dvt_plan::plan::{DataClass, Plan};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const PLAN: &str = "apiVersion: dvt/v1
name: about
inputs:
  who: { type: string }
  people: { type: array, maxItems: 8, items: { type: string } }
data: { class: phi }
steps:
  a: { run: [a], subject: '${{ inputs.who }}', dataClass: pii }
  b: { run: [b], subject: bob }
  derived: { run: [d], with: '${{ steps.a.output }}', dataClass: standard }
  both: { run: [e], with: ['${{ steps.a.output }}', '${{ steps.b.output }}'] }
  count: { run: [c], with: '${{ steps.a.output }}', declassify: a number }
  speaks: { run: [s], with: '${{ steps.b.output }}', subject: cleo }
  each: { foreach: inputs.people, run: [i], subject: '${{ item }}', dataClass: standard }
  after: { run: [f], with: '${{ steps.each.output }}', dataClass: standard }
  plain: { run: [p], dataClass: standard }
outputs: { all: '${{ steps.derived.output }}', n: '${{ steps.count.output }}' }
";

fn compiled(text: &str) -> Plan {
    let source = Source { name: "plan.yaml".to_owned(), text: text.to_owned() };
    let outcome = dvt_plan::check(&source);
    outcome.checked.unwrap_or_else(|| panic!("{:?}", outcome.diagnostics)).plan
}

/// Plays to the end, every program completing, and gives how each event was kept, by its name and step.
fn played(plan: Plan, inputs: Value, fails: &[&str]) -> BTreeMap<String, Kept> {
    let mut run = Run {
        events: Vec::new(),
        ..Run::queued(compiled("apiVersion: dvt/v1\nname: x\nsteps: { x: { run: [x] } }\n"))
    };
    (run.plan, run.state) = (plan, dvt_core::State::default());
    let mut all = BTreeMap::new();
    let inputs = serde_json::from_value(inputs).unwrap();
    let mut commands = vec![Command::Start(Start { inputs, ..crate::drive::start() })];
    while let Some(command) = commands.pop() {
        let decided = run.ask(command).unwrap();
        let keeping = kept(&run.plan, &run.state, &decided.events);
        assert_eq!(keeping.len(), decided.events.len());
        for (event, kept) in decided.events.iter().zip(keeping) {
            evolve(&run.plan, &mut run.state, event).unwrap();
            let step = event.step_id.as_ref().map_or_else(String::new, |step| format!(" {step}"));
            all.insert(format!("{}{step}", event.name), kept);
        }
        for effect in decided.effects {
            if let dvt_core::event::Effect::Dispatch(dispatch) = effect {
                let step = dispatch.step_id.as_str().to_owned();
                let outcome = if fails.contains(&step.as_str()) {
                    Outcome::Failed(step_error())
                } else {
                    Outcome::Completed(json!(step))
                };
                let any = report("x", 1, 1, outcome);
                commands.push(Command::Report(Report { step_id: dispatch.step_id, ..any }));
            }
        }
        if commands.is_empty() && !run.state.status().unwrap().is_terminal() {
            commands.push(Command::Offer { slots: 64 });
        }
    }
    all
}

fn person(name: &str) -> Option<About> {
    Some(About::Person(name.to_owned()))
}

/// Several; the names that an event tells for the first time.
fn several(names: &[&str]) -> Option<About> {
    Some(About::Several(names.iter().map(|name| (*name).to_owned()).collect()))
}

#[test]
fn each_payload_is_kept_as_the_plan_says() {
    use DataClass::{Phi, Pii, Standard};
    let all = played(compiled(PLAN), json!({ "who": "ada", "people": ["dan", "eve"] }), &[]);
    let rows: Vec<(&str, DataClass, Option<About>)> = vec![
        ("RunQueued", Phi, several(&["ada", "dan", "eve"])),
        ("RunStarted", Phi, None),
        ("StepStarted a", Pii, person("ada")),
        ("StepCompleted a", Pii, person("ada")),
        ("StepStarted b", Phi, person("bob")),
        ("StepCompleted b", Phi, person("bob")),
        // A lower class of its own does not take away what flows in.
        ("StepStarted derived", Pii, person("ada")),
        ("StepCompleted derived", Pii, person("ada")),
        ("StepStarted both", Phi, several(&["ada", "bob"])),
        ("StepCompleted both", Phi, several(&[])),
        // It is given what it reads; what it gives is about nobody.
        ("StepStarted count", Pii, person("ada")),
        ("StepCompleted count", Standard, None),
        ("StepStarted speaks", Phi, several(&["bob", "cleo"])),
        ("StepCompleted speaks", Phi, person("cleo")),
        ("StepStarted each", Standard, several(&["dan", "eve"])),
        ("StepStarted each.0", Standard, person("dan")),
        ("StepCompleted each.0", Standard, person("dan")),
        ("StepCompleted each.1", Standard, person("eve")),
        ("StepCompleted each", Standard, several(&[])),
        ("StepStarted after", Standard, several(&[])),
        ("StepCompleted after", Standard, several(&[])),
        ("StepStarted plain", Standard, None),
        ("StepCompleted plain", Standard, None),
        ("RunCompleted", Phi, person("ada")),
    ];
    for (event, class, about) in &rows {
        let found = &all[*event];
        assert_eq!((found.class, &found.about), (*class, about), "{event}");
    }
    println!("{} events kept as the plan says", rows.len());
}

#[test]
fn how_a_step_fails_is_kept_like_what_it_was_given() {
    let all = played(compiled(PLAN), json!({ "who": "ada", "people": [] }), &["count"]);
    assert_eq!(all["StepFailed count"], Kept { class: DataClass::Pii, about: person("ada") });
    assert_eq!(all["RunFailed"].about, person("ada"), "it repeats the failure");
}

#[test]
fn a_subject_that_names_nobody_is_a_failure_of_its_step() {
    let text = PLAN.replace("subject: bob", "subject: '${{ inputs.who == \"ada\" ? true : \"nobody\" }}'");
    for (text, who) in [(PLAN.to_owned(), " "), (text, "ada"), (PLAN.to_owned(), "x".repeat(1_025).as_str())]
    {
        let all = played(compiled(&text), json!({ "who": who, "people": [] }), &[]);
        assert!(all.contains_key("StepFailed a") || all.contains_key("StepFailed b"), "{who:?}");
    }
    let all = played(compiled(PLAN), json!({ "who": "x".repeat(1_024), "people": [] }), &[]);
    assert!(all.contains_key("StepCompleted a"), "control");
    assert!(id("a").is_plain() && all.keys().all(|key| !key.starts_with(EventName::StepFailed.as_str())));
}
