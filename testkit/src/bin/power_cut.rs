//! `power_cut --cuts N --seed S [--controls]`: cuts the power under a working store and judges what is left.
//!
//! With `--controls` each kind of sync is removed in turn, and at least one cut must notice; a control that survives is a
//! failure of this harness and ends it with status 1.

use dvt_testkit::power_cut::disk::{Chance, Counts, Disk, SyncKind};
use dvt_testkit::power_cut::judge::{Found, judge};
use dvt_testkit::power_cut::scenario::Scenario;
use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::Arc;

/// The most cuts that a control gets to be noticed.
const CONTROL_CUTS: u64 = 2_000;

struct Arguments {
    cuts: u64,
    seed: u64,
    controls: bool,
}

fn arguments() -> Result<Arguments, String> {
    let mut arguments = Arguments { cuts: 100, seed: 1, controls: false };
    let mut given = std::env::args().skip(1);
    while let Some(argument) = given.next() {
        let mut number = || {
            let text = given.next().ok_or(format!("`{argument}` needs a number"))?;
            text.parse::<u64>().map_err(|_| format!("`{text}` is no number"))
        };
        match argument.as_str() {
            "--cuts" => arguments.cuts = number()?,
            "--seed" => arguments.seed = number()?,
            "--controls" => arguments.controls = true,
            other => {
                return Err(format!(
                    "`{other}` is not known; usage: power_cut --cuts N --seed S [--controls]"
                ));
            }
        }
    }
    Ok(arguments)
}

/// What one history was.
struct Played {
    disk: Arc<Disk>,
    verdict: Result<Found, String>,
}

async fn play(seed: u64, cut_at: u64, removed: Option<SyncKind>) -> Result<Played, String> {
    let (before, after) = (folder()?, folder()?);
    let keys = folder()?;
    let key = keys.path().join("root.key");
    let disk = Arc::new(Disk::new(seed, cut_at, removed));
    let scenario = Scenario::new();
    scenario.play(before.path(), &key, &disk).await?;
    disk.restore(before.path(), after.path()).map_err(|error| error.to_string())?;
    let verdict = judge(&scenario, after.path(), &key).await;
    Ok(Played { disk, verdict })
}

fn folder() -> Result<tempfile::TempDir, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(folder.path(), mode).map_err(|error| error.to_string())?;
    Ok(folder)
}

/// Where the power goes: anywhere, a fifth of the time among the first operations, where files are being made.
fn place(chance: &mut Chance, operations: u64) -> u64 {
    if chance.below(5) == 0 { 1 + chance.below(120) } else { 1 + chance.below(operations + operations / 8) }
}

async fn run(arguments: &Arguments) -> Result<bool, String> {
    let rehearsal = play(arguments.seed, u64::MAX, None).await?;
    let whole = rehearsal.verdict.map_err(|error| format!("with the power cut at the end: {error}"))?;
    let operations = rehearsal.disk.operations();
    let counts = rehearsal.disk.counts();
    println!(
        "rehearsal: {operations} operations, {} writes, syncs {}, {} stages, {} entries",
        counts.writes,
        counts
            .syncs
            .iter()
            .map(|(kind, all)| format!("{kind:?} {}", all.len()))
            .collect::<Vec<_>>()
            .join(" "),
        whole.stages,
        whole.entries
    );
    let mut chance = Chance::new(arguments.seed);
    let (mut stages, mut entries, mut lost) = (0, 0, 0);
    for number in 0..arguments.cuts {
        let (seed, cut_at) = (chance.draw(), place(&mut chance, operations));
        match play(seed, cut_at, None).await?.verdict {
            Ok(found) => {
                stages += found.stages;
                entries += found.entries;
            }
            Err(error) => {
                lost += 1;
                println!("cut {number} at operation {cut_at} (disk seed {seed}): {error}");
            }
        }
    }
    println!(
        "{} cuts: {stages} acknowledged stages there once each, {entries} entries verified, {lost} cuts with a loss",
        arguments.cuts
    );
    let mut survived = 0;
    if arguments.controls {
        for kind in SyncKind::ALL {
            let caught = control(kind, &mut chance, operations, &windows(kind, &counts)).await?;
            match &caught {
                Some((cuts, error)) => {
                    println!("control: sync of {kind:?} removed: caught at cut {cuts}: {error}")
                }
                None => {
                    survived += 1;
                    println!("control: sync of {kind:?} removed: NOT caught in {CONTROL_CUTS} cuts");
                }
            }
        }
        println!("{} controls, {survived} not caught", SyncKind::ALL.len());
    }
    Ok(lost == 0 && survived == 0)
}

/// Where it matters that a sync of this kind was done: from each to the next of any kind.
fn windows(kind: SyncKind, counts: &Counts) -> Vec<(u64, u64)> {
    let all: BTreeSet<u64> = counts.syncs.values().flatten().copied().collect();
    let of_kind = counts.syncs.get(&kind).into_iter().flatten();
    of_kind.map(|at| (*at, all.range(at + 1..).next().copied().unwrap_or(at + 4))).collect()
}

/// Cuts after a sync of the removed kind, and every fourth time anywhere, until one of them notices.
async fn control(
    kind: SyncKind,
    chance: &mut Chance,
    operations: u64,
    windows: &[(u64, u64)],
) -> Result<Option<(u64, String)>, String> {
    for number in 1..=CONTROL_CUTS {
        let chosen = usize::try_from(chance.below(windows.len() as u64)).unwrap_or(0);
        let near = windows.get(chosen).filter(|_| !number.is_multiple_of(4));
        let near = near.map(|(at, next)| at + 1 + chance.below(next - at));
        let (seed, cut_at) = (chance.draw(), near.unwrap_or_else(|| place(chance, operations)));
        if let Err(error) = play(seed, cut_at, Some(kind)).await?.verdict {
            return Ok(Some((number, error)));
        }
    }
    Ok(None)
}

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let done = arguments().and_then(|arguments| {
        let runtime = runtime.map_err(|error| error.to_string())?;
        runtime.block_on(run(&arguments))
    });
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("power_cut: {error}");
            ExitCode::FAILURE
        }
    }
}
