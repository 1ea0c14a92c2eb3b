//! The folder in which a demo lives, the commands that it starts there, and their end: an interrupt or an error leaves neither
//! a process nor a file behind.

use crate::problem::Problem;
use crate::profile::folder;
use dvt_model::code::Code;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::Value;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How long the bell may be silent.
const MOST_SECONDS: i64 = 30;

/// The folder, and the command that runs in it now.
#[derive(Clone)]
pub(super) struct Place {
    folder: PathBuf,
    running: Arc<Mutex<Slot>>,
}

/// What runs in it.
#[derive(Default)]
enum Slot {
    #[default]
    Free,
    Running(Child),
    /// Nothing any more.
    Over,
}

impl Place {
    /// Makes an empty one that only this user can open.
    pub(super) fn make() -> Result<Self, Problem> {
        let drawn = dvt_model::digest::hex(&dvt_keys::entropy::random::<8>());
        let folder = std::env::temp_dir().join(format!("dvt-demo-{drawn}"));
        folder::make(&folder)?;
        Ok(Self { folder, running: Arc::default() })
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(super) fn write(&self, name: &str, text: &str, mode: u32) -> Result<(), Problem> {
        let path = self.path(name);
        let opened = OpenOptions::new().write(true).create_new(true).mode(mode).open(&path);
        opened.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| cannot(name, &error))
    }

    pub(super) fn read(&self, name: &str) -> Result<String, Problem> {
        std::fs::read_to_string(self.path(name)).map_err(|error| cannot(name, &error))
    }

    /// Makes a pipe with a name, open at both ends: whoever writes to it never waits for us.
    pub(super) fn bell(&self, name: &str) -> Result<Bell, Problem> {
        let path = self.path(name);
        mknodat(CWD, &path, FileType::Fifo, Mode::from_raw_mode(0o600), 0)
            .map_err(|error| cannot(name, &error.into()))?;
        let opened = File::options().read(true).write(true).open(&path);
        opened.map(Bell).map_err(|error| cannot(name, &error))
    }

    /// This program with other arguments, in the installation of this folder. It is no part of our group of processes: an
    /// interrupt at the terminal is ours to handle.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("/proc/self/exe");
        command.args(arguments).current_dir(&self.folder).process_group(0);
        command.env("DVT_HOME", self.path("home"));
        for name in ["DVT_PROFILE", "CREDENTIALS_DIRECTORY", "DVT_CRASH_AT"] {
            command.env_remove(name);
        }
        // Nobody reads what it says beside its result, and a full pipe would hold it up.
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        command
    }

    /// Runs a command to its end; what it printed, and whether that was a good end.
    pub(super) fn ask(&self, arguments: &[&str]) -> Result<(String, bool), Problem> {
        let mut out = self.spawn(arguments)?;
        let mut text = String::new();
        out.read_to_string(&mut text).map_err(|error| cannot("dvt", &error))?;
        Ok((text, self.wait()))
    }

    /// Starts a command whose lines are read while it runs.
    pub(super) fn start(&self, arguments: &[&str]) -> Result<Lines, Problem> {
        Ok(Lines(BufReader::new(self.spawn(arguments)?).lines()))
    }

    fn spawn(&self, arguments: &[&str]) -> Result<ChildStdout, Problem> {
        let mut running = self.running();
        // Nothing starts in a folder that is being taken away: it would make that anew.
        if matches!(*running, Slot::Over) {
            return Err(Problem::new(Code::Cancelled, "the demo was interrupted"));
        }
        let mut child = self.command(arguments).spawn().map_err(|error| cannot("dvt", &error))?;
        let out = child.stdout.take();
        *running = Slot::Running(child);
        out.ok_or_else(|| Problem::new(Code::Internal, "a command without output"))
    }

    /// Kills what runs, as a power cut would: no signal that could be handled.
    pub(super) fn kill(&self) {
        self.end(Slot::Free);
    }

    fn end(&self, next: Slot) {
        if let Slot::Running(mut child) = std::mem::replace(&mut *self.running(), next) {
            // An error means that it has ended by itself.
            drop(child.kill());
            drop(child.wait());
        }
    }

    /// Its end by itself; whether that was a good one.
    pub(super) fn wait(&self) -> bool {
        // It has closed its output, so it ends in a moment.
        match std::mem::replace(&mut *self.running(), Slot::Free) {
            Slot::Running(mut child) => child.wait().is_ok_and(|status| status.success()),
            Slot::Free => false,
            Slot::Over => {
                *self.running() = Slot::Over;
                false
            }
        }
    }

    /// Takes everything away, for good.
    pub(super) fn clear(&self) {
        self.end(Slot::Over);
        // Another try would meet the same error; the folder is told of nowhere and holds nothing of the user's.
        drop(std::fs::remove_dir_all(&self.folder));
    }

    fn running(&self) -> MutexGuard<'_, Slot> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A pipe in which a step says that it runs.
pub(super) struct Bell(File);

impl Bell {
    /// Waits until it rings.
    pub(super) fn rings(&mut self) -> Result<(), Problem> {
        let most = Timespec { tv_sec: MOST_SECONDS, tv_nsec: 0 };
        let heard = poll(&mut [PollFd::new(&self.0, PollFlags::IN)], Some(&most));
        let mut byte = [0u8; 1];
        match heard {
            Ok(1..) => self.0.read(&mut byte).map(drop).map_err(|error| cannot("bell", &error)),
            _ => Err(Problem::new(Code::Internal, format!("the step did not begin within {MOST_SECONDS} s"))),
        }
    }
}

/// Events of a run as they come.
pub(super) struct Lines(std::io::Lines<BufReader<ChildStdout>>);

impl Iterator for Lines {
    type Item = Value;

    fn next(&mut self) -> Option<Value> {
        serde_json::from_str(&self.0.next()?.ok()?).ok()
    }
}

fn cannot(what: &str, error: &std::io::Error) -> Problem {
    Problem::config(format!("the demo cannot use `{what}` in its folder: {}", error.kind()))
        .fix("TMPDIR=/a/folder/with/room dvt demo crash")
}
