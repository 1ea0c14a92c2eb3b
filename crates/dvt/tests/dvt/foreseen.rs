//! `--dry-run` of the acts on a tenant's data: it says what the act then does, or refuses as the act does, and changes nothing.

use crate::home::{Home, Told};
use serde_json::{Value, json};

/// The act with `--dry-run`, which must leave every file as it was.
#[track_caller]
fn dry(home: &Home, act: &[&str]) -> Told {
    let before = (home.ledger_size(), home.files("home"));
    let told = home.dvt(&[act, &["--dry-run"]].concat());
    assert_eq!(home.ledger_size(), before.0, "{act:?}: {told:#?}");
    let (before, after) = (before.1, home.files("home"));
    let changed: Vec<_> =
        before.keys().chain(after.keys()).filter(|file| before.get(*file) != after.get(*file)).collect();
    assert!(changed.is_empty(), "{act:?} changed {changed:?}: {told:#?}");
    told
}

#[track_caller]
fn dry_json(home: &Home, act: &[&str]) -> Value {
    dry(home, &[act, &["--output", "json"]].concat()).ends(0).json()
}

/// Refused with the words, the code and the exit of the act, which was refused too.
#[track_caller]
fn is_refused_alike(home: &Home, act: &[&str], code: &str) {
    let foreseen = dry(home, act);
    let done = home.dvt(act);
    assert!(done.code != 0 && done.err.contains(code), "{done:#?}");
    assert_eq!((foreseen.code, foreseen.err), (done.code, done.err), "{act:?}");
}

/// These members of an object.
fn members<const N: usize>(data: &Value, names: [&str; N]) -> Value {
    names.iter().map(|name| data[name].clone()).collect()
}

#[test]
fn a_hold_and_its_release_say_before_what_they_keep_and_free() {
    let home = Home::new();
    let run = home.completed_run(&[]);
    let place = ["data", "hold", "place", &run];
    let told = dry(&home, &place).ends(0).out;
    let wanted = format!(
        "run {run} would be held\n  keeps 1 key and what lies under it, until it is released\n  takes LEGAL_HOLD_SET, which you have, and a reason (-m), which stands in the ledger as LEGAL_HOLD_CHANGE\n"
    );
    assert_eq!(told, wanted);
    // A look at what is not there is entered, whatever it was for.
    let absent = ["data", "hold", "place", "run_00000000-0000-4000-8000-000000000000", "-m", "x"];
    let (foreseen, done) = (home.dvt(&[&absent[..], &["--dry-run"]].concat()), home.dvt(&absent).ends(4));
    assert_eq!((foreseen.code, &foreseen.err), (done.code, &done.err));
    assert!(done.err.contains("NOT_FOUND"), "{done:#?}");
    is_refused_alike(&home, &["data", "hold", "place", &run, "-m", ""], "DECISION_RECORD_INCOMPLETE");
    is_refused_alike(&home, &["data", "hold", "release", "@latest", "-m", "x"], "NOT_FOUND");

    // What was said is what then is.
    let would = dry_json(&home, &place);
    let told = members(&would, ["dryRun", "covers", "subject", "keys", "heldAlready", "right", "record"]);
    assert_eq!(told, json!([true, "run", run, 1, false, "LEGAL_HOLD_SET", "LEGAL_HOLD_CHANGE"]));
    let before = home.ledger_size();
    home.dvt(&[&place[..], &["-m", "case 7"]].concat()).ends(0);
    assert!(home.ledger_size() > before, "control: what is done is seen in the ledger");
    let hold = home.dvt(&["data", "hold", "list", "--output", "json"]).ends(0).json()["holds"][0].clone();
    assert_eq!(members(&hold, ["covers", "subject"]), members(&would, ["covers", "subject"]));
    assert_eq!(dry_json(&home, &place)["heldAlready"], true);
    let nobody = dry_json(&home, &["data", "hold", "place", "--person", "ada"]);
    assert_eq!(members(&nobody, ["covers", "keys", "heldAlready"]), json!(["person", 0, false]));
    let all = dry_json(&home, &["data", "hold", "place", "--tenant"]);
    assert_eq!(members(&all, ["covers", "keys", "heldAlready"]), json!(["tenant", null, false]));

    let id = hold["holdId"].as_str().unwrap();
    let release = dry(&home, &["data", "hold", "release", "@latest"]).ends(0).out;
    for text in [&format!("{id} would be released"), &format!("run {run} since"), "goes with the next sweep"]
    {
        assert!(release.contains(text), "{text}: {release}");
    }
    home.dvt(&["data", "hold", "place", "--tenant", "-m", "case 8"]).ends(0);
    let would = dry_json(&home, &["data", "hold", "release", id]);
    assert_eq!(members(&would, ["dryRun", "holdId", "covers"]), json!([true, id, "run"]));
    assert_eq!(would["heldStillBy"].as_array().unwrap().len(), 1, "{would}");
    home.dvt(&["data", "hold", "release", id, "-m", "over"]).ends(0);
    is_refused_alike(&home, &["data", "hold", "release", id, "-m", "over"], "NOT_FOUND");
    home.dvt(&["audit", "verify"]).ends(0);
}

