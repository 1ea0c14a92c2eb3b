//! Writers that append one event of a run after the other, each waiting for its answer before it sends the next.

use super::cpu_us;
use crate::drafts::{Drafts, clock, ids, member, random, scope};
use crate::power_cut::scenario::open;
use crate::power_cut::watch;
use dvt_model::id::RunId;
use dvt_model::scope::TenantScope;
use dvt_store::Store;
use dvt_store::port::operation::Rights;
use dvt_store::port::transaction::Kind;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A store with one tenant and some runs in it.
#[derive(Clone)]
pub struct House {
    /// The store.
    pub store: Store,
    /// Makes its stages.
    pub drafts: Drafts,
    scope: TenantScope,
    folder: PathBuf,
}

/// What a window of time held.
#[derive(Clone, Copy, Debug, Default)]
pub struct Window {
    /// Acknowledged entries.
    pub entries: u64,
    /// How long it was.
    pub seconds: f64,
    /// Syncs of the write-ahead log.
    pub log_syncs: u64,
    /// Syncs of the database file.
    pub database_syncs: u64,
    /// Bytes written to the write-ahead log.
    pub log_bytes: u64,
    /// Time on processors, all threads.
    pub cpu_us: u64,
}

impl Window {
    /// Entries a second.
    pub fn rate(&self) -> f64 {
        super::real(self.entries) / self.seconds
    }
}

/// A run and the sequence number of its last event.
#[derive(Clone, Copy)]
pub struct Turn {
    /// The run.
    pub run: RunId,
    /// The last number.
    pub seq: u64,
}

/// What an event of an ordinary step carries.
pub fn payload(seq: u64) -> Value {
    json!({ "stepId": "extract", "attempt": 1, "seq": seq, "worker": "wrk_0190b2c4-7b1a-7000-8000-000000000001",
        "outputs": { "rows": 1_204_311, "path": "s3://lake/bronze/orders/2026-01-05/part-0.parquet", "ok": true } })
}

impl House {
    /// A fresh one in `folder`.
    pub async fn new(folder: &Path, key: &Path) -> Result<Self, String> {
        let (ids, clock) = (ids(), clock());
        let store = open(folder, key, Some(watch::NAME), &clock)?;
        let ledger = store.create_tenant(ids, member()).await.map_err(|error| error.to_string())?;
        store.claim(ids.tenant_id, 1).await.map_err(|error| error.to_string())?;
        let drafts = Drafts { ids, ledger, clock, epoch: 1, rights: Rights::Nobody };
        Ok(Self { store, drafts, scope: scope(ids), folder: folder.to_owned() })
    }

    /// The tenant's scope.
    pub fn scope(&self) -> TenantScope {
        self.scope
    }

    /// The tenant's file.
    pub fn file(&self) -> PathBuf {
        Store::ledger_path(&self.folder, self.drafts.ids.tenant_id)
    }

    /// Admits a run.
    pub async fn admit(&self) -> Result<Turn, String> {
        let run = RunId::from_random(random());
        let mut tx = self.store.begin(&self.scope, Kind::Engine).map_err(|error| error.to_string())?;
        tx.bootstrap_run(self.drafts.bootstrap(run));
        tx.commit().await.map_err(|error| error.to_string())?;
        Ok(Turn { run, seq: 1 })
    }

    /// Appends `entries` events as one block.
    pub async fn append(&self, turn: &mut Turn, entries: u64) -> Result<(), String> {
        let mut append = self.drafts.append(turn.run, turn.seq + 1, payload(turn.seq + 1));
        for seq in turn.seq + 2..=turn.seq + entries {
            append.block.entries.push(self.drafts.event(turn.run, seq, payload(seq)));
        }
        let mut tx = self.store.begin(&self.scope, Kind::Engine).map_err(|error| error.to_string())?;
        tx.append_run(append);
        tx.commit().await.map_err(|error| error.to_string())?;
        turn.seq += entries;
        Ok(())
    }

    /// One writer until then: how many entries it was told are there.
    async fn write(&self, turn: &mut Turn, entries: u64, until: Instant) -> Result<u64, String> {
        let first = turn.seq;
        while Instant::now() < until {
            self.append(turn, entries).await?;
        }
        Ok(turn.seq - first)
    }

    /// As many writers as there are turns, for a while.
    pub async fn window(&self, turns: &mut [Turn], entries: u64, length: Duration) -> Result<Window, String> {
        let before = (watch::log_syncs(), watch::database_syncs(), watch::log_bytes(), cpu_us());
        let begun = Instant::now();
        let mut window = Window::default();
        if let [turn] = turns {
            // Alone it runs on the caller's thread, as the raw writer does beside which it is measured.
            window.entries = self.write(turn, entries, begun + length).await?;
        } else {
            let mut waiting = Vec::with_capacity(turns.len());
            for turn in turns.iter() {
                let (here, mut turn) = (self.clone(), *turn);
                waiting.push(tokio::spawn(async move {
                    let written = here.write(&mut turn, entries, begun + length).await?;
                    Ok::<_, String>((turn, written))
                }));
            }
            for (turn, writer) in turns.iter_mut().zip(waiting) {
                let (after, written) = writer.await.map_err(|error| error.to_string())??;
                *turn = after;
                window.entries += written;
            }
        }
        window.seconds = begun.elapsed().as_secs_f64();
        window.log_syncs = watch::log_syncs() - before.0;
        window.database_syncs = watch::database_syncs() - before.1;
        window.log_bytes = watch::log_bytes() - before.2;
        window.cpu_us = cpu_us() - before.3;
        Ok(window)
    }

    /// Bytes of columns that one entry of a run takes in its rows, on average.
    pub fn row_bytes(&self) -> Result<usize, String> {
        let connection = rusqlite::Connection::open(self.file()).map_err(|error| error.to_string())?;
        let bytes: f64 = connection
            .query_row(
                "SELECT (SELECT sum(length(leaves) + length(leaf_salts) + length(mac) + length(envelopes)
                        + length(event_types) + 5 * 16 + 5 * 8) FROM ledger_block) * 1.0 / (SELECT next_index FROM ledger_head)
                    + (SELECT sum(length(sealed) + 2 * 16 + 2 * 8) FROM ledger_payload) * 1.0
                    / (SELECT next_index FROM ledger_head)",
                [],
                |row| row.get(0),
            )
            .map_err(|error| error.to_string())?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few hundred bytes")]
        Ok(bytes.round() as usize)
    }
}
