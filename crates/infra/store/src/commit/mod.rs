//! The committer: the only writer of a tenant's file in this process.
//!
//! Callers who come together are served by a thread: it takes what waits, puts it into one transaction and answers each piece after
//! the COMMIT. A caller who comes alone writes for himself (ADR 84), for two threads that wake each other are a good part of a
//! short commit. An index is given in [`index`], a leaf and a MAC in [`authenticate`], nowhere else. Surprising: a piece is answered
//! even when its neighbours were refused, and nobody is answered before all of them are durable.

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
pub(crate) mod writer;

use crate::port::error::{Error, Refusal};
use counts::Counting;
use group::Work;
use queue::{Queue, Room, Waiting};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::{Handle, RuntimeFlavor};
use turns::Turns;
use writer::{Last, Writer};

/// The most pieces in one transaction.
const MOST_PIECES: usize = 256;
/// The most bytes in one transaction, so that one flush never holds up others for long.
const MOST_BYTES: usize = 4 * 1024 * 1024;
/// The longest that a group waits for callers who were just answered to come back, see [`gather`].
const MOST_PATIENCE: Duration = Duration::from_millis(2);

/// The writer; nobody where the file is closed.
type Shared = Mutex<Option<Writer>>;

/// The way to the writer.
pub(crate) struct Committer {
    queue: Arc<Queue>,
    counting: Arc<Counting>,
    writer: Arc<Shared>,
    turns: Arc<Turns>,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
}

impl Committer {
    /// Starts the thread.
    pub(crate) fn start(writer: Writer) -> Result<Self, Error> {
        let (queue, receiver) = Queue::new();
        let turns = Arc::clone(writer.turns());
        let (counting, writer) = (Arc::new(Counting::default()), Arc::new(Mutex::new(Some(writer))));
        let (counted, shared) = (Arc::clone(&counting), Arc::clone(&writer));
        let thread = std::thread::Builder::new()
            .name("dvt-committer".to_owned())
            .spawn(move || serve(&shared, &receiver, &counted))
            .map_err(|error| Error::io("start a thread", &error))?;
        Ok(Self { queue: Arc::new(queue), counting, writer, turns, thread: Mutex::new(Some(thread)) })
    }

    /// Waits for room for a piece of about so many bytes.
    pub(crate) async fn room(&self, bytes: usize) -> Result<Room, Refusal> {
        let room = self.queue.room(bytes).await?;
        self.counting.under_way(self.queue.bytes_under_way());
        Ok(room)
    }

    /// Puts a piece into the room that was taken for it; where its caller is alone, it is durable or refused on return.
    pub(crate) fn put(&self, work: Box<dyn Work>, room: Room) -> Result<(), Refusal> {
        if self.queue.pieces_under_way() == 1
            && may_wait()
            && let Some(_guest) = self.turns.guest()
            && let Ok(mut held) = self.writer.try_lock()
            && let Some(writer) = held.as_mut()
        {
            self.counting.put();
            self.counting.alone();
            // Whatever else this thread has to do is done by another one meanwhile.
            tokio::task::block_in_place(|| {
                writer.carry_out(vec![Waiting { work, room: Some(room) }], &self.counting);
            });
            return Ok(());
        }
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
        drop(lock(&self.writer).take());
    }
}

/// The writer, from whoever has it.
fn lock(writer: &Shared) -> MutexGuard<'_, Option<Writer>> {
    writer.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether this thread may wait for a disk: no task of a runtime waits for it then, or another thread takes them over.
fn may_wait() -> bool {
    Handle::try_current().map_or(true, |runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread)
}

/// The refusal of a store that is closed.
pub(crate) fn closed() -> Refusal {
    Refusal::Unavailable("do this: it is closed".to_owned())
}

/// What goes into one transaction: all that waits, within the bounds. Callers that were answered together come back
/// together, a little later than the first of them: the group waits for as many as [`expected`], for a fraction of what the
/// last commit took. A lone caller never waits.
fn gather(first: Waiting, receiver: &Receiver<Waiting>, last: Last) -> Vec<Waiting> {
    let (expected, patience) = (expected(last), (last.took / 4).min(MOST_PATIENCE));
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

/// How many a group waits for: as many as the last one had where the disk was most of it, so that one sync serves them all; half
/// of them where it was not, so that one half gets ready while the other is written.
fn expected(last: Last) -> usize {
    let pieces = last.pieces.min(MOST_PIECES);
    if last.syncing * 2 > last.took { pieces } else { pieces.div_ceil(2) }
}

fn serve(writer: &Shared, receiver: &Receiver<Waiting>, counting: &Counting) {
    while let Ok(first) = receiver.recv() {
        let mut held = lock(writer);
        // It is taken away after the thread has ended.
        let Some(writer) = held.as_mut() else { return };
        writer.carry_out(gather(first, receiver, writer.last()), counting);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_waits_for_all_where_the_disk_is_slow_and_for_half_where_it_is_not() {
        let last = |pieces, took, syncing| Last {
            pieces,
            took: Duration::from_micros(took),
            syncing: Duration::from_micros(syncing),
        };
        assert_eq!(expected(last(64, 6_000, 4_000)), 64);
        assert_eq!(expected(last(64, 2_400, 400)), 32);
        assert_eq!(expected(last(9, 600, 200)), 5);
        for (took, syncing) in [(0, 0), (300, 250), (300, 10)] {
            assert_eq!(expected(last(1, took, syncing)), 1, "a lone caller is not waited for");
        }
        assert_eq!(expected(last(1_000, 9_000, 8_000)), MOST_PIECES);
    }
}
