//! The end of a run as people read it: how it ended and what it cost, or what failed, its last words, why, and what next.

use crate::view::duration::{plural, short, size};
use crate::view::json::Sealed;
use crate::view::paint::Paint;
use crate::view::picture::{Picture, StepPicture};
use crate::view::safe::safe;
use crate::view::width::{clip, pack, wrap};
use dvt_model::id::RunId;
use dvt_model::run::{RunStatus, StepStatus};
use std::fmt::Write as _;

/// `COMPLETED in 6.2s · 0.8 CPU s · 41 MiB peak · 31 entries, sealed at index 30`, and the slowest step.
pub(crate) fn summary(picture: &Picture, sealed: Option<Sealed>, paint: Paint, width: usize) -> String {
    let status = picture.status.as_str();
    let mut pieces = vec![format!("{status} in {}", short(picture.duration_ms(crate::clock::now())))];
    if picture.usage.peak_memory_bytes > 0 {
        let cpu = picture.usage.cpu_ms;
        pieces.push(match cpu {
            0..100 => format!("{cpu} CPU ms"),
            _ => format!("{}.{} CPU s", cpu / 1_000, cpu % 1_000 / 100),
        });
        pieces.push(format!("{} peak", size(picture.usage.peak_memory_bytes)));
    }
    if let Some(sealed) = sealed {
        let entries = plural(sealed.entries, "entry", "entries");
        pieces.push(format!("{entries}, sealed at index {}", sealed.size.saturating_sub(1)));
    }
    let text = pack(&pieces, " · ", "", width);
    let painted = match picture.status {
        RunStatus::Completed => paint.green(status),
        RunStatus::Failed | RunStatus::Cancelled => paint.red(status),
        RunStatus::Pending | RunStatus::Running | RunStatus::Paused => status.to_owned(),
    };
    let mut out = format!("{painted}{}\n", text.strip_prefix(status).unwrap_or_default());
    let slowest = picture.slowest().filter(|(_, _, ms)| *ms > 0 && picture.steps.len() > 1);
    if let Some((id, step, ms)) = slowest.filter(|_| picture.status == RunStatus::Completed) {
        let attempts =
            if step.attempts > 1 { format!(" ({} attempts)", step.attempts) } else { String::new() };
        let _ = writeln!(
            out,
            "{}",
            clip(&format!("slowest: {} {}{attempts}", picture.shown(id), short(ms)), width)
        );
    }
    out
}

/// What failed, its last words, why DVT stopped there, what to do next.
pub(crate) fn failure(
    picture: &Picture,
    run: RunId,
    last_lines: &[String],
    paint: Paint,
    width: usize,
) -> String {
    let Some((id, step)) = picture.failed_part() else { return unnamed(picture, run, paint, width) };
    let code = code_of(step);
    let mut out = head(&code, &format!("step {}: {}", picture.shown(id), what(step)), paint, width);
    // Two columns, the bar and a blank stand before each line.
    let room = width.saturating_sub(4);
    for line in last_lines {
        let _ = writeln!(out, "  {} {}", paint.faint("│"), clip(&safe(line), room));
    }
    if last_lines.is_empty() && step.is_program {
        let _ = writeln!(out, "  {} it printed nothing", paint.faint("│"));
    }
    out.push_str(&note("why:", &wrap(&why(picture, step), "", width.saturating_sub(NOTE))));
    let logs = step.is_program.then(|| format!("dvt runs logs {} --step {id}", brief(run)));
    let commands: Vec<String> = logs.into_iter().chain([format!("dvt explain {code}")]).collect();
    out.push_str(&note("next:", &pack(&commands, "   ", "", width.saturating_sub(NOTE))));
    out.push_str(&note("", &pack(&again(picture, run), "   ", "", width.saturating_sub(NOTE))));
    out
}

/// `dvt runs retry run_7c1e… -m "…"   reuses 4 of 6 steps`.
fn again(picture: &Picture, run: RunId) -> [String; 2] {
    // What was undone is done again, and the tenant asks for its approval again.
    let is_kept = |(id, step): &(&String, &StepPicture)| {
        let is_done = step.status == StepStatus::Success && !step.is_finally && !id.contains('.');
        is_done && picture.undone_of(id).next().is_none()
    };
    let reused = match picture.steps.iter().filter(is_kept).count() {
        0 => "begins anew".to_owned(),
        done => format!("reuses {done} of {} steps", picture.steps.len()),
    };
    let word = if picture.host_allowed { " --allow-host" } else { "" };
    [format!("dvt runs retry {} -m \"…\"{word}", brief(run)), reused]
}

