//! How steps end when they do not end by themselves, and that nothing of them is left.

use crate::fixture::{WEAK_WORKER, Worker, program, shell};
use crate::harness::Case;
use crate::process::Watched;
use dvt_model::code::Code;
use dvt_model::failure::FailureCategory;
use dvt_worker::protocol::{FromWorker, Outcome, ToWorker};
use rustix::process::{Pid, Signal, kill_process};
use std::path::Path;
use std::time::{Duration, Instant};

pub(crate) const CASES: &[Case] = &[
    ("endings::the_deadline_takes_the_whole_tree", deadline),
    ("endings::stop_terminates_then_kills", stop),
    ("endings::the_start_is_told_while_a_program_runs_and_before_its_end", told),
    ("endings::without_the_owners_word_nothing_runs", no_word),
    ("endings::a_repeated_dispatch_runs_once", repeated),
    ("endings::end_of_the_engine_takes_daemons_too", engine_gone),
    ("endings::control_without_adoption_the_daemon_survives", control),
    ("endings::shutdown_ends_everything", shutdown),
    ("endings::a_killed_worker_takes_everything", killed_worker),
    ("endings::a_killed_starter_takes_everything", killed_starter),
    ("endings::a_second_worker_waits_for_the_steps_of_the_first", second_worker),
    ("endings::a_worker_that_its_first_step_kills_had_said_hello", killed_by_the_first),
    ("endings::many_steps_at_once", many),
    ("endings::what_a_step_leaves_holds_up_nobody", left_behind),
];

/// Ignores SIGTERM; prints its own number, that of a member of its group and that of a daemon in a session of its own.
const TREE: &str = "trap '' TERM; echo $$; sleep 1000 & echo $!; \
    (setsid sh -c 'trap \"\" TERM; echo $$; exec sleep 1000' &); wait";

/// Starts [`TREE`] and watches its three processes.
fn tree(worker: &mut Worker, name: &str, timeout_ms: u64) -> Vec<Watched> {
    let mut step = shell(name, TREE);
    step.timeout_ms = timeout_ms;
    worker.dispatch(&step);
    let lines = worker.lines(3);
    lines.iter().map(|line| Watched::new(line.parse().unwrap())).collect()
}

fn alive(watched: &[Watched]) -> usize {
    watched.iter().filter(|watched| watched.lives()).count()
}

fn deadline() {
    let mut worker = Worker::ready();
    let begun = Instant::now();
    let watched = tree(&mut worker, "slow", 1500);
    assert_eq!(alive(&watched), 3);
    let (report, _) = worker.report();
    let Outcome::Failed { failure } = report.outcome else { panic!("it cannot complete") };
    assert_eq!((failure.error_code, failure.failure_category), (Code::Timeout, FailureCategory::Timeout));
    assert_eq!(alive(&watched), 0, "told only when nothing is left");
    assert!(begun.elapsed() >= Duration::from_millis(1500) && report.duration_ms >= 1500);
    worker.close();
}

fn told() {
    let mut worker = Worker::ready();
    let long = program("long", &["sleep", "1000"]);
    worker.dispatch(&long);
    let FromWorker::Started { key, pid } = worker.next() else { panic!("it was not told") };
    assert_eq!(key, long.key);
    assert!(Watched::new(pid).lives());
    worker.send(ToWorker::Stop { key, grace_ms: 0 });
    assert!(matches!(worker.report().0.outcome, Outcome::Failed { .. }));
    // One that is over at once is told of all the same, and in the same order.
    let brief = program("brief", &["true"]);
    worker.dispatch(&brief);
    assert!(matches!(worker.next(), FromWorker::Started { key, .. } if key == brief.key));
    assert!(matches!(worker.next(), FromWorker::Report(report) if report.key == brief.key));
    worker.close();
}

