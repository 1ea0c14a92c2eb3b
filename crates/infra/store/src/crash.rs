//! Places at which the crash harness lets this process die by SIGKILL. Without the feature `crash-points`: nothing.
//!
//! `DVT_CRASH_AT=<site>` or `<site>:<n>` names the place and (from 1) which hit of it. Whoever has durable steps of its own
//! calls the same function with its own names; [`SITES`] lists those of the store in the order of an append.

/// The store's places. What is found after a crash at each stands where the call is.
pub const SITES: &[&str] = &[
    "before-blob-sync",
    "after-blob-sync",
    "before-begin",
    "after-insert",
    "after-commit-before-answer",
    "after-answer",
    "before-seal",
    "after-seal",
];

/// Places of what only happens when it is asked for; met by the harness of their own tests.
pub const MORE_SITES: &[&str] = &["before-erase", "after-erase"];

/// Places of taking a backup and of putting one back.
pub const BACKUP_SITES: &[&str] =
    &["before-backup-sync", "after-backup-name", "before-restore-name", "after-restore-name"];

/// Dies here if the harness asked for this place.
#[cfg(feature = "crash-points")]
pub fn point(site: &'static str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};
    static WANTED: OnceLock<Option<(String, u64)>> = OnceLock::new();
    static HITS: AtomicU64 = AtomicU64::new(0);
    let wanted = WANTED.get_or_init(|| {
        let text = std::env::var("DVT_CRASH_AT").ok()?;
        Some(match text.rsplit_once(':') {
            Some((name, count)) => (name.to_owned(), count.parse().unwrap_or(1)),
            None => (text, 1),
        })
    });
    let Some((name, count)) = wanted else { return };
    if name == site && HITS.fetch_add(1, Ordering::SeqCst) + 1 == *count {
        let _unreachable =
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        // The signal is pending for this very process; wait for it rather than run on.
        loop {
            std::thread::park();
        }
    }
}

/// Nothing: the feature `crash-points` is off.
#[cfg(not(feature = "crash-points"))]
#[inline(always)]
pub fn point(_site: &'static str) {}
