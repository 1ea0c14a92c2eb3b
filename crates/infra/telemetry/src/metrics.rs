//! The metrics of contract 13 that exist today, and their text form (Prometheus 0.0.4).
//!
//! Names and labels are words of this source: a label's value is `&'static str`, so nothing that a tenant wrote can become one.

use crate::lock;
use dvt_model::id::TenantId;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Upper bounds of the histograms, in seconds.
const BOUNDS: [f64; 14] =
    [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.3, 1.0, 5.0, 30.0, 300.0, 3_600.0, 86_400.0];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// Every family: name, kind, help. What is not here is not made.
const FAMILIES: &[(&str, Kind, &str)] = &[
    ("dvt_authz_decisions_total", Kind::Counter, "decisions of access that are entries, by outcome"),
    (
        "dvt_backpressure_total",
        Kind::Counter,
        "what had to wait for room, and starts that were refused for want of it, by strategy",
    ),
    ("dvt_degraded_modes", Kind::Gauge, "ledgers that tell of a mode that holds, by mode"),
    (
        "dvt_keys_rotation_age_seconds",
        Kind::Gauge,
        "age of the data key in use, of the tenant that has the oldest one",
    ),
    (
        "dvt_ledger_checkpoint_lag_seconds",
        Kind::Gauge,
        "age of the oldest entry of this process without a checkpoint",
    ),
    ("dvt_ledger_entries_total", Kind::Counter, "entries made durable, by kind"),
    (
        "dvt_ledger_verify_failures_total",
        Kind::Counter,
        "ledgers and proofs that were verified here and are not valid",
    ),
    (
        "dvt_plan_integrity_failures_total",
        Kind::Counter,
        "runs whose plan was not the one they were queued with",
    ),
    ("dvt_run_completion_duration_seconds", Kind::Histogram, "from queued to ended"),
    (
        "dvt_run_queue_leases_expired_total",
        Kind::Counter,
        "queued runs taken over from an engine that did not give its lease back",
    ),
    ("dvt_run_queue_pending", Kind::Gauge, "runs that are queued and have not begun"),
    ("dvt_runs_completed_total", Kind::Counter, "runs that ended, by status"),
    ("dvt_runs_in_flight", Kind::Gauge, "runs that have begun and not ended"),
    ("dvt_runs_started_total", Kind::Counter, "runs that were queued"),
    ("dvt_scrub_hits_total", Kind::Counter, "secrets that were found on their way out, by where to"),
    (
        "dvt_signal_processing_duration_seconds",
        Kind::Histogram,
        "from a signal that came to the engine until what it did was durable",
    ),
    ("dvt_signals_received_total", Kind::Counter, "signals, by outcome"),
    (
        "dvt_statestore_write_duration_seconds",
        Kind::Histogram,
        "one transaction of a tenant's file, with its sync",
    ),
    ("dvt_statestore_write_errors_total", Kind::Counter, "transactions that failed or whose fate is unknown"),
    (
        "dvt_step_artifacts_written_bytes_total",
        Kind::Counter,
        "outputs of steps that are too large for their entry and lie beside the ledger",
    ),
    ("dvt_step_duration_seconds", Kind::Histogram, "one attempt of a step, from started to ended"),
    ("dvt_step_engine_attempts_total", Kind::Counter, "dispatches of attempts, repeated ones too"),
    ("dvt_step_logical_attempts_total", Kind::Counter, "attempts of steps"),
    ("dvt_step_retries_total", Kind::Counter, "attempts after the first, by what the one before ended with"),
    (
        "dvt_tenant_quota_used_ratio",
        Kind::Gauge,
        "open runs beside the most that may be, of the tenant that has used most of it",
    ),
    ("dvt_workers_available", Kind::Gauge, "workers of this engine that are ready for steps"),
];

#[derive(Debug, Clone, PartialEq)]
enum Value {
    Number(f64),
    Spread { counts: [u64; BOUNDS.len()], count: u64, sum: f64 },
}

type Label = Option<(&'static str, &'static str)>;

/// The numbers of this process.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    series: Mutex<BTreeMap<(&'static str, Label), Value>>,
    /// When the oldest entry without a checkpoint became durable.
    oldest: Mutex<Option<Instant>>,
    /// How old the data key of each tenant was, and when. The monotonic clock counts on, for wall clocks are set.
    keys: Mutex<BTreeMap<TenantId, (Duration, Instant)>>,
    /// Of each tenant that this engine serves: how many runs are open, and how many may be.
    open: Mutex<BTreeMap<TenantId, (u32, u32)>>,
}

impl Metrics {
    pub(crate) fn add(&self, name: &'static str, label: Label) {
        self.raise(name, label, 1.0);
    }

