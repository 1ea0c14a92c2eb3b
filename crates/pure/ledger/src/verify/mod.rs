//! The offline verifier (contract 7.8): public keys and a stored ledger in, findings by tamper class out. It signs nothing.
//!
//! Time grows with the entries, one pass, every leaf computed once, by a second thread while the first walks. The surprising rule: VALID needs a signed checkpoint
//! that holds. A ledger without one may be in order, but nothing says so, and the answer is INCOMPLETE.

mod claims;
mod entry;
mod examine;
mod place;
pub mod result;
mod scan;
mod seals;
mod sequence;
pub mod source;
mod walk;
#[cfg(feature = "weakened")]
pub mod weakened;

use crate::checkpoint::{Checkpoint, origin};
use crate::tile::{TileId, full_count};
use crate::verifier_key::VerifierKey;
use claims::Claims;
use dvt_model::time::Timestamp;
use examine::Examiner;
use result::{Finding, Findings, Layer, SealedHead, Status, VerificationResult, Witness};
use source::{Header, MacCheck, Opened, Payload, Source};
use walk::Walk;

/// The name and version that results carry.
pub const VERSION: &str = concat!("dvt-ledger ", env!("CARGO_PKG_VERSION"));

/// Stands where no keys are opened.
enum Sealed {}

impl Opened for Sealed {
    type Error = std::convert::Infallible;
    fn mac(&mut self, _: &crate::block::Block) -> Result<MacCheck, Self::Error> {
        match *self {}
    }
    fn payload(
        &mut self,
        _: &crate::block::Block,
        _: usize,
        _: &dvt_model::entry::PayloadCommit,
    ) -> Result<Payload, Self::Error> {
        match *self {}
    }
}

/// Verifies with public keys alone: layers leaf, tree and checkpoint.
///
/// `anchor` is a checkpoint that the reader knows from elsewhere and has checked ([`Checkpoint::open`]); only with one
/// are a rollback and a fork of the whole store within reach. `clock` tells when it began and how long it took.
pub fn verify<S: Source>(
    source: &S,
    keys: &[VerifierKey],
    anchor: Option<&Checkpoint>,
    clock: &dyn Fn() -> Timestamp,
) -> VerificationResult {
    run::<S, Sealed>(source, keys, anchor, None, clock)
}

/// Verifies with keys opened: the MAC and payload layers, too.
pub fn verify_with_keys<S: Source, O: Opened>(
    source: &S,
    keys: &[VerifierKey],
    anchor: Option<&Checkpoint>,
    opened: &mut O,
    clock: &dyn Fn() -> Timestamp,
) -> VerificationResult {
    run(source, keys, anchor, Some(opened), clock)
}

fn run<S: Source, O: Opened>(
    source: &S,
    keys: &[VerifierKey],
    anchor: Option<&Checkpoint>,
    opened: Option<&mut O>,
    clock: &dyn Fn() -> Timestamp,
) -> VerificationResult {
    let started_at = clock();
    let mut result = VerificationResult {
        ledger_id: None,
        origin: String::new(),
        from_index: 0,
        to_size: 0,
        entries_checked: 0,
        payloads_checked: 0,
        erased: 0,
        status: Status::Incomplete,
        witness: Witness::Unwitnessed,
        anchored: anchor.is_some(),
        layers: Vec::new(),
        unsealed: 0,
        findings: Vec::new(),
        checkpoint: None,
        started_at,
        duration_ms: 0,
        verifier_version: VERSION.to_owned(),
    };
    match source.header() {
        Ok(header) => check(&mut result, source, &header, keys, anchor, opened),
        Err(error) => result.findings.push(Finding::about(0, format!("the head cannot be read: {error}"))),
    }
    result.duration_ms = clock().ms_since(started_at);
    result
}

