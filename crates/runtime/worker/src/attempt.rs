//! One attempt of one step, from its dispatch to its report.
//!
//! The first cause of an end is the one that is told: a step that is cancelled and then exits with 0 was cancelled. The
//! attempt is over when the starter says that nothing of it is left alive.

use crate::files::Directory;
use crate::folders::Folders;
use crate::log::{self, Ended, Sink};
use crate::place::{self, Place};
use crate::protocol::{CAPACITY, Dispatch, FromWorker, Outcome, OutputMode, Stream};
use crate::starter::Requests;
use crate::{environment, output};
use dvt_model::code::Code;
use dvt_model::failure::{Failure, FailureCategory, Usage};
use dvt_model::fault::reason;
use dvt_wall::protocol::{End, Refusal, Spawn, StepSignal, Used};
use rustix::pipe::{PipeFlags, pipe_with};
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use tokio::net::unix::pipe::Receiver;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

/// Exit status of a transient failure (`EX_TEMPFAIL` of sysexits.h).
const TRANSIENT: i32 = 75;

/// Outputs up to here are taken on the runtime's own thread.
const SMALL: usize = 16 << 10;

/// A program that runs no longer than this is told of together with its end: to the engine its start is news of no use then, and
/// each message wakes it.
const BRIEF: Duration = Duration::from_millis(10);

/// What happens to an attempt from outside.
#[derive(Debug)]
pub(crate) enum Event {
    /// Its program runs, and has done so for a while.
    Started { pid: u32, since: Duration },
    /// Its program did not start.
    Refused(Refusal),
    /// It ended.
    Exited { end: End, used: Used },
    /// It is to end: terminate, grace, kill.
    Stop { grace_ms: u64 },
}

/// Why it ended, if not by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    Cancelled,
    Deadline,
    OutputTooLarge,
    LogsTooLarge,
}

/// What an attempt works with.
pub(crate) struct Attempt {
    /// What to run.
    pub(crate) dispatch: Dispatch,
    /// The starter's key.
    pub(crate) number: u64,
    /// Where its own one comes from.
    pub(crate) folders: Arc<Folders>,
    /// The working directory, or why there is none.
    pub(crate) directory: Result<Directory, crate::files::Error>,
    /// To the starter.
    pub(crate) starter: Requests,
    /// To the engine.
    pub(crate) engine: mpsc::Sender<FromWorker>,
    /// For its log messages.
    pub(crate) room: Arc<Semaphore>,
    /// From both.
    pub(crate) events: mpsc::UnboundedReceiver<Event>,
}

/// How it ended.
pub(crate) struct Finished {
    pub(crate) outcome: Outcome,
    pub(crate) usage: Usage,
    pub(crate) duration_ms: u64,
}

impl From<Failure> for Finished {
    fn from(failure: Failure) -> Self {
        Self { outcome: Outcome::Failed { failure }, usage: Usage::default(), duration_ms: 0 }
    }
}

type Reading = JoinHandle<Ended>;

impl Attempt {
    /// Runs it to its end.
    pub(crate) async fn run(mut self) -> Finished {
        // INVARIANT(INV-30): nothing falls back to the host. Without the owner's recorded word nothing is written, opened or
        // started.
        if !self.dispatch.host_allowed {
            return sandbox_unavailable().into();
        }
        match self.run_on_host().await {
            Ok(finished) => finished,
            Err(failure) => failure.into(),
        }
    }

