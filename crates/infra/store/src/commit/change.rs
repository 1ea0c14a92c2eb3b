//! Changes that come with entries and are no run's: keys, holds, settings, and ends of data.
//!
//! A change is prepared on a lane from what is there, and judged again under the head lock: what it was made from must still
//! be so, else it is refused and nothing of it is there. The machinery's own changes take the same way as a person's.

use super::deed::Deed;
use super::group::{Group, Stop};
use super::prepare::{self, Keys, Of, People, Sealed};
use super::stage::Stage;
use crate::port::error::{Error, Refusal};
use crate::port::operation::{BlockDraft, Committed, EntryDraft, Rights};
use crate::read::Reader;
use crate::tenant::{Ground, Tenant};
use dvt_model::action::{Action, Role};
use dvt_model::context::PrincipalType;
use dvt_model::entry::{Actor, Envelope, EventType, Outcome, SourceModule};
use dvt_model::id::{EntryId, PrincipalId, RequestId};
use dvt_model::resource::ResourceRef;
use rusqlite::Connection;
use std::sync::Arc;
use tokio::sync::oneshot;

/// What happens under the head lock.
pub(crate) trait Change: Send {
    /// Judges whether it may still happen, and does it.
    fn judge(&self, group: &Group<'_>, block: &Sealed) -> Result<(), Stop>;
}

/// A change and the entries that tell of it.
pub(crate) type Drafted = (Box<dyn Change>, Vec<EntryDraft>);
/// Looks at what is there, on a lane; `None` where nothing is to be done.
pub(crate) type Draft = Box<dyn FnOnce(&Reader, &Connection) -> Result<Option<Drafted>, Error> + Send + Sync>;

/// A person's act that found nothing to change. It is refused under the lock like every other, so that a repeat of one that did its
/// work is known by its block before (INV-29).
pub(crate) fn nothing() -> Drafted {
    struct Nothing;
    impl Change for Nothing {
        fn judge(&self, _: &Group<'_>, _: &Sealed) -> Result<(), Stop> {
            Err(Refusal::Contract("there is nothing to change".to_owned()).into())
        }
    }
    (Box::new(Nothing), Vec::new())
}

/// How often a change is prepared again because something moved under it.
const TRIES: u32 = 8;
/// The room of a change, whose size is known only once it is drafted.
const ROOM: usize = 64 * 1024;

/// Does a change of the machinery itself. `None` where there is nothing to do.
pub(crate) async fn submit(
    tenant: &Arc<Tenant>,
    draft: impl Fn() -> Draft,
) -> Result<Option<Committed>, Refusal> {
    let mut last = Refusal::VersionConflict;
    for _ in 0..TRIES {
        match once(tenant, draft()).await {
            Err(Refusal::VersionConflict) => last = Refusal::VersionConflict,
            other => return other,
        }
    }
    Err(last)
}

async fn once(tenant: &Arc<Tenant>, draft: Draft) -> Result<Option<Committed>, Refusal> {
    let reader = Reader { tenant: Arc::clone(tenant), scope: tenant.system };
    let room = tenant.committer.room(ROOM).await?;
    let prepared = tenant.lanes.run(move |lane| {
        let Some((change, entries)) = draft(&reader, lane)? else { return Ok(None) };
        let block = BlockDraft::of(entries);
        let of = Of::Act { reads: false };
        let block =
            prepare::block(&reader.tenant, &reader.scope, &Keys::Lane(lane), of, (block, &People::new()))?;
        // The machinery asks nobody, and rests on nobody's rights.
        Ok(Some((Deed::Change(change, Rights::Nobody), block)))
    });
    let Some((deed, block)) = prepared.await.map_err(Refusal::from)? else { return Ok(None) };
    let (answer, wait) = oneshot::channel();
    let stage =
        Stage { tenant: Arc::clone(tenant), scope: tenant.system, deed, block, committed: None, answer };
    tenant.committer.put(Box::new(stage), room)?;
    wait.await.map_err(|_| super::closed())?.map(Some)
}

/// The keeper as a principal: the same in every installation, bound to no member and never assignable.
fn keeper() -> Actor {
    Actor {
        id: PrincipalId::from_random(*b"dvt:keeper:actor"),
        actor_type: PrincipalType::System,
        roles: vec![Role::System],
    }
}

/// The envelope of an entry that the machinery makes by itself.
pub(crate) fn envelope(
    tenant: &Ground,
    (event_type, name): (EventType, &str),
    action: Action,
    resource: ResourceRef,
) -> Envelope {
    let ids = tenant.system.ids();
    Envelope {
        record_version: "1.0".to_owned(),
        entry_id: EntryId::from_random(crate::seal::random()),
        ledger_id: tenant.ledger,
        tenant_id: ids.tenant_id,
        project_id: ids.project_id,
        environment_id: ids.environment_id,
        recorded_at: (tenant.clock)(),
        actor: keeper(),
        event_type,
        event_name: Some(name.to_owned()),
        action,
        resource,
        decision: Outcome::Completed,
        reason_code: None,
        request_id: RequestId::from_random(crate::seal::random()),
        source_module: SourceModule::Store,
        route: None,
        run_id: None,
        step_id: None,
        run: None,
        decision_id: None,
        policy_decision_id: None,
        payloads: Vec::new(),
        usage: None,
    }
}