fn check<S: Source, O: Opened>(
    result: &mut VerificationResult,
    source: &S,
    header: &Header,
    keys: &[VerifierKey],
    anchor: Option<&Checkpoint>,
    opened: Option<&mut O>,
) {
    let name = origin(header.ledger_id);
    // INVARIANT(INV-03): only a key named by the ledger's origin counts, whatever else the reader trusts.
    let own: Vec<VerifierKey> = keys.iter().filter(|key| key.name() == name).cloned().collect();
    #[cfg(feature = "weakened")]
    let anchor = anchor.filter(|_| !weakened::is_out(weakened::Check::Anchor));
    let (mut findings, mut claims, mut unreadable) = (Findings::default(), Claims::default(), None);
    let read = source.checkpoints(&mut |stored| claims.take(&stored, header, &own, &mut findings));
    unreadable = unreadable.or(read.err().map(|error| error.to_string()));
    claims.finish(anchor, header, &mut findings);

    let examiner = Examiner::new(header, opened.is_some());
    let mut walk = Walk::new(source, header, claims, findings, opened);
    let read = examine::blocks(source, &examiner, &mut |row| walk.row(row));
    unreadable = unreadable.or(read.err().map(|error| error.to_string()));
    walk.end();
    let read = source.tiles(&mut |id| extra_tile(id, header, &mut walk.findings));
    unreadable = unreadable.or(read.err().map(|error| error.to_string()));

    let last_good = walk.claims.last_good();
    judge(&mut walk, header, anchor, last_good);
    unreadable = unreadable.or(walk.unreadable).or_else(|| walk.seals.unreadable.clone());

    let held = |claim: &&claims::Claim| claim.holds == Some(true) && claim.key_id.is_some();
    result.checkpoint = walk.claims.list.iter().rev().find(held).map(|claim| SealedHead {
        size: claim.size,
        root_hash: Checkpoint { origin: name.clone(), size: claim.size, root: claim.root }.root_text(),
        key_id: claim.key_id.clone().unwrap_or_default(),
        witnesses: Vec::new(),
    });
    result.layers = vec![Layer::Leaf, Layer::Tree];
    if !own.is_empty() {
        result.layers.push(Layer::Checkpoint);
    }
    if walk.seals.is_open() {
        result.layers.extend([Layer::Mac, Layer::Payload]);
    }
    result.ledger_id = Some(header.ledger_id);
    result.origin = name;
    result.from_index = header.lowest_index;
    result.to_size = walk.next;
    result.entries_checked = walk.entries;
    result.payloads_checked = walk.seals.payloads_checked;
    result.erased = walk.seals.erased;
    result.unsealed = walk.next.saturating_sub(last_good);
    result.status = match (walk.findings.is_empty(), &unreadable, &result.checkpoint) {
        (false, _, _) => Status::Invalid,
        (true, None, Some(_)) => Status::Valid,
        (true, _, _) => Status::Incomplete,
    };
    if let Some(error) = unreadable {
        walk.findings.add(Finding::about(0, format!("not everything could be checked: {error}")));
    }
    result.findings = walk.findings.into_list();
}

fn extra_tile(id: TileId, header: &Header, findings: &mut Findings) {
    if id.index >= full_count(header.sealed_size, id.level) {
        let (from, to) = id.leaves();
        findings.add(Finding::over(15, from..to, format!("{} is not full at the sealed size", id.path())));
    }
}

/// Everything that can be said only at the end.
fn judge<S: Source, O: Opened>(
    walk: &mut Walk<'_, S, O>,
    header: &Header,
    anchor: Option<&Checkpoint>,
    last_good: u64,
) {
    for mut fault in std::mem::take(&mut walk.leaf_faults) {
        // The root over the computed leaves holds, so the entry is right and the stored leaf beside it is not.
        if fault.index.is_some_and(|index| index < last_good) {
            fault.class = 14;
        }
        walk.findings.add(fault);
    }
    judge_tiles(walk, last_good);
    let sequence = std::mem::take(&mut walk.sequence);
    sequence.finish(&mut walk.findings);
    judge_roots(walk, last_good);
    judge_tail(walk, header, anchor);
    walk.claims.check_rotations(&walk.rotations, header.lowest_index, &mut walk.findings);
    walk.seals.finish(&mut walk.findings);
    judge_pruning(walk, header, last_good);
}

