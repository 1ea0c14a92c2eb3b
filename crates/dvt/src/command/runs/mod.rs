//! `dvt runs …`: what runs there are, how one stands and why, what it printed and did, and every act upon one.

mod act;
pub(crate) mod approve;
pub(crate) mod cancel;
pub(crate) mod events;
pub(crate) mod fold;
mod foresee;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod locate;
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
pub(crate) mod typed;
mod wait;
mod weigh;
pub(crate) mod why;

use crate::compose::{Composition, within};
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::profile::Selected;
use crate::view::picture::Picture;
use crate::view::screen::Screen;
use clap::Subcommand;
use dvt_core::event::body::ApprovalGate;
use dvt_model::action::Action;
use dvt_model::code::Code;
use dvt_model::proof::{Authorized, Permits};
use dvt_model::resource::Run;
use dvt_plan::plan::Plan;
use dvt_store::port::operation::{RunRow, StoredEvent};
use dvt_store::port::transaction::Kind;

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

/// The row of a run that one may see.
pub(crate) async fn row<A: Permits>(
    composition: &Composition,
    proof: &Authorized<Run, A>,
) -> Result<RunRow, Problem> {
    let transaction = composition.store.begin(proof.scope(), Kind::Act)?;
    let row = transaction.run(proof.resource().id).await?;
    row.ok_or_else(|| dvt_access::Denied::not_found().into())
}

/// The plan that a run follows, as it was published, behind the approval that its tenant put before it.
pub(crate) async fn plan<A: Permits>(
    composition: &Composition,
    proof: &Authorized<Run, A>,
    row: &RunRow,
) -> Result<Plan, Problem> {
    let transaction = composition.store.begin(proof.scope(), Kind::Act)?;
    let reference = &row.metadata.plan;
    let stored = transaction.plan(reference.plan_id, &reference.plan_version).await?;
    let stored =
        stored.ok_or_else(|| Problem::new(Code::PayloadErased, "the run's plan is no longer kept"))?;
    let plan = dvt_plan::load(&stored.document).map_err(|_| {
        Problem::new(Code::PlanIntegrityValidationFailed, "the run's plan can no longer be read as a plan")
    })?;
    gated(composition, proof, plan).await
}

/// The same of a plan that is at hand: which approval a run waits for stands in its first event.
pub(crate) async fn gated<A: Permits>(
    composition: &Composition,
    proof: &Authorized<Run, A>,
    plan: Plan,
) -> Result<Plan, Problem> {
    let transaction = composition.store.begin(proof.scope(), Kind::Act)?;
    let first = transaction.fetch_events(proof.resource().id, 0, 1).await?.into_iter().next();
    let gate = first.and_then(|first| first.payload?.get("approvalGate").cloned());
    let gate = gate.and_then(|gate| serde_json::from_value::<ApprovalGate>(gate).ok());
    Ok(gate.iter().fold(plan, dvt_core::gated))
}

/// How a run looks now, and its events. Who holds no more than the right to its status shows no payload of them.
pub(crate) async fn picture<A: Permits>(
    composition: &Composition,
    proof: &Authorized<Run, A>,
    plan: &Plan,
) -> Result<(Picture, Vec<StoredEvent>), Problem> {
    if A::ACTION == Action::RunReadPayload {
        let transaction = composition.store.begin(proof.scope(), Kind::Act)?;
        if transaction.is_erased(proof.resource().id).await? {
            return Err(Problem::new(Code::PayloadErased, "what the run's payloads said is erased")
                .why("the keys that they lay under were destroyed; that the run was can still be proved")
                .fix("dvt runs list    shows it\ndvt audit verify  shows that nothing else is gone"));
        }
    }
    let events = crate::command::run::follow::events(composition, proof, 0).await?;
    let mut picture = Picture::new(plan);
    events.iter().for_each(|event| picture.apply(event));
    Ok((picture, events))
}
