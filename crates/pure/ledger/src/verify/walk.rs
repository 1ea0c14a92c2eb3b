//! The walk over the blocks: every leaf, tile and root computed again, once, in order.
//!
//! The tree grows from leaves computed out of salts and envelopes; the stored leaves are compared with them and never
//! used. Where entries are missing or doubled the tree is torn: what stands behind is still read, but no root is
//! compared any more.

use super::claims::Claims;
use super::examine::{Event, Fact, Row, Said};
use super::place;
use super::result::{Finding, Findings, MAX_FINDINGS};
use super::seals::Seals;
use super::sequence::{RunEvent, Sequence};
use super::source::{Damaged, Header, Opened, Source};
use crate::announce::Notice;
use crate::block::{Block, Kind};
use crate::leaf::Hash;
use crate::tile::{Rows, Tile, TileId, WIDTH};

/// A stored tile that is not what the leaves give.
pub(super) struct TileFault {
    pub(super) id: TileId,
    /// Where its leaves differ, if they can be compared.
    pub(super) placed: Option<Finding>,
}

pub(super) struct Walk<'a, S, O> {
    source: &'a S,
    header: &'a Header,
    rows: Rows,
    full: Vec<Tile>,
    next_claim: usize,
    /// The first index of the block before, and a damaged row that waits to know where it ends.
    previous: u64,
    damaged: Option<Damaged>,
    pub(super) is_torn: bool,
    /// The index that the next entry must have.
    pub(super) next: u64,
    pub(super) entries: u64,
    pub(super) findings: Findings,
    pub(super) claims: Claims,
    pub(super) sequence: Sequence,
    pub(super) seals: Seals<'a, O>,
    /// Stored leaves that do not fit: judged when it is known which trees hold.
    pub(super) leaf_faults: Vec<Finding>,
    pub(super) tile_faults: Vec<TileFault>,
    /// Checkpoint keys that entries announce: index and the key.
    pub(super) rotations: Vec<(u64, String)>,
    /// Prunings that entries announce: index and the first entry left.
    pub(super) prunings: Vec<(u64, u64)>,
    pub(super) unreadable: Option<String>,
}

impl<'a, S: Source, O: Opened> Walk<'a, S, O> {
    pub(super) fn new(
        source: &'a S,
        header: &'a Header,
        claims: Claims,
        findings: Findings,
        opened: Option<&'a mut O>,
    ) -> Self {
        let mut walk = Self {
            source,
            header,
            rows: Rows::new(),
            full: Vec::new(),
            next_claim: 0,
            previous: 0,
            damaged: None,
            is_torn: false,
            next: 0,
            entries: 0,
            findings,
            claims,
            sequence: Sequence::new(header.lowest_index > 0),
            seals: Seals::new(opened, header.lowest_index > 0),
            leaf_faults: Vec::new(),
            tile_faults: Vec::new(),
            rotations: Vec::new(),
            prunings: Vec::new(),
            unreadable: None,
        };
        walk.check_claims();
        walk.grow_under_pruned();
        walk
    }

    /// Below the lowest index only tiles are left; they hold the leaves.
    fn grow_under_pruned(&mut self) {
        while self.next < self.header.lowest_index && !self.is_torn {
            let id = TileId { level: 0, index: self.next / WIDTH as u64 };
            let Some(tile) = self.stored_tile(id) else {
                let detail = format!("pruned, and the tile {} with its leaves is not there", id.path());
                self.findings.add(Finding::over(26, self.next..self.header.lowest_index, detail));
                self.is_torn = true;
                break;
            };
            let wanted = usize::try_from(self.header.lowest_index - self.next).unwrap_or(usize::MAX);
            for leaf in tile.hashes.into_iter().take(wanted) {
                self.grow(leaf);
            }
        }
        self.next = self.header.lowest_index;
        self.previous = self.next;
    }

    fn stored_tile(&mut self, id: TileId) -> Option<Tile> {
        match self.source.tile(id) {
            Ok(bytes) => Tile::decode(id, &bytes?),
            Err(error) => {
                self.unreadable = Some(error.to_string());
                None
            }
        }
    }

    /// One more leaf.
    fn grow(&mut self, leaf: Hash) {
        self.next = self.next.saturating_add(1);
        if self.is_torn {
            return;
        }
        self.rows.push(leaf, &mut self.full);
        for tile in std::mem::take(&mut self.full) {
            let (first, end) = tile.id.leaves();
            if end > self.header.sealed_size {
                continue;
            }
            let stored = self.stored_tile(tile.id);
            if stored.as_ref() == Some(&tile) {
                continue;
            }
            let placed = stored.filter(|_| tile.id.level == 0).and_then(|stored| {
                place::compare(first, self.header.lowest_index, &stored.hashes, &tile.hashes)
            });
            if self.tile_faults.len() < MAX_FINDINGS {
                self.tile_faults.push(TileFault { id: tile.id, placed });
            }
        }
        self.check_claims();
    }

    /// Compares the roots that were claimed for the size just reached.
    fn check_claims(&mut self) {
        while let Some(claim) =
            self.claims.list.get_mut(self.next_claim).filter(|claim| claim.size == self.rows.size())
        {
            claim.holds = Some(claim.root == self.rows.root());
            #[cfg(feature = "weakened")]
            if super::weakened::is_out(super::weakened::Check::Root) {
                claim.holds = Some(true);
            }
            self.next_claim += 1;
        }
    }

