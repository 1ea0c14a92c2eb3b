//! INVARIANT(INV-18): persons cross into a sub-plan's run and back, as they flow between steps.

use crate::drive::{Run, report, step_error};
use dvt_core::command::{ChildEnded, ChildOutcome, Command, Outcome, Report, Reused, Start};
use dvt_core::event::{Effect, StartChild};
use dvt_core::{About, Kept, State, evolve, kept};
use dvt_model::id::{EventId, RunId};
use dvt_model::run::EventName;
use dvt_plan::diagnostic::Source;
use dvt_plan::plan::Plan;
use dvt_plan::sub_plan::{Found, SubPlans, Wanted};
use dvt_plan::{Checked, Surroundings};
use serde_json::{Value, json};
use std::collections::BTreeMap;

struct One;

impl SubPlans for One {
    fn find(&self, _: &Wanted<'_>) -> Result<Found, String> {
        let text = "apiVersion: dvt/v1
name: child
data: { class: pii }
inputs: { d: { default: 1 } }
steps:
  a: { uses: dvt/noop@1 }
outputs: { x: '${{ steps.a.output }}' }
";
        Ok(Found::Written(Source { name: "child.yaml".to_owned(), text: text.to_owned() }))
    }

    fn pack(&self, _: &Source, _: &Checked) -> Result<Option<dvt_model::digest::Digest>, String> {
        Ok(None)
    }
}

fn compiled(text: &str) -> Plan {
    let source = Source { name: "plan.yaml".to_owned(), text: text.to_owned() };
    let outcome = dvt_plan::check_with(&source, &Surroundings { sub_plans: &One, ..Surroundings::default() });
    outcome.checked.unwrap_or_else(|| panic!("{:?}", outcome.diagnostics)).plan
}

/// What a run was: how each event was kept, whom each child was told of, what the run knows, and its last payload.
struct Played {
    kept: BTreeMap<String, Kept>,
    children: BTreeMap<String, StartChild>,
    run: Run,
}

impl Played {
    fn about(&self, event: &str) -> Option<About> {
        self.kept.get(event).unwrap_or_else(|| panic!("{event}: {:?}", self.kept.keys())).about.clone()
    }

    fn last(&self) -> &Value {
        &self.run.events.last().unwrap().payload
    }
}

/// Plays to the end. Each child ends about whom `ends` says; one that ends about `fails` fails.
fn played(text: &str, start: Start, ends: &dyn Fn(&str) -> Option<About>, reused: Vec<Reused>) -> Played {
    let mut run = Run {
        events: Vec::new(),
        ..Run::queued(compiled("apiVersion: dvt/v1\nname: x\nsteps: { x: { run: [x] } }\n"))
    };
    (run.plan, run.state) = (compiled(text), State::default());
    let mut played = Played { kept: BTreeMap::new(), children: BTreeMap::new(), run };
    // Admission fills in what inputs leave out.
    let mut start = start;
    start.inputs.entry("d".to_owned()).or_insert_with(|| json!(1));
    let mut commands = vec![Command::Reuse(reused), Command::Start(start)];
    if commands.first().is_some_and(|first| matches!(first, Command::Reuse(all) if all.is_empty())) {
        commands.remove(0);
    }
    while let Some(command) = commands.pop() {
        let run = &mut played.run;
        let decided = run.ask(command).unwrap();
        let keeping = kept(&run.plan, &run.state, &decided.events);
        for (event, kept) in decided.events.iter().zip(keeping) {
            evolve(&run.plan, &mut run.state, event).unwrap();
            let step = event.step_id.as_ref().map_or_else(String::new, |step| format!(" {step}"));
            played.kept.insert(format!("{}{step}", event.name), kept);
        }
        run.events.extend(decided.events);
        for effect in decided.effects {
            match effect {
                Effect::StartChild(child) => {
                    let name = child.step_id.to_string();
                    let about = ends(&name);
                    let outcome = if name.starts_with("fails") {
                        ChildOutcome::Failed(step_error())
                    } else {
                        ChildOutcome::Completed(BTreeMap::from([("x".to_owned(), json!(name))]))
                    };
                    let (step_id, child_run_id) = (child.step_id.clone(), child.child_run_id);
                    commands.push(Command::ChildEnded(ChildEnded { step_id, child_run_id, outcome, about }));
                    played.children.insert(name, child);
                }
                Effect::Dispatch(dispatch) => {
                    let outcome = Outcome::Completed(json!(dispatch.step_id.as_str()));
                    let any = report("x", 1, 1, outcome);
                    commands.push(Command::Report(Report { step_id: dispatch.step_id, ..any }));
                }
                Effect::Stop { .. } | Effect::CancelChild { .. } | Effect::StopChild { .. } => {}
            }
        }
        if commands.is_empty() && !played.run.state.status().unwrap().is_terminal() {
            commands.push(Command::Offer { slots: 64 });
        }
    }
    played
}

