//! `dvt lint`: the picture with the caret, and the same as data.

use crate::home::{Home, QUICK};

const WRONG: &str = "apiVersion: dvt/v1\nname: etl\ninputs:\n  regions: { type: string, default: eu }\nsteps:\n  show:\n    run: [env]\n    env: { R: '${{ inputs.regoins }}' }\n";

#[test]
fn the_place_the_caret_and_the_nearest_spelling() {
    let home = Home::new();
    let plan = home.plan("etl", WRONG);
    let told = home.dvt(&["lint", &plan]).ends(2);
    let picture: Vec<&str> = told.err.lines().collect();
    assert!(picture[0].starts_with("error[DVT-P") && picture[0].contains("`inputs.regoins`"), "{}", told.err);
    assert!(picture[1].starts_with("  ┌─ etl.yaml:8:"), "{}", told.err);
    assert_eq!(picture[2], "8 │     env: { R: '${{ inputs.regoins }}' }");
    let caret = picture[3].find('^').unwrap();
    assert_eq!(
        picture[3].get(..caret).unwrap().chars().count(),
        picture[2].chars().take_while(|c| *c != '$').count() + 4,
        "{}",
        told.err
    );
    assert!(told.err.contains("inputs.regions"), "{}", told.err);
    assert!(
        picture.iter().any(|line| line.contains("more:") && line.contains("dvt explain DVT-P")),
        "{}",
        told.err
    );
    assert!(told.out.contains("1 error"), "{}", told.out);
}

#[test]
fn the_same_as_data() {
    let home = Home::new();
    let (wrong, right) = (home.plan("etl", WRONG), home.plan("quick", QUICK));
    let report = home.dvt(&["lint", &wrong, &right, "--output", "json"]).ends(2).json();
    assert_eq!(report["files"][0]["ok"], false);
    assert_eq!(report["files"][0]["diagnostics"][0]["span"]["line"], 8);
    assert_eq!(report["files"][1]["ok"], true);
    assert_eq!(report["files"][1]["bounds"]["steps"], 2);
}

#[test]
fn examples_have_no_errors_and_no_warnings() {
    let home = Home::new();
    let plan = crate::home::repository().join("examples/orders-etl/plan.yaml");
    let told = home.dvt(&["lint", &plan.display().to_string()]).ends(0);
    assert_eq!(told.err, "");
}

#[test]
fn sub_plans_lie_beside_their_parent_and_nowhere_else() {
    let home = Home::new();
    let child = "apiVersion: dvt/v1\nname: child\ninputs: { n: { type: integer } }\nsteps:\n  one: { uses: dvt/noop@1, retry: 1 }\n";
    home.plan("child", child);
    let parent = |steps: &str| format!("apiVersion: dvt/v1\nname: parent\nsteps:\n  sub: {steps}\n");
    let good = home.plan("good", &parent("{ plan: ./child.yaml, with: { n: 1 } }"));
    let report = home.dvt(&["lint", &good, "--output", "json"]).ends(0).json();
    assert_eq!(report["files"][0]["bounds"]["attempts"], 3, "{report}");
    let wrong = home.plan("wrong", &parent("{ plan: ./child.yaml, with: { m: 1 } }"));
    let told = home.dvt(&["lint", &wrong]).ends(2);
    assert!(told.err.contains("DVT-P031") && told.err.contains("`child` has no input `m`"), "{}", told.err);
    // A link that leads out of the folder is followed, and refused.
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("child.yaml"), child).unwrap();
    std::os::unix::fs::symlink(outside.path().join("child.yaml"), home.path("away.yaml")).unwrap();
    let away = home.plan("leads-out", &parent("{ plan: ./away.yaml, with: { n: 1 } }"));
    let told = home.dvt(&["lint", &away]).ends(2);
    assert!(told.err.contains("it leads out of the plan's folder"), "{}", told.err);
}

#[test]
fn what_the_engine_does_not_carry_out_is_said_before_anything_starts() {
    let home = Home::new();
    let gate = home.plan(
        "gate",
        "apiVersion: dvt/v1\nname: gate\npermissions: { plugins: ['acme/etl@1.2'] }\nsteps:\n  ask: { uses: acme/etl@1.2 }\n",
    );
    // Whatever the language has and this release has not, the check already says: no word is left for the engine alone.
    for command in [&["lint", &gate][..], &["run", &gate, "--dry-run"], &["run", &gate]] {
        let told = home.dvt(command).ends(2);
        assert!(told.err.contains("DVT-P025") && told.err.contains("DVT-P028"), "{command:?}: {}", told.err);
    }
    assert!(home.dvt(&["run", &gate]).ends(2).err.contains("nothing was started"));
    assert!(!home.path("home").exists());
}
