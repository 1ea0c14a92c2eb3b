//! When something begins: behind which steps, and how these have to have ended.
//!
//! Where `needs` says it by itself nothing is written. Everything else is written out in full: a step that asks how others
//! ended is asked also behind such as were left out, so its condition says for which of them that is no reason.

use super::called::Called;
use super::holds::Holds;
use std::collections::BTreeSet;
use std::rc::Rc;

/// Whether it may begin on the way out of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Late {
    #[default]
    No,
    /// After a failure, and not after a cancel.
    AfterFailure,
    /// However the run ends.
    Always,
}

/// When something begins.
#[derive(Debug, Clone, Default)]
pub(super) struct Start {
    pub(super) needs: BTreeSet<String>,
    /// How what is before it has to have ended, in full.
    pub(super) asks: Holds,
    /// Conditions of the calls around it, which it is the first to ask.
    pub(super) own: Vec<String>,
    /// Whether a step that it needs may be left out, and it begins all the same.
    pub(super) is_tolerant: bool,
    /// Whether a step that it needs may be left out so that it is, too.
    pub(super) may_be_omitted: bool,
    /// Whether a step that it needs may fail without ending the run, and it does not begin then.
    pub(super) asks_failed: bool,
    pub(super) late: Late,
}

impl Start {
    /// The start of what is first inside a call that begins so and has this condition.
    pub(super) fn inside(&self, when: Option<&String>) -> Self {
        let mut start = self.clone();
        start.own.extend(when.cloned());
        start.may_be_omitted |= when.is_some();
        start
    }

    /// Behind all of these, as their names alone ask; `late` is that of what stands around them.
    pub(super) fn behind(calls: &[Rc<Called>], late: Late) -> Self {
        let mut start = Self { late, ..Self::default() };
        for called in calls {
            start.needs.extend(called.exits.iter().cloned());
            start.asks = start.asks.and(&called.is_well());
            start.is_tolerant |= called.is_tolerated;
            start.may_be_omitted |= called.may_be_omitted;
            start.asks_failed |= called.is_soft && !called.continues;
            start.late = start.late.max(called.late);
        }
        start
    }

    /// When it begins, in full.
    pub(super) fn holds(&self) -> Holds {
        self.own.iter().fold(self.asks.clone(), |all, own| all.and(&Holds::when(own.clone())))
    }

    /// Whether it may be left out though nothing that it needs failed the run.
    pub(super) fn leaves_out(&self, is_finally: bool) -> bool {
        self.may_be_omitted
            || self.asks_failed
            || !self.own.is_empty()
            || (is_finally && !self.needs.is_empty())
    }

    /// The parts of its condition that say what `needs` does not; none where a plan cannot say it.
    pub(super) fn parts(&self, is_finally: bool) -> Option<Vec<String>> {
        let late = if is_finally && self.is_tolerant { Late::Always } else { self.late };
        let asked = match late {
            Late::No if self.is_tolerant => Some("!failure()"),
            Late::No => None,
            Late::AfterFailure => Some("failure() || true"),
            Late::Always => Some("always()"),
        };
        let says_needs = late == Late::No && !self.asks_failed && !(self.is_tolerant && self.may_be_omitted);
        let asks = match &self.asks {
            _ if says_needs => None,
            Holds::Always => None,
            Holds::If(source) => Some(source.clone()),
            Holds::Never => return Some(vec!["false".to_owned()]),
            Holds::Unknown => return None,
        };
        let parts = asked.map(str::to_owned).into_iter().chain(asks).chain(self.own.iter().cloned());
        Some(parts.collect())
    }
}
