//! The engine lease: who works. Taking it, keeping it, standing by (contracts 4.10, 6.1).
//!
//! A holder that died is replaced; one that is alive but let its lease expire is stopped and is ended first, or two would
//! work at once. It refuses to end a holder that still renews. The surprising rule: correctness does not hang on the
//! lease but on the epoch in each tenant's head row; the lease only spares the loser the work.

use crate::forward::remote::Remote;
use crate::forward::socket::Socket;
use crate::{Parts, Problem, process};
use dvt_model::code::Code;
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
/// Between two looks at a row whose holder cannot be reached: it is starting or ending.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// What a process is after it asked for the engine.
pub(crate) enum Place {
    /// It holds the lease, and listens.
    Holder(Row, Socket),
    /// Another one does.
    Standby(Remote),
}

/// Takes the lease, or connects to its holder.
pub(crate) async fn take_or_connect(parts: &Parts) -> Result<Place, Problem> {
    let table = parts.store.lease();
    let give_up = Instant::now() + PATIENCE;
    loop {
        let seen = table.read()?;
        if let Some(row) = seen.as_ref().filter(|row| process::is_alive(&row.holder)) {
            let expired = row.expires_at <= (parts.clock)();
            if !expired {
                match Remote::connect(parts, row).await {
                    Ok(remote) => return Ok(Place::Standby(remote)),
                    Err(_) if Instant::now() < give_up => {
                        // It took the lease and does not answer: it is ending, or stopped and not yet expired.
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
            return Ok(Place::Holder(row, socket));
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

/// Whether the row still names this holder and is alive: what a connected client asks while it waits for an answer.
pub(crate) fn still_held(parts: &Parts, epoch: u64) -> bool {
    match parts.store.lease().read() {
        Ok(Some(row)) => {
            row.epoch == epoch && row.expires_at > (parts.clock)() && process::is_alive(&row.holder)
        }
        Ok(None) => false,
        // Not being able to look is no reason to give the connection up.
        Err(_) => true,
    }
}
