//! The engine lease: who works. Taking it, keeping it, standing by (contracts 4.10, 6.1).
//!
//! A holder that died is replaced; one that is alive but renews no more is stopped and is ended first, or two would work
//! at once. It refuses to end a holder that still renews. Whether it does is observed on the monotonic clock: the row's
//! wall time alone proves nothing, for clocks are set and machines sleep. The surprising rule: correctness does not hang
//! on the lease but on the epoch in each tenant's head row; the lease only spares the loser the work.

use crate::forward::remote::Remote;
use crate::forward::socket::Socket;
use crate::{Parts, Problem, process};
use dvt_model::code::Code;
use dvt_model::time::Timestamp;
use dvt_store::port::lease::{LeaseTable, Row};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

/// How often the holder renews.
const RENEW_EVERY: Duration = Duration::from_secs(3);
/// How long a lease lives without renewal; what the store writes into the row.
const LIFE: Duration = Duration::from_secs(10);
/// How long a process looks for an engine that does not answer. Longer than a lease lives, so that a stopped holder is
/// ended, and short enough that a person learns of a fault.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a row that had expired before it was first seen is observed: one renewal, and a second for it to arrive.
const ONE_RENEWAL: Duration = Duration::from_secs(4);
/// Two looks further apart than this are no observation: it was we who were stopped, and perhaps everybody was.
const LONGEST_GAP: Duration = ONE_RENEWAL;
/// Between two looks at a row whose holder cannot be reached: it is starting or ending.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// What is seen of a lease row: since when it has not changed under our eyes, and how long that may last.
#[derive(Debug, Default)]
pub(crate) struct Observation {
    seen: Option<Seen>,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    row: (u64, Timestamp),
    since: Instant,
    looked: Instant,
    may_last: Duration,
}

impl Observation {
    /// Takes one more look; whether a holder that renews would have changed the row by now.
    fn is_stale(&mut self, row: &Row, wall: Timestamp, now: Instant) -> bool {
        let key = (row.epoch, row.expires_at);
        if let Some(seen) = self.seen.as_mut().filter(|seen| seen.row == key)
            && now.duration_since(seen.looked) <= LONGEST_GAP
        {
            seen.looked = now;
            return now.duration_since(seen.since) >= seen.may_last;
        }
        // The wall clock may only say that much: that a row was old already when we came.
        let may_last = if row.expires_at <= wall { ONE_RENEWAL } else { LIFE };
        self.seen = Some(Seen { row: key, since: now, looked: now, may_last });
        false
    }

    /// Whether the row still names the holder of this epoch, which is alive and renews: what a connected client asks
    /// while it waits for an answer.
    pub(crate) fn still_held(&mut self, parts: &Parts, epoch: u64) -> bool {
        match parts.store.lease().read() {
            Ok(Some(row)) => {
                row.epoch == epoch
                    && process::is_alive(&row.holder)
                    && !self.is_stale(&row, (parts.clock)(), Instant::now())
            }
            Ok(None) => false,
            // Not being able to look is no reason to give the connection up.
            Err(_) => true,
        }
    }
}

/// What a process is after it asked for the engine.
pub(crate) enum Place {
    /// It holds the lease, and listens. Whether the one before it did not give the lease back.
    Holder(Row, bool, Socket),
    /// Another one does.
    Standby(Remote),
}

/// Takes the lease, or connects to its holder.
pub(crate) async fn take_or_connect(parts: &Parts) -> Result<Place, Problem> {
    let table = parts.store.lease();
    let give_up = Instant::now() + PATIENCE;
    let mut observation = Observation::default();
    loop {
        let seen = table.read()?;
        if let Some(row) = seen.as_ref().filter(|row| process::is_alive(&row.holder)) {
            if !observation.is_stale(row, (parts.clock)(), Instant::now()) {
                match Remote::connect(parts, row).await {
                    Ok(remote) => return Ok(Place::Standby(remote)),
                    Err(_) if Instant::now() < give_up => {
                        // It took the lease and does not answer: it is ending, or stopped and not yet seen to be.
                        sleep(LOOK_AGAIN).await;
                        continue;
                    }
                    Err(problem) => return Err(problem),
                }
            }
            let holder = row.holder.clone();
            tokio::task::spawn_blocking(move || process::end(&holder))
                .await
                .map_err(|error| Problem::new(Code::Internal, error.to_string()))??;
        }
        // The socket listens before the row names it, so that whoever reads the row can connect. If we crash between
        // the two, an unused socket lies in the folder until the next holder sweeps it.
        let socket = Socket::bind(&parts.folder)?;
        if let Some(row) = table.take(seen.as_ref(), &process::own(socket.name().to_owned())?)? {
            socket.sweep_others();
            // A holder that gives it back takes its name away.
            let inherits = seen.is_some_and(|before| before.holder.pid != 0);
            return Ok(Place::Holder(row, inherits, socket));
        }
        // Somebody was quicker: the row is another one now.
    }
}

