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
}

impl Mutant {
    /// All of them.
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

    /// Whether this bug is on.
    pub(crate) fn active(mutant: Mutant) -> bool {
        CHOSEN.load(Ordering::Relaxed) == mutant as u8 + 1
    }
}
#[cfg(feature = "mutants")]
pub(crate) use switch::active;
#[cfg(feature = "mutants")]
pub use switch::choose;
