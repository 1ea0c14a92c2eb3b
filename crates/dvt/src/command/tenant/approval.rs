//! `dvt tenant approval get|set|remove`: the approval that every run waits for before its first step (the setting `runApproval`).
//!
//! Runs that are queued already keep what they were queued with. Where a tenant has one member, as here, he may approve what he
//! started himself (contract 1.3), and the record says so; an approval by more persons than there are is refused, for no run would
//! ever begin.

use crate::command::data::would::{self, Takes};
use crate::command::data::{draft, keeping};
use crate::compose::Composition;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::view::duration::plural;
use crate::view::screen::Screen;
use clap::{Args, Subcommand};
use dvt_core::event::body::ApprovalGate;
use dvt_model::action::{Action, Role};
use dvt_model::decision::Operation;
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
///   dvt tenant approval set operator --dry-run
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
    /// Only show what it would change.
    #[arg(long)]
    dry_run: bool,
}

/// Let runs that are started from now on wait for nobody.
///
/// Example:
///   dvt tenant approval remove --dry-run
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
    /// Only show what it would change.
    #[arg(long)]
    dry_run: bool,
}

/// Does it.
pub(crate) async fn run(
    command: &Command,
    composition: &Composition,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    let (gate, message, from, dry_run) = match command {
        Command::Get(_) => {
            let proof = would::tenant_proof(composition, "dvt tenant approval get", false).await?;
            show(keeping(composition).run_approval(&proof).await?, screen);
            return Ok(Exit::Completed);
        }
        Command::Set(set) => (Some(gate(set)?), set.message.as_ref(), set.from_version, set.dry_run),
        Command::Remove(remove) => (None, remove.message.as_ref(), remove.from_version, remove.dry_run),
    };
    let route = if gate.is_some() { "dvt tenant approval set" } else { "dvt tenant approval remove" };
    let proof = would::tenant_proof(composition, route, dry_run).await?;
    let keeping = keeping(composition);
    let (before, version) = keeping.run_approval(&proof).await?;
    if before != gate {
        gate.iter().try_for_each(can_be_met)?;
        let why = would::reason(message, dry_run, "changing what every run waits for", screen)?;
        let record = composition.access.record(&proof, draft(Operation::PolicyChange, why))?;
        let change = (gate, from.unwrap_or(version));
        if dry_run {
            keeping.would_set_run_approval(&proof, &record, change).await?;
        } else {
            keeping.set_run_approval(&proof, &record, change).await?;
        }
    }
    if dry_run {
        return Ok(foreseen((before, version), gate, screen));
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
        Some(gate) => screen.line(&format!("every run waits for {}  (version {version})", approval(&gate))),
        None => screen.line("runs wait for no approval of the tenant"),
    }
}

fn approval(ApprovalGate { role, min }: &ApprovalGate) -> String {
    format!("approval by {} with the role {role}", plural(u64::from(*min), "person", "persons"))
}

/// `--dry-run` of a change: what runs would wait for, and what they wait for now.
fn foreseen(
    (before, version): (Option<ApprovalGate>, u64),
    gate: Option<ApprovalGate>,
    screen: &mut Screen,
) -> Exit {
    let waits = |gate: &Option<ApprovalGate>| gate.as_ref().map_or("no approval".to_owned(), approval);
    let changes = before != gate;
    let title = format!("every run that is started from then on would wait for {}", waits(&gate));
    let mut lines = Vec::new();
    if changes {
        lines.push(format!("now for {}", waits(&before)));
        lines.push("runs that are queued already keep what they were queued with".to_owned());
    } else {
        lines.push("nothing changes: it is so already".to_owned());
    }
    let data = json!({
        "runApproval": gate, "runApprovalNow": before, "changes": changes,
        "version": version + u64::from(changes),
    });
    let takes = Takes { right: Action::PolicyWrite, record: Some(Operation::PolicyChange) };
    would::show(&title, &lines, data, takes, screen)
}
