//! An act as it was typed, and what goes with it to the engine: the reason for it, the id of its signal.
//!
//! A reason is asked for on a terminal alone; elsewhere an act that lacks one is refused.

use crate::compose::Composition;
use crate::problem::Problem;
use crate::view::screen::Screen;
use dvt_model::code::Code;
use dvt_model::decision::{DecisionRecord, Draft};
use dvt_model::deed::Deed;
use dvt_model::id::{SignalId, StepId};
use dvt_model::proof::{Authorized, Permits};
use dvt_model::resource::Run;

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
pub(crate) fn fresh_signal() -> Result<SignalId, Problem> {
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
