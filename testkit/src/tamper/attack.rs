//! The classes of contract 7.7 that whoever can write SQL and holds no key can try, each at an index, each repaired as far as it
//! can be without a key: leaves, indices, counts, tiles, head. Nobody here can sign or make a MAC; who attacks by class 22 has got
//! hold of a retired key, who attacks by class 23 of one that nobody announced.

use super::file::{Block, Entry, File, Payload};
use super::shape::{Keys, canonical_with};
use dvt_ledger::announce::prunable;
use dvt_ledger::checkpoint::Checkpoint;
use dvt_ledger::note::SignedNote;
use dvt_ledger::tile::{Rows, TileId};
use dvt_model::id::LedgerId;
use serde_json::{Value, json};
use std::sync::Arc;

/// How far the attacker goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Manner {
    /// The change alone.
    Bare,
    /// Leaves, indices, tiles and head fit again; checkpoints stay.
    Repaired,
    /// And checkpoints that no longer fit are gone, as if nothing had been sealed since.
    Cut,
}

use Manner::{Bare, Cut, Repaired};

/// The classes, and in which manners each is tried.
pub const CLASSES: &[(u8, &[Manner])] = &[
    (1, &[Bare, Repaired, Cut]),
    (2, &[Bare, Repaired, Cut]),
    (3, &[Bare, Repaired, Cut]),
    (4, &[Bare, Repaired, Cut]),
    (5, &[Bare, Repaired, Cut]),
    (6, &[Bare, Repaired, Cut]),
    (7, &[Repaired, Cut]),
    (8, &[Repaired, Cut]),
    (9, &[Repaired, Cut]),
    (10, &[Repaired, Cut]),
    (11, &[Repaired, Cut]),
    (12, &[Repaired, Cut]),
    (13, &[Bare, Repaired]),
    (14, &[Bare, Repaired]),
    (20, &[Bare, Repaired, Cut]),
    (22, &[Repaired]),
    (23, &[Repaired]),
    (24, &[Cut]),
    (25, &[Bare]),
    (26, &[Bare, Repaired]),
];

/// What an attacker starts from.
pub struct Ground<'a> {
    /// The honest ledger.
    pub honest: &'a File,
    /// Another tenant's, of the same shape.
    pub other: &'a File,
    /// Keys that an attacker may have got hold of.
    pub keys: &'a Keys,
    /// The ledger's id.
    pub ledger: LedgerId,
    /// Up to where an entry announces a pruning.
    pub announced: u64,
}

/// A tampered ledger.
pub struct Made {
    /// What lies there now.
    pub file: File,
    /// The index that must be named.
    pub touched: u64,
}

const OTHER_PERSON: &str = "prn_17070707-0707-4707-8707-070707070707";
const OTHER_TENANT: &str = "ten_17070707-0707-4707-8707-070707070707";

