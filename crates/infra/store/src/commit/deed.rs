//! What a stage does beside its block, and the preconditions under which it may (contract 6.1), judged under the head lock.

use super::change::Change;
use super::group::{Group, Stop};
use super::prepare::Sealed;
use super::publish::Publication;
use super::rights::{self, EndRights};
use super::setting::{self, PutSetting};
use super::waiting;
use crate::port::error::Refusal;
use crate::port::operation::{Group as RunGroup, Queueing, Rights, SeenSetting};
use crate::read::runs;
use crate::seal::keyring::Keyring;
use crate::sqlite::column;
use dvt_model::id::{EnvironmentId, KeyId, ProjectId, RunId, SignalId};
use dvt_model::run::{RunMetadata, RunStatus};
use dvt_model::scope::{Cover, Root, ScopeIds, TenantScope, covers};
use rusqlite::{OptionalExtension, params};

/// A deed. Its preconditions are its fields.
pub(crate) enum Deed {
    /// Admission of a run.
    Bootstrap(Box<Bootstrap>),
    /// Run events.
    Append(Append),
    /// Publishing of a plan without a run of it.
    Publish(Box<Publish>),
    /// An act.
    Act(Rights),
    /// A change of a setting.
    Setting(PutSetting),
    /// The end of a member's rights.
    EndRights(EndRights),
    /// A change of keys, holds, settings, or an end of data.
    Change(Box<dyn Change>, Rights),
}

/// Admission, sealed.
pub(crate) struct Bootstrap {
    pub(crate) metadata: RunMetadata,
    pub(crate) admission_key: String,
    /// Canonical, to compare it with an earlier one under that one's run key.
    pub(crate) request: Vec<u8>,
    pub(crate) request_key: KeyId,
    pub(crate) request_hmac: [u8; 32],
    pub(crate) engine_epoch: u64,
    pub(crate) most_open_runs: u64,
    pub(crate) rights: Rights,
    pub(crate) queue: Option<Queueing>,
    pub(crate) group: Option<RunGroup>,
    pub(crate) setting: Option<SeenSetting>,
    pub(crate) detached: bool,
    pub(crate) publication: Publication,
    pub(crate) status: RunStatus,
}

/// Run events, sealed.
pub(crate) struct Append {
    pub(crate) run: RunId,
    pub(crate) expected_run_seq: u64,
    pub(crate) engine_epoch: u64,
    pub(crate) signal: Option<Signal>,
    pub(crate) status: RunStatus,
}

/// A plan, and by what it is published.
pub(crate) struct Publish {
    pub(crate) publication: Publication,
    pub(crate) engine_epoch: u64,
    pub(crate) rights: Rights,
}

/// A signal's first decision.
pub(crate) struct Signal {
    pub(crate) id: SignalId,
    pub(crate) key: KeyId,
    pub(crate) hmac: [u8; 32],
}

impl Deed {
    /// The epoch that an engine's stage names.
    pub(crate) fn epoch(&self) -> Option<u64> {
        match self {
            Self::Bootstrap(bootstrap) => Some(bootstrap.engine_epoch),
            Self::Append(append) => Some(append.engine_epoch),
            Self::Publish(publish) => Some(publish.engine_epoch),
            Self::Act(_) | Self::Setting(_) | Self::EndRights(_) | Self::Change(..) => None,
        }
    }

    /// Whether a block that is in the ledger already is refused by the deed's own preconditions before anything is written: the
    /// first time has moved the run's sequence on. Who asks for it again needs no look at the blocks before that.
    pub(crate) fn refuses_its_repeat(&self, block: &Sealed) -> bool {
        matches!(self, Self::Append(_)) && block.run_seqs.is_some()
    }

    /// Judges everything but epoch and repeat, and writes the rows that come before the block.
    pub(crate) fn judge(
        &self,
        group: &Group<'_>,
        keyring: &Keyring,
        (scope, root): (&TenantScope, &Root),
        block: &Sealed,
    ) -> Result<(), Stop> {
        match self {
            Self::Bootstrap(bootstrap) => bootstrap.judge(group, keyring, block),
            Self::Append(append) => append.judge(group, (scope, root), block),
            Self::Publish(publish) => {
                rights::judge(group, publish.rights)?;
                publish.publication.enter(group, block)
            }
            Self::Act(rights) => rights::judge(group, *rights),
            Self::Setting(setting) => setting.judge(group, block),
            Self::EndRights(end) => end.judge(group),
            Self::Change(change, rights) => {
                rights::judge(group, *rights)?;
                change.judge(group, block)
            }
        }
    }
}

