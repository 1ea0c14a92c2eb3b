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
use crate::view::screen::Screen;
use clap::Args;
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
        never = taken_over(&client, &folder, screen) => match never {},
    };
    // In order: runs finish their turn, steps end, what is not sealed is sealed, the lease is given back.
    client.close().await?;
    stood
}

/// Says so when whoever stood by has become the engine.
async fn taken_over(client: &Client, folder: &str, screen: &Screen) -> Infallible {
    let stood_by = !client.is_engine();
    let mut ticks = interval(STANDING_LOOK);
    while !client.is_engine() {
        ticks.tick().await;
    }
    if stood_by {
        screen.note(&format!("this process is the engine of {folder} now"));
    }
    std::future::pending().await
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
