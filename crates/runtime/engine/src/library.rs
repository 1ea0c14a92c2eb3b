//! The documents of sub-plans: kept under the digests that their parents pin, before the parent's run is admitted.
//!
//! What is checked at admission is what runs: a document is asked for by its digest alone, and the store gives no bytes that
//! do not have it. It reads no file and looks up no name.
// INVARIANT(INV-21): a plan and everything below it is bounded when its run is admitted, however deep it goes.

use crate::Problem;
use dvt_model::canonical;
use dvt_model::code::Code;
use dvt_model::digest::Digest;
use dvt_plan::diagnostic::Source;
use dvt_plan::plan::{Form, Plan, Step};
use dvt_plan::sub_plan::{Found, MOST_DOCUMENTS, SubPlans, Wanted};
use dvt_plan::{Checked, Reach, Surroundings};
use dvt_store::port::transaction::TenantTx;
use serde_json::Value;
use std::collections::BTreeMap;

/// The document of one pinned plan.
pub(crate) async fn document(transaction: &TenantTx, digest: Digest) -> Result<Value, Problem> {
    let bytes = transaction.get_bundle(digest).await?.ok_or_else(|| {
        Problem::new(
            Code::PlanRefMismatch,
            format!("the sub-plan `{digest}` was not handed in with its parent"),
        )
    })?;
    canonical::parse(&bytes).map_err(|error| {
        Problem::new(Code::PlanIntegrityValidationFailed, format!("a sub-plan is no plan: {error}"))
    })
}

/// Reads a plan together with everything below it, as it is kept; `None` where nothing is below it. The plans below are there
/// and fit, or it is refused.
pub(crate) async fn whole(transaction: &TenantTx, top: &Value, plan: &Plan) -> Result<Option<Plan>, Problem> {
    let (mut found, mut open) = (BTreeMap::new(), pins(plan));
    if open.is_empty() {
        return Ok(None);
    }
    while let Some(digest) = open.pop() {
        if found.contains_key(&digest) {
            continue;
        }
        if found.len() >= MOST_DOCUMENTS {
            let message = format!("more than {MOST_DOCUMENTS} plans lie below it");
            return Err(Problem::new(Code::PlanUnbounded, message));
        }
        let below = document(transaction, digest).await?;
        if let Some(files) = files_of(&below)
            && transaction.get_bundle(files).await?.is_none()
        {
            let message = format!("the packed files of the sub-plan `{digest}` are not there");
            return Err(Problem::new(Code::PlanRefMismatch, message));
        }
        open.extend(pins(&plain(&below)?));
        found.insert(digest, below);
    }
    let surroundings = Surroundings { sub_plans: &Kept(found), reach: Reach::Runs };
    dvt_plan::load_with(top, &surroundings).map(Some).map_err(|told| {
        let first = told.first().map(|first| first.message.clone()).unwrap_or_default();
        Problem::new(
            Code::InvalidPlanSchema,
            format!("the document is no plan: {first}; `dvt lint` says why"),
        )
    })
}

/// Reads a plan without what lies below it, as a run does: each of them has a run of its own.
pub(crate) fn plain(document: &Value) -> Result<Plan, Problem> {
    dvt_plan::load(document)
        .map_err(|_| Problem::new(Code::InvalidPlanSchema, "the document is no plan; `dvt lint` says why"))
}

/// The packed files that a document names.
pub(crate) fn files_of(document: &Value) -> Option<Digest> {
    document.get("filesDigest").and_then(Value::as_str).and_then(Digest::parse)
}

/// The plan that a step, item or compensation runs, as its document pins it.
pub(crate) fn pinned(plan: &Plan, step: &dvt_model::id::StepId) -> Option<Digest> {
    digest_of(&running(plan, step)?.form)
}

/// The step, or what undoes it, that a step, item or compensation of a run is an attempt of.
pub(crate) fn running<'p>(plan: &'p Plan, step: &dvt_model::id::StepId) -> Option<&'p Step> {
    let named = plan.steps.get(step.step())?;
    if step.is_compensation() { named.compensate.as_deref() } else { Some(named) }
}

fn digest_of(form: &Form) -> Option<Digest> {
    match form {
        Form::Plan(sub_plan) => sub_plan.digest,
        Form::Run { .. }
        | Form::Script { .. }
        | Form::Uses(_)
        | Form::Noop { .. }
        | Form::Wait { .. }
        | Form::WaitUntil { .. }
        | Form::Approval(_)
        | Form::Signal(_) => None,
    }
}

fn pins(plan: &Plan) -> Vec<Digest> {
    let undone = plan.steps.values().filter_map(|step| step.compensate.as_deref());
    plan.steps.values().chain(undone).filter_map(|step| digest_of(&step.form)).collect()
}

/// What was kept, by digest.
struct Kept(BTreeMap<Digest, Value>);

impl SubPlans for Kept {
    fn find(&self, wanted: &Wanted<'_>) -> Result<Found, String> {
        let document = wanted.digest.and_then(|digest| self.0.get(&digest));
        document.cloned().map(Found::Stored).ok_or_else(|| "it was not handed in with its parent".to_owned())
    }

    fn pack(&self, _: &Source, _: &Checked) -> Result<Option<Digest>, String> {
        Ok(None)
    }
}
