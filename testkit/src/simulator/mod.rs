//! The simulator: plans with every form and key of the language, every command and signal, every fault, the core beside a
//! naive reference, from one seed.
//!
//! A history is a function of its seed and of what was cut from it: no thread, no clock, no file. What it finds it prints as
//! one line that finds it again, made as small as it can be.

mod coverage;
mod invariants;
pub mod plans;
pub mod random;
pub mod reference;
mod shrink;
mod world;

pub use coverage::{Coverage, ENOUGH};
pub use shrink::shrink;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use world::World;

/// What is left out of a history.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cut {
    /// Steps of the plan, by their numbers.
    pub steps: BTreeSet<u64>,
    /// Moves of the storm, by their numbers.
    pub moves: BTreeSet<u64>,
}

/// What a history found.
#[derive(Debug, Clone)]
pub struct Finding {
    /// Its seed.
    pub seed: u64,
    /// What was left out.
    pub cut: Cut,
    /// What is wrong, in a sentence.
    pub message: String,
}

/// Runs the history of a seed to its end.
pub fn history(seed: u64) -> Result<Coverage, Finding> {
    history_without(seed, &Cut::default())
}

/// The same without some of its steps and moves.
pub fn history_without(seed: u64, cut: &Cut) -> Result<Coverage, Finding> {
    // A panic of the core is a finding like any other.
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let plan = plans::of_seed(seed, &cut.steps).map_err(|error| error.to_string())?;
        World::new(&plan, seed).live(cut)
    }));
    let message = match outcome {
        Ok(Ok(coverage)) => return Ok(coverage),
        Ok(Err(message)) => message,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            format!("panicked: {}", text.unwrap_or_default())
        }
    };
    Err(Finding { seed, cut: cut.clone(), message })
}

/// Runs `count` histories from a seed on, on all processors; the finding of the lowest seed is told.
pub fn histories(from: u64, count: u64) -> Result<Coverage, Finding> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let (next, end) = (AtomicU64::new(from), from.saturating_add(count));
    let found = AtomicBool::new(false);
    let work = || {
        let mut all = Coverage::default();
        while !found.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                break;
            }
            match history(seed) {
                Ok(coverage) => all.add(&coverage),
                Err(finding) => {
                    found.store(true, Ordering::Relaxed);
                    return Err(finding);
                }
            }
        }
        Ok(all)
    };
    let parts = std::thread::scope(|scope| {
        let running: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        // A worker catches what its histories panic with, so it ends itself.
        running.into_iter().filter_map(|worker| worker.join().ok()).collect::<Vec<_>>()
    });
    let mut all = Coverage::default();
    let mut first: Option<Finding> = None;
    for part in parts {
        match part {
            Ok(coverage) => all.add(&coverage),
            Err(finding) if first.as_ref().is_none_or(|first| finding.seed < first.seed) => {
                first = Some(finding)
            }
            Err(_) => {}
        }
    }
    first.map_or(Ok(all), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// INV-06: a seed is a history, also where it finds something.
    #[test]
    fn the_same_seed_is_the_same_history() {
        let told = |from: u64| -> Vec<_> {
            (from..from + 40).map(|seed| history(seed).map_err(|finding| finding.message)).collect()
        };
        let (first, second) = (told(7), told(7));
        assert_eq!(first, second);
        assert_ne!(first, told(8));
    }
}
