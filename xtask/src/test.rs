//! `cargo xtask test`: what a change must pass, in the order in which it fails cheapest.

use crate::process::{self, GATE, GATE_FEATURES, Outcome, cargo, known};
use crate::python;
use crate::stage::Stages;
use crate::{clippy, corpus, crash, determinism, examples, fuzz, invariants, sim, tamper, terminal, tidy};

/// Histories of one gate run; big counts belong to `soak`.
const GATE_HISTORIES: u64 = 1_000;
/// Random kills of one gate run, besides every commit site.
const GATE_KILLS: u64 = 20;
/// Power cuts of one gate run.
const GATE_POWER_CUTS: u64 = 1_000;
/// Power cuts under a working engine of one gate run.
const GATE_ENGINE_CUTS: u64 = 32;

/// The verb.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    known(arguments, &[])?;
    let mut stages = Stages::default();
    let outcome = all(&mut stages);
    stages.print();
    outcome
}

fn all(stages: &mut Stages) -> Outcome {
    stages.stage("format", clippy::format)?;
    stages.stage("tidy", || tidy::run(&[]))?;
    stages.stage("invariants", || invariants::run(&[]))?;
    stages.stage("build", || process::build_gate().map(drop))?;
    stages
        .stage("validator", || python::has("the schema for editors", "jsonschema", "jsonschema").map(drop))?;
    stages.stage("terminal", terminal::bring)?;
    stages.stage("tests", || {
        process::run(&mut cargo(&[
            "test",
            "--locked",
            "--profile",
            GATE,
            "--workspace",
            "--features",
            GATE_FEATURES,
            "--quiet",
            "--no-fail-fast",
        ]))
    })?;
    stages.stage("clippy", clippy::lints)?;
    stages.stage("sim", || sim::histories(0, GATE_HISTORIES))?;
    stages.stage("mutants", sim::mutants)?;
    stages.stage("determinism", || determinism::check(determinism::GATE_PERMUTATIONS, false))?;
    stages.stage("tamper", tamper::gate)?;
    stages.stage("examples", || examples::run(&[]))?;
    stages.stage("corpus", || corpus::run(&[]))?;
    stages.stage("fuzz", fuzz::slice)?;
    stages.stage("crash", || crash::kills(0, GATE_KILLS))?;
    stages.stage("take-over", || crash::take_overs(1))?;
    stages.stage("power cuts", || crash::power_cuts(GATE_POWER_CUTS))?;
    stages.stage("power cuts under an engine", || crash::engine_cuts(GATE_ENGINE_CUTS))
}
