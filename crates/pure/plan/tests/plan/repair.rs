//! `--fix`: what is mended, that comments stay, that a second repair does nothing, and that a wrong guess is not written.

use crate::{catalogue, lint};
use dvt_plan::diagnostic::{Severity, Source};
use dvt_plan::repair::{Repaired, repair};

fn repaired(text: &str) -> Repaired {
    let source = Source { name: "plan.yaml".to_owned(), text: text.to_owned() };
    let first = repair(&source);
    let again = repair(&Source { name: "plan.yaml".to_owned(), text: first.text.clone() });
    assert_eq!(again.done, Vec::<String>::new(), "a second repair does nothing:\n{}", first.text);
    assert_eq!(again.text, first.text);
    first
}

#[test]
fn foreign_words_expressions_in_scripts_and_files() {
    let text = "\
# nightly
apiVersion: dvt/v1
name: demo
inputs: { day: { type: string, pattern: '^[0-9]+$' } }   # as digits
steps:
  load:   # first
    script: |
      # of the day
      ./load --day ${{ inputs.day }} --title \"day ${{ inputs.day }}\"
    timeout-minutes: 10
  check:
    depends_on: [load]   # then
    run: [python3, check.py]
    continue-on-error: true
";
    let expected = "\
# nightly
apiVersion: dvt/v1
name: demo
inputs: { day: { type: string, pattern: '^[0-9]+$' } }   # as digits
files: ['check.py']
steps:
  load:   # first
    env: { VALUE_DAY: '${{ inputs.day }}' }
    script: |
      # of the day
      ./load --day \"${VALUE_DAY}\" --title \"day ${VALUE_DAY}\"
    timeout: 10m
  check:
    needs: [load]   # then
    run: [python3, check.py]
    continueOnError: true
";
    // `day` is three letters long, and so its name is its own.
    let expected = expected.replace("VALUE_DAY", "DAY");
    let found = repaired(text);
    assert_eq!(found.text, expected);
    assert!(lint("plan.yaml", &found.text).checked.is_some());
    assert_eq!(found.done.len(), 6, "{:?}", found.done);
}

#[test]
fn what_has_no_safe_way_out_stays() {
    for script in [
        "echo '${{ inputs.day }}'",
        "cat <<END\n      ${{ inputs.day }}\n      END",
        "echo \"$(ls ${{ inputs.day }})\"",
        "eval load ${{ inputs.day }}",
        "echo $((${{ inputs.day }} + 1))",
        "${{ inputs.day }} --now",
        "true; ${{ inputs.day }}",
        "bash -euc \"echo ${{ inputs.day }}\"",
        "bash -c \"\n        echo ${{ inputs.day }}\"",
        "perl -e \"print '${{ inputs.day }}'\"",
        "node --eval=\"${{ inputs.day }}\"",
        "mysql -e \"select ${{ inputs.day }}\"",
        "awk \"BEGIN { print ${{ inputs.day }} }\"",
        "ssh host \"ls ${{ inputs.day }}\"",
        "perl -pe 1 \"${{ inputs.day }}\"",
        "python3 -m timeit \"${{ inputs.day }}\"",
        "env A=1 \"${{ inputs.day }}\"",
        "script -qc \"${{ inputs.day }}\" x",
        "git clone --upload-pack=\"${{ inputs.day }}\" x",
        "make DAY=\"${{ inputs.day }}\"",
        "tar -xf x --to-command=\"${{ inputs.day }}\"",
        "sort --compress-program=\"${{ inputs.day }}\" x",
        "split --filter=\"${{ inputs.day }}\" x",
        "jq \".${{ inputs.day }}\" x",
        "redis-cli eval \"${{ inputs.day }}\" 0",
        "bq query \"select ${{ inputs.day }}\"",
        "mysqldump --where=\"day = ${{ inputs.day }}\" x",
        "declare -i n=${{ inputs.day }}",
        "n=${{ inputs.day }}; eval \"$n\"",
        "arr[${{ inputs.day }}]=1",
        "test -v ${{ inputs.day }}",
        "echo ${x[${{ inputs.day }}]}",
        "echo ${{ inputs.day }} | sh",
        "f() { eval \"$1\"; }; f ${{ inputs.day }}",
    ] {
        let text = format!(
            "apiVersion: dvt/v1\nname: demo\ninputs: {{ day: {{ type: string }} }}\nsteps:\n  load:\n    script: |\n      {script}\n"
        );
        assert_eq!(repaired(&text).text, text);
    }
    // Our word takes a list, and this is none: the guess is tried and not kept.
    let text = "apiVersion: dvt/v1\nname: demo\nsteps: { load: { command: 'load --now' } }\n";
    assert_eq!(repaired(text).text, text);
}

