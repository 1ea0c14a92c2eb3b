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
