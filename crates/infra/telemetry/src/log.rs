//! The operational log: one JSON object a line, for operators and machines. Whatever text stands in it was searched for secrets.
//!
//! Lines are written by a thread of their own; where it cannot keep up lines are dropped and their number is told. It is no audit:
//! that is the ledger's.

use crate::lock;
use crate::place::Error;
use crate::seen::Seen;
use dvt_model::entry::{EventType, Outcome};
use dvt_model::run::EventName;
use dvt_model::time::Timestamp;
use dvt_scrub::Scrubber;
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{SystemTime, UNIX_EPOCH};

/// Lines that may wait.
const WAITING: usize = 4_096;

/// The way to the file.
pub(crate) struct Log {
    sender: Mutex<Option<SyncSender<Value>>>,
    writing: Mutex<Option<JoinHandle<()>>>,
    dropped: AtomicU64,
}

impl Log {
    /// Opens the file at its end; only its owner may read it.
    pub(crate) fn begin(path: &Path) -> Result<Self, Error> {
        let unusable = |error| Error::Unusable(path.display().to_string(), error);
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path).map_err(unusable)?;
        let (sender, lines) = sync_channel(WAITING);
        let writing =
            std::thread::Builder::new().name("dvt-log".to_owned()).spawn(move || serve(file, &lines));
        let writing = Mutex::new(Some(writing.map_err(unusable)?));
        Ok(Self { sender: Mutex::new(Some(sender)), writing, dropped: AtomicU64::new(0) })
    }

    /// What an operator wants to know of an entry; most entries are no news.
    pub(crate) fn entry(&self, seen: &Seen) {
        if let Some(line) = line(seen) {
            self.put(line);
        }
    }

    /// A refusal or failure that a person is told of.
    pub(crate) fn problem(&self, code: &str, message: &str) {
        self.put(json!({"at": now().to_string(), "level": "error", "event": "problem", "code": code,
            "message": scrubbed(message)}));
    }

    fn put(&self, line: Value) {
        let sender = lock(&self.sender);
        let Some(sender) = sender.as_ref() else { return };
        let before = self.dropped.swap(0, Ordering::SeqCst);
        if before > 0 && sender.try_send(gap(before)).is_err() {
            self.dropped.fetch_add(before, Ordering::SeqCst);
        }
        if sender.try_send(line).is_err() {
            self.dropped.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Everything that was put is written, and how much could not be put.
    pub(crate) fn finish(&self) {
        let sender = lock(&self.sender).take();
        let dropped = self.dropped.swap(0, Ordering::SeqCst);
        if let Some(sender) = sender.filter(|_| dropped > 0) {
            // Waits for its place: nobody puts any more, and the lines before it are written anyway.
            drop(sender.send(gap(dropped)));
        }
        if let Some(writing) = lock(&self.writing).take() {
            // If it panicked there is nobody to tell.
            drop(writing.join());
        }
    }
}

fn serve(mut file: File, lines: &Receiver<Value>) {
    while let Ok(line) = lines.recv() {
        // A full disk takes no lines; what they were about stands in the ledger.
        let _lost = file.write_all(format!("{line}\n").as_bytes());
    }
}

/// So many lines are missing here.
fn gap(count: u64) -> Value {
    json!({"at": now().to_string(), "level": "warn", "event": "lines dropped", "count": count})
}

fn now() -> Timestamp {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    Timestamp::from_ms(i64::try_from(now).unwrap_or(i64::MAX))
}

// INVARIANT(INV-02): what people or programs wrote is searched before it stands in the log. Lines of it stay one line.
fn scrubbed(text: &str) -> String {
    let mut masks = 0;
    let mut scrub = |line| {
        let scrubbed = Scrubber::rules().scrub_line(line);
        if matches!(scrubbed, Cow::Owned(_)) {
            masks += Scrubber::rules().find(line).len() as u64;
        }
        scrubbed
    };
    let lines: Vec<_> = text.lines().map(&mut scrub).collect();
    crate::scrubbed(crate::Sink::OperationalLog, masks);
    lines.join(" ")
}

fn line(seen: &Seen) -> Option<Value> {
    let (level, event) = match (seen.event_type, seen.event) {
        (_, Some(event)) => (level(event, seen)?, event.as_str().to_owned()),
        (EventType::AuthDecision, None) if seen.decision == Outcome::Denied => ("warn", "denied".to_owned()),
        (EventType::AuthDecision | EventType::StateMutation, None) => return None,
        (EventType::Incident, None) => ("error", named(seen)),
        (
            EventType::SignalSent
            | EventType::DecisionRecorded
            | EventType::KeyEvent
            | EventType::ConfigChanged
            | EventType::LedgerEvent,
            None,
        ) => ("info", named(seen)),
    };
    let mut line = Map::new();
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            line.insert(key.to_owned(), value);
        }
    };
    put("at", Some(json!(seen.at.to_string())));
    put("level", Some(json!(level)));
    put("event", Some(json!(event)));
    put("kind", Some(json!(seen.event_type.as_str())));
    put("run", seen.run.map(|run| json!(run)));
    put("step", seen.step.as_deref().map(|step| json!(scrubbed(step))));
    put("attempt", (seen.step.is_some() && seen.attempt > 1).then(|| json!(seen.attempt)));
    put("dispatch", (seen.dispatch > 1).then(|| json!(seen.dispatch)));
    put("code", seen.code.as_deref().map(|code| json!(scrubbed(code))));
    Some(Value::Object(line))
}

