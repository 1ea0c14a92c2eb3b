//! Why a run or a step is where it is: one sentence for what was asked, and below it what holds that up.
//!
//! It explains a picture and decides nothing. However many steps lie between a step and what it waits for, only the two
//! ends are told: the step, and those that wait for nothing but themselves.

mod facts;
mod step;

pub(crate) use facts::Facts;

use crate::view::end::{brief, resume};
use crate::view::picture::{Picture, StepPicture};
use crate::view::turn::Turn;
use dvt_engine::Rest;
use dvt_model::id::RunId;
use dvt_model::run::{RunStatus, StepStatus};
use dvt_model::time::Timestamp;
use dvt_plan::plan::Plan;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Lines below the sentence.
const MOST_BELOW: usize = 20;

/// A run, as far as its events tell.
pub(crate) struct Case<'a> {
    pub(crate) run: RunId,
    pub(crate) plan: &'a Plan,
    pub(crate) picture: &'a Picture,
    pub(crate) facts: &'a Facts,
    /// Whether no engine works on it.
    pub(crate) rest: Option<Rest>,
    /// Which turn it has among those that wait to be started.
    pub(crate) turn: Option<usize>,
    /// The runs of its concurrency group that go before it.
    pub(crate) behind: Option<&'a Turn>,
    pub(crate) now: Timestamp,
}

/// One reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reason {
    /// The step that it is about; none where it is the run.
    pub(crate) step: Option<String>,
    /// The reason as a word that stays.
    pub(crate) word: &'static str,
    pub(crate) text: String,
    /// A command that changes it.
    pub(crate) next: Option<String>,
}

impl Reason {
    fn new(step: Option<&str>, word: &'static str, text: impl Into<String>) -> Self {
        Self { step: step.map(str::to_owned), word, text: text.into(), next: None }
    }

    fn next(mut self, command: String) -> Self {
        self.next = Some(command);
        self
    }

    fn json(&self) -> Value {
        let mut value = json!({ "reason": self.word, "text": self.text });
        if let Some(object) = value.as_object_mut() {
            object.extend(self.step.iter().map(|step| ("stepId".to_owned(), json!(step))));
            object.extend(self.next.iter().map(|next| ("next".to_owned(), json!(next))));
        }
        value
    }
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) first: Reason,
    pub(crate) below: Vec<Reason>,
    /// How many more there are than are told.
    pub(crate) untold: usize,
}

impl Answer {
    fn of(first: Reason, mut below: Vec<Reason>) -> Self {
        let untold = below.len().saturating_sub(MOST_BELOW);
        below.truncate(MOST_BELOW);
        Self { first, below, untold }
    }

    /// The same as data.
    pub(crate) fn json(&self) -> Value {
        let below: Vec<Value> = self.below.iter().map(Reason::json).collect();
        let mut value = self.first.json();
        if let Some(object) = value.as_object_mut() {
            object.insert("because".to_owned(), Value::from(below));
            if self.untold > 0 {
                object.insert("untold".to_owned(), json!(self.untold));
            }
        }
        value
    }
}

