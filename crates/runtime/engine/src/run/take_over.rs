//! Taking over: a run in the place of another one opens with the results of the steps that completed there (contract 4.5).
//!
//! Which steps stands in RunQueued; their results are read from the old run's ledger when the new one may begin. If they cannot
//! be had (erased since), the run fails before any step, and says so.

use super::advance::{Left, Task};
use super::kept::{Acts, told};
use super::load::outputs_with_events;
use crate::{Problem, chance};
use dvt_core::command::{Command, Input, Reused};
use dvt_model::code::Code;
use dvt_model::failure::{Failure, FailureCategory};
use std::collections::BTreeSet;

impl Task {
    /// Brings the results, or ends the run.
    ///
    /// If we crash before the append, the run is as it was queued, and the next holder does the same.
    pub(crate) async fn take_over(&mut self) -> Result<(), Left> {
        let command = match self.reused().await {
            Ok(reused) => Command::Reuse(reused),
            // It can be asked for again.
            Err(problem) if problem.code.is_retryable() => return Err(Left::Broken(problem)),
            Err(problem) => Command::Abort(cannot(problem)),
        };
        let input = Input { now: self.engine.now(), entropy: chance::entropy(), command };
        let decided = match dvt_core::decide(&self.fold.plan, &self.fold.state, &input) {
            Ok(decided) => decided,
            Err(refusal) => {
                let command = Command::Abort(cannot(refusal.into()));
                let input = Input { command, ..input };
                dvt_core::decide(&self.fold.plan, &self.fold.state, &input)
                    .map_err(|refusal| Left::Broken(refusal.into()))?
            }
        };
        let events = told(&self.fold.plan, &self.fold.state, &decided.events);
        self.fold.append(&self.engine, Acts::default(), events, None).await?;
        self.evolve(&decided.events)?;
        self.act(decided.effects).await;
        self.tell();
        Ok(())
    }

    async fn reused(&self) -> Result<Vec<Reused>, Problem> {
        let broken = |why: String| Problem::new(Code::PlanIntegrityValidationFailed, why);
        let steps: BTreeSet<_> = self.fold.state.wants_reuse().cloned().unwrap_or_default();
        let original = self.fold.state.original_run().ok_or_else(|| broken("no original run".to_owned()))?;
        let row = self.engine.row(&self.fold.scope, original).await?;
        if row.metadata.plan.digest != self.fold.metadata.plan.digest {
            return Err(broken("the original run followed another plan".to_owned()));
        }
        let mut found = outputs_with_events(&self.engine, self.fold.scope, original, &steps).await?;
        steps
            .into_iter()
            .map(|step_id| {
                let (original_event_id, result) = found
                    .remove(&step_id)
                    .ok_or_else(|| broken(format!("`{step_id}` did not complete in the original run")))?;
                let step = self.fold.plan.steps.get(&step_id);
                let step = step.ok_or_else(|| broken(format!("the plan has no step `{step_id}`")))?;
                Ok(Reused { original_event_id, definition_digest: step.definition, result, step_id })
            })
            .collect()
    }
}

fn cannot(problem: Problem) -> Failure {
    Failure {
        error_code: problem.code,
        error_message: format!("what the run takes over cannot be had: {}", problem.message),
        retryable: false,
        failure_category: FailureCategory::System,
        failure_source: "engine".to_owned(),
        exit_status: None,
    }
}
