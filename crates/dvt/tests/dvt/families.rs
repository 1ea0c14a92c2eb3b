//! Families of metrics that real processes change, each beside a control in which the same thing does not happen.

use crate::home::Home;

/// The number of a series, where it is told.
pub(crate) fn number(text: &str, series: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.map(|number| number.parse().unwrap())
}

/// A command that tells metrics, and how it ended.
pub(crate) fn told(home: &Home, arguments: &[&str], code: i32) -> String {
    let path = home.path("dvt.prom");
    let flags = ["--metrics", path.to_str().unwrap()];
    home.dvt(&[arguments, &flags[..]].concat()).ends(code);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(path).unwrap();
    text
}

#[test]
fn what_is_verified_and_not_valid_is_counted() {
    const FAILURES: &str = "dvt_ledger_verify_failures_total";
    let home = Home::new();
    home.completed_run(&[]);
    let path = home.path("home/config/profile.vkey").display().to_string();
    let shown = home.dvt(&["config", "show", "--output", "json"]).ends(0).json();
    let ledger = shown["ledgerFile"].as_str().unwrap().to_owned();
    let verify = ["audit", "verify", "--ledger", "copy.db", "--keys", &path];
    std::fs::copy(&ledger, home.path("copy.db")).unwrap();
    assert_eq!(number(&told(&home, &verify, 0), FAILURES), None, "control");
    assert_eq!(number(&told(&home, &["store", "check"], 0), FAILURES), None, "control");
    std::fs::write(home.path("proof"), "no proof").unwrap();
    let proof = ["audit", "verify", "--proof", "proof", "--keys", &path];
    assert_eq!(number(&told(&home, &proof, 1), FAILURES), Some(1.0));
    let mut bytes = std::fs::read(&ledger).unwrap();
    let wanted = b"\"decision\":\"GRANTED\"";
    let at = bytes.windows(wanted.len()).position(|window| window == wanted).unwrap();
    bytes[at + 12] = b'g';
    std::fs::write(home.path("copy.db"), &bytes).unwrap();
    assert_eq!(number(&told(&home, &verify, 1), FAILURES), Some(1.0));
    std::fs::write(&ledger, &bytes).unwrap();
    assert_eq!(number(&told(&home, &["store", "check"], 1), FAILURES), Some(1.0));
}

#[test]
fn an_output_that_lies_beside_the_ledger_is_counted_in_bytes() {
    const BYTES: &str = "dvt_step_artifacts_written_bytes_total";
    let home = Home::new();
    let plan = |size: usize| {
        let script = format!("printf '\"%0{size}d\"' 0 > \"$DVT_OUTPUT\"");
        let text =
            format!("apiVersion: dvt/v1\nname: large\nsteps:\n  one:\n    script: |\n      {script}\n");
        home.plan("large", &text)
    };
    let small = plan(60_000);
    assert_eq!(number(&told(&home, &["run", &small, "--allow-host"], 0), BYTES), None, "control");
    let large = plan(100_000);
    let salt_and_quotes = 32.0 + 2.0;
    let bytes = number(&told(&home, &["run", &large, "--allow-host"], 0), BYTES);
    assert_eq!(bytes, Some(100_000.0 + salt_and_quotes));
}

/// A replaced key is young again.
#[cfg(feature = "crash-points")]
#[test]
fn the_data_key_grows_older_until_it_is_replaced() {
    let home = Home::new();
    home.completed_run(&[]);
    let age = |arguments: &[&str], days: &str| {
        let mut command = home.command(&[arguments, &["--metrics", "keys.prom"]].concat());
        crate::home::Told::of(command.env("DVT_TEST_DAYS_LATER", days).output().unwrap()).ends(0);
        let text = std::fs::read_to_string(home.path("keys.prom")).unwrap();
        number(&text, "dvt_keys_rotation_age_seconds").unwrap()
    };
    let days = |days: f64| days * 86_400.0..days * 86_400.0 + 600.0;
    let list = ["runs", "list"];
    assert!(days(0.0).contains(&age(&list, "0")));
    assert!(days(50.0).contains(&age(&list, "50")));
    assert!(days(0.0).contains(&age(&["data", "rotate-keys", "--yes"], "50")));
    assert!(days(0.0).contains(&age(&list, "50")));
}

/// INVARIANT(INV-02): what was a secret on its way out is counted, and told nowhere.
#[test]
fn secrets_are_counted_by_the_way_out_on_which_they_were_found() {
    let secret = concat!("ghp", "_", "16C7e42F292c6912E7710c838347Ae178B4a");
    let hits = |text: &str| {
        ["log", "output", "operational_log"]
            .map(|sink| number(text, &format!("dvt_scrub_hits_total{{sink=\"{sink}\"}}")))
    };
    let home = Home::new();
    // No plan holds one, so the program puts it together.
    let (begin, rest) = secret.split_at(6);
    let script = |end: &str| {
        let text = format!(
            "apiVersion: dvt/v1\nname: telling\nsteps:\n  one:\n    script: |\n      A={begin}\n      B={rest}\n      {end}\n"
        );
        home.plan("telling", &text)
    };
    let run =
        |plan: &str, code| told(&home, &["run", plan, "--allow-host", "--log", "operations.jsonl"], code);
    assert_eq!(hits(&run(&script("echo nothing"), 0)), [None; 3], "control");
    let printed = run(&script("echo \"$A$B and $A$B\"; echo \"$A$B\" >&2"), 0);
    assert_eq!(hits(&printed), [Some(3.0), None, None]);
    let handed_on = run(&script("printf '\"%s\"' \"$A$B\" > \"$DVT_OUTPUT\""), 1);
    assert_eq!(hits(&handed_on), [None, Some(1.0), None]);
    let refused = run(&format!("no-such-{secret}.yaml"), 2);
    assert_eq!(hits(&refused), [None, None, Some(1.0)]);
    for text in [&printed, &handed_on, &refused] {
        assert!(!text.contains(secret), "{text}");
    }
}