/// Connects to a live holder and never leads.
pub(crate) async fn connect_only(parts: &Parts) -> Result<Remote, Problem> {
    match parts.store.lease().read()? {
        Some(row) if process::is_alive(&row.holder) => Remote::connect(parts, &row).await,
        _ => Err(Problem::no_engine()),
    }
}

/// Renews until told to end, or until the lease is no longer ours. Gives back whether it is still ours.
pub(crate) async fn keep(table: LeaseTable, row: Row, mut stop: watch::Receiver<bool>) -> bool {
    let mut ticks = interval(RENEW_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut good_until = Instant::now() + LIFE;
    loop {
        tokio::select! {
            () = crate::engine::told_to_stop(&mut stop) => return true,
            _ = ticks.tick() => {}
        }
        let (table, row) = (table.clone(), row.clone());
        let asked = Instant::now();
        match tokio::task::spawn_blocking(move || table.renew(&row)).await {
            Ok(Ok(true)) => good_until = asked + LIFE,
            Ok(Ok(false)) => return false,
            // The control database cannot be written just now; whoever comes after us may still wait for the expiry.
            Ok(Err(_)) | Err(_) if Instant::now() < good_until => {}
            Ok(Err(_)) | Err(_) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dvt_store::port::lease::Holder;

    fn row(expires_at: i64) -> Row {
        let holder = Holder { pid: 1, pid_start: 1, address: String::new() };
        Row { holder, epoch: 7, expires_at: Timestamp::from_ms(expires_at) }
    }

    /// Looks once a second for `seconds`; the second in which the row counted as left, if it did.
    fn look(renews: bool, wall_ahead_ms: i64, seconds: u64) -> Option<u64> {
        let mut observation = Observation::default();
        let start = Instant::now();
        (0..=seconds).find(|second| {
            let ms = i64::try_from(second * 1_000).unwrap();
            let renewed = if renews { ms - ms % 3_000 } else { 0 };
            let now = start + Duration::from_secs(*second);
            observation.is_stale(&row(renewed + 10_000), Timestamp::from_ms(ms + wall_ahead_ms), now)
        })
    }

    #[test]
    fn who_renews_is_left_alone_whatever_the_wall_clock_says() {
        const HOUR: i64 = 3_600_000;
        for ahead in [0, HOUR, -HOUR] {
            assert_eq!(look(true, ahead, 120), None, "{ahead}");
        }
        // Control: who renews no more is seen within the life of a lease, or within a renewal where it was old before.
        assert_eq!(look(false, 0, 120), Some(10));
        assert_eq!(look(false, -HOUR, 120), Some(10));
        assert_eq!(look(false, HOUR, 120), Some(4));
    }

    #[test]
    fn who_did_not_look_has_seen_nothing() {
        let mut observation = Observation::default();
        let (start, wall) = (Instant::now(), Timestamp::from_ms(0));
        assert!(!observation.is_stale(&row(10_000), wall, start));
        // We were stopped for an hour, and the holder perhaps with us.
        let later = start + Duration::from_secs(3_600);
        assert!(!observation.is_stale(&row(10_000), wall, later));
        assert!(!observation.is_stale(&row(10_000), wall, later + ONE_RENEWAL));
        assert!(!observation.is_stale(&row(10_000), wall, later + ONE_RENEWAL * 2));
        assert!(observation.is_stale(&row(10_000), wall, later + ONE_RENEWAL * 3));
    }
}
