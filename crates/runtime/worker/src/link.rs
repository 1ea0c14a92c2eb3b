//! The engine's end of the link: starts the worker as a child and carries messages to and from it.
//!
//! Dropping the link closes the socket, and the worker takes every step with it. [`Link::close`] also waits until that is
//! done. Receiving is safe to cancel: frames are read by a task of their own.

use crate::WORKER_VERB;
use crate::frame;
use crate::protocol::{FromWorker, MAX_BODY_BYTES, ToWorker};
use dvt_model::digest::Digest;
use dvt_wall::protocol::LOCK_VARIABLE;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use tokio::io::BufReader;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Messages that wait on either side before the sender does.
const WAITING: usize = 64;

/// The worker is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the worker ended")]
pub struct WorkerEnded;

/// The connection to a worker of one's own.
#[derive(Debug)]
pub struct Link {
    sender: Sender,
    incoming: mpsc::Receiver<FromWorker>,
    tasks: [JoinHandle<()>; 2],
    child: Option<Child>,
}

/// Sends to the worker from anywhere; does not keep the link open.
#[derive(Debug, Clone)]
pub struct Sender {
    outgoing: mpsc::Sender<ToWorker>,
}

impl Sender {
    /// Sends one message, after those before it.
    pub async fn send(&self, message: ToWorker) -> Result<(), WorkerEnded> {
        self.outgoing.send(message).await.map_err(|_| WorkerEnded)
    }

    /// Sends a packed bundle in parts.
    pub async fn send_bundle(&self, digest: Digest, bytes: &[u8]) -> Result<(), WorkerEnded> {
        for part in bytes.chunks(MAX_BODY_BYTES) {
            self.send(ToWorker::Bundle { digest, done: false, body: part.to_vec() }).await?;
        }
        self.send(ToWorker::Bundle { digest, done: true, body: Vec::new() }).await
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
        let (read, mut write) = tokio::net::UnixStream::from_std(ours)?.into_split();
        let mut read = BufReader::new(read);
        let (outgoing, mut to_write) = mpsc::channel(WAITING);
        let (received, incoming) = mpsc::channel(WAITING);
        let writing = tokio::spawn(async move {
            let mut batch = Vec::new();
            while to_write.recv_many(&mut batch, frame::BATCH).await > 0 {
                if frame::write(&mut write, &mut batch).await.is_err() {
                    return;
                }
            }
        });
        let reading = tokio::spawn(async move {
            while let Ok(Some(message)) = frame::read(&mut read).await {
                if received.send(message).await.is_err() {
                    return;
                }
            }
        });
        Ok(Self { sender: Sender { outgoing }, incoming, tasks: [writing, reading], child: Some(child) })
    }

    /// The worker's process.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// A handle to send with.
    pub fn sender(&self) -> Sender {
        self.sender.clone()
    }

    /// Sends one message, after those before it.
    pub async fn send(&self, message: ToWorker) -> Result<(), WorkerEnded> {
        self.sender.send(message).await
    }

    /// The next message; `None` when the worker's process has ended (and, unless it was killed, every step before it). Safe to
    /// cancel.
    pub async fn recv(&mut self) -> Option<FromWorker> {
        self.incoming.recv().await
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