/// Tries a class at an index; `None` where it cannot be tried there.
pub fn attack(ground: &Ground<'_>, class: u8, manner: Manner, index: u64) -> Option<Made> {
    let mut file = ground.honest.clone();
    let (at, place) = file.find(index)?;
    let mut touched = index;
    match class {
        1..=4 => file.change(at, |block| {
            let Some(entry) = block.entries.get_mut(place) else { return };
            entry.envelope = canonical_with(&entry.envelope, |envelope| edit(class, envelope));
            if manner != Bare {
                entry.releaf();
            }
        }),
        5 | 6 => {
            if (class == 6) != (index == file.head.2) {
                return None;
            }
            take(&mut file, at, place);
            if manner != Bare {
                renumber(&mut file);
            }
        }
        7 | 8 => {
            let keep = if class == 8 { 0 } else { at };
            touched = file.blocks.get(keep)?.0;
            // The last checkpoint of all: whatever stands above it nobody has ever signed for.
            if class == 7 && touched >= file.head.1 {
                return None;
            }
            file.blocks.truncate(keep);
        }
        9 => {
            let (_, block) = file.blocks.get(at)?;
            touched = file.blocks.get(at)?.0;
            let mut forged = Block::clone(block);
            forged.entries.truncate(1);
            let mut id = forged.id.clone();
            fresh(&mut id, touched);
            let envelope = forged.entries.first()?.envelope.clone();
            let envelope = canonical_with(&envelope, |envelope| {
                envelope["entryId"] = json!("ent_17070707-0707-4707-8707-070707070707");
                for field in ["runSeq", "idempotencyKey", "eventId", "payloads"] {
                    envelope.as_object_mut().map(|fields| fields.remove(field));
                }
            });
            forged.entries = vec![Entry { envelope, salt: [7; 32], leaf: [0; 32] }];
            forged.entries.iter_mut().for_each(Entry::releaf);
            (forged.id, forged.kind, forged.run) = (id, "act".to_owned(), (None, None, None));
            (forged.decision, forged.payloads) = (None, Vec::new());
            file.blocks.insert(at, (0, Arc::new(forged)));
        }
        10 => {
            let mut copy = Block::clone(&file.blocks.get(at)?.1);
            fresh(&mut copy.id, index);
            (copy.kind, copy.run, copy.decision) = ("act".to_owned(), (None, None, None), None);
            touched = file.blocks.get(at)?.0 + copy.entries.len() as u64;
            file.blocks.insert(at + 1, (0, Arc::new(copy)));
        }
        11 => {
            // Two blocks as wholes: their MACs stay right, for a MAC says nothing about the place.
            touched = file.blocks.get(at)?.0;
            file.blocks.get(at + 1)?;
            file.blocks.swap(at, at + 1);
        }
        12 => {
            let entry = ground.other.find(index).and_then(|(at, place)| {
                ground.other.blocks.get(at).and_then(|(_, block)| block.entries.get(place)).cloned()
            })?;
            file.change(at, |block| {
                if let Some(mine) = block.entries.get_mut(place) {
                    *mine = entry;
                }
            });
        }
        13 => touched = payload(&mut file, at, manner)?,
        14 => file.change(at, |block| {
            if let Some(entry) = block.entries.get_mut(place) {
                entry.leaf[31] ^= 1;
            }
        }),
        20 => return wrong_size(ground, manner, index),
        22 => return retired(ground, index),
        23 => return unannounced(ground, index),
        24 => return older(ground, index),
        25 => {
            let (first, block) = file.blocks.get(at..)?.iter().find(|(_, block)| is_under_run_key(block))?;
            touched = *first;
            let key = block.payloads.first()?.key.clone();
            for at in 0..file.blocks.len() {
                if file.blocks.get(at)?.1.payloads.iter().any(|payload| payload.key == key) {
                    file.change(at, |block| block.payloads.retain(|payload| payload.key != key));
                }
            }
            touched = first_under(ground.honest, &key).unwrap_or(touched);
            file.destroyed.push(key);
            return Some(Made { file, touched });
        }
        26 => {
            // Up to a full tile at most; below it the leaves are still there.
            let until = index.max(ground.announced + 64).min(prunable(file.head.1));
            let cut =
                file.blocks.partition_point(|(first, block)| first + block.entries.len() as u64 <= until);
            let lowest = file.blocks.get(cut)?.0;
            if lowest <= ground.announced {
                return None;
            }
            touched = lowest - 1;
            file.blocks.drain(..cut);
            if manner == Repaired {
                file.head.2 = lowest;
            }
            return Some(Made { file, touched });
        }
        _ => return None,
    }
    if class != 13 && manner != Bare {
        repair(&mut file, ground.honest, manner, class == 14);
    }
    Some(Made { file, touched })
}

fn edit(class: u8, envelope: &mut Value) {
    match class {
        1 => {
            envelope["decision"] =
                json!(if envelope["decision"] == "FAILED" { "COMPLETED" } else { "FAILED" })
        }
        2 => {
            if let Some(id) = envelope.pointer_mut("/actor/id") {
                *id = json!(OTHER_PERSON);
            }
        }
        3 => envelope["tenantId"] = json!(OTHER_TENANT),
        _ => envelope["recordedAt"] = json!("2020-01-01T00:00:00.000Z"),
    }
}