/// Why the run is where it is.
pub(crate) fn run(case: &Case<'_>) -> Answer {
    let Case { picture, facts, .. } = *case;
    let name = brief(case.run);
    let first = |word, text: String| Reason::new(None, word, format!("{name} {text}"));
    match picture.status {
        RunStatus::Completed => {
            let skipped = steps(case, |step| step.status == StepStatus::Skipped);
            Answer::of(first("COMPLETED", "completed".to_owned()), skipped)
        }
        RunStatus::Failed => Answer::of(failed(case, &name), culprits(case)),
        RunStatus::Cancelled => {
            let cause = facts.cancel_cause.as_deref().unwrap_or("CANCEL");
            let text = match cause {
                "PARENT" => "was cancelled with the run that it belongs to",
                "CONCURRENCY" => "was cancelled by a newer run of its concurrency group",
                "EMERGENCY_STOP" => "was stopped at once by an operator",
                _ => "was cancelled by an operator",
            };
            let record = format!("dvt audit show --resource {name} --type DECISION_RECORDED");
            Answer::of(first("CANCELLED", text.to_owned()).next(record), Vec::new())
        }
        _ if case.rest.is_some() => Answer::of(no_engine(case, None), front(case, None)),
        RunStatus::Pending => Answer::of(queued(case, None), Vec::new()),
        RunStatus::Paused => Answer::of(paused(case, None), front(case, None)),
        RunStatus::Running => {
            let front = front(case, None);
            let text = match picture.ending {
                Some("CANCELLING") => {
                    "is being cancelled; what runs is let end, what was done is undone".to_owned()
                }
                Some(_) => match &picture.failed_step {
                    Some(step) => format!("is on its way to fail, because {step} failed"),
                    None => "is on its way to fail, because its time was over".to_owned(),
                },
                None if front.is_empty() => "runs, and none of its steps waits for anything".to_owned(),
                None => "runs".to_owned(),
            };
            Answer::of(first(picture.ending.unwrap_or("RUNS"), text), front)
        }
    }
}

/// Why a step, an item or a compensation is where it is; `None` where the run has none of this name.
pub(crate) fn of_step(case: &Case<'_>, id: &str) -> Option<Answer> {
    let id = &*case.picture.meant(id);
    let look = case.picture.step(id)?;
    let first = step::reason(case, id, look);
    let below = match first.word {
        "WAITS_FOR_NEED" => front(case, Some(id)),
        "AT_THE_END" => front(case, None),
        "NEED_SKIPPED" => left_out(case, id),
        "WAITS_FOR_ITEMS" => items(case, id),
        "NOT_STARTED" => culprits(case),
        _ => Vec::new(),
    };
    Some(Answer::of(first, below))
}

/// A run that is queued, or a step of one.
fn queued(case: &Case<'_>, step: Option<&str>) -> Reason {
    let whose = |text: String| match step {
        Some(step) => format!("{} waits: the run {text}", case.picture.shown(step)),
        None => format!("{} {text}", brief(case.run)),
    };
    if let Some(behind) = case.behind {
        let reason = Reason::new(step, "WAITS_FOR_GROUP", whose(behind.told()));
        return reason.next(format!("dvt runs why {}", brief(behind.first)));
    }
    let text = match case.turn {
        Some(turn) => format!("waits for its turn to be started: {} before it", turn.saturating_sub(1)),
        None => "is queued and about to start".to_owned(),
    };
    Reason::new(step, "QUEUED", whose(text))
}

fn failed(case: &Case<'_>, name: &str) -> Reason {
    let text = match (&case.picture.failed_step, &case.picture.failure) {
        (Some(step), _) => format!("{name} failed because {step} failed"),
        (None, Some(failure)) => format!("{name} failed: {} ({})", failure.error_message, failure.error_code),
        (None, None) => format!("{name} failed"),
    };
    Reason::new(None, "FAILED", text).next(format!("dvt runs logs {name}"))
}

/// What failed and made others not start.
fn culprits(case: &Case<'_>) -> Vec<Reason> {
    match case.picture.culprit() {
        Some((id, _)) => {
            let named = id.clone();
            let mut all = steps(case, |step| step.status == StepStatus::Failed);
            // The one that the run names comes first.
            all.sort_by_key(|reason| reason.step.as_deref() != Some(named.as_str()));
            all
        }
        None => Vec::new(),
    }
}

fn paused(case: &Case<'_>, step: Option<&str>) -> Reason {
    let name = brief(case.run);
    let cause = match case.facts.pause_cause.as_deref() {
        Some("STEP_FAILED") => "because a step failed and the plan says `onStepFailure: hold`",
        _ => "by an operator",
    };
    let text = match step {
        Some(step) => format!("{} waits: the run is paused {cause}", case.picture.shown(step)),
        None => format!("{name} is paused {cause}"),
    };
    Reason::new(step, "PAUSED", text).next(format!("dvt runs resume {name} -m \"…\""))
}

