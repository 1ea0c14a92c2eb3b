//! Starting one program: its own process group, nothing inherited but three streams, dead when the starter is.

use crate::child::{self, Failed};
use crate::image::Image;
use crate::protocol::{Refusal, Spawn};
use crate::stack::Stack;
use rustix::io::Errno;
use rustix::process::Pid;
use std::os::fd::OwnedFd;

/// The three streams of a program.
pub(crate) struct Streams {
    pub(crate) input: OwnedFd,
    pub(crate) output: OwnedFd,
    pub(crate) error: OwnedFd,
}

/// Starts the program; returns after its `execve` succeeded, so that its process group exists and its own descriptors of
/// ours are closed. Reaped by `wait`, with its usage.
pub(crate) fn spawn(request: &Spawn, streams: &Streams, stack: &mut Stack) -> Result<Pid, Refusal> {
    let program = &request.program;
    let image = Image::new(request).map_err(|_| Refusal::ZeroByte { program: program.clone() })?;
    let started = match child::start(&image, streams, stack) {
        Err(failed @ Failed { errno: Errno::NOEXEC, candidate }) => {
            match image.read_by_the_shell(candidate) {
                Some(image) => child::start(&image, streams, stack),
                None => Err(failed),
            }
        }
        started => started,
    };
    started.map_err(|failed| refusal(program, failed.errno))
}

fn refusal(program: &str, errno: Errno) -> Refusal {
    let program = program.to_owned();
    match errno {
        Errno::NOENT | Errno::NOTDIR => Refusal::NotFound { program },
        Errno::ACCESS | Errno::PERM | Errno::NOEXEC | Errno::ISDIR => Refusal::NotExecutable { program },
        Errno::TOOBIG => Refusal::TooLong { program },
        Errno::NOMEM | Errno::AGAIN | Errno::MFILE | Errno::NFILE => {
            Refusal::NoRoom { program, errno: errno.raw_os_error() }
        }
        errno => Refusal::System { program, errno: errno.raw_os_error() },
    }
}
