//! Votes on an approval (contract 9): `min` different principals approve; one refusal is enough to end it.
// A principal counts once for each attempt of an approval, and who started the run not at all where the
// plan says so.

use super::begin::of_engine;
use super::complete::complete;
use super::draft::{Draft, refusal, unknown};
use super::fail::fail;
use super::finish::finish;
use crate::command::{Refusal, Vote};
use crate::event::body::{StepVoted, Verdict};
use crate::ground::Ground;
use crate::lookup;
use crate::mutant::{self, Mutant};
use dvt_model::attempt::LogicalAttemptId;
use dvt_model::code::Code;
use dvt_model::failure::{FailureCategory, Usage};
use dvt_model::run::{EventName, RunStatus, StepStatus};
use dvt_plan::plan::Form;
use serde_json::json;

pub(super) fn decide(draft: &mut Draft<'_>, vote: &Vote) -> Result<(), Refusal> {
    let id = &vote.step_id;
    match draft.run().status {
        Some(RunStatus::Running | RunStatus::Paused) => {}
        Some(RunStatus::Pending) | None => {
            return Err(refusal(Code::InvalidStateTransition, "the run has not started"));
        }
        Some(RunStatus::Completed | RunStatus::Failed | RunStatus::Cancelled) => {
            return Err(refusal(Code::RunTerminal, "the run is over"));
        }
    }
    let form = lookup::definition(draft.plan, id).map(|step| &step.form);
    let (Some(Form::Approval(approval)), Some(facts)) = (form, draft.step(id).cloned()) else {
        return Err(refusal(Code::InvalidStateTransition, format!("`{id}` waits for no approval")));
    };
    // The same vote again gets the first answer, also where it was the last one that was needed.
    match facts.votes.get(&vote.principal_id) {
        Some(before) if mutant::active(Mutant::VoteCountedTwice) && *before == vote.outcome => {}
        Some(before) if *before == vote.outcome => return Ok(()),
        Some(_) => {
            return Err(refusal(Code::InvalidStateTransition, "this principal has voted otherwise"));
        }
        None => {}
    }
    match facts.status {
        StepStatus::Running => {}
        StepStatus::Pending => {
            return Err(refusal(Code::InvalidStateTransition, format!("`{id}` does not wait yet")));
        }
        StepStatus::Success | StepStatus::Failed | StepStatus::Skipped => {
            return Err(refusal(Code::StepTerminal, format!("`{id}` has ended")));
        }
    }
    let is_initiator = draft.queued().is_some_and(|queued| queued.initiators.contains(&vote.principal_id));
    if approval.not_initiator && is_initiator {
        return Err(refusal(Code::AuthzDenied, "who started the run may not vote on it"));
    }
    let body = StepVoted {
        logical_attempt_id: facts.logical,
        decision_id: vote.decision_id,
        principal_id: vote.principal_id,
        outcome: vote.outcome,
    };
    let nth = LogicalAttemptId(facts.voted + 1);
    draft.event(EventName::StepVoted, Some(id.clone()), nth, facts.engine, &body)?;
    let votes = draft.step(id).ok_or_else(|| unknown(id))?.votes.clone();
    match vote.outcome {
        Verdict::Rejected => {
            let message = format!("{} refused", vote.principal_id);
            let failure = of_engine(Code::ApprovalRejected, FailureCategory::User, message);
            fail(draft, id, failure, Usage::default())?;
        }
        Verdict::Approved => {
            let approved =
                votes.iter().filter(|(_, outcome)| **outcome == Verdict::Approved).map(|(who, _)| who);
            let by: Vec<String> = approved.map(ToString::to_string).collect();
            let again = u32::from(facts.votes.contains_key(&vote.principal_id));
            let count = u32::try_from(by.len()).unwrap_or(u32::MAX) + again;
            if count >= approval.min.max(1) {
                complete(draft, id, json!({ "approvedBy": by }), Usage::default(), None)?;
            }
        }
    }
    finish(draft)
}
