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
    for script in ["echo '${{ inputs.day }}'", "cat <<END\n      ${{ inputs.day }}\n      END"] {
        let text = format!(
            "apiVersion: dvt/v1\nname: demo\ninputs: {{ day: {{ type: string }} }}\nsteps:\n  load:\n    script: |\n      {script}\n"
        );
        assert_eq!(repaired(&text).text, text);
    }
    // Our word takes a list, and this is none: the guess is tried and not kept.
    let text = "apiVersion: dvt/v1\nname: demo\nsteps: { load: { command: 'load --now' } }\n";
    assert_eq!(repaired(text).text, text);
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
