//! What the verbs that act on a run share: look it up, ask why where a reason is needed, hand it to the engine, tell.
//!
//! Nobody is asked why about a run that is not there. Where no engine works, this process takes the lease for the act; a run
//! that rests goes on resting, but for one that the act ends, whose end is seen here.

use super::foresee::{self, Case};
use super::{locate, plan, row, weigh};
use crate::command::run::follow::{Followed, to_the_end};
use crate::command::run::words;
use crate::compose::Composition;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::view::end::brief;
use crate::view::safe::safe;
use crate::view::screen::Screen;
use crate::view::width::wrap;
use dvt_engine::Asked;
use dvt_engine::client::Client;
use dvt_model::code::Code;
use dvt_model::decision::{DecisionRecord, Draft};
use dvt_model::deed::Deed;
use dvt_model::id::{RunId, SignalId, StepId};
use dvt_model::proof::{Authorized, Permits, RunReadPayload};
use dvt_model::resource::Run;
use dvt_model::run::RunStatus;
use serde_json::json;

/// An act as it was typed.
pub(super) struct Act<'a> {
    /// The run's name.
    pub(super) run: &'a str,
    /// What to do.
    pub(super) deed: Deed,
    /// The command, for entries and hints: `dvt runs pause`.
    pub(super) route: &'static str,
    /// What is asked on a terminal: `Why is it to be paused?`
    pub(super) question: &'static str,
    /// What is told: `paused`.
    pub(super) told: &'a str,
    /// `-m`.
    pub(super) message: Option<&'a str>,
    /// Another id than a drawn one: the same id again is the same signal.
    pub(super) signal_id: Option<&'a str>,
    /// `--allow-host`.
    pub(super) allow_host: bool,
    /// `--dry-run`.
    pub(super) dry_run: bool,
}

/// Does it. `A` is the action that the deed takes.
pub(super) async fn ask<A: Permits>(
    act: Act<'_>,
    composition: &Composition,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    let ends = matches!(act.deed, Deed::Cancel {} | Deed::EmergencyStop { .. });
    if act.dry_run {
        if ends {
            return Ok(foresee::look(act.run, &act.deed, composition, act.route).await?.show(screen));
        }
        let case = Case::look(act.run, &act.deed, composition, act.route).await?;
        return Ok(weigh::act::<A>(&act, &case, composition, screen).await?.show(screen));
    }
    let run = locate::run(act.run, composition, act.route).await?;
    let proof: Authorized<Run, A> =
        composition.access.deed(&composition.context, run, &act.deed, act.route).await?;
    if ends && act.message.is_none() && screen.can_ask() {
        foresee::look(act.run, &act.deed, composition, act.route).await?.tell(screen);
    }
    let record = record(&act, &proof, composition, screen)?;
    let reason = record.as_ref().map(|record| record.justification_text().to_owned());
    let signal_id = signal_id(&act)?;
    let asked = Asked { deed: act.deed.clone(), record, signal_id };
    let client = dvt_engine::attach(composition.parts.clone()).await?;
    let word = words::has_word(act.allow_host, Some(&composition.profile));
    let exit = match client.act_on_run(&proof, asked, word).await {
        Ok(status) => end(&act, run, status, reason.as_deref(), composition, &client, screen).await,
        Err(problem) => Err(Problem::from(problem)),
    };
    let closed = client.close().await;
    let exit = exit?;
    closed?;
    Ok(exit)
}

/// The decision record, where the deed needs one.
pub(super) fn record<A: Permits>(
    act: &Act<'_>,
    proof: &Authorized<Run, A>,
    composition: &Composition,
    screen: &Screen,
) -> Result<Option<DecisionRecord>, Problem> {
    let Some(operation) = act.deed.operation() else { return Ok(None) };
    let draft = Draft { operation, justification_text: reason(act, screen)?, approval_ticket_id: None };
    Ok(Some(composition.access.record(proof, draft)?))
}

/// The signal's id: as it was typed, or a new one.
pub(super) fn signal_id(act: &Act<'_>) -> Result<SignalId, Problem> {
    match act.signal_id {
        Some(text) => Ok(SignalId::parse(text)?),
        None => fresh_signal(),
    }
}

/// A step's id as it was typed.
pub(super) fn step(text: &str) -> Result<StepId, Problem> {
    StepId::parse_stored(text)
        .map_err(|error| Problem::new(Code::InvalidId, format!("`{text}` is no step id: {error}")))
}

/// A new signal's id.
pub(super) fn fresh_signal() -> Result<SignalId, Problem> {
    Ok(SignalId::parse(&format!("cli-{}", dvt_model::digest::hex(&dvt_keys::entropy::random::<16>())))?)
}

fn reason(act: &Act<'_>, screen: &Screen) -> Result<String, Problem> {
    // Nobody is asked about what is not done.
    if let Some(message) = act.message.or(act.dry_run.then_some("--dry-run")) {
        return Ok(message.to_owned());
    }
    if !screen.can_ask() {
        return Err(Problem::new(Code::DecisionRecordIncomplete, "this needs a reason")
            .why("it stands in the ledger as the decision record, with your name and the time")
            .fix(format!("{} {} -m \"…\"", act.route, act.run)));
    }
    screen.say_raw(&format!("{} ", act.question));
    let mut line = String::new();
    match std::io::stdin().read_line(&mut line) {
        Ok(_) if !line.trim().is_empty() => Ok(line.trim().to_owned()),
        _ => Err(Problem::new(Code::DecisionRecordIncomplete, "no reason was given, so nothing was done")),
    }
}

/// What was asked for, as data names it.
pub(super) fn requested(deed: &Deed) -> &'static str {
    let vote = if matches!(deed, Deed::Reject { .. }) { "REJECT" } else { "APPROVE" };
    deed.signal_type().unwrap_or(vote)
}

/// Tells what was asked for; where this process is the engine of a run that it ends, sees it through.
async fn end(
    act: &Act<'_>,
    run: RunId,
    status: RunStatus,
    reason: Option<&str>,
    composition: &Composition,
    client: &Client,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    let name = brief(run);
    let told = match reason {
        Some(reason) => format!("{name}: {}: {}", act.told, safe(reason)),
        None => format!("{name}: {}", act.told),
    };
    if client.is_engine() && !status.is_terminal() && matches!(act.deed, Deed::Cancel {}) {
        screen.note(&wrap(&told, "  ", screen.side_width()));
        screen.note("no engine worked on it, so this command sees it end");
        let read: Authorized<Run, RunReadPayload> =
            composition.access.run(&composition.context, run, act.route).await?;
        let row = row(composition, &read).await?;
        let plan = plan(composition, &read, &row).await?;
        let followed = Followed { plan: &plan, composition, client, read: &read };
        to_the_end(&followed, screen).await?;
        return Ok(Exit::Completed);
    }
    if !screen.for_people() {
        screen.json(&json!({
            "runId": run,
            "status": status,
            "requested": requested(&act.deed),
            "stepId": act.deed.step(),
            "reason": reason,
            "accepted": true,
            "ended": status.is_terminal(),
        }));
        return Ok(Exit::Completed);
    }
    screen.line(&wrap(&told, "  ", screen.width()));
    if status.is_terminal() {
        screen.note(&format!("it has ended: {status}"));
    } else {
        if matches!(act.deed, Deed::Cancel {}) {
            screen.note("running steps get 5 s to end, nothing new starts");
        }
        screen.note(&format!("see how it goes on: dvt runs get {name}"));
    }
    Ok(Exit::Completed)
}
