//! Whether an answer ever came before the sync of what it answers, told from the order of writes, syncs and answers.
//!
//! Strict where a counter would not be: a sync counts for an answer only if the bytes of that very block had been written
//! to the log before it.

use super::writers::{House, Turn};
use crate::power_cut::watch::{self, Event};
use dvt_store::port::transaction::Kind;
use std::collections::BTreeMap;

/// What was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Answers.
    pub answers: u64,
    /// Answers that came before the sync of their block.
    pub early: u64,
    /// Blocks that were never met in the log: the watching would be worth nothing.
    pub unmet: u64,
}

/// Lets writers append and notes the place of each answer in the order of events.
pub async fn watched(house: &House, turns: &mut [Turn], each: u64) -> Result<(Vec<Event>, Answers), String> {
    watch::keep();
    let mut waiting = Vec::new();
    for turn in turns.iter() {
        let (here, mut turn) = (house.clone(), *turn);
        waiting.push(tokio::spawn(async move {
            let mut answers = Vec::new();
            for _ in 0..each {
                let append =
                    here.drafts.append(turn.run, turn.seq + 1, super::writers::payload(turn.seq + 1));
                let id = append.block.block_id;
                let mut tx =
                    here.store.begin(&here.scope(), Kind::Engine).map_err(|error| error.to_string())?;
                tx.append_run(append);
                tx.commit().await.map_err(|error| error.to_string())?;
                answers.push((id.bytes(), watch::order()));
                turn.seq += 1;
            }
            Ok::<_, String>((turn, answers))
        }));
    }
    let mut all = Vec::new();
    for (turn, writer) in turns.iter_mut().zip(waiting) {
        let (after, answers) = writer.await.map_err(|error| error.to_string())??;
        *turn = after;
        all.extend(answers);
    }
    Ok((watch::taken(), Answers(all)))
}

/// Block ids and the place of their answer.
pub struct Answers(Vec<([u8; 16], u64)>);

/// Judges. `believe` tells which syncs count: all, or, for the control, none.
pub fn judge(events: &[Event], answers: &Answers, believe: impl Fn(u64) -> bool) -> Seen {
    let mut written: BTreeMap<[u8; 16], u64> = BTreeMap::new();
    let wanted: BTreeMap<[u8; 16], u64> = answers.0.iter().copied().collect();
    // Ids are chance, so their first four bytes tell nearly all windows of the log apart from them at once.
    let begins: std::collections::HashSet<[u8; 4]> =
        wanted.keys().filter_map(|id| id.first_chunk::<4>().copied()).collect();
    let mut syncs = Vec::new();
    for event in events {
        match event {
            Event::Sync(at) => syncs.extend(Some(*at).filter(|at| believe(*at))),
            Event::Write(at, bytes) => {
                for window in bytes.windows(16) {
                    let is_candidate = window.first_chunk::<4>().is_some_and(|begin| begins.contains(begin));
                    if let (true, Ok(id)) = (is_candidate, <[u8; 16]>::try_from(window))
                        && wanted.contains_key(&id)
                    {
                        written.entry(id).or_insert(*at);
                    }
                }
            }
        }
    }
    let mut seen = Seen { answers: wanted.len() as u64, ..Seen::default() };
    for (id, answered) in &wanted {
        let Some(wrote) = written.get(id) else {
            seen.unmet += 1;
            continue;
        };
        let synced = syncs.iter().find(|at| *at > wrote);
        if synced.is_none_or(|synced| synced > answered) {
            seen.early += 1;
        }
    }
    seen
}