fn person(name: &str) -> Option<About> {
    Some(About::Person(name.to_owned()))
}

fn several(names: &[&str]) -> Option<About> {
    Some(About::Several(names.iter().map(|name| (*name).to_owned()).collect()))
}

const PARENT: &str = "apiVersion: dvt/v1
name: parent
data: { class: pii }
inputs: { d: { default: 1 } }
steps:
  bob: { run: [b], subject: bob }
  up: { plan: ./child.yaml }
  reads: { run: [r], with: '${{ steps.up.output.x }}' }
  counted: { plan: ./child.yaml, declassify: a number }
  counts: { run: [c], with: '${{ steps.counted.output.x }}' }
  cleo: { plan: ./child.yaml, subject: cleo }
  down: { plan: ./child.yaml, with: { d: '${{ steps.bob.output }}' } }
  both: { plan: ./child.yaml, with: { d: ['${{ steps.bob.output }}', '${{ steps.up.output }}'] } }
  nobody: { plan: ./child.yaml, with: { d: '${{ inputs.d }}' } }
  each: { foreach: [x, y], plan: ./child.yaml, needs: up }
  after: { run: [f], with: '${{ steps.each.output }}' }
  plain: { run: [p], with: '${{ inputs.d }}' }
outputs: { y: '${{ steps.reads.output }}' }
";

fn ends(step: &str) -> Option<About> {
    match step {
        "up" | "counted" | "cleo" => person("ada"),
        "down" => person("bob"),
        "each.0" => person("dan"),
        "each.1" => several(&["eve", "fay"]),
        _ => None,
    }
}

#[test]
fn what_comes_back_is_about_whom_the_child_says() {
    let all = played(PARENT, crate::drive::start(), &ends, Vec::new());
    let rows = [
        ("StepStarted up", None),
        ("StepCompleted up", person("ada")),
        ("StepStarted reads", person("ada")),
        ("StepCompleted reads", person("ada")),
        ("RunCompleted", person("ada")),
        // Who declassifies, or names a subject, speaks for the output here as elsewhere.
        ("StepCompleted counted", None),
        ("StepStarted counts", None),
        ("StepCompleted cleo", person("cleo")),
        ("StepStarted down", person("bob")),
        ("StepCompleted down", person("bob")),
        ("StepStarted both", several(&["ada", "bob"])),
        ("StepCompleted nobody", None),
        ("StepCompleted each.0", person("dan")),
        ("StepCompleted each.1", several(&["eve", "fay"])),
        ("StepCompleted each", several(&["dan"])),
        ("StepStarted after", several(&[])),
        ("StepCompleted plain", None),
    ];
    for (event, about) in &rows {
        assert_eq!(all.about(event), *about, "{event}");
    }
    let known: Vec<&str> = all.run.state.known().iter().map(String::as_str).collect();
    assert_eq!(known, ["ada", "bob", "cleo", "dan", "eve", "fay"]);
    assert!(all.last().get("about").is_none(), "it has no parent to tell");
}

