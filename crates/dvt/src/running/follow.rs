//! Following a run: news from the engine, events from the store, a live tree or plain lines, interrupts, and the end.

use super::host;
use super::interrupt::{Interrupts, Wish};
use super::read::events;
use super::typed::{self, Words};
use crate::compose::Composition;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::view::duration::plural;
use crate::view::json::Sealed;
use crate::view::live::Live;
use crate::view::picture::Picture;
use crate::view::screen::{Format, Screen};
use crate::view::{end, json, lines};
use dvt_engine::client::Client;
use dvt_model::id::{RunId, StepId};
use dvt_model::proof::{Authorized, RunCancel, RunReadPayload};
use dvt_model::resource::Run;
use dvt_model::run::{EventName, RunMetadata, RunStatus, StepStatus};
use dvt_plan::plan::Plan;
use dvt_store::port::operation::StoredEvent;
use dvt_store::port::transaction::Kind;
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// At most ten pictures a second.
const REPAINT: Duration = Duration::from_millis(100);
/// The lines of a failed step that are shown.
const LAST_LINES: usize = 10;

/// What is followed, with what.
pub(crate) struct Followed<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) composition: &'a Composition,
    pub(crate) client: &'a Client,
    pub(crate) read: &'a Authorized<Run, RunReadPayload>,
}

impl Followed<'_> {
    fn run(&self) -> RunId {
        self.read.resource().id
    }

    /// Events after the last known one.
    async fn news(&self, after: u64) -> Result<Vec<StoredEvent>, Problem> {
        events(self.composition, self.read, after).await
    }

    async fn metadata(&self) -> Result<RunMetadata, Problem> {
        let transaction = self.composition.store.begin(self.read.scope(), Kind::Act)?;
        let row = transaction.run(self.run()).await?;
        row.map(|row| row.metadata).ok_or_else(|| dvt_access::Denied::not_found().into())
    }
}

/// Follows to the terminal event, then shows the end under a checkpoint.
pub(crate) async fn to_the_end(followed: &Followed<'_>, screen: &mut Screen) -> Result<Exit, Problem> {
    let run = followed.run();
    let mut picture = Picture::new(followed.plan);
    let mut live = screen.is_live().then(Live::default);
    let mut interrupts = Interrupts::listen(screen.can_ask())?;
    let mut tick = tokio::time::interval(REPAINT);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // A request that is under way is kept until its answer: dropping it half-read would spoil the connection.
    let mut news = Box::pin(followed.client.progress(run, 0));
    loop {
        tokio::select! {
            answer = &mut news => {
                answer?;
                for event in followed.news(picture.last_run_seq).await? {
                    picture.apply(&event);
                    show(followed, &picture, &event, live.is_some(), screen).await?;
                }
                if picture.status.is_terminal() {
                    break;
                }
                news = Box::pin(followed.client.progress(run, picture.last_run_seq));
            }
            wish = interrupts.next() => {
                if let Some(live) = live.as_mut() {
                    live.clear(screen);
                }
                match wish {
                    Wish::Ask => screen.say_raw("Why cancel it? (empty: it goes on; Ctrl-C again: stop hard) "),
                    Wish::GoOn => screen.say("it goes on"),
                    Wish::Cancel(reason) => cancel(followed, &reason, screen).await?,
                    Wish::StopHard => {
                        followed.client.stop_hard().await;
                        return left(followed, &picture, screen).await;
                    }
                }
            }
            _ = tick.tick() => {
                if let Some(live) = live.as_mut().filter(|_| !interrupts.is_asking()) {
                    live.paint(screen, &picture);
                }
            }
        }
    }
    drop(news);
    if let Some(live) = live.as_mut() {
        live.finish(screen, &picture);
    }
    let size = followed.client.seal(run).await?;
    finish(followed, &picture, Sealed { entries: picture.last_run_seq, size }, screen).await?;
    Ok(Exit::of_run(picture.status))
}

