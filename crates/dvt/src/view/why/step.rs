//! One step, item or compensation: what it is, and why.

use super::{Case, Reason, no_engine, paused, queued};
use crate::view::duration::{bound, plural, short};
use crate::view::end::brief;
use crate::view::picture::StepPicture;
use dvt_core::MAX_DISPATCHES;
use dvt_model::code::Code;
use dvt_model::failure::Failure;
use dvt_model::run::{RunStatus, StepStatus};
use dvt_model::time::Timestamp;
use dvt_plan::plan::{Backoff, Form, Retry, RetryOn, Step};

/// The reason.
pub(super) fn reason(case: &Case<'_>, id: &str, look: &StepPicture) -> Reason {
    match look.status {
        StepStatus::Success => completed(case, id, look),
        StepStatus::Failed => failed(case, id, look),
        StepStatus::Skipped => skipped(case, id, look),
        StepStatus::Running => running(case, id, look),
        StepStatus::Pending => pending(case, id, look),
    }
}

/// What the plan says of it; a compensation has a definition of its own.
fn defined<'a>(case: &Case<'a>, id: &str) -> Option<&'a Step> {
    let base = id.split('.').next()?;
    let step = case.plan.steps.iter().find(|(known, _)| known.as_str() == base).map(|(_, step)| step)?;
    if id.ends_with(".compensate") { step.compensate.as_deref() } else { Some(step) }
}

fn completed(case: &Case<'_>, id: &str, look: &StepPicture) -> Reason {
    let shown = case.picture.shown(id);
    let text = match look.first_started_at {
        Some(_) => {
            let took = short(look.elapsed_ms(case.now).unwrap_or(0));
            format!(
                "{shown} completed in {took} ({})",
                plural(u64::from(look.attempts), "attempt", "attempts")
            )
        }
        None => format!("{shown} was taken over from the run before"),
    };
    Reason::new(Some(id), "COMPLETED", text)
}

fn failed(case: &Case<'_>, id: &str, look: &StepPicture) -> Reason {
    let what = look.failure.as_ref().map_or_else(|| "it failed".to_owned(), describe);
    let most = look.most_attempts;
    let retry = defined(case, id).map(|step| &step.retry);
    let is_ended = look.failure.as_ref().is_some_and(|failure| failure.error_code == Code::Cancelled);
    let why = match retry {
        _ if is_ended => "it was ended with its run".to_owned(),
        Some(retry) if retry.max == 0 => "the step has no `retry`".to_owned(),
        Some(_) if look.attempts >= most => format!("all {most} attempts are used"),
        // Another failure, or a cancel, was quicker than its next attempt.
        Some(_) if was_ending(case, id) => {
            "the run was on its way to its end, so it was not tried again".to_owned()
        }
        Some(retry) => format!("`retry.on` names {} only", names(&retry.on)),
        None => format!("attempt {} of {most}", look.attempts),
    };
    let (name, shown) = (brief(case.run), case.picture.shown(id));
    // What ended its worker again and again is given to no other one but by somebody's word. A step for which no worker could be
    // started fails with the same code, and says so.
    let is_lost = look.failure.as_ref().is_some_and(|failure| failure.error_code == Code::WorkerLost);
    if is_lost && look.dispatches >= MAX_DISPATCHES {
        let times = plural(u64::from(look.dispatches), "time", "times");
        let text = format!(
            "{shown} is parked: its worker was lost {times} while it ran, so it is given to no other one by itself"
        );
        return Reason::new(Some(id), "PARKED", text)
            .next(format!("dvt runs logs {name} --step {}", id.split('.').next().unwrap_or(id)));
    }
    Reason::new(Some(id), "FAILED", format!("{shown} failed: {what}; {why}"))
        .next(format!("dvt runs logs {name} --step {}", id.split('.').next().unwrap_or(id)))
}

/// Whether the run was, or is, on its way to its end for another reason than this step.
fn was_ending(case: &Case<'_>, id: &str) -> bool {
    let picture = case.picture;
    let base = id.split('.').next().unwrap_or(id);
    let by_other = picture.failed_step.as_deref().is_some_and(|step| step.split('.').next() != Some(base));
    by_other || (picture.failed_step.is_none() && (picture.ending.is_some() || picture.status.is_terminal()))
}

fn names(on: &[RetryOn]) -> String {
    let words = on.iter().map(|on| match on {
        RetryOn::Failure => "failures".to_owned(),
        RetryOn::Timeout => "timeouts".to_owned(),
        RetryOn::Transient => "transient failures".to_owned(),
        RetryOn::Exit(codes) => {
            let codes: Vec<String> = codes.iter().map(ToString::to_string).collect();
            format!("exit {}", codes.join(", "))
        }
    });
    words.collect::<Vec<_>>().join(", ")
}

