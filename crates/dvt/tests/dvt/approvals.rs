//! The approval that a tenant puts before its runs: set with a reason, asked of every run from then on, and taken away again.

use crate::home::{Home, Running};

#[test]
fn a_tenant_lets_its_runs_wait_and_says_why() {
    let home = Home::new();
    home.completed_run(&[]);
    let get = || home.dvt(&["tenant", "approval", "get", "--output", "json"]).ends(0).json();
    assert_eq!((&get()["runApproval"], &get()["version"]), (&serde_json::Value::Null, &0.into()));
    // No reason, no change; nor with a role that there is not.
    assert!(
        home.dvt(&["tenant", "approval", "set", "operator"])
            .ends(2)
            .err
            .contains("DECISION_RECORD_INCOMPLETE")
    );
    assert!(home.dvt(&["tenant", "approval", "set", "boss", "-m", "x"]).ends(2).err.contains("tenant-admin"));
    assert!(
        home.dvt(&["tenant", "approval", "set", "operator", "--min", "0", "-m", "x"])
            .ends(2)
            .err
            .contains("--min")
    );
    // Nor for more persons than there are: no run would ever begin.
    let told = home.dvt(&["tenant", "approval", "set", "operator", "--min", "2", "-m", "x"]).ends(2);
    assert!(told.err.contains("one member") && told.err.contains("--min 1"), "{told:#?}");
    assert_eq!(get()["version"], 0);
    let set = ["tenant", "approval", "set", "operator", "-m", "two pairs of eyes"];
    home.dvt(&set).ends(0);
    assert_eq!((&get()["runApproval"]["role"], &get()["version"]), (&"operator".into(), &1.into()));
    // The same again changes nothing, and a change from another version is none.
    home.dvt(&set).ends(0);
    assert_eq!(get()["version"], 1);
    home.dvt(&["tenant", "approval", "remove", "-m", "over", "--from-version", "7"]).ends(6);

    let plan = home.plan("gated", "apiVersion: dvt/v1\nname: gated\nsteps:\n  one: { uses: dvt/noop@1 }\n");
    let mut running = Running::start(&home, &["run", &plan, "--output", "jsonl"]);
    running.until("dvt.approval");
    let why = home.dvt(&["runs", "why", "@latest", "one"]).ends(0).out;
    assert!(why.contains("dvt.approval"), "{why}");
    assert!(!why.contains("other than who started"), "{why}");
    // Contract 1.3: where there is one member the second person is waived, and the record says so.
    home.dvt(&["runs", "approve", "@latest", "dvt.approval", "-m", "looked at it twice"]).ends(0);
    running.end().ends(0);
    let shown = home.dvt(&["audit", "show", "--type", "DECISION_RECORDED", "--output", "json"]).ends(0).out;
    assert!(shown.contains("APPROVE"), "{shown}");
    let exported = home.dvt(&["audit", "export", "--payloads"]).ends(0).out;
    let vote = exported.lines().find(|line| line.contains("looked at it twice")).unwrap();
    assert!(vote.contains("\"soloOwner\":true"), "{vote}");

    home.dvt(&["tenant", "approval", "remove", "-m", "the audit is over"]).ends(0);
    assert_eq!((&get()["runApproval"], &get()["version"]), (&serde_json::Value::Null, &2.into()));
    home.completed_run(&[]);
    // Both changes stand in the ledger with their reasons, and it verifies.
    let shown = home.dvt(&["audit", "show", "--type", "DECISION_RECORDED", "--output", "json"]).ends(0).out;
    assert!(shown.matches("POLICY_CHANGE").count() >= 2, "{shown}");
    let shown = home.dvt(&["audit", "show", "--type", "CONFIG_CHANGED", "--output", "json"]).ends(0).out;
    assert!(shown.contains("SettingChanged"), "{shown}");
    home.dvt(&["store", "check"]).ends(0);
    home.dvt(&["audit", "verify"]).ends(0);
}
