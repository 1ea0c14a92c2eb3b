//! Sub-plans: found, checked with their parent, pinned, and never inside themselves.

use crate::{Children, lint, surroundings};
use dvt_model::digest::Digest;
use dvt_model::id::StepId;
use dvt_plan::diagnostic::Source;
use dvt_plan::plan::Form;
use dvt_plan::sub_plan::{Found, SubPlans, Wanted};
use dvt_plan::{Checked, Reach, Surroundings};
use std::cell::Cell;
use std::collections::BTreeMap;

const PARENT: &str = "apiVersion: dvt/v1
name: parent
steps:
  child: { plan: ./load.yaml, with: { region: eu } }
  label: { run: [echo], with: '${{ steps.child.output.label }}', foreach: [1, 2], env: { N: '${{ item + 1 }}' } }
";

#[test]
fn the_child_is_compiled_and_pinned() {
    let checked = lint("plan.yaml", PARENT).checked.unwrap();
    let Form::Plan(sub_plan) = &checked.plan.steps[&StepId::parse("child").unwrap()].form else { panic!() };
    let child = sub_plan.child.as_ref().unwrap();
    assert_eq!((child.name.as_str(), child.steps.len()), ("load", 1));
    let digest = sub_plan.digest.unwrap();
    assert_eq!(checked.canonical.value()["steps"]["child"]["planDigest"], digest.to_string());
    assert_eq!(dvt_plan::digest_of(&checked.sub_plans[&digest]), digest);
    // One try of the child's step and its retry, the step itself, and the two items with their base.
    assert_eq!(checked.bounds.attempts, 1 + 2 + 3);
}

#[test]
fn another_child_than_the_pinned_one_is_refused() {
    let checked = lint("plan.yaml", PARENT).checked.unwrap();
    let load = |children: &Children| {
        dvt_plan::load_with(checked.canonical.value(), &surroundings(PARENT, children))
            .map_err(|told| told[0].message.clone())
    };
    assert!(load(&Children { stored: checked.sub_plans.clone() }).is_ok(), "control");
    let mut forged = checked.sub_plans.clone();
    forged.values_mut().for_each(|document| document["vars"] = serde_json::json!({ "a": 1 }));
    let told = load(&Children { stored: forged }).unwrap_err();
    assert!(told.contains("is another one than the document pins"), "{told}");
    // Whoever shows a stored plan needs no child.
    let shown = dvt_plan::load(checked.canonical.value()).unwrap();
    let Form::Plan(sub_plan) = &shown.steps[&StepId::parse("child").unwrap()].form else { panic!() };
    assert!(sub_plan.child.is_none() && sub_plan.digest.is_some());
}

/// Two steps of one document that name the same plan: the pin of each is asked, not only that of the first.
#[test]
fn each_pin_is_asked() {
    let text = "apiVersion: dvt/v1\nname: parent\nsteps:\n  a: { plan: ./load.yaml, with: { region: eu } }\n  b: { plan: ./load.yaml, with: { region: us } }\n";
    let checked = lint("plan.yaml", text).checked.unwrap();
    let children = Children { stored: checked.sub_plans.clone() };
    let load = |document: &serde_json::Value| dvt_plan::load_with(document, &surroundings(text, &children));
    assert!(load(checked.canonical.value()).is_ok(), "control");
    let mut forged = checked.canonical.clone().into_value();
    forged["steps"]["b"]["planDigest"] = Digest::of(b"another plan").to_string().into();
    assert!(load(&forged).is_err(), "the second pin names another plan");
}

/// Answers every path with a plan that names the next one, and counts.
struct Tower {
    levels: usize,
    asked: Cell<usize>,
}

impl SubPlans for Tower {
    fn find(&self, wanted: &Wanted<'_>) -> Result<Found, String> {
        self.asked.set(self.asked.get() + 1);
        let name = wanted.reference.to_string();
        let level: usize = name.trim_start_matches("./l").trim_end_matches(".yaml").parse().unwrap();
        Ok(Found::Written(Source { name, text: self.level(level) }))
    }

    fn pack(&self, _: &Source, _: &Checked) -> Result<Option<Digest>, String> {
        Ok(None)
    }
}

impl Tower {
    fn level(&self, level: usize) -> String {
        let next = level + 1;
        let steps = if level < self.levels {
            format!(
                "a: {{ plan: ./l{next}.yaml }}, b: {{ plan: ./l{next}.yaml }}, c: {{ plan: ./l{next}.yaml, needs: a }}"
            )
        } else {
            "a: { run: [x] }".to_owned()
        };
        format!("apiVersion: dvt/v1\nname: l{level}\nsteps: {{ {steps} }}\n")
    }

    fn check(&self) -> dvt_plan::Outcome {
        let source = Source { name: "./l0.yaml".to_owned(), text: self.level(0) };
        dvt_plan::check_with(&source, &Surroundings { sub_plans: self, reach: Reach::Runs })
    }
}

