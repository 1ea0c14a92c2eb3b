//! The course of the runs of this process, as far as metrics and traces need it: when things began, and what came before.
//!
//! It is bounded: what is beyond is counted but not timed. A run that this process took over midway has no beginning here, and
//! none is made up.

use crate::metrics::Metrics;
use crate::otlp::{Span, Trace};
use crate::seen::Seen;
use dvt_model::code::Code;
use dvt_model::entry::{EventType, Outcome};
use dvt_model::id::RunId;
use dvt_model::run::EventName;
use dvt_model::time::Timestamp;
use std::collections::BTreeMap;

/// Runs at once that are timed.
const MOST_RUNS: usize = 10_000;
/// Steps of a run that are timed at once, and spans of a trace.
const MOST_STEPS: usize = 5_000;

#[derive(Debug)]
struct Run {
    queued_at: Timestamp,
    has_begun: bool,
    has_failed: bool,
    /// Attempts that run.
    running: BTreeMap<String, Timestamp>,
    /// What the newest attempt of a step ended with, where that was no success.
    failed: BTreeMap<String, &'static str>,
    spans: Vec<Span>,
}

/// The degraded modes of contract 5.10 that there are.
const MODES: [&str; 4] = ["CLOCK_STEPPED", "KEY_UNREADABLE", "SEALER_BEHIND", "SLOW_STARTS"];

/// Which mode an incident tells of, and whether it began.
fn mode(seen: &Seen) -> Option<(&'static str, f64)> {
    let mode = MODES.into_iter().find(|mode| seen.code.as_deref() == Some(*mode))?;
    match seen.name.as_deref() {
        Some("DegradedModeEntered") => Some((mode, 1.0)),
        Some("DegradedModeLeft") => Some((mode, -1.0)),
        _ => None,
    }
}

/// The runs.
#[derive(Debug)]
pub(crate) struct Course {
    runs: BTreeMap<RunId, Run>,
    /// How many of them have begun.
    begun: usize,
    is_traced: bool,
}

impl Course {
    pub(crate) fn new(is_traced: bool) -> Self {
        Self { runs: BTreeMap::new(), begun: 0, is_traced }
    }

    /// Queued and not begun; begun and not ended.
    pub(crate) fn in_flight(&self) -> (u32, u32) {
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        (number(self.runs.len().saturating_sub(self.begun)), number(self.begun))
    }

    /// Counts an entry; the trace of a run that ended and is to be told.
    pub(crate) fn apply(&mut self, seen: &Seen, metrics: &Metrics) -> Option<Trace> {
        metrics.add("dvt_ledger_entries_total", Some(("type", seen.event_type.as_str())));
        match seen.event_type {
            EventType::AuthDecision => {
                metrics.add("dvt_authz_decisions_total", Some(("outcome", seen.decision.as_str())));
                if seen.is_start && wants_room(seen) {
                    metrics.add("dvt_backpressure_total", Some(("strategy", "REJECT")));
                }
            }
            EventType::SignalSent => {
                let outcome = if seen.decision == Outcome::Denied { "REJECTED" } else { "ACCEPTED" };
                metrics.add("dvt_signals_received_total", Some(("outcome", outcome)));
            }
            EventType::StateMutation
            | EventType::DecisionRecorded
            | EventType::KeyEvent
            | EventType::ConfigChanged
            | EventType::LedgerEvent => {}
            EventType::Incident => {
                if let Some((mode, by)) = mode(seen) {
                    metrics.raise("dvt_degraded_modes", Some(("mode", mode)), by);
                }
            }
        }
        let (event, run) = (seen.event?, seen.run?);
        match event {
            EventName::RunQueued => {
                metrics.add("dvt_runs_started_total", None);
                metrics.opened(seen.tenant, true);
                if self.runs.len() < MOST_RUNS {
                    self.runs.insert(run, Run::queued(seen.at));
                }
            }
            EventName::RunStarted => {
                if let Some(run) = self.runs.get_mut(&run).filter(|run| !run.has_begun) {
                    run.has_begun = true;
                    self.begun += 1;
                }
            }
            EventName::RunCompleted => return self.end(run, seen, "COMPLETED", metrics),
            EventName::RunFailed => return self.end(run, seen, "FAILED", metrics),
            EventName::RunCancelled => return self.end(run, seen, "CANCELLED", metrics),
            EventName::StepStarted => {
                metrics.add("dvt_step_logical_attempts_total", None);
                metrics.add("dvt_step_engine_attempts_total", None);
                self.step_started(run, seen, metrics);
            }
            EventName::StepRedispatched => metrics.add("dvt_step_engine_attempts_total", None),
            EventName::StepCompleted => {
                metrics.add_many("dvt_step_artifacts_written_bytes_total", None, seen.large_bytes);
                self.step_ended(run, seen, None, metrics);
            }
            EventName::StepFailed => {
                if seen.code.as_deref() == Some(Code::SecretInOutput.as_str()) {
                    metrics.add("dvt_scrub_hits_total", Some(("sink", "output")));
                }
                self.step_ended(run, seen, Some(cause(seen)), metrics);
            }
            EventName::StepRetryRequested => {
                if let (Some(run), Some(step)) = (self.runs.get_mut(&run), &seen.step) {
                    run.failed.insert(step.clone(), "operator");
                }
            }
            EventName::RunPaused
            | EventName::RunResumed
            | EventName::RunFailing
            | EventName::RunCancelRequested
            | EventName::SignalReceived
            | EventName::StepSkipped
            | EventName::StepReused
            | EventName::StepVoted => {}
        }
        None
    }

