//! Leaves and MACs: made here before the lock (neither contains the index), checked here when a block is read back.

use crate::port::error::Error;
use crate::seal::keyring::Keyring;
use dvt_ledger::block::{self, Block};
use dvt_ledger::leaf::{Hash, Salt, leaf_hash};
use dvt_model::id::{BlockId, KeyId, LedgerId};
use rusqlite::Connection;

/// What proves a block.
pub(crate) struct Authentic {
    pub(crate) leaves: Vec<Hash>,
    pub(crate) mac: [u8; 32],
    pub(crate) mac_key: KeyId,
}

/// Makes leaves and MAC.
// INVARIANT(INV-03): every entry has its leaf and its block's MAC in the transaction of the deed.
pub(crate) fn make(
    keyring: &Keyring,
    ledger: LedgerId,
    id: BlockId,
    salts: &[Salt],
    envelopes: &[Vec<u8>],
) -> Result<Authentic, Error> {
    let leaves: Vec<Hash> =
        salts.iter().zip(envelopes).map(|(salt, envelope)| leaf_hash(salt, envelope)).collect();
    let (mac_key, mac) = keyring.mac(&block::mac_message(ledger, id, &leaves))?;
    Ok(Authentic { leaves, mac, mac_key })
}

/// Checks a block that was read: each leaf against its envelope, the MAC over all leaves (in constant time).
pub(crate) fn check(
    keyring: &Keyring,
    lane: &Connection,
    ledger: LedgerId,
    read: &Block,
) -> Result<(), Error> {
    let fits = read.leaves.len() == read.leaf_salts.len() && read.leaves.len() == read.envelopes.len();
    let mut pairs = read.leaves.iter().zip(read.leaf_salts.iter().zip(&read.envelopes));
    if !fits || !pairs.all(|(leaf, (salt, envelope))| *leaf == leaf_hash(salt, envelope)) {
        return Err(Error::integrity(format!("the block at {} does not match its leaves", read.first_index)));
    }
    check_mac(keyring, lane, ledger, read)
}

/// Checks the MAC over the leaves as they are stored.
pub(crate) fn check_mac(
    keyring: &Keyring,
    lane: &Connection,
    ledger: LedgerId,
    read: &Block,
) -> Result<(), Error> {
    let message = block::mac_message(ledger, read.block_id, &read.leaves);
    if !keyring.mac_is_valid(lane, read.mac_key_id, &message, &read.mac)? {
        return Err(Error::integrity(format!("the block at {} does not match its MAC", read.first_index)));
    }
    Ok(())
}
