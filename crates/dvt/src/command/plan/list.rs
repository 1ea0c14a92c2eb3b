//! `dvt plan list [NAME]`: published versions, the newest first.

use crate::compose::Composition;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::view::screen::{Format, Screen};
use crate::view::table;
use clap::Args;
use dvt_model::id::PlanName;
use dvt_model::proof::{Authorized, PlanRead};
use dvt_model::resource::Project;
use dvt_store::port::operation::{PlanFilter, PlanVersion};
use dvt_store::port::transaction::Kind;
use serde_json::{Value, json};

/// List published plans and their versions, the newest first.
///
/// Example:
///   dvt plan list --all
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// Only this plan.
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Also plans that were run as they lay there, without a version of their own.
    #[arg(long)]
    all: bool,
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
    let read: Authorized<Project, PlanRead> =
        composition.access.project(&composition.context, "dvt plan list").await?;
    let name = arguments.name.as_deref().map(PlanName::parse).transpose()?;
    let filter = PlanFilter { name, development: arguments.all };
    let transaction = composition.store.begin(read.scope(), Kind::Act)?;
    let page = transaction.list_plans(&filter, arguments.limit, arguments.cursor.as_deref()).await?;
    match screen.format {
        Format::Json => {
            let plans: Vec<Value> = page.rows.iter().map(data).collect();
            screen.json(&json!({ "plans": plans, "next": page.next }));
        }
        Format::Jsonl => page.rows.iter().for_each(|row| screen.json(&data(row))),
        Format::Table => {
            if page.rows.is_empty() {
                screen.note("no plan is published yet: dvt plan publish FILE --as 1.0.0");
            } else {
                let rows: Vec<Vec<String>> = page.rows.iter().map(cells).collect();
                screen.out(&table::draw(&["PLAN", "VERSION", "PUBLISHED (UTC)", "DIGEST"], &rows));
            }
            if let Some(next) = page.next {
                let name = arguments.name.as_ref().map_or_else(String::new, |name| format!(" {name}"));
                let all = if arguments.all { " --all" } else { "" };
                screen.note(&format!("more: dvt plan list{name}{all} --cursor {next}"));
            }
        }
    }
    Ok(Exit::Completed)
}

/// A version as data.
pub(super) fn data(row: &PlanVersion) -> Value {
    json!({
        "planId": row.plan.plan_id,
        "planName": row.name,
        "planVersion": row.plan.plan_version,
        "digest": row.plan.digest,
        "environmentId": row.environment_id,
        "publishedAt": row.published_at,
        "kept": row.is_kept,
    })
}

fn cells(row: &PlanVersion) -> Vec<String> {
    let at = row.published_at.to_string();
    let digest = row.plan.digest.hex();
    let kept = if row.is_kept { "" } else { "  (document no longer kept)" };
    vec![
        row.name.clone(),
        row.plan.plan_version.clone(),
        at.get(..19).unwrap_or(&at).replace('T', " "),
        format!("{}{kept}", digest.get(..12).unwrap_or(&digest)),
    ]
}
