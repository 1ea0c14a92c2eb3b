//! One plain line per event, with its time: what a pipe, a build or a log gets.

use crate::view::duration::short;
use crate::view::picture::Picture;
use crate::view::safe::safe;
use dvt_model::run::EventName;
use dvt_store::port::operation::StoredEvent;

/// The line of an event that the picture has just read; `None` for what only machines need.
pub(crate) fn draw(picture: &Picture, event: &StoredEvent) -> Option<String> {
    let part = event.envelope.run.as_ref()?;
    let name = EventName::parse(event.envelope.event_name.as_deref()?)?;
    let step = event.envelope.step_id.as_deref();
    let look = step.and_then(|id| picture.step(id));
    let attempt = part.logical_attempt_id.0;
    let nth = if attempt > 1 { format!(", attempt {attempt}") } else { String::new() };
    let took = look.and_then(|step| step.started_at).map_or(0, |start| part.emitted_at.ms_since(start));
    let failure = look.and_then(|step| step.failure.as_ref());
    let words = match name {
        EventName::RunQueued => "queued".to_owned(),
        EventName::RunStarted => "started".to_owned(),
        EventName::RunPaused => "paused".to_owned(),
        EventName::RunResumed => "resumed".to_owned(),
        EventName::SignalReceived => "signal received".to_owned(),
        EventName::RunFailing => match (&picture.failed_step, picture.failing.as_deref()) {
            (Some(step), _) => format!("failing, because {} failed", picture.shown(step)),
            (None, Some("RUN_TIMEOUT")) => {
                "failing, because its time is over (`limits.maxDuration`)".to_owned()
            }
            (None, Some("HOLD_EXPIRED")) => "failing, because nobody looked after its hold".to_owned(),
            (None, _) => "failing".to_owned(),
        },
        EventName::RunCancelRequested => "cancel requested".to_owned(),
        EventName::RunCompleted => "completed".to_owned(),
        EventName::RunFailed => "failed".to_owned(),
        EventName::RunCancelled => "cancelled".to_owned(),
        EventName::StepStarted => format!("started{nth}"),
        EventName::StepRedispatched => {
            format!("given out again, same attempt, dispatch {}", look.map_or(0, |step| step.dispatches))
        }
        EventName::StepCompleted => format!("completed in {}{nth}", short(took)),
        EventName::StepFailed => {
            let why = failure.map_or("failed", |failure| failure.error_message.as_str());
            match look.and_then(|step| step.retry_at) {
                Some(at) => {
                    let pause = short(at.ms_since(part.emitted_at));
                    format!("failed in {}{nth}: {why}; again in {pause}", short(took))
                }
                None => format!("failed in {}{nth}: {why}", short(took)),
            }
        }
        EventName::StepReused => "taken over from the original run".to_owned(),
        EventName::StepRetryRequested => "to be tried again".to_owned(),
        EventName::StepVoted => "voted on".to_owned(),
        EventName::StepSkipped => {
            format!("skipped: {}", look.and_then(|step| step.skipped.as_deref()).unwrap_or("left out"))
        }
    };
    let who = step.map_or_else(|| "run".to_owned(), |id| picture.shown(id));
    Some(format!("{}  {:<16} {}", part.emitted_at, safe(&who), safe(&words)))
}
