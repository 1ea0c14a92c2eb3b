//! What was staged becomes a deed and a sealed block, before the lock: on the caller's thread where nothing but memory is needed,
//! else on a lane.
//!
//! One arm for each operation of the port. It judges what needs no lock (names, scopes, that a plan is what its digest says);
//! what was read before is judged again under it.

use super::prepare::{Keys, People};
use super::{change, deed, prepare, publish, rights, setting};
use crate::port::error::Error;
use crate::port::operation::*;
use crate::read::Reader;
use crate::seal::document::{self, Cell};
use crate::seal::keyring::Holding;
use dvt_model::canonical;
use dvt_model::entry::PayloadClass;
use dvt_model::scope::{Cover, covers};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a transaction may stage.
pub(crate) enum Operation {
    Bootstrap(Box<BootstrapRun>),
    Append(Box<AppendRun>),
    Act(AppendAct),
    Publish(Box<PublishPlan>),
    Change(ActDraft, change::Draft),
    Setting(PutSetting),
    EndRights(EndRights),
}

/// A stage of so many bytes at most is sealed by its caller's own thread: some microseconds.
const SMALL: usize = 16 * 1024;

/// Its bytes, roughly: what its room is accounted by.
pub(crate) fn weight(operation: &Operation) -> usize {
    match operation {
        Operation::Bootstrap(operation) => prepare::weight(&operation.block) + 4 * 1_024,
        Operation::Append(operation) => prepare::weight(&operation.block),
        Operation::Publish(operation) => {
            prepare::weight(&operation.block) + prepare::size(&operation.document)
        }
        Operation::Act(operation) => prepare::weight(&operation.block),
        Operation::Setting(operation) => prepare::weight(&operation.block) + prepare::size(&operation.value),
        Operation::EndRights(operation) => prepare::weight(&operation.block),
        Operation::Change(act, _) => prepare::weight(&act.block) + 64 * 1_024,
    }
}

/// The keys that a stage needs, if it is small and they are all in memory: then it can be sealed without waiting for a disk.
pub(crate) fn held(
    reader: &Reader,
    operation: &Operation,
    people: &People,
) -> Option<Vec<(PayloadClass, Arc<Holding>)>> {
    if weight(operation) > SMALL || !people.is_empty() {
        return None;
    }
    // What lies under the tenant's data key may have to reserve rows of it in the file.
    let is_bare = |block: &BlockDraft| block.entries.iter().all(|entry| entry.payload.is_none());
    let (run, mut classes, block) = match operation {
        Operation::Append(append) => {
            let classes = append.signal.iter().map(|_| PayloadClass::Standard).collect::<Vec<_>>();
            (append.run_id, classes, &append.block)
        }
        Operation::Act(AppendAct { block, .. }) | Operation::EndRights(EndRights { block, .. }) => {
            return is_bare(block).then(Vec::new);
        }
        Operation::Bootstrap(bootstrap) => return held_anew(reader, bootstrap),
        Operation::Publish(_) | Operation::Setting(_) | Operation::Change(..) => return None,
    };
    classes.extend(block.entries.iter().filter_map(|entry| entry.payload.as_ref().map(|(class, _)| *class)));
    let mut held: Vec<(PayloadClass, Arc<Holding>)> = Vec::new();
    for class in classes {
        if held.iter().all(|(of, _)| *of != class) {
            held.push((class, reader.tenant.keyring.run_key_in_memory(run, class)?));
        }
    }
    Some(held)
}

/// The same for a run whose id is new: nobody has a key of it, so they are drawn here. Its plan must have been sealed a moment ago.
fn held_anew(reader: &Reader, bootstrap: &BootstrapRun) -> Option<Vec<(PayloadClass, Arc<Holding>)>> {
    let (tenant, metadata) = (&reader.tenant, &bootstrap.metadata);
    let key = tenant.keyring.tenant_key().ok()?.id();
    if !bootstrap.is_new || tenant.plans.of(&metadata.plan, key, (tenant.clock)()).is_none() {
        return None;
    }
    let payloads = bootstrap.block.entries.iter().filter_map(|entry| entry.payload.as_ref());
    let classes: BTreeSet<PayloadClass> =
        payloads.map(|(class, _)| *class).chain([PayloadClass::Standard]).collect();
    let draw = |class| Some((class, tenant.keyring.new_run_key(metadata.run_id, class).ok()?));
    classes.into_iter().map(draw).collect()
}

