//! INVARIANT(INV-03): what a ledger does to itself (new keys, pruning) counts as far as an entry announces it, and no further:
//! classes 22, 23 and 26. What a retired key signs is worth nothing.

use crate::memory::{Memory, Signer};
use dvt_ledger::announce;
use dvt_ledger::checkpoint::{Checkpoint, origin};
use dvt_ledger::note::SignedNote;
use dvt_ledger::tile::TileId;
use dvt_ledger::verify::result::{Status, VerificationResult};
use dvt_ledger::verify::verify;
use dvt_model::resource::ResourceRef;
use dvt_model::time::Timestamp;
use serde_json::json;

fn announce(ledger: &mut Memory, name: &str, resource: &ResourceRef) {
    ledger.add_special(json!({
        "eventType": "LEDGER_EVENT", "eventName": name, "action": "LEDGER_SEAL", "resource": resource,
    }));
}

/// What a rotation may lack.
#[derive(Clone, Copy, PartialEq)]
enum Lacks {
    Nothing,
    Entry,
    /// The entry comes with the next checkpoint.
    Time,
    OldSignature,
    NewSignature,
}

/// 300 entries under the first key, then a rotation, then 100 more under the second.
fn rotated(lacks: Lacks) -> (Memory, Signer, Signer) {
    let mut ledger = Memory::grow(1, 300, 53, 0);
    let (old, new) = (ledger.signer.clone(), Signer::new(&origin(ledger.header.ledger_id), 2));
    let announcing = announce::checkpoint_key(&new.key);
    if lacks != Lacks::Entry && lacks != Lacks::Time {
        announce(&mut ledger, announce::CHECKPOINT_KEY_ROTATED, &announcing);
    } else {
        ledger.add_act();
    }
    ledger.seal_more(|checkpoint| {
        let (first, second) = (old.sign(checkpoint), new.sign(checkpoint));
        match lacks {
            Lacks::OldSignature => second,
            Lacks::NewSignature => first,
            _ => both(&first, &second),
        }
    });
    if lacks == Lacks::Time {
        announce(&mut ledger, announce::CHECKPOINT_KEY_ROTATED, &announcing);
    }
    for _ in 0..100 {
        ledger.add_act();
    }
    ledger.seal_more(|checkpoint| new.sign(checkpoint));
    (ledger, old, new)
}

fn both(first: &str, second: &str) -> String {
    let mut note = SignedNote::parse(first).unwrap();
    note.signatures.extend(SignedNote::parse(second).unwrap().signatures);
    note.to_string()
}

fn check(ledger: &Memory, old: &Signer, new: &Signer) -> VerificationResult {
    verify(ledger, &[old.key.clone(), new.key.clone()], None, &|| Timestamp::from_ms(0))
}

#[test]
fn class_23_a_new_key_needs_its_entry_and_both_signatures() {
    for (lacks, class) in [
        (Lacks::Nothing, None),
        (Lacks::Entry, Some(23)),
        (Lacks::Time, Some(23)),
        (Lacks::OldSignature, Some(23)),
        // Announced and not there at once: the checkpoint after it bears the new signature alone.
        (Lacks::NewSignature, Some(23)),
    ] {
        let (ledger, old, new) = rotated(lacks);
        let result = check(&ledger, &old, &new);
        let found = result.findings.first().map(|finding| finding.class);
        assert_eq!(found, class, "{:?}", result.findings);
        assert_eq!(result.status == Status::Valid, class.is_none());
        // Without the second key nobody stands behind the last checkpoint.
        let result = verify(&ledger, &[old.key], None, &|| Timestamp::from_ms(0));
        assert_eq!((result.status, result.findings[0].class), (Status::Invalid, 22));
    }
}

#[test]
fn class_22_a_retired_key_signs_nothing() {
    let (honest, old, new) = rotated(Lacks::Nothing);
    assert_eq!(check(&honest, &old, &new).status, Status::Valid, "control");
    let newest = honest.newest();
    let mut resigned = honest.clone();
    resigned.checkpoints.last_mut().unwrap().note = old.sign(&newest);
    let result = check(&resigned, &old, &new);
    let finding = result.findings.iter().find(|finding| finding.class == 22);
    assert!(finding.is_some_and(|finding| finding.covers(newest.size - 1)), "{:?}", result.findings);
    // Beside the signature that counts it harms nothing.
    resigned.checkpoints.last_mut().unwrap().note = both(&new.sign(&newest), &old.sign(&newest));
    assert_eq!(check(&resigned, &old, &new).status, Status::Valid);
}

/// 700 entries, the first 512 gone: two full tiles keep their leaves. And where the blocks were cut.
fn pruned(announced: u64) -> (Memory, usize) {
    let mut ledger = Memory::grow(1, 700, 53, 5);
    let at = ledger.blocks.iter().rposition(|block| block.first_index <= announce::prunable(700)).unwrap();
    let lowest = ledger.blocks[at].first_index;
    announce(&mut ledger, announce::LEDGER_PRUNED, &announce::first_left(announced.min(lowest)));
    ledger.seal(1_000_000, 0);
    ledger.header.lowest_index = lowest;
    ledger.blocks.drain(..at);
    (ledger, at)
}

#[test]
fn class_26_pruned_beyond_what_was_announced() {
    let (honest, _) = pruned(u64::MAX);
    let lowest = honest.header.lowest_index;
    let result = honest.verify(None);
    assert_eq!((result.status, result.from_index), (Status::Valid, lowest), "control: {:?}", result.findings);
    assert!(lowest > 500, "{lowest}");

    let place = |ledger: &Memory, index: u64| {
        let result = ledger.verify(None);
        let found = result.findings.iter().find(|finding| finding.class == 26);
        assert!(found.is_some_and(|finding| finding.covers(index)), "{index}: {:?}", result.findings);
    };
    let mut further = honest.clone();
    further.blocks.remove(0);
    place(&further, lowest);
    // The head says so, too.
    further.header.lowest_index = further.blocks[0].first_index;
    place(&further, lowest);
    place(&pruned(0).0, 0);
    place(&pruned(400).0, lowest - 1);
    let mut without_tile = honest.clone();
    without_tile.tiles.remove(&TileId { level: 0, index: 0 });
    place(&without_tile, 0);
}

/// Whoever can write SQL can append an entry that announces. Nothing stands behind it before it is sealed.
#[test]
fn an_unsealed_notice_proves_nothing_yet() {
    let mut ledger = Memory::grow(1, 700, 53, 0);
    let at = 100;
    ledger.header.lowest_index = ledger.blocks[at].first_index;
    ledger.blocks.drain(..at);
    let lowest = ledger.header.lowest_index;
    announce(&mut ledger, announce::LEDGER_PRUNED, &announce::first_left(lowest));
    let result = ledger.verify(None);
    assert_eq!((result.status, result.unsealed), (Status::Incomplete, 1), "{:?}", result.findings);
    ledger.seal_more(|checkpoint: &Checkpoint| Signer::new(&origin_of(checkpoint), 1).sign(checkpoint));
    assert_eq!(ledger.verify(None).status, Status::Valid, "control");
}

fn origin_of(checkpoint: &Checkpoint) -> String {
    checkpoint.origin.clone()
}