fn stop() {
    let mut worker = Worker::ready();
    // Ends in order at SIGTERM, with 0: cancelled all the same.
    let orderly = shell("orderly", "trap 'echo ending; exit 0' TERM; echo up; while :; do sleep 0.05; done");
    worker.dispatch(&orderly);
    assert_eq!(worker.lines(1), ["up"]);
    worker.send(ToWorker::Stop { key: orderly.key.clone(), grace_ms: 20_000 });
    let (report, logs) = worker.report();
    let Outcome::Failed { failure } = report.outcome else { panic!("it was stopped") };
    assert_eq!(failure.error_code, Code::Cancelled);
    assert_eq!(logs.stdout(), "ending\n");
    // Ignores it: killed after the grace.
    let watched = tree(&mut worker, "stubborn", 60_000);
    let mut key = orderly.key.clone();
    key.step_id = dvt_model::id::StepId::parse("stubborn").unwrap();
    worker.send(ToWorker::Stop { key: key.clone(), grace_ms: 300 });
    assert!(
        matches!(worker.report().0.outcome, Outcome::Failed { failure } if failure.error_code == Code::Cancelled)
    );
    assert_eq!(alive(&watched), 0);
    // No grace: at once.
    let watched = tree(&mut worker, "at-once", 60_000);
    key.step_id = dvt_model::id::StepId::parse("at-once").unwrap();
    worker.send(ToWorker::Stop { key, grace_ms: 0 });
    assert!(
        matches!(worker.report().0.outcome, Outcome::Failed { failure } if failure.error_code == Code::Cancelled)
    );
    assert_eq!(alive(&watched), 0);
    worker.close();
}

// INVARIANT(INV-30)
fn no_word() {
    let mut worker = Worker::ready();
    let witness = tempfile::tempdir().unwrap();
    let touched = witness.path().join("touched");
    let mut step = program("touch", &["touch", touched.to_str().unwrap()]);
    step.host_allowed = false;
    let failure = worker.failure(&step);
    assert_eq!(failure.error_code, Code::SandboxUnavailable);
    assert!(!failure.is_transient() && !touched.exists());
    // Control: with the word the same step leaves its mark.
    worker.send(ToWorker::Ack { key: step.key.clone() });
    step.host_allowed = true;
    worker.value(&step);
    assert!(touched.exists());
    worker.close();
}

// INVARIANT(INV-29)
fn repeated() {
    let mut worker = Worker::ready();
    let witness = tempfile::NamedTempFile::new().unwrap();
    let path = witness.path().to_str().unwrap().to_owned();
    let lines = |path: &str| std::fs::read_to_string(path).unwrap().lines().count();
    let step = shell("once", &format!("echo $DVT_TOKEN $$ >> {path}; echo up; sleep 0.3"));
    worker.dispatch(&step);
    worker.lines(1);
    worker.dispatch(&step);
    let (first, _) = worker.report();
    assert_eq!(lines(&path), 1, "ignored while it runs");
    let (again, _) = worker.run(&step);
    assert_eq!(again, first, "answered with the same report");
    assert_eq!(lines(&path), 1);
    // Control: another dispatch of the same attempt is another key, and runs.
    let mut next = step.clone();
    next.key.engine_attempt_id = next.key.engine_attempt_id.next();
    worker.run(&next);
    assert_eq!(lines(&path), 2);
    worker.close();
}

// INVARIANT(INV-29)
fn engine_gone() {
    let mut worker = Worker::ready();
    let watched = tree(&mut worker, "left", 60_000);
    assert_eq!(alive(&watched), 3);
    worker.close();
    assert_eq!(alive(&watched), 0);
}

/// The same with a chain that adopts no orphans: its daemon outlives it, so the case above sees what it says it sees.
fn control() {
    let lock = tempfile::NamedTempFile::new().unwrap();
    let mut worker = Worker::new(WEAK_WORKER, lock.path());
    assert!(matches!(worker.next(), FromWorker::Hello { .. }));
    let watched = tree(&mut worker, "left", 60_000);
    worker.close();
    assert!(watched[..2].iter().all(|watched| watched.ends_within(20)));
    assert!(watched[2].lives());
    watched[2].kill();
    assert!(watched[2].ends_within(20));
}

fn shutdown() {
    let mut worker = Worker::ready();
    let watched = tree(&mut worker, "left", 60_000);
    worker.send(ToWorker::Shutdown);
    while worker.next_or_end().is_some() {}
    worker.close();
    assert_eq!(alive(&watched), 0);
}

