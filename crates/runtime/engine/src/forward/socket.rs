//! The socket itself: bound 0600 in the data folder, under a name of its own for each holder, peers checked by uid.
//!
//! A path of a socket holds at most 107 bytes and a data folder may be deeper, so the socket is reached through the open
//! folder (`/proc/self/fd/<n>/<name>`).

use crate::{Problem, chance};
use dvt_model::code::Code;
use rustix::fs::{CWD, Mode, OFlags};
use std::fs::Permissions;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use tokio::net::{UnixListener, UnixStream};

const PREFIX: &str = "engine.";
const SUFFIX: &str = ".sock";

/// A listening socket; its name goes with it when it is dropped.
pub(crate) struct Socket {
    folder: PathBuf,
    name: String,
    listener: UnixListener,
}

fn fault(what: &str, error: impl std::fmt::Display) -> Problem {
    Problem::new(Code::ServiceDegraded, format!("the engine's socket cannot be {what}: {error}"))
}

fn open(folder: &Path) -> std::io::Result<OwnedFd> {
    Ok(rustix::fs::openat(CWD, folder, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?)
}

fn through(handle: &OwnedFd, name: &str) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}/{name}", handle.as_raw_fd()))
}

/// Whether a lease row's address has the form of a name that we give; it never leads out of the folder.
fn is_name(name: &str) -> bool {
    name.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX)).is_some_and(|middle| {
        !middle.is_empty() && middle.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
    })
}

impl Socket {
    pub(crate) fn bind(folder: &Path) -> Result<Self, Problem> {
        let name = format!("{PREFIX}{}{SUFFIX}", chance::request().key());
        let handle = open(folder).map_err(|error| fault("made", error))?;
        let path = through(&handle, &name);
        let listener = UnixListener::bind(&path).map_err(|error| fault("made", error))?;
        // Nobody knows the name yet, and the folder is 0700.
        std::fs::set_permissions(&path, Permissions::from_mode(0o600))
            .map_err(|error| fault("made private", error))?;
        Ok(Self { folder: folder.to_owned(), name, listener })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Removes the sockets of earlier holders. A contender whose socket goes too did not get the lease and binds anew.
    pub(crate) fn sweep_others(&self) {
        let Ok(entries) = std::fs::read_dir(&self.folder) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            if name.to_str().is_some_and(|name| is_name(name) && name != self.name) {
                // What cannot be removed does no harm: no row names it.
                drop(std::fs::remove_file(entry.path()));
            }
        }
    }

    /// The next peer of the same OS user; others are dropped without an answer.
    pub(crate) async fn accept(&self) -> Result<UnixStream, Problem> {
        loop {
            let (stream, _) = self.listener.accept().await.map_err(|error| fault("listened at", error))?;
            if is_own(&stream) {
                return Ok(stream);
            }
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        drop(std::fs::remove_file(self.folder.join(&self.name)));
    }
}

/// SO_PEERCRED: the kernel's word on who is at the other end.
fn is_own(stream: &UnixStream) -> bool {
    stream.peer_cred().is_ok_and(|peer| peer.uid() == rustix::process::geteuid().as_raw())
}

pub(crate) async fn connect(folder: &Path, name: &str) -> Result<UnixStream, Problem> {
    if !is_name(name) {
        return Err(fault("reached", "the lease row names no socket"));
    }
    let handle = open(folder).map_err(|error| fault("reached", error))?;
    let stream =
        UnixStream::connect(through(&handle, name)).await.map_err(|error| fault("reached", error))?;
    if is_own(&stream) { Ok(stream) } else { Err(fault("trusted", "it belongs to another user")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_socket_is_private_reachable_at_any_depth_and_goes_with_its_holder() {
        let root = tempfile::tempdir().unwrap();
        let deep = root.path().join("d".repeat(90)).join("e".repeat(90));
        std::fs::create_dir_all(&deep).unwrap();
        let old = Socket::bind(&deep).unwrap();
        let socket = Socket::bind(&deep).unwrap();
        let mode = std::fs::metadata(deep.join(socket.name())).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let (near, far) = tokio::join!(connect(&deep, socket.name()), socket.accept());
        assert!(near.is_ok() && far.is_ok());
        socket.sweep_others();
        assert!(connect(&deep, old.name()).await.is_err(), "the socket of an earlier holder is gone");
        let name = socket.name().to_owned();
        drop(socket);
        assert!(!deep.join(&name).exists());
        for outside in ["engine.sock", "../engine.ab.sock", "engine./../x.sock", "x"] {
            assert!(!is_name(outside), "{outside}");
        }
    }
}
