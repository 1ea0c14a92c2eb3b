//! `dvt plan get NAME[@VERSION]`: a published plan as it is kept: its canonical document, whose digest it is named by.

use super::list;
use crate::compose::Composition;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::view::safe::safe;
use crate::view::screen::Screen;
use clap::Args;
use dvt_model::code::Code;
use dvt_model::id::PlanName;
use dvt_model::proof::{Authorized, PlanRead};
use dvt_model::resource::{Plan, Project};
use dvt_store::port::operation::PlanFilter;
use dvt_store::port::transaction::Kind;

/// Show a published plan: what names it, and its document.
///
/// Example:
///   dvt plan get orders-etl@1.0.0
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The plan: `name@version`; the name alone, or `name@latest`, is the one published last.
    #[arg(value_name = "NAME[@VERSION]")]
    plan: String,
    /// The document alone.
    #[arg(long)]
    document: bool,
}

const ROUTE: &str = "dvt plan get";

/// Does it.
pub(crate) async fn run(
    arguments: &Arguments,
    composition: &Composition,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    let (name, version) = match arguments.plan.split_once('@') {
        Some((name, "latest")) => (name, None),
        Some((name, version)) => (name, Some(version)),
        None => (arguments.plan.as_str(), None),
    };
    let name = PlanName::parse(name)?;
    let project: Authorized<Project, PlanRead> =
        composition.access.project(&composition.context, ROUTE).await?;
    let transaction = composition.store.begin(project.scope(), Kind::Act)?;
    let id = transaction.plan_id(&name).await?.ok_or_else(|| unknown(&name))?;
    let read: Authorized<Plan, PlanRead> = composition.access.plan(&composition.context, id, ROUTE).await?;
    let transaction = composition.store.begin(read.scope(), Kind::Act)?;
    let row = match version {
        Some(version) => transaction.plan_version(id, version).await?,
        None => {
            let filter = PlanFilter { name: Some(name.clone()), development: false };
            transaction.list_plans(&filter, 1, None).await?.rows.into_iter().next()
        }
    };
    let row = row.ok_or_else(|| unknown(&name))?;
    let document = transaction.plan(id, &row.plan.plan_version).await?.map(|kept| kept.document);
    let gone = || {
        Problem::new(Code::PayloadErased, format!("the document of `{name}` is no longer kept"))
            .fix("dvt plan publish FILE    brings the same version back")
    };
    let document = document.ok_or_else(gone)?;
    if !screen.for_people() {
        let mut value = list::data(&row);
        if let Some(object) = value.as_object_mut() {
            object.insert("document".to_owned(), document);
        }
        screen.json(&value);
        return Ok(Exit::Completed);
    }
    if !arguments.document {
        screen.line(&format!("{} {}  {}", row.name, row.plan.plan_version, row.plan.plan_id));
        screen.line(&format!("{}  published {}", row.plan.digest, row.published_at));
        screen.line("");
    }
    // JSON escapes what moves a cursor, not what turns text around.
    format!("{document:#}").lines().for_each(|line| screen.line(&safe(line)));
    Ok(Exit::Completed)
}

fn unknown(name: &PlanName) -> Problem {
    Problem::new(Code::NotFound, dvt_access::Denied::not_found().message)
        .fix(format!("dvt plan list {name}    shows its versions\ndvt plan list          shows all plans"))
}
