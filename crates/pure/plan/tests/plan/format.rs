//! `dvt fmt`: what the layout is, that nothing is lost, that a second pass changes nothing, and what is refused.

use crate::catalogue;
use dvt_plan::format::{Layout, format};
use std::path::{Path, PathBuf};

const WRITTEN: &str = "\
\u{feff}# nightly
apiVersion:   dvt/v1   # the language


name : demo
inputs: {day: {type: string,pattern: '^[0-9]+$'} , list: [1 ,2,]}  # as digits
steps:
    # about load
    load:   # first
        script: |
            # of the day
              ./load --day

            done

        env:
            DAY:   '${{ inputs.day }}'
        # the end of load
    check:
        needs:
        - load
        -   other   # last
        with: {a: [
             1,   # one
             2
        ], b: {}}
        description: words
           that go on
        title: \"two
            lines\\
            three\"
    other:
        run:
        -   echo
        - >2
            folded
        with:
        - - x
          -   y
        -   k: 1
            l:
              - z
    # the end of steps
# the end\t
";

const LAID_OUT: &str = "\
# nightly
apiVersion: dvt/v1   # the language

name: demo
inputs: { day: { type: string, pattern: '^[0-9]+$' }, list: [1, 2] }  # as digits
steps:
  # about load
  load:   # first
    script: |
      # of the day
        ./load --day

      done

    env:
      DAY: '${{ inputs.day }}'
    # the end of load
  check:
    needs:
      - load
      - other   # last
    with: {a: [
         1,   # one
         2
    ], b: {}}
    description: words
       that go on
    title: \"two
        lines\\
        three\"
  other:
    run:
      - echo
      - >2
          folded
    with:
      - - x
        - y
      - k: 1
        l:
          - z
  # the end of steps
# the end
";

#[test]
fn the_layout() {
    let found = format(WRITTEN).unwrap();
    assert_eq!(found.text, LAID_OUT);
    assert_eq!(found.layout, Layout::Whole);
    assert_eq!(format(LAID_OUT).unwrap().text, LAID_OUT);
    assert_eq!(format(&WRITTEN.replace('\n', "\r\n")).unwrap().text, LAID_OUT);
}

#[test]
fn the_layout_of_json() {
    let found = format(
        "{\"apiVersion\":\"dvt/v1\",\"name\":\"a\\u0062\",\n\"steps\":{\"x\":{\"run\":[\"echo\",1.0]}},\"tags\":[]}",
    );
    let expected = "{\n  \"apiVersion\": \"dvt/v1\",\n  \"name\": \"a\\u0062\",\n  \"steps\": {\n    \"x\": {\n      \"run\": [\"echo\", 1.0]\n    }\n  },\n  \"tags\": []\n}\n";
    assert_eq!(found.unwrap().text, expected);
}

#[test]
fn what_is_not_moved_keeps_its_lines() {
    let text = "a: &x   \n   b: 1\n\n\n\nc: *x\nd: |+\n    text  \n\n\n";
    let found = format(text).unwrap();
    assert_eq!(found.layout, Layout::Lines);
    assert_eq!(found.text, "a: &x\n   b: 1\n\nc: *x\nd: |+\n    text  \n\n\n");
    for text in ["? a\n: b\n", "--- \na: 1\n", "a: !!str 1\n"] {
        let same = format(text).map(|found| found.layout);
        assert!(same.is_err() || same == Ok(Layout::Lines), "{text}: {same:?}");
    }
}

#[test]
fn what_cannot_be_read_is_refused_with_its_place() {
    for (text, code) in
        [("a: [1", "DVT-P001"), ("a: 1\na: 2\n", "DVT-P002"), ("a: .inf\n", "DVT-P004"), ("", "DVT-P001")]
    {
        let told = format(text).unwrap_err();
        assert_eq!(told.first().map(|one| one.code.to_string()).as_deref(), Some(code), "{text}");
    }
}

/// ADR 82: a layout is of the text; what is wrong with the plan is told by lint, before and after in the same words.
#[test]
fn a_wrong_plan_is_laid_out_and_stays_as_wrong_as_it_was() {
    let text = "apiVersion:   dvt/v1\nname: a\nsteps:\n    load:\n        need: [gone]\n        run:   [echo, '${{ inputs.gone }}']\n";
    let found = format(text).unwrap();
    assert_eq!(found.layout, Layout::Whole);
    assert_ne!(found.text, text);
    let told = |text: &str| -> Vec<(String, String)> {
        let all = crate::lint("plan.yaml", text).diagnostics;
        all.into_iter().map(|one| (one.code, one.message)).collect()
    };
    assert!(told(text).len() >= 2, "{:?}", told(text));
    assert_eq!(told(&found.text), told(text));
}

/// Everything in a folder and below it that ends so.
pub(crate) fn below(folder: &Path, ending: &str, found: &mut Vec<(PathBuf, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            below(&path, ending, found);
        } else if path.extension().is_some_and(|own| own == ending) {
            found.push((path.clone(), std::fs::read_to_string(&path).unwrap()));
        }
    }
}

/// The digest of a plan that is one, and what is said of it without places.
fn meaning(text: &str) -> (Option<String>, Vec<String>) {
    let outcome = crate::lint("plan.yaml", text);
    let told = outcome.diagnostics.iter().map(|one| format!("{} {}", one.code, one.message));
    let mut told: Vec<String> = told.collect();
    told.sort();
    (outcome.checked.map(|checked| checked.digest().to_string()), told)
}

/// All plans that we have, each also damaged in its layout: the digest stays, a second pass changes nothing.
#[test]
fn no_plan_loses_its_meaning() {
    let mut all = catalogue("accepted", &["yaml", "json"]);
    all.extend(catalogue("refused", &["yaml"]));
    all.extend(catalogue("children", &["yaml"]));
    below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../examples"), "yaml", &mut all);
    let (mut laid_out, mut changed, mut digests, mut unread, mut kept) = (0, 0, 0, 0, Vec::new());
    for (path, text) in &all {
        let wide: String = text
            .lines()
            .map(|line| format!("{}{line}  \r\n", &line[..line.len() - line.trim_start().len()]))
            .collect();
        for text in [text, &wide] {
            let Ok(found) = format(text) else {
                unread += 1;
                continue;
            };
            laid_out += 1;
            changed += usize::from(found.text != *text);
            let (before, after) = (meaning(text), meaning(&found.text));
            assert_eq!(before, after, "{}", path.display());
            digests += usize::from(before.0.is_some());
            assert_eq!(format(&found.text).unwrap(), found, "{}", path.display());
            if found.layout != Layout::Whole {
                kept.push(path.file_name().unwrap().to_string_lossy().into_owned());
            }
        }
    }
    kept.dedup();
    println!(
        "fmt: {laid_out} texts laid out, {changed} changed, {digests} digests compared, {unread} unreadable, indentation kept: {kept:?}"
    );
    assert!(laid_out > 100 && changed > 50 && digests > 20 && unread > 5 && kept.len() < 12);
}
