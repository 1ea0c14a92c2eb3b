//! `dvt data …`: erasure, holds, retention and keys as somebody meets them; afterwards the ledger verifies.

use crate::home::Home;

const PLAN: &str = "apiVersion: dvt/v1\nname: quick\nsteps:\n  one: { uses: dvt/noop@1, with: { output: { rows: 7311 } } }\noutputs: { rows: '${{ steps.one.output.rows }}' }\n";

#[test]
fn a_run_is_held_released_and_erased() {
    let home = Home::new();
    let plan = home.plan("quick", PLAN);
    home.dvt(&["run", &plan]).ends(0);
    assert!(home.dvt(&["runs", "get", "@latest"]).ends(0).out.contains("7311"), "control");
    let told = home.dvt(&["data", "erase", "@latest", "--yes"]).ends(2);
    assert!(told.err.contains("DECISION_RECORD_INCOMPLETE") && told.err.contains("-m"), "{told:#?}");
    let told = home.dvt(&["data", "erase", "@latest", "-m", "why"]).ends(2);
    assert!(told.err.contains("--yes"), "{told:#?}");
    home.dvt(&["data", "hold", "place", "@latest", "-m", "case 7"]).ends(0);
    let told = home.dvt(&["data", "erase", "@latest", "--yes", "-m", "asked for"]).ends(6);
    assert!(told.err.contains("LEGAL_HOLD_ACTIVE"), "{told:#?}");
    let holds = home.dvt(&["data", "hold", "list", "--output", "json"]).ends(0).json();
    let hold = holds["holds"][0]["holdId"].as_str().unwrap().to_owned();
    home.dvt(&["data", "hold", "release", &hold, "-m", "over"]).ends(0);
    home.dvt(&["data", "hold", "release", &hold, "-m", "again"]).ends(4);
    let told = home.dvt(&["data", "erase", "@latest", "--dry-run", "--output", "json"]).ends(0).json();
    assert_eq!(told["keys"], 1);
    let told = home.dvt(&["data", "erase", "@latest", "--yes", "-m", "asked for", "--output", "json"]);
    assert_eq!(told.ends(0).json()["keys"], 1);
    for words in [["runs", "get"], ["runs", "logs"]] {
        let told = home.dvt(&[words[0], words[1], "@latest"]).ends(4);
        assert!(told.err.contains("PAYLOAD_ERASED") && !told.out.contains("7311"), "{told:#?}");
    }
    assert_eq!(home.dvt(&["runs", "list"]).ends(0).out.lines().count(), 2, "that it was stays");
    home.dvt(&["audit", "verify"]).ends(0);
}

/// A whole tenant is the platform's to erase (TENANT_ERASE): the help of this command does not offer it. Control: a hold takes it.
#[test]
fn the_help_of_an_erasure_offers_no_tenant() {
    let home = Home::new();
    assert!(!home.dvt(&["data", "erase", "--help"]).ends(0).out.contains("--tenant"));
    assert!(home.dvt(&["data", "hold", "place", "--help"]).ends(0).out.contains("--tenant"), "control");
    home.dvt(&["data", "erase", "--tenant", "--yes", "-m", "all of it"]).ends(2);
    home.dvt(&["data", "erase", "--yes", "-m", "nobody's"]).ends(2);
    let told =
        home.dvt(&["data", "erase", "--person", "ana", "--dry-run", "--output", "json"]).ends(0).json();
    assert_eq!(told["keys"], 0);
}

#[test]
fn keys_are_replaced_and_the_old_public_key_stays_known() {
    let home = Home::new();
    let plan = home.plan("quick", PLAN);
    home.dvt(&["run", &plan]).ends(0);
    let keys = || std::fs::read_to_string(home.path("home/config/profile.vkey")).unwrap();
    let before = keys();
    home.dvt(&["data", "rotate-keys"]).ends(2);
    let told = home.dvt(&["data", "rotate-keys", "--yes", "--output", "json"]).ends(0).json();
    assert!(told["keys"].as_array().unwrap().iter().all(|key| key["epoch"] == 2), "{told}");
    home.dvt(&["run", &plan]).ends(0);
    assert!(keys().lines().count() == 2 && keys().contains(before.trim()));
    let told = home.dvt(&["audit", "verify", "--output", "json"]).ends(0).json();
    assert_eq!(told["status"], "VALID");
    assert!(home.dvt(&["runs", "get", "@latest"]).ends(0).out.contains("7311"));
}

#[test]
fn what_the_law_fixes_is_not_shortened() {
    let home = Home::new();
    let told = home.dvt(&["data", "retention", "set", "ledger", "365"]).ends(4);
    assert!(told.err.contains("AUDIT_RETENTION_LOCKED"), "{told:#?}");
    home.dvt(&["data", "retention", "set", "log", "30"]).ends(0);
    let told = home.dvt(&["data", "retention", "set", "log", "7", "--from-version", "0"]).ends(6);
    assert!(told.err.contains("VERSION_CONFLICT"), "{told:#?}");
    home.dvt(&["data", "retention", "set", "dust", "7"]).ends(2);
    let told = home.dvt(&["data", "sweep", "--output", "json"]).ends(0).json();
    assert_eq!((&told["keys"], &told["dryRun"]), (&0.into(), &false.into()));
}
