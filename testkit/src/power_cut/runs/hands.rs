//! The worker of these plans: it runs nothing, answers as the words of the step say, and bears witness of everything it is given.
//!
//! The witness lies beside the name by which it was started, where no cut reaches. Whoever comes next waits until it is gone.

use super::life::WITNESS;
use super::text;
use crate::bench::engine::echo::{next, say};
use dvt_model::code::Code;
use dvt_model::failure::{Failure, FailureCategory, Usage};
use dvt_worker::protocol::{Dispatch, FromWorker, Key, Outcome, Program, Report, ToWorker, VERSION};
use rustix::fs::{FlockOperation, flock};
use serde_json::{Value, json};
use std::fs::{File, OpenOptions};
use std::io::{BufReader, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Held for as long as it lives.
const LOCK: &str = "hands.lock";
/// Steps at once.
const CAPACITY: u32 = 8;

/// Whether this process was started as these hands; the folder of the witness.
pub fn is_asked() -> Option<PathBuf> {
    let name = PathBuf::from(std::env::args_os().next()?);
    name.ends_with(super::life::WORKER).then(|| name.parent().map(Path::to_owned))?
}

/// Serves until the engine closes its end.
pub fn main(folder: &Path) -> ExitCode {
    match serve(folder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hands: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Waits until the hands of an earlier life are gone; whoever holds what it gives keeps the next ones waiting.
pub(super) fn alone(folder: &Path) -> Result<File, String> {
    let mut options = OpenOptions::new();
    let file = options.create(true).truncate(false).write(true).open(folder.join(LOCK)).map_err(text)?;
    flock(&file, FlockOperation::LockExclusive).map_err(text)?;
    Ok(file)
}

fn serve(folder: &Path) -> Result<(), String> {
    let _lock = alone(folder)?;
    let socket = std::io::stdin().as_fd().try_clone_to_owned().map_err(text)?;
    let socket = UnixStream::from(socket);
    let mut read = BufReader::new(socket.try_clone().map_err(text)?);
    let mut write = socket;
    while let Some(message) = next(&mut read)? {
        let answer = match message {
            ToWorker::Welcome { version } if version != VERSION => return Err("another version".to_owned()),
            ToWorker::Welcome { .. } => Some(FromWorker::Hello {
                worker_id: "hands".to_owned(),
                tiers: vec!["host".to_owned()],
                capacity: CAPACITY,
            }),
            ToWorker::Dispatch(dispatch) => {
                let outcome = outcome(folder, &dispatch)?;
                outcome.map(|outcome| report(dispatch.key, outcome))
            }
            ToWorker::Stop { key, .. } => {
                let failure = failure(Code::Cancelled, None);
                Some(report(key, Outcome::Failed { failure }))
            }
            ToWorker::Shutdown => return Ok(()),
            ToWorker::Bundle { .. }
            | ToWorker::Forget { .. }
            | ToWorker::Ack { .. }
            | ToWorker::Kept { .. } => None,
        };
        if let Some(answer) = answer {
            say(&mut write, &answer)?;
        }
    }
    Ok(())
}

fn report(key: Key, outcome: Outcome) -> FromWorker {
    FromWorker::Report(Box::new(Report { key, outcome, usage: Usage::default(), duration_ms: 0 }))
}

fn failure(error_code: Code, exit_status: Option<i32>) -> Failure {
    Failure {
        error_code,
        error_message: "the step says so".to_owned(),
        retryable: exit_status == Some(75),
        failure_category: FailureCategory::User,
        failure_source: "program".to_owned(),
        exit_status,
    }
}

/// Bears witness, then answers; `None` for what ends only when it is stopped.
fn outcome(folder: &Path, dispatch: &Dispatch) -> Result<Option<Outcome>, String> {
    let path = folder.join(WITNESS);
    let Key { run_id, step_id, logical_attempt_id, .. } = &dispatch.key;
    let (step, attempt) = (step_id.as_str(), u64::from(logical_attempt_id.0));
    let mut file = OpenOptions::new().append(true).open(&path).map_err(text)?;
    // One write a line: no line is torn, whatever ends this process.
    let line = format!("{run_id} {step} {attempt} {}\n", dispatch.token);
    file.write_all(line.as_bytes()).map_err(text)?;
    let Program::Run(words) = &dispatch.program else { return Err("a script".to_owned()) };
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let name = dispatch.env.iter().find(|(name, _)| name == "NAME").map(|(_, value)| value.as_str());
    let done = |value: Value| Some(Outcome::Completed { value });
    let fails = |status: i32| Some(Outcome::Failed { failure: failure(Code::StepError, Some(status)) });
    Ok(match words.as_slice() {
        ["done"] => done(Value::Null),
        ["done", value] => done(serde_json::from_str(value).map_err(text)?),
        // Beyond the size of a blob.
        ["large"] => done(json!({ "rows": 7, "filler": "0".repeat(70_000) })),
        ["fails"] => fails(1),
        ["fails-as", other] if name != Some(*other) => done(Value::Null),
        ["fails-as", _] => fails(1),
        ["from", first, status] if attempt < first.parse().map_err(text)? => {
            fails(status.parse().map_err(text)?)
        }
        ["from", ..] => done(Value::Null),
        // The first run that comes here fails, however often it comes.
        ["second-run"] => {
            let witness = std::fs::read_to_string(&path).map_err(text)?;
            let first = witness.lines().find(|line| line.split(' ').nth(1) == Some(step));
            let is_first = first.is_some_and(|line| line.starts_with(&format!("{run_id} ")));
            if is_first { fails(1) } else { done(Value::Null) }
        }
        ["hangs"] => None,
        other => return Err(format!("`{}` is no word of these plans", other.join(" "))),
    })
}