#[test]
fn eight_levels_and_no_more_each_read_once() {
    let tower = Tower { levels: 8, asked: Cell::default() };
    let checked = tower.check().checked.unwrap();
    assert_eq!((tower.asked.get(), checked.sub_plans.len()), (8, 8));
    // Three times as many at each level, and each sub-plan's step itself.
    let mut attempts = 1;
    (0..8).for_each(|_| attempts = 3 * (attempts + 1));
    assert_eq!(checked.bounds.attempts, attempts);
    let deeper = Tower { levels: 9, asked: Cell::default() };
    let told = deeper.check().diagnostics;
    assert!(told[0].message.contains("lies more than 8 levels deep"), "{told:?}");
}

/// `./y.yaml` is one level more above the same tower.
struct Detour(Tower);

impl SubPlans for Detour {
    fn find(&self, wanted: &Wanted<'_>) -> Result<Found, String> {
        if wanted.reference.to_string() != "./y.yaml" {
            return self.0.find(wanted);
        }
        let text = "apiVersion: dvt/v1\nname: y\nsteps: { a: { plan: ./l1.yaml } }\n".to_owned();
        Ok(Found::Written(Source { name: "./y.yaml".to_owned(), text }))
    }

    fn pack(&self, _: &Source, _: &Checked) -> Result<Option<Digest>, String> {
        Ok(None)
    }
}

/// What was read once where it was not too deep is still too deep elsewhere.
#[test]
fn levels_count_from_where_a_plan_is_named() {
    let check = |levels: usize| {
        let detour = Detour(Tower { levels, asked: Cell::default() });
        let text =
            "apiVersion: dvt/v1\nname: top\nsteps: { a: { plan: ./l1.yaml }, b: { plan: ./y.yaml } }\n"
                .to_owned();
        let source = Source { name: "./top.yaml".to_owned(), text };
        dvt_plan::check_with(&source, &Surroundings { sub_plans: &detour, reach: Reach::Runs })
    };
    assert!(check(7).checked.is_some(), "control: eight levels by the longer way");
    let told = check(8).diagnostics;
    assert!(told.iter().any(|one| one.message.contains("lies more than 8 levels deep")), "{told:?}");
}

/// Documents by path.
struct Folder(BTreeMap<&'static str, String>);

impl SubPlans for Folder {
    fn find(&self, wanted: &Wanted<'_>) -> Result<Found, String> {
        let name = wanted.reference.to_string();
        let text = self.0.get(name.as_str()).ok_or("there is no such file")?.clone();
        Ok(Found::Written(Source { name, text }))
    }

    fn pack(&self, _: &Source, _: &Checked) -> Result<Option<Digest>, String> {
        Ok(None)
    }
}

fn named(name: &str, steps: &str) -> String {
    format!("apiVersion: dvt/v1\nname: {name}\nsteps: {{ {steps} }}\n")
}

/// `f` has the name of a plan that stands two levels below it, by way of `d`, which is right by itself.
fn folder() -> Folder {
    Folder(BTreeMap::from([
        ("./e.yaml", named("e", "a: { run: [x] }")),
        ("./d.yaml", named("d", "a: { plan: ./e.yaml }")),
        ("./f.yaml", named("e", "a: { plan: ./d.yaml }")),
    ]))
}

/// Whether a plan is inside itself is no matter of which of its steps is read first, nor of the form in which it is read.
#[test]
fn the_order_of_the_text_decides_nothing() {
    let folder = folder();
    let check = |steps: &str| {
        let source = Source { name: "./top.yaml".to_owned(), text: named("top", steps) };
        dvt_plan::check_with(&source, &Surroundings { sub_plans: &folder, reach: Reach::Runs })
    };
    let round =
        "the sub-plan `./f.yaml` is refused: the sub-plan `./d.yaml` would run inside itself: e → d → e";
    for steps in [
        "two: { plan: ./f.yaml }",
        "one: { plan: ./d.yaml }, two: { plan: ./f.yaml }",
        "two: { plan: ./f.yaml }, one: { plan: ./d.yaml }",
        "z: { plan: ./d.yaml }, a: { plan: ./f.yaml }",
        "a: { plan: ./d.yaml }, b: { plan: ./e.yaml }, c: { plan: ./f.yaml }",
        "a: { run: [x], compensate: { plan: ./d.yaml } }, c: { plan: ./f.yaml }",
    ] {
        let outcome = check(steps);
        assert!(outcome.checked.is_none(), "{steps}");
        let told: Vec<&str> = outcome.diagnostics.iter().map(|one| one.message.as_str()).collect();
        assert!(told.len() == 1 && told[0].starts_with(round), "{steps}: {told:?}");
    }
    let right = check("one: { plan: ./d.yaml }, two: { plan: ./e.yaml }").checked.unwrap();
    // What was accepted as text is accepted as it is stored, whose steps stand in another order.
    let children = Children { stored: right.sub_plans.clone() };
    assert!(dvt_plan::load_with(right.canonical.value(), &surroundings("", &children)).is_ok());
    // The plan itself counts as one of those above.
    let source = Source { name: "./top.yaml".to_owned(), text: named("e", "a: { plan: ./d.yaml }") };
    let outcome = dvt_plan::check_with(&source, &Surroundings { sub_plans: &folder, reach: Reach::Runs });
    assert!(outcome.diagnostics[0].message.contains("e → d → e"), "{:?}", outcome.diagnostics);
}
