//! The harness of determinism (contract 5.8): golden plans, each under many orders in which results arrive, and one digest
//! for each of them over all event bodies. `cargo xtask determinism` runs it in several processes and build profiles and
//! compares what they print with the committed digests.
//!
//! `--coverage` counts the events and the signals that they hit; an empty cell fails. `--mutants` switches each seeded bug on and says which golden plans notice. `--costs` counts operations and bytes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a harness"
)]

mod costs;
mod plans;
mod play;

use dvt_core::mutant::{self, Mutant};
use dvt_model::digest::Digest;
use dvt_model::run::EventName;
use play::{Golden, Play};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

/// Orders of arrival in which a bug is looked for.
const FEW: u64 = 12;

fn digest(golden: &Golden, permutations: u64) -> (Digest, BTreeSet<EventName>) {
    let mut all = Vec::new();
    let mut names = BTreeSet::new();
    for seed in 0..permutations {
        let play = Play::whole(golden, seed);
        names.extend(play.events.iter().map(|event| event.name));
        all.extend_from_slice(&Digest::of(&play.bodies()).0);
    }
    (Digest::of(&all), names)
}

/// One line for each golden plan; every event of the catalogue must have been met.
fn print(permutations: u64) -> ExitCode {
    let mut met = BTreeSet::new();
    for golden in plans::all() {
        let (digest, names) = digest(&golden, permutations);
        met.extend(names);
        println!("{digest}  {}", golden.name);
    }
    let missing: Vec<_> = EventName::ALL.iter().filter(|name| !met.contains(name)).collect();
    if missing.is_empty() {
        return ExitCode::SUCCESS;
    }
    eprintln!("no golden plan has {missing:?}");
    ExitCode::FAILURE
}

/// How often each event of contract 5.1 and each signal of 4.5 is hit, and by how many golden plans.
fn coverage() -> ExitCode {
    let mut hits: BTreeMap<(&str, &str), (BTreeSet<&str>, u64)> = BTreeMap::new();
    for name in EventName::ALL {
        hits.insert(("event", name.as_str()), Default::default());
    }
    for name in play::SIGNALS {
        hits.insert(("signal", name), Default::default());
    }
    for golden in plans::all() {
        for seed in 0..FEW {
            let play = Play::whole(&golden, seed);
            let events = play.events.iter().map(|event| ("event", event.name.as_str()));
            for cell in events.chain(play.signals.iter().map(|name| ("signal", *name))) {
                let (plans, count) = hits.entry(cell).or_default();
                plans.insert(golden.name);
                *count += 1;
            }
        }
    }
    println!("{} golden plans, {FEW} orders of each", plans::all().len());
    let mut empty = Vec::new();
    for ((kind, name), (plans, count)) in &hits {
        println!("  {kind:<6} {name:<18} {:>3} plans {count:>6} times", plans.len());
        if *count == 0 {
            empty.push(*name);
        }
    }
    if empty.is_empty() {
        return ExitCode::SUCCESS;
    }
    eprintln!("no golden plan has {empty:?}");
    ExitCode::FAILURE
}

/// Each seeded bug must change a digest, or break the play.
fn mutants() -> ExitCode {
    std::panic::set_hook(Box::new(|_| {}));
    let golden = plans::all();
    let sound: Vec<Digest> = golden.iter().map(|golden| digest(golden, FEW).0).collect();
    let mut missed = Vec::new();
    for bug in Mutant::WHOLE {
        mutant::choose(Some(*bug));
        let notices = golden.iter().zip(&sound).filter(|(golden, sound)| {
            let found = catch_unwind(AssertUnwindSafe(|| digest(golden, FEW).0));
            found.is_ok_and(|found| found != **sound)
                || catch_unwind(AssertUnwindSafe(|| digest(golden, 1))).is_err()
        });
        let names: Vec<_> = notices.map(|(golden, _)| golden.name).collect();
        mutant::choose(None);
        println!("{bug:?}: noticed by {} ({})", names.len(), names.first().unwrap_or(&"nobody"));
        if names.is_empty() {
            missed.push(*bug);
        }
    }
    println!("{} seeded bugs, {} missed (the others are the simulator's)", Mutant::WHOLE.len(), missed.len());
    if missed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["--permutations", count] => print(count.parse().expect("a number")),
        ["--permutations", count, "--unordered"] => {
            mutant::choose(Some(Mutant::UnorderedReady));
            print(count.parse().expect("a number"))
        }
        ["--coverage"] => coverage(),
        ["--mutants"] => mutants(),
        ["--story", name] => {
            for golden in plans::all().iter().filter(|golden| golden.name == *name) {
                Play::whole(golden, 0).story().iter().for_each(|line| println!("{line}"));
            }
            ExitCode::SUCCESS
        }
        ["--costs"] => costs::print(&[1_000, 3_000, 10_000, 50_000]),
        _ => {
            eprintln!(
                "determinism --permutations N [--unordered] | --coverage | --mutants | --story NAME | --costs"
            );
            ExitCode::FAILURE
        }
    }
}
