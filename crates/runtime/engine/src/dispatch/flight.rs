//! What is with the worker, who waits for slots, and how many there are: plain bookkeeping, without a worker in sight.
//!
//! The surprising rule: the slot that the end of an attempt frees goes with the report to its run, so that the end of one step
//! and the start of the next are one block. Where another run waits in line nothing goes with it: whose turn it is stays so.

use super::desk::Desk;
use super::turns::{Next, Turns};
use super::{Attempt, Granted};
use crate::run::{Gone, Hot, Message};
use dvt_model::attempt::{EngineAttemptId, LogicalAttemptId};
use dvt_model::id::{RunId, StepId, TenantId};
use dvt_store::port::operation::Protection;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Weak;

/// An attempt that the worker has.
pub(super) struct Flight {
    pub(super) logical: LogicalAttemptId,
    pub(super) engine: EngineAttemptId,
    pub(super) hot: Hot,
    /// Under what its log lies.
    pub(super) protection: Protection,
    /// Its run left memory: it is being killed, and its report is not believed.
    pub(super) abandoned: bool,
    /// It was told to end and has its time for that.
    pub(super) has_grace: bool,
    /// It was told so by a run that has ended: whoever ends with that run waits for it, whether it has left memory or not.
    pub(super) is_last: bool,
    /// Log messages of it that came since the last one with which the worker gets room for more.
    pub(super) logs: u32,
    /// What was given out, until the worker has said that it is there.
    pub(super) kept: Option<Box<Attempt>>,
}

/// The slots and who has them.
pub(super) struct Slots {
    capacity: u32,
    /// Granted to runs and not yet given back.
    reserved: u32,
    /// How they come back.
    back: Weak<Desk>,
    pub(super) flights: BTreeMap<(RunId, StepId), Flight>,
    pub(super) turns: Turns,
    /// Attempts that are given out and have no slot yet: those that were given out before and are again, and those for which there
    /// is no worker. They go before whoever waits for a turn, for their ledgers say that they run.
    pub(super) line: VecDeque<Attempt>,
}

impl Slots {
    pub(super) fn new(capacity: u32, back: Weak<Desk>) -> Self {
        Self {
            capacity,
            reserved: 0,
            back,
            flights: BTreeMap::new(),
            turns: Turns::default(),
            line: VecDeque::new(),
        }
    }

    pub(super) fn set_capacity(&mut self, capacity: u32) {
        self.capacity = capacity.max(1);
    }

    pub(super) fn free(&self) -> u32 {
        let taken = u32::try_from(self.flights.len()).unwrap_or(u32::MAX).saturating_add(self.reserved);
        self.capacity.saturating_sub(taken)
    }

    /// A run waits for its turn; once.
    pub(super) fn want(&mut self, run: RunId, hot: Hot) {
        self.turns.add(run, hot);
    }

    /// Whether anybody waits for a slot.
    pub(super) fn are_wanted(&self) -> bool {
        !self.line.is_empty() || !self.turns.is_empty()
    }

    pub(super) fn settle(&mut self, granted: u32) {
        self.reserved = self.reserved.saturating_sub(granted);
    }

    pub(super) fn forget(&mut self, run: RunId) {
        self.turns.forget(run);
    }

    /// Grants what is free: each tenant that waits an equal part, and of it each of its runs, at least one slot, by turns. A run that
    /// wants more waits again when it has started what it got.
    pub(super) fn grant(&mut self) {
        while self.free() > 0 {
            let Some(Next { hot, tenants, runs }) = self.turns.next() else { return };
            let part = [tenants, runs].into_iter().fold(self.free(), |slots, among| {
                slots.div_ceil(u32::try_from(among).unwrap_or(u32::MAX).max(1))
            });
            let Some(granted) = self.reserve(part) else { return };
            // A run that has left memory gives them back by letting go of them.
            drop(hot.send(Message::Slots(granted)));
        }
    }

    /// What goes with a report to its run: the slot that was its attempt's, and whatever else is free where the run itself
    /// waits in line for more. Nothing where another one waits.
    pub(super) fn hand_on(&mut self, run: RunId, tenant: TenantId) -> Option<Granted> {
        if !self.line.is_empty() || self.turns.holds(tenant) {
            return None;
        }
        let part = match self.turns.is_empty() {
            true => 1,
            false if self.turns.is_alone(run) => self.free(),
            false => return None,
        };
        // More may be taken than there are (a worker has fewer than were thought): then it keeps its place in the line.
        let granted = self.reserve(part.min(self.free()))?;
        self.forget(run);
        Some(granted)
    }

    fn reserve(&mut self, slots: u32) -> Option<Granted> {
        if slots == 0 {
            return None;
        }
        // Where nobody takes them back there is no engine.
        self.back.strong_count().checked_sub(1)?;
        self.reserved += slots;
        Some(Granted { slots, back: self.back.clone() })
    }

    /// Tells how many attempts of runs that have ended still have time to end.
    pub(super) fn tell_ending(&self) {
        let count = self
            .flights
            .values()
            .filter(|flight| (flight.abandoned || flight.is_last) && flight.has_grace)
            .count();
        if let Some(desk) = self.back.upgrade() {
            desk.ending.send_if_modified(|known| std::mem::replace(known, count) != count);
        }
    }

    /// What was given to a worker that never said that it is there goes to the front of the line.
    // INVARIANT(INV-29): that worker has ended, and its starter, which begins no step before it has the lock, with it; the next one's
    // waits for the lock. So the same dispatch under the same token is no second one beside the first.
    pub(super) fn line_up_again(&mut self) {
        for (_, Flight { abandoned, kept, .. }) in std::mem::take(&mut self.flights).into_iter().rev() {
            if let Some(attempt) = kept.filter(|_| !abandoned) {
                self.line.push_front(*attempt);
            }
        }
    }

    /// The runs that had something with the worker, each once, and what that was; all flights are over.
    pub(super) fn lose_all(&mut self) -> Vec<(Hot, Vec<Gone>)> {
        let mut runs = BTreeMap::new();
        for ((run, step), Flight { logical, engine, hot, abandoned, .. }) in std::mem::take(&mut self.flights)
        {
            if !abandoned {
                let (_, lost) = runs.entry(run).or_insert_with(|| (hot, Vec::new()));
                lost.push((step, logical, engine));
            }
        }
        runs.into_values().collect()
    }
}