fn fresh(id: &mut [u8], index: u64) {
    // Still an id: version and variant bits stay.
    for (byte, mark) in id.iter_mut().zip(index.to_le_bytes().into_iter().take(6)) {
        *byte ^= mark ^ 0x5a;
    }
}

fn take(file: &mut File, at: usize, place: usize) {
    let Some((_, block)) = file.blocks.get_mut(at) else { return };
    let block = Arc::make_mut(block);
    block.entries.remove(place);
    if block.entries.is_empty() {
        file.blocks.remove(at);
    }
}

fn renumber(file: &mut File) {
    let mut next = file.head.2;
    for (first, block) in &mut file.blocks {
        *first = next;
        next += block.entries.len() as u64;
    }
    file.head.0 = next;
}

/// Makes everything fit that needs no key.
fn repair(file: &mut File, honest: &File, manner: Manner, is_leaf_kept: bool) {
    if !is_leaf_kept {
        // `runSeq` columns follow their entries.
        renumber(file);
    }
    let (mut rows, mut full) = (Rows::new(), Vec::new());
    let mut fitting = 0;
    let checkpoints = std::mem::take(&mut file.checkpoints);
    let mut due = checkpoints.iter().peekable();
    for leaf in below(honest, file.head.2).into_iter().chain(file.leaves()) {
        rows.push(leaf, &mut full);
        while let Some((_, note)) = due.next_if(|(size, _)| *size == rows.size()) {
            let body = SignedNote::parse(note).ok().and_then(|note| Checkpoint::parse(&note.text).ok());
            fitting += usize::from(body.is_some_and(|checkpoint| checkpoint.root == rows.root()));
        }
    }
    file.checkpoints = checkpoints;
    file.head.1 = file.head.1.min(file.head.0);
    if manner == Cut {
        file.checkpoints.truncate(fitting);
        file.head.1 = file.checkpoints.last().map_or(0, |(size, _)| *size);
    }
    let sealed = file.head.1;
    // Whoever throws away tiles that hold the leaves of pruned entries says so himself.
    let lowest = file.head.2;
    let kept = full.into_iter().filter(|tile| tile.id.leaves().1 <= sealed || tile.id.leaves().0 < lowest);
    file.tiles = kept.map(|tile| (tile.id, tile.encode())).collect();
}

/// The leaves of what was pruned: the tiles still have them.
fn below(honest: &File, lowest: u64) -> Vec<[u8; 32]> {
    let leaf = |index: u64| {
        let tile = honest.tiles.get(&TileId { level: 0, index: index / 256 })?;
        let start = usize::try_from(index % 256).ok()? * 32;
        tile.get(start..start + 32)?.try_into().ok()
    };
    (0..lowest).filter_map(leaf).collect()
}

fn is_under_run_key(block: &Block) -> bool {
    block.kind == "run" && !block.payloads.is_empty()
}

/// The first entry whose payload lies under a key.
fn first_under(file: &File, key: &[u8]) -> Option<u64> {
    let is_under = |block: &Block| block.payloads.iter().any(|payload| payload.key == key);
    let (first, block) = file.blocks.iter().find(|(_, block)| is_under(block))?;
    let place = block.entries.iter().position(|entry| entry.text().contains("\"payloads\""))?;
    Some(first + place as u64)
}

/// A sealed payload is replaced: by its own bytes changed, or by another row's under the same key.
fn payload(file: &mut File, at: usize, manner: Manner) -> Option<u64> {
    let found = (at..file.blocks.len())
        .find(|at| file.blocks.get(*at).is_some_and(|(_, block)| is_under_run_key(block)))?;
    let (first, block) = file.blocks.get(found)?.clone();
    let mine = block.payloads.first()?;
    let same = |payload: &Payload| payload.key == mine.key && payload.sealed != mine.sealed;
    let other =
        file.blocks.iter().flat_map(|(_, block)| &block.payloads).find(|payload| same(payload)).cloned();
    let place = block.entries.iter().position(|entry| entry.text().contains("\"payloads\""))?;
    file.change(found, |block| {
        let Some(payload) = block.payloads.first_mut() else { return };
        match other.filter(|_| manner == Repaired) {
            Some(other) => payload.sealed = other.sealed,
            None => {
                if let Some(byte) = payload.sealed.last_mut() {
                    *byte ^= 1;
                }
            }
        }
    });
    Some(first + place as u64)
}

