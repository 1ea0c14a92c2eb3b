//! Who may what, and by which role.

use crate::home::Home;

#[test]
fn a_right_is_explained_by_role_place_and_decision() {
    let home = Home::new();
    let run = home.completed_run(&[]);
    let explain = |words: &[&str]| home.dvt(&[&["access", "explain"], words].concat());
    let tenant = home.dvt(&["config", "show", "--output", "json"]).ends(0).json();
    let granted =
        format!("GRANTED by role tenant-admin, bound at tenant {}", tenant["tenantName"].as_str().unwrap());
    assert_eq!(explain(&["me", "RUN_CANCEL"]).ends(0).out, format!("{granted}\n"));
    assert_eq!(explain(&["me", "run-cancel"]).ends(0).out, format!("{granted}\n"));
    let told = explain(&["me", "RUN_CANCEL", "@latest"]).ends(0);
    assert!(told.out == format!("{granted}\n") && told.err.contains("nothing of this kind"), "{told:#?}");
    home.dvt(&["runs", "cancel", &run, "-m", "too late"]).ends(6);
    let told = explain(&["me", "RUN_CANCEL", &run[..12]]).ends(0).out;
    assert!(told.starts_with(&format!("{granted} (decision dec_")) && told.contains(", entry "), "{told}");
    let data = explain(&["me", "RUN_CANCEL", &run, "--output", "json"]).ends(0).json();
    assert_eq!(
        (&data["outcome"], &data["decided"]["reasonCode"]),
        (&"GRANTED".into(), &"RUN_TERMINAL".into())
    );
    // The entry that is named is the one.
    let shown =
        home.dvt(&["audit", "show", "--resource", &run, "--type", "AUTH_DECISION", "--output", "json"]);
    let shown = shown.ends(0).json();
    let entry =
        shown["entries"].as_array().unwrap().iter().find(|entry| entry["index"] == data["decided"]["index"]);
    assert_eq!(entry.unwrap()["entry"]["decisionId"], data["decided"]["decisionId"]);

    let denied = explain(&["me", "SECRET_RESOLVE"]).ends(0).out;
    assert_eq!(denied, "DENIED: SECRET_RESOLVE is no person's to do\n");
    assert!(explain(&["me", "RUN_CANCLE"]).ends(2).err.contains("one of: RUN_CANCEL"));
    assert!(explain(&["eve", "RUN_CANCEL"]).ends(4).err.contains("NOT_FOUND"));
    explain(&["me", "RUN_CANCEL", "run_00000000-0000-4000-8000-000000000000"]).ends(4);
    home.dvt(&["audit", "verify"]).ends(0);
}
