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
    assert!(told.err.contains("`text` is no ledger of DVT"), "{told:#?}");
    let control = home.path("home/data/control.db").display().to_string();
    std::fs::write(home.path("empty"), "").unwrap();
    rusqlite::Connection::open(home.path("other.db")).unwrap().execute_batch("CREATE TABLE a (b)").unwrap();
    for file in ["text", "empty", "other.db", ".", &control] {
        let told = home.dvt(&["audit", "verify", "--ledger", file, "--keys", &keys]).ends(2);
        assert!(told.err.contains("INVALID_REQUEST") && !told.err.contains("INTEGRITY"), "{file}: {told:#?}");
    }
    home.dvt(&["audit", "verify", "--ledger", "none", "--keys", &keys]).ends(4);
    home.dvt(&["audit", "verify", "--ledger", "text"]).ends(2);
    // The profile's own file was a ledger, whatever it is now.
    let shown = home.dvt(&["config", "show", "--output", "json"]).ends(0).json();
    std::fs::write(shown["ledgerFile"].as_str().unwrap(), "no ledger").unwrap();
    let told = home.dvt(&["audit", "verify"]).ends(1);
    assert!(told.err.contains("LEDGER_INTEGRITY_FAILED"), "{told:#?}");
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

/// Entries newest first, filters that narrow, pages that join, and each reading an entry of its own (contract 7.5).
#[test]
fn entries_are_shown_and_reading_is_an_entry() {
    let home = Home::new();
    home.completed_run(&[]);
    let show = |more: &[&str]| {
        let words = [&["audit", "show", "--output", "json"], more].concat();
        home.dvt(&words).ends(0).json()
    };
    let all = show(&[]);
    let entries = all["entries"].as_array().unwrap().clone();
    let indices: Vec<u64> = entries.iter().map(|entry| entry["index"].as_u64().unwrap()).collect();
    assert!(
        indices.is_sorted_by(|left, right| left == &(right + 1)),
        "newest first, without a gap: {indices:?}"
    );
    assert_eq!(entries[0]["entry"]["action"], "AUDIT_READ", "the decision stands before the first row");

    let again = show(&["--type", "LEDGER_EVENT"]);
    assert_eq!(again["entries"][0]["entry"]["eventName"], "LedgerRead", "{again}");
    let run = show(&["--resource", "@latest"]);
    let names: Vec<&str> = run["entries"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|entry| entry["entry"]["eventName"].as_str())
        .collect();
    assert_eq!((names.first(), names.last()), (Some(&"RunCompleted"), Some(&"RunQueued")), "{names:?}");
    for entry in show(&["--decision", "granted", "--actor", "me"])["entries"].as_array().unwrap() {
        assert_eq!(entry["entry"]["decision"], "GRANTED");
        assert_eq!(entry["entry"]["actor"]["type"], "user");
    }
    let nothing = show(&["--decision", "DENIED"]);
    assert_eq!(nothing["entries"].as_array().unwrap().len(), 0);

    // A second page begins where the first ended, and a cursor of another question opens nothing.
    for _ in 0..55 {
        show(&["--since", "1h", "--type", "KEY_EVENT"]);
    }
    let first = show(&[]);
    assert_eq!(first["entries"].as_array().unwrap().len(), 50);
    let cursor = first["next"].as_str().unwrap();
    let second = show(&["--cursor", cursor]);
    let last = first["entries"][49]["index"].as_u64().unwrap();
    assert_eq!(second["entries"][0]["index"].as_u64(), Some(last - 1));
    let told = home.dvt(&["audit", "show", "--type", "KEY_EVENT", "--cursor", cursor]);
    assert!(told.err.contains("INVALID_CURSOR"), "{told:#?}");
    for wrong in [
        &["--since", "2y"] as &[&str],
        &["--since", "400d"],
        &["--decision", "MAYBE"],
        &["--since", "1h", "--until", "2h"],
    ] {
        let told = home.dvt(&[&["audit", "show"], wrong].concat()).ends(2);
        assert!(told.err.contains("INVALID_REQUEST"), "{wrong:?}: {told:#?}");
    }
    let told = home.dvt(&["audit", "show"]).ends(0);
    assert!(told.out.starts_with("INDEX") && told.out.contains("LedgerRead"), "{told:#?}");
}