impl Bootstrap {
    fn judge(&self, group: &Group<'_>, keyring: &Keyring, block: &Sealed) -> Result<(), Stop> {
        let (connection, tenant, metadata) = (group.connection, group.tenant.bytes(), &self.metadata);
        let earlier = connection
            .prepare_cached("SELECT run_id, request_key_id, request_hmac FROM run WHERE tenant_id = ?1 AND admission_key = ?2")?
            .query_row(params![tenant, self.admission_key], |row| {
                Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?, row.get::<_, Vec<u8>>(2)?))
            })
            .optional()?;
        if let Some((run, key, hmac)) = earlier {
            let run = column::id(&run, RunId::from_bytes)?;
            let key = column::id(&key, KeyId::from_bytes)?;
            // An erased run can no longer be compared with: the request is then not known to be the same.
            let same =
                keyring.key_hmac(connection, key, &self.request)?.is_some_and(|mine| mine.as_slice() == hmac);
            return Err(Refusal::Admitted { run, same }.into());
        }
        let exists: Option<i64> = connection
            .prepare_cached("SELECT 1 FROM run WHERE tenant_id = ?1 AND run_id = ?2")?
            .query_row(params![tenant, metadata.run_id.bytes()], |row| row.get(0))
            .optional()?;
        if exists.is_some() {
            return Err(Refusal::RunAlreadyExists.into());
        }
        let open: i64 = connection
            .prepare_cached("SELECT count(*) FROM run WHERE tenant_id = ?1 AND open = 1")?
            .query_row([tenant], |row| row.get(0))?;
        if column::unsigned(open)? >= self.most_open_runs {
            return Err(Refusal::Quota("concurrent runs".to_owned()).into());
        }
        rights::judge(group, self.rights)?;
        if let Some(seen) = &self.setting {
            setting::stands(group, &metadata.scope, seen)?;
        }
        if let Some(of) = &self.group {
            self.count_group(group, of)?;
        }
        self.publication.enter(group, block)?;
        connection
            .prepare_cached(
                "INSERT INTO run (tenant_id, run_id, project_id, environment_id, plan_id, plan_version, plan_digest, plan_name,
                    provider, admission_key, request_key_id, request_hmac, detached, status, open, last_run_seq, queued_at,
                    updated_at, concurrency_group)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?17, ?18)",
            )?
            .execute(params![
                tenant,
                metadata.run_id.bytes(),
                metadata.scope.project_id.bytes(),
                metadata.scope.environment_id.bytes(),
                metadata.plan.plan_id.bytes(),
                metadata.plan.plan_version,
                metadata.plan.digest.0,
                metadata.plan_name,
                metadata.provider,
                self.admission_key,
                self.request_key.bytes(),
                self.request_hmac,
                i64::from(self.detached),
                self.status.as_str(),
                i64::from(!self.status.is_terminal()),
                column::signed(block.run_seqs.map_or(0, |(_, last)| last)),
                block.recorded_at.ms(),
                self.group.as_ref().map(|group| group.name.as_str())
            ])?;
        match &self.queue {
            Some(queueing) => waiting::enter(group, metadata, queueing, block),
            None => Ok(()),
        }
    }

    fn count_group(&self, group: &Group<'_>, of: &RunGroup) -> Result<(), Stop> {
        let metadata = &self.metadata;
        let open: i64 = group
            .connection
            .prepare_cached(
                "SELECT count(*) FROM run WHERE tenant_id = ?1 AND project_id = ?2 AND environment_id = ?3 AND plan_id = ?4
                 AND concurrency_group = ?5 AND open = 1",
            )?
            .query_row(
                params![
                    group.tenant.bytes(),
                    metadata.scope.project_id.bytes(),
                    metadata.scope.environment_id.bytes(),
                    metadata.plan.plan_id.bytes(),
                    of.name
                ],
                |row| row.get(0),
            )?;
        if column::unsigned(open)? >= of.most_open {
            return Err(Refusal::GroupBusy.into());
        }
        Ok(())
    }
}

