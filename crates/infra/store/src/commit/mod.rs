//! The committer: one thread per tenant's file, the only writer of it in this process.
//!
//! It takes what waits, puts it into one transaction and answers each piece after the COMMIT. An index is given in [`index`],
//! a leaf and a MAC in [`authenticate`], nowhere else. Surprising: a piece is answered even when its neighbours were
//! refused, and nobody is answered before all of them are durable.

pub(crate) mod authenticate;
pub(crate) mod change;
pub(crate) mod deed;
pub(crate) mod group;
pub(crate) mod index;
pub(crate) mod prepare;
pub(crate) mod side;
pub(crate) mod stage;

use crate::crash;
use crate::port::error::{Error, Refusal};
use crate::sqlite::connect::{Access, connect};
use dvt_model::id::TenantId;
use group::Work;
use rusqlite::Connection;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// How many pieces may wait before a caller waits for room.
const QUEUE: usize = 1_024;
/// The most pieces in one transaction.
const MOST_PIECES: usize = 256;
/// The most bytes in one transaction, so that one flush never holds up others for long.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// What the committer needs to know of its file.
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    pub(crate) vfs: Option<String>,
    pub(crate) tenant: TenantId,
    /// Called after a failed or unknown commit: memory of this tenant may be ahead of the file.
    pub(crate) forget: Box<dyn Fn() + Send>,
}

/// The way to the thread.
pub(crate) struct Committer {
    queue: Mutex<Option<Sender<Box<dyn Work>>>>,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
}

impl Committer {
    /// Starts the thread with the connection that opened the file.
    pub(crate) fn start(place: Place, connection: Connection) -> Result<Self, Error> {
        let (sender, receiver) = channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("dvt-committer".to_owned())
            .spawn(move || serve(&place, connection, receiver))
            .map_err(|error| Error::Unavailable(format!("start a thread: {error}")))?;
        Ok(Self { queue: Mutex::new(Some(sender)), thread: Mutex::new(Some(thread)) })
    }

    /// Puts a piece into the queue; waits while it is full.
    pub(crate) async fn put(&self, work: Box<dyn Work>) -> Result<(), Refusal> {
        let sender = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(sender) = sender else { return Err(closed()) };
        sender.send(work).await.map_err(|_| closed())
    }

    /// A way to write from a thread that may wait, a lane for example. It does not keep the committer alive.
    pub(crate) fn write_from_a_thread(
        &self,
    ) -> impl Fn(side::FromThread) -> Result<bool, Error> + Send + Sync + 'static {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(Sender::downgrade);
        move |write| {
            let sender = queue.as_ref().and_then(tokio::sync::mpsc::WeakSender::upgrade);
            let sender = sender.ok_or_else(|| Error::Unavailable("answer: it is closed".to_owned()))?;
            side::wait(&sender, write)
        }
    }

    /// Commits what waits and ends the thread.
    pub(crate) fn stop(&self) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // If it panicked its callers have been told by their dropped answers.
            let _ended = thread.join();
        }
    }
}

/// The refusal of a store that is closed.
pub(crate) fn closed() -> Refusal {
    Refusal::Unavailable("the store is closed".to_owned())
}

fn serve(place: &Place, connection: Connection, mut receiver: Receiver<Box<dyn Work>>) {
    let mut connection = Some(connection);
    while let Some(first) = receiver.blocking_recv() {
        let mut bytes = first.weight();
        let mut pieces = vec![first];
        while pieces.len() < MOST_PIECES && bytes < MOST_BYTES {
            let Ok(next) = receiver.try_recv() else { break };
            bytes += next.weight();
            pieces.push(next);
        }
        // If we crash here, the pieces are in memory alone and nobody was told anything: they are simply not there.
        crash::point("before-begin");
        if connection.is_none() {
            connection = connect(&place.path, place.vfs.as_deref(), Access::Write).ok();
        }
        let result = match &mut connection {
            Some(open) => group::commit(open, place.tenant, &mut pieces),
            None => Err(Error::Unavailable("open the file again".to_owned())),
        };
        // If we crash here, the pieces are durable and nobody was told: a repeat with the same block id finds them.
        crash::point("after-commit-before-answer");
        match result {
            Ok(verdicts) => {
                for (piece, verdict) in pieces.into_iter().zip(verdicts) {
                    piece.answer(verdict);
                }
            }
            Err(error) => {
                // Nothing of it is there, or it cannot be known. Whoever waits folds again from the file.
                (place.forget)();
                connection = None;
                for piece in pieces {
                    piece.answer(Err(Refusal::Unavailable(error.to_string())));
                }
            }
        }
        // If we crash here, everything that was answered is durable.
        crash::point("after-answer");
    }
}