fn describe(failure: &Failure) -> String {
    match failure.exit_status {
        Some(status) => format!("exit {status}"),
        None => format!("{} ({})", failure.error_message, failure.error_code),
    }
}

fn skipped(case: &Case<'_>, id: &str, look: &StepPicture) -> Reason {
    let condition = defined(case, id).and_then(|step| step.condition.as_ref());
    let (word, why) = match look.skipped.as_deref() {
        Some("CONDITION_FALSE") => {
            let source =
                condition.map_or_else(String::new, |condition| format!(" `{}`", condition.source().trim()));
            ("CONDITION_FALSE", format!("its condition{source} was false"))
        }
        Some("DEPENDENCY_SKIPPED") => {
            ("NEED_SKIPPED", format!("{} was left out", needs(case, look, StepStatus::Skipped)))
        }
        Some("DEPENDENCY_FAILED") => {
            ("NEED_FAILED", format!("{} failed", needs(case, look, StepStatus::Failed)))
        }
        Some("OPERATOR_SKIP") => ("OPERATOR_SKIP", "an operator skipped it".to_owned()),
        Some(_) | None => ("SKIPPED", "it was skipped".to_owned()),
    };
    let reason = Reason::new(Some(id), word, format!("{} was left out: {why}", case.picture.shown(id)));
    match word {
        "OPERATOR_SKIP" => {
            let name = brief(case.run);
            reason.next(format!("dvt audit show --resource {name} --type DECISION_RECORDED"))
        }
        _ => reason,
    }
}

/// `a`, `a and b`, `a and 2 more`: what it needs that ended so.
fn needs(case: &Case<'_>, look: &StepPicture, status: StepStatus) -> String {
    let is = |need: &&String| case.picture.steps.get(*need).is_some_and(|need| need.status == status);
    let found: Vec<&str> = look.needs.iter().filter(is).map(String::as_str).collect();
    match found.as_slice() {
        [] => "a step that it needs".to_owned(),
        names => listed(names),
    }
}

fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [one, two] => format!("{one} and {two}"),
        [one, rest @ ..] => format!("{one} and {} more", rest.len()),
    }
}

fn running(case: &Case<'_>, id: &str, look: &StepPicture) -> Reason {
    let (name, shown) = (brief(case.run), case.picture.shown(id));
    if case.rest.is_some() {
        return no_engine(case, Some(id));
    }
    let until = look.due_at.map_or_else(String::new, |due| format!(", until {}", moment(due, case.now)));
    if let Some((all, done)) = look.items {
        return Reason::new(Some(id), "WAITS_FOR_ITEMS", format!("{shown} runs: {done} of {all} items done"));
    }
    let form = defined(case, id).map(|step| &step.form);
    match form {
        Some(Form::Approval(approval)) => {
            let given = case.facts.approvals.get(id).copied().unwrap_or(0);
            let keeps_out = approval.not_initiator && case.facts.is_starter_kept_out;
            let who = if keeps_out { " other than who started the run" } else { "" };
            let text = format!(
                "{shown} waits for approval by {} with the role {}{who}: {given} given{until}",
                plural(u64::from(approval.min), "person", "persons"),
                approval.role
            );
            Reason::new(Some(id), "WAITS_FOR_APPROVAL", text)
                .next(format!("dvt runs approve {name} {id} -m \"…\""))
        }
        Some(Form::Signal(signal)) => {
            let text = format!("{shown} waits for the signal `{}`{until}", signal.name);
            Reason::new(Some(id), "WAITS_FOR_SIGNAL", text)
                .next(format!("dvt runs signal {name} {} -p '…'", signal.name))
        }
        Some(Form::Wait { duration_ms }) => {
            let text = format!("{shown} waits {}{until}", bound(*duration_ms));
            Reason::new(Some(id), "WAITS_FOR_TIME", text)
        }
        Some(Form::WaitUntil { .. }) => {
            Reason::new(Some(id), "WAITS_FOR_TIME", format!("{shown} waits{}", until.replacen(',', "", 1)))
        }
        Some(Form::Plan(sub_plan)) => {
            let reason = Reason::new(
                Some(id),
                "WAITS_FOR_CHILD",
                format!("{shown} waits for its run of {}", sub_plan.reference),
            );
            match case.facts.children.get(id) {
                Some(child) => reason.next(format!("dvt runs why {child}")),
                None => reason,
            }
        }
        Some(Form::Run { .. } | Form::Script { .. } | Form::Noop { .. } | Form::Uses(_)) | None => {
            let since =
                look.started_at.map_or_else(String::new, |at| format!(" since {}", moment(at, case.now)));
            let most = look.most_attempts;
            let dispatch = match look.dispatches {
                0 | 1 => String::new(),
                number => format!(", given out {number} times"),
            };
            let text = format!("{shown} runs{since}: attempt {} of {most}{dispatch}", look.attempts);
            Reason::new(Some(id), "RUNS", text)
        }
    }
}

