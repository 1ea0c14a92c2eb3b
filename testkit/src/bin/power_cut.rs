//! `power_cut --cuts N --seed S [--controls]`: cuts the power under a working store and judges what is left; with `--runs N`
//! under a working engine, so many cuts.
//!
//! With `--controls` each kind of sync is removed in turn, and at least one cut must notice; a control that survives is a
//! failure of this harness and ends it with status 1.

use dvt_testkit::power_cut::chance::Chance;
use dvt_testkit::power_cut::disk::{Disk, SyncKind};
use dvt_testkit::power_cut::judge::{Found, judge};
use dvt_testkit::power_cut::runs::plans::{PLANS, Plan};
use dvt_testkit::power_cut::runs::{self, Rehearsed, Shown, hands, life, windows};
use dvt_testkit::power_cut::scenario::Scenario;
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The most cuts that a control gets to be noticed.
const CONTROL_CUTS: u64 = 2_000;
/// Histories that are played at once.
const AT_ONCE: usize = 2;

struct Arguments {
    cuts: u64,
    runs: Option<u64>,
    seed: u64,
    controls: bool,
}

fn arguments() -> Result<Arguments, String> {
    let mut arguments = Arguments { cuts: 100, runs: None, seed: 1, controls: false };
    let mut given = std::env::args().skip(1);
    while let Some(argument) = given.next() {
        let mut number = || {
            let text = given.next().ok_or(format!("`{argument}` needs a number"))?;
            text.parse::<u64>().map_err(|_| format!("`{text}` is no number"))
        };
        match argument.as_str() {
            "--cuts" => arguments.cuts = number()?,
            "--runs" => arguments.runs = Some(number()?),
            "--seed" => arguments.seed = number()?,
            "--controls" => arguments.controls = true,
            other => {
                return Err(format!(
                    "`{other}` is not known; usage: power_cut --cuts N | --runs N --seed S [--controls]"
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
            let caught = control(kind, &mut chance, operations, &windows(kind, &counts.syncs)).await?;
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

/// Cuts after a sync of the removed kind, and every fourth time anywhere, until one of them notices.
async fn control(
    kind: SyncKind,
    chance: &mut Chance,
    operations: u64,
    windows: &[(u64, u64)],
) -> Result<Option<(u64, String)>, String> {
    for number in 1..=CONTROL_CUTS {
        let cut_at = near(chance, number, windows).unwrap_or_else(|| place(chance, operations));
        let seed = chance.draw();
        if let Err(error) = play(seed, cut_at, Some(kind)).await?.verdict {
            return Ok(Some((number, error)));
        }
    }
    Ok(None)
}

/// Behind one of these syncs, but for every fourth time.
fn near(chance: &mut Chance, number: u64, windows: &[(u64, u64)]) -> Option<u64> {
    let chosen = usize::try_from(chance.below(windows.len() as u64)).unwrap_or(0);
    let near = windows.get(chosen).filter(|_| !number.is_multiple_of(4));
    near.map(|(at, next)| at + 1 + chance.below(next - at))
}

/// What the histories of each plan showed.
#[derive(Default)]
struct Tally {
    by_plan: BTreeMap<&'static str, (u64, Shown)>,
    faults: Vec<String>,
}

/// Cuts under a working engine, plan after plan, and perhaps the controls; whether nothing was lost and each was noticed.
fn engine(count: u64, arguments: &Arguments) -> Result<bool, String> {
    let mut rehearsed: BTreeMap<&str, Rehearsed> = BTreeMap::new();
    for plan in PLANS {
        let one = runs::rehearse(plan).map_err(|error| format!("{} without a cut: {error}", plan.name))?;
        rehearsed.insert(plan.name, one);
    }
    let (next, cuts, tally) = (AtomicU64::new(0), AtomicU64::new(0), Mutex::new(Tally::default()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while cuts.load(Ordering::SeqCst) < count {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    let Some((plan, operations)) = nth(number, &rehearsed) else { return };
                    let seed = arguments.seed.wrapping_add(number);
                    let mut chance = Chance::new(seed);
                    let first = place(&mut chance, operations);
                    let shown = runs::history(plan, &mut chance, (first, operations), None);
                    let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
                    match shown {
                        Ok(shown) => {
                            cuts.fetch_add(shown.cuts, Ordering::SeqCst);
                            let (histories, all) = tally.by_plan.entry(plan.name).or_default();
                            *histories += 1;
                            all.add(&shown);
                        }
                        Err(error) => {
                            cuts.fetch_add(1, Ordering::SeqCst);
                            tally.faults.push(format!("plan {}, history of seed {seed}: {error}", plan.name));
                        }
                    }
                }
            });
        }
    });
    let tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut sum = Shown::default();
    for (plan, (histories, shown)) in &tally.by_plan {
        sum.add(shown);
        println!(
            "power cuts: {plan:<13} {histories:>4} runs {:>5} cuts {:>6} found again {:>4} given again",
            shown.cuts, shown.found_again, shown.given_again
        );
    }
    for fault in &tally.faults {
        println!("power cuts: {fault}");
    }
    println!(
        "power cuts: {} under a working engine, over {} plans: {} things that somebody was told, each there; {} pieces of work given \
         out again with the same token; {} entries verified; {} runs with a loss, a double or without an end",
        sum.cuts,
        tally.by_plan.len(),
        sum.found_again,
        sum.given_again,
        sum.entries,
        tally.faults.len()
    );
    let mut survived = 0;
    for kind in SyncKind::UNDER_AN_ENGINE.into_iter().filter(|_| arguments.controls) {
        let caught = control_of_runs(kind, arguments.seed, &rehearsed)?;
        match &caught {
            Some((runs, error)) => {
                println!("control: sync of {kind:?} removed: caught in run {runs}: {error}")
            }
            None => {
                survived += 1;
                println!("control: sync of {kind:?} removed: NOT caught in {CONTROL_CUTS} runs");
            }
        }
    }
    Ok(tally.faults.is_empty() && survived == 0)
}

/// The plan of the `number`-th history, and the operations of a life of it.
fn nth(number: u64, rehearsed: &BTreeMap<&str, Rehearsed>) -> Option<(&'static Plan, u64)> {
    let place = usize::try_from(number % (PLANS.len() as u64)).ok()?;
    let plan = PLANS.get(place)?;
    Some((plan, rehearsed.get(plan.name)?.operations))
}

/// Runs whose first life lacks a kind of sync, until one of them notices.
fn control_of_runs(
    kind: SyncKind,
    seed: u64,
    rehearsed: &BTreeMap<&str, Rehearsed>,
) -> Result<Option<(u64, String)>, String> {
    let mut chance = Chance::new(seed);
    for number in 1..=CONTROL_CUTS {
        let (plan, operations) = nth(number, rehearsed).ok_or("no plan")?;
        let windows = rehearsed.get(plan.name).map(|one| windows(kind, &one.syncs)).unwrap_or_default();
        let first = near(&mut chance, number, &windows).unwrap_or_else(|| place(&mut chance, operations));
        if let Err(error) = runs::history(plan, &mut chance, (first, operations), Some(kind)) {
            return Ok(Some((number, format!("plan {}: {error}", plan.name))));
        }
    }
    Ok(None)
}

fn main() -> ExitCode {
    if let Some(folder) = hands::is_asked() {
        return hands::main(&folder);
    }
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let Some((life::VERB, rest)) = words.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        return life::main(rest);
    }
    let done = arguments().and_then(|arguments| match arguments.runs {
        Some(count) => engine(count, &arguments),
        None => {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
            runtime.map_err(|error| error.to_string())?.block_on(run(&arguments))
        }
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
