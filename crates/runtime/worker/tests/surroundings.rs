//! What a step sees: environment, files, descriptors; and what is left of it.

use crate::fixture::{Worker, program, shell};
use crate::harness::Case;
use dvt_model::code::Code;
use dvt_model::digest::Digest;
use dvt_worker::bundle::{Entry, pack};
use dvt_worker::protocol::{Dispatch, Outcome, OutputMode, ToWorker};
use serde_json::json;
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

pub(crate) const CASES: &[Case] = &[
    ("surroundings::the_environment_is_what_is_promised_and_nothing_else", environment),
    ("surroundings::a_name_that_cannot_be_set_is_refused", invalid_names),
    ("surroundings::three_descriptors_and_no_terminal", descriptors),
    ("surroundings::the_files_are_the_working_directory", files),
    ("surroundings::forgotten_files_go_with_the_last_step_that_runs_with_them", forgotten_files),
    ("surroundings::a_bundle_that_lies_or_is_missing_runs_nothing", bad_bundles),
    ("surroundings::what_a_step_writes_is_wiped", wiped),
    ("surroundings::an_untouched_folder_serves_again_and_a_touched_one_does_not", served_again),
];

// INVARIANT(INV-30)
fn environment() {
    // Control: the variable is there for a child of this process that is not a step.
    let control = std::process::Command::new("env").env("CONTROL_OF_THE_PARENT", "1").output().unwrap();
    assert!(String::from_utf8(control.stdout).unwrap().contains("CONTROL_OF_THE_PARENT"));
    assert!(std::env::vars_os().count() > 3, "there is something to leak");
    let mut worker = Worker::ready();
    let mut env = program("env", &["env"]);
    env.output = OutputMode::Lines;
    env.env = vec![
        ("MINE".into(), "a b\nc=d".into()),
        ("PATH".into(), "/evil".into()),
        ("DVT_TOKEN".into(), "forged".into()),
        ("LANG".into(), "de_DE.UTF-8".into()),
    ];
    let found = worker.value(&env);
    let lines: Vec<&str> = found.as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    let folder = lines.iter().find_map(|line| line.strip_prefix("TMPDIR=")).unwrap().to_owned();
    let mut expected = vec![
        "MINE=a b".to_owned(),
        "c=d".to_owned(),
        "LANG=de_DE.UTF-8".to_owned(),
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned(),
        format!("TMPDIR={folder}"),
        format!("HOME={folder}"),
        format!("DVT_OUTPUT={folder}.json"),
        "DVT_RUN_ID=run_01010101-0101-4101-8101-010101010101".to_owned(),
        "DVT_STEP_ID=env".to_owned(),
        "DVT_ATTEMPT=2".to_owned(),
        "DVT_TOKEN=token-of-env".to_owned(),
    ];
    let mut lines: Vec<String> = lines.into_iter().map(str::to_owned).collect();
    lines.sort();
    expected.sort();
    assert_eq!(lines, expected);
    worker.close();
}

fn invalid_names() {
    let mut worker = Worker::ready();
    for (step, name) in [("equals", "A=B"), ("none", ""), ("zero", "A\0B")] {
        let mut dispatch = shell(step, "true");
        dispatch.env = vec![(name.into(), "x".into())];
        assert_eq!(worker.failure(&dispatch).error_code, Code::StepError);
    }
    worker.close();
}

fn descriptors() {
    let mut worker = Worker::ready();
    let script = "for f in /proc/self/fd/*; do [ -e $f ] && echo ${f##*/}; done; (true < /dev/tty) 2>/dev/null || echo no terminal";
    let mut list = shell("list", script);
    list.output = OutputMode::Lines;
    // 10 is the script itself, which the shell holds open while it reads it.
    assert_eq!(worker.value(&list), json!(["0", "1", "10", "2", "no terminal"]));
    worker.close();
}

fn files() {
    let mut worker = Worker::ready();
    let entry = |path: &str, content: &str| Entry {
        path: path.into(),
        executable: path.ends_with(".sh"),
        content: content.as_bytes().to_vec(),
    };
    let (digest, bytes) = pack(vec![
        entry("load.sh", "#!/bin/sh\ncat data/rows.csv > $DVT_OUTPUT\n"),
        entry("data/rows.csv", "[1,2]"),
        entry("large.bin", &"0123456789abcdef".repeat(200_000)),
    ])
    .unwrap();
    worker.send_bundle(digest, &bytes);
    let mut load = program("load", &["./load.sh"]);
    load.files_digest = Some(digest);
    assert_eq!(worker.value(&load), json!([1, 2]));
    let mut modes = program("modes", &["find", ".", "-printf", "%p %m\\n"]);
    modes.files_digest = Some(digest);
    modes.output = OutputMode::Lines;
    let mut found: Vec<String> = serde_json::from_value(worker.value(&modes)).unwrap();
    found.sort();
    assert_eq!(found, [". 500", "./data 500", "./data/rows.csv 400", "./large.bin 400", "./load.sh 500"]);
    let mut none = program("none", &["find", ".", "-printf", "%p %m\\n"]);
    none.output = OutputMode::Lines;
    assert_eq!(worker.value(&none), json!([". 500"]), "a plan without files has an empty folder");
    worker.close();
}

/// Runs steps until it is gone.
fn until_gone(worker: &mut Worker, name: &str, path: &Path) {
    let mut steps = 0;
    while path.exists() {
        steps += 1;
        assert!(steps < 1_000, "{} is there still", path.display());
        worker.value(&program(&format!("{name}{steps}"), &["true"]));
    }
}

