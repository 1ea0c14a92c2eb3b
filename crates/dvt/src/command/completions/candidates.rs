//! `dvt __complete -- WORD…`: what may stand in the place of the last word, one a line, with a few words about it behind a tab.
//! `:files` asks the shell for its own files.
//!
//! It makes nothing and says nothing where something is wrong: somebody is typing. What it shows of runs and plans it has
//! asked for like any other command, with the caller's rights.

use super::words::{Next, Spot, find, name_of};
use crate::compose::{Composition, compose};
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::problem::pages::PAGES;
use crate::profile::Selected;
use crate::running::locate;
use crate::running::read::{plan, row};
use crate::view::end::brief;
use crate::view::safe::safe;
use crate::view::screen::Screen;
use clap::{Arg, Args, Command};
use dvt_model::action::Action;
use dvt_model::proof::{Authorized, PlanRead, RunReadStatus};
use dvt_model::resource::{Project, Run};
use dvt_store::port::operation::PlanFilter;
use dvt_store::port::transaction::Kind;

/// What the scripts ask.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The words behind `dvt`; the last one is being typed.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<String>,
}

const ROUTE: &str = "dvt completions";
/// Runs and steps that are offered.
const MOST: u32 = 20;
const MOST_STEPS: usize = 200;

/// A word and what it means.
type Candidate = (String, String);

/// Does it.
pub(crate) async fn run(arguments: &Arguments, mut root: Command, screen: &mut Screen) -> Exit {
    root.build();
    let Some(spot) = find(&root, &arguments.words) else { return Exit::Completed };
    let current = arguments.words.last().map_or("", String::as_str);
    let typed = current.strip_prefix(spot.before.as_str()).unwrap_or(current);
    let found = match &spot.next {
        Next::Flag => flags(spot.command),
        Next::Value(argument) => {
            let mut found = match argument {
                Some(argument) => values(argument, &spot, screen).await.unwrap_or_default(),
                None => Vec::new(),
            };
            if spot.before.is_empty() && argument.is_none() {
                found.extend(commands(spot.command));
            }
            found
        }
    };
    for (word, about) in found {
        if word == ":files" {
            screen.line(&word);
        } else if word.starts_with(typed) {
            screen.line(&format!("{}{}\t{}", spot.before, safe(&word), safe(&about)));
        }
    }
    Exit::Completed
}

fn commands(command: &Command) -> Vec<Candidate> {
    let shown = command.get_subcommands().filter(|below| !below.is_hide_set() && below.get_name() != "help");
    shown.map(|below| (below.get_name().to_owned(), first_line(below.get_about()))).collect()
}

fn flags(command: &Command) -> Vec<Candidate> {
    let shown = command.get_arguments().filter(|argument| !argument.is_hide_set());
    shown
        .filter_map(|argument| Some((format!("--{}", argument.get_long()?), first_line(argument.get_help()))))
        .collect()
}

fn first_line(text: Option<&clap::builder::StyledStr>) -> String {
    let text = text.map(ToString::to_string).unwrap_or_default();
    text.lines().next().unwrap_or_default().to_owned()
}

async fn values(argument: &Arg, spot: &Spot<'_>, screen: &Screen) -> Result<Vec<Candidate>, Problem> {
    let possible: Vec<Candidate> = argument
        .get_possible_values()
        .iter()
        .filter(|value| !value.is_hide_set())
        .map(|value| (value.get_name().to_owned(), first_line(value.get_help())))
        .collect();
    if !possible.is_empty() {
        return Ok(possible);
    }
    let profile = spot.values.get("profile").map(String::as_str);
    let selected = Selected::resolve(profile)?;
    match (name_of(argument), argument.get_id().as_str()) {
        (_, "profile") => {
            Ok(selected.profiles()?.into_iter().map(|(name, _)| (name, String::new())).collect())
        }
        ("RUN", _) => with(&selected, screen, async |composition| runs(composition).await).await,
        ("STEP", _) => {
            let run = spot.values.get("RUN").map_or("@latest", String::as_str);
            with(&selected, screen, async |composition| steps(run, composition).await).await
        }
        ("NAME[@VERSION]", _) => with(&selected, screen, async |composition| plans(composition).await).await,
        ("STATUS", _) => {
            let words = ["pending", "running", "paused", "completed", "failed", "cancelled", "open"];
            Ok(words.map(|word| (word.to_owned(), String::new())).to_vec())
        }
        ("ACTION", _) => Ok(Action::ALL.iter().map(|action| (action.to_string(), String::new())).collect()),
        ("WHO", _) => Ok(vec![("me".to_owned(), String::new())]),
        ("CODE", _) => Ok(PAGES.iter().map(|(code, _)| ((*code).to_owned(), String::new())).collect()),
        ("FILE" | "FOLDER" | "A" | "B", _) => Ok(vec![(":files".to_owned(), String::new())]),
        _ => Ok(Vec::new()),
    }
}

/// Opens the installation for a look. Where there is no profile yet there is nothing to offer.
async fn with(
    selected: &Selected,
    screen: &Screen,
    look: impl AsyncFnOnce(&Composition) -> Result<Vec<Candidate>, Problem>,
) -> Result<Vec<Candidate>, Problem> {
    if selected.read()?.is_none() {
        return Ok(Vec::new());
    }
    let composition = compose(selected, screen).await?;
    let found = look(&composition).await;
    composition.store.close().await?;
    found
}

async fn runs(composition: &Composition) -> Result<Vec<Candidate>, Problem> {
    let read: Authorized<Project, RunReadStatus> =
        composition.access.project(&composition.context, ROUTE).await?;
    let transaction = composition.store.begin(read.scope(), Kind::Act)?;
    let rows = transaction.list_runs(MOST, None).await?.rows;
    let latest = rows.first().map(|_| ("@latest".to_owned(), "the newest one".to_owned()));
    let named = rows.iter().map(|row| {
        let queued = row.queued_at.to_string();
        let at = queued.get(..16).unwrap_or(&queued).replace('T', " ");
        (brief(row.metadata.run_id), format!("{} {} {at}", row.metadata.plan_name, row.status))
    });
    Ok(latest.into_iter().chain(named).collect())
}

async fn steps(run: &str, composition: &Composition) -> Result<Vec<Candidate>, Problem> {
    let run = locate::run(run, composition, ROUTE).await?;
    let read: Authorized<Run, RunReadStatus> =
        composition.access.run(&composition.context, run, ROUTE).await?;
    let row = row(composition, &read).await?;
    let plan = plan(composition, &read, &row).await?;
    let steps = plan.steps.values().take(MOST_STEPS);
    Ok(steps.map(|step| (step.id.to_string(), step.form.word().to_owned())).collect())
}

async fn plans(composition: &Composition) -> Result<Vec<Candidate>, Problem> {
    let read: Authorized<Project, PlanRead> = composition.access.project(&composition.context, ROUTE).await?;
    let transaction = composition.store.begin(read.scope(), Kind::Act)?;
    let rows = transaction.list_plans(&PlanFilter::default(), MOST, None).await?.rows;
    let named = rows.into_iter().map(|row| {
        let at = row.published_at.to_string();
        let day = at.get(..10).unwrap_or(&at).to_owned();
        (format!("{}@{}", row.name, row.plan.plan_version), format!("published {day}"))
    });
    Ok(named.collect())
}
