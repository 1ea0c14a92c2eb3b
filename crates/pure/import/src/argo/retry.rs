//! `retryStrategy`: how often and how fast.

use super::Importer;
use crate::Node;
use crate::foreign::tree::Tree;

/// The most retries of a plan.
const MOST: u64 = 20;

impl Importer<'_> {
    /// It as `retry`.
    pub(super) fn retry(&mut self, template: &Tree, strategy: &Tree) -> Node {
        for (key, place, _) in strategy.entries() {
            let why = match key.as_str() {
                "limit" | "backoff" | "retryPolicy" => continue,
                "expression" => {
                    "a plan retries by how a step failed: failure, timeout, transient or exit status"
                }
                _ => "it belongs to the cluster",
            };
            self.losses.add(format!("retryStrategy.{key}"), why, key, *place);
        }
        let limit = strategy.text_of("limit").and_then(|text| text.parse::<u64>().ok());
        if limit.is_none_or(|limit| limit > MOST) {
            let key = if strategy.get("limit").is_some() { "limit" } else { "retryStrategy" };
            let place = template.place_of("retryStrategy");
            self.losses.add("retryStrategy.limit", "20 retries are the most", key, place);
        }
        let mut retry = vec![("max".to_owned(), Node::count(limit.unwrap_or(MOST).min(MOST)))];
        if let Some(backoff) = strategy.get("backoff") {
            let is_constant = backoff.text_of("factor").is_none_or(|factor| matches!(factor, "0" | "1"));
            retry.push((
                "backoff".to_owned(),
                Node::word(if is_constant { "constant" } else { "exponential" }),
            ));
            match backoff.text_of("duration").and_then(time).filter(|seconds| *seconds <= 300) {
                Some(seconds) => {
                    retry.push(("initial".to_owned(), Node::word(crate::step::seconds(seconds))))
                }
                None => self.losses.add(
                    "backoff.duration",
                    "here the first pause is at most five minutes",
                    if backoff.get("duration").is_some() { "duration" } else { "backoff" },
                    strategy.place_of("backoff"),
                ),
            }
            if backoff.get("maxDuration").is_some() {
                self.losses.add(
                    "backoff.maxDuration",
                    "a plan bounds each attempt by `timeout`",
                    "maxDuration",
                    backoff.place_of("maxDuration"),
                );
            }
        }
        let on: &[&str] = match strategy.text_of("retryPolicy") {
            Some("OnError" | "OnTransientError") => &["transient"],
            Some("Always") => &["failure", "timeout", "transient"],
            _ => &["failure", "timeout"],
        };
        if on.len() != 2 {
            retry.push(("on".to_owned(), Node::List(on.iter().map(|word| Node::word(*word)).collect())));
        }
        Node::Map(retry)
    }
}

/// Seconds of `10`, `10s`, `2m`, `1h`, `1d`.
pub(super) fn time(text: &str) -> Option<u64> {
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (count, unit) = text.split_at(end);
    let count: u64 = count.parse().ok()?;
    let unit = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    count.checked_mul(unit).filter(|seconds| (1..=31_000_000).contains(seconds))
}
