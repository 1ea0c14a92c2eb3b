//! `dvt runs list`: the newest runs of this profile, or those in some state, of some plan, of some time.
//!
//! A cursor belongs to its filter: with another state or plan it is refused, and the time of the first page stands in it.

use super::turn;
use crate::command::audit::filter::time;
use crate::compose::Composition;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::view::duration::short;
use crate::view::end::brief;
use crate::view::safe::safe;
use crate::view::screen::{Format, Screen};
use crate::view::table;
use crate::view::turn::Turn;
use crate::view::width::{clip, columns};
use clap::Args;
use dvt_engine::{AtRest, Rest};
use dvt_model::id::PlanName;
use dvt_model::proof::{Authorized, RunReadStatus};
use dvt_model::resource::Project;
use dvt_model::run::RunStatus;
use dvt_store::port::operation::{RunFilter, RunRow};
use dvt_store::port::transaction::Kind;
use serde_json::{Value, json};

/// List runs, newest first.
///
/// Example:
///   dvt runs list --status failed --since 7d --limit 5
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// Only in this state: pending, running, paused, completed, failed, cancelled; `open` for all before their end.
    #[arg(long, value_name = "STATUS", value_delimiter = ',')]
    status: Vec<String>,
    /// Only of the plan of this name.
    #[arg(long, value_name = "NAME")]
    plan: Option<String>,
    /// Only queued since then: a time (RFC 3339) or how long ago (`7d`, `12h`).
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only queued before then, in the same words.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
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
    let filter = filter(arguments)?;
    let page = transaction.list_runs_of(&filter, arguments.limit, arguments.cursor.as_deref()).await?;
    let at_rest = AtRest::now(&composition.store, &composition.parts.folder);
    let mut rows = Vec::with_capacity(page.rows.len());
    for row in &page.rows {
        let behind = turn::of(composition, &read, row).await?;
        rows.push(Listed { row, behind, is_recovering: rest(row, &at_rest).is_some() });
    }
    match screen.format {
        Format::Json => {
            let runs: Vec<Value> = rows.iter().map(Listed::data).collect();
            screen.json(&json!({"runs": runs, "next": page.next}));
        }
        Format::Jsonl => rows.iter().for_each(|row| screen.json(&row.data())),
        Format::Table => {
            let rows: Vec<Vec<String>> = rows.iter().map(Listed::cells).collect();
            if rows.is_empty() && filter != RunFilter::default() {
                screen.note("no such run: dvt runs list    shows all of them");
            } else if rows.is_empty() {
                screen.note("no runs yet: dvt run examples/orders-etl/plan.yaml --allow-host");
            } else {
                screen.out(&fitting(&page.rows, rows, screen.width()));
            }
            if let Some(next) = page.next {
                screen.note(&format!("more: dvt runs list{} --cursor {next}", typed(arguments)));
            }
        }
    }
    Ok(Exit::Completed)
}

fn filter(arguments: &Arguments) -> Result<RunFilter, Problem> {
    let now = crate::clock::now();
    let time = |text: &Option<String>| text.as_deref().map(|text| time(text, now)).transpose();
    let mut statuses = Vec::new();
    for word in &arguments.status {
        let upper = word.to_uppercase();
        match RunStatus::parse(&upper) {
            Some(status) => statuses.push(status),
            None if upper == "OPEN" => {
                statuses.extend([RunStatus::Pending, RunStatus::Running, RunStatus::Paused])
            }
            None => {
                return Err(Problem::usage(format!("`{}` is no state of a run", safe(word)))
                    .fix("--status pending, running, paused, completed, failed, cancelled or open"));
            }
        }
    }
    let plan = arguments.plan.as_deref().map(PlanName::parse).transpose()?;
    Ok(RunFilter { statuses, plan, since: time(&arguments.since)?, until: time(&arguments.until)? })
}

/// The states and the plan as they were typed, for the next page; the time stands in the cursor.
fn typed(arguments: &Arguments) -> String {
    let status = arguments.status.join(",");
    let status = if status.is_empty() { status } else { format!(" --status {status}") };
    let plan = arguments.plan.as_ref().map_or_else(String::new, |plan| format!(" --plan {plan}"));
    safe(&format!("{status}{plan}")).into_owned()
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

/// Why no engine works on a run that has not ended; `None` where one does, or it has.
pub(crate) fn rest(row: &RunRow, at_rest: &AtRest) -> Option<Rest> {
    at_rest.of(row.metadata.run_id).filter(|_| !row.status.is_terminal())
}

/// A run as it is listed.
struct Listed<'r> {
    row: &'r RunRow,
    /// The runs of its concurrency group that go before it.
    behind: Option<Turn>,
    is_recovering: bool,
}

impl Listed<'_> {
    fn data(&self) -> Value {
        let row = self.row;
        let mut value = json!({
            "runId": row.metadata.run_id,
            "planName": row.metadata.plan_name,
            "planVersion": row.metadata.plan.plan_version,
            "status": row.status,
            "lastRunSeq": row.last_run_seq,
            "queuedAt": row.queued_at,
            "updatedAt": row.updated_at,
            "detached": row.detached,
        });
        if let Some(object) = value.as_object_mut() {
            object.extend(self.is_recovering.then(|| ("substatus".to_owned(), json!("RECOVERING"))));
            object.extend(self.behind.as_ref().map(|behind| ("waitsFor".to_owned(), behind.json())));
        }
        value
    }

    fn cells(&self) -> Vec<String> {
        let row = self.row;
        let status = match &self.behind {
            _ if self.is_recovering => "RECOVERING".to_owned(),
            Some(behind) => format!("{}, {}", row.status, behind.ahead()),
            None => row.status.to_string(),
        };
        let queued = row.queued_at.to_string();
        let queued = queued.get(..19).unwrap_or(&queued).replace('T', " ");
        let end = if row.status.is_terminal() { row.updated_at } else { crate::clock::now() };
        vec![
            row.metadata.run_id.to_string(),
            row.metadata.plan_name.clone(),
            status,
            queued,
            short(end.ms_since(row.queued_at)),
        ]
    }
}
