//! Retry policies (contract 4.6), with their defaults already filled in.

use std::borrow::Cow;

/// Retry policy (contract 4.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    /// Retries after the first attempt, at most 20.
    pub max: u32,
    /// How the pause grows.
    pub backoff: Backoff,
    /// First pause.
    pub initial_ms: u64,
    /// Longest pause.
    pub ceiling_ms: u64,
    /// Whether the pause is drawn between 0 and itself by the idempotency key.
    pub full_jitter: bool,
    /// What is retried.
    pub on: Cow<'static, [RetryOn]>,
}

/// Growth of the pause between attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backoff {
    /// Always `initial`.
    Constant,
    /// `initial` × n.
    Linear,
    /// `initial` × 2^(n-1).
    Exponential,
}

/// Failure classes of `retry.on`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RetryOn {
    /// STEP_ERROR, SECRET_UNAVAILABLE, OOM: what contract 15 marks `p`, but TIMEOUT.
    Failure,
    /// TIMEOUT.
    Timeout,
    /// Retryable SYSTEM or PLATFORM, or exit 75.
    Transient,
    /// One of these exit statuses.
    Exit(Vec<i32>),
}
