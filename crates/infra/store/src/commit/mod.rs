//! The committer: one thread per tenant's file, the only writer of it in this process.
//!
//! It takes what waits, puts it into one transaction and answers each piece after the COMMIT. An index is given in [`index`],
//! a leaf and a MAC in [`authenticate`], nowhere else. Surprising: a piece is answered even when its neighbours were
//! refused, and nobody is answered before all of them are durable.

pub(crate) mod authenticate;
pub(crate) mod change;
pub(crate) mod counts;
pub(crate) mod deed;
pub(crate) mod group;
pub(crate) mod index;
pub(crate) mod prepare;
pub(crate) mod publish;
pub(crate) mod queue;
pub(crate) mod rights;
pub(crate) mod setting;
pub(crate) mod side;
pub(crate) mod stage;
pub(crate) mod staged;
pub(crate) mod turns;
pub(crate) mod waiting;

use crate::crash;
use crate::port::error::{Error, Refusal};
use crate::sqlite::connect::{Access, connect};
use counts::Counting;
use dvt_model::id::TenantId;
use group::Work;
use queue::{Queue, Room, Waiting};
use rusqlite::Connection;
use std::path::PathBuf;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use turns::Turns;

/// The most pieces in one transaction.
const MOST_PIECES: usize = 256;
/// The most bytes in one transaction, so that one flush never holds up others for long.
const MOST_BYTES: usize = 4 * 1024 * 1024;
/// The longest that a group waits for callers who were just answered to come back, see [`gather`].
const MOST_PATIENCE: Duration = Duration::from_millis(2);

/// What the committer needs to know of its file.
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    pub(crate) vfs: Option<String>,
    pub(crate) tenant: TenantId,
    /// The line in which the committers of all tenants stand.
    pub(crate) turns: Arc<Turns>,
    /// Called after a failed or unknown commit: memory of this tenant may be ahead of the file.
    pub(crate) forget: Box<dyn Fn() + Send>,
}

/// The way to the thread.
pub(crate) struct Committer {
    queue: Arc<Queue>,
    counting: Arc<Counting>,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
}

impl Committer {
    /// Starts the thread with the connection that opened the file.
    pub(crate) fn start(place: Place, connection: Connection) -> Result<Self, Error> {
        let (queue, receiver) = Queue::new();
        let counting = Arc::new(Counting::default());
        let counted = Arc::clone(&counting);
        let thread = std::thread::Builder::new()
            .name("dvt-committer".to_owned())
            .spawn(move || serve(&place, connection, &receiver, &counted))
            .map_err(|error| Error::Unavailable(format!("start a thread: {error}")))?;
        Ok(Self { queue: Arc::new(queue), counting, thread: Mutex::new(Some(thread)) })
    }

    /// Waits for room for a piece of about so many bytes.
    pub(crate) async fn room(&self, bytes: usize) -> Result<Room, Refusal> {
        let room = self.queue.room(bytes).await?;
        self.counting.under_way(self.queue.bytes_under_way());
        Ok(room)
    }

    /// Puts a piece into the room that was taken for it.
    pub(crate) fn put(&self, work: Box<dyn Work>, room: Room) -> Result<(), Refusal> {
        self.queue.put(work, Some(room))?;
        self.counting.put();
        Ok(())
    }

    /// What was committed so far.
    pub(crate) fn counts(&self) -> counts::Counts {
        self.counting.counts(self.queue.pieces_under_way())
    }

    /// A way to write from a thread that may wait, a lane for example. It does not keep the committer alive.
    pub(crate) fn write_from_a_thread(
        &self,
    ) -> impl Fn(side::FromThread) -> Result<bool, Error> + Send + Sync + 'static {
        let queue = Arc::downgrade(&self.queue);
        move |write| {
            let queue =
                queue.upgrade().ok_or_else(|| Error::Unavailable("answer: it is closed".to_owned()))?;
            side::wait(&queue, write)
        }
    }

    /// Commits what waits and ends the thread.
    pub(crate) fn stop(&self) {
        self.queue.close();
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

/// What goes into one transaction: all that waits, within the bounds. Callers that were answered together come back
/// together, a little later than the first of them: the group waits for as many as the last one had, for a fraction of what
/// the last commit took, so that one sync serves them all. A lone caller never waits.
fn gather(first: Waiting, receiver: &Receiver<Waiting>, last: (usize, Duration)) -> Vec<Waiting> {
    let (expected, patience) = (last.0.min(MOST_PIECES), (last.1 / 4).min(MOST_PATIENCE));
    let mut bytes = first.work.weight();
    let mut pieces = vec![first];
    let begun = Instant::now();
    while pieces.len() < MOST_PIECES && bytes < MOST_BYTES {
        let next = match receiver.try_recv() {
            Ok(next) => next,
            Err(_) if pieces.len() < expected => {
                let Some(left) = patience.checked_sub(begun.elapsed()) else { break };
                let Ok(next) = receiver.recv_timeout(left) else { break };
                next
            }
            Err(_) => break,
        };
        bytes += next.work.weight();
        pieces.push(next);
    }
    pieces
}

fn serve(place: &Place, connection: Connection, receiver: &Receiver<Waiting>, counting: &Counting) {
    let mut connection = Some(connection);
    let mut last = (1, Duration::ZERO);
    while let Ok(first) = receiver.recv() {
        let mut pieces = gather(first, receiver, last);
        // If we crash here, the pieces are in memory alone and nobody was told anything: they are simply not there.
        crash::point("before-begin");
        let begun = Instant::now();
        if connection.is_none() {
            connection = connect(&place.path, place.vfs.as_deref(), Access::Write).ok();
        }
        let result = match &mut connection {
            Some(open) => group::commit(open, place.tenant, &place.turns, &mut pieces),
            None => Err(Error::Unavailable("open the file again".to_owned())),
        };
        last = (pieces.len(), begun.elapsed());
        dvt_telemetry::written(last.1, result.is_ok());
        counting.group(pieces.len(), result.as_ref().ok().map(Vec::as_slice));
        // If we crash here, the pieces are durable and nobody was told: a repeat with the same block id finds them.
        crash::point("after-commit-before-answer");
        match result {
            Ok(verdicts) => {
                for (piece, verdict) in pieces.into_iter().zip(verdicts) {
                    piece.work.answer(verdict);
                    drop(piece.room);
                }
            }
            Err(error) => {
                // Nothing of it is there, or it cannot be known. Whoever waits folds again from the file.
                (place.forget)();
                connection = None;
                for piece in pieces {
                    piece.work.answer(Err(Refusal::Unavailable(error.to_string())));
                }
            }
        }
        // If we crash here, everything that was answered is durable.
        crash::point("after-answer");
    }
}