#[test]
fn a_rule_says_before_what_would_end_by_it() {
    let home = Home::new();
    let plan =
        home.plan("talks", "apiVersion: dvt/v1\nname: talks\nsteps:\n  one: { script: 'echo hello' }\n");
    home.dvt(&["run", &plan, "--allow-host"]).ends(0);
    let rules = || home.dvt(&["data", "retention", "list", "--output", "json"]).ends(0).json();
    let before = rules();
    let told = dry(&home, &["data", "retention", "set", "log", "30"]).ends(0).out;
    let wanted = "log would be kept for 30 days instead of 14 days\n  version 1 of this rule; the least is 1 day\n  nothing more or less would end by it now\n  takes RETENTION_SET, which you have, and no reason\n";
    assert_eq!(told, wanted);
    assert_eq!(rules(), before);
    is_refused_alike(&home, &["data", "retention", "set", "ledger", "365"], "AUDIT_RETENTION_LOCKED");
    is_refused_alike(&home, &["data", "retention", "set", "log", "0"], "INVALID_REQUEST");
    is_refused_alike(&home, &["data", "retention", "set", "dust", "7"], "INVALID_REQUEST");
    is_refused_alike(
        &home,
        &["data", "retention", "set", "log", "7", "--from-version", "1"],
        "VERSION_CONFLICT",
    );
    home.dvt(&["data", "retention", "set", "log", "30"]).ends(0);
    is_refused_alike(
        &home,
        &["data", "retention", "set", "log", "7", "--from-version", "0"],
        "VERSION_CONFLICT",
    );
    let would = dry_json(&home, &["data", "retention", "set", "log", "7"]);
    let told =
        members(&would, ["dryRun", "data", "days", "daysNow", "leastDays", "rowVersion", "right", "record"]);
    assert_eq!(told, json!([true, "log", 7, 30, 1, 2, "RETENTION_SET", null]));
    home.dvt(&["audit", "verify"]).ends(0);
}

/// What a shorter rule says that a sweep would end is what the sweep then ends.
#[cfg(feature = "crash-points")]
#[test]
fn what_would_end_by_a_rule_is_what_then_ends() {
    let home = Home::new();
    let plan =
        home.plan("talks", "apiVersion: dvt/v1\nname: talks\nsteps:\n  one: { script: 'echo hello' }\n");
    home.dvt(&["run", &plan, "--allow-host"]).ends(0);
    let later = |arguments: &[&str]| {
        let output = home.command(arguments).env("DVT_TEST_DAYS_LATER", "10").output().unwrap();
        Told::of(output).ends(0)
    };
    let set = ["data", "retention", "set", "log", "7"];
    let would = later(&[&set[..], &["--dry-run", "--output", "json"]].concat()).json();
    assert_eq!(json!([would["sweep"]["logs"], would["sweepNow"]["logs"]]), json!([1, 0]), "{would}");
    let told = later(&[&set[..], &["--dry-run"]].concat()).out;
    assert!(
        told.contains("a sweep would end then: 1 log · 0 keys")
            && told.contains("as it is, it ends now: 0 logs"),
        "{told}"
    );
    later(&set);
    assert_eq!(later(&["data", "sweep", "--output", "json"]).json()["logs"], 1);
}

#[test]
fn an_approval_before_runs_says_before_what_they_would_wait_for() {
    let home = Home::new();
    home.completed_run(&[]);
    let get = || home.dvt(&["tenant", "approval", "get", "--output", "json"]).ends(0).json();
    let set = ["tenant", "approval", "set", "operator"];
    let told = dry(&home, &set).ends(0).out;
    let wanted = "every run that is started from then on would wait for approval by 1 person with the role operator\n  now for no approval\n  runs that are queued already keep what they were queued with\n  takes POLICY_WRITE, which you have, and a reason (-m), which stands in the ledger as POLICY_CHANGE\n";
    assert_eq!(told, wanted);
    assert_eq!(get()["version"], 0);
    for (act, code) in [
        (&["tenant", "approval", "set", "boss", "-m", "x"][..], "INVALID_REQUEST"),
        (&["tenant", "approval", "set", "operator", "--min", "0", "-m", "x"], "INVALID_REQUEST"),
        (&["tenant", "approval", "set", "operator", "--min", "2", "-m", "x"], "INVALID_REQUEST"),
        (&["tenant", "approval", "set", "operator", "-m", "x", "--from-version", "7"], "VERSION_CONFLICT"),
    ] {
        is_refused_alike(&home, act, code);
    }
    let would = dry_json(&home, &set);
    let told = members(&would, ["dryRun", "runApprovalNow", "changes", "version", "right", "record"]);
    assert_eq!(told, json!([true, null, true, 1, "POLICY_WRITE", "POLICY_CHANGE"]));
    home.dvt(&[&set[..], &["-m", "two pairs of eyes"]].concat()).ends(0);
    let now = get();
    assert_eq!(members(&now, ["runApproval", "version"]), members(&would, ["runApproval", "version"]));
    let again = dry_json(&home, &set);
    assert_eq!(members(&again, ["changes", "version"]), json!([false, 1]));
    let remove = dry_json(&home, &["tenant", "approval", "remove"]);
    assert_eq!(members(&remove, ["runApproval", "changes", "version"]), json!([null, true, 2]));
    is_refused_alike(
        &home,
        &["tenant", "approval", "remove", "-m", "x", "--from-version", "7"],
        "VERSION_CONFLICT",
    );
    assert_eq!(get(), now);
    home.dvt(&["audit", "verify"]).ends(0);
}
