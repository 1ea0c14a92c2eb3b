//! Command lines that cannot be read, and values that name nothing: told with a code, as data where results are data, and without
//! anything that moves a cursor.

use crate::home::{Home, QUICK, Running};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt as _;

/// It paints, and clears the screen.
const PAINTS: &str = "a\u{1b}[2J\u{1b}[31mb";

#[test]
fn a_line_that_cannot_be_read_is_an_object_where_results_are_data() {
    let home = Home::new();
    for words in [
        &["nonsense", "--output", "json"][..],
        &["--output=jsonl", "runs", "get"],
        &["runs", "list", "--limit", "many", "--output", "json"],
        &["--output", "json"],
        &["runs", "--output", "json"],
    ] {
        let told = home.dvt(words).ends(2);
        let refused: Value =
            serde_json::from_str(&told.err).unwrap_or_else(|_| panic!("{words:?}: {told:#?}"));
        assert_eq!(
            (&refused["code"], &refused["exitCode"]),
            (&"INVALID_REQUEST".into(), &2.into()),
            "{refused}"
        );
        assert!(!refused["message"].as_str().unwrap().contains('\n'), "{refused}");
    }
    let told = home.dvt(&["runs", "get", "--output", "json"]).ends(2);
    assert!(told.err.contains("required arguments were not provided: <RUN>"), "{told:#?}");
    // Control: people are told by lines, and help is no refusal.
    assert!(home.dvt(&["nonsense"]).ends(2).err.starts_with("error: "));
    assert!(home.dvt(&["--help", "--output", "json"]).ends(0).out.contains("Usage:"));
}

#[test]
fn what_somebody_typed_moves_no_cursor() {
    let home = Home::new();
    home.dvt(&["config", "show"]).ends(0);
    let flag = format!("--{PAINTS}");
    for words in [
        &[PAINTS][..],
        &["run", &flag],
        &["runs", "list", "--limit", PAINTS],
        &["completions", PAINTS],
        &["man", PAINTS],
        &["runs", "get", PAINTS],
        &["run", PAINTS],
        &["runs", "get", PAINTS, "--output", "json"],
        &[PAINTS, "--output", "json"],
        &["audit", "show", "--class", PAINTS],
    ] {
        let told = home.dvt(words);
        let all = format!("{}{}", told.out, told.err);
        assert!(told.code != 0 && all.contains("u{1b}") || all.contains("\\u001b"), "{words:?}: {told:#?}");
        assert!(!all.contains('\u{1b}'), "{words:?}: {told:#?}");
    }
    // The first start tells of the folders, and so does what shows them.
    std::fs::create_dir(home.path(PAINTS)).unwrap();
    for words in [&["config", "show"][..], &["config", "check"], &["doctor"], &["man", "--to", PAINTS]] {
        let mut command = home.command(words);
        let told = command.env("DVT_HOME", home.path(PAINTS).join("home")).output().unwrap();
        let all = [told.stdout, told.stderr].concat();
        assert!(!all.contains(&0x1b), "{words:?}: {}", String::from_utf8_lossy(&all));
    }
}

#[test]
fn a_key_that_others_can_read_is_closed_by_the_command_that_is_told() {
    let home = Home::new();
    home.dvt(&["runs", "list"]).ends(0);
    let key = home.path("home/config/key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let command = format!("chmod 600 {}", key.display());
    for words in [&["runs", "list"][..], &["config", "check"], &["doctor"]] {
        let told = home.dvt(words);
        let all = format!("{}{}", told.out, told.err);
        assert!(told.code != 0 && all.contains(&command), "{words:?}: {told:#?}");
    }
    assert!(home.shell(&command, "/usr/bin:/bin").code == 0);
    home.dvt(&["runs", "list"]).ends(0);
    // Control: what is gone is put back, and no mode helps.
    std::fs::rename(&key, home.path("away")).unwrap();
    let told = home.dvt(&["runs", "list"]).ends(5);
    assert!(told.err.contains("backup") && !told.err.contains("chmod"), "{told:#?}");
}

#[test]
fn a_file_that_holds_no_metrics_is_not_written_over() {
    let home = Home::new();
    std::fs::write(home.path("notes"), "what I must not forget").unwrap();
    let told = home.dvt(&["config", "show", "--metrics", "notes"]).ends(2);
    assert!(told.err.contains("CONFIG_INVALID") && told.err.contains("not written over"), "{told:#?}");
    assert_eq!(std::fs::read_to_string(home.path("notes")).unwrap(), "what I must not forget");
    // What is no plain file is nobody's to replace.
    let _socket = std::os::unix::net::UnixListener::bind(home.path("socket")).unwrap();
    home.dvt(&["config", "show", "--metrics", "socket"]).ends(2);
    std::fs::write(home.path("fresh"), "").unwrap();
    for _ in 0..2 {
        home.dvt(&["config", "show", "--metrics", "fresh"]).ends(0);
        assert!(std::fs::read_to_string(home.path("fresh")).unwrap().starts_with("# HELP "), "control");
    }
}

const EACH: &str = "apiVersion: dvt/v1\nname: each\nsteps:\n  each: { foreach: '[1, 2]', uses: dvt/noop@1, with: { output: '${{ item }}' } }\n  hold: { needs: each, signal: go }\n  later: { needs: hold, foreach: '[1, 2]', uses: dvt/noop@1 }\n";

#[test]
fn what_is_named_and_not_there_is_told() {
    let home = Home::new();
    let plan = home.plan("each", EACH);
    let mut running = Running::start(&home, &["run", &plan, "--output", "jsonl"]);
    running.until("\"stepId\":\"hold\"");
    for verb in ["logs", "events"] {
        for wrong in ["each.9", "each[nine]", "hold.0", "each.0.compensate", "each.x"] {
            let told = home.dvt(&["runs", verb, "each", "--step", wrong]).ends(2);
            assert!(told.err.contains("INVALID_REQUEST") && told.err.contains(wrong), "{verb}: {told:#?}");
        }
        // Control: these are there, or may begin later.
        for right in ["each", "each.1", "later.1"] {
            home.dvt(&["runs", verb, "each", "--step", right]).ends(0);
        }
    }
    home.dvt(&["runs", "signal", "each", "go"]).ends(0);
    running.end().ends(0);
    home.dvt(&["runs", "logs", "each", "--step", "later.1"]).ends(0);
    home.dvt(&["runs", "logs", "each", "--step", "later.2"]).ends(2);

    let told = home.dvt(&["audit", "show", "--class", "secret"]).ends(2);
    assert!(told.err.contains("INVALID_REQUEST") && told.err.contains("secret-access"), "{told:#?}");
    home.dvt(&["audit", "show", "--class", "pii"]).ends(0);

    let text = format!("{QUICK}inputs: {{ day: {{ type: string }} }}\n");
    let plan = home.plan("quick", &text);
    let told = home.dvt(&["run", &plan, "-i", "day=monday", "-i", "day=tuesday"]).ends(2);
    assert!(told.err.contains("`-i day` is given more than once"), "{told:#?}");
    home.dvt(&["run", &plan, "-i", "day=monday"]).ends(0);
    let told = home.dvt(&["runs", "get", "nobody@latest"]).ends(2);
    assert!(told.err.contains("NAME@latest"), "{told:#?}");
}
