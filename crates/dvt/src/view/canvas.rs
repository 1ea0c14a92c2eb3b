//! How a run is drawn, and the words that lines of steps and of items have in common.

use crate::view::duration::short;
use crate::view::paint::Paint;
use crate::view::picture::StepPicture;
use dvt_model::failure::Failure;
use dvt_model::time::Timestamp;

/// How it is drawn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Canvas {
    pub(crate) now: Timestamp,
    pub(crate) width: usize,
    pub(crate) paint: Paint,
    /// Turns the spinner.
    pub(crate) frame: usize,
    /// The name that this view shows a retry's moment by: seconds from now while it is live, the moment otherwise.
    pub(crate) live: bool,
}

/// `again in 4.0s (exit 75)`, where a next attempt is due.
pub(crate) fn again(step: &StepPicture, canvas: Canvas) -> Option<String> {
    let at = step.retry_at?;
    let why = step.failure.as_ref().map_or_else(String::new, |failure| format!(" ({})", brief(failure)));
    Some(format!("again {}{why}", moment(at, canvas)))
}

/// A failure in a word: `exit 75`.
pub(crate) fn brief(failure: &Failure) -> String {
    match failure.exit_status {
        Some(status) => format!("exit {status}"),
        None => failure.error_code.to_string(),
    }
}

fn moment(at: Timestamp, canvas: Canvas) -> String {
    if canvas.live {
        return format!("in {}", short(at.ms_since(canvas.now)));
    }
    format!("at {}", clock(at))
}

/// `09:00:12 UTC`.
pub(crate) fn clock(at: Timestamp) -> String {
    let text = at.to_string();
    format!("{} UTC", text.get(11..19).unwrap_or(&text))
}
