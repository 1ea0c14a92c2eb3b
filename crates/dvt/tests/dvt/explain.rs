//! Help and pages.

use crate::home::Home;

#[test]
fn every_help_begins_with_a_sentence_and_an_example() {
    let home = Home::new();
    for words in [
        "",
        "run",
        "lint",
        "explain",
        "runs",
        "runs list",
        "runs get",
        "runs logs",
        "runs cancel",
        "runs resume",
        "audit",
        "audit verify",
        "config",
        "config show",
    ] {
        let arguments: Vec<&str> = words.split_whitespace().chain(["--help"]).collect();
        let told = home.dvt(&arguments).ends(0);
        let lines: Vec<&str> = told.out.lines().filter(|line| !line.trim().is_empty()).collect();
        assert!(lines[0].ends_with('.') && lines[1] == "Example:", "{words}: {}", told.out);
        assert!(
            lines[2].trim().starts_with(&format!("dvt {}", words.split(' ').next().unwrap())),
            "{words}: {}",
            told.out
        );
    }
    assert!(home.dvt(&["--help"]).out.contains("Exit codes:"));
}

#[test]
fn every_code_has_a_page_and_unknown_ones_get_the_nearest() {
    let home = Home::new();
    for code in dvt_model::code::Code::ALL {
        let told = home.dvt(&["explain", code.as_str()]);
        assert_eq!(told.code, 0, "{told:#?}");
        assert!(told.out.len() > 80, "{told:#?}");
    }
    let listed = home.dvt(&["explain", "--output", "json"]).ends(0).json();
    assert!(listed["codes"].as_array().unwrap().len() > dvt_model::code::Code::ALL.len());
    let told = home.dvt(&["explain", "not_fuond"]).ends(2);
    assert!(told.err.contains("dvt explain NOT_FOUND"), "{told:#?}");
}

#[test]
fn usage_errors_end_with_two() {
    let home = Home::new();
    for arguments in [
        &["rnu"][..],
        &[],
        &["run"],
        &["runs", "get"],
        &["runs", "list", "--limit", "0"],
        &["run", "absent.yaml"],
    ] {
        home.dvt(arguments).ends(2);
    }
    assert!(home.dvt(&["rnu"]).err.contains("run"));
}
