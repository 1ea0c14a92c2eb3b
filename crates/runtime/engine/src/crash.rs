//! The places at which the crash harness may end this process. Without the feature `crash-points` they are nothing.

/// Every site of this crate, in the order of a run.
pub const CRASH_SITES: &[&str] = &[
    START_ACK,
    BEFORE_DISPATCH,
    AFTER_DISPATCH,
    REPORT_BEFORE_APPEND,
    REPORT_APPENDED,
    BEFORE_TERMINAL_APPEND,
    AFTER_TERMINAL,
];

/// RunQueued is durable, the caller not yet told.
pub(crate) const START_ACK: &str = "engine-after-start-ack";
/// StepStarted is durable, the worker does not know.
pub(crate) const BEFORE_DISPATCH: &str = "engine-before-dispatch";
/// The worker runs the step.
pub(crate) const AFTER_DISPATCH: &str = "engine-after-dispatch";
/// The step has ended, the ledger does not know.
pub(crate) const REPORT_BEFORE_APPEND: &str = "engine-after-report-before-append";
/// The ledger knows, the worker is not yet told.
pub(crate) const REPORT_APPENDED: &str = "engine-after-report-append";
/// The terminal event is decided.
pub(crate) const BEFORE_TERMINAL_APPEND: &str = "engine-before-terminal-append";
/// The terminal event is durable, nobody is told.
pub(crate) const AFTER_TERMINAL: &str = "engine-after-terminal";

/// Ends the process here if the harness asked for it.
#[cfg(feature = "crash-points")]
pub(crate) fn point(site: &'static str) {
    dvt_store::crash::point(site);
}

/// Ends the process here if the harness asked for it.
#[cfg(not(feature = "crash-points"))]
pub(crate) const fn point(_site: &'static str) {}
