//! `dvt fmt` and `dvt plan schema` at the command line: what is written, what is only said, what is left alone.

use crate::home::Home;

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
}
