//! Starting one program: its own process group, nothing inherited but three streams, dead when the starter is.

use crate::protocol::{Refusal, Spawn};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, getpid, getppid, set_parent_process_death_signal};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// The three streams of a program.
pub(crate) struct Streams {
    pub(crate) input: OwnedFd,
    pub(crate) output: OwnedFd,
    pub(crate) error: OwnedFd,
}

/// Starts the program; returns after its `execve` succeeded, so that its process group exists and its own descriptors of
/// ours are closed. Reaped by `wait`, with its usage.
pub(crate) fn spawn(request: &Spawn, streams: Streams) -> Result<Pid, Refusal> {
    let mut command = Command::new(&request.program);
    command
        .args(&request.arguments)
        .env_clear()
        .envs(request.environment.iter().map(|(name, value)| (name, value)))
        .current_dir(&request.directory)
        .process_group(0)
        .stdin(streams.input)
        .stdout(streams.output)
        .stderr(streams.error);
    die_with_the_starter(&mut command);
    let child = command.spawn().map_err(|error| refusal(&request.program, &error))?;
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    pid.ok_or_else(|| Refusal::System { program: request.program.clone(), errno: 0 })
}

/// The kernel kills the child when the starter ends, however that happens.
#[expect(unsafe_code, reason = "the death signal is cleared by fork and must be set between fork and exec")]
fn die_with_the_starter(command: &mut Command) {
    let starter = getpid();
    let in_child = move || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // The starter may have ended between fork and the line above; then no signal will come.
        if getppid() == Some(starter) { Ok(()) } else { Err(Errno::SRCH.into()) }
    };
    // SAFETY: between fork and exec only async-signal-safe work is allowed. The closure makes two direct system calls
    // (prctl, getppid), takes no lock and allocates nothing; `io::Error::from(Errno)` holds a bare number.
    unsafe { command.pre_exec(in_child) };
}

fn refusal(program: &str, error: &io::Error) -> Refusal {
    let program = program.to_owned();
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::NOENT | Errno::NOTDIR) => Refusal::NotFound { program },
        Some(Errno::ACCESS | Errno::PERM | Errno::NOEXEC | Errno::ISDIR) => {
            Refusal::NotExecutable { program }
        }
        Some(Errno::TOOBIG) => Refusal::TooLong { program },
        Some(errno @ (Errno::NOMEM | Errno::AGAIN | Errno::MFILE | Errno::NFILE)) => {
            Refusal::NoRoom { program, errno: errno.raw_os_error() }
        }
        Some(errno) => Refusal::System { program, errno: errno.raw_os_error() },
        None if error.kind() == io::ErrorKind::InvalidInput => Refusal::ZeroByte { program },
        None => Refusal::System { program, errno: 0 },
    }
}
