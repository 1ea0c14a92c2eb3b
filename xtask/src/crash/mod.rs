//! `cargo xtask crash`: the engine is killed at every commit site and at random points, and power is cut below the database.
//!
//! Steps append `start|end step attempt token pid` to a witness file that no DVT process touches; a person at a second
//! terminal approves, signals, cancels and asks for attempts. After each kill and resume: what was acknowledged before the
//! kill has not run again, work given out again bears the same token, no two copies of it were ever alive at once, no run is
//! stuck (an accepted act is never brought again, so a lost one would show), and the ledger verifies.

mod person;
mod plans;
mod publish;
mod round;
mod take_over;
mod witness;

use crate::process::{self, Outcome, known, number};
use plans::{PLANS, Plan};
use round::{Kill, Round};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// Kills of `dvt plan publish` beside every so many others.
const KILLS_A_PUBLICATION: u64 = 8;

/// Kills at each commit site, then `random` more at random points, of which `from` is the first.
pub(crate) fn kills(from: u64, random: u64) -> Outcome {
    let dvt = process::build_gate()?.join("dvt");
    let sites = process::output(Command::new(&dvt).arg("__crash-sites"))?;
    let sites: Vec<&str> = sites.lines().collect();
    if sites.is_empty() {
        return Err(
            "`dvt __crash-sites` names no site; was it built with the feature `crash-points`?".to_owned()
        );
    }
    let first = PLANS.first().ok_or("the harness has no plan")?;
    let begun = Instant::now();
    let mut tally = Tally::default();
    for site in &sites {
        if !tally.play(&dvt, first, &Kill::AtSite((*site).to_owned()))? {
            return Err(format!("the site {site} was never reached"));
        }
    }
    let skipped = usize::try_from(from % PLANS.len() as u64).unwrap_or(0);
    for (number, plan) in (from..from + random).zip(PLANS.iter().cycle().skip(skipped)) {
        tally.play(
            &dvt,
            plan,
            &Kill::AfterEvents { events: 1 + number * 5 % 13, spin_ms: number * 7 % 60 },
        )?;
        if number.is_multiple_of(KILLS_A_PUBLICATION) {
            tally.publish(&dvt, first, number * 53 % 400)?;
        }
    }
    let noticed = Round::new(&dvt, first)?.play_with_a_store_put_back()?;
    println!("crash: control, a store put back to before its acknowledgements: {noticed}");
    tally.print();
    println!(
        "crash: {} kills of `dvt plan publish`, {} of which left the plan there; {} came too late",
        tally.publishing, tally.published, tally.came_late
    );
    println!(
        "crash: {} kills ({} sites, {random} random) over {} plans in {:.0} s: 0 lost, 0 doubled, 0 stuck; {} pieces of work given \
         out again with the same token; slowest resume to the end {} ms",
        tally.killed,
        sites.len(),
        tally.by_plan.len(),
        begun.elapsed().as_secs_f64(),
        tally.dispatched_again,
        tally.slowest_ms,
    );
    Ok(())
}

/// Engines that are stopped, taken over from, and continued.
pub(crate) fn take_overs(rounds: u64) -> Outcome {
    let dvt = process::build_gate()?.join("dvt");
    let (mut taken, mut again, mut slowest_ms) = (0, 0, 0);
    // Those that nobody has to act in.
    let alone = || PLANS.iter().filter(|plan| plan.acts.is_empty()).cycle();
    for (number, plan) in (0..rounds).zip(alone()) {
        // A run that was over too early is stopped earlier.
        for events in [2 + number % 4, 2, 1] {
            let shown = Round::new(&dvt, plan)?
                .play_a_take_over(events)
                .map_err(|fault| format!("plan {}, stopped after event {events}: {fault}", plan.name))?;
            if let Some(shown) = shown {
                taken += 1;
                again += shown.dispatched_again;
                slowest_ms = slowest_ms.max(shown.took_ms);
                break;
            }
        }
    }
    if taken != rounds {
        return Err(format!("only {taken} of {rounds} runs could be stopped before their end"));
    }
    println!(
        "crash: {taken} engines stopped, taken over from and continued: each was ended before another one worked; {again} pieces of \
         work given out again with the same token; slowest from the stop to the end {slowest_ms} ms"
    );
    Ok(())
}

