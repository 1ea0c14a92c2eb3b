//! A step that somebody named, of a run that may not have it.

use crate::problem::{Problem, spelling};
use crate::view::picture::Picture;
use crate::view::safe::safe;
use dvt_model::code::Code;
use dvt_plan::plan::Plan;

/// A step, or `transform.2`, `transform[apac]` and `load.compensate`, which may begin later. Once a step's items are known, so is which of
/// them there are.
pub(super) fn is_of(plan: &Plan, picture: &Picture, wanted: &str) -> bool {
    let wanted = &*picture.meant(wanted);
    let base = wanted.split(['.', '[']).next().unwrap_or_default();
    let Some((_, step)) = plan.steps.iter().find(|(id, _)| id.as_str() == base) else { return false };
    let Some(rest) = wanted.get(base.len()..).filter(|rest| !rest.is_empty()) else { return true };
    if picture.step(wanted).is_some() {
        return true;
    }
    let (item, undoes) = match rest.strip_suffix(".compensate") {
        Some(item) => (item, true),
        None => (rest, false),
    };
    if undoes && step.compensate.is_none() {
        return false;
    }
    let look = picture.steps.get(base);
    let is_over = picture.status.is_terminal() || look.is_some_and(|look| look.is_over());
    match (item.strip_prefix('.'), look.and_then(|look| look.items)) {
        _ if item.is_empty() => true,
        _ if step.foreach.is_none() => false,
        (Some(number), Some((all, _))) => number.parse::<u64>().is_ok_and(|number| number < all),
        // Its name would have been found among those that are known.
        (None, Some(_)) => false,
        (_, None) => !is_over,
    }
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
