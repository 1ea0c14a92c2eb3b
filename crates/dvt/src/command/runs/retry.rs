//! `dvt runs retry RUN [STEP] -m TEXT`: another attempt of a step that failed; without a step, a new run in the place of one that
//! has ended, which takes over what completed.
//!
//! The new run has the word of whoever asks for it now, never that of the old one.

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
use crate::running::read::{plan, row};
use crate::running::typed::{self, Act, Words};
use crate::view::end::brief;
use crate::view::screen::Screen;
use clap::{Args, ValueEnum};
use dvt_engine::client::Again;
use dvt_model::code::Code;
use dvt_model::deed::{Deed, RetryFrom};
use dvt_model::proof::{Authorized, RunReadPayload, RunStart, SignalSend};
use dvt_model::resource::{Plan, Run};

/// Give a failed step another attempt, or, without a step, run a whole run again that has ended.
///
/// Example:
///   dvt runs retry @latest load -m "the warehouse is back"
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    #[command(flatten)]
    words: Words,
    /// The step; without it the whole run: a new one in its place.
    #[arg(value_name = "STEP")]
    step: Option<String>,
    /// Also a step that succeeded or was left out; also a run that completed.
    #[arg(long)]
    force: bool,
    /// Of a whole run: take over what completed, or begin from the start.
    #[arg(long, value_enum, default_value = "failed", value_name = "WHERE", conflicts_with = "step")]
    from: From,
    /// The same id again is the same signal, and the same new run.
    #[arg(long, value_name = "ID")]
    signal_id: Option<String>,
    /// Your word that the new run's programs may run as you, without a wall.
    #[arg(long, conflicts_with = "step")]
    allow_host: bool,
}

/// Where a new run begins.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum From {
    /// What completed is taken over.
    Failed,
    /// Nothing is.
    Start,
}

const ROUTE: &str = "dvt runs retry";
const QUESTION: &str = "Why is it to be tried again?";

/// Does it.
pub(crate) async fn run(
    arguments: &Arguments,
    selected: &Selected,
    composition: &Composition,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    let Some(step) = &arguments.step else { return whole(arguments, selected, composition, screen).await };
    let deed = Deed::RetryStep { step_id: typed::step(step)?, force: arguments.force };
    let told = format!("another attempt of {step}");
    let asked = Act {
        signal_id: arguments.signal_id.as_deref(),
        ..arguments.words.act(deed, ROUTE, QUESTION, &told)
    };
    act::ask::<SignalSend>(asked, composition, screen).await
}

/// A new run in the place of the old one, followed to its end.
async fn whole(
    arguments: &Arguments,
    selected: &Selected,
    composition: &Composition,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    let from = match arguments.from {
        From::Failed => RetryFrom::Failed,
        From::Start => RetryFrom::Start,
    };
    let deed = Deed::RetryRun { from, force: arguments.force };
    let asked = Act {
        signal_id: arguments.signal_id.as_deref(),
        allow_host: arguments.allow_host,
        ..arguments.words.act(deed, ROUTE, QUESTION, "run again")
    };
    if asked.dry_run {
        return foreseen(&asked, from, selected, composition, screen).await;
    }
    let Composition { access, context, .. } = composition;
    let original = locate::run(asked.run, composition, ROUTE).await?;
    let read: Authorized<Run, RunReadPayload> = access.run(context, original, ROUTE).await?;
    let row = row(composition, &read).await?;
    let plan = plan(composition, &read, &row).await?;
    let host_allowed = host::has_word(arguments.allow_host, Some(&composition.profile));
    if host::needs_word(&plan) && !host_allowed {
        return Err(host::refusal(&selected.path(), ROUTE));
    }
    let signal: Authorized<Run, SignalSend> = access.deed(context, original, &asked.deed, ROUTE).await?;
    let start: Authorized<Plan, RunStart> = access.plan(context, row.metadata.plan.plan_id, ROUTE).await?;
    let asked = typed::asked(&asked, &signal, composition, screen)?;
    let client = dvt_engine::attach(composition.parts.clone()).await?;
    let begun = client.retry_run(&start, &signal, asked, Again { host_allowed, detached: false }).await;
    let exit = match begun {
        Ok(answer) => {
            let before = if answer.idempotent { "asked for before: " } else { "" };
            screen.note(&format!("{before}{} in the place of {}", brief(answer.run_id), brief(original)));
            if let Some(first) = answer.behind {
                screen.note(&crate::command::run::behind(first));
            }
            let read: Authorized<Run, RunReadPayload> = access.run(context, answer.run_id, ROUTE).await?;
            to_the_end(&Followed { plan: &plan, composition, client: &client, read: &read }, screen).await
        }
        Err(problem) => {
            let advice =
                (problem.code == Code::InvalidStateTransition).then(|| format!("dvt runs get {original}"));
            let problem = Problem::from(problem);
            Err(advice.into_iter().fold(problem, Problem::fix))
        }
    };
    let closed = client.close().await;
    let exit = exit?;
    closed?;
    Ok(exit)
}

/// `--dry-run` of a whole run: what the new one would take over.
async fn foreseen(
    asked: &Act<'_>,
    from: RetryFrom,
    selected: &Selected,
    composition: &Composition,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    let case = Case::look(asked.run, &asked.deed, composition, ROUTE).await?;
    let host_allowed = host::has_word(asked.allow_host, Some(&composition.profile));
    if host::needs_word(&case.plan) && !host_allowed {
        return Err(host::refusal(&selected.path(), ROUTE));
    }
    let force = matches!(asked.deed, Deed::RetryRun { force: true, .. });
    Ok(weigh::again(&case, from, force)?.show(screen))
}
