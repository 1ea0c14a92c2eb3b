//! The raw limit of program steps: the same program forked and executed by as many threads as the engine has slots.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Programs a second, `count` in all by `threads` threads.
pub fn bare(count: u64, threads: u32) -> Result<f64, String> {
    let left = AtomicU64::new(count);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let hands: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let take = |left: u64| left.checked_sub(1);
                    while left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_ok() {
                        let mut command = Command::new("/bin/true");
                        let done = command.env_clear().stdin(Stdio::null()).stdout(Stdio::null()).status();
                        if !done.map_err(super::text)?.success() {
                            return Err("`/bin/true` failed".to_owned());
                        }
                    }
                    Ok(())
                })
            })
            .collect();
        hands.into_iter().try_for_each(|hand| {
            hand.join().map_err(|_| "a thread ended badly".to_owned()).and_then(|done| done)
        })
    })?;
    Ok(crate::bench::real(count) / begun.elapsed().as_secs_f64())
}

/// Slots of an engine on this machine, as `dvt-engine` counts them.
pub fn slots() -> u32 {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    u32::try_from(cores).unwrap_or(1).saturating_mul(8).max(8)
}
