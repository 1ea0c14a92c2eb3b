//! The precondition principalEpoch: rights that ended or changed since an operation was authorized carry it no more.

use super::group::{Group, Stop};
use crate::port::error::Refusal;
use crate::port::operation::Rights;
use crate::sqlite::column;
use dvt_model::id::PrincipalId;
use rusqlite::{OptionalExtension, params};

/// Judges, under the head lock, whether the rights still stand.
// INVARIANT(INV-01): what rests on a member's rights is done only while that member still has them.
pub(crate) fn judge(group: &Group<'_>, rights: Rights) -> Result<(), Stop> {
    match rights {
        Rights::Nobody => Ok(()),
        Rights::Of { principal, epoch } => match epoch_of(group, principal)? {
            Some(now) if now == epoch => Ok(()),
            Some(_) | None => Err(Refusal::RightsEnded.into()),
        },
    }
}

fn epoch_of(group: &Group<'_>, principal: PrincipalId) -> Result<Option<u64>, Stop> {
    let epoch: Option<i64> = group
        .connection
        .prepare_cached("SELECT epoch FROM member WHERE tenant_id = ?1 AND principal_id = ?2")?
        .query_row(params![group.tenant.bytes(), principal.bytes()], |row| row.get(0))
        .optional()?;
    Ok(epoch.map(column::unsigned).transpose()?)
}

/// Ends a member's rights as they are known to others: what was authorized under them is refused from now on.
pub(crate) struct EndRights {
    pub(crate) principal: PrincipalId,
    pub(crate) expected_epoch: u64,
    pub(crate) rights: Rights,
}

impl EndRights {
    pub(crate) fn judge(&self, group: &Group<'_>) -> Result<(), Stop> {
        judge(group, self.rights)?;
        let raised = group
            .connection
            .prepare_cached(
                "UPDATE member SET epoch = epoch + 1 WHERE tenant_id = ?1 AND principal_id = ?2 AND epoch = ?3",
            )?
            .execute(params![
                group.tenant.bytes(),
                self.principal.bytes(),
                column::signed(self.expected_epoch)
            ])?;
        if raised == 1 { Ok(()) } else { Err(Refusal::VersionConflict.into()) }
    }
}
