//! What an act on the tenant would come to, as `--dry-run` tells it: what would change, and what the act takes.
//!
//! It refuses whoever may not do the act, and enters nothing about that: nothing was asked for.

use crate::compose::Composition;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::view::screen::Screen;
use crate::view::width::indented;
use dvt_model::action::Action;
use dvt_model::decision::Operation;
use dvt_model::proof::{Authorized, Permits};
use dvt_model::resource::Tenant;
use serde_json::{Map, Value, json};

/// The right to an act on the tenant. Where it is only weighed, a refusal is entered nowhere.
pub(in crate::command) async fn tenant_proof<A: Permits>(
    composition: &Composition,
    route: &str,
    dry_run: bool,
) -> Result<Authorized<Tenant, A>, Problem> {
    if dry_run {
        may::<A>(composition)?;
    }
    Ok(composition.access.tenant(&composition.context, route).await?)
}

/// Refuses whoever may not do an act that is only weighed, in the words in which the act would be.
pub(super) fn may<A: Permits>(composition: &Composition) -> Result<(), Problem> {
    Ok(composition.access.may_act(&composition.context, A::ACTION)?)
}

/// The reason for an act: as given, or asked for; nobody is asked about what is not done.
pub(in crate::command) fn reason(
    given: Option<&String>,
    dry_run: bool,
    what: &str,
    screen: &Screen,
) -> Result<String, Problem> {
    match given {
        None if dry_run => Ok("--dry-run".to_owned()),
        given => super::reason(given, what, screen),
    }
}

/// What an act takes beside the will to do it.
#[derive(Debug, Clone, Copy)]
pub(in crate::command) struct Takes {
    /// The right.
    pub(in crate::command) right: Action,
    /// What the decision record is about, where there must be one.
    pub(in crate::command) record: Option<Operation>,
}

impl Takes {
    fn told(self) -> String {
        let record = match self.record {
            Some(operation) => format!("a reason (-m), which stands in the ledger as {operation}"),
            None => "no reason".to_owned(),
        };
        format!("takes {}, which you have, and {record}", self.right)
    }
}

/// Shows it: a title and what stands below it, or the members of `data`.
pub(in crate::command) fn show(
    title: &str,
    lines: &[String],
    data: Value,
    takes: Takes,
    screen: &mut Screen,
) -> Exit {
    if !screen.for_people() {
        let mut all = Map::from_iter([("dryRun".to_owned(), true.into())]);
        if let Value::Object(members) = data {
            all.extend(members);
        }
        all.insert("right".to_owned(), json!(takes.right));
        all.insert("record".to_owned(), json!(takes.record));
        screen.json(&Value::Object(all));
        return Exit::Completed;
    }
    screen.line(title);
    let width = screen.width();
    for line in lines.iter().chain([&takes.told()]) {
        screen.line(&indented(&format!("  {line}"), width));
    }
    Exit::Completed
}