impl Append {
    fn judge(
        &self,
        group: &Group<'_>,
        (scope, root): (&TenantScope, &Root),
        block: &Sealed,
    ) -> Result<(), Stop> {
        let (connection, tenant) = (group.connection, group.tenant.bytes());
        let row = connection
            .prepare_cached(concat!(
                "SELECT project_id, environment_id, status, ",
                runs::last_run_seq!(),
                ", concurrency_group IS NOT NULL FROM run WHERE tenant_id = ?1 AND run_id = ?2"
            ))?
            .query_row(params![tenant, self.run.bytes()], |row| {
                Ok((
                    row.get::<_, Vec<u8>>(0)?,
                    row.get::<_, Vec<u8>>(1)?,
                    row.get::<_, String>(2)?,
                    row.get::<_, i64>(3)?,
                    row.get::<_, bool>(4)?,
                ))
            })
            .optional()?;
        let absent = || Refusal::Contract("the run is not there".to_owned());
        let Some((project, environment, status, last, is_grouped)) = row else { return Err(absent().into()) };
        let lies_in = ScopeIds {
            tenant_id: group.tenant,
            project_id: column::id(&project, ProjectId::from_bytes)?,
            environment_id: column::id(&environment, EnvironmentId::from_bytes)?,
        };
        if covers(scope, root, &lies_in) != Cover::Covered {
            return Err(absent().into());
        }
        if block.run_scope.is_some_and(|named| named != lies_in) {
            return Err(Refusal::Contract("an event names another scope than its run's".to_owned()).into());
        }
        if column::unsigned(last)? != self.expected_run_seq {
            return Err(Refusal::LeaseLost.into());
        }
        let status = column::word(RunStatus::parse(&status), "a status")?;
        if status.is_terminal() && (block.run_seqs.is_some() || status != self.status) {
            return Err(Refusal::Contract("the run has ended".to_owned()).into());
        }
        let begins = status == RunStatus::Pending && self.status != status && !self.status.is_terminal();
        if begins && is_grouped {
            self.is_alone_in_its_group(group)?;
        }
        if let Some(signal) = &self.signal {
            self.first_decision(group, signal, block)?;
        }
        if status == self.status {
            // The row stays as it is: the block itself says which event was the last.
            return Ok(());
        }
        if let Some((_, last)) = block.run_seqs {
            let (run, last, at) = (self.run.bytes(), column::signed(last), block.recorded_at.ms());
            // An ended run was refused above, so `open` changes here alone. Named for nothing, it would rewrite the indexes that
            // speak of it with each change of status.
            match self.status.is_terminal() {
                true => connection
                    .prepare_cached(
                        "UPDATE OR FAIL run SET last_run_seq = ?3, status = ?4, open = 0, updated_at = ?5 WHERE tenant_id = ?1 AND run_id = ?2",
                    )?
                    .execute(params![tenant, run, last, self.status.as_str(), at])?,
                false => connection
                    .prepare_cached(
                        "UPDATE OR FAIL run SET last_run_seq = ?3, status = ?4, updated_at = ?5 WHERE tenant_id = ?1 AND run_id = ?2",
                    )?
                    .execute(params![tenant, run, last, self.status.as_str(), at])?,
            };
            Ok(())
        } else {
            Err(Refusal::Contract("a run's state changes by its events alone".to_owned()).into())
        }
    }

    /// Of a concurrency group one run is past PENDING at a time, whoever believes to have the turn (contract 5.7).
    fn is_alone_in_its_group(&self, group: &Group<'_>) -> Result<(), Stop> {
        let other: Option<i64> = group
            .connection
            .prepare_cached(
                "SELECT 1 FROM run AS mine JOIN run AS other USING (tenant_id, project_id, environment_id, plan_id, concurrency_group)
                 WHERE mine.tenant_id = ?1 AND mine.run_id = ?2 AND other.open = 1 AND other.run_id <> ?2
                 AND other.status <> 'PENDING' LIMIT 1",
            )?
            .query_row(params![group.tenant.bytes(), self.run.bytes()], |row| row.get(0))
            .optional()?;
        if other.is_some() { Err(Refusal::GroupBusy.into()) } else { Ok(()) }
    }

    fn first_decision(&self, group: &Group<'_>, signal: &Signal, block: &Sealed) -> Result<(), Stop> {
        let (connection, tenant) = (group.connection, group.tenant.bytes());
        let earlier: Option<(Vec<u8>, Vec<u8>)> = connection
            .prepare_cached("SELECT key_id, payload_hmac FROM signal WHERE tenant_id = ?1 AND run_id = ?2 AND signal_id = ?3")?
            .query_row(params![tenant, self.run.bytes(), signal.id.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        if let Some((key, hmac)) = earlier {
            let same = key == signal.key.bytes() && hmac == signal.hmac;
            return Err(Refusal::Signalled { same }.into());
        }
        connection
            .prepare_cached(
                "INSERT INTO signal (tenant_id, run_id, signal_id, block_id, key_id, payload_hmac) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                tenant,
                self.run.bytes(),
                signal.id.as_str(),
                block.block_id.bytes(),
                signal.key.bytes(),
                signal.hmac
            ])?;
        Ok(())
    }
}
