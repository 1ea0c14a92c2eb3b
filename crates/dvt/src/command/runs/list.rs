//! `dvt runs list`: the newest runs of this profile.

use crate::compose::Composition;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::view::duration::short;
use crate::view::end::brief;
use crate::view::screen::{Format, Screen};
use crate::view::table;
use crate::view::width::{clip, columns};
use clap::Args;
use dvt_model::proof::{Authorized, RunReadStatus};
use dvt_model::resource::Project;
use dvt_store::port::operation::RunRow;
use dvt_store::port::transaction::Kind;
use serde_json::{Value, json};

/// List runs, newest first.
///
/// Example:
///   dvt runs list --limit 5
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// At most so many.
    #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    limit: u32,
    /// The next page, as the one before named it.
    #[arg(long, value_name = "CURSOR", allow_hyphen_values = true)]
    cursor: Option<String>,
}

/// Does it.
pub(crate) async fn run(
    arguments: &Arguments,
    composition: &Composition,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    let read: Authorized<Project, RunReadStatus> =
        composition.access.project(&composition.context, "dvt runs list").await?;
    let transaction = composition.store.begin(read.scope(), Kind::Act)?;
    let page = transaction.list_runs(arguments.limit, arguments.cursor.as_deref()).await?;
    let live = dvt_engine::engine_is_live(&composition.store);
    match screen.format {
        Format::Json => {
            let runs: Vec<Value> = page.rows.iter().map(|row| data(row, live)).collect();
            screen.json(&json!({"runs": runs, "next": page.next}));
        }
        Format::Jsonl => page.rows.iter().for_each(|row| screen.json(&data(row, live))),
        Format::Table => {
            let rows: Vec<Vec<String>> = page.rows.iter().map(|row| cells(row, live)).collect();
            if rows.is_empty() {
                screen.note("no runs yet: dvt run examples/orders-etl/plan.yaml --allow-host");
            } else {
                screen.out(&fitting(&page.rows, rows, screen.width()));
            }
            if let Some(next) = page.next {
                screen.note(&format!("more: dvt runs list --cursor {next}"));
            }
        }
    }
    Ok(Exit::Completed)
}

/// The table. Where whole ids have no room, their first digits stand for them; those name a run as well.
fn fitting(runs: &[RunRow], mut rows: Vec<Vec<String>>, width: usize) -> String {
    let draw = |rows: &[Vec<String>]| table::draw(&["RUN", "PLAN", "STATUS", "QUEUED (UTC)", "TOOK"], rows);
    let whole = draw(&rows);
    if whole.lines().all(|line| columns(line) <= width) {
        return whole;
    }
    for (cells, run) in rows.iter_mut().zip(runs) {
        if let Some(cell) = cells.first_mut() {
            *cell = brief(run.metadata.run_id);
        }
    }
    draw(&rows).lines().map(|line| clip(line, width) + "\n").collect()
}

/// A run that has not ended and that no engine works on.
pub(crate) fn is_recovering(row: &RunRow, engine_is_live: bool) -> bool {
    !row.status.is_terminal() && !engine_is_live
}

fn data(row: &RunRow, live: bool) -> Value {
    let mut object = json!({
        "runId": row.metadata.run_id,
        "planName": row.metadata.plan_name,
        "planVersion": row.metadata.plan.plan_version,
        "status": row.status,
        "lastRunSeq": row.last_run_seq,
        "queuedAt": row.queued_at,
        "updatedAt": row.updated_at,
        "detached": row.detached,
    });
    if let Some(object) = object.as_object_mut().filter(|_| is_recovering(row, live)) {
        object.insert("substatus".to_owned(), json!("RECOVERING"));
    }
    object
}

fn cells(row: &RunRow, live: bool) -> Vec<String> {
    let status = if is_recovering(row, live) { "RECOVERING" } else { row.status.as_str() };
    let queued = row.queued_at.to_string();
    let queued = queued.get(..19).unwrap_or(&queued).replace('T', " ");
    let end = if row.status.is_terminal() { row.updated_at } else { crate::clock::now() };
    vec![
        row.metadata.run_id.to_string(),
        row.metadata.plan_name.clone(),
        status.to_owned(),
        queued,
        short(end.ms_since(row.queued_at)),
    ]
}
