//! An engine's place in the tests: a link to a worker of this binary, and dispatches.

use dvt_model::attempt::{EngineAttemptId, LogicalAttemptId};
use dvt_model::digest::Digest;
use dvt_model::failure::Failure;
use dvt_model::id::{RunId, StepId};
use dvt_worker::Link;
use dvt_worker::link::Incoming;
use dvt_worker::protocol::{
    CAPACITY, DEFAULT_LOG_BUDGET_BYTES, Dispatch, FromWorker, Key, Outcome, OutputMode, Program, Report,
    Shell, Stream, ToWorker, VERSION,
};
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::time::timeout;

pub(crate) const WEAK_WORKER: &str = "__worker-without-adoption";
pub(crate) const WEAK_STARTER: &str = "__starter-without-adoption";

/// Far more than anything here takes; only a failing test waits that long.
const PATIENCE: Duration = Duration::from_secs(30);

/// A worker under test.
pub(crate) struct Worker {
    pub(crate) runtime: Runtime,
    pub(crate) link: Link,
    incoming: Incoming,
    /// Whether what steps log is kept as it comes.
    pub(crate) keeps: bool,
}

impl Worker {
    /// Ready, on a lock of its own.
    pub(crate) fn ready() -> Self {
        let lock = tempfile::NamedTempFile::new().unwrap();
        let mut worker = Self::new(dvt_worker::WORKER_VERB, lock.path());
        let FromWorker::Hello { worker_id, tiers, capacity } = worker.next() else { panic!("no hello") };
        assert_eq!(worker_id, format!("embedded-{}", worker.link.pid().unwrap()));
        assert_eq!((tiers, capacity), (vec!["host".to_owned()], CAPACITY));
        worker
    }

    pub(crate) fn new(verb: &str, lock: &Path) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let entered = runtime.enter();
        let mut link = Link::spawn_verb(Path::new("/proc/self/exe"), verb, lock).unwrap();
        drop(entered);
        let incoming = link.incoming().unwrap();
        let worker = Self { runtime, link, incoming, keeps: true };
        worker.send(ToWorker::Welcome { version: VERSION });
        worker
    }

    pub(crate) fn send(&self, message: ToWorker) {
        self.link.say(message);
        self.link.unsent().send();
    }

    pub(crate) fn send_bundle(&self, digest: Digest, bytes: &[u8]) {
        self.link.say_bundle(digest, Arc::new(bytes.to_vec()));
        self.link.unsent().send();
    }

    pub(crate) fn dispatch(&self, dispatch: &Dispatch) {
        self.send(ToWorker::Dispatch(Box::new(dispatch.clone())));
    }

    /// The next message; `None` where the worker has ended.
    pub(crate) fn next_or_end(&mut self) -> Option<FromWorker> {
        let heard = self
            .runtime
            .block_on(async { timeout(PATIENCE, self.incoming.recv()).await })
            .expect("the worker answers");
        if let Some(FromWorker::Log { key, .. }) = heard.as_ref().filter(|_| self.keeps) {
            self.send(ToWorker::Kept { key: key.clone(), messages: 1 });
        }
        heard
    }

    pub(crate) fn next(&mut self) -> FromWorker {
        self.next_or_end().expect("the worker lives")
    }

    /// The next message, if one comes within `within`.
    pub(crate) fn next_within(&mut self, within: Duration) -> Option<FromWorker> {
        self.runtime.block_on(async { timeout(within, self.incoming.recv()).await }).ok().flatten()
    }

    /// Logs until `lines` lines have come, and the process that was started.
    pub(crate) fn lines(&mut self, lines: usize) -> Vec<String> {
        let mut text = Vec::new();
        while text.iter().filter(|byte| **byte == b'\n').count() < lines {
            match self.next() {
                FromWorker::Log { body, .. } => text.extend(body),
                FromWorker::Started { .. } => {}
                other => panic!("{other:?}"),
            }
        }
        String::from_utf8(text).unwrap().lines().map(str::to_owned).collect()
    }

    /// The report, and what was logged until then.
    pub(crate) fn report(&mut self) -> (Report, Logs) {
        let mut logs = Logs::default();
        loop {
            match self.next() {
                FromWorker::Report(report) => return (*report, logs),
                FromWorker::Log { stream, masked, body, .. } => {
                    logs.masked += masked;
                    match stream {
                        Stream::Stdout => logs.stdout.extend(body),
                        Stream::Stderr => logs.stderr.extend(body),
                    }
                }
                FromWorker::Started { pid, .. } => logs.pid = Some(pid),
                FromWorker::Heartbeat { .. } => {}
                FromWorker::Lacks { digest } => logs.lacks.push(digest),
                other @ FromWorker::Hello { .. } => panic!("{other:?}"),
            }
        }
    }

    pub(crate) fn run(&mut self, dispatch: &Dispatch) -> (Report, Logs) {
        self.dispatch(dispatch);
        self.report()
    }

    pub(crate) fn value(&mut self, dispatch: &Dispatch) -> Value {
        match self.run(dispatch).0.outcome {
            Outcome::Completed { value } => value,
            Outcome::Failed { failure } => panic!("{failure:?}"),
        }
    }

    pub(crate) fn failure(&mut self, dispatch: &Dispatch) -> Failure {
        match self.run(dispatch).0.outcome {
            Outcome::Failed { failure } => failure,
            Outcome::Completed { value } => panic!("completed with {value}"),
        }
    }

    /// Closes the socket and waits for the worker's end.
    pub(crate) fn close(self) {
        let ended = self.runtime.block_on(async { timeout(PATIENCE, self.link.close()).await });
        assert!(ended.expect("the worker ends").unwrap().success());
    }
}

#[derive(Default)]
pub(crate) struct Logs {
    /// Secrets that were masked in both.
    pub(crate) masked: u64,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    pub(crate) pid: Option<u32>,
    /// Files of which the worker said that it has not got them.
    pub(crate) lacks: Vec<Digest>,
}

impl Logs {
    pub(crate) fn stdout(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap()
    }
}

/// A dispatch of step `name`; different names are different keys.
pub(crate) fn step(name: &str, program: Program) -> Dispatch {
    Dispatch {
        key: Key {
            run_id: RunId::from_random([1; 16]),
            step_id: StepId::parse(name).unwrap(),
            logical_attempt_id: LogicalAttemptId(2),
            engine_attempt_id: EngineAttemptId::FIRST,
        },
        token: format!("token-of-{name}"),
        timeout_ms: 60_000,
        program,
        with: Value::Null,
        env: Vec::new(),
        output: OutputMode::File,
        host_allowed: true,
        files_digest: None,
        log_budget_bytes: DEFAULT_LOG_BUDGET_BYTES,
    }
}

pub(crate) fn shell(name: &str, script: &str) -> Dispatch {
    step(name, Program::Script { shell: Shell::Sh, text: script.to_owned() })
}

pub(crate) fn program(name: &str, words: &[&str]) -> Dispatch {
    step(name, Program::Run(words.iter().map(|&word| word.to_owned()).collect()))
}
