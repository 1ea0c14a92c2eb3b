//! From the id of an event to what the plan and the state say of it.
//!
//! Items and compensations stand in no plan and, before their first event, in no state: their definition is that of the
//! step, and their facts are made when they are needed. A step of 10,000 items that has not begun weighs like any other.

use crate::condition::{self, Kind};
use crate::ground::Ground;
use crate::state::Step as Facts;
use dvt_model::attempt::{EngineAttemptId, LogicalAttemptId};
use dvt_model::canonical;
use dvt_model::digest::Digest;
use dvt_model::id::StepId;
use dvt_model::run::StepStatus;
use dvt_plan::plan::{Form, Part, Plan, Step};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Who is at work while an attempt runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Doing {
    /// A worker.
    #[default]
    Worker,
    /// The engine, for a pretended time.
    Noop,
    /// Nobody: it waits for an approval, a signal or a time.
    Standing,
    /// A run of its own.
    Child,
    /// Its items.
    Items,
}

impl Doing {
    /// A waiting step does not hold up a drain (contract 4.4: approval, timer, signal, sub-plan); nor does a step of items,
    /// which its items hold up.
    pub(crate) const fn holds_drain(self) -> bool {
        match self {
            Self::Worker | Self::Noop => true,
            Self::Standing | Self::Child | Self::Items => false,
        }
    }
}

/// What the plan says of a step, item or compensation.
pub(crate) fn definition<'p>(plan: &'p Plan, id: &StepId) -> Option<&'p Step> {
    let step = plan.steps.get(id.step())?;
    if id.is_compensation() {
        return step.compensate.as_deref();
    }
    (id.index().is_none() || step.foreach.is_some()).then_some(step)
}

/// Who is at work while it runs.
pub(crate) fn doing(step: &Step, id: &StepId) -> Doing {
    if step.foreach.is_some() && id.is_plain() {
        return Doing::Items;
    }
    match step.form {
        Form::Run { .. } | Form::Script { .. } | Form::Uses(_) => Doing::Worker,
        Form::Noop { .. } => Doing::Noop,
        Form::Wait { .. } | Form::WaitUntil { .. } | Form::Approval(_) | Form::Signal(_) => Doing::Standing,
        Form::Plan(_) => Doing::Child,
    }
}

/// When it may start at all.
pub(crate) fn kind(step: &Step, id: &StepId) -> Kind {
    if id.is_compensation() {
        return Kind::Compensation;
    }
    match step.part {
        Part::Finally => Kind::Finally,
        Part::Compensation => Kind::Compensation,
        Part::Ordinary => condition::kind(step.condition.as_ref()),
    }
}

/// The step of a plan to which an id belongs.
pub(crate) fn base(plan: &Plan, id: &StepId) -> Option<StepId> {
    plan.steps.get_key_value(id.step()).map(|(base, _)| base.clone())
}

/// Facts of what has had no event yet.
pub(crate) fn fresh(kind: Kind, missing: u32) -> Facts {
    Facts {
        status: StepStatus::Pending,
        kind,
        doing: Doing::Worker,
        logical: LogicalAttemptId::FIRST,
        engine: EngineAttemptId::FIRST,
        of_base: LogicalAttemptId::FIRST,
        redispatches: 0,
        retry_requests: 0,
        voted: 0,
        votes: std::collections::BTreeMap::new(),
        missing,
        readers: 0,
        has_released: false,
        started_seq: 0,
        started_at: None,
        completed_at: None,
        due_at: None,
        retry_at: None,
        error: None,
        failed_seq: 0,
        skipped: None,
        answered: None,
        output_bytes: 0,
        child: None,
        items: None,
        undo: None,
        about: None,
        about_output: None,
    }
}

/// The facts of a step, item or compensation; those of an item that a new attempt of its step runs again are already of
/// its own next attempt.
pub(crate) fn facts<G: Ground>(plan: &Plan, ground: &G, id: &StepId) -> Option<Facts> {
    if let Some(facts) = ground.step(id) {
        let mut facts = facts.clone();
        if let (Some(_), false) = (id.index(), id.is_compensation()) {
            let of_base = ground.step(&base(plan, id)?)?.logical;
            if facts.status == StepStatus::Failed && facts.of_base < of_base {
                next_attempt(&mut facts);
                facts.of_base = of_base;
            }
        }
        return Some(facts);
    }
    let step = definition(plan, id)?;
    if id.is_plain() {
        return None;
    }
    if let Some(undone) = id.undone() {
        let is_done = ground.step(&undone)?.status == StepStatus::Success;
        return is_done.then(|| fresh(Kind::Compensation, 0));
    }
    let base = ground.step(&base(plan, id)?)?;
    let exists = id.index().zip(base.items.as_ref()).is_some_and(|(index, items)| index < items.count);
    (exists && base.status == StepStatus::Running).then(|| {
        let mut facts = fresh(kind(step, id), 0);
        facts.of_base = base.logical;
        facts
    })
}

/// The digest of a list of items.
pub(crate) fn list_digest(items: &Value) -> Digest {
    // What is no canonical JSON was refused when it was rendered.
    Digest::of(&canonical::to_bytes(items).unwrap_or_default())
}

/// The next attempt, PENDING. The old one never changes; the step shows the new one from here on.
pub(crate) fn next_attempt(facts: &mut Facts) {
    facts.status = StepStatus::Pending;
    facts.logical = facts.logical.next();
    facts.engine = EngineAttemptId::FIRST;
    facts.started_at = None;
    facts.completed_at = None;
    facts.due_at = None;
    facts.retry_at = None;
    facts.skipped = None;
    facts.child = None;
    facts.votes.clear();
}