    async fn run_on_host(&mut self) -> Result<Finished, Failure> {
        let place = Place::new(&self.folders).map_err(machinery)?;
        // Turns true when the last process of the step is gone; then what lies in its pipes is all there will be.
        let (gone, is_gone) = watch::channel(false);
        let (mut reading_output, mut reading_errors) = self.start(&place, &is_gone)?;
        // The time runs from the start of the program: before that the starter may wait for the steps of an older one.
        let (mut begun, mut kill_at, mut cause) = (Instant::now(), far_away(), None);
        let (mut tell_at, mut untold, mut telling) = (far_away(), None, None);
        let (mut captured, mut errors_ended) = (None, false);
        let (end, used) = loop {
            tokio::select! {
                event = self.events.recv() => match event {
                    Some(Event::Started { pid, since }) => {
                        begun = Instant::now().checked_sub(since).unwrap_or(begun);
                        kill_at = kill_at.min(begun + Duration::from_millis(self.dispatch.timeout_ms));
                        tell_at = begun + BRIEF;
                        untold = Some(FromWorker::Started { key: self.dispatch.key.clone(), pid });
                    }
                    Some(Event::Refused(refusal)) => return Err(cause.map_or_else(|| refused(&refusal), |_| cancelled())),
                    Some(Event::Exited { end, used }) => break (end, used),
                    Some(Event::Stop { grace_ms }) => {
                        cause.get_or_insert(Cause::Cancelled);
                        if grace_ms > 0 {
                            self.signal(StepSignal::Terminate)?;
                        }
                        kill_at = kill_at.min(Instant::now() + Duration::from_millis(grace_ms));
                    }
                    // The session ends, and the starter with it.
                    None => return Err(cancelled()),
                },
                () = sleep_until(kill_at.min(tell_at)) => {
                    if let Some(started) = untold.take() {
                        telling = Some(self.tell(started));
                        tell_at = far_away();
                    }
                    if Instant::now() < kill_at {
                        continue;
                    }
                    cause.get_or_insert(Cause::Deadline);
                    self.signal(StepSignal::Kill)?;
                    // Said once; the starter goes on until nothing is left.
                    kill_at = far_away();
                }
                ended = &mut reading_output, if captured.is_none() => {
                    captured = Some(ended.unwrap_or(Ended::OverLimit));
                    if captured == Some(Ended::OverLimit) {
                        let too_large = if self.captures() { Cause::OutputTooLarge } else { Cause::LogsTooLarge };
                        cause.get_or_insert(too_large);
                        self.signal(StepSignal::Kill)?;
                    }
                }
                ended = &mut reading_errors, if !errors_ended => {
                    errors_ended = true;
                    if ended.unwrap_or(Ended::OverLimit) == Ended::OverLimit {
                        cause.get_or_insert(Cause::LogsTooLarge);
                        self.signal(StepSignal::Kill)?;
                    }
                }
            }
        };
        let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        gone.send_replace(true);
        if captured.is_none() {
            captured = Some(reading_output.await.unwrap_or(Ended::OverLimit));
        }
        if !errors_ended && reading_errors.await.unwrap_or(Ended::OverLimit) == Ended::OverLimit {
            cause.get_or_insert(Cause::LogsTooLarge);
        }
        let cause = cause.or(match captured {
            Some(Ended::OverLimit) if self.captures() => Some(Cause::OutputTooLarge),
            Some(Ended::OverLimit) => Some(Cause::LogsTooLarge),
            _ => None,
        });
        let result = match cause {
            Some(cause) => Err(self.failure_of(cause)),
            None => match failure_of(end) {
                Some(failure) => Err(failure),
                None => self.value(&place, captured).await,
            },
        };
        // `Started` goes before the report. A task that only sends does not fail.
        match (telling, untold) {
            (Some(telling), _) => drop(telling.await),
            (None, Some(started)) => drop(self.engine.send(started).await),
            (None, None) => {}
        }
        // Wiped before the report leaves: who hears of the end finds nothing.
        place.wipe().await;
        let outcome =
            result.map_or_else(|failure| Outcome::Failed { failure }, |value| Outcome::Completed { value });
        Ok(Finished { outcome, usage: usage_of(used, duration_ms), duration_ms })
    }

    /// Asks the starter to start the program; gives the readers of its streams.
    fn start(&self, place: &Place, gone: &log::Gone) -> Result<(Reading, Reading), Failure> {
        let directory =
            self.directory.as_ref().map_err(|error| machinery(io::Error::other(error.to_string())))?;
        let Some((program, arguments)) = place.command(&self.dispatch.program).map_err(machinery)? else {
            return Err(step_error("the step names no program".to_owned(), None));
        };
        let environment = environment::of(&self.dispatch, place.output(), place.temporary())
            .map_err(|error| step_error(error.to_string(), None))?;
        let input = place::input(&self.dispatch.with).map_err(machinery)?;
        let (from_output, to_output) = pipe().map_err(machinery)?;
        let (from_errors, to_errors) = pipe().map_err(machinery)?;
        let directory = directory.path().to_string_lossy().into_owned();
        let spawn = Spawn { key: self.number, program, arguments, environment, directory };
        self.starter.start(spawn, [input, to_output, to_errors]).map_err(|error| match error {
            // The worker is on its way out and takes its steps with it.
            crate::Error::StarterEnded => cancelled(),
            other => step_error(format!("the program cannot be started: {other}"), None),
        })?;
        let budget = Arc::new(AtomicU64::new(self.dispatch.log_budget_bytes));
        let sink = |stream| Sink {
            key: self.dispatch.key.clone(),
            stream,
            to: self.engine.clone(),
            room: Arc::clone(&self.room),
            budget: Arc::clone(&budget),
        };
        let output = if self.captures() {
            tokio::spawn(log::capture(from_output, output::MAX_BYTES, gone.clone()))
        } else {
            tokio::spawn(log::forward(from_output, sink(Stream::Stdout), gone.clone()))
        };
        Ok((output, tokio::spawn(log::forward(from_errors, sink(Stream::Stderr), gone.clone()))))
    }

    /// Whether standard output is the output, and no log.
    fn captures(&self) -> bool {
        self.dispatch.output != OutputMode::File
    }

