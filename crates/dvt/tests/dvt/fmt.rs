//! `dvt fmt` and `dvt plan schema` at the command line: what is written, what is only said, what is left alone.

use crate::home::{Home, Told};
use std::io::Write as _;
use std::process::Stdio;

const UNEVEN: &str = "apiVersion:   dvt/v1\nname: uneven\nsteps:\n    # greets\n    hello:\n        run: [echo,hello]   # twice\n\n\n";
const EVEN: &str =
    "apiVersion: dvt/v1\nname: uneven\nsteps:\n  # greets\n  hello:\n    run: [echo, hello]   # twice\n";

#[test]
fn a_plan_is_laid_out_once_and_keeps_its_digest() {
    let home = Home::new();
    let plan = home.plan("uneven", UNEVEN);
    let file = home.path("uneven.yaml");
    let told = home.dvt(&["fmt", "--check", &plan]).ends(2);
    assert!(told.out.contains("would change"), "{}", told.out);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), UNEVEN, "a check writes nothing");
    let before = home.dvt(&["lint", &plan]).ends(0).out;
    assert!(home.dvt(&["fmt", &plan]).ends(0).out.contains("laid out"));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), EVEN);
    assert_eq!(home.dvt(&["lint", &plan]).ends(0).out, before);
    let again = home.dvt(&["fmt", "--check", &plan, "--output", "json"]).ends(0).json();
    assert_eq!(again["files"][0]["changed"], false);
}

#[test]
fn what_cannot_be_read_is_shown_and_not_touched() {
    let home = Home::new();
    let plan = home.plan("broken", "name:   a\nname: b\n");
    let told = home.dvt(&["fmt", &plan]).ends(2);
    assert!(
        told.err.contains("error[DVT-P002]") && told.out.contains("not touched"),
        "{}{}",
        told.err,
        told.out
    );
    assert_eq!(std::fs::read_to_string(home.path("broken.yaml")).unwrap(), "name:   a\nname: b\n");
}

#[test]
fn the_plan_of_init_is_laid_out_and_the_schema_is_printed() {
    let home = Home::new();
    let file = home.path("first.yaml").display().to_string();
    home.dvt(&["init", &file]).ends(0);
    home.dvt(&["fmt", "--check", &file]).ends(0);
    let schema = home.dvt(&["plan", "schema"]).ends(0).json();
    assert_eq!(schema["$id"], "dvt-plan.v1.schema.json");
    let of_tests = home.dvt(&["plan", "schema", "--tests"]).ends(0).json();
    assert_eq!(of_tests["$id"], "dvt-plan-test.v1.schema.json");
}

fn with_input(home: &Home, arguments: &[&str], input: &str) -> Told {
    let mut child = home.command(arguments).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    Told::of(child.wait_with_output().unwrap())
}

#[test]
fn an_editor_hands_a_plan_in_and_takes_it_back() {
    let home = Home::new();
    let told = with_input(&home, &["fmt", "-"], UNEVEN).ends(0);
    assert_eq!((told.out.as_str(), told.err.as_str()), (EVEN, ""));
    assert_eq!(with_input(&home, &["fmt", "-"], EVEN).ends(0).out, EVEN);
    assert!(with_input(&home, &["fmt", "-", "--check"], UNEVEN).ends(2).out.contains("would change"));
    assert_eq!(with_input(&home, &["fmt", "-", "--check"], EVEN).ends(0).out, "");
    let json = with_input(&home, &["fmt", "-", "--output", "json"], UNEVEN).ends(0).json();
    assert_eq!(json["files"][0]["text"], EVEN);
    // Nothing comes out of a faulty one but what is wrong with it.
    let told = with_input(&home, &["fmt", "-"], "name:   a\nname: b\n").ends(2);
    assert!(told.out.is_empty() && told.err.contains("error[DVT-P002]"), "{told:?}");
    assert!(told.err.contains("standard input:2:1"), "{}", told.err);
    let json = with_input(&home, &["fmt", "-", "--output", "json"], "a: [").ends(2).json();
    assert_eq!(json["files"][0]["diagnostics"][0]["code"], "DVT-P001");
    assert!(with_input(&home, &["fmt", "-", "b.yaml"], "").ends(2).err.contains("stands alone"));
}
