//! `dvt tenant approval get|set|remove`: the approval that every run waits for before its first step (the setting `runApproval`).
//!
//! Runs that are queued already keep what they were queued with. Where a tenant has one member, as here, he may approve what he
//! started himself (contract 1.3), and the record says so; an approval by more persons than there are is refused, for no run would
//! ever begin.

use crate::command::data::{draft, keeping, reason};
use crate::compose::Composition;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::view::duration::plural;
use crate::view::screen::Screen;
use clap::{Args, Subcommand};
use dvt_core::event::body::ApprovalGate;
use dvt_model::action::Role;
use dvt_model::decision::Operation;
use dvt_model::proof::{Authorized, PolicyWrite};
use dvt_model::resource::Tenant;
use serde_json::json;

/// See and change the approval that every run waits for.
///
/// Example:
///   dvt tenant approval get
#[derive(Debug, Subcommand)]
#[command(verbatim_doc_comment)]
pub(crate) enum Command {
    Get(Get),
    Set(Set),
    Remove(Remove),
}

/// Show who must approve a run before it starts.
///
/// Example:
///   dvt tenant approval get
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Get {}

/// Let every run that is started from now on wait until it is approved.
///
/// Example:
///   dvt tenant approval set operator --min 1 -m "two pairs of eyes since the audit"
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Set {
    /// The role that whoever approves holds.
    #[arg(value_name = "ROLE")]
    role: String,
    /// How many must approve.
    #[arg(long, value_name = "COUNT", default_value_t = 1)]
    min: u32,
    /// Why; it stands in the ledger.
    #[arg(short = 'm', long = "message", value_name = "TEXT")]
    message: Option<String>,
    /// The version that the change is made from, as `get` shows it; without it the present one.
    #[arg(long, value_name = "VERSION")]
    from_version: Option<u64>,
}

/// Let runs that are started from now on wait for nobody.
///
/// Example:
///   dvt tenant approval remove -m "the audit is over"
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Remove {
    /// Why; it stands in the ledger.
    #[arg(short = 'm', long = "message", value_name = "TEXT")]
    message: Option<String>,
    /// The version that the change is made from, as `get` shows it; without it the present one.
    #[arg(long, value_name = "VERSION")]
    from_version: Option<u64>,
}

/// Does it.
pub(crate) async fn run(
    command: &Command,
    composition: &Composition,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    let (gate, message, from) = match command {
        Command::Get(_) => {
            let proof = proof(composition, "dvt tenant approval get").await?;
            show(keeping(composition).run_approval(&proof).await?, screen);
            return Ok(Exit::Completed);
        }
        Command::Set(set) => (Some(gate(set)?), set.message.as_ref(), set.from_version),
        Command::Remove(remove) => (None, remove.message.as_ref(), remove.from_version),
    };
    let route = if gate.is_some() { "dvt tenant approval set" } else { "dvt tenant approval remove" };
    let proof = proof(composition, route).await?;
    let keeping = keeping(composition);
    let (before, version) = keeping.run_approval(&proof).await?;
    if before != gate {
        gate.iter().try_for_each(can_be_met)?;
        let why = reason(message, "changing what every run waits for", screen)?;
        let record = composition.access.record(&proof, draft(Operation::PolicyChange, why))?;
        keeping.set_run_approval(&proof, &record, (gate, from.unwrap_or(version))).await?;
    }
    show(keeping.run_approval(&proof).await?, screen);
    if gate.is_some() && screen.for_people() {
        screen.note("runs that are queued already do not wait for it");
        screen.note("you are the one member and may approve what you start; on a server somebody else must");
    }
    Ok(Exit::Completed)
}

/// Embedded is single-tenant: whoever acts here is its one member.
fn can_be_met(gate: &ApprovalGate) -> Result<(), Problem> {
    if gate.min <= 1 {
        return Ok(());
    }
    let persons = plural(u64::from(gate.min), "person", "persons");
    Err(Problem::usage(format!("this tenant has one member, and the approval would need {persons}"))
        .why("no run could ever begin")
        .fix(format!("dvt tenant approval set {} --min 1 -m \"…\"", gate.role)))
}

async fn proof(composition: &Composition, route: &str) -> Result<Authorized<Tenant, PolicyWrite>, Problem> {
    Ok(composition.access.tenant(&composition.context, route).await?)
}

fn gate(set: &Set) -> Result<ApprovalGate, Problem> {
    let role = Role::parse(&set.role).filter(|role| *role != Role::System).ok_or_else(|| {
        let all: Vec<&str> =
            Role::ALL.iter().filter(|role| **role != Role::System).map(|role| role.as_str()).collect();
        Problem::usage(format!("`{}` is no role", set.role)).fix(format!("one of: {}", all.join(", ")))
    })?;
    if set.min == 0 {
        return Err(Problem::usage("`--min` takes 1 or more").fix("dvt tenant approval remove -m \"…\""));
    }
    Ok(ApprovalGate { role, min: set.min })
}

fn show((gate, version): (Option<ApprovalGate>, u64), screen: &mut Screen) {
    if !screen.for_people() {
        screen.json(&json!({ "runApproval": gate, "version": version }));
        return;
    }
    match gate {
        Some(ApprovalGate { role, min }) => screen.line(&format!(
            "every run waits for approval by {} with the role {role}  (version {version})",
            plural(u64::from(min), "person", "persons")
        )),
        None => screen.line("runs wait for no approval of the tenant"),
    }
}
