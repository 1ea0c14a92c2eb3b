//! A killed engine: the run is shown RECOVERING, stays so until somebody resumes it, and then completes.

use crate::home::{Home, Running};

/// The second step waits for a file, so that the engine can be killed while it runs.
pub(super) fn plan(home: &Home) -> String {
    let gate = home.path("gate").display().to_string();
    home.plan(
        "gated",
        &format!(
            "apiVersion: dvt/v1\nname: gated\nsteps:\n  first: {{ uses: dvt/noop@1 }}\n  second:\n    needs: first\n    script: |\n      until [ -e '{gate}' ]; do sleep 0.05; done\n    timeout: 1m\n"
        ),
    )
}

#[test]
fn a_killed_run_goes_on_only_when_asked() {
    let home = Home::new();
    let plan = plan(&home);
    let mut running = Running::start(&home, &["run", &plan, "--allow-host", "--output", "jsonl"]);
    running.until("\"stepId\":\"second\"");
    running.child.kill().unwrap();
    running.child.wait().unwrap();

    let shown = home.dvt(&["runs", "get", "@latest"]).ends(0);
    assert!(shown.out.contains("RECOVERING") && shown.out.contains("dvt runs resume run_"), "{shown:#?}");
    let got = home.dvt(&["runs", "get", "@latest", "--output", "json"]).ends(0).json();
    assert_eq!((&got["status"], &got["substatus"]), (&"RUNNING".into(), &"RECOVERING".into()));
    let id = got["runId"].as_str().unwrap();

    // Another run is no reason to go on with this one.
    home.completed_run(&[]);
    let still = home.dvt(&["runs", "get", id, "--output", "json"]).ends(0).json();
    assert_eq!(still["lastRunSeq"], got["lastRunSeq"]);

    assert!(home.dvt(&["runs", "resume", id]).ends(4).err.contains("SANDBOX_UNAVAILABLE"));
    std::fs::write(home.path("gate"), "").unwrap();
    let resumed = home.dvt(&["runs", "resume", id, "--allow-host", "--output", "json"]).ends(0).json();
    assert_eq!(
        (&resumed["status"], &resumed["steps"]["second"]["attempts"]),
        (&"COMPLETED".into(), &1.into())
    );
    assert_eq!(resumed["steps"]["first"]["attempts"], 1);
    assert!(home.dvt(&["runs", "resume", id, "--allow-host"]).ends(6).err.contains("RUN_TERMINAL"));
    home.dvt(&["audit", "verify"]).ends(0);
}
