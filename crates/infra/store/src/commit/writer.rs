//! Who holds the writer writes: the committer's thread for callers who come together, a caller for himself where he comes alone.
//!
//! Owns the connection that changes the file, the only one of this process. Surprising: after a failure it is given up and
//! opened anew, for memory and connection may both be ahead of the file.

use super::counts::Counting;
use super::group;
use super::queue::Waiting;
use super::turns::Turns;
use crate::crash;
use crate::port::error::{Error, Refusal};
use crate::sqlite::connect::{Access, connect};
use dvt_model::id::TenantId;
use rusqlite::Connection;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What the writer needs to know of its file.
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    pub(crate) vfs: Option<String>,
    pub(crate) tenant: TenantId,
    /// The line in which the writers of all tenants stand.
    pub(crate) turns: Arc<Turns>,
    /// Called after a failed or unknown commit: memory of this tenant may be ahead of the file.
    pub(crate) forget: Box<dyn Fn() + Send>,
}

/// The right to write.
pub(crate) struct Writer {
    place: Place,
    connection: Option<Connection>,
    last: Last,
}

/// The last transaction: its pieces, how long it took, and how much of that its COMMIT.
#[derive(Clone, Copy)]
pub(crate) struct Last {
    pub(crate) pieces: usize,
    pub(crate) took: Duration,
    pub(crate) syncing: Duration,
}

impl Writer {
    /// Begins with the connection that opened the file.
    pub(crate) fn new(place: Place, connection: Connection) -> Self {
        Self {
            place,
            connection: Some(connection),
            last: Last { pieces: 1, took: Duration::ZERO, syncing: Duration::ZERO },
        }
    }

    pub(crate) fn turns(&self) -> &Arc<Turns> {
        &self.place.turns
    }

    pub(crate) fn last(&self) -> Last {
        self.last
    }

    /// Puts the pieces into one transaction and answers each after the COMMIT.
    pub(crate) fn carry_out(&mut self, mut pieces: Vec<Waiting>, counting: &Counting) {
        let Self { place, connection, last } = self;
        // If we crash here, the pieces are in memory alone and nobody was told anything: they are simply not there.
        crash::point("before-begin");
        let begun = Instant::now();
        if connection.is_none() {
            *connection = connect(&place.path, place.vfs.as_deref(), Access::Write).ok();
        }
        let result = match connection {
            Some(open) => group::commit(open, place.tenant, &place.turns, &mut pieces),
            None => Err(Error::Unavailable("open the file again".to_owned())),
        };
        let syncing = result.as_ref().map_or(Duration::ZERO, |done| done.syncing);
        *last = Last { pieces: pieces.len(), took: begun.elapsed(), syncing };
        dvt_telemetry::written(last.took, result.is_ok());
        counting.group(pieces.len(), result.as_ref().ok().map(|done| done.verdicts.as_slice()));
        // If we crash here, the pieces are durable and nobody was told: a repeat with the same block id finds them.
        crash::point("after-commit-before-answer");
        match result {
            Ok(done) => {
                for (piece, verdict) in pieces.into_iter().zip(done.verdicts) {
                    piece.work.answer(verdict);
                    drop(piece.room);
                }
            }
            Err(error) => {
                // Nothing of it is there, or it cannot be known. Whoever waits folds again from the file.
                (place.forget)();
                *connection = None;
                for piece in pieces {
                    piece.work.answer(Err(Refusal::Unavailable(error.what())));
                }
            }
        }
        // If we crash here, everything that was answered is durable.
        crash::point("after-answer");
    }
}
