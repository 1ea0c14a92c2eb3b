//! Idempotency keys (contract 5.3): lowercase hex of SHA-256 over pieces joined by `|`.
//!
//! The function takes raw text pieces, for the published check vectors use names that today's id rules would refuse.
//! Tenant, project, environment and `engineAttemptId` are never part of an event's key.

use crate::digest::Digest;
use crate::id::{PlanId, RunRequestId};
use crate::scope::ScopeIds;

/// A piece contained the separator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a piece of an idempotency key contains `|`")]
pub struct ContainsSeparator;

fn key(pieces: &[&str]) -> Result<String, ContainsSeparator> {
    if pieces.iter().any(|piece| piece.contains('|')) {
        return Err(ContainsSeparator);
    }
    Ok(Digest::of(pieces.join("|").as_bytes()).hex())
}

/// The pieces of an event's key.
#[derive(Debug, Clone, Copy)]
pub struct EventKey<'a> {
    /// The run's key form.
    pub run: &'a str,
    /// The step id, or `None` for `RUN`.
    pub step: Option<&'a str>,
    /// Slot 3: the logical attempt, or the count that the event catalogue (5.1) names.
    pub slot: u32,
    /// The event's name.
    pub event: &'a str,
    /// The plan's id: key form of one that we minted, a foreign one verbatim.
    pub plan: &'a str,
    /// The plan's version.
    pub plan_version: &'a str,
}

/// `runId|stepIdNormalized|logicalAttemptId|eventType|planId|planVersion`
pub fn of_event(pieces: EventKey<'_>) -> Result<String, ContainsSeparator> {
    let slot = pieces.slot.to_string();
    key(&[pieces.run, pieces.step.unwrap_or("RUN"), &slot, pieces.event, pieces.plan, pieces.plan_version])
}

/// `tenantId|projectId|environmentId|planId|planVersion|runRequestId`: the same request again is the same run.
pub fn of_admission(
    scope: &ScopeIds,
    plan: PlanId,
    plan_version: &str,
    request: &RunRequestId,
) -> Result<String, ContainsSeparator> {
    key(&[
        &scope.tenant_id.key(),
        &scope.project_id.key(),
        &scope.environment_id.key(),
        &plan.key(),
        plan_version,
        request.as_str(),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: &str = "0d3c6a9e-4f0c-4a8e-9d5d-3d4c0f7dbb8a";

    /// The five check vectors of contract 5.3.
    #[test]
    fn check_vectors() {
        let vectors = [
            (
                "model.orders",
                1,
                "StepStarted",
                "plan_abc",
                "2",
                "7f4b974658a54fb2aee9ecb9cefebd2eec27f3fd01f0f8c0d031dfc4a5b96e3c",
            ),
            (
                "RUN",
                1,
                "RunStarted",
                "plan_abc",
                "2",
                "204197f81e5dc1a8491d8e411c440a730c51a741cd48a74863d3e5c4c452640d",
            ),
            (
                "model.orders",
                2,
                "StepFailed",
                "plan_abc",
                "2",
                "599945c1a8023ece5d2ae5132a4397b8cfbe9fa1c4c08d6fc4193a9bd9a2ebcd",
            ),
            (
                "RUN",
                1,
                "RunFailed",
                "plan_abc",
                "3",
                "b5a178e6f30962ca3d17b573c0d4c5f96d7623be5fe62a972644785fc05a003b",
            ),
            (
                "seed.customers",
                1,
                "StepSkipped",
                "plan_abc",
                "1",
                "6bfdbe26d62eac0c00cf2683aae31115e76e4d33d515e39957627be091367b31",
            ),
        ];
        for (step, slot, event, plan, plan_version, expected) in vectors {
            let step = (step != "RUN").then_some(step);
            let key = of_event(EventKey { run: RUN, step, slot, event, plan, plan_version });
            assert_eq!(key.as_deref(), Ok(expected), "{event}");
        }
    }

    #[test]
    fn no_piece_may_move_the_borders() {
        let key = EventKey {
            run: RUN,
            step: Some("a|1"),
            slot: 1,
            event: "StepStarted",
            plan: "p",
            plan_version: "1",
        };
        assert_eq!(of_event(key), Err(ContainsSeparator));
    }
}
