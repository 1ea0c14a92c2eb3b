//! `dvt engine`: the engine of this data folder without a terminal of its own. It serves every other `dvt` on this machine and goes
//! on with every open run, those too that an engine left behind; where another process is the engine, it stands by.
//!
//! Runs go on with the power that was recorded when they were queued, and no more. `--detached` is how `dvt run --detach` stays: it
//! goes on with detached runs alone, and ends when there are none. The surprising rule: of those one is enough for a data folder,
//! so a second one ends at once, and that is no failure.

pub(crate) mod resident;

use crate::compose::{Composition, compose};
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::profile::Selected;
use crate::profile::folder::shown;
use crate::signals::{Heard, Signals};
use crate::view::duration;
use crate::view::end::brief;
use crate::view::safe::safe;
use crate::view::screen::Screen;
use clap::Args;
use dvt_engine::Notice;
use dvt_engine::client::Client;
use std::convert::Infallible;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// Be the engine of this data folder until told to end, and go on with every open run.
///
/// Example:
///   dvt engine
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// Go on with detached runs alone, and end when none is open (what `dvt run --detach` starts).
    #[arg(long)]
    detached: bool,
}

/// Between two looks whether a detached run is open.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Runs that are named in one line.
const MOST_NAMED: usize = 3;

/// Between two looks of who stands by whether it is the engine by now.
const STANDING_LOOK: Duration = Duration::from_millis(250);

/// Does it.
pub(crate) async fn run(
    arguments: &Arguments,
    selected: &Selected,
    screen: &Screen,
) -> Result<Exit, Problem> {
    let lock = if arguments.detached {
        let Some(lock) = resident::lock(&selected.folders.data)? else { return Ok(Exit::Completed) };
        resident::leave_the_terminal();
        Some(lock)
    } else {
        None
    };
    let composition = compose(selected, screen).await?;
    let done = work(arguments, selected, &composition, screen).await;
    let closed = composition.store.close().await;
    drop(lock);
    done?;
    closed?;
    Ok(Exit::Completed)
}

async fn work(
    arguments: &Arguments,
    selected: &Selected,
    composition: &Composition,
    screen: &Screen,
) -> Result<(), Problem> {
    let mut signals = Signals::listen()?;
    let parts = composition.parts.clone();
    let attaching = async {
        if arguments.detached { dvt_engine::attach(parts).await } else { dvt_engine::reside(parts).await }
    };
    let client = tokio::select! {
        client = attaching => client?,
        () = ended(&mut signals, arguments.detached) => return Ok(()),
    };
    let folder = shown(&selected.folders.data);
    if client.is_engine() {
        screen.note(&format!(
            "the engine of {folder}; Ctrl-C ends it in order, its runs go on with the next one"
        ));
    } else {
        screen.note(&format!("another process is the engine of {folder}; standing by to take over"));
    }
    let stood = tokio::select! {
        stood = client.stand() => stood.map_err(Problem::from),
        () = ended(&mut signals, arguments.detached) => Ok(()),
        () = idle(&client), if arguments.detached => Ok(()),
        never = told(&client, &folder, screen) => match never {},
    };
    // In order: runs finish their turn, steps end, what is not sealed is sealed, the lease is given back.
    client.close().await?;
    stood
}

/// Says so when whoever stood by has become the engine, and which runs are taken up then, and which cannot be.
async fn told(client: &Client, folder: &str, screen: &Screen) -> Infallible {
    let mut stands_by = !client.is_engine();
    let mut ticks = interval(STANDING_LOOK);
    loop {
        let notices = if stands_by { Vec::new() } else { client.notices().await };
        if stands_by && client.is_engine() {
            stands_by = false;
            screen.note(&format!("this process is the engine of {folder} now"));
        }
        notices.iter().for_each(|notice| screen.note(&line_of(notice)));
        if notices.is_empty() {
            // Another process is the engine, or this one has just become it.
            ticks.tick().await;
        }
    }
}

/// A notice in words.
fn line_of(notice: &Notice) -> String {
    match notice {
        Notice::TakenUp(runs) => {
            let named: Vec<String> = runs.iter().take(MOST_NAMED).map(|run| brief(*run)).collect();
            let more = runs.len().saturating_sub(named.len());
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("going on with {}{more}", named.join(", "))
        }
        Notice::Later { run, problem, pause } => {
            let what = run.map_or_else(|| "the open runs of a tenant".to_owned(), brief);
            let pause = duration::bound(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX));
            format!(
                "RECOVERING: cannot go on with {what} ({}): {}; again in {pause}",
                problem.code,
                safe(&problem.message)
            )
        }
        Notice::Left { run, problem } => {
            let (run, code, why) = (brief(*run), problem.code, safe(&problem.message));
            format!("RECOVERING: cannot go on with {run} ({code}): {why}; try again: dvt runs resume {run}")
        }
    }
}

/// Waits until there is no detached run left, twice in a row: one that is being queued is seen by the second look.
async fn idle(client: &Client) {
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut quiet = 0;
    while quiet < 2 {
        ticks.tick().await;
        // A store that cannot be read just now is no reason to end.
        quiet = if client.has_work().await.unwrap_or(true) { 0 } else { quiet + 1 };
    }
}

/// The next signal that ends it; a terminal that closes ends only who belongs to it.
async fn ended(signals: &mut Signals, stays: bool) {
    while signals.next().await == Heard::HangUp && stays {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use dvt_model::code::Code;
    use dvt_model::id::RunId;

    #[test]
    fn what_is_taken_up_and_what_is_not_is_said_in_one_line_each() {
        let run = |number: u8| RunId::from_random([number; 16]);
        let runs = |count: u8| Notice::TakenUp((1..=count).map(run).collect());
        let (one, two, three) = (brief(run(1)), brief(run(2)), brief(run(3)));
        assert_eq!(line_of(&runs(1)), format!("going on with {one}"));
        assert_eq!(line_of(&runs(5)), format!("going on with {one}, {two}, {three} and 2 more"));
        let problem =
            || dvt_engine::Problem { code: Code::LedgerUnavailable, message: "it is busy".to_owned() };
        let later = |run| line_of(&Notice::Later { run, problem: problem(), pause: Duration::from_secs(4) });
        assert_eq!(
            later(Some(run(1))),
            format!("RECOVERING: cannot go on with {one} (LEDGER_UNAVAILABLE): it is busy; again in 4 s")
        );
        assert!(later(None).contains("cannot go on with the open runs of a tenant"));
        assert_eq!(
            line_of(&Notice::Left { run: run(1), problem: problem() }),
            format!(
                "RECOVERING: cannot go on with {one} (LEDGER_UNAVAILABLE): it is busy; try again: dvt runs resume {one}"
            )
        );
    }
}
