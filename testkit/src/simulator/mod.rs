//! The simulator: random plans under random schedules and faults, the core beside a naive reference, from one seed.
//!
//! A history is a function of its seed alone: no thread, no clock, no file. What it finds it prints as one line that finds
//! it again.

mod counts;
mod invariants;
pub mod plans;
pub mod random;
pub mod reference;
mod world;

pub use counts::Counts;

use random::Random;
use std::panic::{AssertUnwindSafe, catch_unwind};
use world::World;

/// What a history found.
#[derive(Debug, Clone)]
pub struct Finding {
    /// Its seed.
    pub seed: u64,
    /// What is wrong, in a sentence.
    pub message: String,
}

/// Runs the history of a seed to its end.
pub fn history(seed: u64) -> Result<Counts, Finding> {
    // A panic of the core is a finding like any other.
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let mut random = Random::from_seed(seed);
        let plan = plans::random(&mut random).map_err(|error| error.to_string())?;
        World::new(&plan, random).live()
    }));
    let message = match outcome {
        Ok(Ok(counts)) => return Ok(counts),
        Ok(Err(message)) => message,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            format!("panicked: {}", text.unwrap_or_default())
        }
    };
    Err(Finding { seed, message })
}

/// Runs `count` histories from a seed on; the first finding ends them.
pub fn histories(from: u64, count: u64) -> Result<Counts, Finding> {
    let mut all = Counts::default();
    for seed in from..from.saturating_add(count) {
        all.add(&history(seed)?);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// INV-06: a seed is a history.
    #[test]
    fn the_same_seed_is_the_same_history() {
        let (first, second) = (histories(7, 60), histories(7, 60));
        assert_eq!(
            first.as_ref().map_err(|finding| finding.message.as_str()),
            second.as_ref().map_err(|_| "")
        );
        assert_ne!(
            first.map_err(|finding| finding.message),
            histories(8, 60).map_err(|finding| finding.message)
        );
    }

    #[test]
    fn a_thousand_histories_meet_every_case() {
        let counts = histories(0, 1_000)
            .unwrap_or_else(|finding| panic!("seed {}: {}", finding.seed, finding.message));
        assert_eq!(counts.missing(), Vec::<&str>::new());
        // The rule can fail: what was never met is missed.
        let nothing = Counts { histories: 1_000, ..Counts::default() };
        assert!(nothing.missing().len() > 10);
    }
}
