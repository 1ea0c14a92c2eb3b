//! `dvt audit verify`: VALID as it is, INVALID after one byte, and no key file needed.

use crate::home::Home;
use std::path::PathBuf;

fn ledger(home: &Home) -> PathBuf {
    let shown = home.dvt(&["config", "show", "--output", "json"]).ends(0).json();
    PathBuf::from(shown["ledgerFile"].as_str().unwrap())
}

#[test]
fn a_run_verifies_and_public_keys_suffice() {
    let home = Home::new();
    home.completed_run(&[]);
    let told = home.dvt(&["audit", "verify"]).ends(0);
    assert!(
        told.out.contains("VALID") && !told.out.contains("INVALID") && told.out.contains("UNWITNESSED"),
        "{told:#?}"
    );
    let result = home.dvt(&["audit", "verify", "--output", "json"]).ends(0).json();
    assert_eq!(
        (&result["status"], &result["unsealed"], &result["anchored"]),
        (&"VALID".into(), &0.into(), &true.into())
    );
    assert_eq!(result["payloadsChecked"], 0);

    // An auditor has two files and nothing else.
    let auditor = Home::new();
    std::fs::copy(ledger(&home), auditor.path("ledger.db")).unwrap();
    std::fs::copy(home.path("home/config/profile.vkey"), auditor.path("keys")).unwrap();
    let told = auditor.dvt(&["audit", "verify", "--ledger", "ledger.db", "--keys", "keys"]).ends(0);
    assert!(told.out.contains("VALID") && !told.out.contains("anchored"), "{told:#?}");
    assert!(!auditor.path("home").exists());

    // The same ledger under another's keys is not VALID.
    let other = Home::new();
    other.completed_run(&[]);
    std::fs::copy(other.path("home/config/profile.vkey"), auditor.path("foreign")).unwrap();
    auditor.dvt(&["audit", "verify", "--ledger", "ledger.db", "--keys", "foreign"]).ends(1);
}

/// INV-03: a changed byte of an envelope is found and placed. The control is the unchanged copy.
#[test]
fn one_byte_makes_it_invalid() {
    let home = Home::new();
    home.completed_run(&[]);
    let keys = home.path("home/config/profile.vkey").display().to_string();
    let mut bytes = std::fs::read(ledger(&home)).unwrap();
    std::fs::write(home.path("copy.db"), &bytes).unwrap();
    home.dvt(&["audit", "verify", "--ledger", "copy.db", "--keys", &keys]).ends(0);

    let wanted = b"\"decision\":\"GRANTED\"";
    let at = bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
        .expect("an envelope lies in the file as text");
    bytes[at + 12] = b'g';
    std::fs::write(home.path("copy.db"), &bytes).unwrap();
    let told =
        home.dvt(&["audit", "verify", "--ledger", "copy.db", "--keys", &keys, "--output", "json"]).ends(1);
    let result = told.json();
    assert_eq!(result["status"], "INVALID", "{told:#?}");
    assert!(
        result["findings"][0]["index"].is_number() || result["findings"][0]["range"].is_object(),
        "{told:#?}"
    );
}

#[test]
fn what_is_no_ledger_is_said_so() {
    let home = Home::new();
    home.completed_run(&[]);
    std::fs::write(home.path("text"), "no ledger").unwrap();
    let keys = home.path("home/config/profile.vkey").display().to_string();
    let told = home.dvt(&["audit", "verify", "--ledger", "text", "--keys", &keys]);
    assert!(told.code != 0 && told.code != 70, "{told:#?}");
    home.dvt(&["audit", "verify", "--ledger", "text"]).ends(2);
}

/// INV-03, class 24: the data folder is copied back as a whole; the checkpoint that is kept elsewhere tells.
#[test]
fn an_older_copy_is_noticed() {
    let home = Home::new();
    home.completed_run(&[]);
    let copy = |from: &str, to: &str| {
        let told = home.shell(&format!("rm -rf {to} && cp -a {from} {to}"), "/usr/bin:/bin");
        told.ends(0);
    };
    copy("home/data", "older");
    home.completed_run(&[]);
    copy("home/data", "newer");
    copy("older", "home/data");
    let result = home.dvt(&["audit", "verify", "--output", "json"]).ends(1).json();
    assert_eq!((&result["status"], &result["anchored"]), (&"INVALID".into(), &true.into()));
    assert!(result["findings"].as_array().unwrap().iter().any(|finding| finding["class"] == 24), "{result}");
    // It is not written on either.
    let told = home.dvt(&["runs", "list"]).ends(1);
    assert!(told.err.contains("LEDGER_INTEGRITY_FAILED") && told.err.contains("class 24"), "{told:#?}");
    copy("newer", "home/data");
    home.dvt(&["runs", "list"]).ends(0);
    assert_eq!(home.dvt(&["audit", "verify", "--output", "json"]).ends(0).json()["status"], "VALID");
}
