//! The end of a run as people read it: how it ended and what it cost, or what failed, its last words, why, and what next.

use crate::view::duration::{plural, short, size};
use crate::view::json::Sealed;
use crate::view::paint::Paint;
use crate::view::picture::Picture;
use crate::view::safe::safe;
use dvt_model::id::RunId;
use dvt_model::run::{RunStatus, StepStatus};
use std::fmt::Write as _;

/// `COMPLETED in 6.2s · 0.8 CPU s · 41 MiB peak · 31 entries, sealed at index 30`, and the slowest step.
pub(crate) fn summary(picture: &Picture, sealed: Option<Sealed>, paint: Paint) -> String {
    let status = picture.status.as_str();
    let status = match picture.status {
        RunStatus::Completed => paint.green(status),
        RunStatus::Failed | RunStatus::Cancelled => paint.red(status),
        RunStatus::Pending | RunStatus::Running | RunStatus::Paused => status.to_owned(),
    };
    let mut out = format!("{status} in {}", short(picture.duration_ms(crate::clock::now())));
    if picture.usage.peak_memory_bytes > 0 {
        let cpu = format!("{}.{}", picture.usage.cpu_ms / 1_000, picture.usage.cpu_ms % 1_000 / 100);
        let _ = write!(out, " · {cpu} CPU s · {} peak", size(picture.usage.peak_memory_bytes));
    }
    if let Some(sealed) = sealed {
        let entries = plural(sealed.entries, "entry", "entries");
        let _ = write!(out, " · {entries}, sealed at index {}", sealed.size.saturating_sub(1));
    }
    out.push('\n');
    if let Some((id, step, ms)) = picture.slowest().filter(|(_, _, ms)| *ms > 0 && picture.steps.len() > 1) {
        let attempts =
            if step.attempts > 1 { format!(" ({} attempts)", step.attempts) } else { String::new() };
        let _ = writeln!(out, "slowest: {id} {}{attempts}", short(ms));
    }
    out
}

/// What failed, its last words, why DVT stopped there, what to do next.
pub(crate) fn failure(picture: &Picture, run: RunId, last_lines: &[String], paint: Paint) -> String {
    let mut out = String::new();
    let Some((id, step)) = picture.culprit() else {
        let (code, message) = match &picture.failure {
            Some(failure) => (failure.error_code.to_string(), failure.error_message.clone()),
            None => ("INTERNAL".to_owned(), "the run failed without naming a step".to_owned()),
        };
        let _ = writeln!(out, "{}: {}", paint.red(&format!("failed[{code}]")), safe(&message));
        let _ = writeln!(out, "  = next: dvt runs get {run}   dvt explain {code}");
        return out;
    };
    let code = step
        .failure
        .as_ref()
        .map_or_else(|| "STEP_ERROR".to_owned(), |failure| failure.error_code.to_string());
    let message = step.failure.as_ref().map_or("it failed", |failure| failure.error_message.as_str());
    let attempts = plural(u64::from(step.attempts), "attempt", "attempts");
    let _ =
        writeln!(out, "{}: step {id}: {} ({attempts})", paint.red(&format!("failed[{code}]")), safe(message));
    for line in last_lines {
        let _ = writeln!(out, "  {} {}", paint.faint("│"), safe(line));
    }
    if last_lines.is_empty() {
        let _ = writeln!(out, "  {} it printed nothing", paint.faint("│"));
    }
    let _ = writeln!(out, "  = why:  {}", why(picture, step.attempts, step.most_attempts, &code));
    let _ = writeln!(out, "  = next: dvt runs logs {run} --step {id}   dvt explain {code}");
    out
}

fn why(picture: &Picture, attempts: u32, most: u32, code: &str) -> String {
    let retries = match (attempts, most) {
        (_, 1) => "the step has no `retry`".to_owned(),
        (attempts, most) if attempts >= most => format!("all {most} attempts are used"),
        _ => format!("its `retry.on` does not name {code}"),
    };
    let idle = picture.steps.values().filter(|step| step.status == StepStatus::Pending).count();
    let done = picture.steps.values().filter(|step| step.status == StepStatus::Success).count();
    let never = if idle > 0 { format!(", {idle} not started") } else { String::new() };
    format!(
        "{retries}, and after a failed step nothing new starts: {done} of {} steps completed{never}",
        picture.steps.len()
    )
}

/// What failed, in one line, where the rest is shown elsewhere.
pub(crate) fn failure_line(picture: &Picture, run: RunId, paint: Paint) -> String {
    let full = failure(picture, run, &[], paint);
    full.lines().next().map(|line| format!("{line}\n")).unwrap_or_default()
}

/// The commands that fit next.
pub(crate) fn next(picture: &Picture) -> String {
    let step = picture.slowest().map(|(id, _, _)| format!(" --step {id}")).unwrap_or_default();
    format!("dvt runs get @latest   dvt runs logs @latest{step}   dvt audit verify")
}
