//! Before the lock: a draft becomes a block with everything but its index. Checks what can be checked without the head row.
//!
//! Payload fields that are too large go to blobs here, synced before the entry that names them can exist.

use super::authenticate;
use crate::blob::value;
use crate::port::error::Error;
use crate::port::operation::{BlockDraft, EntryDraft, Subject};
use crate::seal::keyring::{Holding, Keyring, SealKey};
use crate::seal::payload::{self, Opened};
use crate::tenant::Ground;
use dvt_keys::WrappedKey;
use dvt_ledger::block::{self, Kind};
use dvt_ledger::leaf::{Hash, Salt};
use dvt_model::canonical;
use dvt_model::entry::{Envelope, EventType, MAX_ENVELOPE_BYTES, PayloadClass, PayloadCommit};
use dvt_model::id::{BlobId, BlockId, DecisionId, KeyId, RunId};
use dvt_model::scope::{Cover, ScopeIds, TenantScope, covers};
use dvt_model::time::Timestamp;
use dvt_telemetry::Seen;
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The largest payload that lies in a row (contract 7.1).
const MAX_PAYLOAD: usize = 1024 * 1024;
/// The most entries of one stage.
const MAX_ENTRIES: usize = 10_000;

/// Whom the payload of an entry is about, by the entry's place in its block.
pub(crate) type People = BTreeMap<usize, Subject>;

/// What a block is of.
#[derive(Clone, Copy)]
pub(crate) enum Of {
    /// A run; the sequence number before its first run event.
    Run { run: RunId, after: u64 },
    /// An act, or granted reads.
    Act { reads: bool },
}

/// A block that lacks nothing but its index.
pub(crate) struct Sealed {
    pub(crate) block_id: BlockId,
    pub(crate) kind: Kind,
    pub(crate) run: Option<RunId>,
    pub(crate) run_seqs: Option<(u64, u64)>,
    /// Where its run events say that the run lies.
    pub(crate) run_scope: Option<ScopeIds>,
    pub(crate) decision: Option<DecisionId>,
    pub(crate) recorded_at: Timestamp,
    pub(crate) event_types: String,
    pub(crate) leaves: Vec<Hash>,
    pub(crate) salts: Vec<u8>,
    pub(crate) mac: [u8; 32],
    pub(crate) mac_key: KeyId,
    pub(crate) envelopes: Vec<u8>,
    pub(crate) payloads: Vec<SealedPayload>,
    pub(crate) search: Vec<Search>,
    pub(crate) blobs: Vec<BlobRow>,
    pub(crate) keys: Vec<WrappedKey>,
    pub(crate) holdings: Vec<Arc<Holding>>,
    /// What telemetry is told once it is durable; empty where nobody watches.
    pub(crate) seen: Vec<Seen>,
}

/// A row of `ledger_payload`.
pub(crate) struct SealedPayload {
    pub(crate) key: KeyId,
    pub(crate) class: PayloadClass,
    pub(crate) sealed: Vec<u8>,
}

/// A row of `ledger_search`.
pub(crate) struct Search {
    pub(crate) offset: u64,
    pub(crate) envelope: Envelope,
}

/// A row of `blob` for a value.
pub(crate) struct BlobRow {
    pub(crate) blob: BlobId,
    pub(crate) scope: ScopeIds,
    pub(crate) class: PayloadClass,
    pub(crate) key: KeyId,
    pub(crate) size: u64,
}

impl Sealed {
    /// Adds a key whose row must go in with the block.
    pub(crate) fn keep(&mut self, holding: &Arc<Holding>) {
        let known = self.holdings.iter().any(|held| held.id() == holding.id());
        if !known {
            self.keys.extend(holding.undurable());
            self.holdings.push(Arc::clone(holding));
        }
    }

    /// Its bytes, roughly.
    pub(crate) fn weight(&self) -> usize {
        self.envelopes.len()
            + self.payloads.iter().map(|payload| payload.sealed.len()).sum::<usize>()
            + 96 * self.leaves.len()
    }
}

