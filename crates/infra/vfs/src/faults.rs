//! Faults that the tests plant into the gathering, one for each of its rules, to see that they would notice. No build but that of
//! this crate's own tests can have one.

/// What is left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// What is held stays when the write lock is given up.
    HeldOverTheLock,
    /// A commit is held like any other frame.
    CommitHeld,
    /// The log is read without what is held.
    ReadPast,
    /// A write that failed late is told once and then forgotten.
    LossForgotten,
    /// The log grows over the end of the commit.
    AheadTooSoon,
}

/// Whether it was planted.
#[cfg(not(test))]
pub(crate) const fn is_planted(_: Fault) -> bool {
    false
}

#[cfg(test)]
thread_local! {
    static PLANTED: std::cell::Cell<Option<Fault>> = const { std::cell::Cell::new(None) };
}

#[cfg(test)]
pub(crate) fn is_planted(fault: Fault) -> bool {
    PLANTED.get() == Some(fault)
}

/// Plants a fault into what this thread does, until the end of `work`.
#[cfg(test)]
pub(crate) fn with<T>(fault: Option<Fault>, work: impl FnOnce() -> T) -> T {
    let before = PLANTED.replace(fault);
    let done = work();
    PLANTED.set(before);
    done
}
