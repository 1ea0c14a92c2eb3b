//! The items of a `foreach` and what is undone of a step, as far as a line has room for them.
//!
//! Few items are all told, in their order; of many those that have not ended well, for these are what somebody looks for.

use crate::view::canvas::{Canvas, again, brief};
use crate::view::duration::short;
use crate::view::picture::{Picture, StepPicture};
use dvt_model::run::StepStatus;

/// So many items are all told.
const FEW: u64 = 8;
/// Of more than that, so many.
const MOST: usize = 4;

/// `2/3 items`, and while they run `eu ✓ 1.1s · us ✓ 0.9s · apac attempt 2, again in 4.0s (exit 75)`.
pub(crate) fn told(picture: &Picture, id: &str, step: &StepPicture, canvas: Canvas) -> Vec<String> {
    let Some((all, done)) = step.items else { return Vec::new() };
    let mut parts = vec![format!("{done}/{all} items")];
    if step.status != StepStatus::Success {
        let is_told = |item: &StepPicture| match step.status {
            StepStatus::Failed => item.status == StepStatus::Failed,
            _ => all <= FEW || item.status != StepStatus::Success,
        };
        let told = picture.items_of(id).filter(|(_, item)| is_told(item));
        let mut told: Vec<_> = told.take(if all <= FEW { usize::MAX } else { MOST }).collect();
        told.sort_by_key(|(id, _)| id.split('.').nth(1).and_then(|index| index.parse::<u64>().ok()));
        let told: Vec<String> =
            told.into_iter().map(|(id, item)| one(&picture.item_name(id), item, canvas)).collect();
        parts.extend((!told.is_empty()).then(|| told.join(" · ")));
    }
    parts
}

fn one(name: &str, item: &StepPicture, canvas: Canvas) -> String {
    let took = || item.elapsed_ms(canvas.now).map(short).unwrap_or_default();
    match item.status {
        StepStatus::Success => format!("{name} ✓ {}", took()),
        StepStatus::Failed => {
            let why = item.failure.as_ref().map(brief).unwrap_or_default();
            format!("{name} ✗ {why}").trim_end().to_owned()
        }
        StepStatus::Skipped => format!("{name} left out"),
        StepStatus::Running if item.attempts > 1 => format!("{name} attempt {}, {}", item.attempts, took()),
        StepStatus::Running => format!("{name} {}", took()),
        StepStatus::Pending => match again(item, canvas) {
            Some(again) => format!("{name} attempt {}, {again}", item.attempts + 1),
            None => format!("{name} waits"),
        },
    }
}

/// `undone`, `being undone`, `2 of 3 undone`, `not undone (exit 4)`; nothing where nothing was to be.
pub(crate) fn undone(picture: &Picture, id: &str) -> Option<String> {
    let (mut all, mut done, mut failed) = (0u64, 0u64, None);
    for (_, undo) in picture.undone_of(id) {
        all += 1;
        match undo.status {
            StepStatus::Success => done += 1,
            StepStatus::Failed => failed = failed.or(Some(undo)),
            StepStatus::Pending | StepStatus::Running | StepStatus::Skipped => {}
        }
    }
    if let Some(undo) = failed {
        let why = undo.failure.as_ref().map(brief).unwrap_or_default();
        return Some(format!("not undone ({why})"));
    }
    match (all, done) {
        (0, _) => None,
        (1, 0) => Some("being undone".to_owned()),
        (all, done) if all == done => Some("undone".to_owned()),
        (all, done) => Some(format!("{done} of {all} undone")),
    }
}
