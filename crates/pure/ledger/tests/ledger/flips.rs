//! INVARIANT(INV-03): one changed bit anywhere in what a sealed ledger keeps is found, wherever it is; unchanged there is
//! no alarm. The walk is the same each time.

use crate::memory::{Memory, chance};
use dvt_ledger::verify::result::Status;

const FLIPS: u64 = 1_200;

/// A number below `below`.
fn draw(step: u64, what: &str, below: usize) -> usize {
    (u64::from_be_bytes(chance(what, step)[..8].try_into().unwrap()) % below as u64) as usize
}

/// Changes one bit of one stored piece; says which kind, or `None` where the bit would make no text.
fn flip(ledger: &mut Memory, step: u64) -> Option<&'static str> {
    let bit = 1u8 << draw(step, "bit", 8);
    let block = draw(step, "block", ledger.blocks.len());
    let block = &mut ledger.blocks[block];
    let entry = draw(step, "entry", block.leaves.len());
    match draw(step, "kind", 6) {
        0 => block.leaves[entry][draw(step, "byte", 32)] ^= bit,
        1 => block.leaf_salts[entry][draw(step, "byte", 32)] ^= bit,
        2 | 3 => {
            let envelope = &mut block.envelopes[entry];
            let byte = draw(step, "byte", envelope.len());
            envelope[byte] ^= bit;
        }
        4 => {
            let tile = draw(step, "tile", ledger.tiles.len());
            let tile = ledger.tiles.values_mut().nth(tile).unwrap();
            tile[draw(step, "byte", 8192)] ^= bit;
        }
        _ => {
            let row = draw(step, "row", ledger.checkpoints.len());
            let note = &mut ledger.checkpoints[row].note;
            let mut bytes = note.clone().into_bytes();
            let byte = draw(step, "byte", bytes.len());
            bytes[byte] ^= bit;
            *note = String::from_utf8(bytes).ok()?;
            return Some("note");
        }
    }
    Some(["leaf", "salt", "envelope", "envelope", "tile"][draw(step, "kind", 6)])
}

#[test]
fn every_flipped_bit_is_found() {
    let honest = Memory::grow(3, 600, 53, 0);
    assert_eq!(honest.verify(None).status, Status::Valid, "control");
    let (mut tried, mut found) = (0, 0);
    for step in 0..FLIPS {
        let mut ledger = honest.clone();
        let Some(kind) = flip(&mut ledger, step) else { continue };
        let result = ledger.verify(None);
        assert_eq!(result.status, Status::Invalid, "{kind}, step {step}");
        tried += 1;
        found += u64::from(
            result.findings.iter().any(|finding| finding.index.is_some() || finding.range.is_some()),
        );
    }
    println!("{tried} single bits flipped, {found} found and placed");
    assert_eq!(found, tried);
}