fn pending(case: &Case<'_>, id: &str, look: &StepPicture) -> Reason {
    let (picture, shown) = (case.picture, case.picture.shown(id));
    if picture.status.is_terminal() {
        let why = match (&picture.failed_step, picture.status) {
            (Some(step), _) => format!("{step} failed, and after a failed step nothing new starts"),
            (None, RunStatus::Cancelled) => "the run was cancelled before".to_owned(),
            (None, _) => "the run ended before".to_owned(),
        };
        let what = match look.attempts {
            0 => "was not started".to_owned(),
            attempts => format!("was not tried again after attempt {attempts}"),
        };
        return Reason::new(Some(id), "NOT_STARTED", format!("{shown} {what}: {why}"));
    }
    if case.rest.is_some() {
        return no_engine(case, Some(id));
    }
    // A step of `finally` and a compensation run on the way out.
    let is_left = !look.has_condition && !look.is_finally && !id.ends_with(".compensate");
    if picture.ending.is_some() && is_left {
        let text = match &picture.failed_step {
            Some(step) => {
                format!("{shown} will not start: {step} failed, and after a failed step nothing new starts")
            }
            None => format!("{shown} will not start: the run is on its way to its end"),
        };
        return Reason::new(Some(id), "NOT_STARTED", text);
    }
    // What is paused gives no attempt out, whatever its time.
    if look.retry_at.is_some() && picture.status == RunStatus::Paused {
        return paused(case, Some(id));
    }
    if let Some(at) = look.retry_at {
        let what = look
            .failure
            .as_ref()
            .map_or_else(|| "failed".to_owned(), |failure| format!("failed: {}", describe(failure)));
        let policy =
            defined(case, id).map_or_else(String::new, |step| format!(" ({})", policy(&step.retry, look)));
        let text = format!(
            "{shown} waits: attempt {} {what}, again at {}{policy}",
            look.attempts,
            moment(at, case.now)
        );
        return Reason::new(Some(id), "WAITS_FOR_RETRY", text);
    }
    let open = |need: &&String| picture.steps.get(*need).is_some_and(|need| !need.is_over());
    let waits_for: Vec<String> = look.needs.iter().filter(open).map(|need| with_items(case, need)).collect();
    if !waits_for.is_empty() {
        let names: Vec<&str> = waits_for.iter().map(String::as_str).collect();
        return Reason::new(Some(id), "WAITS_FOR_NEED", format!("{shown} waits for {}", listed(&names)));
    }
    let goes_first = |step: &StepPicture| !step.is_finally && !step.is_over();
    if look.is_finally && (picture.ending.is_some() || picture.steps.values().any(goes_first)) {
        let text = format!("{shown} waits for the end: it runs when all else has ended, however it did");
        return Reason::new(Some(id), "AT_THE_END", text);
    }
    if picture.status == RunStatus::Paused {
        return paused(case, Some(id));
    }
    if picture.status == RunStatus::Pending {
        return queued(case, Some(id));
    }
    let most = case.plan.max_parallel;
    // A timer, an approval or a signal takes its place among them, too.
    let busy = picture.steps.values().filter(|step| step.status == StepStatus::Running).count();
    if busy >= usize::try_from(most).unwrap_or(usize::MAX) {
        let text = format!("{shown} waits for room: `limits.maxParallel` is {most}, and {busy} steps run");
        return Reason::new(Some(id), "WAITS_FOR_ROOM", text);
    }
    Reason::new(Some(id), "READY", format!("{shown} is ready and waits for a free worker"))
}

/// `transform (2 of 3 items done)`.
fn with_items(case: &Case<'_>, id: &str) -> String {
    match case.picture.steps.get(id).and_then(|step| step.items) {
        Some((all, done)) => format!("{id} ({done} of {all} items done)"),
        None => id.to_owned(),
    }
}

/// `retry 2 of 3, exponential, 10 s … 5 min`.
fn policy(retry: &Retry, look: &StepPicture) -> String {
    let backoff = match retry.backoff {
        Backoff::Constant => "constant",
        Backoff::Linear => "linear",
        Backoff::Exponential => "exponential",
    };
    let range = match retry.backoff {
        Backoff::Constant => bound(retry.initial_ms),
        Backoff::Linear | Backoff::Exponential => {
            format!("{} … {}", bound(retry.initial_ms), bound(retry.ceiling_ms))
        }
    };
    format!("retry {} of {}, {backoff}, {range}", look.attempts, retry.max)
}

/// The time of day; with its day where that is another one.
fn moment(at: Timestamp, now: Timestamp) -> String {
    let (text, today) = (at.to_string(), now.to_string());
    let (day, time) = (text.get(..10).unwrap_or(&text), text.get(11..19).unwrap_or(&text));
    if today.starts_with(day) { format!("{time} UTC") } else { format!("{day} {time} UTC") }
}