/// The repaired script says the same, whatever quotes are around it in the shell and in YAML; and no value is split.
#[test]
fn what_a_script_reads_stays_between_its_quotes() {
    for (before, after) in [
        ("script: \"load ${{ inputs.day }}\"", "script: \"load \\\"${DAY}\\\"\""),
        ("script: \"load \\\"a ${{ inputs.day }}\\\"\"", "script: \"load \\\"a ${DAY}\\\"\""),
        ("script: 'load ${{ inputs.day }}'", "script: 'load \"${DAY}\"'"),
        ("script: load ${{ inputs.day }}", "script: load \"${DAY}\""),
        (
            "script: |\n      echo \"first\n      ${{ inputs.day }} last\"",
            "script: |\n      echo \"first\n      ${DAY} last\"",
        ),
        (
            "script: |\n      # don't\n      load ${{ inputs.day }}",
            "script: |\n      # don't\n      load \"${DAY}\"",
        ),
        ("run: [bash, -ec, 'load ${{ inputs.day }}']", "run: [bash, -ec, 'load \"${DAY}\"']"),
    ] {
        let head = "apiVersion: dvt/v1\nname: demo\ninputs: { day: { type: string } }\nsteps:\n";
        let found = repaired(&format!("{head}  load:\n    {before}\n"));
        assert_eq!(
            found.text,
            format!("{head}  load:\n    env: {{ DAY: '${{{{ inputs.day }}}}' }}\n    {after}\n")
        );
        assert!(lint("plan.yaml", &found.text).checked.is_some());
    }
}

#[test]
fn what_runs_at_the_end_and_what_undoes_is_mended_too() {
    let text = "\
apiVersion: dvt/v1
name: demo
inputs: { day: { type: string } }
steps:
  load:
    run: [load]
    compensate:
      script: unload ${{ inputs.day }}
finally:
  tell:
    script: tell ${{ run.status }}
";
    let found = repaired(text);
    let expected = text
        .replace(
            "      script: unload ${{ inputs.day }}",
            "      env: { DAY: '${{ inputs.day }}' }\n      script: unload \"${DAY}\"",
        )
        .replace(
            "    script: tell ${{ run.status }}",
            "    env: { STATUS: '${{ run.status }}' }\n    script: tell \"${STATUS}\"",
        );
    assert_eq!(found.text, expected);
    assert!(lint("plan.yaml", &found.text).checked.is_some());
}

/// Three attempts are two retries.
#[test]
fn attempts_become_retries() {
    let text = |retry: &str| {
        format!(
            "apiVersion: dvt/v1\nname: demo\nsteps: {{ load: {{ run: [load], retry: {{ {retry} }} }} }}\n"
        )
    };
    assert_eq!(repaired(&text("maxAttempts: 3")).text, text("max: 2"));
    assert_eq!(repaired(&text("limit: 3")).text, text("max: 3"));
    assert_eq!(repaired(&text("max_attempts: 0")).text, text("max_attempts: 0"));
}

#[test]
fn permissions_are_narrowed_and_never_widened() {
    for (before, after) in [
        ("permissions: { secrets: [warehouse/dsn] }", "permissions: { secrets: [] }"),
        (
            "permissions:\n  secrets:   # none yet\n    - warehouse/dsn\n",
            "permissions:\n  secrets: []   # none yet\n",
        ),
    ] {
        let text = |part: &str| {
            format!(
                "apiVersion: dvt/v1\nname: demo\n{part}\nsteps: {{ load: {{ run: [load], timeout: 1m }} }}\n"
            )
        };
        assert_eq!(repaired(&text(before)).text, text(after));
    }
    let used =
        "apiVersion: dvt/v1\nname: demo\nsteps: { load: { run: [load], secrets: { DSN: warehouse/dsn } } }\n";
    assert_eq!(repaired(used).text, used);
}

