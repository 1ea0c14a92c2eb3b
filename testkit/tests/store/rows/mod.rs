//! The rows: every operation of contract 6.1 that the store has. Each says what can be seen of it, what a repeat gives, and
//! which preconditions it names.

mod admission;
mod blobs;
mod keeping;
mod lease;
mod ledger;
mod plans;
mod reads;
mod retention;
mod runs;
mod settings;

use crate::columns::Column;
use crate::house::{Do, House, Probe};
use dvt_model::code::Code;
use std::future::Future;
use std::pin::Pin;

/// What a second time gives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Repeat {
    /// The place of the first time, marked as being there already.
    SamePlace,
    /// The same answer.
    SameAnswer,
    /// An answer that may differ; nothing is done again.
    Harmless,
    /// A refusal: its precondition no longer holds.
    Refused(Code),
}

/// What it gives under a scope that is not its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Foreign {
    /// A refusal.
    Refused,
    /// Nothing, as if nothing were there.
    Nothing,
    /// It concerns that scope's own things, never these.
    ItsOwn,
}

/// What it gives when another engine has the lease.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stale {
    /// `LEASE_LOST`.
    Fenced,
    /// It belongs to no engine.
    Free,
}

/// An operation in a house.
pub(crate) struct Case {
    pub(crate) go: Do,
    pub(crate) foreign: Foreign,
    pub(crate) stale: Stale,
    pub(crate) repeat: Repeat,
    /// What can be seen of it, and whether it changes that.
    pub(crate) effect: Probe,
    pub(crate) changes: bool,
    /// Entries that it adds.
    pub(crate) entries: u64,
    /// The same with one precondition wrong, and the code of the refusal.
    pub(crate) wrong: Vec<(&'static str, Do, Code)>,
}

/// How a case is made in a house.
type Make = for<'a> fn(&'a House) -> Pin<Box<dyn Future<Output = Case> + 'a>>;

/// An operation.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) make: Make,
    /// Columns that cannot be, and why.
    pub(crate) not: &'static [(Column, &'static str)],
}

const READS_ARE_NOT_WRITTEN: &str = "a read is never persisted";
const READS_HAVE_NO_TRANSACTION: &str = "a read takes no part in the committer's transaction";

/// What no read can meet.
pub(crate) const OF_READS: &[(Column, &str)] = &[
    (Column::NotPersisted, READS_ARE_NOT_WRITTEN),
    (Column::AnswerLost, "a read changes nothing: it is asked again"),
    (Column::FailsAlone, "a read has no precondition but its scope"),
    (Column::FailsMerged, READS_HAVE_NO_TRANSACTION),
    (Column::TwiceFirst, READS_HAVE_NO_TRANSACTION),
    (Column::TwiceMiddle, READS_HAVE_NO_TRANSACTION),
    (Column::TwiceLast, READS_HAVE_NO_TRANSACTION),
];

/// All of them.
pub(crate) fn all() -> Vec<Row> {
    [
        admission::rows(),
        runs::rows(),
        ledger::rows(),
        plans::rows(),
        settings::rows(),
        keeping::rows(),
        retention::rows(),
        lease::rows(),
        blobs::rows(),
        reads::rows(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