fn named(seen: &Seen) -> String {
    seen.name.as_deref().map_or_else(|| seen.event_type.as_str().to_owned(), scrubbed)
}

/// Ends that are good and beginnings of steps are no news.
fn level(event: EventName, seen: &Seen) -> Option<&'static str> {
    match event {
        EventName::RunQueued
        | EventName::RunStarted
        | EventName::RunPaused
        | EventName::RunResumed
        | EventName::RunCompleted
        | EventName::RunCancelled
        | EventName::RunCancelRequested
        | EventName::StepRetryRequested => Some("info"),
        EventName::RunFailing | EventName::StepFailed | EventName::StepRedispatched => Some("warn"),
        EventName::RunFailed => Some("error"),
        EventName::StepStarted if seen.attempt > 1 => Some("info"),
        EventName::StepStarted
        | EventName::StepCompleted
        | EventName::StepSkipped
        | EventName::StepReused
        | EventName::StepVoted
        | EventName::SignalReceived => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seen::made::event;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn lines_are_json_in_order_scrubbed_and_the_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("operations.jsonl");
        let log = Log::begin(&path).unwrap();
        let secret = ["ghp_", "R3dAct3dR3dAct3dR3dAct3dR3dAct3dR3dA"].concat();
        log.entry(&event([1; 16], EventName::RunQueued, None, 0));
        log.entry(&event([1; 16], EventName::StepStarted, Some("load"), 1));
        let mut failed = event([1; 16], EventName::StepFailed, Some("load"), 2);
        failed.code = Some("TIMEOUT".to_owned());
        log.entry(&failed);
        log.problem("SERVICE_DEGRADED", &format!("first line\nwith {secret}"));
        log.finish();
        log.problem("INTERNAL", "nobody writes any more");
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let events: Vec<_> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
        assert_eq!(events, ["RunQueued", "StepFailed", "problem"], "{text}");
        assert_eq!((&lines[1]["step"], &lines[1]["code"]), (&json!("load"), &json!("TIMEOUT")));
        assert!(!text.contains(&secret) && text.contains(dvt_scrub::MASK), "{text}");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn what_had_no_place_is_counted_also_where_nothing_comes_after_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("slow");
        let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        // Who reads and writes a pipe is not waited for; it takes 64 KiB and then no more until somebody reads.
        let held = OpenOptions::new().read(true).write(true).open(&path).unwrap();
        let log = Log::begin(&path).unwrap();
        let put = 3 * WAITING as u64;
        (0..put).for_each(|number| log.problem("INTERNAL", &format!("line {number}")));
        let reader = std::fs::File::open(&path).unwrap();
        drop(held);
        let reading = std::thread::spawn(move || std::io::read_to_string(reader).unwrap());
        log.finish();
        drop(log);
        let text = reading.join().unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let (gaps, told): (Vec<_>, Vec<_>) = lines.iter().partition(|line| line["event"] == "lines dropped");
        let missing: u64 = gaps.iter().map(|gap| gap["count"].as_u64().unwrap()).sum();
        assert!(missing > 0 && told.len() as u64 > WAITING as u64, "{missing} of {put}");
        assert_eq!(told.len() as u64 + missing, put);
    }
}
