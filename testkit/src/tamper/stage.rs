//! What everything plays on: two tenants, the first one's ledger erased in part and pruned by the store itself, with a change of
//! checkpoint keys in it, and some entries above the last checkpoint.

use super::attack::Ground;
use super::file::{File, drop_triggers};
use super::grow::House;
use super::shape::Keys;
use dvt_ledger::announce;
use dvt_ledger::tile::WIDTH;
use dvt_model::id::RunId;
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
    /// The same ledger before it was pruned, and where that lies.
    pub whole: (File, PathBuf),
    /// Another tenant's.
    pub other: File,
    /// The keys of its checkpoints.
    pub keys: Keys,
    /// Up to where it was pruned.
    pub announced: u64,
    /// Where the entry of the pruning stands.
    pub pruned_at: u64,
    /// Where the tombstone of the erased key stands.
    pub tombstone: u64,
}

impl Stage {
    /// Writes it all: at least so many entries are left at the end.
    pub async fn new(folder: &Path, entries: u64) -> Result<Self, String> {
        let house = House::new(&folder.join("house")).await?;
        let other = House::new(&folder.join("other")).await?;
        let keys = Keys::new(house.ledger())?;
        // More than one tile, so that there is something to prune below full ones.
        let old = (entries / 4).max(WIDTH as u64 + 64);
        house.grow(old).await?;
        house.let_years_pass()?;
        house.grow(entries / 4).await?;

        // A run is erased, and its tombstone written.
        let young = copied(&house, &folder.join("young.db"))?;
        let erased =
            young.blocks.iter().rev().find(|(_, block)| block.kind == "run" && !block.payloads.is_empty());
        let run =
            erased.and_then(|(_, block)| block.run.0.as_deref()).ok_or("no payload lies under a run key")?;
        let ended = house.erase(RunId::from_bytes(run).map_err(|error| error.to_string())?).await?;
        if ended != 1 {
            return Err(format!("{ended} keys of a run ended"));
        }
        house.grow(1).await?;
        let whole_path = folder.join("whole.db");
        let mut whole = copied(&house, &whole_path)?;
        let tombstone = announced_at(&whole, announce::PAYLOAD_ERASED)?;

        // The years of the first entries are over.
        let announced = house.prune().await?;
        house.grow(entries / 4).await?;
        house.announce_key(&keys.present.key).await?;
        let path = folder.join("honest.db");
        let so_far = copied(&house, &path)?;
        let pruned_at = announced_at(&so_far, announce::LEDGER_PRUNED)?;
        let rotated_at = so_far.head.0 - 1;
        house.grow((entries + announced).saturating_sub(so_far.head.0)).await?;
        for _ in 0..UNSEALED {
            house.act(vec![house.decision(RunId::from_random([3; 16]))], false).await?;
        }
        let mut honest = copied(&house, &path)?;
        if honest.head.2 != announced || honest.blocks.first().is_none_or(|(first, _)| *first != announced) {
            return Err(format!("pruned to {announced}, and the ledger begins at {}", honest.head.2));
        }
        signed(&keys, &mut honest, rotated_at, &path)?;
        signed(&keys, &mut whole, rotated_at, &whole_path)?;
        // Of the same indices, as far as there are any.
        other.grow(honest.head.0).await?;
        let other = copied(&other, &folder.join("other.db"))?;
        Ok(Self {
            house,
            honest,
            path,
            whole: (whole, whole_path),
            other,
            keys,
            announced,
            pruned_at,
            tombstone,
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
}

/// A copy of the file as it is now, without triggers.
fn copied(house: &House, path: &Path) -> Result<File, String> {
    if path.exists() {
        std::fs::remove_file(path).map_err(|error| error.to_string())?;
    }
    house.copy_to(path)?;
    drop_triggers(path)?;
    File::read(path)
}

/// Where an entry of this name stands, the newest of them.
fn announced_at(file: &File, name: &str) -> Result<u64, String> {
    let name = format!("\"{name}\"");
    let found = file.blocks.iter().rev().find_map(|(first, block)| {
        let place = block.entries.iter().rposition(|entry| entry.text().contains(&name))?;
        Some(first + place as u64)
    });
    found.ok_or(format!("no entry says {name}"))
}

/// Signs the checkpoints anew and writes the file so.
fn signed(keys: &Keys, file: &mut File, rotated_at: u64, path: &Path) -> Result<(), String> {
    let stored = file.clone();
    keys.sign_all(file, rotated_at)?;
    let written = path.with_extension("written");
    file.write(&stored, path, &written)?;
    std::fs::rename(&written, path).map_err(|error| error.to_string())?;
    *file = File::read(path)?;
    Ok(())
}