/// Where the keys of a run come from.
pub(crate) enum Keys<'a> {
    /// Memory, else the file, else they are drawn; on a lane.
    Lane(&'a Connection),
    /// These, which were in memory: the caller's own thread seals, and waits for no disk.
    Held(&'a [(PayloadClass, Arc<Holding>)]),
}

impl Keys<'_> {
    /// The key of a run and class.
    pub(crate) fn of(
        &self,
        keyring: &Keyring,
        run: RunId,
        class: PayloadClass,
        person: Option<&Subject>,
    ) -> Result<Arc<Holding>, Error> {
        match self {
            Self::Lane(lane) => keyring.run_key(lane, run, class, person),
            Self::Held(held) => {
                held.iter().find_map(|(of, holding)| (*of == class).then(|| Arc::clone(holding))).ok_or_else(
                    || Error::Key(format!("the key of `{run}` for `{}` is not held", class.as_str())),
                )
            }
        }
    }
}

/// The bytes of a draft before it is sealed, roughly: what its room is accounted by.
pub(crate) fn weight(draft: &BlockDraft) -> usize {
    let payload = |entry: &EntryDraft| entry.payload.as_ref().map_or(0, |(_, value)| size(value));
    draft.entries.iter().map(|entry| 1_024 + payload(entry)).sum()
}

/// The bytes of a value, roughly.
pub(crate) fn size(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => 8,
        serde_json::Value::String(text) => text.len() + 2,
        serde_json::Value::Array(items) => items.iter().map(|item| 1 + size(item)).sum::<usize>() + 2,
        serde_json::Value::Object(map) => {
            map.iter().map(|(key, item)| key.len() + 4 + size(item)).sum::<usize>() + 2
        }
    }
}

