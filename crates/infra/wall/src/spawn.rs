//! Starting one program: its own process group, nothing inherited but three streams, dead when the starter is.

use crate::child::{self, Child};
use crate::image::Image;
use crate::protocol::{Refusal, Spawn};
use crate::stack::Stack;
use rustix::io::Errno;
use std::os::fd::OwnedFd;

/// The three streams of a program.
#[derive(Debug)]
pub(crate) struct Streams {
    pub(crate) input: OwnedFd,
    pub(crate) output: OwnedFd,
    pub(crate) error: OwnedFd,
}

/// Begins the program; its process group exists when this returns. Whether it became the program the child tells later. Reaped by
/// `wait`, with its usage. A stack of an earlier child is used again.
pub(crate) fn spawn(request: &Spawn, streams: Streams, stack: Option<Stack>) -> Result<Child, Refusal> {
    let program = &request.program;
    let image = Image::new(request).map_err(|_| Refusal::ZeroByte { program: program.clone() })?;
    let stack = stack.map_or_else(Stack::new, Ok);
    let child = stack.and_then(|stack| child::start(image, streams, stack));
    child.map_err(|errno| refusal(program, errno))
}

/// Why the kernel did not start the program.
pub(crate) fn refusal(program: &str, errno: Errno) -> Refusal {
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
