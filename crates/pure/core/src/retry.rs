//! Retries (contract 4.6): which failures a policy covers, and how long the pause is.
//!
//! The jitter is no chance: it is a function of the attempt's idempotency key, so a replay waits exactly as long.

use crate::mutant::{self, Mutant};
use dvt_model::code::Code;
use dvt_model::digest::Digest;
use dvt_model::failure::Failure;
use dvt_plan::plan::{Backoff, Retry, RetryOn};

/// Whether the policy gives another attempt after attempt `logical` ended so.
pub(crate) fn covers(retry: &Retry, logical: u32, failure: &Failure) -> bool {
    let max = if mutant::active(Mutant::RetryOffByOne) { retry.max.saturating_add(1) } else { retry.max };
    // Attempt n has used n-1 retries.
    logical <= max && retry.on.iter().any(|class| is_of(class, failure))
}

fn is_of(class: &RetryOn, failure: &Failure) -> bool {
    match class {
        // What the registry marks `p`, but TIMEOUT.
        RetryOn::Failure => matches!(failure.error_code, Code::StepError | Code::Oom),
        RetryOn::Timeout => failure.error_code == Code::Timeout,
        RetryOn::Transient => failure.is_transient(),
        RetryOn::Exit(statuses) => failure.exit_status.is_some_and(|status| statuses.contains(&status)),
    }
}

/// The pause after attempt `logical`, whose key (that of its StepStarted, the step's token) is `key`.
pub(crate) fn pause_ms(retry: &Retry, logical: u32, key: &str) -> u64 {
    let grown = match retry.backoff {
        Backoff::Constant => retry.initial_ms,
        Backoff::Linear => retry.initial_ms.saturating_mul(u64::from(logical)),
        Backoff::Exponential => {
            let factor = 1u64.checked_shl(logical.saturating_sub(1)).unwrap_or(u64::MAX);
            retry.initial_ms.saturating_mul(factor)
        }
    };
    let cap = grown.min(retry.ceiling_ms);
    if !retry.full_jitter {
        return cap;
    }
    if mutant::active(Mutant::JitterFromWrongKey) {
        return jitter(cap, &format!("{key}|"));
    }
    jitter(cap, key)
}

/// `floor(cap * u64be(SHA-256(key)[0..8]) / 2^64)`
fn jitter(cap: u64, key: &str) -> u64 {
    let head =
        Digest::of(key.as_bytes()).0.into_iter().take(8).fold(0u64, |all, byte| all << 8 | u64::from(byte));
    let product = u128::from(cap) * u128::from(head);
    u64::try_from(product >> 64).unwrap_or(cap)
}

#[cfg(test)]
mod tests {
    use super::*;
    use dvt_model::failure::FailureCategory;

    fn policy(backoff: Backoff, full_jitter: bool) -> Retry {
        Retry {
            max: 3,
            backoff,
            initial_ms: 10_000,
            ceiling_ms: 60_000,
            full_jitter,
            on: vec![RetryOn::Failure].into(),
        }
    }

    #[test]
    fn pauses_grow_and_stop_at_the_ceiling() {
        let pauses = |backoff| (1..=5).map(|n| pause_ms(&policy(backoff, false), n, "k")).collect::<Vec<_>>();
        assert_eq!(pauses(Backoff::Constant), [10_000; 5]);
        assert_eq!(pauses(Backoff::Linear), [10_000, 20_000, 30_000, 40_000, 50_000]);
        assert_eq!(pauses(Backoff::Exponential), [10_000, 20_000, 40_000, 60_000, 60_000]);
        assert_eq!(pause_ms(&policy(Backoff::Exponential, false), 200, "k"), 60_000);
    }

    /// SHA-256("abc") begins ba7816bf8f01cfea.
    #[test]
    fn the_jitter_is_that_of_the_formula() {
        let expected = 10_000u128 * 0xba78_16bf_8f01_cfea_u128 / (1u128 << 64);
        assert_eq!(u128::from(pause_ms(&policy(Backoff::Constant, true), 1, "abc")), expected);
        assert_ne!(pause_ms(&policy(Backoff::Constant, true), 1, "abd"), u64::try_from(expected).unwrap());
    }

    #[test]
    fn classes_and_counts() {
        let failure = |error_code, exit_status, retryable, failure_category| Failure {
            error_code,
            error_message: String::new(),
            retryable,
            failure_category,
            failure_source: "program".to_owned(),
            exit_status,
        };
        let step_error = failure(Code::StepError, Some(3), false, FailureCategory::User);
        let tempfail = failure(Code::StepError, Some(75), true, FailureCategory::User);
        let timeout = failure(Code::Timeout, None, false, FailureCategory::Timeout);
        let lost = failure(Code::WorkerLost, None, false, FailureCategory::System);
        let degraded = failure(Code::ServiceDegraded, None, true, FailureCategory::System);
        let all = [&step_error, &tempfail, &timeout, &lost, &degraded];
        let taken = |class: RetryOn| all.map(|failure| is_of(&class, failure));
        assert_eq!(taken(RetryOn::Failure), [true, true, false, false, false]);
        assert_eq!(taken(RetryOn::Timeout), [false, false, true, false, false]);
        assert_eq!(taken(RetryOn::Transient), [false, true, false, false, true]);
        assert_eq!(taken(RetryOn::Exit(vec![3, 111])), [true, false, false, false, false]);
        let policy = policy(Backoff::Constant, false);
        assert_eq!([1, 3, 4].map(|attempt| covers(&policy, attempt, &step_error)), [true, true, false]);
    }
}
