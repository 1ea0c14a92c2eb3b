//! Rehearsals: a plan played against stubbed ends of its steps, by the same core that runs it, on a clock that is a number.
//!
//! It owns the stand-in for engine, worker and people, and the comparison with what a test expects. It has no world of its
//! own: no file, no clock, no thread; a case is a function of plan and test file, and takes milliseconds. A step without a
//! stub succeeds with null at once: a test names what matters to it.

mod compare;
mod difference;
mod played;
mod stage;

pub use played::{Played, Step};

use dvt_plan::diagnostic::Diagnostic;
use dvt_plan::plan::Plan;
use dvt_plan::test_file::Case;

/// How a case ended.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The run that was played; none where it could not begin.
    pub played: Option<Played>,
    /// Everything in which it differs from what was expected; none is a passed test.
    pub differences: Vec<Diagnostic>,
}

/// Plays a case and compares.
pub fn rehearse(plan: &Plan, case: &Case) -> Outcome {
    match stage::play(plan, case) {
        Ok((played, mut differences)) => {
            differences.extend(compare::all(plan, case, &played));
            Outcome { played: Some(played), differences }
        }
        Err(difference) => Outcome { played: None, differences: vec![*difference] },
    }
}