/// INV-03: one entry proves itself with public keys, and a changed one does not.
#[test]
fn an_entry_proves_itself_offline() {
    let home = Home::new();
    home.completed_run(&[]);
    home.dvt(&["audit", "prove", "0", "--file", "zero.tlog-proof"]).ends(0);
    let auditor = Home::new();
    std::fs::copy(home.path("home/config/profile.vkey"), auditor.path("keys")).unwrap();
    let text = std::fs::read_to_string(home.path("zero.tlog-proof")).unwrap();
    assert!(text.starts_with("c2sp.org/tlog-proof@v1\nextra "), "{text}");
    let check = |text: &str| {
        std::fs::write(auditor.path("proof"), text).unwrap();
        auditor.dvt(&["audit", "verify", "--proof", "proof", "--keys", "keys", "--output", "json"])
    };
    let valid = check(&text).ends(0).json();
    assert_eq!((&valid["status"], &valid["index"]), (&"VALID".into(), &0.into()));
    let id = valid["entry"]["entryId"].as_str().unwrap();
    let by_id = home.dvt(&["audit", "prove", id]).ends(0);
    check(&by_id.out).ends(0);
    let mut tried = 0;
    for at in (0..text.len()).step_by(7) {
        let mut bytes = text.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let Ok(bent) = String::from_utf8(bytes) else { continue };
        let told = check(&bent).ends(1).json();
        assert_eq!(told["status"], "INVALID", "at {at}");
        tried += 1;
    }
    println!("{tried} changed characters, none VALID");
    let told = home.dvt(&["audit", "prove", "100000"]).ends(4);
    assert!(told.err.contains("NOT_FOUND"), "{told:#?}");
}

/// MACs and payloads are checked with keys, and an export carries what proves it.
#[test]
fn keys_open_two_layers_and_exports_carry_proofs() {
    let home = Home::new();
    home.completed_run(&[]);
    let result = home.dvt(&["audit", "verify", "--with-keys", "--output", "json"]).ends(0).json();
    assert_eq!(
        (&result["status"], &result["unsealed"], &result["erased"]),
        (&"VALID".into(), &0.into(), &0.into())
    );
    assert!(result["payloadsChecked"].as_u64().unwrap() > 10, "{result}");
    assert_eq!(result["layers"].as_array().unwrap().len(), 5);

    let export = |more: &[&str]| home.dvt(&[&["audit", "export"], more].concat()).ends(0).out;
    let rows: Vec<serde_json::Value> =
        export(&["--payloads"]).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&rows[0]["kind"], &rows[0]["payloads"]), (&"export".into(), &true.into()));
    assert_eq!(rows[0]["entries"].as_u64(), Some(rows.len() as u64 - 1));
    assert!(rows.iter().any(|row| row["payloads"][0]["value"].is_object()));
    let without = export(&[]);
    assert!(!without.contains("\"salt\"") && without.lines().count() > 10);
    let csv = export(&["--shape", "csv", "--type", "AUTH_DECISION"]);
    assert!(csv.starts_with("index,recordedAt,eventType,") && csv.lines().count() > 2, "{csv}");
    home.dvt(&["audit", "export", "--shape", "csv", "--payloads"]).ends(2);
    let told = home.dvt(&["audit", "show", "--type", "LEDGER_EVENT", "--output", "json"]).ends(0).json();
    let names: Vec<&str> = told["entries"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|entry| entry["entry"]["eventName"].as_str())
        .collect();
    assert_eq!(names.iter().filter(|name| **name == "LedgerExported").count(), 3, "{names:?}");
}
