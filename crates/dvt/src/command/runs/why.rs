//! `dvt runs why RUN [STEP]`: why a run or a step waits, failed, was left out or never started.

use super::{list, named, turn};
use crate::compose::Composition;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::running::locate;
use crate::running::read::{picture, plan, row};
use crate::view::safe::safe;
use crate::view::screen::Screen;
use crate::view::why::{self, Answer, Case, Facts, Reason};
use crate::view::width::indented;
use clap::Args;
use dvt_engine::AtRest;
use dvt_model::id::RunId;
use dvt_model::proof::{Authorized, Permits, RunReadPayload, RunReadStatus};
use dvt_model::resource::Run;
use dvt_model::run::RunStatus;
use dvt_store::port::transaction::Kind;
use serde_json::json;

/// Say why a run or one of its steps waits, failed, or was left out.
///
/// Example:
///   dvt runs why @latest load
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The run: an id, its first six or more digits, its plan's name, or `@latest`.
    #[arg(value_name = "RUN")]
    run: String,
    /// A step, or one of its items (`transform.2`); the whole run where it is left out.
    #[arg(value_name = "STEP")]
    step: Option<String>,
}

const ROUTE: &str = "dvt runs why";

/// Does it.
pub(crate) async fn run(
    arguments: &Arguments,
    composition: &Composition,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    let run = locate::run(&arguments.run, composition, ROUTE).await?;
    let Composition { access, context, .. } = composition;
    let status: Authorized<Run, RunReadStatus> = access.run(context, run, ROUTE).await?;
    // As `runs get`: who may read no payload is told states and codes.
    let answer = if access.may(context, RunReadPayload::ACTION) {
        let read: Authorized<Run, RunReadPayload> = access.run(context, run, ROUTE).await?;
        answer(arguments, composition, &read, false).await?
    } else {
        answer(arguments, composition, &status, true).await?
    };
    show(run, &answer, screen);
    Ok(Exit::Completed)
}

async fn answer<A: Permits>(
    arguments: &Arguments,
    composition: &Composition,
    proof: &Authorized<Run, A>,
    withhold: bool,
) -> Result<Answer, Problem> {
    let row = row(composition, proof).await?;
    let plan = plan(composition, proof, &row).await?;
    let (picture, events) = picture(composition, proof, &plan).await?;
    let facts = Facts::of(&events);
    let picture = if withhold { picture.withheld() } else { picture };
    let behind = turn::of(composition, proof, &row).await?;
    let behind = behind.map(|behind| if withhold { behind } else { turn::named(behind, &plan, &events) });
    let at_rest = AtRest::now(&composition.store, &composition.parts.folder);
    let case = Case {
        run: row.metadata.run_id,
        plan: &plan,
        picture: &picture,
        facts: &facts,
        rest: list::rest(&row, &at_rest),
        behind: behind.as_ref(),
        turn: match picture.status {
            RunStatus::Pending => place(composition, proof, row.metadata.run_id).await?,
            _ => None,
        },
        now: crate::clock::now(),
    };
    let Some(id) = &arguments.step else { return Ok(why::run(&case)) };
    why::of_step(&case, id).ok_or_else(|| named::no_step(&picture, id, ""))
}

/// The most waiting runs among which a place is looked for.
const MOST_WAITING: u32 = 500;

/// Its place among the runs that wait to be started.
async fn place<A: Permits>(
    composition: &Composition,
    proof: &Authorized<Run, A>,
    run: RunId,
) -> Result<Option<usize>, Problem> {
    let transaction = composition.store.begin(proof.scope(), Kind::Act)?;
    let waiting = transaction.waiting_runs(MOST_WAITING).await?;
    Ok(waiting.iter().position(|waiting| waiting.run_id == run).map(|before| before + 1))
}

fn show(run: RunId, answer: &Answer, screen: &mut Screen) {
    if !screen.for_people() {
        let mut value = answer.json();
        if let Some(object) = value.as_object_mut() {
            object.insert("runId".to_owned(), json!(run));
        }
        screen.json(&value);
        return;
    }
    let width = screen.width();
    let mut tell = |reason: &Reason, indent: &str| {
        screen.line(&indented(&format!("{indent}{}", safe(&reason.text)), width));
        if let Some(next) = &reason.next {
            screen.line(&format!("{indent}  {}", screen.paint().faint(next)));
        }
    };
    tell(&answer.first, "");
    answer.below.iter().for_each(|reason| tell(reason, "  "));
    if answer.untold > 0 {
        screen.note(&format!("  … {} more: dvt runs get {}", answer.untold, crate::view::end::brief(run)));
    }
}
