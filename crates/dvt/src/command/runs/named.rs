//! A step that somebody named, of a run that may not have it.

use crate::problem::{Problem, spelling};
use crate::view::picture::Picture;
use crate::view::safe::safe;
use dvt_model::code::Code;
use dvt_plan::plan::Plan;

/// A step, or `transform.2`, `transform[apac]` and `load.compensate`, which may begin later.
pub(super) fn is_of(plan: &Plan, wanted: &str) -> bool {
    let base = wanted.split(['.', '[']).next();
    base.is_some_and(|base| plan.steps.keys().any(|id| id.as_str() == base))
}

/// A step that the run does not have; the nearest names, each behind `flag`.
pub(super) fn no_step(picture: &Picture, wanted: &str, flag: &str) -> Problem {
    /// More than these are no help.
    const MOST: usize = 20;
    let near = spelling::nearest(wanted, picture.order.iter().map(String::as_str)).join(", ");
    let problem = Problem::new(Code::InvalidRequest, format!("the run has no step `{}`", safe(wanted)));
    if !near.is_empty() {
        return problem.fix(format!("{flag}{near}"));
    }
    let some: Vec<&str> = picture.order.iter().take(MOST).map(String::as_str).collect();
    let rest = picture.order.len().saturating_sub(MOST);
    let more = if rest == 0 { String::new() } else { format!(" and {rest} more") };
    problem.fix(format!("one of: {}{more}", some.join(", ")))
}
