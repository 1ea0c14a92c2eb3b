//! `retry: 3` or `retry: {max, backoff, initial, ceiling, jitter, on}` (contract 4.6).

use super::Reader;
use super::keys::{Family, Level, or};
use crate::diagnostic::codes;
use crate::diagnostic::collector::{Report, shown};
use crate::diagnostic::nearest;
use crate::plan::{Backoff, Retry, RetryOn};
use crate::read::tree::{Entry, Kind, Node};
use std::borrow::Cow;

/// Retries that a step may have.
pub(crate) const MOST_RETRIES: u64 = 20;
/// The longest pause between two attempts.
const LONGEST_PAUSE_MS: u64 = 24 * 3_600_000;

/// Its keys.
pub(crate) const FAMILY: Family = Family {
    what: "`retry`",
    keys: &["max", "backoff", "initial", "ceiling", "jitter", "on"],
    level: Level::Inner,
};

/// What is retried where a plan says nothing; nearly every step has it, and none a list of its own.
static USUAL: [RetryOn; 2] = [RetryOn::Failure, RetryOn::Timeout];

impl Default for Retry {
    /// No retry; where there are some: exponential from one second to five minutes with full jitter, on failure and
    /// timeout.
    fn default() -> Self {
        Self {
            max: 0,
            backoff: Backoff::Exponential,
            initial_ms: 1_000,
            ceiling_ms: 300_000,
            full_jitter: true,
            on: Cow::Borrowed(&USUAL),
        }
    }
}

/// Reads it.
pub(crate) fn read(reader: &mut Reader<'_, '_>, entry: &Entry<'_>) -> Option<Retry> {
    let mut retry = Retry::default();
    if matches!(entry.value.kind, Kind::Number(_)) {
        let max = reader.integer(entry, 0, MOST_RETRIES)?;
        retry.max = u32::try_from(max).ok()?;
        return Some(retry);
    }
    if entry.value.as_map().is_none() {
        let expected = "a number of retries or a mapping";
        reader.wrong(or(entry.value.place, entry.place), "retry", expected, &entry.value);
        return None;
    }
    let (mut has_max, mut has_initial, mut has_ceiling) = (false, false, false);
    for key in reader.family("retry", entry.place, &entry.value, &FAMILY)? {
        match key.name() {
            "max" => {
                has_max = true;
                let max = reader.integer(key, 0, MOST_RETRIES);
                retry.max = max.and_then(|max| u32::try_from(max).ok()).unwrap_or(0);
            }
            "backoff" => {
                let words = [
                    ("constant", Backoff::Constant),
                    ("linear", Backoff::Linear),
                    ("exponential", Backoff::Exponential),
                ];
                retry.backoff = reader.one_of(key, &words).unwrap_or(retry.backoff);
            }
            "initial" => {
                has_initial = true;
                retry.initial_ms = reader.duration(key, 0, LONGEST_PAUSE_MS).unwrap_or(0);
            }
            "ceiling" => {
                has_ceiling = true;
                retry.ceiling_ms = reader.duration(key, 0, LONGEST_PAUSE_MS).unwrap_or(u64::MAX);
            }
            "jitter" => {
                let words = [("full", true), ("none", false)];
                retry.full_jitter = reader.one_of(key, &words).unwrap_or(true);
            }
            "on" => retry.on = classes(reader, key).into(),
            _ => {}
        }
    }
    if !has_max {
        let report = Report::error(
            codes::MISSING_KEY,
            entry.place,
            "`retry` does not say how often: `max` is missing",
        );
        reader.sink.add(report.fix("retry: { max: 3 }"));
    }
    // The one that is not said follows the one that is.
    match (has_initial, has_ceiling) {
        (true, false) => retry.ceiling_ms = retry.ceiling_ms.max(retry.initial_ms),
        (false, true) => retry.initial_ms = retry.initial_ms.min(retry.ceiling_ms),
        (true, true) | (false, false) => {}
    }
    if retry.initial_ms > retry.ceiling_ms {
        let message = "the first pause of `retry` is longer than its `ceiling`";
        reader.error(codes::OUT_OF_LIMITS, or(entry.value.place, entry.place), message);
    }
    Some(retry)
}

fn classes(reader: &mut Reader<'_, '_>, entry: &Entry<'_>) -> Vec<RetryOn> {
    let items = match &entry.value.kind {
        Kind::List(items) => &**items,
        Kind::Text(_) | Kind::Map(_) => std::slice::from_ref(&entry.value),
        _ => {
            reader.wrong(or(entry.value.place, entry.place), "on", "a list of failure classes", &entry.value);
            return Vec::new();
        }
    };
    let mut found = Vec::new();
    for item in items {
        match item.as_text() {
            Some("failure") => found.push(RetryOn::Failure),
            Some("timeout") => found.push(RetryOn::Timeout),
            Some("transient") => found.push(RetryOn::Transient),
            Some(other) => {
                let names: &[&str] = &["failure", "timeout", "transient", "exit: [75]"];
                let names = if reader.sink.has_room() { names } else { &[] }.iter().copied();
                let message = format!("{} is no class of failures", shown(other));
                let report = Report::error(codes::WRONG_SHAPE, item.place, message);
                let report = report.did_you_mean(nearest::nearest(other, names.clone()));
                reader.sink.add(report.choices(nearest::ordered(other, names)));
            }
            None => found.extend(exit(reader, item, entry)),
        }
    }
    if items.is_empty() {
        reader.error(codes::OUT_OF_LIMITS, entry.place, "`on` is empty, so nothing would be retried");
    }
    found
}

/// `{exit: [75]}`
pub(crate) const EXIT: Family = Family { what: "an entry of `on`", keys: &["exit"], level: Level::Inner };

fn exit(reader: &mut Reader<'_, '_>, item: &Node<'_>, entry: &Entry<'_>) -> Option<RetryOn> {
    let mut statuses = Vec::new();
    let keys = reader.family("on", entry.place, item, &EXIT)?;
    // What was published while this was let in runs as it did: nothing is retried by it.
    if item.entry("exit").is_none() && !reader.is_canonical() {
        let place = or(item.place, entry.place);
        let report = Report::error(codes::MISSING_KEY, place, "an entry of `on` does not say its `exit`");
        reader.sink.add(report.fix("on: [{ exit: [75] }]"));
    }
    for key in keys {
        let nodes = match &key.value.kind {
            Kind::List(nodes) => &**nodes,
            _ => std::slice::from_ref(&key.value),
        };
        if nodes.is_empty() && !reader.is_canonical() {
            let message = "`exit` is empty, so nothing would be retried";
            reader.error(codes::OUT_OF_LIMITS, key.place, message);
        }
        for node in nodes {
            let status = reader.integer_node("exit", node, key.place, 1, 255);
            statuses.extend(status.and_then(|status| i32::try_from(status).ok()));
        }
    }
    Some(RetryOn::Exit(statuses))
}