fn no_engine(case: &Case<'_>, step: Option<&str>) -> Reason {
    let name = brief(case.run);
    let comes_back = case.rest == Some(Rest::ComesBack);
    let more = if comes_back { " just now, and the one that lives takes it up again by itself" } else { "" };
    let text = match step {
        Some(step) => format!("{} waits: no engine works on the run{more}", case.picture.shown(step)),
        None => format!("{name} rests: no engine works on it{more}"),
    };
    let reason = Reason::new(step, "NO_ENGINE", text);
    if comes_back { reason } else { reason.next(resume(case.run, case.picture.host_allowed)) }
}

fn steps(case: &Case<'_>, which: impl Fn(&StepPicture) -> bool) -> Vec<Reason> {
    let found = case.picture.in_order().filter(|(_, look)| which(look));
    found.map(|(id, look)| step::reason(case, id, look)).collect()
}

/// Steps that hold others up and are held up by no step themselves: all of the run, or those before one step.
fn front(case: &Case<'_>, before: Option<&str>) -> Vec<Reason> {
    let reaches = before.map(|id| above(case.picture, id));
    let is_told = |id: &str| reaches.as_ref().is_none_or(|reaches| reaches.contains(id));
    let found = case.picture.in_order().filter(|(id, look)| !look.is_over() && is_told(id));
    let reasons = found.map(|(id, look)| step::reason(case, id, look));
    // Of a whole run it goes without saying.
    let is_told = |reason: &Reason| match reason.word {
        "WAITS_FOR_NEED" => false,
        "AT_THE_END" => before.is_some(),
        _ => true,
    };
    let reasons = reasons.filter(is_told);
    let reasons = reasons.flat_map(|reason| of_items(case, reason));
    reasons.chain(undoing(case).filter(|_| before.is_none())).collect()
}

/// What is undone on the way out, and is not yet.
fn undoing<'a>(case: &'a Case<'_>) -> impl Iterator<Item = Reason> + 'a {
    let undone = case.picture.derived().filter(|(id, look)| id.ends_with(".compensate") && !look.is_over());
    undone.filter(|_| case.picture.ending.is_some()).map(|(id, look)| step::reason(case, id, look))
}

/// Steps before one that were left out for a reason of their own.
fn left_out(case: &Case<'_>, before: &str) -> Vec<Reason> {
    let reaches = above(case.picture, before);
    let found = case.picture.in_order();
    let found =
        found.filter(|(id, look)| look.status == StepStatus::Skipped && reaches.contains(id.as_str()));
    let reasons = found.map(|(id, look)| step::reason(case, id, look));
    reasons.filter(|reason| reason.word != "NEED_SKIPPED").collect()
}

/// All that a step needs, and what that needs.
fn above<'a>(picture: &'a Picture, id: &str) -> BTreeSet<&'a str> {
    let (mut found, mut open) = (BTreeSet::new(), vec![id.to_owned()]);
    while let Some(id) = open.pop() {
        for need in picture.steps.get(&id).iter().flat_map(|step| &step.needs) {
            if found.insert(need.as_str()) {
                open.push(need.clone());
            }
        }
    }
    found
}

/// What holds the items of a step up, in the place of the step that waits for them.
fn of_items(case: &Case<'_>, reason: Reason) -> Vec<Reason> {
    let base = reason.step.as_deref().filter(|_| reason.word == "WAITS_FOR_ITEMS");
    let below = base.map(|base| items(case, base)).unwrap_or_default();
    if below.is_empty() { vec![reason] } else { below }
}

/// Items of a step that have not ended well.
fn items(case: &Case<'_>, base: &str) -> Vec<Reason> {
    let begun = case.picture.derived().filter(|(id, look)| {
        id.split('.').next() == Some(base)
            && !id.ends_with(".compensate")
            && !matches!(look.status, StepStatus::Success)
    });
    begun.map(|(id, look)| step::reason(case, id, look)).collect()
}

#[cfg(test)]
mod tests;
