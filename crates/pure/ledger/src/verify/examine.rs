//! What can be said of a block by itself: its leaves computed again, its envelopes read. It needs no neighbour, so a second
//! thread does it while the first reads rows and walks.
//!
//! Rows come back in the order in which they were given, and every one is examined whole: the answer is the same with one
//! thread and with two. At most [`DEPTH`] batches are under way, so a ledger of any size takes the same memory.

use super::entry::{Commits, Identity, RECORD_VERSION, is_terminal};
use super::scan;
use super::source::{Damaged, Header, Source};
use crate::announce::Notice;
use crate::block::Block;
use crate::leaf::{Hash, leaf_hash};
use dvt_model::digest::{Digest, unhex};
use dvt_model::entry::PayloadCommit;
use dvt_model::id::{EntryId, RunId};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, channel, sync_channel};
use std::thread::{Builder, Scope};

/// Bytes of envelopes that go over at once.
const BATCH: usize = 256 * 1024;
/// Batches that may wait for the second thread.
const DEPTH: usize = 4;

/// A row, examined.
pub(super) enum Row {
    /// A block and its entries, one fact an entry.
    Block(Block, Vec<Fact>),
    /// No block.
    Damaged(Damaged),
}

/// What an entry is by itself.
pub(super) struct Fact {
    /// Computed from salt and envelope.
    pub(super) leaf: Hash,
    /// What its envelope says; `None` where it is none.
    pub(super) said: Option<Said>,
    /// Its payloads; `None` where they cannot be read or nobody asks.
    pub(super) payloads: Option<Vec<PayloadCommit>>,
}

/// What an envelope says.
pub(super) struct Said {
    pub(super) entry_id: [u8; 16],
    /// Whether it names this tenant and ledger.
    pub(super) is_ours: bool,
    /// Its version, where it is not the one that is known.
    pub(super) version: Option<String>,
    pub(super) notice: Option<Notice>,
    pub(super) event: Event,
}

/// Whether it is a run event.
pub(super) enum Event {
    None,
    /// A `runSeq` without run or key.
    Bad,
    Run {
        run: RunId,
        seq: u64,
        key: [u8; 32],
        is_terminal: bool,
    },
}

/// What envelopes are compared with.
pub(super) struct Examiner {
    ledger: String,
    tenant: String,
    with_payloads: bool,
}

impl Examiner {
    pub(super) fn new(header: &Header, with_payloads: bool) -> Self {
        Self { ledger: header.ledger_id.to_string(), tenant: header.tenant_id.to_string(), with_payloads }
    }

    fn row(&self, row: Result<Block, Damaged>) -> Row {
        let block = match row {
            Ok(block) => block,
            Err(damaged) => return Row::Damaged(damaged),
        };
        let (count, first_index) = (block.envelopes.len(), block.first_index);
        if count == 0 || block.leaves.len() != count || block.leaf_salts.len() != count {
            let detail = "leaves, salts and envelopes are not equally many".to_owned();
            return Row::Damaged(Damaged { first_index, detail });
        }
        let entries = block.leaf_salts.iter().zip(&block.envelopes);
        let facts = entries.map(|(salt, envelope)| self.entry(leaf_hash(salt, envelope), envelope)).collect();
        Row::Block(block, facts)
    }

    fn entry(&self, leaf: Hash, envelope: &[u8]) -> Fact {
        let said = scan::identity(envelope).or_else(|| serde_json::from_slice(envelope).ok());
        let said = said.and_then(|identity| self.said(&identity, envelope));
        let commits = self.with_payloads.then(|| serde_json::from_slice::<Commits>(envelope).ok()).flatten();
        Fact { leaf, said, payloads: commits.map(|commits| commits.payloads) }
    }

