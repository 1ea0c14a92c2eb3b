//! What steps print, while they print it.

use crate::home::{Home, Running};

/// It prints, waits for the gate, prints again, and leaves its last line without an end.
const TALKS: &str = "apiVersion: dvt/v1\nname: talks\nsteps:\n  talk:\n    script: |\n      echo before\n      until [ -e '@GATE@' ]; do sleep 0.05; done\n      echo after\n      printf 'the end'\n  more: { needs: talk, script: 'echo other' }\n";

#[test]
fn a_follower_reads_what_a_step_prints_before_it_ends() {
    let home = Home::new();
    let gate = home.path("gate");
    let plan = home.plan("talks", &TALKS.replace("@GATE@", &gate.display().to_string()));
    let mut running = Running::start(&home, &["run", &plan, "--allow-host", "--output", "jsonl"]);
    running.until("\"StepStarted\"");
    let mut all = Running::start(&home, &["runs", "logs", "@latest", "-f"]);
    let mut one =
        Running::start(&home, &["runs", "logs", "@latest", "-f", "--step", "talk", "--output", "jsonl"]);
    all.until("before");
    one.until("before");
    assert!(!gate.exists(), "the step had not ended");
    std::fs::write(&gate, "").unwrap();
    assert_eq!(all.until("after"), "talk │ after");
    assert_eq!(all.until("the end"), "talk │ the end");
    assert_eq!(all.until("other"), "more │ other");
    all.end().ends(0);
    let told = one.end().ends(0);
    assert!(told.out.contains("after") && told.out.contains("the end") && !told.out.contains("other"));
    running.end().ends(0);

    // What is read in one go is what was read piece by piece.
    let whole = home.dvt(&["runs", "logs", "@latest"]).ends(0).out;
    assert_eq!(whole, "talk │ before\ntalk │ after\ntalk │ the end\nmore │ other\n");
    let json = home.dvt(&["runs", "logs", "@latest", "--output", "json"]).ends(0).json();
    assert_eq!(
        json["chunks"].as_array().unwrap().iter().filter(|chunk| chunk["stepId"] == "more").count(),
        1
    );
    let told = home.dvt(&["runs", "logs", "@latest", "--step", "tlak"]).ends(2);
    assert!(told.err.contains("no step `tlak`") && told.err.contains("--step talk"), "{told:#?}");
    home.dvt(&["runs", "logs", "@latest", "-f"]).ends(0);
}
