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
    /// All keys of the reader that signed it.
    signers: BTreeSet<String>,
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
        let key_id = signers.first().map(|key| key.id());
        let signers = signers.iter().map(|key| key.id()).collect();
        self.list.push(Claim { size, root: checkpoint.root, key_id, signers, holds: None });
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
            let (size, root, signers) = (anchor.size, anchor.root, BTreeSet::new());
            self.list.push(Claim { size, root, key_id: None, signers, holds: None });
        }
        self.list.sort_by_key(|claim| claim.size);
    }

    /// One key signs at a time. The next one is announced by an entry, and the first checkpoint over that entry bears both
    /// signatures; afterwards the old one signs nothing (classes 22 and 23). `lowest`: entries below it are pruned, and the
    /// two signatures alone speak.
    // INVARIANT(INV-03): whoever has got hold of a retired key signs nothing with it that a verifier takes.
    pub(super) fn check_rotations(&self, announced: &[(u64, String)], lowest: u64, findings: &mut Findings) {
        #[cfg(feature = "weakened")]
        if super::weakened::is_out(super::weakened::Check::Rotation) {
            return;
        }
        let signed = self.list.iter().filter(|claim| !claim.signers.is_empty());
        let Some(mut active) = signed.clone().next().and_then(|first| first.key_id.clone()) else { return };
        let (mut retired, mut previous) = (BTreeSet::new(), 0);
        for claim in signed {
            let (size, signers) = (claim.size, &claim.signers);
            let fresh = signers.iter().find(|key| **key != active && !retired.contains(*key));
            let is_known = |key: &String| {
                size <= lowest || announced.iter().any(|(index, named)| named == key && *index < size)
            };
            let fault = match fresh {
                None if signers.contains(&active) => None,
                None => Some((22, "a retired key signed it, and the present one did not")),
                Some(key) if !is_known(key) => Some((23, "another key signed it, and no entry says so")),
                Some(_) if !signers.contains(&active) => {
                    Some((23, "another key signed it, and the one before it did not sign its coming"))
                }
                Some(_) => None,
            };
            if let Some((class, detail)) = fault {
                findings.add(Finding::over(class, previous..size, format!("checkpoint {size}: {detail}")));
            }
            if let Some(key) = fresh {
                retired.insert(std::mem::replace(&mut active, key.clone()));
            }
            previous = size;
        }
    }

    /// The largest size whose claim holds.
    pub(super) fn last_good(&self) -> u64 {
        let good = self.list.iter().filter(|claim| claim.holds == Some(true));
        good.map(|claim| claim.size).max().unwrap_or(0)
    }
}
