//! `dvt audit show`: the ledger, newest first, as far as one may read it. Reading it is an entry too.

use super::filter::{Filter, data};
use crate::compose::Composition;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::view::screen::{Format, Screen};
use crate::view::table;
use crate::view::width::clip;
use clap::Args;
use dvt_access::reading::Reading;
use dvt_model::action::Action;
use dvt_model::proof::{AuditRead, AuditReadSelf, Authorized};
use dvt_model::resource::Ledger;
use dvt_store::port::ledger::{Page, Query, Row, Sight};
use dvt_store::port::transaction::Kind;
use serde_json::{Value, json};

const ROUTE: &str = "dvt audit show";

/// Show entries of the ledger, newest first: who did what, upon what, and how it ended.
///
/// Example:
///   dvt audit show --since 7d --decision DENIED
///   dvt audit show --resource @latest
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    #[command(flatten)]
    filter: Filter,
    /// Only what you caused, or what concerns you; without the right to read the ledger it is always so.
    #[arg(long)]
    mine: bool,
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
    let query = arguments.filter.query(composition, ROUTE).await?;
    let cursor = arguments.cursor.as_deref();
    let (access, context) = (&composition.access, &composition.context);
    let mine = arguments.mine || !access.may(context, Action::AuditRead);
    let page = if mine {
        let proof: Authorized<Ledger, AuditReadSelf> = access.ledger(context, ROUTE).await?;
        let page = read(composition, &Sight::own(&proof), &query, cursor).await?;
        access.entered_reading(&proof, Reading::Page, question(&query, &page), ROUTE).await?;
        page
    } else {
        let proof: Authorized<Ledger, AuditRead> = access.ledger(context, ROUTE).await?;
        let page = read(composition, &Sight::whole(&proof), &query, cursor).await?;
        access.entered_reading(&proof, Reading::Page, question(&query, &page), ROUTE).await?;
        page
    };
    show(&page, mine, screen);
    Ok(Exit::Completed)
}

async fn read(
    composition: &Composition,
    sight: &Sight,
    query: &Query,
    cursor: Option<&str>,
) -> Result<Page, Problem> {
    let transaction = composition.store.begin(composition.context.scope(), Kind::Act)?;
    Ok(transaction.read_ledger(sight, query, cursor).await?)
}

/// What was looked through and how much came out, for the entry of the reading.
fn question(query: &Query, page: &Page) -> Value {
    json!({
        "query": data(query), "since": page.range.since, "until": page.range.until, "rows": page.rows.len(),
        "first": page.rows.last().map(|row| row.index), "last": page.rows.first().map(|row| row.index),
    })
}

fn show(page: &Page, mine: bool, screen: &mut Screen) {
    let value = |row: &Row| json!({ "index": row.index, "entry": row.envelope, "redacted": row.redacted });
    match screen.format {
        Format::Json => {
            let rows: Vec<Value> = page.rows.iter().map(value).collect();
            let range = json!({ "since": page.range.since, "until": page.range.until });
            screen.json(&json!({ "entries": rows, "next": page.next, "range": range }));
        }
        Format::Jsonl => page.rows.iter().for_each(|row| screen.json(&value(row))),
        Format::Table => {
            let whose = if mine { " that you caused or that concern you" } else { "" };
            if page.rows.is_empty() {
                screen.note(&format!(
                    "no such entries{whose} from {} to {}",
                    minute(&page.range.since.to_string()),
                    minute(&page.range.until.to_string())
                ));
            } else {
                let rows: Vec<Vec<String>> = page.rows.iter().map(cells).collect();
                let head = ["INDEX", "TIME (UTC)", "WHO", "WHAT", "HOW", "UPON"];
                let width = screen.width();
                let lines: String =
                    table::draw(&head, &rows).lines().map(|line| clip(line, width) + "\n").collect();
                screen.out(&lines);
            }
            if let Some(next) = &page.next {
                screen.note(&format!("more: dvt audit show --cursor {next}   with the same filters"));
            }
        }
    }
}

fn minute(time: &str) -> String {
    time.get(..16).unwrap_or(time).replace('T', " ")
}

fn cells(row: &Row) -> Vec<String> {
    let text = |pointer: &str| row.envelope.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    // Half an id names a principal as well as a whole one to the eye; programs get whole ones.
    let who = match text("/actor/id") {
        "" => format!("another {}", text("/actor/type")),
        id if text("/actor/type") == "system" => {
            if id.is_empty() {
                String::new()
            } else {
                "engine".to_owned()
            }
        }
        id => id.get(..12).unwrap_or(id).to_owned(),
    };
    let what = match (text("/eventName"), text("/stepId")) {
        ("", _) => text("/action").to_owned(),
        (name, "") => name.to_owned(),
        (name, step) => format!("{name} {step}"),
    };
    let time = text("/recordedAt");
    vec![
        row.index.to_string(),
        time.get(..19).unwrap_or(time).replace('T', " "),
        who,
        what,
        text("/decision").to_owned(),
        text("/resource/id").to_owned(),
    ]
}
