//! Power cuts under a working engine: it plays plans with people who approve, signal, retry and cancel; the power goes at a
//! random write or sync, what survived is opened by another process, and the run goes on, until the next cut or its end.
//!
//! A life is a process of its own ([`life`]), as after a real cut: nothing but the files survives it. Work is answered by a
//! worker that runs nothing ([`hands`]) and bears witness of what it was given, in a file that no cut reaches. What a caller was told
//! ([`told`]) is looked for after each cut; what the ledger calls done is never given out again; no run is stuck; nothing is
//! there twice ([`judge`]).

pub mod hands;
mod judge;
pub mod life;
pub mod plans;
mod told;

use super::chance::Chance;
use super::disk::SyncKind;
use life::{ENDED, Life, WITNESS, WORKER};
use plans::Plan;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Stdio};
use told::Told;

/// Cuts of one run at most; then it is left to come to its end.
const CUTS: u32 = 3;

/// What a run showed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shown {
    /// Lives that a cut ended.
    pub cuts: u64,
    /// Entries of its ledger, each verified.
    pub entries: u64,
    /// Events, acts and answers that somebody was told before a cut, and found after it.
    pub found_again: u64,
    /// Work that was given out again, under the same token.
    pub given_again: u64,
}

impl Shown {
    /// Adds another one.
    pub fn add(&mut self, other: &Self) {
        self.cuts += other.cuts;
        self.entries += other.entries;
        self.found_again += other.found_again;
        self.given_again += other.given_again;
    }
}

/// What one life of a plan does to a disk when nothing cuts it.
#[derive(Clone, Debug)]
pub struct Rehearsed {
    /// Operations.
    pub operations: u64,
    /// Syncs by kind: the number of the operation of each.
    pub syncs: BTreeMap<SyncKind, Vec<u64>>,
}

/// Plays a plan without a cut.
pub fn rehearse(plan: &'static Plan) -> Result<Rehearsed, String> {
    let folder = ground()?;
    let life = Life { plan, number: 0, seed: 1, cut_at: u64::MAX, removed: None };
    let told = live(folder.path(), &life)?.ok_or("a cut that nobody made")?;
    judge::whole(folder.path(), plan, &told)?;
    Ok(Rehearsed { operations: told.operations, syncs: told.syncs })
}

/// Plays a plan with up to [`CUTS`] cuts, the first of them at `first`; with a kind of sync removed in its first life.
pub fn history(
    plan: &'static Plan,
    chance: &mut Chance,
    (first, operations): (u64, u64),
    removed: Option<SyncKind>,
) -> Result<Shown, String> {
    let folder = ground()?;
    let mut shown = Shown::default();
    for number in 0..=CUTS {
        let cut_at = match number {
            0 => first,
            CUTS => u64::MAX,
            // A control is about what the first cut left.
            _ if removed.is_some() => u64::MAX,
            // Later lives have less to do.
            _ => 1 + chance.below(operations),
        };
        let removed = removed.filter(|_| number == 0);
        let life = Life { plan, number, seed: chance.draw(), cut_at, removed };
        let place = || format!("life {number}, cut at operation {cut_at}, disk seed {}", life.seed);
        match live(folder.path(), &life).map_err(|error| format!("{}: {error}", place()))? {
            None => shown.cuts += 1,
            Some(told) => {
                let whole = judge::whole(folder.path(), plan, &told);
                let whole = whole.map_err(|error| format!("{}: at the end: {error}", place()))?;
                (shown.entries, shown.given_again) = (whole.entries, whole.given_again);
                shown.found_again = told.found_again;
                return Ok(shown);
            }
        }
    }
    Err("a life without a cut did not come to an end".to_owned())
}

/// Where it matters that a sync of this kind was done: from each to the next of any kind.
pub fn windows(kind: SyncKind, syncs: &BTreeMap<SyncKind, Vec<u64>>) -> Vec<(u64, u64)> {
    let all: BTreeSet<u64> = syncs.values().flatten().copied().collect();
    let of_kind = syncs.get(&kind).into_iter().flatten();
    if matches!(kind, SyncKind::Blob | SyncKind::BlobFolder) {
        // Nothing syncs a blob a second time: it matters to the end.
        let last = all.last().copied().unwrap_or_default();
        return of_kind.map(|at| (*at, last.max(at + 4))).collect();
    }
    of_kind.map(|at| (*at, all.range(at + 1..).next().copied().unwrap_or(at + 4))).collect()
}

fn ground() -> Result<tempfile::TempDir, String> {
    let folder = tempfile::tempdir().map_err(text)?;
    std::fs::write(folder.path().join(WITNESS), "").map_err(text)?;
    let this = std::env::current_exe().map_err(text)?;
    // A link to this program: its name says what it is to be.
    std::os::unix::fs::symlink(this, folder.path().join(WORKER)).map_err(text)?;
    Told::first().keep(folder.path())?;
    Ok(folder)
}

/// One life in a process of its own: what it was told at its end, or `None` where the power went before.
fn live(folder: &Path, life: &Life) -> Result<Option<Told>, String> {
    let this = std::env::current_exe().map_err(text)?;
    let mut command = Command::new(this);
    command.arg(life::VERB).arg(folder).args(life.arguments());
    let output = command.stdin(Stdio::null()).stdout(Stdio::null()).output().map_err(text)?;
    match output.status.code() {
        Some(code) if code == i32::from(ENDED) => Told::read(folder).map(Some),
        Some(code) if code == i32::from(life::DARK) => Ok(None),
        _ => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn text(error: impl ToString) -> String {
    error.to_string()
}