/// A hard stop: the run has not ended, and nothing works on it. Says so, and how to go on.
async fn left(followed: &Followed<'_>, picture: &Picture, screen: &mut Screen) -> Result<Exit, Problem> {
    let run = end::brief(followed.run());
    let running = picture.steps.values().filter(|step| step.status == StepStatus::Running).count();
    let kept = picture.steps.values().filter(|step| step.is_over()).count();
    screen.tell(&format!(
        "\nstopped hard: {} killed, {} kept; the run is not cancelled, it is left RECOVERING",
        plural(count(running), "running step", "running steps"),
        plural(count(kept), "completed step", "completed steps"),
    ));
    let word = if host::needs_word(followed.plan) { " --allow-host" } else { "" };
    screen.say(&format!("go on:  dvt runs resume {run}{word}"));
    screen.say(&format!("end it: dvt runs cancel {run} -m \"…\""));
    if screen.format == Format::Json {
        screen.json(&json::left(&followed.metadata().await?, picture));
    }
    Ok(Exit::NoEngine)
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// Cancels with the reason as the decision record's text.
async fn cancel(followed: &Followed<'_>, reason: &str, screen: &Screen) -> Result<(), Problem> {
    match ask_to_cancel(followed, reason, screen).await {
        Ok(_) => {
            screen.say("cancelling: running steps get 5 s to end, nothing new starts");
            Ok(())
        }
        // It ended meanwhile: the next news say how.
        Err(problem) if problem.code == dvt_model::code::Code::RunTerminal => Ok(()),
        Err(problem) => Err(problem),
    }
}

/// As `dvt runs cancel` asks for it, with the word by which this process attends the run.
async fn ask_to_cancel(followed: &Followed<'_>, reason: &str, screen: &Screen) -> Result<RunStatus, Problem> {
    let words = Words::because(followed.run(), reason);
    let act = words.cancel("dvt run");
    let Composition { access, context, .. } = followed.composition;
    let proof: Authorized<Run, RunCancel> =
        access.deed(context, followed.run(), &act.deed, act.route).await?;
    let asked = typed::asked(&act, &proof, followed.composition, screen)?;
    Ok(followed.client.act_as_attended(&proof, asked).await?)
}

async fn show(
    followed: &Followed<'_>,
    picture: &Picture,
    event: &StoredEvent,
    is_live: bool,
    screen: &mut Screen,
) -> Result<(), Problem> {
    match screen.format {
        Format::Jsonl => screen.json(&json::event(followed.run(), event)),
        Format::Table if is_live || screen.quiet => {}
        Format::Table => {
            if let Some(line) = lines::draw(picture, event) {
                screen.line(&line);
            }
            if screen.verbose {
                printed(followed, event, screen).await?;
            }
        }
        Format::Json => {
            if let Some(line) = lines::draw(picture, event).filter(|_| screen.verbose) {
                screen.note(&line);
            }
        }
    }
    Ok(())
}

/// With `--verbose`: what an attempt printed, once it ended.
async fn printed(followed: &Followed<'_>, event: &StoredEvent, screen: &mut Screen) -> Result<(), Problem> {
    let name = event.envelope.event_name.as_deref().and_then(EventName::parse);
    let ended = matches!(name, Some(EventName::StepCompleted | EventName::StepFailed));
    let (Some(step), Some(part), true) = (&event.envelope.step_id, &event.envelope.run, ended) else {
        return Ok(());
    };
    for line in log_lines(followed, step, part.logical_attempt_id.0).await? {
        screen.line(&format!("    │ {}", crate::view::safe::safe(&line)));
    }
    Ok(())
}

async fn log_lines(followed: &Followed<'_>, step: &str, attempt: u32) -> Result<Vec<String>, Problem> {
    let Ok(step) = StepId::parse_stored(step) else { return Ok(Vec::new()) };
    let transaction = followed.composition.store.begin(followed.read.scope(), Kind::Act)?;
    let chunks = transaction.read_log(followed.run(), &step, attempt).await?;
    let text: String = chunks.into_iter().map(|chunk| chunk.text).collect();
    Ok(text.lines().map(ToOwned::to_owned).collect())
}

async fn finish(
    followed: &Followed<'_>,
    picture: &Picture,
    sealed: Sealed,
    screen: &mut Screen,
) -> Result<(), Problem> {
    match screen.format {
        Format::Jsonl => return Ok(()),
        Format::Json => {
            screen.json(&json::ended(&followed.metadata().await?, picture, sealed));
            return Ok(());
        }
        Format::Table => {}
    }
    if picture.status == RunStatus::Failed {
        let mut last = match picture.failed_part() {
            Some((step, look)) => log_lines(followed, step, look.attempts).await?,
            None => Vec::new(),
        };
        last.drain(..last.len().saturating_sub(LAST_LINES));
        let (paint, width) = (screen.side_paint(), screen.side_width());
        screen.say_raw(&format!("\n{}", end::failure(picture, followed.run(), &last, paint, width)));
    }
    screen.out(&format!("\n{}", end::summary(picture, Some(sealed), screen.paint(), screen.width())));
    // After a failure the block above has said what to do next.
    if picture.status != RunStatus::Failed {
        screen.note(&end::next(picture, screen.side_width()));
    }
    Ok(())
}
