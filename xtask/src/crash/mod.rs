//! `cargo xtask crash`: the engine is killed at every commit site and at random points, and power is cut below the database.
//!
//! Steps append `start|end step token pid` to a witness file that no DVT process touches. After each kill and resume:
//! what was acknowledged before the kill has not run again, a step given out again bears the same token, no two copies of a
//! step were ever alive at once, no run is stuck, and the ledger verifies.

mod round;
mod witness;

use crate::process::{self, Outcome, known, number};
use round::{Kill, Round};
use std::process::Command;
use std::time::Instant;

/// Kills at each commit site, then `random` more at random points.
pub(crate) fn kills(random: u64) -> Outcome {
    let folder = process::build_gate()?;
    let dvt = folder.join("dvt");
    let sites = process::output(Command::new(&dvt).arg("__crash-sites"))?;
    let sites: Vec<&str> = sites.lines().collect();
    if sites.is_empty() {
        return Err(
            "`dvt __crash-sites` names no site; was it built with the feature `crash-points`?".to_owned()
        );
    }
    let begun = Instant::now();
    let (mut killed, mut dispatched_again, mut slowest_ms) = (0u64, 0u64, 0u64);
    let at_sites = sites.iter().map(|site| Kill::AtSite((*site).to_owned()));
    let at_random =
        (0..random).map(|number| Kill::AfterEvents { events: 1 + number % 12, spin_ms: number * 7 % 60 });
    for kill in at_sites.chain(at_random) {
        let name = kill.to_string();
        let result = Round::new(&dvt)?.play(&kill).map_err(|fault| format!("kill {name}: {fault}"))?;
        if !result.killed && matches!(kill, Kill::AtSite(_)) {
            return Err(format!("the site {name} was never reached"));
        }
        killed += u64::from(result.killed);
        dispatched_again += result.dispatched_again;
        slowest_ms = slowest_ms.max(result.recovery_ms);
    }
    let noticed = Round::new(&dvt)?.play_with_a_store_put_back()?;
    println!("crash: control, a store put back to before its acknowledgements: {noticed}");
    println!(
        "crash: {killed} kills ({} sites, {random} random) in {:.0} s: 0 lost, 0 doubled, 0 stuck; {dispatched_again} steps given \
         out again with the same token; slowest resume to the end {slowest_ms} ms",
        sites.len(),
        begun.elapsed().as_secs_f64()
    );
    Ok(())
}

/// Power cuts on the file system of testkit, and the same with each sync removed in turn.
pub(crate) fn power_cuts(cuts: u64) -> Outcome {
    let program = process::build_gate()?.join("power_cut");
    process::run(Command::new(&program).args(["--cuts", &cuts.to_string()]))?;
    process::run(Command::new(&program).arg("--controls"))
}

/// The verb.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    known(arguments, &["--kills", "--power-cut"])?;
    let all = arguments.is_empty();
    if all || process::flag(arguments, "--kills") {
        kills(number(arguments, "--kills", 20)?)?;
    }
    if all || process::flag(arguments, "--power-cut") {
        power_cuts(number(arguments, "--power-cut", 100)?)?;
    }
    Ok(())
}
