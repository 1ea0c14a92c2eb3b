//! Metrics, operational logs and traces of this process: a fold over the entries that it made durable.
//!
//! It sees envelopes, never payloads, and only after their sync; where nobody asked for telemetry it costs one look at a flag. It
//! leaves the machine by no door: metrics go to a file or a loopback port, traces to a collector on this machine, logs to a file of
//! the owner. What is full or broken drops and counts; it never holds the engine up.

mod course;
mod listener;
mod log;
mod metrics;
mod otlp;
mod place;
mod post;
mod seen;
mod text_file;

pub use place::{Collector, Error, Metrics as MetricsPlace};
pub use seen::Seen;

use course::Course;
use dvt_model::id::TenantId;
use log::Log;
use metrics::Metrics;
use post::Post;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use text_file::TextFile;

/// What somebody asked for.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Where metrics are shown.
    pub metrics: Option<MetricsPlace>,
    /// The file that log lines are added to.
    pub log: Option<PathBuf>,
    /// The collector that gets traces.
    pub traces: Option<Collector>,
}

struct Watch {
    metrics: Arc<Metrics>,
    course: Mutex<Course>,
    log: Option<Log>,
    post: Option<Post>,
    file: Option<TextFile>,
}

static WATCH: OnceLock<Watch> = OnceLock::new();

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Begins to watch, once a process. Gives the address at which metrics are served, where they are.
pub fn begin(wanted: Wanted) -> Result<Option<SocketAddr>, Error> {
    let metrics = Arc::new(Metrics::default());
    let (file, address) = match wanted.metrics {
        None => (None, None),
        Some(MetricsPlace::File(path)) => (Some(TextFile::begin(path, Arc::clone(&metrics))?), None),
        Some(MetricsPlace::Loopback(address)) => {
            (None, Some(listener::begin(address, Arc::clone(&metrics))?))
        }
    };
    let log = wanted.log.map(|path| Log::begin(&path)).transpose()?;
    let post = wanted.traces.map(Post::begin).transpose()?;
    let course = Mutex::new(Course::new(post.is_some()));
    // A second one of this process watches nothing: the first goes on.
    drop(WATCH.set(Watch { metrics, course, log, post, file }));
    Ok(address)
}

/// Whether anybody watches: if not, nothing needs to be collected.
pub fn is_watched() -> bool {
    WATCH.get().is_some()
}

/// Entries of one block that became durable just now.
// INVARIANT(INV-29): it is called after the sync, so nothing is counted or told that a crash could take back.
pub fn durable(entries: &[Seen]) {
    let Some(watch) = WATCH.get() else { return };
    let mut course = lock(&watch.course);
    for seen in entries {
        if let Some(log) = &watch.log {
            log.entry(seen);
        }
        let trace = course.apply(seen, &watch.metrics);
        if let (Some(trace), Some(post)) = (trace, &watch.post) {
            post.send(trace);
        }
    }
    watch.metrics.in_flight(course.in_flight());
    if !entries.is_empty() {
        watch.metrics.unsealed();
    }
}

/// A transaction of a tenant's file ended.
pub fn written(took: Duration, is_durable: bool) {
    if let Some(watch) = WATCH.get() {
        watch.metrics.written(took, is_durable);
    }
}

/// Everything durable of a tenant is under a checkpoint that was asked for at `since`.
pub fn sealed(since: Instant) {
    if let Some(watch) = WATCH.get() {
        watch.metrics.sealed(since);
    }
}

/// The data key in use of a tenant was opened, and is so old.
pub fn data_key(tenant: TenantId, age: Duration) {
    if let Some(watch) = WATCH.get() {
        watch.metrics.data_key(tenant, age);
    }
}

/// A ledger, or a proof of an entry, was verified and is not valid.
pub fn not_verified() {
    if let Some(watch) = WATCH.get() {
        watch.metrics.add("dvt_ledger_verify_failures_total", None);
    }
}

/// A way out on which text is searched for secrets and masked. An output is not masked: it is refused, and its entry tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sink {
    /// What a step prints.
    Log,
    /// The log of operations.
    OperationalLog,
}

impl Sink {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::OperationalLog => "operational_log",
        }
    }
}

/// So many secrets were masked.
pub fn scrubbed(sink: Sink, masks: u64) {
    if let Some(watch) = WATCH.get() {
        watch.metrics.add_many("dvt_scrub_hits_total", Some(("sink", sink.as_str())), masks);
    }
}

/// A write, or what a worker says, finds no room and waits.
pub fn waits_for_room() {
    if let Some(watch) = WATCH.get() {
        watch.metrics.add("dvt_backpressure_total", Some(("strategy", "QUEUE")));
    }
}

/// So many workers of this engine are ready for steps.
pub fn workers(ready: u32) {
    if let Some(watch) = WATCH.get() {
        watch.metrics.set("dvt_workers_available", f64::from(ready));
    }
}

/// What an accepted signal did is durable; it came so long ago.
pub fn signalled(took: Duration) {
    if let Some(watch) = WATCH.get() {
        watch.metrics.observe("dvt_signal_processing_duration_seconds", took.as_secs_f64());
    }
}

/// A queued run was taken over from an engine that did not give its lease back.
pub fn lease_expired() {
    if let Some(watch) = WATCH.get() {
        watch.metrics.add("dvt_run_queue_leases_expired_total", None);
    }
}

/// This engine serves a tenant from now on; so many runs of it are open, and so many may be.
pub fn open_runs(tenant: TenantId, open: u32, most: u32) {
    if let Some(watch) = WATCH.get() {
        watch.metrics.open_runs(tenant, open, most);
    }
}

/// Another process is the engine, and serves the tenants.
pub fn serves_none() {
    if let Some(watch) = WATCH.get() {
        watch.metrics.serves_none();
    }
}

/// A refusal or failure that a person is told of.
pub fn problem(code: &'static str, message: &str) {
    if let Some(log) = WATCH.get().and_then(|watch| watch.log.as_ref()) {
        log.problem(code, message);
    }
}

/// Writes out what is there; waits for a while and no longer.
pub fn finish() {
    let Some(watch) = WATCH.get() else { return };
    watch.log.iter().for_each(Log::finish);
    watch.post.iter().for_each(Post::finish);
    watch.file.iter().for_each(TextFile::finish);
}