fn forgotten_files() {
    let mut worker = Worker::ready();
    let outside = tempfile::tempdir().unwrap();
    let go = outside.path().join("go");
    let (digest, bytes) =
        pack(vec![Entry { path: "deep/data".into(), executable: false, content: b"[1]".to_vec() }]).unwrap();
    worker.send_bundle(digest, &bytes);
    let script =
        format!("pwd; while [ ! -e {} ]; do sleep 0.02; done; cat deep/data > $DVT_OUTPUT", go.display());
    let with_files = |dispatch: Dispatch| Dispatch { files_digest: Some(digest), ..dispatch };
    worker.dispatch(&with_files(shell("long", &script)));
    let first = PathBuf::from(worker.lines(1).remove(0));
    worker.send(ToWorker::Forget { digest });
    let lacking = worker.failure(&with_files(program("lacking", &["true"])));
    assert!(lacking.error_message.contains("did not come"), "control: it is forgotten: {lacking:?}");
    // It comes again while a step still runs with what was forgotten: each has its own.
    worker.send_bundle(digest, &bytes);
    let mut place = with_files(program("place", &["pwd"]));
    place.output = OutputMode::Text;
    let second = PathBuf::from(worker.value(&place).as_str().unwrap());
    assert!(first != second && first.join("deep/data").exists());
    std::fs::write(&go, "").unwrap();
    let (report, _) = worker.report();
    assert_eq!(report.outcome, Outcome::Completed { value: json!([1]) });
    until_gone(&mut worker, "first", &first);
    assert!(second.join("deep/data").exists());
    worker.send(ToWorker::Forget { digest });
    until_gone(&mut worker, "second", &second);
    worker.close();
}

fn bad_bundles() {
    let mut worker = Worker::ready();
    let witness = tempfile::tempdir().unwrap();
    let touched = witness.path().join("touched");
    let (digest, mut bytes) =
        pack(vec![Entry { path: "a".into(), executable: false, content: b"x".to_vec() }]).unwrap();
    let honest = bytes.clone();
    *bytes.last_mut().unwrap() ^= 1;
    let mut step = program("lies", &["touch", touched.to_str().unwrap()]);
    step.files_digest = Some(digest);
    worker.send_bundle(digest, &bytes);
    let (report, logs) = worker.run(&step);
    let Outcome::Failed { failure } = report.outcome else { panic!("it cannot complete") };
    assert!(failure.error_message.contains("did not come"), "{failure:?}");
    assert_eq!(logs.lacks, [digest], "so that it is sent again");
    assert!(!touched.exists());
    // Control: with the honest bytes the same step runs; a refused bundle does not stand in the way of a good one.
    worker.send_bundle(digest, &honest);
    worker.send(ToWorker::Ack { key: step.key.clone() });
    let (report, logs) = worker.run(&step);
    assert!(matches!(report.outcome, Outcome::Completed { .. }), "{report:?}");
    assert!(touched.exists() && logs.lacks.is_empty());
    step.key.step_id = dvt_model::id::StepId::parse("missing").unwrap();
    step.files_digest = Some(Digest::of(b"another"));
    assert!(worker.failure(&step).is_transient());
    worker.close();
}

fn wiped() {
    let mut worker = Worker::ready();
    let fills =
        "echo data > $TMPDIR/left; mkdir $TMPDIR/closed; touch $TMPDIR/closed/x; chmod 0 $TMPDIR/closed";
    // Something else in the place of what stood there.
    let swaps = "rmdir $TMPDIR; ln -s /etc $TMPDIR; mkdir -p $DVT_OUTPUT/deep; mv $0 $0.moved; mkdir $0; mv $0.moved $0";
    let mut root = PathBuf::new();
    for (name, does) in [("fills", fills), ("swaps", swaps)] {
        let mut step = shell(name, &format!("stat -c %a $TMPDIR; echo $TMPDIR; {does}"));
        step.output = OutputMode::Lines;
        let found = worker.value(&step);
        assert_eq!(found[0], "700");
        let folder = PathBuf::from(found[1].as_str().unwrap());
        root = folder.parent().unwrap().to_owned();
        assert!(!folder.is_symlink() && !folder.exists(), "wiped before the report");
        for left in std::fs::read_dir(&root).unwrap().map(Result::unwrap) {
            if left.file_name().to_string_lossy().starts_with("step-") {
                // For a step to come: nothing lies beside such a folder, or in it.
                assert_eq!(left.metadata().unwrap().permissions().mode(), 0o040_700, "{left:?}");
                assert_eq!(std::fs::read_dir(left.path()).unwrap().count(), 0, "{left:?}");
            }
        }
    }
    assert!(PathBuf::from("/etc/passwd").exists());
    worker.close();
    assert!(!root.exists());
}

fn served_again() {
    let mut worker = Worker::ready();
    let mut seen = BTreeSet::new();
    // The folder of a step that lets it be is used again once it is old enough to tell.
    for number in 0.. {
        assert!(number < 10_000, "none of {} folders was used again", seen.len());
        let mut step = shell(&format!("looks{number}"), "stat -c %a $TMPDIR; echo $TMPDIR; ls -A $TMPDIR");
        step.output = OutputMode::Lines;
        let found = worker.value(&step);
        worker.send(ToWorker::Ack { key: step.key.clone() });
        let folder = found[1].as_str().unwrap();
        assert_eq!(found, json!(["700", folder]));
        if !seen.insert(folder.to_owned()) {
            break;
        }
    }
    // One that was touched is not, however little is to be seen of it.
    for number in 0..20 {
        let touches = "echo $TMPDIR; touch $TMPDIR/x; rm $TMPDIR/x";
        let mut step = shell(&format!("touches{number}"), touches);
        step.output = OutputMode::Text;
        let folder = PathBuf::from(worker.value(&step).as_str().unwrap());
        assert!(!folder.exists());
    }
    worker.close();
}
