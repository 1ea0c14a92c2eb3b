//! `dvt runs cancel RUN -m TEXT`: asks the engine to cancel, with the reason as its decision record.
//!
//! Where no engine works, this process becomes the engine and sees the run to its end.

use super::{locate, plan, row};
use crate::command::run::follow::{Followed, to_the_end};
use crate::command::run::words;
use crate::compose::Composition;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::view::end::brief;
use crate::view::safe::safe;
use crate::view::screen::Screen;
use crate::view::width::wrap;
use clap::Args;
use dvt_engine::client::Client;
use dvt_model::code::Code;
use dvt_model::decision::{Draft, Operation};
use dvt_model::id::{RunId, SignalId};
use dvt_model::proof::{Authorized, RunCancel, RunReadPayload};
use dvt_model::resource::Run;
use dvt_model::run::RunStatus;
use serde_json::json;

/// Cancel a run: running steps get a few seconds to end, nothing new starts.
///
/// Example:
///   dvt runs cancel @latest -m "wrong input file"
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The run: an id, its first six or more digits, or `@latest`.
    #[arg(value_name = "RUN")]
    run: String,
    /// Why; it stands in the ledger.
    #[arg(short = 'm', long = "message", value_name = "TEXT")]
    message: Option<String>,
    /// Your word that what always runs on the way out may run as you, without a wall (needed where no engine works on it).
    #[arg(long)]
    allow_host: bool,
}

const ROUTE: &str = "dvt runs cancel";

/// Does it.
pub(crate) async fn run(
    arguments: &Arguments,
    composition: &Composition,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    let run = locate::run(&arguments.run, composition, ROUTE).await?;
    // First whether there is such a run at all: nobody is asked why about nothing.
    let proof: Authorized<Run, RunCancel> = composition.access.run(&composition.context, run, ROUTE).await?;
    let reason = match &arguments.message {
        Some(message) => message.clone(),
        None if screen.can_ask() => question(screen)?,
        None => {
            return Err(Problem::new(Code::DecisionRecordIncomplete, "a cancel needs a reason")
                .why("it stands in the ledger as the decision record, with your name and the time")
                .fix(format!("dvt runs cancel {} -m \"…\"", arguments.run)));
        }
    };
    let record = composition.access.record(&proof, draft(&reason))?;
    let client = dvt_engine::attach(composition.parts.clone()).await?;
    let word = words::has_word(arguments.allow_host, Some(&composition.profile));
    let asked = client.cancel_run_with_word(&proof, record, signal_id()?, word).await;
    let exit = match asked {
        Ok(status) => end(run, status, &reason, composition, &client, screen).await,
        Err(problem) => Err(problem.into()),
    };
    let closed = client.close().await;
    let exit = exit?;
    closed?;
    Ok(exit)
}

/// The same for an interrupted `dvt run`.
pub(crate) async fn ask(
    composition: &Composition,
    client: &Client,
    run: RunId,
    reason: &str,
    route: &str,
) -> Result<RunStatus, Problem> {
    let proof: Authorized<Run, RunCancel> = composition.access.run(&composition.context, run, route).await?;
    let record = composition.access.record(&proof, draft(reason))?;
    Ok(client.cancel_run(&proof, record, signal_id()?).await?)
}

fn draft(reason: &str) -> Draft {
    Draft { operation: Operation::Cancel, justification_text: reason.to_owned(), approval_ticket_id: None }
}

fn signal_id() -> Result<SignalId, Problem> {
    Ok(SignalId::parse(&format!("cli-{}", dvt_model::digest::hex(&dvt_keys::entropy::random::<16>())))?)
}

fn question(screen: &Screen) -> Result<String, Problem> {
    screen.say_raw("Why is it to be cancelled? ");
    let mut line = String::new();
    match std::io::stdin().read_line(&mut line) {
        Ok(_) if !line.trim().is_empty() => Ok(line.trim().to_owned()),
        _ => {
            Err(Problem::new(Code::DecisionRecordIncomplete, "no reason was given, so nothing was cancelled"))
        }
    }
}

/// Tells that it was asked for; where this process is the engine, sees it through.
async fn end(
    run: RunId,
    status: RunStatus,
    reason: &str,
    composition: &Composition,
    client: &Client,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    let name = brief(run);
    let asked = format!("{name}: cancel requested: {}", safe(reason));
    if client.is_engine() && !status.is_terminal() {
        screen.note(&wrap(&asked, "  ", screen.side_width()));
        screen.note("no engine worked on it, so this command sees it end");
        let read: Authorized<Run, RunReadPayload> =
            composition.access.run(&composition.context, run, ROUTE).await?;
        let row = row(composition, &read).await?;
        let plan = plan(composition, &read, &row).await?;
        let followed = Followed { plan: &plan, composition, client, read: &read };
        to_the_end(&followed, screen).await?;
        return Ok(Exit::Completed);
    }
    if screen.for_people() {
        screen.line(&wrap(&asked, "  ", screen.width()));
        if status.is_terminal() {
            screen.note(&format!("it has ended: {status}"));
        } else {
            screen.note("running steps get 5 s to end, nothing new starts");
            screen.note(&format!("see how it ends: dvt runs get {name}"));
        }
    } else {
        let ended = status.is_terminal();
        screen.json(&json!({"runId": run, "status": status, "requested": "CANCEL", "reason": reason, "accepted": true, "ended": ended}));
    }
    Ok(Exit::Completed)
}
