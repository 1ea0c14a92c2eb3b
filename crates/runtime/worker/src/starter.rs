//! The worker's end of the starter's socket: requests in order with their descriptors, answers as they come.

use crate::Error;
use dvt_wall::descriptors::{self, Inbox};
use dvt_wall::protocol::{self, FromStarter, LOCK_VARIABLE, Spawn, StepSignal, ToStarter};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::sync::mpsc;

/// Starts the starter; gives the process and our end of its socket.
pub(crate) fn spawn(verb: &str) -> io::Result<(Child, std::os::unix::net::UnixStream)> {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
    let mut command = Command::new("/proc/self/exe");
    command.arg(verb).env_clear().envs(std::env::var_os(LOCK_VARIABLE).map(|path| (LOCK_VARIABLE, path)));
    let child = command.stdin(OwnedFd::from(theirs)).stdout(Stdio::null()).spawn()?;
    ours.set_nonblocking(true)?;
    Ok((child, ours))
}

/// Sends requests; may be cloned. Never waits: requests are small and few.
#[derive(Debug, Clone)]
pub(crate) struct Requests {
    sender: mpsc::UnboundedSender<(Vec<u8>, Vec<OwnedFd>)>,
}

impl Requests {
    /// Starts a program with its three streams.
    pub(crate) fn start(&self, spawn: Spawn, streams: [OwnedFd; 3]) -> Result<(), Error> {
        self.send(&ToStarter::Spawn(spawn), streams.into())
    }

    /// Signals a step.
    pub(crate) fn signal(&self, key: u64, signal: StepSignal) -> Result<(), Error> {
        self.send(&ToStarter::Signal { key, signal }, Vec::new())
    }

    fn send(&self, message: &ToStarter, streams: Vec<OwnedFd>) -> Result<(), Error> {
        self.sender.send((protocol::encode(message)?, streams)).map_err(|_| Error::StarterEnded)
    }
}

/// Answers of the starter.
#[derive(Debug)]
pub(crate) struct Answers {
    receiver: mpsc::UnboundedReceiver<Result<FromStarter, Error>>,
}

impl Answers {
    /// The next one; an error where the starter is gone. Safe to cancel.
    pub(crate) async fn next(&mut self) -> Result<FromStarter, Error> {
        self.receiver.recv().await.unwrap_or(Err(Error::StarterEnded))
    }
}

/// Serves the socket with two tasks, which end with the runtime.
pub(crate) fn serve(socket: std::os::unix::net::UnixStream) -> io::Result<(Requests, Answers)> {
    let socket = Arc::new(UnixStream::from_std(socket)?);
    let (sender, mut requests) = mpsc::unbounded_channel::<(Vec<u8>, Vec<OwnedFd>)>();
    let (answer, receiver) = mpsc::unbounded_channel();
    let write = Arc::clone(&socket);
    tokio::spawn(async move {
        while let Some((frame, streams)) = requests.recv().await {
            if send(&write, &frame, &streams).await.is_err() {
                return;
            }
        }
    });
    tokio::spawn(async move {
        let mut inbox = Inbox::default();
        loop {
            let filled = socket.async_io(Interest::READABLE, || fill(&socket, &mut inbox)).await;
            let open = match filled {
                Ok(open) => open,
                Err(error) => {
                    drop(answer.send(Err(error.into())));
                    return;
                }
            };
            loop {
                let sent = match protocol::decode(&mut inbox.bytes) {
                    Ok(None) => break,
                    Ok(Some(message)) => answer.send(Ok(message)),
                    Err(error) => answer.send(Err(error.into())),
                };
                if sent.is_err() {
                    return;
                }
            }
            if !open {
                return;
            }
        }
    });
    Ok((Requests { sender }, Answers { receiver }))
}

/// Fills the inbox; *would block* where nothing came, so that the runtime waits.
fn fill(socket: &UnixStream, inbox: &mut Inbox) -> io::Result<bool> {
    let before = inbox.bytes.len();
    let open = inbox.fill(socket)?;
    if open && inbox.bytes.len() == before { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(open) }
}

/// Sends a frame; its descriptors go with its first byte.
async fn send(socket: &UnixStream, frame: &[u8], streams: &[OwnedFd]) -> io::Result<()> {
    let (mut rest, mut streams) = (frame, streams);
    while !rest.is_empty() {
        let descriptors: Vec<_> = streams.iter().map(AsFd::as_fd).collect();
        let sent =
            socket.async_io(Interest::WRITABLE, || descriptors::send(socket, rest, &descriptors)).await?;
        rest = rest.get(sent..).unwrap_or_default();
        streams = &[];
    }
    Ok(())
}
