//! Publishing of a plan: name, version and sealed document, with a run or without one.
//!
//! A published version keeps its digest in the whole project; publishing it again changes nothing but brings back a document
//! whose time was over.

use super::deed;
use super::group::{Group, Stop};
use super::prepare::{self, Keys, People, Sealed};
use crate::port::error::{Error, Refusal};
use crate::port::operation::PublishPlan;
use crate::read::Reader;
use crate::seal::document::plan_row;
use crate::sqlite::column;
use crate::tenant::Tenant;
use dvt_model::canonical;
use dvt_model::digest::Digest;
use dvt_model::id::{KeyId, PlanId};
use dvt_model::run::PlanRef;
use dvt_model::scope::ScopeIds;
use rusqlite::{OptionalExtension, params};
use serde_json::Value;
use std::sync::Arc;

/// A plan, sealed.
pub(crate) struct Publication {
    pub(crate) scope: ScopeIds,
    pub(crate) name: String,
    pub(crate) plan: PlanRef,
    pub(crate) key: KeyId,
    pub(crate) sealed: Arc<Vec<u8>>,
}

impl Publication {
    /// Writes what is not there yet; refuses another digest under the same version.
    pub(crate) fn enter(&self, group: &Group<'_>, block: &Sealed) -> Result<(), Stop> {
        match self.named(group)? {
            Some(plan) if plan == self.plan.plan_id => {}
            // Somebody else gave the name to another plan meanwhile: the caller looks the id up again.
            Some(_) => return Err(Refusal::PlanVersionExists.into()),
            None => self.name(group)?,
        }
        match self.published(group)? {
            Some((digest, _)) if digest != self.plan.digest.0 => Err(Refusal::PlanVersionExists.into()),
            Some((_, true)) => Ok(()),
            Some((_, false)) | None => self.publish(group, block),
        }
    }

    /// The plan that has the name.
    fn named(&self, group: &Group<'_>) -> Result<Option<PlanId>, Stop> {
        let named: Option<Vec<u8>> = group
            .connection
            .prepare_cached(
                "SELECT plan_id FROM plan_name WHERE tenant_id = ?1 AND project_id = ?2 AND name = ?3",
            )?
            .query_row(params![group.tenant.bytes(), self.scope.project_id.bytes(), self.name], |row| {
                row.get(0)
            })
            .optional()?;
        Ok(named.map(|named| column::id(&named, PlanId::from_bytes)).transpose()?)
    }

    fn name(&self, group: &Group<'_>) -> Result<(), Stop> {
        let (tenant, project) = (group.tenant.bytes(), self.scope.project_id.bytes());
        group
            .connection
            .prepare_cached(
                "INSERT INTO plan_name (tenant_id, project_id, name, plan_id) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![tenant, project, self.name, self.plan.plan_id.bytes()])?;
        Ok(())
    }

    /// The digest of this version, in whichever environment, and whether its document stands in this one.
    fn published(&self, group: &Group<'_>) -> Result<Option<(Vec<u8>, bool)>, Stop> {
        let (project, environment) = (self.scope.project_id.bytes(), self.scope.environment_id.bytes());
        let plan = self.plan.plan_id.bytes();
        let row = group
            .connection
            .prepare_cached(
                "SELECT digest, environment_id = ?5 AND length(sealed) > 0 AS stands FROM plan
                 WHERE tenant_id = ?1 AND project_id = ?2 AND plan_id = ?3 AND plan_version = ?4 ORDER BY stands DESC LIMIT 1",
            )?
            .query_row(
                params![group.tenant.bytes(), project, plan, self.plan.plan_version, environment],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()?;
        Ok(row)
    }

    fn publish(&self, group: &Group<'_>, block: &Sealed) -> Result<(), Stop> {
        group
            .connection
            .prepare_cached(
                "INSERT INTO plan (tenant_id, project_id, environment_id, plan_id, plan_version, digest, key_id, sealed, published_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
                 -- A document that has ended comes back with the next run of its plan.
                 ON CONFLICT (tenant_id, project_id, environment_id, plan_id, plan_version) DO UPDATE
                 SET key_id = excluded.key_id, sealed = excluded.sealed, published_at = excluded.published_at
                 WHERE length(plan.sealed) = 0",
            )?
            .execute(params![
                group.tenant.bytes(),
                self.scope.project_id.bytes(),
                self.scope.environment_id.bytes(),
                self.plan.plan_id.bytes(),
                self.plan.plan_version,
                self.plan.digest.0,
                self.key.bytes(),
                *self.sealed,
                block.recorded_at.ms()
            ])?;
        Ok(())
    }
}

/// A publication on its way to the committer, sealed.
pub(crate) fn prepared(
    reader: &Reader,
    keys: &Keys<'_>,
    operation: PublishPlan,
    people: &People,
) -> Result<(deed::Deed, prepare::Sealed), Error> {
    let PublishPlan { plan, name, document, engine_epoch, rights, block } = operation;
    let of = prepare::Of::Act { reads: false };
    let block = prepare::block(&reader.tenant, &reader.scope, keys, of, (block, people))?;
    let publication =
        publication(&reader.tenant, (reader.scope.ids(), name.as_str().to_owned(), plan), &document)?;
    Ok((deed::Deed::Publish(Box::new(deed::Publish { publication, engine_epoch, rights })), block))
}

/// A plan's row, sealed; a document that does not have the digest is refused.
pub(crate) fn publication(
    tenant: &Tenant,
    (scope, name, plan): (ScopeIds, String, PlanRef),
    document: &Value,
) -> Result<Publication, Error> {
    let bytes = canonical::to_bytes(document).map_err(|error| Error::Contract(format!("a plan: {error}")))?;
    if Digest::of(&bytes) != plan.digest {
        return Err(Error::Contract("the plan does not match its digest".to_owned()));
    }
    let (key, now) = (tenant.keyring.tenant_key()?, (tenant.clock)());
    let sealed = match tenant.plans.of(&plan, key.id(), now) {
        Some(sealed) => sealed,
        None => {
            let row = plan_row(plan.plan_id, &plan.plan_version);
            let sealed = Arc::new(key.seal(&tenant.keyring, ("plan", "sealed"), &row, 0, &bytes)?);
            tenant.plans.keep(&plan, key.id(), &sealed, now);
            sealed
        }
    };
    Ok(Publication { scope, name, plan, key: key.id(), sealed })
}
