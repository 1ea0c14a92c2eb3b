//! The owner's word: program steps run as the OS user, without a wall, only where the owner said so.
//!
//! INVARIANT(INV-30): nothing falls back to the host tier. Without the word the run is refused before it is queued, and the
//! refusal names the two ways to give it and their price.

use crate::problem::Problem;
use crate::profile::file::{Profile, ProgramSteps};
use crate::profile::folder::shown;
use dvt_model::code::Code;
use dvt_plan::plan::{Form, Plan};
use std::path::Path;

/// Whether the plan starts programs.
pub(crate) fn needs_word(plan: &Plan) -> bool {
    plan.steps.values().any(|step| {
        let undo = step.compensate.as_ref().is_some_and(|undo| undo.form.is_program());
        let child = match &step.form {
            Form::Plan(sub_plan) => sub_plan.child.as_ref().is_some_and(|child| needs_word(child)),
            _ => false,
        };
        undo || child || step.form.is_program()
    })
}

/// Whether the owner gave the word, on this command line or in the profile.
pub(crate) fn has_word(allow_host: bool, profile: Option<&Profile>) -> bool {
    allow_host || profile.is_some_and(|profile| profile.program_steps == Some(ProgramSteps::Host))
}

/// The line under the bounds.
pub(crate) fn walls(needs_word: bool, host_allowed: bool) -> &'static str {
    match (needs_word, host_allowed) {
        (false, _) => "walls: none needed (no program steps)",
        (true, true) => "walls: none (host: programs run as you, by your word)",
        (true, false) => "walls: none can be built yet, and the host tier was not allowed",
    }
}

/// The refusal.
pub(crate) fn refusal(profile: &Path, command: &str) -> Problem {
    Problem::new(Code::SandboxUnavailable, "this plan starts programs, and no wall can be built for them yet")
        .why("without a wall a step can read and change everything that you can, your other runs' files included")
        .fix(format!(
            "{command} … --allow-host          for this run\nprogramSteps = \"host\"    in {}, for every plan that you run",
            shown(profile)
        ))
}
