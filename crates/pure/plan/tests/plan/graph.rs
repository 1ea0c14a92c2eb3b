//! What is computed for whoever runs plans: parts, layers, readers, needs that expressions imply, and definitions.

use crate::{catalogue, lint};
use dvt_model::id::StepId;
use dvt_plan::Checked;
use dvt_plan::plan::{Part, Plan};

fn every_form() -> Checked {
    let (_, text) = catalogue("accepted", &["yaml"])
        .into_iter()
        .find(|(path, _)| path.ends_with("every-form.yaml"))
        .unwrap();
    lint("plan.yaml", &text).checked.unwrap()
}

fn ids<'i>(ids: impl IntoIterator<Item = &'i StepId>) -> Vec<&'i str> {
    ids.into_iter().map(StepId::as_str).collect()
}

fn id(text: &str) -> StepId {
    StepId::parse(text).unwrap()
}

#[test]
fn parts_and_layers() {
    let plan = every_form().plan;
    assert_eq!(ids(&plan.finally), ["last", "notify"]);
    assert_eq!(ids(&plan.compensated), ["each"]);
    assert_eq!(plan.ordinary().count(), plan.steps.len() - 2);
    let last = &plan.steps[&id("last")];
    assert_eq!((last.part, ids(&last.needs)), (Part::Finally, vec!["notify"]));
    assert_eq!((plan.layer(&id("notify")), plan.layer(&id("last"))), (0, 1));
    // `finally` reads an ordinary step without waiting for it.
    let notify = &plan.steps[&id("notify")];
    assert!(notify.needs.is_empty());
    assert_eq!(ids(&notify.reads), ["child"]);
    let undo = plan.steps[&id("each")].compensate.as_ref().unwrap();
    assert_eq!((undo.part, undo.id.as_str(), undo.timeout_ms), (Part::Compensation, "each", Some(30_000)));
    assert_eq!((undo.retry.max, plan.steps[&id("each")].retry.max), (1, 2));
}

#[test]
fn readers_say_what_may_be_forgotten() {
    let plan = every_form().plan;
    let readers = |step: &str| &plan.readers[&id(step)];
    assert_eq!(ids(&readers("list").steps), ["each"]);
    assert_eq!(ids(&readers("each").compensations), ["each"]);
    assert_eq!(ids(&readers("each").steps), ["approve"], "an approval shows what it needs");
    assert_eq!(ids(&readers("child").finally), ["notify"]);
    assert!(readers("count").outputs && readers("count").steps.is_empty());
    assert!(!plan.readers.contains_key(&id("morning")), "nobody reads it");
}

#[test]
fn defaults_are_for_steps_that_work() {
    let plan = every_form().plan;
    let of = |step: &str| {
        let step = &plan.steps[&id(step)];
        (step.timeout_ms, step.retry.max)
    };
    assert_eq!(of("list"), (Some(600_000), 2));
    assert_eq!(of("approve"), (Some(7 * 86_400_000), 0));
    assert_eq!(of("delivered"), (Some(3_600_000), 0));
    assert_eq!(of("night"), (None, 0));
    assert_eq!(of("child"), (Some(7_200_000), 0));
}

#[test]
fn items_are_counted_from_what_is_declared() {
    let plan = every_form().plan;
    let most = |step: &str| {
        let foreach = plan.steps[&id(step)].foreach.as_ref().unwrap();
        (foreach.most, foreach.is_bounded)
    };
    assert_eq!(most("each"), (20, true));
    assert_eq!(most("product"), (32, true));
    assert_eq!(most("written"), (2, true));
    assert_eq!(most("child"), (16, true));
}

#[test]
fn a_definition_changes_with_what_a_step_does() {
    let text = "apiVersion: dvt/v1\nname: a\nvars: { v: 1 }\nsteps:\n  x: { run: [echo], title: a }\n  y: { run: [echo], needs: x, compensate: { run: [undo] } }\n";
    let plan = |text: &str| -> Plan { lint("plan.yaml", text).checked.unwrap().plan };
    let changed = |new: &str| {
        let (old, new) = (plan(text), plan(new));
        ["x", "y"].map(|step| old.steps[&id(step)].definition != new.steps[&id(step)].definition)
    };
    assert_eq!(changed(&text.replace("title: a", "title: b")), [false, false]);
    assert_eq!(changed(&text.replace("[echo], title", "[echo, b], title")), [true, false]);
    assert_eq!(changed(&text.replace("[undo]", "[redo]")), [false, true]);
    assert_eq!(changed(&text.replace("v: 1", "v: 2")), [true, true]);
    assert_eq!(changed(&format!("{text}defaults: {{ retry: 1 }}\n")), [true, true]);
    let checked = lint("plan.yaml", text).checked.unwrap();
    let before = checked.plan.steps[&id("x")].definition;
    let packed = checked.with_files(dvt_model::digest::Digest::of(b"files"));
    assert_ne!(before, packed.plan.steps[&id("x")].definition);
    assert_eq!(
        packed.plan.steps[&id("x")].definition,
        dvt_plan::load(packed.canonical.value()).unwrap().steps[&id("x")].definition
    );
}
