//! `dvt runs resume RUN`: goes on with a run that no engine works on, and follows it to its end; one that is paused is sent
//! RESUME, with the reason as its decision record.
//!
//! What the run may do is what its RunQueued says; the word given here can only keep that, never widen it.

use super::act;
use super::foresee::Case;
use super::weigh;
use crate::compose::Composition;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::profile::Selected;
use crate::running::follow::{Followed, to_the_end};
use crate::running::host;
use crate::running::locate;
use crate::running::read::{picture, plan, row};
use crate::running::typed::Act;
use crate::view::duration::plural;
use crate::view::end;
use crate::view::screen::{Format, Screen};
use crate::view::width::wrap;
use clap::Args;
use dvt_model::code::Code;
use dvt_model::deed::Deed;
use dvt_model::proof::{Authorized, RunReadPayload, RunReadStatus, SignalSend};
use dvt_model::resource::Run;
use dvt_model::run::RunStatus;

/// Go on with a run that is paused, or whose engine ended; its completed steps are kept.
///
/// Example:
///   dvt runs resume @latest --allow-host
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The run: an id, its first six or more digits, its plan's name, or `@latest`.
    #[arg(value_name = "RUN")]
    run: String,
    /// Your word that the plan's programs may run as you, without a wall.
    #[arg(long)]
    allow_host: bool,
    /// Why; it stands in the ledger (only a paused run is asked for it).
    #[arg(short = 'm', long = "message", value_name = "TEXT")]
    message: Option<String>,
    /// Only show what it would change.
    #[arg(long)]
    dry_run: bool,
}

const ROUTE: &str = "dvt runs resume";

/// Does it.
pub(crate) async fn run(
    arguments: &Arguments,
    selected: &Selected,
    composition: &Composition,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    if arguments.dry_run {
        return foreseen(arguments, selected, composition, screen).await;
    }
    let run = locate::run(&arguments.run, composition, ROUTE).await?;
    let Composition { access, context, .. } = composition;
    let proof: Authorized<Run, SignalSend> = access.run(context, run, ROUTE).await?;
    let read: Authorized<Run, RunReadPayload> = access.run(context, run, ROUTE).await?;
    let look: Authorized<Run, RunReadStatus> = access.run(context, run, ROUTE).await?;
    let row = row(composition, &read).await?;
    if row.status.is_terminal() {
        return Err(Problem::new(Code::RunTerminal, format!("{run} has ended: {}", row.status))
            .fix(format!("dvt runs get {run}")));
    }
    // What was paused may have waited for nothing else: then it ends with the act, and its end is shown.
    let mut has_ended = false;
    if row.status == RunStatus::Paused {
        let run = run.to_string();
        let paused = of_paused(arguments, &run);
        let exit = act::ask::<SignalSend>(paused, composition, screen).await?;
        if dvt_engine::engine_is_live(&composition.store) {
            return Ok(exit);
        }
        has_ended = self::row(composition, &read).await?.status.is_terminal();
    }
    let plan = plan(composition, &read, &row).await?;
    let (before, _) = picture(composition, &read, &plan).await?;
    let host_allowed = host::has_word(arguments.allow_host, Some(&composition.profile));
    if host::needs_word(&plan) && !host_allowed && !has_ended {
        return Err(host::refusal(&selected.path(), ROUTE));
    }
    let kept = before.steps.values().filter(|step| step.is_over()).count();
    let again: Vec<&str> = before
        .in_order()
        .filter(|(_, step)| step.status == dvt_model::run::StepStatus::Running)
        .map(|(id, _)| id.as_str())
        .collect();
    let client = dvt_engine::attach(composition.parts.clone()).await?;
    let resumed = if has_ended {
        client.follow(&look).await
    } else {
        client.resume_run(&proof, host_allowed && before.host_allowed).await.map(drop)
    };
    let exit = match resumed {
        Ok(()) => {
            let flight = if again.is_empty() { "none".to_owned() } else { again.join(", ") };
            let events = plural(before.last_run_seq, "event", "events");
            let steps = plural(kept as u64, "step", "steps");
            let folded = format!("folded {events}, {steps} done and kept");
            if screen.verbose || (screen.format == Format::Table && !screen.quiet) {
                let width = screen.side_width();
                screen.say(&end::header(&row.metadata.plan_name, run, &folded, width));
                screen.say(&wrap(&format!("in flight, given out again: {flight}"), "  ", width));
            }
            to_the_end(&Followed { plan: &plan, composition, client: &client, read: &read }, screen).await
        }
        Err(problem) => Err(problem.into()),
    };
    let closed = client.close().await;
    let exit = exit?;
    closed?;
    Ok(exit)
}

/// What a paused run is sent.
fn of_paused<'a>(arguments: &'a Arguments, run: &'a str) -> Act<'a> {
    Act {
        run,
        deed: Deed::Resume {},
        route: ROUTE,
        question: "Why does it go on?",
        told: "resumed",
        message: arguments.message.as_deref(),
        signal_id: None,
        allow_host: false,
        dry_run: arguments.dry_run,
    }
}

/// `--dry-run`: what it would lead to. Where this command would go on with the run itself, it asks for the word as it would then.
async fn foreseen(
    arguments: &Arguments,
    selected: &Selected,
    composition: &Composition,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    let case = Case::look(&arguments.run, &Deed::Resume {}, composition, ROUTE).await?;
    let is_paused = case.row.status == RunStatus::Paused;
    let weighed = if is_paused {
        let paused = of_paused(arguments, &arguments.run);
        weigh::act::<SignalSend>(&paused, &case, composition, screen).await?
    } else {
        weigh::taken_up(&case, composition)?
    };
    let is_left = weighed.ends || (is_paused && dvt_engine::engine_is_live(&composition.store));
    let host_allowed = host::has_word(arguments.allow_host, Some(&composition.profile));
    if !is_left && host::needs_word(&case.plan) && !host_allowed {
        return Err(host::refusal(&selected.path(), ROUTE));
    }
    Ok(weighed.show(screen))
}
