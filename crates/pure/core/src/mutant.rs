//! Seeded bugs: each is one wrong decision somewhere in this crate, switched on alone, which the simulator must catch.
//! Without the feature `mutants` the question is a constant `false` and nothing of them is left in the code.

/// The bugs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mutant {
    /// One retry more than the plan allows.
    RetryOffByOne,
    /// A join starts after its first need.
    LostJoin,
    /// A second completion of the same attempt is taken.
    DoubleCompletion,
    /// A report of an older dispatch is taken.
    StaleDispatch,
    /// A skipped need counts as a success.
    SkipNotPropagated,
    /// Deeper layers start first.
    OrderReversed,
    /// Recovery gives a completed step out again.
    RedispatchCompleted,
    /// A cancel does not stop what is running.
    CancelIgnoredInDrain,
    /// A timer fires a second early.
    WaitDueEarly,
    /// An output is dropped when its reader starts, so that a retry of the reader misses it.
    OutputDroppedTooSoon,
    /// The pause is drawn from the wrong key.
    JitterFromWrongKey,
    /// A conditional step starts while the drain goes on.
    ConditionalInDrain,
    /// A failure with `continueOnError` fails the run.
    ContinueOnErrorIgnored,
    /// `maxDuration` counts the time of waits.
    ClockCountsWaits,
    /// What an operator left out counts as a failure.
    OperatorSkipPropagated,
    /// The third item of a `foreach` never runs.
    ForeachItemLost,
    /// A principal's second vote counts.
    VoteCountedTwice,
    /// The oldest success is compensated first.
    CompensationOrder,
    /// `finally` is left out.
    FinallySkipped,
    /// A hold never expires.
    HoldNeverExpires,
    /// A signal that came early is not taken.
    EarlySignalDropped,
    /// A failure is not withdrawn by the retry of its step.
    FailingNotWithdrawn,
    /// A child's run goes on when its step is closed.
    ChildLeftRunning,
    /// The ready set is ordered by chance: another order in each process.
    UnorderedReady,
}

impl Mutant {
    /// Those of single steps, which nothing but the simulator catches.
    pub const ALL: &'static [Self] = &[
        Self::RetryOffByOne,
        Self::LostJoin,
        Self::DoubleCompletion,
        Self::StaleDispatch,
        Self::SkipNotPropagated,
        Self::OrderReversed,
        Self::RedispatchCompleted,
        Self::CancelIgnoredInDrain,
        Self::WaitDueEarly,
        Self::OutputDroppedTooSoon,
        Self::JitterFromWrongKey,
        Self::ConditionalInDrain,
        Self::ContinueOnErrorIgnored,
        Self::ClockCountsWaits,
    ];

    /// Those that need plans with waits, items, votes, signals and a way out: the harness of determinism catches them too.
    pub const WHOLE: &'static [Self] = &[
        Self::OperatorSkipPropagated,
        Self::ForeachItemLost,
        Self::VoteCountedTwice,
        Self::CompensationOrder,
        Self::FinallySkipped,
        Self::HoldNeverExpires,
        Self::EarlySignalDropped,
        Self::FailingNotWithdrawn,
        Self::ChildLeftRunning,
        Self::UnorderedReady,
    ];
}

/// A number that is another one in each process.
#[cfg(not(feature = "mutants"))]
#[inline]
pub(crate) const fn unordered(_text: &str) -> i64 {
    0
}

/// Whether this bug is on.
#[cfg(not(feature = "mutants"))]
#[inline]
pub(crate) const fn active(_mutant: Mutant) -> bool {
    false
}

#[cfg(feature = "mutants")]
mod switch {
    use super::Mutant;
    use std::sync::atomic::{AtomicU8, Ordering};

    /// 0 is none; otherwise one more than the place in [`Mutant::ALL`].
    static CHOSEN: AtomicU8 = AtomicU8::new(0);

    /// Switches one bug on for the whole process, or all of them off.
    pub fn choose(mutant: Option<Mutant>) {
        CHOSEN.store(mutant.map_or(0, |mutant| mutant as u8 + 1), Ordering::SeqCst);
    }

    /// A number that is another one in each process: it depends on where the process was loaded.
    pub(crate) fn unordered(text: &str) -> i64 {
        let place = (&raw const CHOSEN).addr() as u64;
        let mixed = text
            .bytes()
            .fold(place, |all, byte| (all ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3).rotate_left(7));
        i64::from(u32::try_from(mixed >> 32).unwrap_or(0))
    }

    /// Whether this bug is on.
    pub(crate) fn active(mutant: Mutant) -> bool {
        CHOSEN.load(Ordering::Relaxed) == mutant as u8 + 1
    }
}
#[cfg(feature = "mutants")]
pub use switch::choose;
#[cfg(feature = "mutants")]
pub(crate) use switch::{active, unordered};
