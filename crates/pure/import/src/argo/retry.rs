//! `retryStrategy`: how often and how fast.

use super::Importer;
use crate::Node;
use crate::foreign::tree::Tree;
use crate::step::seconds;

/// The most retries of a plan.
const MOST: u64 = 20;
/// Seconds of its longest pause.
const LONGEST: u64 = 86_400;

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
        retry.extend(
            match strategy.get("backoff") {
                Some(backoff) => self.backoff(strategy, backoff),
                // At once.
                None => vec![("backoff", "constant".to_owned()), ("initial", seconds(0))],
            }
            .into_iter()
            .map(|(key, word)| (key.to_owned(), Node::word(word))),
        );
        retry.push(("jitter".to_owned(), Node::word("none")));
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

impl Importer<'_> {
    /// The retry of each container of a set: so often, and after so long.
    pub(super) fn retry_of_each(&mut self, strategy: &Tree) -> Node {
        let number = strategy.text_of("retries").and_then(|text| text.parse::<u64>().ok());
        if number.is_none_or(|number| number > MOST) {
            let why = "20 retries are the most";
            self.losses.add("containerSet.retryStrategy", why, strategy.begins(), strategy.place);
        }
        let pause = match strategy.text_of("duration") {
            None | Some("0" | "0s") => 0,
            Some(text) => time(text).filter(|pause| *pause <= 300).unwrap_or_else(|| {
                let why = "here the pause is a number of seconds or minutes of at most five minutes; it is one second";
                self.losses.add("containerSet.retryStrategy", why, "duration", strategy.place_of("duration"));
                1
            }),
        };
        Node::Map(vec![
            ("max".to_owned(), Node::count(number.unwrap_or(MOST).min(MOST))),
            ("backoff".to_owned(), Node::word("constant")),
            ("initial".to_owned(), Node::word(seconds(pause))),
            ("jitter".to_owned(), Node::word("none")),
        ])
    }

    /// The pauses: each time the factor longer, up to the cap.
    fn backoff(&mut self, strategy: &Tree, backoff: &Tree) -> Vec<(&'static str, String)> {
        for (key, place, _) in backoff.entries() {
            let why = match key.as_str() {
                "duration" | "factor" | "cap" => continue,
                "maxDuration" => "a plan bounds each attempt by `timeout`",
                _ => super::NO_WORD,
            };
            self.losses.add(format!("backoff.{key}"), why, key, *place);
        }
        let is_constant = match backoff.text_of("factor") {
            None | Some("0" | "1") => true,
            Some("2") => false,
            Some(_) => {
                let why = "here each pause is as long as the one before, or twice as long";
                self.losses.add("backoff.factor", why, "factor", backoff.place_of("factor"));
                false
            }
        };
        let pause = |text: &str| match text {
            "0" | "0s" => Some(0),
            text => time(text).filter(|pause| *pause <= LONGEST),
        };
        let initial = backoff.text_of("duration").and_then(pause);
        if initial.is_none() {
            let why = "here the first pause is a number of seconds, minutes or hours of at most a day; it is one second";
            let key = if backoff.get("duration").is_some() { "duration" } else { "backoff" };
            self.losses.add("backoff.duration", why, key, strategy.place_of("backoff"));
        }
        let cap = backoff.text_of("cap").map(pause);
        if cap == Some(None) {
            let why = "here no pause is longer than a day";
            self.losses.add("backoff.cap", why, "cap", backoff.place_of("cap"));
        }
        let ceiling = cap.flatten().unwrap_or(LONGEST);
        let mut all = vec![
            ("backoff", if is_constant { "constant" } else { "exponential" }.to_owned()),
            ("initial", seconds(initial.unwrap_or(1).min(ceiling))),
        ];
        if !is_constant || initial.is_some_and(|initial| initial > 300) {
            all.push(("ceiling", seconds(ceiling)));
        }
        all
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
