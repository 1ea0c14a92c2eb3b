//! The engine's end of the link: starts the worker as a child and carries messages to and from it.
//!
//! Dropping the link closes the socket, and the worker takes every step with it. [`Link::close`] also waits until that is
//! done.

use crate::WORKER_VERB;
use crate::frame;
use crate::outgoing::Outgoing;
use crate::protocol::{FromWorker, ToWorker};
use dvt_model::digest::Digest;
use dvt_wall::protocol::LOCK_VARIABLE;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Weak};
use tokio::io::BufReader;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Messages of the worker that wait before it does.
const WAITING: usize = 64;

/// The connection to a worker of one's own.
#[derive(Debug)]
pub struct Link {
    /// The writing task's; with it the socket is closed.
    outgoing: Weak<Outgoing>,
    incoming: Option<Incoming>,
    tasks: [JoinHandle<()>; 2],
    child: Option<Child>,
}

/// What the worker says. Ends when the worker's process has ended (and, unless it was killed, every step before it). Receiving is
/// safe to cancel.
pub type Incoming = mpsc::Receiver<FromWorker>;

/// What a worker was told and was not sent. Whoever said it under a lock sends it when that is free again.
#[derive(Debug, Default)]
#[must_use = "what was said goes with the next sending"]
pub struct Unsent(Weak<Outgoing>);

impl Unsent {
    /// Sends it, in one write where the socket takes it; waits for nothing.
    pub fn send(self) {
        if let Some(outgoing) = self.0.upgrade() {
            outgoing.flush();
        }
    }
}

impl Link {
    /// Starts `exe` as the worker. `lock_file` is the installation's: the worker says `Hello` only once no step of an earlier
    /// worker with the same lock is alive. Called within a runtime.
    pub fn spawn(exe: &Path, lock_file: &Path) -> io::Result<Self> {
        Self::spawn_verb(exe, WORKER_VERB, lock_file)
    }

    /// [`Self::spawn`] with another verb, for tests that compare with a weakened worker.
    #[doc(hidden)]
    pub fn spawn_verb(exe: &Path, verb: &str, lock_file: &Path) -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        let mut command = Command::new(exe);
        command.arg(verb).env_clear().env(LOCK_VARIABLE, lock_file);
        // Nothing of the caller's environment reaches the worker but where its private folder lies.
        for name in ["XDG_RUNTIME_DIR", "TMPDIR"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        let child = command.stdin(OwnedFd::from(theirs)).stdout(Stdio::null()).spawn()?;
        // The command holds the other end of the socket until it is dropped; the worker's end must be the only one.
        drop(command);
        ours.set_nonblocking(true)?;
        let (read, write) = tokio::net::UnixStream::from_std(ours)?.into_split();
        let mut read = BufReader::new(read);
        let (received, incoming) = mpsc::channel(WAITING);
        let to_worker = Arc::new(Outgoing::new(write));
        let outgoing = Arc::downgrade(&to_worker);
        let writing = tokio::spawn(async move { to_worker.serve().await });
        let reading = tokio::spawn(async move {
            while let Ok(Some(message)) = frame::read(&mut read).await {
                if received.send(message).await.is_err() {
                    return;
                }
            }
        });
        Ok(Self { outgoing, incoming: Some(incoming), tasks: [writing, reading], child: Some(child) })
    }

    /// The worker's process.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Says something to the worker, after what was said before. It goes with the next [`Unsent::send`].
    pub fn say(&self, message: ToWorker) {
        self.to_worker(|to| to.say(message));
    }

    /// Gives the worker a packed bundle in parts, after what was said before.
    pub fn say_bundle(&self, digest: Digest, bytes: Arc<Vec<u8>>) {
        self.to_worker(|to| to.say_bundle(digest, bytes));
    }

    /// What was said and is not sent.
    pub fn unsent(&self) -> Unsent {
        Unsent(Weak::clone(&self.outgoing))
    }

    fn to_worker(&self, does: impl FnOnce(&Outgoing)) {
        // Where the task has ended the worker is gone, and that is heard.
        if let Some(outgoing) = self.outgoing.upgrade() {
            does(&outgoing);
        }
    }

    /// What the worker says; whoever takes it hears it alone.
    pub fn incoming(&mut self) -> Option<Incoming> {
        self.incoming.take()
    }

    /// Closes the socket and waits until the worker has ended, and with it every step.
    pub async fn close(mut self) -> io::Result<ExitStatus> {
        self.cut();
        let Some(mut child) = self.child.take() else { return Err(io::ErrorKind::NotFound.into()) };
        for task in &mut self.tasks {
            // Aborted above: whether it was cancelled or had ended, its half of the socket is closed now.
            drop(task.await);
        }
        tokio::task::spawn_blocking(move || child.wait()).await.map_err(io::Error::other)?
    }

    fn cut(&self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.cut();
        if let Some(mut child) = self.child.take() {
            // Reaped by a thread of its own, so that no zombie stays and nobody waits here.
            let reaper = std::thread::Builder::new().name("dvt-worker-reaper".to_owned());
            drop(reaper.spawn(move || child.wait()));
        }
    }
}