    async fn value(&self, place: &Place, captured: Option<Ended>) -> Result<serde_json::Value, Failure> {
        let (mode, path) = (self.dispatch.output, place.output());
        let captured = match captured {
            Some(Ended::Whole(bytes)) if self.captures() => Some(bytes),
            _ => None,
        };
        let bytes = match captured {
            Some(bytes) => Ok(bytes),
            None => output::read_file(path).map_err(machinery)?,
        };
        let value = match bytes {
            Ok(bytes) if bytes.len() > SMALL => {
                // Off the runtime's thread: a MiB of JSON takes a while, and deadlines are kept meanwhile.
                let taken = tokio::task::spawn_blocking(move || output::value(mode, &bytes));
                taken.await.map_err(|error| machinery(io::Error::other(error)))?
            }
            bytes => bytes.and_then(|bytes| output::value(mode, &bytes)),
        };
        value.map_err(|error| failure(error.code(), error.to_string(), FailureCategory::User, "program"))
    }

    fn signal(&self, signal: StepSignal) -> Result<(), Failure> {
        self.starter.signal(self.number, signal).map_err(|_| cancelled())
    }

    /// Sends aside: deadlines are kept, however slowly the engine reads.
    fn tell(&self, message: FromWorker) -> JoinHandle<()> {
        let engine = self.engine.clone();
        // An engine that is gone takes the session with it.
        tokio::spawn(async move { drop(engine.send(message).await) })
    }

    fn failure_of(&self, cause: Cause) -> Failure {
        match cause {
            Cause::Cancelled => cancelled(),
            Cause::Deadline => {
                let message =
                    format!("the step took longer than {} ms and was killed", self.dispatch.timeout_ms);
                failure(Code::Timeout, message, FailureCategory::Timeout, "program")
            }
            Cause::OutputTooLarge => {
                let error = output::Error::TooLarge;
                failure(error.code(), error.to_string(), FailureCategory::User, "program")
            }
            Cause::LogsTooLarge => {
                let message =
                    format!("the step wrote more than {} bytes of logs", self.dispatch.log_budget_bytes);
                failure(Code::OutputLimit, message, FailureCategory::User, "program")
            }
        }
    }
}

/// No deadline.
fn far_away() -> Instant {
    Instant::now() + Duration::from_secs(365 * 86_400)
}

/// A pipe whose reading end belongs to the runtime.
fn pipe() -> io::Result<(Receiver, OwnedFd)> {
    let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
    Ok((Receiver::from_owned_fd(read)?, write))
}

/// The kernel's account, and the area below its largest set.
fn usage_of(used: Used, duration_ms: u64) -> Usage {
    let Used { cpu_ms, peak_memory_bytes, read_bytes, written_bytes } = used;
    let memory_byte_seconds = peak_memory_bytes.saturating_mul(duration_ms) / 1000;
    Usage { cpu_ms, peak_memory_bytes, memory_byte_seconds, read_bytes, written_bytes }
}

fn failure_of(end: End) -> Option<Failure> {
    match end {
        End::Status(0) => None,
        End::Status(status) => {
            Some(step_error(format!("the program ended with exit status {status}"), Some(status)))
        }
        End::Signal(signal) => Some(step_error(format!("the program was ended by signal {signal}"), None)),
    }
}

fn failure(error_code: Code, error_message: String, category: FailureCategory, source: &str) -> Failure {
    Failure {
        error_code,
        error_message,
        retryable: false,
        failure_category: category,
        failure_source: source.to_owned(),
        exit_status: None,
    }
}

fn step_error(message: String, exit_status: Option<i32>) -> Failure {
    let transient = exit_status == Some(TRANSIENT);
    Failure {
        exit_status,
        retryable: transient,
        ..failure(Code::StepError, message, FailureCategory::User, "program")
    }
}

fn refused(refusal: &Refusal) -> Failure {
    match refusal {
        Refusal::NoRoom { .. } => Failure {
            retryable: true,
            ..failure(Code::StepError, refusal.to_string(), FailureCategory::Platform, "worker")
        },
        _ => step_error(refusal.to_string(), None),
    }
}

/// A failure of this machine or of DVT: another attempt may help.
fn machinery(error: io::Error) -> Failure {
    let message = format!("the worker could not prepare or read the step: {}", reason(&error));
    Failure { retryable: true, ..failure(Code::StepError, message, FailureCategory::System, "worker") }
}

/// The engine asked for more than the worker had offered.
pub(crate) fn beyond_capacity() -> Failure {
    let message =
        format!("the step was not begun: this worker has {CAPACITY} slots, and all of them are taken");
    Failure { retryable: true, ..failure(Code::StepError, message, FailureCategory::Platform, "worker") }
}

fn cancelled() -> Failure {
    failure(Code::Cancelled, "the step was cancelled".to_owned(), FailureCategory::User, "engine")
}

fn sandbox_unavailable() -> Failure {
    let message = "no wall can be built here yet, and the run may not use the `host` tier: give the word with `--allow-host`, \
                   or with `programSteps: host` in the profile";
    failure(Code::SandboxUnavailable, message.to_owned(), FailureCategory::Platform, "worker")
}