/// Pruned is what an entry announces. An entry above the last checkpoint that holds proves it by its MAC alone, so without
/// keys the answer waits for the next checkpoint.
fn judge_pruning<S: Source, O: Opened>(walk: &mut Walk<'_, S, O>, header: &Header, last_good: u64) {
    #[cfg(feature = "weakened")]
    if weakened::is_out(weakened::Check::Pruning) {
        return;
    }
    let lowest = header.lowest_index;
    let announced = |until: u64| {
        let sealed = walk.prunings.iter().filter(|(index, _)| *index < until);
        sealed.map(|(_, first_left)| *first_left).max().unwrap_or(0)
    };
    let (sealed, said) = (announced(last_good), announced(u64::MAX));
    if lowest > said {
        let detail = format!("pruned up to {lowest}, and entries announce no more than {said}");
        walk.findings.add(Finding::over(26, said..lowest, detail));
    } else if lowest > sealed && !walk.seals.is_open() && walk.unreadable.is_none() {
        walk.unreadable =
            Some(format!("the entry that announces the pruning up to {lowest} is not sealed yet"));
    }
}

/// A tile that differs is altered itself where a root holds over its leaves; else it tells what became of the entries.
fn judge_tiles<S: Source, O: Opened>(walk: &mut Walk<'_, S, O>, last_good: u64) {
    let faults = std::mem::take(&mut walk.tile_faults);
    let mut is_shifted = false;
    for fault in &faults {
        let (from, to) = fault.id.leaves();
        let place = fault.placed.as_ref().and_then(|placed| placed.index).unwrap_or(from);
        let under =
            |other: &&walk::TileFault| other.id.level == 0 && (from..to).contains(&other.id.leaves().0);
        match &fault.placed {
            _ if to <= last_good => {
                let range = if fault.placed.is_some() { place..place + 1 } else { from..to };
                walk.findings.add(Finding::over(
                    15,
                    range,
                    format!("{} is not what its leaves give", fault.id.path()),
                ));
            }
            Some(placed) if !is_shifted => {
                is_shifted = !matches!(placed.class, 1 | 11);
                walk.findings.add(placed.clone());
            }
            // Behind entries that went or came everything differs.
            Some(_) => {}
            None if fault.id.level > 0 && faults.iter().any(|other| under(&other)) => {}
            None => walk.findings.add(Finding::over(
                15,
                from..to,
                format!("{} is missing or altered", fault.id.path()),
            )),
        }
    }
}

/// Claims that do not hold: below one that does, the claim is wrong; above, the entries are.
fn judge_roots<S: Source, O: Opened>(walk: &mut Walk<'_, S, O>, last_good: u64) {
    let mut good_before = 0;
    for claim in &walk.claims.list {
        match claim.holds {
            Some(true) => good_before = claim.size,
            Some(false) if claim.size <= last_good => {
                let detail = format!("checkpoint {}: a fork, its root is of another tree", claim.size);
                // Two claims of one size contradict each other over all of it.
                let from = if good_before < claim.size { good_before } else { 0 };
                walk.findings.add(Finding::over(18, from..claim.size, detail));
            }
            Some(false) => {
                let range = last_good..claim.size;
                let class = walk.findings.class_within(&range).unwrap_or(1);
                let detail = format!(
                    "the entries {last_good} to {} are not those that checkpoint {} was signed over",
                    claim.size.saturating_sub(1),
                    claim.size
                );
                walk.findings.add(Finding::over(class, range, detail));
                // Every later root differs because of the same entries.
                break;
            }
            None => {}
        }
    }
}

/// What should be there and is not, or is there and should not be.
fn judge_tail<S: Source, O: Opened>(walk: &mut Walk<'_, S, O>, header: &Header, anchor: Option<&Checkpoint>) {
    let size = walk.next;
    let is_empty = walk.entries == 0;
    let promised = header.next_index.max(header.sealed_size).max(walk.claims.newest_stored.unwrap_or(0));
    if size < promised {
        let class = if is_empty { 8 } else { 7 };
        walk.findings.add(Finding::over(
            class,
            size..promised,
            format!("no entries from {size} on, {promised} are promised"),
        ));
    }
    if size > header.next_index {
        let detail = format!("entries beyond the head, which says {}", header.next_index);
        walk.findings.add(Finding::over(9, header.next_index..size, detail));
    }
    if let Some(anchor) = anchor.filter(|anchor| anchor.size > size.max(promised)) {
        let class = if is_empty { 8 } else { 24 };
        let detail = format!(
            "an older state than the given checkpoint of {}: a backup was restored, or the tail was cut with its checkpoints",
            anchor.size
        );
        walk.findings.add(Finding::over(class, size..anchor.size, detail));
    }
}
