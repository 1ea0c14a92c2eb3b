//! The way to a committer's thread: bounded in pieces and in bytes; whoever finds it full waits without holding a thread.
//!
//! Room is taken before a stage is sealed and given back when it is answered, so what is being sealed, what waits and what
//! is in the transaction count alike. Surprising: a stage larger than all the room there is gets all of it, alone.

use super::group::Work;
use crate::port::error::Refusal;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many pieces may be under way before a caller waits for room.
pub(crate) const MOST_PIECES: u32 = 1_024;
/// How many bytes may be: accounted in steps of [`STEP`], for a semaphore counts to 2^29.
pub(crate) const MOST_BYTES: usize = 32 * 1024 * 1024;
const STEP: usize = 256;

/// Room for one piece; dropping it gives it back.
pub(crate) struct Room {
    _piece: OwnedSemaphorePermit,
    _bytes: OwnedSemaphorePermit,
}

/// A piece on its way, with its room.
pub(crate) struct Waiting {
    pub(crate) work: Box<dyn Work>,
    pub(crate) room: Option<Room>,
}

/// The sending end.
pub(crate) struct Queue {
    pieces: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
    sender: Mutex<Option<Sender<Waiting>>>,
}

fn steps(bytes: usize) -> u32 {
    u32::try_from(bytes.min(MOST_BYTES).div_ceil(STEP)).unwrap_or(u32::MAX).max(1)
}

/// Takes so many; who finds too few is told of, once.
async fn take(from: &Arc<Semaphore>, count: u32, waits: &mut bool) -> Result<OwnedSemaphorePermit, Refusal> {
    // Whoever waits already has what becomes free, so nobody is overtaken by this.
    if let Ok(taken) = Arc::clone(from).try_acquire_many_owned(count) {
        return Ok(taken);
    }
    if !std::mem::replace(waits, true) {
        dvt_telemetry::waits_for_room();
    }
    Arc::clone(from).acquire_many_owned(count).await.map_err(|_| super::closed())
}

impl Queue {
    /// A queue and its receiving end.
    pub(crate) fn new() -> (Self, Receiver<Waiting>) {
        let (sender, receiver) = channel();
        let pieces = Arc::new(Semaphore::new(MOST_PIECES as usize));
        let bytes = Arc::new(Semaphore::new(steps(MOST_BYTES) as usize));
        (Self { pieces, bytes, sender: Mutex::new(Some(sender)) }, receiver)
    }

    /// Waits for room, in the order of asking.
    pub(crate) async fn room(&self, bytes: usize) -> Result<Room, Refusal> {
        let mut waits = false;
        let piece = take(&self.pieces, 1, &mut waits).await?;
        let bytes = take(&self.bytes, steps(bytes), &mut waits).await?;
        Ok(Room { _piece: piece, _bytes: bytes })
    }

    /// Hands a piece over with its room. A lane's own small writes have none: whoever has room may be waiting for the lane.
    pub(crate) fn put(&self, work: Box<dyn Work>, room: Option<Room>) -> Result<(), Refusal> {
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = sender.as_ref().ok_or_else(super::closed)?;
        sender.send(Waiting { work, room }).map_err(|_| super::closed())
    }

    /// Pieces for which room is taken now.
    pub(crate) fn pieces_under_way(&self) -> u64 {
        (MOST_PIECES as usize).saturating_sub(self.pieces.available_permits()) as u64
    }

    /// Bytes that are accounted for now.
    pub(crate) fn bytes_under_way(&self) -> u64 {
        (MOST_BYTES / STEP).saturating_sub(self.bytes.available_permits()) as u64 * STEP as u64
    }

    /// Takes nothing more; whoever waits for room is refused, what has been handed over is still received.
    pub(crate) fn close(&self) {
        drop(self.sender.lock().unwrap_or_else(PoisonError::into_inner).take());
        self.pieces.close();
        self.bytes.close();
    }
}
