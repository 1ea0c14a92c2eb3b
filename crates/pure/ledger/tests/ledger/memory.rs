//! An honest ledger in memory, written as a store writes it, and signed as a sealer signs it.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use dvt_ledger::block::{Block, Kind, mac_message};
use dvt_ledger::checkpoint::{Checkpoint, origin};
use dvt_ledger::leaf::leaf_hash;
use dvt_ledger::note::{Signature, SignedNote};
use dvt_ledger::tile::{Rows, TileId};
use dvt_ledger::verifier_key::VerifierKey;
use dvt_ledger::verify::result::VerificationResult;
use dvt_ledger::verify::source::{Damaged, Header, Source, StoredCheckpoint};
use dvt_ledger::verify::verify;
use dvt_model::canonical;
use dvt_model::digest::Digest;
use dvt_model::id::{BlockId, EntryId, KeyId, LedgerId, RunId, TenantId};
use dvt_model::time::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::convert::Infallible;

/// Entries of a run: one block of two, blocks of one, and a last one of three.
const RUN_BLOCKS: [usize; 5] = [2, 1, 1, 1, 3];

/// 16 bytes that stand for chance.
pub(crate) fn chance(what: &str, number: u64) -> [u8; 16] {
    Digest::of_parts(&[what.as_bytes(), &number.to_be_bytes()]).0[..16].try_into().unwrap()
}

#[derive(Clone)]
pub(crate) struct Signer {
    seed: [u8; 32],
    pub(crate) key: VerifierKey,
}

impl Signer {
    pub(crate) fn new(name: &str, seed: u8) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
        let public = pair.public_key().as_ref().try_into().unwrap();
        Self { seed: [seed; 32], key: VerifierKey::new(name, public).unwrap() }
    }

    pub(crate) fn sign(&self, checkpoint: &Checkpoint) -> String {
        let pair = Ed25519KeyPair::from_seed_unchecked(&self.seed).unwrap();
        let text = checkpoint.body();
        let bytes = pair.sign(text.as_bytes()).as_ref().to_vec();
        let signature = Signature { name: self.key.name().to_owned(), key_hash: self.key.hash(), bytes };
        SignedNote { text, signatures: vec![signature] }.to_string()
    }
}

#[derive(Clone)]
pub(crate) struct Memory {
    pub(crate) header: Header,
    pub(crate) blocks: Vec<Block>,
    pub(crate) checkpoints: Vec<StoredCheckpoint>,
    pub(crate) tiles: BTreeMap<TileId, Vec<u8>>,
    pub(crate) signer: Signer,
    pub(crate) mac_key: [u8; 32],
}

impl Memory {
    /// A ledger of at least `entries` entries with a checkpoint about every `every`; the last `unsealed` stay above.
    pub(crate) fn grow(tenant: u64, entries: u64, every: u64, unsealed: u64) -> Self {
        let ledger_id = LedgerId::from_random(chance("ledger", tenant));
        let tenant_id = TenantId::from_random(chance("tenant", tenant));
        let header = Header { ledger_id, tenant_id, next_index: 0, sealed_size: 0, lowest_index: 0 };
        let signer = Signer::new(&origin(ledger_id), 1);
        let (blocks, checkpoints, tiles) = (Vec::new(), Vec::new(), BTreeMap::new());
        let mut ledger = Self { header, blocks, checkpoints, tiles, signer, mac_key: [tenant as u8; 32] };
        let mut run = 0;
        // Two runs at a time, interleaved, and an act between.
        while ledger.header.next_index < entries {
            let mut seqs = [0u64; 2];
            for count in RUN_BLOCKS {
                for lane in 0..2 {
                    let is_last = count == 3;
                    ledger.add_run_block(run + lane, count, &mut seqs[lane as usize], is_last);
                }
                ledger.add_act();
            }
            run += 2;
        }
        ledger.seal(every, unsealed);
        ledger
    }

    fn envelope(&self, entry: u64, more: Value) -> Value {
        let mut envelope = json!({
            "recordVersion": "1.0",
            "entryId": EntryId::from_random(chance(&self.header.ledger_id.key(), entry)),
            "ledgerId": self.header.ledger_id, "tenantId": self.header.tenant_id,
            "projectId": "prj_07070707-0707-4707-8707-070707070707",
            "environmentId": "env_07070707-0707-4707-8707-070707070707",
            "recordedAt": Timestamp::from_ms(1_771_200_000_000 + entry as i64 * 7),
            "actor": { "id": "prn_07070707-0707-4707-8707-070707070707", "type": "user", "roles": ["operator"] },
            "decision": "COMPLETED", "requestId": "req_07070707-0707-4707-8707-070707070707",
            "sourceModule": "engine",
        });
        envelope.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        envelope
    }