    fn step_started(&mut self, run: RunId, seen: &Seen, metrics: &Metrics) {
        let (Some(run), Some(step)) = (self.runs.get_mut(&run), &seen.step) else { return };
        if let Some(cause) = run.failed.remove(step).filter(|_| seen.attempt > 1) {
            metrics.add("dvt_step_retries_total", Some(("cause", cause)));
        }
        if run.running.len() < MOST_STEPS {
            run.running.insert(step.clone(), seen.at);
        }
    }

    fn step_ended(&mut self, run_id: RunId, seen: &Seen, cause: Option<&'static str>, metrics: &Metrics) {
        let (Some(run), Some(step)) = (self.runs.get_mut(&run_id), &seen.step) else { return };
        run.has_failed |= cause.is_some();
        if let Some(cause) = cause.filter(|_| run.failed.len() < MOST_STEPS) {
            run.failed.insert(step.clone(), cause);
        }
        let Some(begun) = run.running.remove(step) else { return };
        metrics.observe("dvt_step_duration_seconds", seconds(begun, seen.at));
        if self.is_traced && run.spans.len() < MOST_STEPS {
            run.spans.push(Span { begun, ended: seen.at, step: step.clone(), seen: seen.clone() });
        }
    }

    fn end(&mut self, run_id: RunId, seen: &Seen, status: &'static str, metrics: &Metrics) -> Option<Trace> {
        metrics.add("dvt_runs_completed_total", Some(("status", status)));
        metrics.opened(seen.tenant, false);
        if seen.code.as_deref() == Some(Code::PlanIntegrityValidationFailed.as_str()) {
            metrics.add("dvt_plan_integrity_failures_total", None);
        }
        let run = self.runs.remove(&run_id)?;
        self.begun -= usize::from(run.has_begun);
        metrics.observe("dvt_run_completion_duration_seconds", seconds(run.queued_at, seen.at));
        let is_told = run.has_failed || status != "COMPLETED" || Trace::is_sampled(run_id);
        (self.is_traced && is_told).then(|| Trace {
            run: run_id,
            begun: run.queued_at,
            ended: seen.at,
            status,
            code: seen.code.clone(),
            steps: run.spans,
        })
    }
}

impl Run {
    fn queued(at: Timestamp) -> Self {
        Self {
            queued_at: at,
            has_begun: false,
            has_failed: false,
            running: BTreeMap::new(),
            failed: BTreeMap::new(),
            spans: Vec::new(),
        }
    }
}

