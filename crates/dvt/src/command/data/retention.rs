//! `dvt data retention list|set`: how long each kind of data is kept.

use super::keeping;
use super::sweep;
use super::would::{self, Takes};
use crate::compose::Composition;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::view::duration::plural;
use crate::view::screen::Screen;
use crate::view::table;
use clap::{Args, Subcommand};
use dvt_model::action::Action;
use dvt_model::proof::{AuditRead, Authorized, RetentionSet};
use dvt_model::resource::{Ledger, Tenant};
use dvt_store::port::transaction::Kind;
use dvt_store::{Data, Rule, Swept};
use serde_json::json;

/// See and change how long data is kept.
///
/// Example:
///   dvt data retention list
#[derive(Debug, Subcommand)]
#[command(verbatim_doc_comment)]
pub(crate) enum Command {
    List(List),
    Set(Set),
}

/// List each kind of data with its days.
///
/// Example:
///   dvt data retention list
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct List {}

/// Keep a kind of data for so many days, not less than the law says.
///
/// Example:
///   dvt data retention set log 30 --dry-run
///   dvt data retention set log 30
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Set {
    /// What: `run`, `log`, `phi`, `financial`, `secret-access`, `compliance`, `plan`, `ledger`.
    #[arg(value_name = "DATA")]
    data: String,
    /// For how many days.
    #[arg(value_name = "DAYS")]
    days: u64,
    /// The version that the change is made from, as `list` shows it; without it the present one.
    #[arg(long, value_name = "VERSION")]
    from_version: Option<u64>,
    /// Only show what it would change, and what would end by it.
    #[arg(long)]
    dry_run: bool,
}

/// Does it.
pub(crate) async fn run(
    command: Command,
    composition: &Composition,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    let Composition { access, context, store, .. } = composition;
    let scope = context.scope();
    if let Command::Set(arguments) = &command {
        let proof: Authorized<Tenant, RetentionSet> =
            would::tenant_proof(composition, "dvt data retention set", arguments.dry_run).await?;
        let data = Data::parse(&arguments.data).ok_or_else(|| {
            let all = Data::ALL.map(Data::as_str).join(", ");
            Problem::usage(format!("`{}` is no kind of data", arguments.data)).fix(format!("one of: {all}"))
        })?;
        let rules = store.begin(scope, Kind::Act)?.retention().await?;
        let before = rules.into_iter().find(|rule| rule.data == data);
        let before = before.unwrap_or(Rule { data, days: data.default_days(), row_version: 0 });
        let from = arguments.from_version.unwrap_or(before.row_version);
        if arguments.dry_run {
            let rule = (data, arguments.days);
            let ends = keeping(composition).would_retain(&proof, rule, from).await?;
            return Ok(foreseen(&before, arguments.days, &ends, screen));
        }
        keeping(composition).retain(&proof, (data, arguments.days), from).await?;
    } else {
        let _read: Authorized<Ledger, AuditRead> = access.ledger(context, "dvt data retention list").await?;
    }
    let rules = store.begin(scope, Kind::Act)?.retention().await?;
    if screen.for_people() {
        let rows: Vec<Vec<String>> = rules
            .iter()
            .map(|rule| {
                let (days, least) = (rule.days.to_string(), rule.data.least_days().to_string());
                vec![rule.data.as_str().to_owned(), days, least, rule.row_version.to_string()]
            })
            .collect();
        screen.out(&table::draw(&["DATA", "DAYS", "AT LEAST", "VERSION"], &rows));
    } else {
        let data: Vec<_> = rules
            .iter()
            .map(|rule| {
                json!({
                    "data": rule.data.as_str(),
                    "days": rule.days,
                    "leastDays": rule.data.least_days(),
                    "rowVersion": rule.row_version,
                })
            })
            .collect();
        screen.json(&json!({ "retention": data }));
    }
    Ok(Exit::Completed)
}

/// `--dry-run` of a change: from what to what, and what a sweep would end now and then.
fn foreseen(before: &Rule, days: u64, (now, then): &(Swept, Swept), screen: &mut Screen) -> Exit {
    let (name, least) = (before.data.as_str(), before.data.least_days());
    let kept = plural(days, "day", "days");
    let title = if days == before.days {
        format!("{name} would be kept for {kept}, as it is")
    } else {
        format!("{name} would be kept for {kept} instead of {}", plural(before.days, "day", "days"))
    };
    let version = before.row_version + 1;
    let mut lines =
        vec![format!("version {version} of this rule; the least is {}", plural(least, "day", "days"))];
    if then == now {
        lines.push("nothing more or less would end by it now".to_owned());
    } else {
        lines.push(format!("a sweep would end then: {}", sweep::counts(then)));
        lines.push(format!("as it is, it ends now: {}", sweep::counts(now)));
    }
    let data = json!({
        "data": name, "days": days, "daysNow": before.days, "leastDays": least, "rowVersion": version,
        "sweep": sweep::data(then), "sweepNow": sweep::data(now),
    });
    let takes = Takes { right: Action::RetentionSet, record: None };
    would::show(&title, &lines, data, takes, screen)
}