    fn add_run_block(&mut self, run: u64, count: usize, seq: &mut u64, is_last: bool) {
        let run_id = RunId::from_random(chance(&self.header.tenant_id.key(), run));
        let first_seq = *seq + 1;
        let envelopes = (0..count).map(|position| {
            *seq += 1;
            let name = if is_last && position + 1 == count { "RunCompleted" } else { "StepStarted" };
            let index = self.header.next_index + position as u64;
            self.envelope(
                index,
                json!({
                    "eventType": "STATE_MUTATION", "eventName": name, "action": "ENGINE_ADVANCE",
                    "resource": { "type": "run", "id": run_id }, "runId": run_id, "runSeq": *seq,
                    "idempotencyKey": Digest::of(format!("{run} {seq}").as_bytes()).hex(),
                }),
            )
        });
        let envelopes: Vec<Value> = envelopes.collect();
        self.add(Kind::Run, Some((run_id, first_seq)), envelopes);
    }

    pub(crate) fn add_act(&mut self) {
        let envelope = self.envelope(
            self.header.next_index,
            json!({
                "eventType": "AUTH_DECISION", "action": "RUN_READ_PAYLOAD", "decision": "GRANTED",
                "resource": { "type": "run", "id": "run_07070707-0707-4707-8707-070707070707" },
            }),
        );
        self.add(Kind::Act, None, vec![envelope]);
    }

    /// An act with fields of the caller's.
    pub(crate) fn add_special(&mut self, more: Value) {
        let envelope = self.envelope(self.header.next_index, more);
        self.add(Kind::Act, None, vec![envelope]);
    }

    fn add(&mut self, kind: Kind, run: Option<(RunId, u64)>, envelopes: Vec<Value>) {
        let first_index = self.header.next_index;
        let envelopes: Vec<Vec<u8>> =
            envelopes.iter().map(|envelope| canonical::to_bytes(envelope).unwrap()).collect();
        let leaf_salts: Vec<_> =
            (0..envelopes.len() as u64).map(|n| Digest::of(&(first_index + n).to_le_bytes()).0).collect();
        self.header.next_index += envelopes.len() as u64;
        let mut block = Block {
            block_id: BlockId::from_random(chance("block", first_index)),
            kind,
            first_index,
            run_id: run.map(|(id, _)| id),
            first_run_seq: run.map(|(_, seq)| seq),
            recorded_at: Timestamp::from_ms(1_771_200_000_000 + first_index as i64 * 7),
            leaves: Vec::new(),
            leaf_salts,
            mac: [0; 32],
            mac_key_id: KeyId::from_random([9; 16]),
            envelopes,
        };
        releaf(&mut block);
        block.mac = self.mac_of(&block);
        self.blocks.push(block);
    }

