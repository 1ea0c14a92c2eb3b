//! A block: the entries of one stage, as one row of `ledger_block` (contract 6.2), and the message of its MAC.
//!
//! Envelopes are kept as the exact canonical bytes that were hashed. The encodings here are strict: whatever does not
//! come back to the same bytes is refused.

use crate::leaf::{Hash, Salt};
use dvt_model::digest::hex;
use dvt_model::entry::MAX_ENVELOPE_BYTES;
use dvt_model::id::{BlockId, KeyId, LedgerId, RunId};
use dvt_model::time::Timestamp;

/// What a block's entries come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// One advance of one run, with the acts that caused it.
    Run,
    /// One act that changes no run.
    Act,
    /// A group of read decisions.
    Reads,
}

impl Kind {
    /// As it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Act => "act",
            Self::Reads => "reads",
        }
    }

    /// Reads the stored word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Run, Self::Act, Self::Reads].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A row of `ledger_block`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Block {
    /// Its id, minted before the transaction.
    pub block_id: BlockId,
    /// What it holds.
    pub kind: Kind,
    /// The ledger index of its first entry.
    pub first_index: u64,
    /// The run, on blocks of kind run.
    pub run_id: Option<RunId>,
    /// `runSeq` of its first run event.
    pub first_run_seq: Option<u64>,
    /// When the store took it.
    pub recorded_at: Timestamp,
    /// One leaf per entry.
    pub leaves: Vec<Hash>,
    /// One salt per entry.
    pub leaf_salts: Vec<Salt>,
    /// HMAC-SHA-256 over [`mac_message`].
    pub mac: [u8; 32],
    /// The key of the MAC.
    pub mac_key_id: KeyId,
    /// Canonical envelopes, byte for byte as hashed.
    pub envelopes: Vec<Vec<u8>>,
}

/// Why stored bytes are no column of a block.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The bytes end inside a value, or more follow.
    #[error("the bytes end inside a value")]
    Cut,
    /// An envelope is larger than any may be.
    #[error("an envelope of {0} bytes; at most {MAX_ENVELOPE_BYTES} are allowed")]
    EnvelopeTooLarge(usize),
}

/// Each envelope with its length before it (32 bits, big endian).
pub fn encode_envelopes(envelopes: &[Vec<u8>]) -> Result<Vec<u8>, Error> {
    let mut out = Vec::with_capacity(envelopes.iter().map(|envelope| envelope.len() + 4).sum());
    for envelope in envelopes {
        let length = u32::try_from(envelope.len()).ok().filter(|_| envelope.len() <= MAX_ENVELOPE_BYTES);
        let length = length.ok_or(Error::EnvelopeTooLarge(envelope.len()))?;
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(envelope);
    }
    Ok(out)
}

/// Reads what [`encode_envelopes`] wrote.
pub fn decode_envelopes(mut bytes: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
    let mut envelopes = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk::<4>().ok_or(Error::Cut)?;
        let length = u32::from_be_bytes(*length) as usize;
        if length > MAX_ENVELOPE_BYTES {
            return Err(Error::EnvelopeTooLarge(length));
        }
        let (envelope, rest) = rest.split_at_checked(length).ok_or(Error::Cut)?;
        envelopes.push(envelope.to_vec());
        bytes = rest;
    }
    Ok(envelopes)
}

/// Leaves or salts, one after the other.
pub fn encode_hashes(hashes: &[Hash]) -> Vec<u8> {
    hashes.concat()
}

/// Reads what [`encode_hashes`] wrote.
pub fn decode_hashes(bytes: &[u8]) -> Result<Vec<Hash>, Error> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    if rest.is_empty() { Ok(hashes.to_vec()) } else { Err(Error::Cut) }
}

/// `"dvt.block.v1" || 0x00 || ledgerId (16 bytes) || blockId (16 bytes) || leaf_0 || leaf_1 …` (contract 7.3, layer 3).
///
/// The position is no part of it: the tree alone proves it.
pub fn mac_message(ledger: LedgerId, block: BlockId, leaves: &[Hash]) -> Vec<u8> {
    let mut message = Vec::with_capacity(45 + leaves.len() * 32);
    message.extend_from_slice(b"dvt.block.v1\0");
    message.extend_from_slice(&ledger.bytes());
    message.extend_from_slice(&block.bytes());
    message.extend_from_slice(leaves.as_flattened());
    message
}

/// How a MAC is shown: `hmac-sha256:<hex>`.
pub fn mac_text(mac: &[u8; 32]) -> String {
    format!("hmac-sha256:{}", hex(mac))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_come_back_and_cut_ones_do_not() {
        let envelopes = vec![b"{}".to_vec(), Vec::new(), vec![7; MAX_ENVELOPE_BYTES]];
        let bytes = encode_envelopes(&envelopes).unwrap();
        assert_eq!(decode_envelopes(&bytes), Ok(envelopes));
        for cut in [1, 5, bytes.len() - 1] {
            assert_eq!(decode_envelopes(&bytes[..cut]), Err(Error::Cut), "{cut}");
        }
        let large = MAX_ENVELOPE_BYTES + 1;
        assert_eq!(encode_envelopes(&[vec![7; large]]), Err(Error::EnvelopeTooLarge(large)));
        assert_eq!(decode_envelopes(&[0xff; 64]), Err(Error::EnvelopeTooLarge(u32::MAX as usize)));
        assert_eq!(decode_hashes(&encode_hashes(&[[1; 32], [2; 32]])), Ok(vec![[1; 32], [2; 32]]));
        assert_eq!(decode_hashes(&[0; 33]), Err(Error::Cut));
    }

    #[test]
    fn the_mac_binds_ledger_block_and_leaves() {
        let (ledger, block) = (LedgerId::from_random([1; 16]), BlockId::from_random([2; 16]));
        let message = mac_message(ledger, block, &[[3; 32]]);
        assert_eq!(message.len(), 13 + 16 + 16 + 32);
        assert!(message.starts_with(b"dvt.block.v1\0"));
        assert_eq!(message[13..29], ledger.bytes());
        assert_eq!(message[29..45], block.bytes());
        assert_eq!(mac_text(&[0xab; 32]), format!("hmac-sha256:{}", "ab".repeat(32)));
        for kind in [Kind::Run, Kind::Act, Kind::Reads] {
            assert_eq!(Kind::parse(kind.as_str()), Some(kind));
        }
    }
}