/// Whatever is refused: the repaired text has no more errors than before, and a second repair does nothing.
#[test]
fn the_refused_catalogue_is_never_made_worse() {
    let errors = |text: &str| {
        let told = lint("plan.yaml", text).diagnostics;
        told.iter().filter(|one| one.severity == Severity::Error).count()
    };
    let (mut mended, mut tried) = (0, 0);
    for (path, text) in catalogue("refused", &["yaml"]) {
        let found = repaired(&text);
        tried += 1;
        mended += usize::from(!found.done.is_empty());
        assert!(errors(&found.text) <= errors(&text), "{}", path.display());
    }
    println!("repair: {mended} of {tried} refused plans are mended in some part");
    assert!(mended >= 3);
}

/// A word that says more there than ours says here stays, with its error.
#[test]
fn what_would_mean_something_else_stays() {
    for step in [
        "run: [x], matrix: { os: [linux, mac], exclude: [{ os: mac }] }",
        "run: [x], matrix: { os: [linux], include: [{ os: bsd }] }",
        "run: [x], strategy: { matrix: { os: [linux, mac] } }",
        "args: [rm, -rf, x]",
        "arguments: [rm, -rf, x]",
    ] {
        let text = format!("apiVersion: dvt/v1\nname: demo\nsteps: {{ a: {{ {step}, timeout: 1m }} }}\n");
        assert_eq!(repaired(&text).text, text);
    }
    let text = |word: &str| {
        format!(
            "apiVersion: dvt/v1\nname: demo\nsteps: {{ a: {{ run: [x], timeout: 1m, {word}: {{ os: [a] }} }} }}\n"
        )
    };
    assert_eq!(repaired(&text("matrix")).text, text("foreach"), "control");
}

#[test]
fn what_was_json_is_json_afterwards() {
    for (text, path, expected) in [
        (
            r#"{"apiVersion": "dvt/v1", "name": "demo", "jobs": {"a": {"run": ["x"], "timeout": "1m"}}}"#,
            "/steps/a/timeout",
            "1m",
        ),
        (
            r#"{"apiVersion": "dvt/v1", "name": "demo", "steps": {"a": {"run": ["x"], "timeout-minutes": 5}}}"#,
            "/steps/a/timeout",
            "5m",
        ),
    ] {
        let found = repaired(text);
        let value: serde_json::Value = serde_json::from_str(&found.text).unwrap();
        assert_eq!(value.pointer(path).unwrap(), expected, "{}", found.text);
    }
    // What a repair cannot write as JSON stays.
    let text = r#"{"apiVersion": "dvt/v1", "name": "demo", "inputs": {"day": {"type": "string"}}, "steps": {"a": {"script": "load ${{ inputs.day }}", "timeout": "1m"}}}"#;
    assert_eq!(repaired(text).text, text);
}

/// A variable that the shell or a loader reads itself is not made, and neither one that the script sets.
#[test]
fn a_variable_of_a_repair_is_its_own() {
    let text = |script: &str| {
        format!(
            "apiVersion: dvt/v1\nname: demo\ninputs: {{ bash_env: {{ type: string }}, day: {{ type: string }} }}\nsteps:\n  a:\n    script: |\n      {script}\n    timeout: 1m\n"
        )
    };
    assert!(repaired(&text("load ${{ inputs.bash_env }}")).text.contains("VALUE_BASH_ENV: '${{"));
    for script in [
        "DAY=today; load",
        "while read -r DAY; do load; done < days; load",
        "mapfile -t DAY < days; load",
        "printf -v DAY %s x; load",
        "unset DAY; load",
        "load $DAY",
    ] {
        let found = repaired(&text(&format!("{script} ${{{{ inputs.day }}}}"))).text;
        assert!(found.contains("DAY_2: '${{"), "{found}");
    }
    for script in ["load --MONDAY $DAYS ${{ inputs.day }}", "load ${{ inputs.day }} ${{ inputs.day }}"] {
        let found = repaired(&text(script)).text;
        assert!(found.contains("{ DAY: '${{"), "{found}");
    }
}

