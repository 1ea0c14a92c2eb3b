//! Stages of a long verb: each one's name and time, and a table of them at the end.

use crate::process::Outcome;
use std::time::{Duration, Instant};

/// The stages so far.
#[derive(Default)]
pub(crate) struct Stages {
    done: Vec<(String, Duration)>,
}

impl Stages {
    /// Runs one stage; its time counts also where it fails.
    pub(crate) fn stage(&mut self, name: &str, work: impl FnOnce() -> Outcome) -> Outcome {
        eprintln!("── {name}");
        let begun = Instant::now();
        let outcome = work();
        let took = begun.elapsed();
        eprintln!("── {name}: {:.1} s", took.as_secs_f64());
        self.done.push((name.to_owned(), took));
        outcome.map_err(|message| format!("stage `{name}`: {message}"))
    }

    /// Prints the table.
    pub(crate) fn print(&self) {
        println!("\nstage                          seconds");
        for (name, took) in &self.done {
            println!("{name:<30} {:>7.1}", took.as_secs_f64());
        }
        let total: Duration = self.done.iter().map(|(_, took)| *took).sum();
        println!("{:<30} {:>7.1}", "all", total.as_secs_f64());
    }
}