#[test]
fn a_child_is_told_whom_its_inputs_are_about() {
    let all = played(PARENT, crate::drive::start(), &ends, Vec::new());
    assert_eq!(all.children["up"].about, None);
    assert_eq!(all.children["down"].about, person("bob"));
    assert_eq!(all.children["nobody"].about, None);
    // Of several, everybody whom the parent has met: its state keeps no other names.
    let Some(About::Several(names)) = &all.children["both"].about else { panic!("{:?}", all.children) };
    assert!(["ada", "bob"].iter().all(|name| names.iter().any(|known| known == name)), "{names:?}");

    let child = |about: Option<About>| Start {
        about,
        parent_run_id: Some(RunId::from_random([7; 16])),
        inputs: BTreeMap::from([("d".to_owned(), json!("of bob"))]),
        ..crate::drive::start()
    };
    let text = PARENT.replace("outputs: {", "outputs: { d: '${{ inputs.d }}',");
    let all = played(&text, child(person("zoe")), &|_| None, Vec::new());
    for (event, about) in [
        ("RunQueued", person("zoe")),
        ("StepStarted plain", person("zoe")),
        ("StepCompleted plain", person("zoe")),
        ("StepStarted nobody", person("zoe")),
        ("StepStarted up", None),
        ("RunCompleted", person("zoe")),
    ] {
        assert_eq!(all.about(event), about, "{event}");
    }
    assert_eq!(all.children["nobody"].about, person("zoe"), "and so on, however deep");
    assert_eq!(all.last()["about"], json!({ "person": "zoe" }), "and the parent is told");
    let all = played(&text, child(several(&["yan", "zoe"])), &|_| None, Vec::new());
    assert_eq!(all.about("RunQueued"), several(&["yan", "zoe"]));
    assert_eq!(all.about("StepStarted plain"), several(&[]));
    let told = &all.last()["about"]["several"];
    assert!(["yan", "zoe"].iter().all(|name| told.as_array().unwrap().contains(&json!(name))), "{told}");
}

#[test]
fn how_a_child_fails_is_about_whom_it_says() {
    let text =
        "apiVersion: dvt/v1\nname: parent\ndata: { class: pii }\nsteps:\n  fails: { plan: ./child.yaml }\n";
    for text in [text.to_owned(), text.replace("{ plan", "{ foreach: [1], plan")] {
        let all = played(&text, crate::drive::start(), &|_| person("ada"), Vec::new());
        assert_eq!(all.about("StepFailed fails"), person("ada"));
        assert_eq!(all.about("RunFailed"), person("ada"), "it repeats the failure");
        let parent_run_id = Some(RunId::from_random([7; 16]));
        let below = Start { parent_run_id, ..crate::drive::start() };
        let all = played(&text, below, &|_| person("ada"), Vec::new());
        assert_eq!(all.last()["about"], json!({ "person": "ada" }), "its parent is told");
    }
}

/// What a run takes over may be about anybody whom the original knew, and so may what reads it.
#[test]
fn what_is_taken_over_is_about_whom_the_other_run_knew() {
    let plan = compiled(PARENT);
    let up = crate::drive::id("up");
    let start = Start {
        original_run_id: Some(RunId::from_random([8; 16])),
        reuse: [up.clone()].into(),
        known: ["ada".to_owned()].into(),
        ..crate::drive::start()
    };
    let reused = Reused {
        definition_digest: plan.steps[&up].definition,
        original_event_id: EventId::from_random([4; 16]),
        result: json!({ "x": "of ada" }),
        step_id: up,
    };
    let all = played(PARENT, start, &|_| None, vec![reused]);
    assert_eq!(all.about("RunQueued"), several(&["ada"]), "so that her erasure finds it");
    assert_eq!(all.about("StepReused up"), several(&[]));
    assert_eq!(all.about("StepStarted reads"), several(&[]));
    assert_eq!(all.about("StepCompleted plain"), None);
    assert!(all.run.events.iter().any(|event| event.name == EventName::StepReused));
}