/// What stands behind an anchor is read in other places, too: a change for one of them would be a change of all.
#[test]
fn what_an_alias_stands_for_stays() {
    let shared = "\
apiVersion: dvt/v1
name: demo
inputs: { day: { type: string } }
steps:
  one: { script: &s \"echo ${{ inputs.day }}\" }
  two: { script: *s }
  three: &step { script: \"echo ${{ inputs.day }}\" }
  four: *step
";
    let found = repaired(shared);
    assert_eq!(found.text, shared, "{:?}", found.done);
    // Control: without the aliases both are mended.
    let own = shared.replace("  two: { script: *s }\n", "").replace("  four: *step\n", "");
    assert_eq!(repaired(&own).done.len(), 2);
}

/// However many faults there are: all are mended, and one that cannot be does not keep the others from it.
#[test]
fn a_thousand_faults_are_mended_but_for_the_one_that_cannot_be() {
    let plan = |odd: &str, word: &str| {
        let step = |number: usize| match number {
            617 => format!("  s617: {{ {odd} }}\n"),
            _ => format!("  s{number}:\n    run: [load]\n    {word}\n"),
        };
        let steps: String = (0..1_000).map(step).collect();
        format!("apiVersion: dvt/v1\nname: demo\nsteps:\n{steps}")
    };
    for odd in ["run: [load], timeout: 10m", "command: 'load --now', timeout: 10m"] {
        let found = repair(&Source { name: String::new(), text: plan(odd, "timeout-minutes: 10") });
        assert!(found.text == plan(odd, "timeout: 10m"), "{} mended", found.done.len());
        assert_eq!(found.done.len(), 999);
    }
}

/// A mapping or a list of an alias takes no further entry, before its first one or behind its last one.
#[test]
fn what_an_alias_stands_for_takes_no_more_entries() {
    let env = "\
apiVersion: dvt/v1
name: demo
inputs: { day: { type: string } }
steps:
  one:
    env: &e
      A: b
    script: echo ${{ inputs.day }}
    timeout: 1m
  two:
    env: *e
    script: env
    timeout: 1m
";
    let files = "\
apiVersion: dvt/v1
name: demo
files: &f
  - a.txt
steps:
  one: { run: [python3, check.py], env: { A: *f }, timeout: 1m }
";
    for (shared, alias) in [(env, "env: *e"), (files, "A: *f")] {
        let found = repaired(shared);
        assert_eq!(found.text, shared, "{:?}", found.done);
        let own = shared.replace(alias, &alias.replace('*', "a"));
        assert_eq!(repaired(&own.replace("env: ae", "env: {}")).done.len(), 1, "control");
    }
}

/// Minutes that are no whole ones are told in seconds, and what is known in the run alone stays.
#[test]
fn a_duration_is_what_it_was() {
    let text = |word: &str| {
        format!(
            "apiVersion: dvt/v1\nname: demo\ninputs: {{ n: {{ type: integer }} }}\nsteps: {{ a: {{ run: [x], {word} }} }}\n"
        )
    };
    for (before, after) in [
        ("timeout-minutes: 1.5", "timeout: 90s"),
        ("timeout-minutes: 2", "timeout: 2m"),
        ("timeout_seconds: 0.25", "timeout: 250ms"),
        ("timeout-minutes: '${{ inputs.n }}'", "timeout-minutes: '${{ inputs.n }}'"),
        ("timeout-minutes: soon", "timeout-minutes: soon"),
        ("timeout-minutes: 0.00001", "timeout-minutes: 0.00001"),
        ("timeout-minutes: -1", "timeout-minutes: -1"),
    ] {
        assert_eq!(repaired(&text(before)).text, text(after));
    }
}

/// A text keeps the breaks of its lines.
#[test]
fn the_breaks_of_lines_stay_what_they_are() {
    let text = "\
apiVersion: dvt/v1
name: demo
inputs: { day: { type: string } }
steps:
  one: { run: [python3, check.py], timeout: 1m }
  two:
    script: echo ${{ inputs.day }}
    timeout: 1m
  three:
    env:
      A: b
    script: echo ${{ inputs.day }}
    timeout: 1m
";
    let with_list = text.replace("steps:\n", "files:\n  - a.txt\nsteps:\n");
    for text in [text, &with_list] {
        let found = repaired(&text.replace('\n', "\r\n"));
        assert_eq!(found.done.len(), 3, "{:?}", found.done);
        assert_eq!(found.text.matches('\n').count(), found.text.matches("\r\n").count(), "{:?}", found.text);
        assert_eq!(found.text.replace("\r\n", "\n"), repaired(text).text);
    }
}