    /// So many of them; nothing where there are none.
    #[expect(clippy::cast_precision_loss, reason = "a counter of Prometheus is a float")]
    pub(crate) fn add_many(&self, name: &'static str, label: Label, count: u64) {
        if count > 0 {
            self.raise(name, label, count as f64);
        }
    }

    /// Raises or lowers a number.
    pub(crate) fn raise(&self, name: &'static str, label: Label, by: f64) {
        let mut series = lock(&self.series);
        if let Value::Number(number) = series.entry((name, label)).or_insert(Value::Number(0.0)) {
            *number = (*number + by).max(0.0);
        }
    }

    pub(crate) fn set(&self, name: &'static str, number: f64) {
        lock(&self.series).insert((name, None), Value::Number(number));
    }

    pub(crate) fn observe(&self, name: &'static str, seconds: f64) {
        let empty = Value::Spread { counts: [0; BOUNDS.len()], count: 0, sum: 0.0 };
        let mut series = lock(&self.series);
        if let Value::Spread { counts, count, sum } = series.entry((name, None)).or_insert(empty) {
            for (bound, below) in BOUNDS.iter().zip(counts) {
                *below += u64::from(seconds <= *bound);
            }
            *count += 1;
            *sum += seconds;
        }
    }

    pub(crate) fn in_flight(&self, (pending, begun): (u32, u32)) {
        self.set("dvt_run_queue_pending", f64::from(pending));
        self.set("dvt_runs_in_flight", f64::from(begun));
    }

    pub(crate) fn written(&self, took: Duration, is_durable: bool) {
        self.observe("dvt_statestore_write_duration_seconds", took.as_secs_f64());
        if !is_durable {
            self.add("dvt_statestore_write_errors_total", None);
        }
    }

    pub(crate) fn unsealed(&self) {
        lock(&self.oldest).get_or_insert_with(Instant::now);
    }

    /// What came while it was sealed is younger than `since` and waits for the next one.
    pub(crate) fn sealed(&self, since: Instant) {
        let mut oldest = lock(&self.oldest);
        if oldest.is_some_and(|oldest| oldest <= since) {
            *oldest = None;
        }
    }

    pub(crate) fn data_key(&self, tenant: TenantId, age: Duration) {
        lock(&self.keys).insert(tenant, (age, Instant::now()));
    }

    /// From here on the open runs of a tenant are counted from its entries.
    pub(crate) fn open_runs(&self, tenant: TenantId, open: u32, most: u32) {
        lock(&self.open).insert(tenant, (open, most));
    }

    /// A run of a tenant was queued, or has ended.
    pub(crate) fn opened(&self, tenant: TenantId, is_open: bool) {
        if let Some((open, _)) = lock(&self.open).get_mut(&tenant) {
            *open = if is_open { open.saturating_add(1) } else { open.saturating_sub(1) };
        }
    }

    /// Another process is the engine.
    pub(crate) fn serves_none(&self) {
        lock(&self.open).clear();
        lock(&self.series).remove(&("dvt_tenant_quota_used_ratio", None));
    }

    /// All of them as text.
    pub(crate) fn text(&self) -> String {
        let ages = lock(&self.keys).values().map(|(age, at)| *age + at.elapsed()).max();
        if let Some(age) = ages {
            self.set("dvt_keys_rotation_age_seconds", age.as_secs_f64());
        }
        let part = |(open, most): &(u32, u32)| f64::from(*open) / f64::from((*most).max(1));
        let used = lock(&self.open).values().map(part).reduce(f64::max);
        if let Some(used) = used {
            self.set("dvt_tenant_quota_used_ratio", used);
        }
        let lag = lock(&self.oldest).map_or(0.0, |oldest| oldest.elapsed().as_secs_f64());
        self.set("dvt_ledger_checkpoint_lag_seconds", lag);
        let series = lock(&self.series);
        let mut text = String::new();
        for (name, kind, help) in FAMILIES {
            let mut of = series.range((*name, None)..).take_while(|((other, _), _)| other == name).peekable();
            if of.peek().is_none() {
                continue;
            }
            let kind = match kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
                Kind::Histogram => "histogram",
            };
            put(&mut text, format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
            for ((_, label), value) in of {
                let label = label.map_or_else(String::new, |(key, word)| format!("{{{key}=\"{word}\"}}"));
                match value {
                    Value::Number(number) => put(&mut text, format_args!("{name}{label} {number}\n")),
                    Value::Spread { counts, count, sum } => {
                        for (bound, below) in BOUNDS.iter().zip(counts) {
                            put(&mut text, format_args!("{name}_bucket{{le=\"{bound}\"}} {below}\n"));
                        }
                        put(&mut text, format_args!("{name}_bucket{{le=\"+Inf\"}} {count}\n"));
                        put(&mut text, format_args!("{name}_sum {sum}\n{name}_count {count}\n"));
                    }
                }
            }
        }
        text
    }
}