/// Columns before the text of a note.
const NOTE: usize = 10;

/// `  = why:  …`; further lines stand under the first.
fn note(label: &str, text: &str) -> String {
    let start = if label.is_empty() { "         ".to_owned() } else { format!("  = {label:<5}") };
    format!("{start} {}\n", text.replace('\n', "\n          "))
}

/// A run that failed as a whole: its time was over, or an expression of its outputs failed.
fn unnamed(picture: &Picture, run: RunId, paint: Paint, width: usize) -> String {
    let (code, message) = match &picture.failure {
        Some(failure) => (failure.error_code.to_string(), failure.error_message.clone()),
        None => ("INTERNAL".to_owned(), "the run failed without naming a step".to_owned()),
    };
    let mut out = head(&code, &message, paint, width);
    let commands = [format!("dvt runs get {}", brief(run)), format!("dvt explain {code}")];
    out.push_str(&note("next:", &pack(&commands, "   ", "", width.saturating_sub(NOTE))));
    out.push_str(&note("", &pack(&again(picture, run), "   ", "", width.saturating_sub(NOTE))));
    out
}

fn head(code: &str, message: &str, paint: Paint, width: usize) -> String {
    let start = format!("failed[{code}]");
    let text = wrap(&format!("{start}: {}", safe(message)), "  ", width);
    format!("{}{}\n", paint.red(&start), text.strip_prefix(&start).unwrap_or_default())
}

fn code_of(step: &StepPicture) -> String {
    step.failure.as_ref().map_or_else(|| "STEP_ERROR".to_owned(), |failure| failure.error_code.to_string())
}

fn what(step: &StepPicture) -> String {
    let message = step.failure.as_ref().map_or("it failed", |failure| failure.error_message.as_str());
    format!("{message} ({})", plural(u64::from(step.attempts), "attempt", "attempts"))
}

/// The first digits of an id, which name the run wherever an id does.
pub(crate) fn brief(run: RunId) -> String {
    run.to_string().chars().take(RunId::PREFIX.len() + 8).collect()
}

/// The command that goes on with a run on which no engine works, with the word that its programs need again.
pub(crate) fn resume(run: RunId, host_allowed: bool) -> String {
    let word = if host_allowed { " --allow-host" } else { "" };
    format!("dvt runs resume {}{word}", brief(run))
}

fn why(picture: &Picture, step: &StepPicture) -> String {
    let retries = match (step.attempts, step.most_attempts) {
        (_, 1) => "the step has no `retry`".to_owned(),
        (attempts, most) if attempts >= most => format!("all {most} attempts are used"),
        _ => "its `retry.on` does not name this kind of failure".to_owned(),
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
pub(crate) fn failure_line(picture: &Picture, run: RunId, paint: Paint, width: usize) -> String {
    match picture.failed_part() {
        Some((id, step)) => {
            head(&code_of(step), &format!("step {}: {}", picture.shown(id), what(step)), paint, width)
        }
        None => unnamed(picture, run, paint, width),
    }
}

/// The commands that fit next.
pub(crate) fn next(picture: &Picture, width: usize) -> String {
    let mut commands = vec!["dvt runs get @latest".to_owned()];
    let base = |id: &str| id.split('.').next().unwrap_or(id).to_owned();
    commands.extend(picture.slowest().map(|(id, _, _)| format!("dvt runs logs @latest --step {}", base(id))));
    commands.push("dvt audit verify".to_owned());
    pack(&commands, "   ", "", width)
}

/// The first line of a followed run: name, run, bounds. Where the whole id has no room its first digits stand for it.
pub(crate) fn header(name: &str, run: RunId, bounds: &str, width: usize) -> String {
    let whole = format!("{name}  {run}  {bounds}");
    if crate::view::width::columns(&whole) <= width {
        return whole;
    }
    clip(&format!("{name}  {}…  {bounds}", brief(run)), width)
}
