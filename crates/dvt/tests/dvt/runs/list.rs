//! Ids, prefixes and `@latest`.

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
