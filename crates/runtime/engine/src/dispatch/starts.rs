//! When a worker may be started: at once, and after one that came to nothing with a pause that grows.
//!
//! A worker that cannot be started, or ends before it says `Hello`, has nothing to do with the steps that wait for it: no room, no
//! processes or no descriptors for a moment. So they wait with it, until it has failed for so long that their runs are told.

use std::time::Duration;
use tokio::time::Instant;

/// The first pause, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// After so long without any worker the steps that wait for one fail.
const HOPE: Duration = Duration::from_secs(60);

/// Starts that came to nothing.
#[derive(Default)]
pub(super) struct Starts(Option<Failing>);

struct Failing {
    since: Instant,
    pause: Duration,
    next: Instant,
    why: String,
}

impl Starts {
    /// One came to nothing.
    pub(super) fn failed(&mut self, now: Instant, why: String) {
        let (since, pause) = match &self.0 {
            Some(failing) => (failing.since, (failing.pause * 2).min(LONGEST_PAUSE)),
            None => (now, FIRST_PAUSE),
        };
        self.0 = Some(Failing { since, pause, next: now + pause, why });
    }

    /// A worker is there.
    pub(super) fn succeeded(&mut self) {
        self.0 = None;
    }

    /// When one may be started, where it may not be at once.
    pub(super) fn next(&self) -> Option<Instant> {
        self.0.as_ref().map(|failing| failing.next)
    }

    pub(super) fn may_begin(&self, now: Instant) -> bool {
        self.next().is_none_or(|next| next <= now)
    }

    /// Why there is none, once nobody is to wait for one any more.
    pub(super) fn hopeless(&self, now: Instant) -> Option<&str> {
        let failing = self.0.as_ref()?;
        (now.duration_since(failing.since) >= HOPE).then_some(failing.why.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound_and_hope_ends() {
        let mut starts = Starts::default();
        let begin = Instant::now();
        let mut now = begin;
        assert!(starts.may_begin(now));
        let mut pauses = Vec::new();
        while starts.hopeless(now).is_none() {
            starts.failed(now, "no room".to_owned());
            let next = starts.next().unwrap();
            assert!(!starts.may_begin(next - Duration::from_millis(1)) && starts.may_begin(next));
            pauses.push((next - now).as_millis());
            now = next;
        }
        assert_eq!(pauses, [200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000, 10_000, 10_000, 10_000]);
        assert_eq!(starts.hopeless(now), Some("no room"));
        assert!(now - begin >= HOPE);
        starts.succeeded();
        assert!(starts.may_begin(now) && starts.hopeless(now).is_none());
    }
}
