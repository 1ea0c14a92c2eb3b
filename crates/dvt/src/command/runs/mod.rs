//! `dvt runs …`: what runs there are, how one stands and why, what it printed and did, and every act upon one.

mod act;
pub(crate) mod approve;
pub(crate) mod cancel;
pub(crate) mod events;
pub(crate) mod fold;
mod foresee;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod logs;
mod named;
mod news;
pub(crate) mod pause;
pub(crate) mod reject;
pub(crate) mod resume;
pub(crate) mod retry;
pub(crate) mod signal;
pub(crate) mod skip;
pub(crate) mod stop;
mod taker;
pub(crate) mod turn;
mod wait;
mod weigh;
pub(crate) mod why;

use crate::compose::within;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::profile::Selected;
use crate::view::screen::Screen;
use clap::Subcommand;

/// See runs, their logs and states, and act on them: cancel, pause, approve, signal, skip, retry.
///
/// Example:
///   dvt runs list
#[derive(Debug, Subcommand)]
#[command(verbatim_doc_comment)]
pub(crate) enum Command {
    List(list::Arguments),
    Get(get::Arguments),
    Logs(logs::Arguments),
    Events(events::Arguments),
    Why(why::Arguments),
    Cancel(cancel::Arguments),
    Resume(resume::Arguments),
    Pause(pause::Arguments),
    Approve(approve::Arguments),
    Reject(reject::Arguments),
    Signal(signal::Arguments),
    Skip(skip::Arguments),
    Retry(retry::Arguments),
    Stop(stop::Arguments),
}

/// Does it.
pub(crate) async fn run(command: Command, selected: &Selected, screen: &mut Screen) -> Result<Exit, Problem> {
    within(selected, screen, async |composition, screen| match command {
        Command::List(arguments) => list::run(&arguments, composition, screen).await,
        Command::Get(arguments) => get::run(&arguments, composition, screen).await,
        Command::Logs(arguments) => logs::run(&arguments, composition, screen).await,
        Command::Events(arguments) => events::run(&arguments, composition, screen).await,
        Command::Why(arguments) => why::run(&arguments, composition, screen).await,
        Command::Cancel(arguments) => cancel::run(&arguments, composition, screen).await,
        Command::Resume(arguments) => resume::run(&arguments, selected, composition, screen).await,
        Command::Pause(arguments) => pause::run(&arguments, composition, screen).await,
        Command::Approve(arguments) => approve::run(&arguments, composition, screen).await,
        Command::Reject(arguments) => reject::run(&arguments, composition, screen).await,
        Command::Signal(arguments) => signal::run(&arguments, composition, screen).await,
        Command::Skip(arguments) => skip::run(&arguments, composition, screen).await,
        Command::Retry(arguments) => retry::run(&arguments, selected, composition, screen).await,
        Command::Stop(arguments) => stop::run(&arguments, composition, screen).await,
    })
    .await
}
