//! What a batch of histories has seen: a simulator that never met a case has not tested it.

use dvt_core::event::Event;
use dvt_core::table::{Row, row};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// What a thousand histories must have met. A change that makes one of them rare is a weaker simulator.
const EXPECTED: &[&str] = &[
    "run PENDING RunCancelled",
    "run RUNNING RunCancelled",
    "run RUNNING RunCompleted",
    "run RUNNING RunFailed",
    "RunFailed EXPRESSION_FAILED",
    "RunFailed RUN_TIMEOUT",
    "RunFailing RUN_TIMEOUT",
    "RunFailing STEP_FAILED",
    "StepFailed CANCELLED",
    "StepFailed EXPRESSION_FAILED",
    "StepFailed WORKER_LOST",
    "StepFailed and retried",
    "StepRedispatched ENGINE_RESTART",
    "StepSkipped CONDITION_FALSE",
    "StepSkipped DEPENDENCY_SKIPPED",
    "StepSkipped on the way out",
    "StepStarted on the way out",
    "StepCompleted on the way out",
];

/// Counts, summed over histories.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Histories.
    pub histories: u64,
    /// Commands decided.
    pub commands: u64,
    /// Commands refused.
    pub refusals: u64,
    /// Events stored.
    pub events: u64,
    /// `state × event` cells of the transition table, by how often they were met.
    pub cells: BTreeMap<String, u64>,
    /// Events by what they say.
    pub details: BTreeMap<String, u64>,
    /// Faults by kind.
    pub faults: BTreeMap<&'static str, u64>,
}

impl Counts {
    /// One fault more.
    pub fn fault(&mut self, kind: &'static str) {
        *self.faults.entry(kind).or_default() += 1;
    }

    /// One event more, met in this state.
    pub fn event(&mut self, from: &str, event: &Event, is_ending: bool) {
        self.events += 1;
        let whose = match row(event.name) {
            Row::Run(_) => "run",
            Row::Step(_) => "step",
        };
        *self.cells.entry(format!("{whose} {from} {}", event.name)).or_default() += 1;
        let mut detail = |what: &str| *self.details.entry(format!("{} {what}", event.name)).or_default() += 1;
        for pointer in ["/cause", "/reasonCode", "/failure/errorCode"] {
            event.payload.pointer(pointer).and_then(Value::as_str).into_iter().for_each(&mut detail);
        }
        if event.payload.get("retryAt").is_some() {
            detail("and retried");
        }
        if is_ending && event.step_id.is_some() {
            detail("on the way out");
        }
    }

    /// What a thousand histories or more should have met and did not.
    pub fn missing(&self) -> Vec<&'static str> {
        let met = |what: &&&str| self.cells.contains_key(**what) || self.details.contains_key(**what);
        if self.histories < 1_000 {
            Vec::new()
        } else {
            EXPECTED.iter().filter(|what| !met(what)).copied().collect()
        }
    }

    /// The sum.
    pub fn add(&mut self, other: &Self) {
        self.histories += other.histories;
        self.commands += other.commands;
        self.refusals += other.refusals;
        self.events += other.events;
        for (sum, part) in [(&mut self.cells, &other.cells), (&mut self.details, &other.details)] {
            for (name, count) in part {
                *sum.entry(name.clone()).or_default() += count;
            }
        }
        for (fault, count) in &other.faults {
            *self.faults.entry(fault).or_default() += count;
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { histories, commands, refusals, events, cells, details, faults } = self;
        write!(
            formatter,
            "{histories} histories, {commands} commands ({refusals} refused), {events} events; "
        )?;
        let shown = |counts: &BTreeMap<String, u64>| {
            counts.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
        };
        let faults: Vec<String> = faults.iter().map(|(fault, count)| format!("{fault} {count}")).collect();
        let (cells, details, faults) = (shown(cells), shown(details), faults.join(", "));
        write!(formatter, "cells: {cells}; details: {details}; faults: {faults}")
    }
}
