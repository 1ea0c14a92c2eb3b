//! Coverage-guided fuzzing of everything that reads foreign text. `cargo xtask fuzz` builds it with the instrumentation and
//! starts it once a target; by hand: `dvt-fuzz TARGET --seconds N | --executions N | --input FILE [--compared]`.
//!
//! It refuses to run without the instrumentation: executions that nobody guides would be counted as if they were.
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")
)]

mod campaign;
mod chance;
mod coverage;
mod mutate;
mod pool;
mod target;
mod watch;

use campaign::{Length, Task};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

/// The stack of a thread of the engine.
const STACK: usize = 2 << 20;
/// How often the time of a text is looked at.
const OFTEN: Duration = Duration::from_millis(100);

fn main() -> ExitCode {
    let done = begin(&std::env::args().skip(1).collect::<Vec<_>>());
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn begin(arguments: &[String]) -> Result<(), String> {
    let (name, rest) = arguments.split_first().ok_or("which target?")?;
    let value = |flag: &str| {
        let at = rest.iter().position(|argument| argument == flag)?;
        rest.get(at + 1).map(String::as_str)
    };
    if name == "--targets" {
        target::ALL.iter().for_each(|target| println!("{}", target.name));
        return Ok(());
    }
    let target = target::ALL.iter().find(|target| target.name == *name);
    let target = target.ok_or_else(|| format!("`{name}` is no target; `--targets` lists them"))?;
    if let Some(path) = value("--input") {
        let path = Path::new(path);
        let plain = || std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
        let text = if path.extension().is_some_and(|extension| extension == "current") {
            watch::Current::read(path).ok_or("it holds no text")?
        } else {
            plain()?
        };
        println!("{}", String::from_utf8_lossy(&text));
        let compares = rest.iter().any(|argument| argument == "--compared");
        let came_out = within(move || {
            coverage::record(compares);
            let came_out = (target.read)(&text);
            came_out.iter().for_each(|word| dvt_fuzz_planted::look(word));
            coverage::record(false);
            came_out
        })?;
        println!("no panic; {} words came out: {came_out:?}", came_out.len());
        for compared in coverage::compared() {
            if let coverage::Compared::Texts(left, right) = compared {
                println!("{:?} {:?}", String::from_utf8_lossy(&left), String::from_utf8_lossy(&right));
            }
        }
        return Ok(());
    }
    if coverage::edges() == 0 {
        return Err("built without the instrumentation; `cargo xtask fuzz` builds it with it".to_owned());
    }
    let number = |flag: &str, otherwise: u64| value(flag).map_or(Ok(otherwise), |text| text.parse::<u64>());
    let fault = value("--current").map_or_else(|| PathBuf::from(format!("{name}.current")), PathBuf::from);
    let task = Task {
        target,
        length: match value("--executions") {
            Some(executions) => Length::Executions(executions.parse().map_err(|_| "how many executions?")?),
            None => Length::Seconds(number("--seconds", 20).map_err(|error| error.to_string())?),
        },
        seed: number("--seed", 1).map_err(|error| error.to_string())?,
        planted: rest.iter().any(|argument| argument == "--planted"),
        kept: value("--kept").map(PathBuf::from),
        distilled: value("--distilled").map(PathBuf::from),
        fault,
    };
    watch::guard();
    let told = within(move || campaign::run(&task, Path::new(".")))??;
    println!("{told}");
    Ok(())
}

/// Runs the work on a thread with the engine's stack, and watches it.
fn within<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
    let (told, done) = std::sync::mpsc::channel();
    let work = move || drop(told.send(work()));
    let thread =
        std::thread::Builder::new().stack_size(STACK).spawn(work).map_err(|error| error.to_string())?;
    loop {
        match done.recv_timeout(OFTEN) {
            Ok(done) => return thread.join().map(|()| done).map_err(|_| "it panicked".to_owned()),
            Err(RecvTimeoutError::Timeout) => watch::look(),
            Err(RecvTimeoutError::Disconnected) => return Err("it panicked".to_owned()),
        }
    }
}
