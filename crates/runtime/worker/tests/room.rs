//! What a worker may have at once: logs that are on their way, steps, open files.

use crate::fixture::{Worker, shell};
use crate::harness::Case;
use dvt_model::code::Code;
use dvt_worker::protocol::{CAPACITY, FromWorker, LOG_ROOM, Outcome, ToWorker};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
use std::path::PathBuf;
use std::process::Command;

pub(crate) const CASES: &[Case] = &[
    ("room::logs_that_nobody_keeps_hold_up_their_step_alone", unkept_logs),
    ("room::more_steps_than_slots_are_refused", beyond_capacity),
    ("room::what_dead_workers_left_goes_while_others_work", left_by_the_dead),
    ("room::a_worker_has_all_open_files_and_its_steps_no_more_than_before", open_files),
];

/// What came until the report of the step with this name.
fn until_report(worker: &mut Worker, name: &str) -> Vec<FromWorker> {
    let mut came = Vec::new();
    loop {
        match worker.next() {
            FromWorker::Report(report) if report.key.step_id.to_string() == name => {
                assert!(matches!(report.outcome, Outcome::Completed { .. }), "{report:?}");
                return came;
            }
            message => came.push(message),
        }
    }
}

fn logged(came: &[FromWorker], name: &str) -> (usize, usize) {
    let bodies = came.iter().filter_map(|message| match message {
        FromWorker::Log { key, body, .. } if key.step_id.to_string() == name => Some(body.len()),
        _ => None,
    });
    bodies.fold((0, 0), |(messages, bytes), length| (messages + 1, bytes + length))
}

fn unkept_logs() {
    const BYTES: usize = 4 << 20;
    let mut worker = Worker::ready();
    worker.keeps = false;
    let loud = shell("loud", &format!("yes | head -c {BYTES}"));
    worker.dispatch(&loud);
    let room = usize::try_from(LOG_ROOM).unwrap();
    let mut came = Vec::new();
    while logged(&came, "loud").0 < room {
        came.push(worker.next());
    }
    // Others go on, and what they log is their own.
    for name in ["first", "second"] {
        worker.dispatch(&shell(name, "echo a line"));
        let others = until_report(&mut worker, name);
        assert_eq!((logged(&others, name), logged(&others, "loud")), ((1, 7), (0, 0)));
    }
    // As much as is kept may follow, and no more.
    worker.send(ToWorker::Kept { key: loud.key.clone(), messages: 2 });
    let mut more = Vec::new();
    while logged(&more, "loud").0 < 2 {
        more.push(worker.next());
    }
    worker.dispatch(&shell("third", "echo a line"));
    assert_eq!(logged(&until_report(&mut worker, "third"), "loud"), (0, 0));
    came.append(&mut more);
    worker.keeps = true;
    worker.send(ToWorker::Kept { key: loud.key, messages: LOG_ROOM });
    came.append(&mut until_report(&mut worker, "loud"));
    assert_eq!(logged(&came, "loud").1, BYTES, "nothing is lost");
    worker.close();
}

fn beyond_capacity() {
    let mut worker = Worker::ready();
    let folder = tempfile::tempdir().unwrap();
    let go = folder.path().join("go");
    let waits = format!("while [ ! -e {} ]; do sleep 0.02; done", go.display());
    for number in 0..CAPACITY {
        worker.dispatch(&shell(&format!("s{number}"), &waits));
    }
    let more = shell("more", "true");
    for _ in 0..2 {
        // The same again has the same answer until it is acknowledged.
        let failure = worker.failure(&more);
        assert_eq!((failure.error_code, failure.retryable), (Code::StepError, true));
        assert!(failure.error_message.contains("64 slots"), "{failure:?}");
    }
    worker.send(ToWorker::Ack { key: more.key.clone() });
    std::fs::write(&go, "").unwrap();
    for _ in 0..CAPACITY {
        assert!(matches!(worker.report().0.outcome, Outcome::Completed { .. }));
    }
    // Control: with a slot free it is begun.
    assert_eq!(worker.value(&more), json!(null));
    worker.close();
}

fn open_files() {
    let held = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(300), ..held }).unwrap();
    let mut worker = Worker::ready();
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", worker.link.pid().unwrap())).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let words: Vec<_> = line.split_whitespace().collect();
    let of_step = worker.value(&shell("limit", "ulimit -n > $DVT_OUTPUT"));
    worker.close();
    setrlimit(Resource::Nofile, held).unwrap();
    assert_eq!(words[3], words[4], "as many as it may have");
    assert_eq!(of_step, json!(300));
}

/// Set in a process that runs the case alone, where no other worker of this machine removes anything.
const ALONE: &str = "DVT_TEST_BASE";

fn left_by_the_dead() {
    let Some(base) = std::env::var_os(ALONE).map(PathBuf::from) else {
        let base = tempfile::tempdir().unwrap();
        let mut own = Command::new("/proc/self/exe");
        own.arg("room::what_dead_workers_left").env(ALONE, base.path());
        let told = own.env("TMPDIR", base.path()).env_remove("XDG_RUNTIME_DIR").output().unwrap();
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
        return;
    };
    let left = base.join("dvt-worker-left");
    std::fs::create_dir_all(left.join("files-1/deep")).unwrap();
    std::fs::write(left.join("lock"), "").unwrap();
    let mut worker = Worker::ready();
    let mut steps = 0;
    while left.exists() {
        steps += 1;
        assert!(steps < 1_000, "it is there still");
        worker.value(&shell(&format!("s{steps}"), "true"));
    }
    worker.close();
}