/// Whether something was refused because there is too much of it: as many runs as may be are open or wait, or starts take too long.
fn wants_room(seen: &Seen) -> bool {
    let codes = [Code::QuotaExceeded, Code::QueueFull, Code::ServiceDegraded];
    codes.iter().any(|code| seen.code.as_deref() == Some(code.as_str()))
}

fn cause(seen: &Seen) -> &'static str {
    match seen.code.as_deref() {
        Some(code) if code == Code::Timeout.as_str() => "timeout",
        Some(code) if code == Code::WorkerLost.as_str() => "worker_lost",
        Some(code) if code == Code::Oom.as_str() => "oom",
        Some(_) | None => "failure",
    }
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of a run")]
fn seconds(begun: Timestamp, ended: Timestamp) -> f64 {
    ended.ms_since(begun) as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seen::made::event;

    #[test]
    fn a_run_is_counted_timed_and_forgotten() {
        let (metrics, mut course) = (Metrics::default(), Course::new(true));
        let run = [7; 16];
        let mut failed = event(run, EventName::StepFailed, Some("load"), 2_500);
        failed.code = Some("TIMEOUT".to_owned());
        let mut again = event(run, EventName::StepStarted, Some("load"), 3_000);
        again.attempt = 2;
        let course_of = [
            event(run, EventName::RunQueued, None, 1_000),
            event(run, EventName::RunStarted, None, 1_100),
            event(run, EventName::StepStarted, Some("load"), 2_000),
            failed,
            again,
            event(run, EventName::StepCompleted, Some("load"), 3_020),
        ];
        assert!(course_of.iter().all(|seen| course.apply(seen, &metrics).is_none()));
        assert_eq!(course.in_flight(), (0, 1));
        let trace = course.apply(&event(run, EventName::RunCompleted, None, 4_000), &metrics).unwrap();
        assert_eq!((trace.steps.len(), trace.status), (2, "COMPLETED"), "a step failed, so it is told");
        assert_eq!(course.in_flight(), (0, 0));
        let text = metrics.text();
        for line in [
            "dvt_runs_started_total 1",
            "dvt_runs_completed_total{status=\"COMPLETED\"} 1",
            "dvt_step_logical_attempts_total 2",
            "dvt_step_retries_total{cause=\"timeout\"} 1",
            "dvt_step_duration_seconds_sum 0.52",
            "dvt_run_completion_duration_seconds_sum 3",
            "dvt_ledger_entries_total{type=\"STATE_MUTATION\"} 7",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}:\n{text}");
        }
    }

    #[test]
    fn each_family_is_made_by_what_it_is_about() {
        let (metrics, mut course) = (Metrics::default(), Course::new(false));
        metrics.open_runs(dvt_model::id::TenantId::from_random([7; 16]), 0, 4);
        let incident = |name: &str| Seen {
            event_type: EventType::Incident,
            event: None,
            name: Some(name.to_owned()),
            code: Some("SLOW_STARTS".to_owned()),
            ..event([1; 16], EventName::RunQueued, None, 0)
        };
        let other = |event_type, decision| Seen { event_type, decision, event: None, ..incident("") };
        let mut changed = event([1; 16], EventName::RunFailed, None, 6);
        changed.code = Some("PLAN_INTEGRITY_VALIDATION_FAILED".to_owned());
        let mut again = event([1; 16], EventName::StepStarted, Some("load"), 5);
        again.attempt = 2;
        let mut lost = event([1; 16], EventName::StepFailed, Some("load"), 4);
        lost.code = Some("WORKER_LOST".to_owned());
        let mut secret = event([2; 16], EventName::StepFailed, Some("load"), 4);
        secret.code = Some("SECRET_IN_OUTPUT".to_owned());
        let full = Seen {
            code: Some("QUOTA_EXCEEDED".to_owned()),
            ..other(EventType::AuthDecision, Outcome::Granted)
        };
        let failed = Seen { code: Some("INVALID_REQUEST".to_owned()), ..full.clone() };
        for seen in [
            Seen { is_start: true, ..full.clone() },
            // Beside it stands the decision to publish the plan, and others are refused for other reasons.
            full,
            Seen { is_start: true, ..failed },
            secret,
            other(EventType::AuthDecision, Outcome::Granted),
            other(EventType::AuthDecision, Outcome::Denied),
            other(EventType::SignalSent, Outcome::Completed),
            other(EventType::SignalSent, Outcome::Denied),
            incident("DegradedModeEntered"),
            incident("DegradedModeEntered"),
            incident("DegradedModeLeft"),
            event([1; 16], EventName::RunQueued, None, 1),
            event([2; 16], EventName::RunQueued, None, 1),
            event([1; 16], EventName::RunStarted, None, 2),
            event([1; 16], EventName::StepStarted, Some("load"), 3),
            event([1; 16], EventName::StepRedispatched, Some("load"), 3),
            lost,
            again,
            Seen { large_bytes: 70_000, ..event([1; 16], EventName::StepStarted, Some("next"), 5) },
            Seen { large_bytes: 90_000, ..event([1; 16], EventName::StepCompleted, Some("next"), 5) },
            changed,
        ] {
            assert!(course.apply(&seen, &metrics).is_none(), "nobody asked for traces");
        }
        metrics.in_flight(course.in_flight());
        metrics.data_key(dvt_model::id::TenantId::from_random([1; 16]), std::time::Duration::ZERO);
        metrics.add("dvt_ledger_verify_failures_total", None);
        metrics.add("dvt_run_queue_leases_expired_total", None);
        metrics.set("dvt_workers_available", 1.0);
        metrics.observe("dvt_signal_processing_duration_seconds", 0.01);
        metrics.written(std::time::Duration::from_millis(3), true);
        metrics.written(std::time::Duration::from_millis(3), false);
        let text = metrics.text();
        for line in [
            "dvt_authz_decisions_total{outcome=\"DENIED\"} 1",
            "dvt_authz_decisions_total{outcome=\"GRANTED\"} 4",
            "dvt_backpressure_total{strategy=\"REJECT\"} 1",
            "dvt_scrub_hits_total{sink=\"output\"} 1",
            "dvt_degraded_modes{mode=\"SLOW_STARTS\"} 1",
            "dvt_ledger_entries_total{type=\"INCIDENT\"} 3",
            "dvt_plan_integrity_failures_total 1",
            "dvt_run_completion_duration_seconds_count 1",
            "dvt_run_queue_pending 1",
            "dvt_runs_completed_total{status=\"FAILED\"} 1",
            "dvt_runs_in_flight 0",
            "dvt_runs_started_total 2",
            "dvt_signals_received_total{outcome=\"ACCEPTED\"} 1",
            "dvt_signals_received_total{outcome=\"REJECTED\"} 1",
            "dvt_statestore_write_duration_seconds_count 2",
            "dvt_statestore_write_errors_total 1",
            "dvt_step_artifacts_written_bytes_total 90000",
            "dvt_step_duration_seconds_count 2",
            "dvt_step_engine_attempts_total 4",
            "dvt_step_logical_attempts_total 3",
            "dvt_step_retries_total{cause=\"worker_lost\"} 1",
            "dvt_tenant_quota_used_ratio 0.25",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}:\n{text}");
        }
        for family in Metrics::families() {
            assert!(text.contains(&format!("# TYPE {family} ")), "nothing makes {family}:\n{text}");
        }
    }

    /// Of what ends well one in ten is told, by the run's id: the same wherever it is asked.
    #[test]
    fn one_in_ten_is_told_of_what_ends_well() {
        let (metrics, mut course) = (Metrics::default(), Course::new(true));
        let mut told = 0;
        for number in 0..1_000_u32 {
            let mut run = [0; 16];
            run[..4].copy_from_slice(&number.wrapping_mul(2_654_435_761).to_be_bytes());
            course.apply(&event(run, EventName::RunQueued, None, 0), &metrics);
            told +=
                usize::from(course.apply(&event(run, EventName::RunCompleted, None, 1), &metrics).is_some());
        }
        assert!((60..=140).contains(&told), "{told}");
    }
}
