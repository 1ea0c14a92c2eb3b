//! An act as it was typed, and what goes with it to the engine: the reason for it, the id of its signal.
//!
//! A reason is asked for on a terminal alone; elsewhere an act that lacks one is refused.

use crate::compose::Composition;
use crate::problem::Problem;
use crate::view::screen::Screen;
use clap::Args;
use dvt_engine::Asked;
use dvt_model::code::Code;
use dvt_model::decision::{DecisionRecord, Draft};
use dvt_model::deed::Deed;
use dvt_model::id::{RunId, SignalId, StepId};
use dvt_model::proof::{Authorized, Permits};
use dvt_model::resource::Run;

/// What is typed for every act that takes a reason.
#[derive(Debug, Args)]
pub(crate) struct Words {
    /// The run: an id, its first six or more digits, its plan's name, or `@latest`.
    #[arg(value_name = "RUN")]
    run: String,
    /// Why; it stands in the ledger.
    #[arg(short = 'm', long = "message", value_name = "TEXT")]
    message: Option<String>,
    /// Only show what it would change.
    #[arg(long)]
    dry_run: bool,
}

impl Words {
    /// Those of who was not asked to type them.
    pub(crate) fn because(run: RunId, reason: &str) -> Self {
        Self { run: run.to_string(), message: Some(reason.to_owned()), dry_run: false }
    }

    /// A cancel, by whichever verb.
    pub(crate) fn cancel(&self, route: &'static str) -> Act<'_> {
        self.act(Deed::Cancel {}, route, "Why is it to be cancelled?", "cancel requested")
    }

    /// An act of a verb: what it asks on a terminal, and what it tells.
    pub(crate) fn act<'a>(
        &'a self,
        deed: Deed,
        route: &'static str,
        question: &'static str,
        told: &'a str,
    ) -> Act<'a> {
        Act {
            run: &self.run,
            deed,
            route,
            question,
            told,
            message: self.message.as_deref(),
            signal_id: None,
            allow_host: false,
            dry_run: self.dry_run,
        }
    }
}

/// An act as it was typed.
pub(crate) struct Act<'a> {
    /// The run's name.
    pub(crate) run: &'a str,
    /// What to do.
    pub(crate) deed: Deed,
    /// The command, for entries and hints: `dvt runs pause`.
    pub(crate) route: &'static str,
    /// What is asked on a terminal: `Why is it to be paused?`
    pub(crate) question: &'static str,
    /// What is told: `paused`.
    pub(crate) told: &'a str,
    /// `-m`.
    pub(crate) message: Option<&'a str>,
    /// Another id than a drawn one: the same id again is the same signal.
    pub(crate) signal_id: Option<&'a str>,
    /// `--allow-host`.
    pub(crate) allow_host: bool,
    /// `--dry-run`.
    pub(crate) dry_run: bool,
}

/// What goes to the engine: the deed, its decision record where it needs one, and the id of its signal. Every command that acts on a
/// run makes it here, and so does whoever follows one and cancels it.
pub(crate) fn asked<A: Permits>(
    act: &Act<'_>,
    proof: &Authorized<Run, A>,
    composition: &Composition,
    screen: &Screen,
) -> Result<Asked, Problem> {
    let record = record(act, proof, composition, screen)?;
    Ok(Asked { deed: act.deed.clone(), record, signal_id: signal_id(act)? })
}

fn record<A: Permits>(
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
fn signal_id(act: &Act<'_>) -> Result<SignalId, Problem> {
    match act.signal_id {
        Some(text) => Ok(SignalId::parse(text)?),
        None => fresh_signal(),
    }
}

/// A step's id as it was typed.
pub(crate) fn step(text: &str) -> Result<StepId, Problem> {
    StepId::parse_stored(text)
        .map_err(|error| Problem::new(Code::InvalidId, format!("`{text}` is no step id: {error}")))
}

/// A new signal's id.
fn fresh_signal() -> Result<SignalId, Problem> {
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
pub(crate) fn requested(deed: &Deed) -> &'static str {
    let vote = if matches!(deed, Deed::Reject { .. }) { "REJECT" } else { "APPROVE" };
    deed.signal_type().unwrap_or(vote)
}
