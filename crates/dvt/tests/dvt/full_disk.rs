//! A real disk that is full: a small file system in a mount namespace of its own, so that no other test meets it.

use crate::home::{Home, QUICK, Told};
use std::process::Command;

/// Runs a script of a shell that has a disk of `$DISK`, as large as said; none where this user may make no such namespace.
fn on_a_small_disk(home: &Home, size: &str, script: &str) -> Option<Told> {
    // Root needs no namespace of users for it, and may not be given one; others need one.
    let ways =
        if rustix::process::geteuid().is_root() { &["--mount"][..] } else { &["--map-root-user", "--mount"] };
    let unshare = |line: &str| {
        let mut command = Command::new("/usr/bin/unshare");
        command.args(ways).args(["/bin/sh", "-c", line]).env_clear();
        command
            .env("PATH", "/usr/bin:/bin")
            .env("DVT", env!("CARGO_BIN_EXE_dvt"))
            .env("DISK", home.path("disk"));
        command.current_dir(home.path(""));
        command
    };
    std::fs::create_dir(home.path("disk")).unwrap();
    let mount = format!("mount -t tmpfs -o size={size} none \"$DISK\"");
    if !unshare(&mount).status().is_ok_and(|status| status.success()) {
        assert!(std::env::var_os("CI").is_none(), "CI can make a mount namespace");
        eprintln!("skipped: no mount namespace can be made here");
        return None;
    }
    Some(Told::of(unshare(&format!("{mount}\n{script}")).output().unwrap()))
}

/// What drivers and the system call it. No message may.
const WORDS: [&str; 6] =
    ["DiskFull", "SystemIoFailure", "DatabaseBusy", "Unknown", "os error", "No space left"];

/// One sentence and one way out, whatever met the full disk and whatever code it has.
#[test]
fn a_full_disk_is_called_that_everywhere() {
    let home = Home::new();
    home.plan("quick", QUICK);
    let commands = [
        ("LEDGER_UNAVAILABLE", "run quick.yaml", 5),
        ("LEDGER_UNAVAILABLE", "runs list", 5),
        ("LEDGER_UNAVAILABLE", "runs cancel @latest -m enough", 5),
        ("LEDGER_UNAVAILABLE", "store check", 5),
        ("LEDGER_UNAVAILABLE", "data sweep", 5),
        ("LEDGER_UNAVAILABLE", "--profile other runs list", 5),
        ("INVALID_REQUEST", "init \"$DISK\"/new", 2),
        ("INVALID_REQUEST", "man --to \"$DISK\"/man", 2),
        ("CONFIG_INVALID", "config show --metrics \"$DISK\"/metrics", 2),
        ("CONFIG_INVALID", "config show --log \"$DISK\"/fresh/log", 2),
    ];
    let mut script = "export DVT_HOME=\"$DISK\"/home\n\"$DVT\" run quick.yaml >&2 || exit 90\n".to_owned();
    script.push_str("dd if=/dev/zero of=\"$DISK\"/fill bs=4096 2>/dev/null\n");
    for (_, words, code) in commands {
        script.push_str(&format!(
            "echo '### {words}'\n\"$DVT\" {words} 2>&1\n[ $? = {code} ] || echo wrong exit\n"
        ));
    }
    script.push_str("echo '### first start'\nDVT_HOME=\"$DISK\"/second \"$DVT\" runs list 2>&1\n");
    script.push_str("echo '### data'\n\"$DVT\" runs list --output json 2>&1\n");
    script.push_str("rm \"$DISK\"/fill\necho '### room'\n\"$DVT\" runs list 2>&1 && \"$DVT\" audit verify\n");
    let Some(told) = on_a_small_disk(&home, "8m", &script) else { return };
    let told = told.ends(0);
    let mut parts = told.out.split("### ").skip(1);
    for (code, words, _) in commands {
        let part = parts.next().unwrap();
        assert!(part.starts_with(words) && !part.contains("wrong exit"), "{part}");
        // There is no such folder: another reason, told by the same place.
        let reason =
            if words.contains("fresh") { "there is no such file or folder" } else { "the disk is full" };
        assert!(part.contains(&format!("error[{code}]")) && part.contains(reason), "{part}");
        assert_eq!(part.contains("= fix:  make room"), reason == "the disk is full", "{part}");
        assert!(WORDS.iter().all(|word| !part.contains(word)), "{part}");
    }
    let first = parts.next().unwrap();
    assert!(first.contains("the disk is full") && first.contains("make room"), "{first}");
    assert!(WORDS.iter().all(|word| !first.contains(word)), "{first}");
    let data = parts.next().unwrap();
    let data: serde_json::Value = serde_json::from_str(data.split_once('\n').unwrap().1).unwrap();
    assert!(data["fix"].as_str().unwrap().starts_with("make room"), "{data}");
    assert!(parts.next().unwrap().contains("VALID"), "what was acknowledged is kept: {told:#?}");
}