/// Makes the block.
pub(crate) fn block(
    tenant: &Ground,
    scope: &TenantScope,
    keys: &Keys<'_>,
    of: Of,
    (draft, people): (BlockDraft, &People),
) -> Result<Sealed, Error> {
    let count = draft.entries.len();
    if count == 0 || count > MAX_ENTRIES {
        return Err(contract(format!("a stage of {count} entries; 1 to {MAX_ENTRIES} are allowed")));
    }
    let (kind, run) = match of {
        Of::Run { run, .. } => (Kind::Run, Some(run)),
        Of::Act { reads: true } => (Kind::Reads, None),
        Of::Act { reads: false } => (Kind::Act, None),
    };
    let with_payload = draft.entries.iter().filter(|entry| entry.payload.is_some()).count();
    let mut build = Build {
        tenant,
        keys,
        run,
        groups: Vec::new(),
        blobs: Vec::new(),
        known: Vec::new(),
        salts: dvt_keys::entropy::several(with_payload).into_iter(),
    };
    let mut envelopes = Vec::with_capacity(count);
    let salts: Vec<Salt> = dvt_keys::entropy::several(count);
    let mut search = Vec::new();
    let mut types: Vec<&'static str> = Vec::new();
    let (is_watched, mut seen) = (dvt_telemetry::is_watched(), Vec::new());
    let (mut run_seqs, mut run_scope, mut decision, mut recorded_at) =
        (None, None, None, Timestamp::from_ms(0));
    for (offset, entry) in draft.entries.into_iter().enumerate() {
        let EntryDraft { mut envelope, payload } = entry;
        let ids = check_envelope(tenant, scope, &envelope, kind, run)?;
        if let Some(part) = &envelope.run {
            run_seqs = Some(next_seq(of, run_seqs, part.run_seq)?);
            if run_scope.is_some_and(|before| before != ids) {
                return Err(contract("events of one run name different scopes".to_owned()));
            }
            run_scope = Some(ids);
        }
        let blobs = build.blobs.len();
        if let Some((class, value)) = payload {
            envelope.payloads.push(build.add(offset, ids, (class, people.get(&offset)), value)?);
        }
        let bytes = canonical::of(&envelope).map_err(|error| contract(format!("an envelope: {error}")))?;
        if bytes.len() > MAX_ENVELOPE_BYTES {
            let size = bytes.len();
            return Err(contract(format!(
                "an envelope of {size} bytes; at most {MAX_ENVELOPE_BYTES} are allowed"
            )));
        }
        if is_watched {
            let own = build.blobs.get(blobs..).unwrap_or_default();
            seen.push(Seen::of(&envelope, own.iter().map(|blob| blob.size).sum()));
        }
        if !types.contains(&envelope.event_type.as_str()) {
            types.push(envelope.event_type.as_str());
        }
        if envelope.event_type == EventType::AuthDecision && kind != Kind::Reads && decision.is_none() {
            decision = envelope.decision_id;
        }
        recorded_at = recorded_at.max(envelope.recorded_at);
        if envelope.run.is_none() {
            search.push(Search { offset: offset as u64, envelope });
        }
        envelopes.push(bytes);
    }
    let payloads = build.seal(draft.block_id)?;
    let authentic = authenticate::make(&tenant.keyring, tenant.ledger, draft.block_id, &salts, &envelopes)?;
    let holdings: Vec<_> = build.groups.into_iter().filter_map(|group| group.holding).collect();
    let known = build.known;
    let mut sealed = Sealed {
        block_id: draft.block_id,
        kind,
        run,
        run_seqs,
        run_scope,
        decision,
        recorded_at,
        event_types: serde_json::to_string(&types).unwrap_or_default(),
        leaves: authentic.leaves,
        salts: block::encode_hashes(&salts),
        mac: authentic.mac,
        mac_key: authentic.mac_key,
        envelopes: block::encode_envelopes(&envelopes).map_err(|error| contract(error.to_string()))?,
        payloads,
        search,
        blobs: build.blobs,
        keys: holdings.iter().filter_map(|holding| holding.undurable()).collect(),
        holdings,
        seen,
    };
    known.iter().for_each(|holding| sealed.keep(holding));
    Ok(sealed)
}

fn contract(reason: String) -> Error {
    Error::Contract(reason)
}

/// The scope and ledger of an envelope, and what kind of stage may carry it.
// INVARIANT(INV-01): an entry names its scope, and the transaction's scope must cover it.
fn check_envelope(
    tenant: &Ground,
    scope: &TenantScope,
    envelope: &Envelope,
    kind: Kind,
    run: Option<RunId>,
) -> Result<ScopeIds, Error> {
    let ids = ScopeIds {
        tenant_id: envelope.tenant_id,
        project_id: envelope.project_id,
        environment_id: envelope.environment_id,
    };
    if covers(scope, &tenant.root, &ids) != Cover::Covered {
        return Err(contract("an entry lies outside the transaction's scope".to_owned()));
    }
    if envelope.ledger_id != tenant.ledger {
        return Err(contract("an entry names another ledger".to_owned()));
    }
    if !envelope.payloads.is_empty() {
        return Err(contract("the store alone adds payload commitments".to_owned()));
    }
    let is_run_event = envelope.run.is_some() || envelope.event_type == EventType::StateMutation;
    if is_run_event && (kind != Kind::Run || envelope.run.is_none() || envelope.run_id != run) {
        return Err(contract("a run event belongs into a stage of its run".to_owned()));
    }
    Ok(ids)
}

fn next_seq(of: Of, seen: Option<(u64, u64)>, seq: u64) -> Result<(u64, u64), Error> {
    let Of::Run { after, .. } = of else {
        return Err(contract("a run event belongs into a stage of its run".to_owned()));
    };
    let (first, last) = seen.unwrap_or((after.saturating_add(1), after));
    if seq != last.saturating_add(1) {
        return Err(contract(format!("runSeq {seq} follows {last}")));
    }
    Ok((first, seq))
}

