//! What everything plays on: two tenants of one store, the first one's file with a change of checkpoint keys, an announced pruning
//! and an announced erasure in it, and some entries above the last checkpoint.

use super::attack::Ground;
use super::file::{File, drop_triggers};
use super::grow::House;
use super::shape::Keys;
use dvt_ledger::tile::WIDTH;
use dvt_model::id::KeyId;
use std::path::{Path, PathBuf};

/// Entries that no checkpoint covers.
pub const UNSEALED: u64 = 6;

/// The stage.
pub struct Stage {
    /// The store and the tenant whose ledger is attacked.
    pub house: House,
    /// The honest ledger, without triggers.
    pub honest: File,
    /// Where it lies.
    pub path: PathBuf,
    /// Another tenant's.
    pub other: File,
    /// The keys of its checkpoints.
    pub keys: Keys,
    /// Up to where a pruning is announced.
    pub announced: u64,
    /// Where the tombstone of the erased key stands.
    pub tombstone: u64,
}

impl Stage {
    /// Writes it all.
    pub async fn new(folder: &Path, entries: u64) -> Result<Self, String> {
        let house = House::new(&folder.join("house")).await?;
        let other = House::new(&folder.join("other")).await?;
        other.grow(entries).await?;
        let other_path = folder.join("other.db");
        other.copy_to(&other_path)?;

        let keys = Keys::new(house.ledger())?;
        let path = folder.join("honest.db");
        house.grow(entries / 4).await?;
        house.copy_to(&path)?;
        let young = File::read(&path)?;
        std::fs::remove_file(&path).map_err(|error| error.to_string())?;
        // What is pruned begins a block and lies under full tiles.
        let wanted = (young.head.0 / 3).min(young.head.1 / WIDTH as u64 * WIDTH as u64);
        let announced =
            young.blocks.iter().map(|(first, _)| *first).take_while(|first| *first <= wanted).last();
        let announced = announced.unwrap_or(0);
        house.announce_pruned(announced).await?;
        let erased =
            young.blocks.iter().rev().find(|(_, block)| block.kind == "run" && !block.payloads.is_empty());
        let erased = erased.and_then(|(_, block)| block.payloads.first()).map(|payload| payload.key.clone());
        let erased = erased.ok_or("no payload lies under a run key")?;
        house.announce_erased(KeyId::from_bytes(&erased).map_err(|error| error.to_string())?).await?;
        house.grow(entries / 4).await?;
        house.announce_key(&keys.present.key).await?;
        house.copy_to(&path)?;
        let rotated_at = File::read(&path)?.head.0 - 1;
        std::fs::remove_file(&path).map_err(|error| error.to_string())?;
        let so_far = rotated_at + 1;
        house.grow(entries.saturating_sub(so_far)).await?;
        for _ in 0..UNSEALED {
            house.act(vec![house.decision(dvt_model::id::RunId::from_random([3; 16]))], false).await?;
        }

        house.copy_to(&path)?;
        drop_triggers(&path)?;
        let stored = File::read(&path)?;
        let mut honest = stored.clone();
        keys.sign_all(&mut honest, rotated_at)?;
        // The erasure that was announced is done.
        for at in 0..honest.blocks.len() {
            let is_under = |place: usize| {
                honest
                    .blocks
                    .get(place)
                    .is_some_and(|(_, block)| block.payloads.iter().any(|one| one.key == erased))
            };
            if is_under(at) {
                honest.change(at, |block| block.payloads.retain(|payload| payload.key != erased));
            }
        }
        honest.destroyed.push(erased);
        let written = folder.join("written.db");
        honest.write(&stored, &path, &written)?;
        std::fs::rename(&written, &path).map_err(|error| error.to_string())?;
        let honest = File::read(&path)?;
        Ok(Self {
            house,
            honest,
            path,
            other: File::read(&other_path)?,
            keys,
            announced,
            tombstone: young.head.0 + 1,
        })
    }

    /// What attackers are given.
    pub fn ground(&self) -> Ground<'_> {
        let ledger = self.house.ledger();
        Ground {
            honest: &self.honest,
            other: &self.other,
            keys: &self.keys,
            ledger,
            announced: self.announced,
        }
    }

    /// The newest checkpoint, as a reader may have it from elsewhere.
    pub fn newest(&self) -> Result<&str, String> {
        self.honest.checkpoints.last().map(|(_, note)| note.as_str()).ok_or("no checkpoint".to_owned())
    }

    /// The same ledger, pruned as far as was announced.
    pub fn pruned(&self) -> File {
        let mut file = self.honest.clone();
        file.blocks.retain(|(first, _)| *first >= self.announced);
        file.head.2 = self.announced;
        file
    }
}