/// The checkpoint that first covers an entry.
fn covering(file: &File, index: u64) -> Option<usize> {
    file.checkpoints.iter().position(|(size, _)| *size > index)
}

fn wrong_size(ground: &Ground<'_>, manner: Manner, index: u64) -> Option<Made> {
    let mut file = ground.honest.clone();
    let at = covering(&file, index)?;
    let is_last = at + 1 == file.checkpoints.len();
    let (size, note) = file.checkpoints.get_mut(at)?;
    let touched = *size - 1;
    match manner {
        // The row names another size than the note.
        Bare => *size += 1,
        // The text itself does, without its signature.
        Repaired => *note = note.replacen(&format!("\n{size}\n"), &format!("\n{}\n", *size + 1), 1),
        // The head does.
        Cut if is_last => file.head.1 -= 1,
        Cut => return None,
    }
    Some(Made { file, touched })
}

/// A forged past, signed anew with the key that was retired, as far as the last checkpoint.
fn retired(ground: &Ground<'_>, index: u64) -> Option<Made> {
    let mut made = attack(ground, 1, Repaired, index)?;
    resign(&mut made.file, ground, covering(ground.honest, index)?, &|checkpoint| {
        ground.keys.retired.sign(checkpoint)
    });
    Some(made)
}

/// Signs checkpoints again, from one on, over the tree as it is now.
fn resign(file: &mut File, ground: &Ground<'_>, from: usize, sign: &dyn Fn(&Checkpoint) -> String) {
    let (mut rows, mut full) = (Rows::new(), Vec::new());
    let leaves: Vec<_> = below(ground.honest, file.head.2).into_iter().chain(file.leaves()).collect();
    let mut leaves = leaves.into_iter();
    for (place, (size, note)) in file.checkpoints.iter_mut().enumerate() {
        while rows.size() < *size {
            let Some(leaf) = leaves.next() else { return };
            rows.push(leaf, &mut full);
        }
        if place >= from {
            *note = sign(&Checkpoint::new(ground.ledger, *size, rows.root()));
        }
    }
}

/// From a checkpoint on another key signs that the reader trusts and that no entry announces.
fn unannounced(ground: &Ground<'_>, index: u64) -> Option<Made> {
    let mut file = ground.honest.clone();
    let from = covering(&file, index)?;
    let touched = file.checkpoints.get(from)?.0 - 1;
    let active = ground.keys.active_at(ground.honest, from);
    resign(&mut file, ground, from, &|checkpoint| {
        let both = checkpoint.size == touched + 1;
        ground.keys.stray.sign_with(checkpoint, both.then_some(active))
    });
    Some(Made { file, touched })
}

/// The ledger as it stood when a checkpoint was signed.
fn older(ground: &Ground<'_>, index: u64) -> Option<Made> {
    let mut file = ground.honest.clone();
    let keep = covering(&file, index)?;
    let size = file.checkpoints.get(keep)?.0;
    if keep + 1 == file.checkpoints.len() {
        return None;
    }
    file.checkpoints.truncate(keep + 1);
    file.blocks.retain(|(first, _)| *first < size);
    (file.head.0, file.head.1) = (size, size);
    file.tiles.retain(|id, _| id.leaves().1 <= size);
    Some(Made { file, touched: size })
}

/// Any honest moment of the past: used for honest ledgers, too.
pub fn at_checkpoint(honest: &File, ledger: LedgerId, keys: &Keys, number: usize) -> Option<(File, String)> {
    let ground = Ground { honest, other: honest, keys, ledger, announced: 0 };
    let index = honest.checkpoints.get(number)?.0 - 1;
    let file = older(&ground, index)?.file;
    let note = file.checkpoints.last()?.1.clone();
    Some((file, note))
}