/// Payloads of a block under one key: they become one row.
struct KeyGroup {
    key: SealKey,
    class: PayloadClass,
    person: Option<Subject>,
    opened: Vec<Opened>,
    holding: Option<Arc<Holding>>,
}

struct Build<'a> {
    tenant: &'a Ground,
    keys: &'a Keys<'a>,
    run: Option<RunId>,
    groups: Vec<KeyGroup>,
    blobs: Vec<BlobRow>,
    /// Keys of persons whom the run knows from here on, also where nothing lies under them yet.
    known: Vec<Arc<Holding>>,
    /// A salt for each payload.
    salts: std::vec::IntoIter<Salt>,
}

impl Build<'_> {
    fn add(
        &mut self,
        offset: usize,
        scope: ScopeIds,
        (class, person): (PayloadClass, Option<&Subject>),
        mut value: serde_json::Value,
    ) -> Result<PayloadCommit, Error> {
        let is_same = |group: &KeyGroup| match (&group.person, person) {
            (Some(one), Some(other)) => one.has_key_of(other),
            (one, other) => one.is_none() && other.is_none(),
        };
        self.note(class, person)?;
        let place = match self.groups.iter().position(|group| group.class == class && is_same(group)) {
            Some(place) => place,
            None => {
                // INVARIANT(INV-18): payloads of a run lie under that run's key of their class, or the key of the person
                // whom they are about; those of an act that belongs to no run under the tenant's data key.
                let holding = match self.run {
                    Some(run) => Some(self.keys.of(&self.tenant.keyring, run, class, person)?),
                    None => None,
                };
                let key = match &holding {
                    Some(holding) => SealKey::Run(Arc::clone(holding)),
                    None => self.tenant.keyring.tenant_key()?,
                };
                let person = person.cloned();
                self.groups.push(KeyGroup { key, class, person, opened: Vec::new(), holding });
                self.groups.len() - 1
            }
        };
        let group = self.groups.get_mut(place).ok_or_else(|| contract("a key group".to_owned()))?;
        let key_id = group.key.id();
        let mut fields = Vec::new();
        for stored in value::externalise(self.tenant, &group.key, &mut value)? {
            self.blobs.push(BlobRow { blob: stored.blob, scope, class, key: key_id, size: stored.size });
            fields.push(stored.field);
        }
        let canonical =
            canonical::to_bytes(&value).map_err(|error| contract(format!("a payload: {error}")))?;
        if canonical.len() > MAX_PAYLOAD {
            return Err(contract(format!(
                "a payload of {} bytes; at most {MAX_PAYLOAD} are allowed",
                canonical.len()
            )));
        }
        let salt = self.salts.next().unwrap_or_else(crate::seal::random);
        let commit = dvt_ledger::leaf::payload_commit(&salt, &canonical);
        group.opened.push(Opened { offset, salt, canonical, blobs: fields });
        Ok(PayloadCommit { class, key_id, commit })
    }

    /// Whoever is named among several has a key from here on: by it an erasure finds what they are told of together.
    // INVARIANT(INV-18): nobody is among several without a key of the run that ends with them.
    fn note(&mut self, class: PayloadClass, person: Option<&Subject>) -> Result<(), Error> {
        let (Some(run), Some(Subject::Several(names))) = (self.run, person) else { return Ok(()) };
        for name in names {
            let one = Subject::Person(name.clone());
            self.known.push(self.keys.of(&self.tenant.keyring, run, class, Some(&one))?);
        }
        Ok(())
    }

    fn seal(&self, block: BlockId) -> Result<Vec<SealedPayload>, Error> {
        self.groups
            .iter()
            .map(|group| {
                let key = group.key.id();
                let sealed = payload::seal(self.tenant, &group.key, block, &group.opened)?;
                Ok(SealedPayload { key, class: group.class, sealed })
            })
            .collect()
    }
}
