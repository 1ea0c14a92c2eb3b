//! A value that would be code, in a script that was imported and is really run: it does nothing.
//!
//! The control runs what the other product would have run, the value pasted into the script: there each script is taken.

use dvt_import::github;
use dvt_plan::diagnostic::Source;
use dvt_plan::plan::Form;
use std::path::Path;
use std::process::{Command, Stdio};

const VALUE: &str = "${{ github.event.issue.title }}";

/// Scripts, with `@` where the value stands.
const SCRIPTS: [&str; 12] = [
    "echo @",
    "echo \"title: @\"",
    "echo 'title: @'",
    "x=$(( @ + 1 ))\necho \"$x\"",
    "(( @ > 1 )) || true",
    "[[ @ -gt 3 ]] || true",
    "[[ 3 -gt \"@\" ]] || true",
    "let \"x=@\" || true",
    "declare -a a\na[@]=1",
    "cat <<EOF\n@\nEOF",
    "echo \"$(basename -- \"@\")\"",
    "for word in @; do echo \"$word\"; done",
];

const VALUES: [&str; 9] = [
    "$(touch taken)",
    "`touch taken`",
    "'; touch taken; '",
    "\"; touch taken; \"",
    "; touch taken #",
    "a[$(touch taken)]",
    "1 ]]; touch taken; [[ 1",
    "x\nEOF\ntouch taken\ncat <<EOF",
    "1))\ntouch taken\n((1",
];

/// Runs a script as a step would; whether it did what the value says.
fn is_taken(script: &str, environment: &[(String, String)]) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let mut bash = Command::new("bash");
    bash.args(["-c", script])
        .current_dir(&folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    bash.env_clear().env("PATH", "/usr/bin:/bin").envs(environment.iter().cloned());
    bash.status().unwrap();
    Path::new(folder.path()).join("taken").exists()
}

/// The script that was imported, and the name of the variable that holds the value.
fn imported(script: &str) -> (String, String) {
    let script = script.replace('@', VALUE);
    let workflow =
        serde_json::json!({"on": "push", "jobs": {"a": {"steps": [{"run": script, "shell": "bash"}]}}});
    let text = github::import(&workflow.to_string()).unwrap().text("workflow");
    let outcome = dvt_plan::check(&Source { name: "plan.yaml".to_owned(), text: text.clone() });
    let checked = outcome.checked.unwrap_or_else(|| panic!("{:#?}\n{text}", outcome.diagnostics));
    let step = checked.plan.steps.values().next().unwrap();
    let Form::Script { text, .. } = &step.form else { panic!("{text}") };
    let names: Vec<&String> = step.env.keys().collect();
    let [name] = names.as_slice() else { panic!("{names:?}") };
    (text.clone(), (*name).clone())
}

#[test]
fn a_value_in_an_imported_script_is_never_run() {
    let mut ran = 0;
    for script in SCRIPTS {
        let (text, name) = imported(script);
        let pasted = VALUES.iter().filter(|value| is_taken(&script.replace('@', value), &[])).count();
        assert!(pasted > 0, "the control: no value takes `{script}` where it is pasted");
        for value in VALUES {
            assert!(!is_taken(&text, &[(name.clone(), value.to_owned())]), "`{value}` took\n{text}");
            ran += 1;
        }
    }
    println!("{ran} scripts with hostile values run, none taken");
}

#[test]
fn a_quoted_variable_alone_would_not_do_where_a_shell_reckons() {
    let value = [("VALUE".to_owned(), "a[$(touch taken)]".to_owned())];
    for script in
        ["x=$(( VALUE + 1 ))", "[[ \"${VALUE}\" -gt 3 ]]", "let x=\"${VALUE}\"", "a[\"${VALUE}\"]=1"]
    {
        assert!(is_taken(script, &value), "{script}");
    }
}