fn killed_worker() {
    let mut worker = Worker::ready();
    let watched = tree(&mut worker, "left", 60_000);
    kill(worker.link.pid().unwrap());
    assert!(watched.iter().all(|watched| watched.ends_within(20)), "the starter sees the end of its worker");
    while worker.next_or_end().is_some() {}
}

fn killed_starter() {
    let mut worker = Worker::ready();
    let watched = tree(&mut worker, "left", 60_000);
    let pid = worker.link.pid().unwrap();
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    kill(children.split_ascii_whitespace().next().unwrap().parse().unwrap());
    while worker.next_or_end().is_some() {}
    // The worker ends only after it has ended what it adopted, so that its engine may start another.
    assert_eq!(alive(&watched), 0);
}

// INVARIANT(INV-29)
fn second_worker() {
    let lock = tempfile::NamedTempFile::new().unwrap();
    let hello = |worker: &mut Worker| matches!(worker.next(), FromWorker::Hello { .. });
    let mut first = Worker::new(dvt_worker::WORKER_VERB, lock.path());
    assert!(hello(&mut first));
    let watched = tree(&mut first, "left", 60_000);
    let mut second = Worker::new(dvt_worker::WORKER_VERB, lock.path());
    assert!(second.next_within(Duration::from_secs(1)).is_none(), "the first one's starter holds the lock");
    // What it is given meanwhile waits too, and its time does not run.
    let mut early = shell("early", "echo 1 > $DVT_OUTPUT");
    early.timeout_ms = 500;
    second.dispatch(&early);
    assert!(second.next_within(Duration::from_secs(1)).is_none());
    // A third one that is given up while it waits goes away at once.
    Worker::new(dvt_worker::WORKER_VERB, lock.path()).close();
    // Control: another lock, another installation: no waiting.
    Worker::ready().close();
    assert_eq!(alive(&watched), 3);
    drop(first);
    assert!(hello(&mut second));
    assert_eq!(alive(&watched), 0, "no step of the first is alive by then");
    assert!(matches!(second.report().0.outcome, Outcome::Completed { value } if value == 1));
    second.close();
}

fn many() {
    let mut worker = Worker::ready();
    let steps: Vec<_> = (0..64)
        .map(|number| shell(&format!("s{number}"), "echo $DVT_STEP_ID; echo 7 > $DVT_OUTPUT"))
        .collect();
    steps.iter().for_each(|step| worker.dispatch(step));
    for _ in &steps {
        assert!(matches!(worker.report().0.outcome, Outcome::Completed { value } if value == 7));
    }
    worker.close();
    assert!(Path::new("/proc/self").exists());
}

fn kill(pid: u32) {
    kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), Signal::KILL).unwrap();
}

/// A step leaves a hundred thousand files. While they are removed another one's deadline is kept: it is told first.
fn left_behind() {
    let mut worker = Worker::ready();
    let folder = tempfile::tempdir().unwrap();
    let go = folder.path().join("go");
    let script = format!(
        "i=0; while [ $i -lt 100000 ]; do : > $TMPDIR/$i; i=$((i+1)); done; echo made; \
         until [ -e {} ]; do sleep 0.01; done",
        go.display()
    );
    worker.dispatch(&shell("leaves", &script));
    assert_eq!(worker.lines(1), ["made"]);
    std::fs::write(&go, "").unwrap();
    let mut other = program("other", &["sleep", "1000"]);
    other.timeout_ms = 100;
    worker.dispatch(&other);
    let names = [worker.report().0, worker.report().0].map(|report| report.key.step_id.to_string());
    assert_eq!(names, ["other", "leaves"]);
    worker.close();
}

/// However quick the step and however slow the worker: before its first program runs the engine can know that it was there.
fn killed_by_the_first() {
    for _ in 0..10 {
        let lock = tempfile::NamedTempFile::new().unwrap();
        let mut worker = Worker::new(dvt_worker::WORKER_VERB, lock.path());
        worker.dispatch(&shell("kills", &format!("kill -9 {}", worker.link.pid().unwrap())));
        let mut said_hello = false;
        while let Some(message) = worker.next_or_end() {
            said_hello |= matches!(message, FromWorker::Hello { .. });
        }
        assert!(said_hello);
    }
}
