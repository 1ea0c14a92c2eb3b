//! Whether and when an attempt is tried again: PLAN_LANGUAGE "Conditions, failure, order", contract 4.6.

use super::Answer;
use crate::simulator::reference::course;
use crate::simulator::reference::view::{Unit, View};
use dvt_model::digest::Digest;
use dvt_plan::plan::{Backoff, Part, RetryOn, Step};
use serde_json::Value;

impl Answer<'_> {
    /// When the next attempt is due, where there is one.
    pub(super) fn again(
        &self,
        unit: &str,
        step: &Step,
        failure: &Value,
    ) -> Option<dvt_model::time::Timestamp> {
        let fact = self.view.fact(unit)?;
        // A `foreach` is tried again item by item.
        let is_base = step.foreach.is_some() && Unit::of(unit).item.is_none();
        let tried = fact.attempt;
        let stopped = self.view.is_of_the_drain(unit) && self.view.is_stopping();
        let again = !is_base
            && !stopped
            && !self.goes_down(unit, step)
            && may_go_on(&self.view, unit, step)
            && tried <= step.retry.max
            && is_retried(step, failure);
        again.then(|| self.now.plus_ms(self.pause_ms(unit, step, tried)))
    }

    /// Growth, ceiling, and jitter from the attempt's key.
    fn pause_ms(&self, unit: &str, step: &Step, tried: u32) -> u64 {
        let factor = match step.retry.backoff {
            Backoff::Constant => 1,
            Backoff::Linear => u64::from(tried),
            Backoff::Exponential => 2_u64.saturating_pow(tried - 1),
        };
        let pause = step.retry.initial_ms.saturating_mul(factor).min(step.retry.ceiling_ms);
        if !step.retry.full_jitter {
            return pause;
        }
        let attempt = self.view.fact(unit).map_or(1, |fact| fact.attempt);
        let key = self.token(unit, attempt);
        let digest = Digest::of(key.as_bytes());
        let mut first = [0; 8];
        first.iter_mut().zip(digest.0).for_each(|(to, from)| *to = from);
        let drawn = (u128::from(pause) * u128::from(u64::from_be_bytes(first))) >> 64;
        u64::try_from(drawn).unwrap_or(pause)
    }
}

/// Whether the step may begin an attempt now or later, as far as the way out has to say.
fn may_go_on(view: &View, unit: &str, step: &Step) -> bool {
    Unit::of(unit).undoes || step.part != Part::Ordinary || course::may_begin(view, step)
}

fn is_retried(step: &Step, failure: &Value) -> bool {
    let text = |name: &str| failure.get(name).and_then(Value::as_str).unwrap_or_default();
    let code = text("errorCode");
    let status = failure.get("exitStatus").and_then(Value::as_i64);
    let machinery = text("failureCategory") == "SYSTEM" || text("failureCategory") == "PLATFORM";
    let retryable = failure.get("retryable").and_then(Value::as_bool) == Some(true);
    step.retry.on.iter().any(|class| match class {
        RetryOn::Failure => ["STEP_ERROR", "OOM", "SECRET_UNAVAILABLE"].contains(&code),
        RetryOn::Timeout => code == "TIMEOUT",
        RetryOn::Transient => (machinery && retryable) || status == Some(75),
        RetryOn::Exit(statuses) => statuses.iter().any(|known| status == Some(i64::from(*known))),
    })
}
