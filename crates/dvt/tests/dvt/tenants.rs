//! INV-01, INV-04: a second tenant on the same machine. Every command answers another tenant's ids exactly as ids that
//! never existed; the control is the own id, which answers differently.

use crate::home::{Home, Told};

const NEVER: &str = "run_00000000-0000-4000-8000-000000000000";

/// The answer without the id that was asked for.
fn masked(told: &Told, id: &str) -> (i32, String, String) {
    (told.code, told.out.replace(id, "<id>"), told.err.replace(id, "<id>"))
}

#[test]
fn a_foreign_id_and_one_that_never_was_answer_alike() {
    let home = Home::new();
    let foreign = home.completed_run(&[]);
    let first = home.dvt(&["config", "show", "--profile", "second"]).ends(0);
    assert_eq!(first.err.lines().count(), 3, "two lines at its first use and the hint: {first:#?}");
    let own = home.completed_run(&["--profile", "second"]);

    let short = |id: &str| id[..16].to_owned();
    let commands: [&[&str]; 12] = [
        &["runs", "get"],
        &["runs", "logs"],
        &["runs", "cancel", "-m", "because"],
        &["runs", "cancel"],
        &["runs", "resume", "--allow-host"],
        &["runs", "logs", "--step", "one"],
        &["runs", "pause", "-m", "because"],
        &["runs", "skip", "-m", "because", "two"],
        &["runs", "retry", "-m", "because", "two"],
        &["runs", "approve", "-m", "because", "two"],
        &["runs", "signal", "-p", "1", "late"],
        &["runs", "stop", "-m", "because"],
    ];
    for command in commands {
        for output in ["table", "json"] {
            let ask = |id: &str| {
                let told = home.dvt(
                    &[&command[..2], &[id], &command[2..], &["--profile", "second", "--output", output]]
                        .concat(),
                );
                masked(&told, id)
            };
            let absent = ask(NEVER);
            assert_eq!(ask(&foreign), absent, "{command:?} {output}");
            assert_eq!(ask(&short(&foreign)), ask(&short(NEVER)), "{command:?} {output}, by prefix");
            assert_eq!(absent.0, 4, "{command:?}: {absent:?}");
            assert!(absent.2.contains("NOT_FOUND"), "{command:?}: {absent:?}");
            // The control: an id of one's own is answered otherwise.
            assert_ne!(ask(&own), absent, "{command:?} {output}");
        }
    }
    let list = home.dvt(&["runs", "list", "--profile", "second", "--output", "json"]).ends(0).json();
    let ids: Vec<&str> =
        list["runs"].as_array().unwrap().iter().map(|row| row["runId"].as_str().unwrap()).collect();
    assert_eq!(ids, [own.as_str()]);
    // Neither ledger was touched by the other, and both verify.
    home.dvt(&["audit", "verify"]).ends(0);
    home.dvt(&["audit", "verify", "--profile", "second"]).ends(0);
}

/// A request id and a plan name are the tenant's own: the same ones next door are another run.
#[test]
fn names_and_request_ids_do_not_meet() {
    let home = Home::new();
    let first = home.completed_run(&["--request-id", "nightly"]);
    let second = home.completed_run(&["--request-id", "nightly", "--profile", "second"]);
    assert_ne!(first, second);
    assert_eq!(home.completed_run(&["--request-id", "nightly"]), first);
}
