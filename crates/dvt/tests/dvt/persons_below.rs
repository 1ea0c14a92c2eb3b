//! INVARIANT(INV-18): a person's data ends with the person on both sides of a sub-plan, whoever of the two knows whose it is. The
//! whole binary, from the documents to the erasure.

use crate::home::Home;
use serde_json::Value;

fn all(home: &Home) -> String {
    home.dvt(&["audit", "export", "--payloads"]).ends(0).out
}

fn erase(home: &Home, person: &str) {
    home.dvt(&["data", "erase", "--person", person, "--yes", "-m", "asked for"]).ends(0);
    home.dvt(&["audit", "verify", "--with-keys"]).ends(0);
}

fn run(home: &Home, plan: &str, more: &[&str]) -> Value {
    let words = [&["run", plan, "--allow-host", "--output", "json"], more].concat();
    home.dvt(&words).ends(0).json()
}

fn shown(home: &Home, run: &Value) -> Value {
    home.dvt(&["runs", "get", run["runId"].as_str().unwrap(), "--output", "json"]).ends(0).json()
}

/// The child knows whose data it makes; its parent only reads it.
#[test]
fn what_a_child_gave_is_erased_in_its_parent() {
    let home = Home::new();
    home.plan(
        "child",
        "apiVersion: dvt/v1
name: child
data: { class: pii }
inputs: { who: { type: string } }
steps:
  a: { uses: dvt/noop@1, subject: '${{ inputs.who }}', with: { output: 'address CANARY-OF-${{ inputs.who }}' } }
outputs: { x: '${{ steps.a.output }}' }
",
    );
    let parent = home.plan(
        "parent",
        "apiVersion: dvt/v1
name: parent
data: { class: pii }
inputs: { who: { type: string }, people: { type: array, maxItems: 4, items: { type: string } } }
steps:
  s: { plan: ./child.yaml, with: { who: '${{ inputs.who }}' } }
  use: { uses: dvt/noop@1, with: { output: 'seen ${{ steps.s.output.x }}' } }
  each: { foreach: inputs.people, plan: ./child.yaml, with: { who: '${{ item }}' } }
  count: { uses: dvt/noop@1, with: { output: 'COUNTED ${{ size(steps.each.output) }}' }, declassify: a number }
outputs: { y: '${{ steps.use.output }}', n: '${{ steps.count.output }}', all: '${{ steps.each.output }}' }
",
    );
    let of_ada = run(&home, &parent, &["-i", "who=ada-77", "-i", "people=[\"dan-78\",\"eve-79\"]"]);
    let of_bob = run(&home, &parent, &["-i", "who=bob-76", "-i", "people=[]"]);
    let before = all(&home);
    for (name, least) in [("ada-77", 6), ("bob-76", 6), ("dan-78", 4), ("eve-79", 4)] {
        let found = before.matches(&format!("CANARY-OF-{name}")).count();
        assert!(found >= least, "control: {name} {found}");
    }
    assert_eq!(shown(&home, &of_ada)["outputs"]["n"], "COUNTED 2", "control");

    erase(&home, "dan-78");
    let after = all(&home);
    assert_eq!(after.matches("CANARY-OF-dan-78").count(), 0, "in the list of all items neither");
    assert!(after.contains("CANARY-OF-eve-79"), "her own item stays");
    erase(&home, "ada-77");
    let after = all(&home);
    assert_eq!(after.matches("CANARY-OF-ada-77").count(), 0);
    let told = shown(&home, &of_ada);
    assert!(!told.to_string().contains("CANARY-OF-ada-77") && told["status"] == "COMPLETED", "{told}");
    assert_eq!(after.matches("CANARY-OF-bob-76").count(), before.matches("CANARY-OF-bob-76").count());
    assert!(shown(&home, &of_bob)["outputs"]["y"].as_str().unwrap().contains("CANARY-OF-bob-76"));
    assert!(after.contains("COUNTED 2"), "what was declassified stays");
}

/// The parent knows whose data it hands down; the child and its own child only have it as an input.
#[test]
fn what_a_child_was_given_is_erased_in_it() {
    let home = Home::new();
    home.plan(
        "below",
        "apiVersion: dvt/v1
name: below
data: { class: pii }
inputs: { d: { type: string } }
steps:
  a: { uses: dvt/noop@1, with: { output: 'below ${{ inputs.d }}' } }
  plain: { uses: dvt/noop@1, with: { output: PLAIN-BELOW } }
outputs: { x: '${{ inputs.d }} ${{ steps.a.output }}' }
",
    );
    home.plan(
        "child",
        "apiVersion: dvt/v1
name: child
data: { class: pii }
inputs: { d: { type: string } }
steps:
  a: { script: 'echo printed $D', env: { D: '${{ inputs.d }}' }, output: text }
  b: { plan: ./below.yaml, with: { d: '${{ inputs.d }}' } }
outputs: { x: '${{ steps.b.output.x }}' }
",
    );
    let parent = home.plan(
        "parent",
        "apiVersion: dvt/v1
name: parent
data: { class: pii }
inputs: { who: { type: string } }
steps:
  s: { uses: dvt/noop@1, subject: '${{ inputs.who }}', with: { output: 'address CANARY-OF-${{ inputs.who }}' } }
  c: { plan: ./child.yaml, with: { d: '${{ steps.s.output }}' } }
outputs: { y: '${{ steps.c.output.x }}' }
",
    );
    run(&home, &parent, &["-i", "who=ada-79"]);
    run(&home, &parent, &["-i", "who=bob-76"]);
    let before = all(&home);
    let count = |text: &str, name: &str| text.matches(&format!("CANARY-OF-{name}")).count();
    assert!(count(&before, "ada-79") >= 12 && count(&before, "bob-76") >= 12, "control");
    erase(&home, "ada-79");
    let after = all(&home);
    assert_eq!((count(&after, "ada-79"), count(&after, "bob-76")), (0, count(&before, "bob-76")));
    assert_eq!(after.matches("PLAIN-BELOW").count(), before.matches("PLAIN-BELOW").count());
}

/// What another run takes over ends with the person too, though no step of it names her.
#[test]
fn what_a_run_takes_over_is_erased_in_it() {
    let home = Home::new();
    home.plan(
        "child",
        "apiVersion: dvt/v1
name: child
data: { class: pii }
steps:
  a: { uses: dvt/noop@1, subject: ada-80, with: { output: 'address CANARY-OF-ada-80' } }
outputs: { x: '${{ steps.a.output }}' }
",
    );
    let parent = home.plan(
        "parent",
        "apiVersion: dvt/v1
name: parent
data: { class: pii }
steps:
  s: { plan: ./child.yaml }
  use: { uses: dvt/noop@1, with: { output: 'seen ${{ steps.s.output.x }}' } }
  bad: { needs: use, run: ['false'] }
",
    );
    let first = home.dvt(&["run", &parent, "--allow-host", "--output", "json"]).ends(1).json();
    let again = ["runs", "retry", first["runId"].as_str().unwrap(), "--allow-host", "-m", "once more"];
    let told = home.dvt(&again);
    let before = all(&home);
    assert!(before.contains("StepReused"), "control: {told:#?}");
    let once = before.matches("CANARY-OF-ada-80").count();
    assert!(once >= 6, "control: {once}");
    erase(&home, "ada-80");
    assert_eq!(all(&home).matches("CANARY-OF-ada-80").count(), 0);
}
