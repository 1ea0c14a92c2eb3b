//! `dvt data …`: what is kept of whom and for how long, and how it ends.

pub(crate) mod erase;
pub(crate) mod hold;
pub(crate) mod prune;
pub(crate) mod retention;
pub(crate) mod rotate_keys;
pub(crate) mod sweep;
pub(in crate::command) mod would;

use crate::compose::{Composition, within};
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::profile::Selected;
use crate::running::locate;
use crate::view::screen::Screen;
use clap::Subcommand;
use dvt_engine::keep::Keeping;
use dvt_model::code::Code;
use dvt_model::decision::{Draft, Operation};
use dvt_store::Target;

/// Keep, hold and erase data, and replace the keys it lies under.
///
/// Example:
///   dvt data sweep --dry-run
#[derive(Debug, Subcommand)]
#[command(verbatim_doc_comment)]
pub(crate) enum Command {
    Erase(erase::Arguments),
    #[command(subcommand)]
    Hold(hold::Command),
    Prune(prune::Arguments),
    #[command(subcommand)]
    Retention(retention::Command),
    RotateKeys(rotate_keys::Arguments),
    Sweep(sweep::Arguments),
}

/// Does it.
pub(crate) async fn run(command: Command, selected: &Selected, screen: &mut Screen) -> Result<Exit, Problem> {
    within(selected, screen, async |composition, screen| match command {
        Command::Erase(arguments) => erase::run(&arguments, composition, screen).await,
        Command::Hold(command) => hold::run(command, composition, screen).await,
        Command::Prune(arguments) => prune::run(&arguments, composition, screen).await,
        Command::Retention(command) => retention::run(command, composition, screen).await,
        Command::RotateKeys(arguments) => rotate_keys::run(&arguments, composition, screen).await,
        Command::Sweep(arguments) => sweep::run(&arguments, composition, screen).await,
    })
    .await
}

/// What is meant by its name: of a run the id, of a person the text.
async fn named(
    (run, person): (Option<&String>, Option<&String>),
    composition: &Composition,
    route: &str,
) -> Result<Option<Target>, Problem> {
    Ok(match (run, person) {
        (Some(run), _) => Some(Target::Run(locate::run(run, composition, route).await?)),
        (None, Some(person)) if person.trim().is_empty() => {
            return Err(Problem::usage("`--person` names nobody"));
        }
        (None, Some(person)) => Some(Target::Person(person.clone())),
        (None, None) => None,
    })
}

/// A target, as people are asked about it: of a run the id, whatever was typed.
fn shown(target: &Target) -> String {
    match target {
        Target::Run(run) => format!("run {run}"),
        Target::Person(person) => format!("person {person}"),
        Target::Tenant => "everything of this tenant".to_owned(),
    }
}

/// What makes the entries.
pub(in crate::command) fn keeping(composition: &Composition) -> Keeping<'_> {
    Keeping { store: &composition.store, clock: &composition.parts.clock }
}

/// The reason: as given, or asked for on a terminal.
pub(in crate::command) fn reason(
    given: Option<&String>,
    what: &str,
    screen: &Screen,
) -> Result<String, Problem> {
    if let Some(reason) = given {
        return Ok(reason.clone());
    }
    if !screen.can_ask() {
        return Err(Problem::new(Code::DecisionRecordIncomplete, format!("{what} needs a reason"))
            .why("it stands in the ledger as the decision record, with your name and the time")
            .fix("add -m \"…\""));
    }
    screen.say_raw("Why? ");
    let mut line = String::new();
    match std::io::stdin().read_line(&mut line) {
        Ok(_) if !line.trim().is_empty() => Ok(line.trim().to_owned()),
        _ => Err(Problem::new(Code::DecisionRecordIncomplete, "no reason was given, so nothing was changed")),
    }
}

/// Whether it is to be done: `--yes`, or a yes on a terminal.
fn confirmed(yes: bool, screen: &Screen) -> Result<(), Problem> {
    if yes {
        return Ok(());
    }
    if !screen.can_ask() {
        return Err(Problem::usage("nobody can be asked here whether to go on").fix("add --yes"));
    }
    screen.say_raw("Go on? [y/N] ");
    let mut line = String::new();
    match std::io::stdin().read_line(&mut line) {
        Ok(_) if matches!(line.trim(), "y" | "Y" | "yes") => Ok(()),
        _ => Err(Problem::usage("not confirmed, so nothing was changed")),
    }
}

pub(in crate::command) fn draft(operation: Operation, reason: String) -> Draft {
    Draft { operation, justification_text: reason, approval_ticket_id: None }
}
