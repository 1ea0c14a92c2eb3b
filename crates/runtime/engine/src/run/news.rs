//! What followers of a run are told, and when: a change of its state at once, what else is new not more often than a person or a
//! program could use it.
//!
//! Telling wakes whoever follows. Of a chain of quick steps that was a wake-up for each of them, on the way to the next one.

use crate::client::Progress;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// News that are no change of state come so far apart, unless they are the first for so long.
const PAUSE: Duration = Duration::from_millis(5);

/// The news of one run.
pub(super) struct News {
    told: watch::Sender<Progress>,
    told_at: Option<Instant>,
    /// What is new and was not told yet.
    kept: Option<Progress>,
    pause: Duration,
}

impl News {
    /// The second is what followers look at.
    pub(super) fn new(progress: Progress) -> (Self, watch::Receiver<Progress>) {
        let (told, followers) = watch::channel(progress);
        (Self { told, told_at: None, kept: None, pause: PAUSE }, followers)
    }

    /// Tells it now, or keeps it until it is [due](Self::due). What is known already wakes nobody.
    pub(super) fn bring(&mut self, progress: Progress) {
        let (is_known, same_state) = {
            let told = self.told.borrow();
            (*told == progress, told.status == progress.status)
        };
        self.kept = (!is_known).then_some(progress);
        let is_soon = self.told_at.is_some_and(|at| at.elapsed() < self.pause);
        if !(same_state && is_soon) {
            self.tell();
        }
    }

    /// Until something that is kept is to be told.
    pub(super) fn due(&self) -> impl Future<Output = ()> + Send + use<> {
        let at = self.told_at.filter(|_| self.kept.is_some()).map(|at| at + self.pause);
        async move {
            match at {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        }
    }

    /// Tells what is kept.
    pub(super) fn tell(&mut self) {
        if let Some(progress) = self.kept.take() {
            self.told_at = Some(Instant::now());
            self.told.send_replace(progress);
        }
    }
}

impl Drop for News {
    fn drop(&mut self) {
        self.tell();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dvt_model::id::RunId;
    use dvt_model::run::RunStatus;

    fn progress(last_run_seq: u64, status: RunStatus) -> Progress {
        Progress { run_id: RunId::from_random([1; 16]), last_run_seq, status }
    }

    fn seen(followers: &mut watch::Receiver<Progress>) -> Option<u64> {
        // One whose sender has gone may have news still.
        let known = followers.borrow_and_update();
        known.has_changed().then_some(known.last_run_seq)
    }

    #[test]
    fn a_change_of_state_is_told_at_once_and_all_else_is_kept_for_a_while() {
        let (mut news, mut followers) = News::new(progress(1, RunStatus::Running));
        news.pause = Duration::from_secs(3_600);
        news.bring(progress(1, RunStatus::Running));
        assert_eq!(seen(&mut followers), None, "nothing new");
        news.bring(progress(2, RunStatus::Running));
        assert_eq!(seen(&mut followers), Some(2), "the first for long");
        news.bring(progress(3, RunStatus::Running));
        news.bring(progress(4, RunStatus::Running));
        assert_eq!(seen(&mut followers), None);
        news.bring(progress(5, RunStatus::Paused));
        assert_eq!(seen(&mut followers), Some(5), "another state");
        news.bring(progress(6, RunStatus::Paused));
        assert_eq!(seen(&mut followers), None);
        news.pause = Duration::ZERO;
        news.bring(progress(7, RunStatus::Paused));
        assert_eq!(seen(&mut followers), Some(7), "after the while");
        news.pause = Duration::from_secs(3_600);
        news.bring(progress(8, RunStatus::Paused));
        drop(news);
        assert_eq!(seen(&mut followers), Some(8), "what is kept does not get lost");
    }

    #[tokio::test]
    async fn what_is_kept_is_due_and_nothing_else() {
        let (mut news, mut followers) = News::new(progress(1, RunStatus::Running));
        // Polled once, with nobody who would be woken.
        let waits = |news: &News| {
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            std::pin::pin!(news.due()).poll(&mut context).is_pending()
        };
        assert!(waits(&news));
        news.bring(progress(2, RunStatus::Running));
        assert!(waits(&news), "it was told");
        news.pause = Duration::from_secs(3_600);
        news.bring(progress(3, RunStatus::Running));
        assert!(waits(&news), "not yet");
        news.pause = Duration::ZERO;
        news.due().await;
        news.tell();
        assert_eq!(seen(&mut followers), Some(3));
    }
}
