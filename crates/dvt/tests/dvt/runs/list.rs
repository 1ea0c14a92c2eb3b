//! Ids, prefixes and `@latest`; filters, and cursors that belong to them.

use crate::home::Home;

#[test]
fn ids_prefixes_and_latest_name_the_same_run() {
    let home = Home::new();
    let told = home.dvt(&["runs", "get", "@latest"]).ends(4);
    assert!(told.err.contains("no run yet"), "{told:#?}");
    let older = home.completed_run(&[]);
    let run = home.completed_run(&[]);
    assert_ne!(older, run);
    for name in ["@latest", &run, &run[..14], &run[4..12]] {
        let got = home.dvt(&["runs", "get", name, "--output", "json"]).ends(0).json();
        assert_eq!(got["runId"], run.as_str(), "{name}");
    }
    let list = home.dvt(&["runs", "list", "--output", "json"]).ends(0).json();
    let ids: Vec<&str> =
        list["runs"].as_array().unwrap().iter().map(|row| row["runId"].as_str().unwrap()).collect();
    assert_eq!(ids, [run.as_str(), older.as_str()]);
    let page = home.dvt(&["runs", "list", "--limit", "1", "--output", "json"]).ends(0).json();
    let next = page["next"].as_str().unwrap();
    assert!(next.starts_with("c1."), "a cursor is never taken for an option: {next}");
    let page =
        home.dvt(&["runs", "list", "--limit", "1", "--cursor", next, "--output", "json"]).ends(0).json();
    assert_eq!(page["runs"][0]["runId"], older.as_str());
    for wrong in ["run_", "7c1", "RUN_7C1E12", "latest"] {
        assert!(home.dvt(&["runs", "get", wrong]).ends(2).err.contains("INVALID_ID"));
    }
    // A cursor of somebody else may look like anything, an option included: the answer is about the cursor.
    for foreign in ["-9x", "--limit", "c1.AAAA", ""] {
        let told = home.dvt(&["runs", "list", "--cursor", foreign]).ends(2);
        assert!(told.err.contains("INVALID_CURSOR"), "{foreign}: {told:#?}");
    }
}

#[test]
fn filters_and_the_cursors_that_belong_to_them() {
    let home = Home::new();
    let bad = home.plan("bad", "apiVersion: dvt/v1\nname: bad\nsteps:\n  no: { run: ['false'] }\n");
    for _ in 0..2 {
        home.completed_run(&[]);
        home.dvt(&["run", &bad, "--allow-host", "--quiet"]).ends(1);
    }
    let list = |more: &[&str]| {
        let told = home.dvt(&[&["runs", "list", "--output", "json"], more].concat()).ends(0).json();
        let runs = told["runs"].as_array().unwrap().clone();
        let names: Vec<String> =
            runs.iter().map(|run| run["planName"].as_str().unwrap().to_owned()).collect();
        (names, told["next"].as_str().map(str::to_owned))
    };
    assert_eq!(list(&[]).0, ["bad", "quick", "bad", "quick"]);
    assert_eq!(list(&["--status", "failed"]).0, ["bad", "bad"]);
    assert_eq!(list(&["--status", "completed,FAILED", "--plan", "quick"]).0, ["quick", "quick"]);
    assert!(list(&["--status", "open"]).0.is_empty());
    assert_eq!(list(&["--since", "1h"]).0.len(), 4);
    assert!(list(&["--until", "1h"]).0.is_empty());

    let (first, next) = list(&["--status", "failed", "--since", "1h", "--limit", "1"]);
    let next = next.unwrap();
    let (second, end) = list(&["--status", "failed", "--since", "1h", "--limit", "1", "--cursor", &next]);
    assert_eq!((first, second, end), (vec!["bad".to_owned()], vec!["bad".to_owned()], None));
    for other in [&["--status", "completed"][..], &["--plan", "bad"], &[]] {
        let told = home.dvt(&[&["runs", "list", "--cursor", &next], other].concat()).ends(2);
        assert!(told.err.contains("INVALID_CURSOR"), "{other:?}: {told:#?}");
    }
    let hint = home.dvt(&["runs", "list", "--status", "failed", "--limit", "1"]).ends(0).err;
    let words: Vec<&str> = hint.trim().strip_prefix("more: dvt ").unwrap().split(' ').collect();
    assert!(home.dvt(&words).ends(0).out.contains("bad"), "the hint can be typed: {hint}");
    assert!(home.dvt(&["runs", "list", "--status", "done"]).ends(2).err.contains("`done` is no state"));
}

/// A plan's name is the name of its one run; where there are more they are listed, and the newest has a name of its own.
#[test]
fn a_run_is_named_by_its_plan() {
    let home = Home::new();
    let first = home.completed_run(&[]);
    let get = |name: &str| home.dvt(&["runs", "get", name, "--output", "json"]);
    assert_eq!(get("quick").ends(0).json()["runId"], first.as_str());
    // Six letters that are digits, too.
    let decade =
        home.plan("decade", "apiVersion: dvt/v1\nname: decade\nsteps:\n  one: { uses: dvt/noop@1 }\n");
    home.dvt(&["run", &decade, "--quiet"]).ends(0);
    assert_eq!(get("decade").ends(0).json()["planName"], "decade");
    let second = home.completed_run(&[]);
    let told = home.dvt(&["runs", "get", "quick"]).ends(2);
    assert!(
        told.err.contains("`quick` means more than one run") && told.err.contains("quick@latest"),
        "{told:#?}"
    );
    let place = |run: &String| told.err.find(run.as_str()).unwrap();
    assert!(place(&second) < place(&first), "the newest first: {told:#?}");
    assert_eq!(get("quick@latest").ends(0).json()["runId"], second.as_str());
    for nobody in ["slow", "slow@latest", "no name"] {
        assert!(get(nobody).ends(2).err.contains("names no run"));
    }
}