/// Makes the deed and its block, with leaves and MAC.
pub(crate) fn prepare(
    reader: &Reader,
    keys: &Keys<'_>,
    operation: Operation,
    people: &People,
) -> Result<(deed::Deed, prepare::Sealed), Error> {
    let (tenant, scope) = (&reader.tenant, &reader.scope);
    match operation {
        Operation::Bootstrap(operation) => bootstrap(reader, keys, *operation, people),
        Operation::Append(operation) => {
            let run = operation.run_id;
            let of = prepare::Of::Run { run, after: operation.expected_run_seq };
            let block = prepare::block(tenant, scope, keys, of, (operation.block, people))?;
            let signal = match operation.signal {
                Some((id, payload)) => {
                    let holding = keys.of(&tenant.keyring, run, PayloadClass::Standard, None)?;
                    let bytes = canonical_of(&payload)?;
                    Some(deed::Signal { id, key: holding.id(), hmac: holding.hmac(&bytes) })
                }
                None => None,
            };
            let append = deed::Append {
                run,
                expected_run_seq: operation.expected_run_seq,
                engine_epoch: operation.engine_epoch,
                signal,
                status: operation.status,
            };
            Ok((deed::Deed::Append(append), block))
        }
        Operation::Change(ActDraft { mut block, rights }, change) => {
            // It reads what it changes, so it is never prepared off a lane.
            let Keys::Lane(lane) = keys else {
                return Err(Error::Contract("a change is prepared on a lane".to_owned()));
            };
            let (change, entries) = change(reader, lane)?.unwrap_or_else(change::nothing);
            block.entries.extend(entries);
            let of = prepare::Of::Act { reads: false };
            let sealed = prepare::block(tenant, scope, keys, of, (block, people))?;
            Ok((deed::Deed::Change(change, rights), sealed))
        }
        Operation::Act(operation) => {
            let of = prepare::Of::Act { reads: operation.reads };
            let block = prepare::block(tenant, scope, keys, of, (operation.block, people))?;
            Ok((deed::Deed::Act(operation.rights), block))
        }
        Operation::Publish(operation) => publish::prepared(reader, keys, *operation, people),
        Operation::Setting(operation) => setting(reader, keys, operation, people),
        Operation::EndRights(operation) => {
            let of = prepare::Of::Act { reads: false };
            let block = prepare::block(tenant, scope, keys, of, (operation.block, people))?;
            let EndRights { principal, expected_epoch, rights, .. } = operation;
            Ok((deed::Deed::EndRights(rights::EndRights { principal, expected_epoch, rights }), block))
        }
    }
}

/// The longest name of a setting, and of its kind.
const LONGEST_NAME: usize = 128;

fn setting(
    reader: &Reader,
    keys: &Keys<'_>,
    operation: PutSetting,
    people: &People,
) -> Result<(deed::Deed, prepare::Sealed), Error> {
    let tenant = &reader.tenant;
    let PutSetting { kind, name, expected_version, rights, value, block } = operation;
    let is_name = |text: &str| {
        (1..=LONGEST_NAME).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    };
    if !is_name(&kind) || !is_name(&name) {
        return Err(Error::Contract(
            "a setting's kind and name are 1 to 128 of a-z, A-Z, 0-9, `-_.`".to_owned(),
        ));
    }
    let block =
        prepare::block(tenant, &reader.scope, keys, prepare::Of::Act { reads: false }, (block, people))?;
    let place = reader.scope.ids();
    let row = document::setting_row(&place, &kind, &name);
    let version = setting::PutSetting::version(expected_version);
    let cell = Cell { table: "setting", column: "sealed", row: &row, version };
    let seal_key = tenant.keyring.tenant_key()?;
    let sealed = document::seal(tenant, &seal_key, cell, &value)?;
    let key = seal_key.id();
    let put = setting::PutSetting { place, kind, name, expected: expected_version, key, sealed, rights };
    Ok((deed::Deed::Setting(put), block))
}

fn bootstrap(
    reader: &Reader,
    keys: &Keys<'_>,
    operation: BootstrapRun,
    people: &People,
) -> Result<(deed::Deed, prepare::Sealed), Error> {
    let tenant = &reader.tenant;
    let metadata = operation.metadata;
    if covers(&reader.scope, &tenant.root, &metadata.scope) != Cover::Covered {
        return Err(Error::Contract("the run lies outside the transaction's scope".to_owned()));
    }
    let named = (metadata.scope, metadata.plan_name.clone(), metadata.plan.clone());
    let publication = publish::publication(tenant, named, &operation.plan_document)?;
    let of = prepare::Of::Run { run: metadata.run_id, after: 0 };
    // The run's standard key exists from its first transaction, also where no payload of the block needed it.
    let holding = keys.of(&tenant.keyring, metadata.run_id, PayloadClass::Standard, None)?;
    let mut block = prepare::block(tenant, &reader.scope, keys, of, (operation.block, people))?;
    if block.run_seqs.is_none() || block.run_scope != Some(metadata.scope) {
        return Err(Error::Contract("an admission holds the run's first events, in its scope".to_owned()));
    }
    block.keep(&holding);
    let request = canonical_of(&operation.request)?;
    let bootstrap = deed::Bootstrap {
        request_hmac: holding.hmac(&request),
        request_key: holding.id(),
        request,
        admission_key: operation.admission_key,
        engine_epoch: operation.engine_epoch,
        most_open_runs: operation.most_open_runs,
        rights: operation.rights,
        queue: operation.queue,
        group: operation.group,
        setting: operation.setting,
        detached: operation.detached,
        publication,
        status: operation.status,
        metadata,
    };
    Ok((deed::Deed::Bootstrap(Box::new(bootstrap)), block))
}

/// The bytes that a comparison of values is made over.
pub(crate) fn canonical_of(value: &Value) -> Result<Vec<u8>, Error> {
    canonical::to_bytes(value).map_err(|error| Error::Contract(format!("a value: {error}")))
}