    pub(super) fn row(&mut self, row: Row) {
        match row {
            Row::Block(block, facts) => self.block(&block, facts),
            Row::Damaged(damaged) => self.damage(damaged),
        }
    }

    fn block(&mut self, block: &Block, facts: Vec<Fact>) {
        self.settle_damaged(block.first_index);
        let (first, end) = (block.first_index, block.first_index.saturating_add(facts.len() as u64));
        if first > self.next {
            self.gap(first);
        } else if first < self.next {
            let detail = format!("a block begins at {first}, where {} is next", self.next);
            self.findings.add(Finding::over(9, first..end, detail));
            self.is_torn = true;
        }
        let resume = self.next.max(end);
        self.next = first;
        let mut first_seq = None;
        for (position, (fact, leaf)) in facts.into_iter().zip(&block.leaves).enumerate() {
            let index = self.next;
            let seq = match fact.said {
                Some(said) => self.envelope(said, block, index, fact.leaf == *leaf),
                None => {
                    self.findings.add(Finding::at(1, index, "not an envelope"));
                    None
                }
            };
            first_seq = first_seq.or(seq);
            self.seals.payloads(block, position, fact.payloads.as_deref(), index, &mut self.findings);
            self.grow(fact.leaf);
            self.entries += 1;
        }
        if block.kind == Kind::Run && (block.run_id.is_none() || first_seq != block.first_run_seq) {
            let detail = "the row's run or first runSeq is not that of its entries";
            self.findings.add(Finding::over(1, first..end, detail));
        }
        self.seals.mac(block, first..end, &mut self.findings);
        (self.next, self.previous) = (resume, first);
    }

    /// Entries are missing before `first`.
    fn gap(&mut self, first: u64) {
        // The entry may be missing from the row before the gap; what a root or a tile already proves is out of question.
        let proven = if self.is_torn { 0 } else { self.claims.last_good() };
        let mut from = self.previous.max(proven).min(self.next);
        if from < self.next {
            let id = TileId { level: 0, index: self.next / WIDTH as u64 };
            let kept = if self.is_torn { None } else { self.stored_tile(id) };
            let row = self.rows.row(0);
            if !row.is_empty() && kept.is_some_and(|kept| kept.hashes.starts_with(row)) {
                from = self.next;
            }
        }
        let lowest = self.header.lowest_index;
        let class = match from == lowest {
            true if lowest > 0 => 26,
            true => 6,
            false => 5,
        };
        self.findings.add(Finding::over(
            class,
            from..first,
            format!("no entries from {} to {}", self.next, first - 1),
        ));
        self.is_torn = true;
    }

    fn damage(&mut self, damaged: Damaged) {
        self.settle_damaged(damaged.first_index);
        if damaged.first_index > self.next {
            self.gap(damaged.first_index);
        }
        self.is_torn = true;
        self.damaged = Some(damaged);
    }

    /// Now it is known where the damaged row before `next` ended.
    fn settle_damaged(&mut self, next: u64) {
        if let Some(Damaged { first_index, detail }) = self.damaged.take() {
            let end = next.max(first_index.saturating_add(1));
            self.findings.add(Finding::over(1, first_index..end, format!("a damaged block: {detail}")));
            (self.next, self.previous) = (end.max(self.next), first_index);
        }
    }

    /// Ends the walk: nothing follows.
    pub(super) fn end(&mut self) {
        self.settle_damaged(self.header.next_index);
    }

    /// Compares what an entry says with where it stands; gives its `runSeq`.
    fn envelope(&mut self, said: Said, block: &Block, index: u64, is_leaf: bool) -> Option<u64> {
        if !said.is_ours {
            // A foreign entry with a right leaf was brought from another ledger, one with a wrong leaf was rewritten.
            let class = if is_leaf { 12 } else { 3 };
            self.findings.add(Finding::at(class, index, "the envelope names another tenant or ledger"));
        } else if !is_leaf {
            self.leaf_fault(Finding::at(1, index, "the leaf is not that of salt and envelope"));
        }
        if let Some(version) = said.version {
            self.findings.add(Finding::at(1, index, format!("recordVersion `{version}`")));
        }
        self.sequence.entry(said.entry_id, index);
        match said.notice {
            Some(Notice::CheckpointKey(key)) => self.rotations.push((index, key.id())),
            Some(Notice::Pruned(lowest)) => self.prunings.push((index, lowest)),
            Some(Notice::Erased(key)) => self.seals.tombstone(key),
            Some(Notice::MacKey(key)) => self.seals.mac_key(key),
            None => {}
        }
        match said.event {
            Event::None => None,
            Event::Bad => {
                self.findings.add(Finding::at(1, index, "a run event without run or idempotency key"));
                None
            }
            Event::Run { run, seq, key, is_terminal } => {
                if block.kind != Kind::Run || block.run_id != Some(run) {
                    self.findings.add(Finding::at(1, index, "a run event outside a block of its run"));
                }
                self.sequence.event(&RunEvent { run, seq, key, is_terminal }, index);
                Some(seq)
            }
        }
    }

    fn leaf_fault(&mut self, finding: Finding) {
        #[cfg(feature = "weakened")]
        if super::weakened::is_out(super::weakened::Check::Leaf) {
            return;
        }
        if self.leaf_faults.len() < MAX_FINDINGS {
            self.leaf_faults.push(finding);
        }
    }
}
