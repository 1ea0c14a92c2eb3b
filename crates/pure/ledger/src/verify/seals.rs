//! The two layers that need keys: MACs of blocks and commitments of payloads (classes 13 and 25).

use super::result::{Finding, Findings};
use super::source::{MacCheck, Opened, Payload};
use crate::block::Block;
use crate::leaf::payload_commit;
use dvt_model::entry::PayloadCommit;
use dvt_model::id::KeyId;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

pub(super) struct Seals<'a, O> {
    opened: Option<&'a mut O>,
    pub(super) payloads_checked: u64,
    pub(super) erased: u64,
    pub(super) unreadable: Option<String>,
    /// Keys that are gone, with the first entry that needs each.
    gone: BTreeMap<KeyId, u64>,
    /// Keys whose end stands in the ledger.
    tombstones: BTreeSet<KeyId>,
    /// The key of the first MAC, and those that entries announced since.
    mac_keys: BTreeSet<KeyId>,
    is_pruned: bool,
}

impl<'a, O: Opened> Seals<'a, O> {
    pub(super) fn new(opened: Option<&'a mut O>, is_pruned: bool) -> Self {
        Self {
            opened,
            payloads_checked: 0,
            erased: 0,
            unreadable: None,
            gone: BTreeMap::new(),
            tombstones: BTreeSet::new(),
            mac_keys: BTreeSet::new(),
            is_pruned,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.opened.is_some()
    }

    pub(super) fn mac(&mut self, block: &Block, range: Range<u64>, findings: &mut Findings) {
        let Some(opened) = &mut self.opened else { return };
        #[cfg(feature = "weakened")]
        if super::weakened::is_out(super::weakened::Check::Mac) {
            return;
        }
        let is_first = self.mac_keys.is_empty();
        match opened.mac(block) {
            Ok(MacCheck::Valid) => {
                // What announced the keys of a pruned ledger may be gone; their MACs are right all the same.
                if self.mac_keys.insert(block.mac_key_id) && !is_first && !self.is_pruned {
                    findings.add(Finding::over(23, range, "another key made the MAC, and no entry says so"));
                }
            }
            // INVARIANT(INV-03): no MAC key, no proof; a key id that nobody knows is no excuse.
            Ok(MacCheck::KeyMissing) => {
                findings.add(Finding::over(1, range, "the key of the block's MAC is not there"))
            }
            Ok(MacCheck::Invalid) => {
                findings.add(Finding::over(1, range, "the MAC of the block is not that of its leaves"))
            }
            Err(error) => self.unreadable = Some(error.to_string()),
        }
    }

    pub(super) fn payloads(
        &mut self,
        block: &Block,
        position: usize,
        commits: Option<&[PayloadCommit]>,
        index: u64,
        findings: &mut Findings,
    ) {
        let Some(opened) = &mut self.opened else { return };
        #[cfg(feature = "weakened")]
        if super::weakened::is_out(super::weakened::Check::Payload) {
            return;
        }
        let Some(commits) = commits else {
            return findings.add(Finding::at(1, index, "the payloads of the envelope cannot be read"));
        };
        for commit in commits {
            match opened.payload(block, position, commit) {
                Ok(Payload::Open { salt, canonical }) => {
                    self.payloads_checked += 1;
                    if payload_commit(&salt, &canonical) != commit.commit {
                        findings.add(Finding::at(13, index, "the payload is not the one committed to"));
                    }
                }
                Ok(Payload::Erased) => {
                    self.erased += 1;
                    self.gone.entry(commit.key_id).or_insert(index);
                }
                Ok(Payload::Refused(detail)) => findings.add(Finding::at(13, index, detail)),
                Err(error) => self.unreadable = Some(error.to_string()),
            }
        }
    }

    /// An entry says that a key was destroyed.
    pub(super) fn tombstone(&mut self, key: KeyId) {
        self.tombstones.insert(key);
    }

    /// An entry says that a key begins to make MACs.
    pub(super) fn mac_key(&mut self, key: KeyId) {
        self.mac_keys.insert(key);
    }

    /// The tombstone comes after what it ends, so this is asked last.
    pub(super) fn finish(&self, findings: &mut Findings) {
        #[cfg(feature = "weakened")]
        if super::weakened::is_out(super::weakened::Check::Tombstone) {
            return;
        }
        for (key, index) in self.gone.iter().filter(|(key, _)| !self.tombstones.contains(key)) {
            findings.add(Finding::at(25, *index, format!("`{key}` is gone and no entry says so")));
        }
    }
}