/// What the rounds showed.
#[derive(Default)]
struct Tally {
    killed: u64,
    dispatched_again: u64,
    slowest_ms: u64,
    publishing: u64,
    published: u64,
    came_late: u64,
    /// Kills, and milliseconds of resuming to the end, of each plan.
    by_plan: BTreeMap<&'static str, (u64, u64)>,
}

impl Tally {
    /// Plays a round; whether its kill came before the end of the run.
    fn play(&mut self, dvt: &Path, plan: &'static Plan, kill: &Kill) -> Result<bool, String> {
        let shown = Round::new(dvt, plan)?
            .play(kill)
            .map_err(|fault| format!("plan {}, kill {kill}: {fault}", plan.name))?;
        self.killed += u64::from(shown.killed);
        self.dispatched_again += shown.dispatched_again;
        self.slowest_ms = self.slowest_ms.max(shown.recovery_ms);
        let (kills, recovery_ms) = self.by_plan.entry(plan.name).or_default();
        *kills += u64::from(shown.killed);
        *recovery_ms += shown.recovery_ms;
        Ok(shown.killed)
    }

    fn publish(&mut self, dvt: &Path, plan: &'static Plan, after_ms: u64) -> Result<(), String> {
        let shown = Round::new(dvt, plan)?
            .play_a_publication(after_ms)
            .map_err(|fault| format!("`dvt plan publish`, killed after {after_ms} ms: {fault}"))?;
        self.publishing += u64::from(shown.killed);
        self.published += u64::from(shown.killed && shown.was_there);
        self.came_late += u64::from(!shown.killed);
        Ok(())
    }

    fn print(&self) {
        for (plan, (kills, recovery_ms)) in &self.by_plan {
            let mean = recovery_ms / (*kills).max(1);
            println!("crash: {plan:<14} {kills:>4} kills, {mean:>5} ms from resume to the end");
        }
    }
}

/// Power cuts on the file system of testkit, and the same with each sync removed in turn.
pub(crate) fn power_cuts(count: u64) -> Outcome {
    cuts(1, count)?;
    process::run(Command::new(process::build_gate()?.join("power_cut")).args(["--cuts", "0", "--controls"]))
}

/// So many power cuts from a seed.
pub(crate) fn cuts(seed: u64, count: u64) -> Outcome {
    let program = process::build_gate()?.join("power_cut");
    process::run(Command::new(program).args(["--cuts", &count.to_string(), "--seed", &seed.to_string()]))
}

/// Power cuts under a working engine, and the same with each sync removed in turn.
pub(crate) fn engine_cuts(count: u64) -> Outcome {
    cut_runs(1, count, &["--controls"])
}

/// So many of them from a seed, without the controls.
pub(crate) fn more_engine_cuts(seed: u64, count: u64) -> Outcome {
    cut_runs(seed, count, &[])
}

fn cut_runs(seed: u64, count: u64, more: &[&str]) -> Outcome {
    let mut program = Command::new(process::build_gate()?.join("power_cut"));
    process::run(program.args(["--runs", &count.to_string(), "--seed", &seed.to_string()]).args(more))
}

/// The verb.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    known(arguments, &["--kills", "--power-cut", "--engine-cut", "--take-over", "--from"])?;
    let all = arguments.is_empty();
    if all || process::flag(arguments, "--kills") {
        kills(number(arguments, "--from", 0)?, number(arguments, "--kills", 20)?)?;
    }
    if all || process::flag(arguments, "--take-over") {
        take_overs(number(arguments, "--take-over", 1)?)?;
    }
    if all || process::flag(arguments, "--power-cut") {
        power_cuts(number(arguments, "--power-cut", 100)?)?;
    }
    if all || process::flag(arguments, "--engine-cut") {
        engine_cuts(number(arguments, "--engine-cut", 40)?)?;
    }
    Ok(())
}