    fn said(&self, identity: &Identity<'_>, envelope: &[u8]) -> Option<Said> {
        let is_notice = matches!(identity.event_type, "LEDGER_EVENT" | "KEY_EVENT");
        let named = is_notice.then(|| serde_json::from_slice::<Commits>(envelope).ok()).flatten();
        Some(Said {
            entry_id: EntryId::parse(identity.entry_id).ok()?.bytes(),
            is_ours: identity.tenant_id == self.tenant && identity.ledger_id == self.ledger,
            version: (identity.record_version != RECORD_VERSION).then(|| identity.record_version.to_owned()),
            notice: named
                .and_then(|entry| Notice::read(identity.event_type, identity.event_name, &entry.resource)),
            event: event(identity),
        })
    }
}

fn event(identity: &Identity<'_>) -> Event {
    let Some(seq) = identity.run_seq else { return Event::None };
    let run = identity.run_id.and_then(|run| RunId::parse(run).ok());
    let (Some(run), Some(key)) = (run, identity.idempotency_key) else { return Event::Bad };
    // A key is a digest (contract 5.3); whatever else stands there is told apart all the same.
    let read = unhex(key).and_then(|bytes| bytes.try_into().ok());
    let key = read.unwrap_or_else(|| Digest::of(key.as_bytes()).0);
    Event::Run { run, seq, key, is_terminal: is_terminal(identity.event_name) }
}

/// The second thread, and the way there and back.
struct Helper {
    give: SyncSender<Vec<Result<Block, Damaged>>>,
    examined: Receiver<Vec<Row>>,
}

impl Helper {
    /// `None` where no thread can be had: then one does both, a little slower.
    fn start<'scope>(scope: &'scope Scope<'scope, '_>, examiner: &'scope Examiner) -> Option<Self> {
        let (give, given) = sync_channel::<Vec<Result<Block, Damaged>>>(DEPTH);
        let (give_back, examined) = channel::<Vec<Row>>();
        let work = move || {
            for batch in given {
                let rows = batch.into_iter().map(|row| examiner.row(row)).collect();
                if give_back.send(rows).is_err() {
                    break;
                }
            }
        };
        Builder::new().spawn_scoped(scope, work).ok().map(|_| Self { give, examined })
    }

    /// Hands a batch over and takes what has come back.
    fn hand_over(&self, batch: Vec<Result<Block, Damaged>>, take: &mut dyn FnMut(Row)) {
        let mut waiting = batch;
        while let Err(TrySendError::Full(back)) = self.give.try_send(waiting) {
            waiting = back;
            self.examined.recv().into_iter().flatten().for_each(&mut *take);
        }
        while let Ok(rows) = self.examined.try_recv() {
            rows.into_iter().for_each(&mut *take);
        }
    }
}

/// Reads all blocks and hands them on, examined, in order. A ledger of one batch needs no second thread.
pub(super) fn blocks<S: Source>(
    source: &S,
    examiner: &Examiner,
    take: &mut dyn FnMut(Row),
) -> Result<(), S::Error> {
    std::thread::scope(|scope| {
        let (mut helper, mut is_alone) = (None, false);
        let (mut batch, mut bytes) = (Vec::new(), 0);
        let read = source.blocks(&mut |row| {
            bytes += row.as_ref().map_or(0, |block| block.envelopes.iter().map(|one| one.len() + 96).sum());
            batch.push(row);
            if bytes < BATCH {
                return;
            }
            bytes = 0;
            if helper.is_none() && !is_alone {
                helper = Helper::start(scope, examiner);
                is_alone = helper.is_none();
            }
            match &helper {
                Some(helper) => helper.hand_over(std::mem::take(&mut batch), take),
                None => batch.drain(..).for_each(|row| take(examiner.row(row))),
            }
        });
        if let Some(Helper { give, examined }) = helper {
            // The channel ends with its sender, the thread with the channel.
            drop(give);
            examined.into_iter().flatten().for_each(&mut *take);
        }
        batch.drain(..).for_each(|row| take(examiner.row(row)));
        read
    })
}
