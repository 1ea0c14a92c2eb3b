//! What a verifier reads from: a ledger as it lies in a store, an archive or an export, and optionally opened keys.
//!
//! A source gives what is stored and judges nothing. Everything it says is doubted.

use crate::block::Block;
use crate::leaf::Salt;
use crate::tile::TileId;
use dvt_model::entry::PayloadCommit;
use dvt_model::id::{LedgerId, TenantId};
use std::fmt;

/// The head row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Header {
    /// The ledger.
    pub ledger_id: LedgerId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// The index that the next entry gets.
    pub next_index: u64,
    /// The size of the newest checkpoint.
    pub sealed_size: u64,
    /// The first index that still has its envelope; 0 unless the ledger was pruned.
    pub lowest_index: u64,
}

/// A row that cannot be read as a block.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Damaged {
    /// Its first index as stored.
    pub first_index: u64,
    /// What is wrong with it.
    pub detail: String,
}

/// A row of `ledger_checkpoint`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredCheckpoint {
    /// The size that keys the row.
    pub size: u64,
    /// The signed note.
    pub note: String,
}

/// A stored ledger.
pub trait Source {
    /// Why it cannot be read.
    type Error: fmt::Display;

    /// The head row.
    fn header(&self) -> Result<Header, Self::Error>;

    /// Every block, in the order of `first_index`. A row whose columns do not fit together (its `count`, too) is given as
    /// [`Damaged`], never left out.
    fn blocks(&self, take: &mut dyn FnMut(Result<Block, Damaged>)) -> Result<(), Self::Error>;

    /// Every checkpoint, in the order of size.
    fn checkpoints(&self, take: &mut dyn FnMut(StoredCheckpoint)) -> Result<(), Self::Error>;

    /// The ids of the stored tiles, in order.
    fn tiles(&self, take: &mut dyn FnMut(TileId)) -> Result<(), Self::Error>;

    /// The stored bytes of a tile. Called while [`Source::blocks`] runs.
    fn tile(&self, id: TileId) -> Result<Option<Vec<u8>>, Self::Error>;
}

/// A block's MAC, checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MacCheck {
    /// It is right.
    Valid,
    /// It is wrong.
    Invalid,
    /// Its key is not there.
    KeyMissing,
}

/// A payload, opened or not.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Payload {
    /// Opened: its salt and its canonical bytes.
    Open {
        /// The salt that was sealed with it.
        salt: Salt,
        /// Its canonical JSON.
        canonical: Vec<u8>,
    },
    /// Its key is gone.
    Erased,
    /// The key is there and the sealed payload is not, or does not open under it.
    Refused(String),
}

/// The right to look under the seals: MAC keys and payload keys. Implemented where keys are held.
pub trait Opened {
    /// Why it cannot answer.
    type Error: fmt::Display;

    /// Checks a block's MAC over [`crate::block::mac_message`], in constant time.
    fn mac(&mut self, block: &Block) -> Result<MacCheck, Self::Error>;

    /// Opens the payload that entry `position` of `block` commits to. Which row that is, the store knows from
    /// `(block, commit.key_id)`; whether it is the right one, the verifier finds by the commitment.
    fn payload(
        &mut self,
        block: &Block,
        position: usize,
        commit: &PayloadCommit,
    ) -> Result<Payload, Self::Error>;
}
