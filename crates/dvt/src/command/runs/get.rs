//! `dvt runs get RUN`: how a run stands, why its steps wait, what came out. From the fold of its events alone.

use super::{fold, list, locate, picture, plan, row};
use crate::compose::Composition;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::view::picture::Picture;
use crate::view::safe::safe;
use crate::view::screen::{Screen, size};
use crate::view::tree::{self, Canvas};
use crate::view::{end, json};
use clap::Args;
use dvt_model::proof::{Authorized, RunReadPayload, RunReadStatus};
use dvt_model::resource::Run;
use dvt_store::port::operation::RunRow;

/// Show a run: its state, each step, why something waits, and the outputs.
///
/// Example:
///   dvt runs get @latest
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The run: an id, its first six or more digits, or `@latest`.
    #[arg(value_name = "RUN")]
    run: String,
}

const ROUTE: &str = "dvt runs get";

/// Does it.
pub(crate) async fn run(
    arguments: &Arguments,
    composition: &Composition,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    let run = locate::run(&arguments.run, composition, ROUTE).await?;
    let Composition { access, context, store, .. } = composition;
    let _status: Authorized<Run, RunReadStatus> = access.run(context, run, ROUTE).await?;
    let read: Authorized<Run, RunReadPayload> = access.run(context, run, ROUTE).await?;
    let row = row(composition, &read).await?;
    let plan = plan(composition, &read, &row).await?;
    let (picture, events) = picture(composition, &read, &plan).await?;
    let recovering =
        !picture.status.is_terminal() && list::is_recovering(&row, dvt_engine::engine_is_live(store));
    if screen.for_people() {
        show(&row, &picture, recovering, screen);
    } else {
        screen.json(&json::snapshot(&row.metadata, &picture, &fold::snapshot(&plan, &events), recovering));
    }
    Ok(Exit::Completed)
}

fn show(row: &RunRow, picture: &Picture, recovering: bool, screen: &mut Screen) {
    let run = row.metadata.run_id;
    let paint = screen.paint();
    screen
        .line(&paint.bold(&format!("{}  {run}  {}", row.metadata.plan_name, row.metadata.plan.plan_version)));
    let width = if screen.is_live() { size().1 } else { 160 };
    let canvas = Canvas { now: crate::clock::now(), width, paint, frame: 0, live: false };
    for line in tree::draw(picture, canvas) {
        screen.line(&line);
    }
    let outputs = picture.outputs.as_ref().and_then(serde_json::Value::as_object);
    for (name, value) in outputs.into_iter().flatten() {
        screen.line(&format!("  = {name}: {}", safe(&value.to_string())));
    }
    screen.line("");
    if recovering {
        screen.line(&format!("{} since {}", paint.yellow("RECOVERING"), row.updated_at));
        screen.line(&format!("no engine works on it; go on: dvt runs resume {run}"));
        return;
    }
    let summary = end::summary(picture, None, paint);
    match picture.ending {
        Some(ending) => screen.out(&format!("{ending}: {summary}")),
        None => screen.out(&summary),
    }
    if picture.failure.is_some() {
        screen.out(&end::failure_line(picture, run, paint));
    }
}
