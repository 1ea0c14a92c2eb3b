//! `dvt store …`: a backup comes back whole or not at all, an older one is noticed, and what is broken is named.

use crate::home::{ENDLESS, Home, Running, Told};
use dvt_model::id::BlobId;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

const PLAN: &str = "apiVersion: dvt/v1\nname: quick\nsteps:\n  one: { uses: dvt/noop@1, with: { output: { rows: 7311 } } }\noutputs: { rows: '${{ steps.one.output.rows }}' }\n";

fn a_run(home: &Home) {
    let plan = home.plan("quick", PLAN);
    home.dvt(&["run", &plan]).ends(0);
}

/// Moves the data folder away.
fn lose(home: &Home, to: &str) {
    std::fs::rename(home.path("home/data"), home.path(to)).unwrap();
}

/// What a refused restore may leave: nothing.
#[track_caller]
fn nothing_is_left(home: &Home) {
    let left: Vec<PathBuf> =
        std::fs::read_dir(home.path("home")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(left, [home.path("home/config")], "something was left");
}

/// The restore with `--dry-run`, which must leave every file as it was.
#[track_caller]
fn dry(home: &Home, arguments: &[&str]) -> Told {
    let before = home.files("");
    let told = home.dvt(&[&["store", "restore"], arguments, &["--dry-run"]].concat());
    assert!(home.files("") == before, "{told:#?}");
    told
}

/// Refused with the words, the code and the exit of the restore, which was refused too.
#[track_caller]
fn dry_is_refused_alike(home: &Home, arguments: &[&str]) {
    let (foreseen, done) = (dry(home, arguments), home.dvt(&[&["store", "restore"], arguments].concat()));
    assert!(done.code != 0 && done.out.is_empty(), "{done:#?}");
    assert_eq!((foreseen.code, foreseen.err), (done.code, done.err), "{arguments:?}");
}

#[test]
fn a_backup_comes_back_and_is_whole() {
    let home = Home::new();
    a_run(&home);
    let told = home.dvt(&["store", "backup", "one.backup", "--output", "json"]).ends(0).json();
    assert_eq!(told["tenants"], 2, "the tenant and the platform");
    let bytes = std::fs::read(home.path("one.backup")).unwrap();
    assert_eq!(told["bytes"], bytes.len());
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(home.path("one.backup")).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
    let told = home.dvt(&["store", "backup", "one.backup"]).ends(2);
    assert!(told.err.contains("never replaces"), "{told:#?}");
    assert_eq!(std::fs::read(home.path("one.backup")).unwrap(), bytes, "it was replaced");
    let told = home.dvt(&["store", "restore", "one.backup"]).ends(2);
    assert!(told.err.contains("not empty"), "{told:#?}");
    dry_is_refused_alike(&home, &["one.backup"]);

    // Another machine: the key file from its own safe, and the backup.
    let other = Home::new();
    dry_is_refused_alike(&other, &["one.backup"]);
    other.dvt(&["store", "restore", "one.backup"]).ends(5);
    std::fs::copy(home.path("home/config/key"), other.path("home/config/key")).unwrap();
    std::fs::copy(home.path("one.backup"), other.path("one.backup")).unwrap();
    let told = dry(&other, &["one.backup"]).ends(0);
    assert!(told.out.contains("/data would hold 2 tenants") && told.err.contains("are whole"), "{told:#?}");
    let mut would = dry(&other, &["one.backup", "--output", "json"]).ends(0).json();
    let told = other.dvt(&["store", "restore", "one.backup", "--output", "json"]).ends(0).json();
    assert_eq!(would.as_object_mut().unwrap().remove("dryRun"), Some(true.into()));
    assert_eq!(would, told, "what was said is what then is");
    assert_eq!((&told["tenants"], &told["older"]), (&2.into(), &serde_json::json!([])));
    let told = other.dvt(&["store", "check", "--output", "json"]).ends(0).json();
    assert_eq!(told["whole"], true, "{told:#}");
    assert!(told["tenants"].as_array().unwrap().iter().all(|tenant| tenant["whole"] == true), "{told:#}");
    assert!(other.dvt(&["runs", "get", "@latest"]).ends(0).out.contains("7311"));
    assert_eq!(other.dvt(&["audit", "verify", "--output", "json"]).ends(0).json()["status"], "VALID");
    assert!(
        other.dvt(&["audit", "show"]).ends(0).out.contains("LedgerExported"),
        "that it was taken is an entry"
    );
    a_run(&other);
}

/// Everybody's data leaves, so everybody's ledger tells of it.
#[test]
fn each_tenant_s_ledger_tells_of_a_backup() {
    let home = Home::new();
    a_run(&home);
    home.completed_run(&["--profile", "second"]);
    home.dvt(&["store", "backup", "both.backup"]).ends(0);
    for more in [&[][..], &["--profile", "second"]] {
        let told = home.dvt(&[&["audit", "show"], more].concat()).ends(0).out;
        assert_eq!(told.matches("LedgerExported").count(), 1, "{told}");
    }
    let told = home.dvt(&["store", "check", "--output", "json"]).ends(0).json();
    assert_eq!((told["tenants"].as_array().unwrap().len(), &told["notLookedAt"]), (3, &0.into()));
}

#[test]
fn it_is_taken_beside_a_running_run() {
    let home = Home::new();
    let plan = home.plan("endless", ENDLESS);
    let mut running = Running::start(&home, &["run", &plan, "--allow-host", "--output", "jsonl"]);
    running.until("\"StepStarted\"");
    home.dvt(&["store", "backup", "live.backup"]).ends(0);
    home.dvt(&["runs", "cancel", "@latest", "-m", "seen enough"]).ends(0);
    running.end();
    let other = Home::new();
    other.dvt(&["store", "restore", "live.backup"]).ends(5);
    std::fs::copy(home.path("home/config/key"), other.path("home/config/key")).unwrap();
    std::fs::copy(home.path("live.backup"), other.path("live.backup")).unwrap();
    other.dvt(&["store", "restore", "live.backup"]).ends(0);
    other.dvt(&["store", "check"]).ends(0);
    assert!(other.dvt(&["runs", "list"]).ends(0).out.contains("RECOVERING"), "the run goes on from here");
}

/// Whatever signal ends it, one line says what stays: that it was begun.
#[test]
fn an_interrupted_backup_is_not_kept_and_says_so() {
    let home = Home::new();
    a_run(&home);
    // A blob without an end: whoever writes it knows that it is being copied, and when no more.
    let tenants = home.path("home/data/tenants");
    let tenant = std::fs::read_dir(tenants).unwrap().find_map(|entry| {
        let path = entry.unwrap().path();
        path.extension()
            .is_some_and(|extension| extension == "db")
            .then(|| path.file_stem().unwrap().to_owned())
    });
    let blobs = home.path("home/data/blobs").join(tenant.unwrap());
    std::fs::create_dir_all(&blobs).unwrap();
    let blob = blobs.join(BlobId::from_random([7; 16]).key());
    mknodat(CWD, &blob, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let names = |folder: &str| -> BTreeSet<_> {
        std::fs::read_dir(home.path(folder)).unwrap().map(|entry| entry.unwrap().file_name()).collect()
    };
    let before = (names(""), names("home/data"));
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let child = home.command(&["store", "backup", "never.backup"]).spawn().unwrap();
        let mut endless = File::options().write(true).open(&blob).unwrap();
        kill_process(Pid::from_child(&child), signal).unwrap();
        while endless.write_all(&[7; 4_096]).is_ok() {}
        let told = Told::of(child.wait_with_output().unwrap()).ends(3);
        assert_eq!(told.err, "interrupted: no backup was kept; the ledgers keep that one was begun\n");
        assert!(told.out.is_empty(), "{told:#?}");
        let mut after = (names(""), names("home/data"));
        after.1.remove(OsStr::new("backup.lock"));
        assert_eq!(after, before, "something was left");
    }
    assert!(home.dvt(&["audit", "show"]).ends(0).out.contains("LedgerExported"));
    // Control: nobody interrupts it.
    std::fs::remove_file(&blob).unwrap();
    home.dvt(&["store", "backup", "never.backup"]).ends(0);
}

#[test]
fn what_is_no_whole_backup_of_ours_is_refused_and_leaves_nothing() {
    let home = Home::new();
    a_run(&home);
    home.dvt(&["store", "backup", "good.backup"]).ends(0);
    lose(&home, "lost");
    let good = std::fs::read(home.path("good.backup")).unwrap();
    let flipped = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    let mut longer = good.clone();
    longer.push(0);
    let cases = [
        ("foreign", b"something else entirely, and long enough to hold a head".to_vec(), 2, "CONFIG_INVALID"),
        ("empty", Vec::new(), 2, "CONFIG_INVALID"),
        ("other version", flipped(17), 5, "MIGRATE_NOT_CALLED"),
        ("cut in the middle", good[..good.len() / 2].to_vec(), 1, "LEDGER_INTEGRITY_FAILED"),
        ("cut before its end", good[..good.len() - 1].to_vec(), 1, "LEDGER_INTEGRITY_FAILED"),
        ("longer", longer, 1, "LEDGER_INTEGRITY_FAILED"),
        ("a bit in the middle", flipped(good.len() / 2), 1, "LEDGER_INTEGRITY_FAILED"),
        ("a bit at the end", flipped(good.len() - 1), 1, "LEDGER_INTEGRITY_FAILED"),
    ];
    for (name, bytes, exit, code) in cases {
        std::fs::write(home.path("bad.backup"), &bytes).unwrap();
        dry_is_refused_alike(&home, &["bad.backup"]);
        let told = home.dvt(&["store", "restore", "bad.backup"]).ends(exit);
        assert!(told.err.contains(code), "{name}: {told:#?}");
        assert_eq!(std::fs::read(home.path("bad.backup")).unwrap(), bytes, "{name}: it was written to");
        nothing_is_left(&home);
    }
    home.dvt(&["store", "restore", "absent.backup"]).ends(4);
    dry_is_refused_alike(&home, &["absent.backup"]);
    nothing_is_left(&home);

    let key = std::fs::read(home.path("home/config/key")).unwrap();
    std::fs::write(home.path("home/config/key"), [7; 32]).unwrap();
    let told = home.dvt(&["store", "restore", "good.backup"]).ends(5);
    assert!(told.err.contains("KEY_UNAVAILABLE"), "{told:#?}");
    dry_is_refused_alike(&home, &["good.backup"]);
    nothing_is_left(&home);
    std::fs::write(home.path("home/config/key"), key).unwrap();
    home.dvt(&["store", "restore", "good.backup"]).ends(0);
    home.dvt(&["store", "check"]).ends(0);
}

/// INV-03, class 24: the newest checkpoint beside the key tells that the backup is older.
#[test]
fn an_older_backup_is_noticed() {
    let home = Home::new();
    a_run(&home);
    home.dvt(&["store", "backup", "older.backup"]).ends(0);
    a_run(&home);
    lose(&home, "lost");
    let told = home.dvt(&["store", "restore", "older.backup"]).ends(1);
    assert!(told.err.contains("class 24") && told.err.contains("--accept-loss"), "{told:#?}");
    nothing_is_left(&home);
    dry_is_refused_alike(&home, &["older.backup"]);
    let would = dry(&home, &["older.backup", "--accept-loss"]).ends(0);
    assert!(would.err.contains("would be lost") && would.err.contains("would be there again"), "{would:#?}");
    let would = dry(&home, &["older.backup", "--accept-loss", "--output", "json"]).ends(0).json();
    let told = home.dvt(&["store", "restore", "older.backup", "--accept-loss", "--output", "json"]);
    let told = told.ends(0).json();
    assert_eq!(would["older"], told["older"]);
    let evidence = told["older"][0]["evidence"].as_str().unwrap();
    assert_eq!(home.dvt(&["runs", "list"]).ends(0).out.lines().count(), 2, "the second run is lost");
    let verified =
        home.dvt(&["audit", "verify", "--checkpoint", evidence, "--output", "json"]).ends(1).json();
    assert_eq!(verified["status"], "INVALID");
    assert!(verified["findings"].as_array().unwrap().iter().any(|finding| finding["class"] == 24));
    a_run(&home);
    home.dvt(&["store", "check"]).ends(0);
}

#[test]
fn a_check_names_what_is_broken() {
    let home = Home::new();
    a_run(&home);
    home.dvt(&["store", "check"]).ends(0);
    let shown = home.dvt(&["config", "show", "--output", "json"]).ends(0).json();
    let ledger = PathBuf::from(shown["ledgerFile"].as_str().unwrap());
    let mut bytes = std::fs::read(&ledger).unwrap();
    let wanted = b"\"decision\":\"GRANTED\"";
    let at = bytes.windows(wanted.len()).position(|window| window == wanted).unwrap();
    bytes[at + 12] = b'g';
    std::fs::write(&ledger, &bytes).unwrap();
    let told = home.dvt(&["store", "check", "--output", "json"]).ends(1).json();
    assert_eq!(told["whole"], false, "{told:#}");
    let broken = told["tenants"].as_array().unwrap().iter().find(|tenant| tenant["whole"] == false).unwrap();
    assert!(broken["faults"].to_string().contains("class 1"), "{told:#}");
    let nobody = Home::new();
    nobody.dvt(&["store", "check"]).ends(4);
}

/// Killed at each place, a backup is whole or not there, and a restore is whole or not begun.
#[cfg(feature = "crash-points")]
#[test]
fn killed_at_each_place_it_is_all_or_nothing() {
    let home = Home::new();
    a_run(&home);
    home.dvt(&["store", "backup", "good.backup"]).ends(0);
    let killed = |arguments: &[&str], site: &str| {
        let output = home.command(arguments).env("DVT_CRASH_AT", site).output().unwrap();
        let signal = std::os::unix::process::ExitStatusExt::signal(&output.status);
        assert_eq!(signal, Some(9), "{site} was not met: {output:?}");
    };
    let left = |folder: &str, begins: &str| {
        let entries = std::fs::read_dir(home.path(folder)).unwrap();
        entries
            .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with(begins))
            .count()
    };
    let mut killed_at = 0;
    for site in ["before-backup-sync", "after-backup-name"] {
        let file = format!("{site}.backup");
        killed(&["store", "backup", &file], site);
        assert_eq!(home.path(&file).exists(), site.starts_with("after"), "{site}");
        // The killed one left its draft, the control; the next one, killed too, removed it and left none.
        assert_eq!(left("", ".dvt-backup-"), usize::from(site.starts_with("before")), "{site}");
        killed_at += 1;
    }
    home.dvt(&["store", "backup", "again.backup"]).ends(0);
    for (site, file) in [("before-restore-name", "again.backup"), ("after-restore-name", "again.backup")] {
        lose(&home, site);
        killed(&["store", "restore", file], site);
        assert_eq!(home.path("home/data").exists(), site.starts_with("after"), "{site}");
        if site.starts_with("before") {
            assert_eq!(left("home", ".dvt-restore-"), 1, "control: the killed one left its draft");
            home.dvt(&["store", "restore", file]).ends(0);
        }
        assert_eq!(left("home", ".dvt-restore-"), 0);
        home.dvt(&["store", "check"]).ends(0);
        std::fs::remove_file(home.path("again.backup")).unwrap();
        home.dvt(&["store", "backup", "again.backup"]).ends(0);
        killed_at += 1;
    }
    println!("{killed_at} places of backup and restore: each whole or not there");
}
