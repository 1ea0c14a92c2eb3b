//! Which run is meant: a whole id, the first six or more digits of one, its plan's name where that has one run, `NAME@latest`, or
//! `@latest`, which is no run of a sub-plan.
//!
//! A whole id goes to access as it is: hidden and absent are one answer there, and this file adds nothing to it. Prefixes
//! are looked up in the caller's own scope only.

use crate::compose::Composition;
use crate::problem::Problem;
use dvt_model::code::Code;
use dvt_model::id::{PlanName, RunId};
use dvt_model::proof::{Authorized, RunReadStatus};
use dvt_model::resource::Project;
use dvt_store::port::operation::RunFilter;
use dvt_store::port::transaction::{Kind, TenantTx};

/// The fewest digits of a prefix.
const FEWEST_DIGITS: usize = 6;
/// Of the runs of a plan so many are named, the newest first.
const MOST_CANDIDATES: u32 = 5;
/// Runs that are looked at together.
const PAGE: u32 = 20;

/// Finds the run.
pub(crate) async fn run(text: &str, composition: &Composition, route: &str) -> Result<RunId, Problem> {
    if let Ok(run) = RunId::parse(text) {
        return Ok(run);
    }
    let wanted = wanted(text)?;
    let read: Authorized<Project, RunReadStatus> =
        composition.access.project(&composition.context, route).await?;
    let transaction = composition.store.begin(read.scope(), Kind::Act)?;
    match wanted {
        Wanted::Newest => newest(&transaction).await?.ok_or_else(|| {
            Problem::new(Code::NotFound, "there is no run yet")
                .fix("dvt run examples/orders-etl/plan.yaml --allow-host")
        }),
        Wanted::Prefix(prefix) => {
            let found = transaction.runs_by_prefix(&prefix).await?;
            match (found.as_slice(), PlanName::parse(text)) {
                ([run], _) => Ok(*run),
                // Digits may be a name as well.
                ([], Ok(name)) => {
                    let found = named(text, name, false, &transaction).await?;
                    found.ok_or_else(|| dvt_access::Denied::not_found().into())
                }
                ([], Err(_)) => Err(dvt_access::Denied::not_found().into()),
                (candidates, _) => Err(more_than_one(text, candidates)),
            }
        }
        Wanted::OfPlan { name, newest } => {
            named(text, name, newest, &transaction).await?.ok_or_else(|| names_none(text))
        }
    }
}

/// What a text may mean.
enum Wanted {
    Newest,
    Prefix(String),
    OfPlan { name: PlanName, newest: bool },
}

fn wanted(text: &str) -> Result<Wanted, Problem> {
    if text == "@latest" {
        return Ok(Wanted::Newest);
    }
    if let Some(prefix) = prefix_of(text) {
        return Ok(Wanted::Prefix(prefix));
    }
    let (name, newest) = text.strip_suffix("@latest").map_or((text, false), |name| (name, true));
    PlanName::parse(name).map(|name| Wanted::OfPlan { name, newest }).map_err(|_| names_none(text))
}

/// The run of a plan; of several the newest, where that is asked for.
async fn named(
    text: &str,
    name: PlanName,
    newest: bool,
    transaction: &TenantTx,
) -> Result<Option<RunId>, Problem> {
    let filter = RunFilter { plan: Some(name), ..RunFilter::default() };
    let page = transaction.list_runs_of(&filter, MOST_CANDIDATES, None).await?;
    let found: Vec<RunId> = page.rows.iter().map(|row| row.metadata.run_id).collect();
    match found.as_slice() {
        [] => Ok(None),
        [run] => Ok(Some(*run)),
        [run, ..] if newest => Ok(Some(*run)),
        candidates => Err(more_than_one(text, candidates).fix(format!("{text}@latest   for the newest"))),
    }
}

fn more_than_one(text: &str, candidates: &[RunId]) -> Problem {
    let list = candidates.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    let mut problem = Problem::new(Code::InvalidId, format!("`{text}` means more than one run"));
    problem.notes.push(("one of", list));
    problem
}

/// The newest run that somebody started: runs of sub-plans are passed over, for `@latest` means what one just did.
async fn newest(transaction: &TenantTx) -> Result<Option<RunId>, Problem> {
    let mut cursor: Option<String> = None;
    loop {
        let page = transaction.list_runs(PAGE, cursor.as_deref()).await?;
        for row in page.rows {
            let run = row.metadata.run_id;
            let first = transaction.fetch_events(run, 0, 1).await?.into_iter().next();
            // Of an erased run this is not known any more; it was started by somebody, as far as anybody can tell.
            let queued = first.and_then(|first| first.payload);
            if queued.is_none_or(|queued| queued.get("parentRunId").is_none()) {
                return Ok(Some(run));
            }
        }
        if page.next.is_none() {
            return Ok(None);
        }
        cursor = page.next;
    }
}

/// `run_7c1e12` from `7c1e12` or `run_7c1e12`.
fn prefix_of(text: &str) -> Option<String> {
    let digits = text.strip_prefix(RunId::PREFIX).unwrap_or(text);
    let hex = digits.bytes().filter(|byte| *byte != b'-').count();
    let is_hex = digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-'));
    let is_prefix = is_hex && hex >= FEWEST_DIGITS && digits.len() < 36;
    is_prefix.then(|| format!("{}{digits}", RunId::PREFIX))
}

fn names_none(text: &str) -> Problem {
    Problem::new(Code::InvalidId, format!("`{text}` names no run")).fix(
        "a whole id (`run_…`), its first six or more digits, its plan's name (`NAME@latest` is its newest run), or `@latest`; `dvt runs list` shows them",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_has_six_digits_or_more() {
        assert_eq!(prefix_of("7c1e12").unwrap(), "run_7c1e12");
        assert_eq!(prefix_of("run_7c1e12ab-4").unwrap(), "run_7c1e12ab-4");
        for wrong in
            ["", "7c1e1", "run_", "7C1E12", "latest", "7c1e1-----", "7c1e12ab-0000-4000-8000-0000000000001"]
        {
            assert!(prefix_of(wrong).is_none(), "{wrong}");
        }
    }
}
