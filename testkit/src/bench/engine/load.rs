//! Loads on an engine: one run after the other, many at once, one large run.

use super::{House, Ready};
use crate::bench::cpu_us;
use crate::power_cut::watch;
use dvt_engine::client::Client;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What happened while something ran.
#[derive(Clone, Copy, Debug, Default)]
pub struct Window {
    /// Completed runs.
    pub runs: u64,
    /// How long it took.
    pub seconds: f64,
    /// Syncs of write-ahead logs.
    pub log_syncs: u64,
    /// Syncs of database files.
    pub database_syncs: u64,
    /// Bytes written to write-ahead logs.
    pub log_bytes: u64,
    /// Time of this process on processors, all threads.
    pub cpu_us: u64,
}

/// The counters before.
pub struct Begun(Instant, [u64; 4]);

fn counters() -> [u64; 4] {
    [watch::log_syncs(), watch::database_syncs(), watch::log_bytes(), cpu_us()]
}

impl Begun {
    /// Now.
    pub fn now() -> Self {
        Self(Instant::now(), counters())
    }

    /// What has happened since.
    pub fn window(&self, runs: u64) -> Window {
        let Self(begun, before) = self;
        let seconds = begun.elapsed().as_secs_f64();
        let [log_syncs, database_syncs, log_bytes, cpu_us] = counters();
        let [syncs, of_database, bytes, cpu] = *before;
        Window {
            runs,
            seconds,
            log_syncs: log_syncs - syncs,
            database_syncs: database_syncs - of_database,
            log_bytes: log_bytes - bytes,
            cpu_us: cpu_us - cpu,
        }
    }
}

/// Milliseconds from asking for a run to the news of its end, so many times, one after the other.
pub async fn latencies(
    house: &House,
    client: &Client,
    ready: &Ready,
    times: u64,
) -> Result<Vec<f64>, String> {
    let mut all = Vec::new();
    for _ in 0..times {
        let begun = Instant::now();
        house.play(client, ready).await?;
        all.push(begun.elapsed().as_secs_f64() * 1_000.0);
    }
    Ok(all)
}

/// So many who each play one run after the other, for a while; with the milliseconds of each run.
pub async fn many(
    house: &Arc<House>,
    client: &Arc<Client>,
    ready: &Ready,
    (concurrent, length): (u64, Duration),
) -> Result<(Window, Vec<f64>), String> {
    let (begun, before) = (Instant::now(), Begun::now());
    let mut players = Vec::new();
    for _ in 0..concurrent {
        let (house, client, ready) = (Arc::clone(house), Arc::clone(client), ready.clone());
        players.push(tokio::spawn(async move {
            let mut all = Vec::new();
            while begun.elapsed() < length {
                let asked = Instant::now();
                house.play(&client, &ready).await?;
                all.push(asked.elapsed().as_secs_f64() * 1_000.0);
            }
            Ok::<Vec<f64>, String>(all)
        }));
    }
    let mut all = Vec::new();
    for player in players {
        all.extend(player.await.map_err(super::text)??);
    }
    Ok((before.window(all.len() as u64), all))
}

/// One run.
pub async fn one(house: &House, client: &Client, ready: &Ready) -> Result<Window, String> {
    let before = Begun::now();
    house.play(client, ready).await?;
    Ok(before.window(1))
}
