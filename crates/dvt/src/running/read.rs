//! What is read of a run that one may see: its row, the plan that it follows, its events, and how it looks.

use crate::compose::Composition;
use crate::problem::Problem;
use crate::view::picture::Picture;
use dvt_core::event::body::ApprovalGate;
use dvt_model::action::Action;
use dvt_model::code::Code;
use dvt_model::proof::{Authorized, Permits};
use dvt_model::resource::Run;
use dvt_plan::plan::Plan;
use dvt_store::port::operation::{RunRow, StoredEvent};
use dvt_store::port::transaction::Kind;

/// The row of a run that one may see.
pub(crate) async fn row<A: Permits>(
    composition: &Composition,
    proof: &Authorized<Run, A>,
) -> Result<RunRow, Problem> {
    let transaction = composition.store.begin(proof.scope(), Kind::Act)?;
    let row = transaction.run(proof.resource().id).await?;
    row.ok_or_else(|| dvt_access::Denied::not_found().into())
}

/// The plan that a run follows, as it was published, behind the approval that its tenant put before it.
pub(crate) async fn plan<A: Permits>(
    composition: &Composition,
    proof: &Authorized<Run, A>,
    row: &RunRow,
) -> Result<Plan, Problem> {
    let transaction = composition.store.begin(proof.scope(), Kind::Act)?;
    let reference = &row.metadata.plan;
    let stored = transaction.plan(reference.plan_id, &reference.plan_version).await?;
    let stored =
        stored.ok_or_else(|| Problem::new(Code::PayloadErased, "the run's plan is no longer kept"))?;
    let plan = dvt_plan::load(&stored.document).map_err(|_| {
        Problem::new(Code::PlanIntegrityValidationFailed, "the run's plan can no longer be read as a plan")
    })?;
    gated(composition, proof, plan).await
}

/// The same of a plan that is at hand: which approval a run waits for stands in its first event.
pub(crate) async fn gated<A: Permits>(
    composition: &Composition,
    proof: &Authorized<Run, A>,
    plan: Plan,
) -> Result<Plan, Problem> {
    let transaction = composition.store.begin(proof.scope(), Kind::Act)?;
    let first = transaction.fetch_events(proof.resource().id, 0, 1).await?.into_iter().next();
    let gate = first.and_then(|first| first.payload?.get("approvalGate").cloned());
    let gate = gate.and_then(|gate| serde_json::from_value::<ApprovalGate>(gate).ok());
    Ok(gate.iter().fold(plan, dvt_core::gated))
}

/// How a run looks now, and its events. Who holds no more than the right to its status shows no payload of them.
pub(crate) async fn picture<A: Permits>(
    composition: &Composition,
    proof: &Authorized<Run, A>,
    plan: &Plan,
) -> Result<(Picture, Vec<StoredEvent>), Problem> {
    if A::ACTION == Action::RunReadPayload {
        let transaction = composition.store.begin(proof.scope(), Kind::Act)?;
        if transaction.is_erased(proof.resource().id).await? {
            return Err(Problem::new(Code::PayloadErased, "what the run's payloads said is erased")
                .why("the keys that they lay under were destroyed; that the run was can still be proved")
                .fix("dvt runs list    shows it\ndvt audit verify  shows that nothing else is gone"));
        }
    }
    let events = events(composition, proof, 0).await?;
    let mut picture = Picture::new(plan);
    events.iter().for_each(|event| picture.apply(event));
    Ok((picture, events))
}

/// All events after `after`.
pub(crate) async fn events<A: Permits>(
    composition: &Composition,
    read: &Authorized<Run, A>,
    after: u64,
) -> Result<Vec<StoredEvent>, Problem> {
    const PAGE: u32 = 1_000;
    let transaction = composition.store.begin(read.scope(), Kind::Act)?;
    let (mut all, mut after) = (Vec::new(), after);
    loop {
        let page = transaction.fetch_events(read.resource().id, after, PAGE).await?;
        let full = page.len() >= usize::try_from(PAGE).unwrap_or(usize::MAX);
        after = page.last().and_then(|event| event.envelope.run.as_ref()).map_or(after, |part| part.run_seq);
        all.extend(page);
        if !full {
            return Ok(all);
        }
    }
}
