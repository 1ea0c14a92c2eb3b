//! Checkpoints as claims about the tree: their notes, origins, sizes and signatures (classes 17, 19, 20, 22, 23).
//!
//! A checkpoint that fails here is a finding and no claim: nothing is concluded from a root that nobody trusted signed.

use super::result::{Finding, Findings};
use super::source::{Header, StoredCheckpoint};
use crate::checkpoint::{Checkpoint, origin};
use crate::leaf::Hash;
use crate::note::{Error as NoteError, SignedNote};
use crate::verifier_key::VerifierKey;
use std::collections::BTreeSet;

/// A size and the root that somebody signed for it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Claim {
    pub(super) size: u64,
    pub(super) root: Hash,
    /// The signing key; `None` for the reader's own anchor.
    pub(super) key_id: Option<String>,
    /// Whether the computed tree has this root; `None` until it is that large.
    pub(super) holds: Option<bool>,
}

/// What the stored checkpoints say.
#[derive(Debug, Default)]
pub(super) struct Claims {
    /// In order of size; the anchor among them.
    pub(super) list: Vec<Claim>,
    /// Size of the newest stored row, trusted or not.
    pub(super) newest_stored: Option<u64>,
    /// Each key's first size.
    rotations: Vec<u64>,
    keys_seen: BTreeSet<String>,
}

impl Claims {
    /// Reads one stored row. `keys` are those that bear the ledger's origin as their name; with none of them the claim
    /// is kept, for damage still shows, but nobody stands behind it.
    pub(super) fn take(
        &mut self,
        stored: &StoredCheckpoint,
        header: &Header,
        keys: &[VerifierKey],
        findings: &mut Findings,
    ) {
        let size = stored.size;
        let fault =
            |class, detail: String| Finding::over(class, 0..size, format!("checkpoint {size}: {detail}"));
        if self.newest_stored.is_some_and(|newest| newest >= size) {
            findings.add(fault(20, "out of order".to_owned()));
        }
        self.newest_stored = Some(self.newest_stored.unwrap_or(0).max(size));
        let note = match SignedNote::parse(&stored.note) {
            Ok(note) => note,
            Err(error) => return findings.add(fault(18, error.to_string())),
        };
        let checkpoint = match Checkpoint::parse(&note.text) {
            Ok(checkpoint) => checkpoint,
            Err(error) => return findings.add(fault(18, error.to_string())),
        };
        let expected = origin(header.ledger_id);
        if checkpoint.origin != expected {
            return findings.add(fault(19, format!("the origin is `{}`", checkpoint.origin)));
        }
        if checkpoint.size != size {
            return findings.add(fault(20, format!("the note says size {}", checkpoint.size)));
        }
        let signers = match note.verify(keys) {
            Ok(signers) => signers,
            Err(NoteError::Unsigned) if keys.is_empty() => Vec::new(),
            Err(error @ NoteError::Unsigned) => {
                return findings.add(fault(22, format!("{error}: signed by a retired or foreign key")));
            }
            Err(error) => return findings.add(fault(18, error.to_string())),
        };
        let is_rotation =
            !self.keys_seen.is_empty() && !signers.iter().any(|key| self.keys_seen.contains(&key.id()));
        if is_rotation {
            self.rotations.push(size);
        }
        self.keys_seen.extend(signers.iter().map(|key| key.id()));
        let key_id = signers.first().map(|key| key.id());
        self.list.push(Claim { size, root: checkpoint.root, key_id, holds: None });
    }

    /// Adds the reader's own checkpoint and compares the head row with the newest stored one.
    pub(super) fn finish(&mut self, anchor: Option<&Checkpoint>, header: &Header, findings: &mut Findings) {
        let (newest, sealed) = (self.newest_stored.unwrap_or(0), header.sealed_size);
        // Checkpoint and sealed size are written in one transaction: they never differ on an honest store.
        if sealed > newest {
            let detail = format!("the head is sealed up to {sealed}, the newest checkpoint is {newest}");
            findings.add(Finding::over(17, newest..sealed, detail));
        } else if sealed < newest {
            let detail = format!("the newest checkpoint is {newest}, the head says {sealed}");
            findings.add(Finding::over(20, sealed..newest, detail));
        }
        if let Some(anchor) = anchor {
            if anchor.origin != origin(header.ledger_id) {
                let detail = format!("the given checkpoint is of `{}`", anchor.origin);
                return findings.add(Finding::about(19, detail));
            }
            self.list.push(Claim { size: anchor.size, root: anchor.root, key_id: None, holds: None });
        }
        self.list.sort_by_key(|claim| claim.size);
    }

    /// Every change of key must be announced by an entry.
    pub(super) fn check_rotations(&self, announced: u64, findings: &mut Findings) {
        let unannounced = self.rotations.iter().skip(usize::try_from(announced).unwrap_or(usize::MAX));
        for size in unannounced {
            findings.add(Finding::over(
                23,
                0..*size,
                format!("checkpoint {size}: another key, and no entry says so"),
            ));
        }
    }

    /// The largest size whose claim holds.
    pub(super) fn last_good(&self) -> u64 {
        let good = self.list.iter().filter(|claim| claim.holds == Some(true));
        good.map(|claim| claim.size).max().unwrap_or(0)
    }
}