    pub(crate) fn mac_of(&self, block: &Block) -> [u8; 32] {
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &self.mac_key);
        let message = mac_message(self.header.ledger_id, block.block_id, &block.leaves);
        aws_lc_rs::hmac::sign(&key, &message).as_ref().try_into().unwrap()
    }

    /// Seals the ledger: tiles and checkpoints, as if a sealer had come by all the time.
    pub(crate) fn seal(&mut self, every: u64, unsealed: u64) {
        let last = self.header.next_index.saturating_sub(unsealed);
        let (mut rows, mut full) = (Rows::new(), Vec::new());
        for leaf in self.blocks.iter().flat_map(|block| &block.leaves).take(last as usize) {
            rows.push(*leaf, &mut full);
            let size = rows.size();
            let is_due = size == last || size.is_multiple_of(every);
            if is_due && size > self.header.sealed_size {
                let checkpoint = Checkpoint::new(self.header.ledger_id, size, rows.root());
                self.checkpoints.push(StoredCheckpoint { size, note: self.signer.sign(&checkpoint) });
            }
        }
        self.tiles.extend(full.into_iter().map(|tile| (tile.id, tile.encode())));
        self.header.sealed_size = last;
    }

    /// Seals what has come since; also where the blocks that the tree began with are gone.
    pub(crate) fn seal_more(&mut self, sign: impl Fn(&Checkpoint) -> String) {
        let (mut rows, mut full) = (Rows::new(), Vec::new());
        let lowest = self.header.lowest_index as usize;
        let kept =
            self.tiles.iter().filter(|(id, _)| id.level == 0).flat_map(|(_, bytes)| bytes.as_chunks().0);
        let kept: Vec<[u8; 32]> = kept.copied().take(lowest).collect();
        for leaf in kept.iter().chain(self.blocks.iter().flat_map(|block| &block.leaves)) {
            rows.push(*leaf, &mut full);
        }
        let checkpoint = Checkpoint::new(self.header.ledger_id, rows.size(), rows.root());
        self.checkpoints.push(StoredCheckpoint { size: rows.size(), note: sign(&checkpoint) });
        self.tiles.extend(full.into_iter().map(|tile| (tile.id, tile.encode())));
        self.header.sealed_size = rows.size();
    }

    pub(crate) fn newest(&self) -> Checkpoint {
        Checkpoint::parse(&SignedNote::parse(&self.checkpoints.last().unwrap().note).unwrap().text).unwrap()
    }

    pub(crate) fn verify(&self, anchor: Option<&Checkpoint>) -> VerificationResult {
        verify(self, std::slice::from_ref(&self.signer.key), anchor, &|| Timestamp::from_ms(0))
    }

    /// The block and position of an entry.
    pub(crate) fn find(&self, index: u64) -> (usize, usize) {
        let holds = |block: &Block| {
            (block.first_index..block.first_index + block.leaves.len() as u64).contains(&index)
        };
        let at = self.blocks.iter().position(holds).unwrap();
        (at, (index - self.blocks[at].first_index) as usize)
    }

    /// Changes fields of an envelope; `releaf` says whether the attacker also computes the leaf again.
    pub(crate) fn change(&mut self, index: u64, with_leaf: bool, change: impl FnOnce(&mut Value)) {
        let (at, position) = self.find(index);
        let block = &mut self.blocks[at];
        let mut envelope: Value = serde_json::from_slice(&block.envelopes[position]).unwrap();
        change(&mut envelope);
        block.envelopes[position] = canonical::to_bytes(&envelope).unwrap();
        if with_leaf {
            releaf(block);
        }
    }

    /// Takes an entry out of its block: salt, envelope and leaf.
    pub(crate) fn take(&mut self, index: u64) -> (Vec<u8>, [u8; 32]) {
        let (at, position) = self.find(index);
        let block = &mut self.blocks[at];
        block.leaves.remove(position);
        let taken = (block.envelopes.remove(position), block.leaf_salts.remove(position));
        if block.leaves.is_empty() {
            self.blocks.remove(at);
        }
        taken
    }

    /// Puts an entry before that of `index`.
    pub(crate) fn put(&mut self, index: u64, (envelope, salt): (Vec<u8>, [u8; 32])) {
        let (at, position) = self.find(index);
        let block = &mut self.blocks[at];
        block.envelopes.insert(position, envelope);
        block.leaf_salts.insert(position, salt);
        releaf(block);
    }

    /// Numbers all blocks anew, as an attacker who covers a gap.
    pub(crate) fn renumber(&mut self) {
        let mut next = self.blocks.first().map_or(0, |block| block.first_index.min(self.header.lowest_index));
        for block in &mut self.blocks {
            block.first_index = next;
            next += block.leaves.len() as u64;
        }
        self.header.next_index = next;
    }
}

pub(crate) fn releaf(block: &mut Block) {
    let leaves =
        block.leaf_salts.iter().zip(&block.envelopes).map(|(salt, envelope)| leaf_hash(salt, envelope));
    block.leaves = leaves.collect();
}

impl Source for Memory {
    type Error = Infallible;

    fn header(&self) -> Result<Header, Infallible> {
        Ok(self.header.clone())
    }
    fn blocks(&self, take: &mut dyn FnMut(Result<Block, Damaged>)) -> Result<(), Infallible> {
        self.blocks.iter().for_each(|block| take(Ok(block.clone())));
        Ok(())
    }
    fn checkpoints(&self, take: &mut dyn FnMut(StoredCheckpoint)) -> Result<(), Infallible> {
        self.checkpoints.iter().for_each(|stored| take(stored.clone()));
        Ok(())
    }
    fn tiles(&self, take: &mut dyn FnMut(TileId)) -> Result<(), Infallible> {
        self.tiles.keys().for_each(|id| take(*id));
        Ok(())
    }
    fn tile(&self, id: TileId) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(self.tiles.get(&id).cloned())
    }
}