fn put(text: &mut String, what: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _written = text.write_fmt(what);
}

#[cfg(test)]
impl Metrics {
    pub(crate) fn families() -> impl Iterator<Item = &'static str> {
        FAMILIES.iter().map(|(name, ..)| *name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_the_families_and_no_other() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs/telemetry.md");
        let page = std::fs::read_to_string(page).unwrap();
        let word = |text: &str| text.split(['`', '{']).next().unwrap_or_default().to_owned();
        let mut named: Vec<_> =
            page.split("`dvt_").skip(1).map(|rest| format!("dvt_{}", word(rest))).collect();
        named.sort();
        assert_eq!(named, Metrics::families().collect::<Vec<_>>());
    }

    #[test]
    fn families_stand_in_order_with_their_series() {
        assert!(FAMILIES.is_sorted_by_key(|(name, ..)| *name));
        let metrics = Metrics::default();
        metrics.add("dvt_runs_completed_total", Some(("status", "FAILED")));
        metrics.add("dvt_runs_completed_total", Some(("status", "COMPLETED")));
        metrics.add("dvt_runs_completed_total", Some(("status", "COMPLETED")));
        metrics.observe("dvt_step_duration_seconds", 0.004);
        metrics.observe("dvt_step_duration_seconds", 40.0);
        let text = metrics.text();
        for line in [
            "# TYPE dvt_runs_completed_total counter",
            "dvt_runs_completed_total{status=\"COMPLETED\"} 2",
            "dvt_runs_completed_total{status=\"FAILED\"} 1",
            "dvt_step_duration_seconds_bucket{le=\"0.002\"} 0",
            "dvt_step_duration_seconds_bucket{le=\"0.005\"} 1",
            "dvt_step_duration_seconds_bucket{le=\"300\"} 2",
            "dvt_step_duration_seconds_bucket{le=\"+Inf\"} 2",
            "dvt_step_duration_seconds_count 2",
            "dvt_ledger_checkpoint_lag_seconds 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}:\n{text}");
        }
    }

    /// One tenant's young key does not hide another one's old one, and a replaced key is told at once.
    #[test]
    fn the_oldest_of_the_data_keys_in_use_is_told_and_grows_older() {
        let metrics = Metrics::default();
        let age = || {
            let text = metrics.text();
            let line = text.lines().find_map(|line| line.strip_prefix("dvt_keys_rotation_age_seconds "));
            line.map(|number| number.parse::<f64>().unwrap())
        };
        assert_eq!(age(), None, "no key is open");
        let (one, other) = (TenantId::from_random([1; 16]), TenantId::from_random([2; 16]));
        metrics.data_key(one, Duration::from_secs(7_000_000));
        metrics.data_key(other, Duration::from_secs(5));
        let first = age().unwrap();
        assert!((7_000_000.0..7_000_100.0).contains(&first), "{first}");
        assert!(age().unwrap() > first);
        metrics.data_key(one, Duration::ZERO);
        assert!((5.0..100.0).contains(&age().unwrap()));
    }

    #[test]
    fn of_the_tenants_the_one_that_is_nearest_to_its_quota_is_told() {
        let metrics = Metrics::default();
        let used = || {
            let text = metrics.text();
            let line = text.lines().find_map(|line| line.strip_prefix("dvt_tenant_quota_used_ratio "));
            line.map(str::to_owned)
        };
        let (one, other) = (TenantId::from_random([1; 16]), TenantId::from_random([2; 16]));
        metrics.opened(one, true);
        assert_eq!(used(), None, "what was open before is not known");
        metrics.open_runs(one, 3, 8);
        metrics.open_runs(other, 1, 8);
        assert_eq!(used().as_deref(), Some("0.375"));
        metrics.opened(other, false);
        metrics.opened(other, false);
        (0..4).for_each(|_| metrics.opened(other, true));
        assert_eq!(used().as_deref(), Some("0.5"));
        metrics.serves_none();
        assert_eq!(used(), None);
    }

    #[test]
    fn a_checkpoint_ends_the_lag_of_what_came_before_it_alone() {
        let metrics = Metrics::default();
        let before = Instant::now();
        metrics.unsealed();
        metrics.sealed(before);
        assert!(metrics.oldest.lock().unwrap().is_some(), "it came after that checkpoint was asked for");
        metrics.sealed(Instant::now());
        assert!(metrics.oldest.lock().unwrap().is_none());
    }
}
