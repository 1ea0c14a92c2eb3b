//! A stage on its way through the committer: epoch first, then the repeat, then the preconditions, then the index.

use super::deed::Deed;
use super::group::{Group, Stop, Work};
use super::index;
use super::prepare::Sealed;
use crate::port::error::Refusal;
use crate::port::operation::Committed;
use crate::tenant::Tenant;
use dvt_model::scope::TenantScope;
use std::sync::Arc;
use tokio::sync::oneshot;

/// A prepared stage and who waits for it.
pub(crate) struct Stage {
    pub(crate) tenant: Arc<Tenant>,
    pub(crate) scope: TenantScope,
    pub(crate) deed: Deed,
    pub(crate) block: Sealed,
    pub(crate) committed: Option<Committed>,
    pub(crate) answer: oneshot::Sender<Result<Committed, Refusal>>,
}

impl Stage {
    /// Whether the block is there already; its first answer is then given again.
    fn is_repeat(&mut self, group: &Group<'_>) -> Result<bool, Stop> {
        self.committed = index::repeat(group, &self.block)?;
        Ok(self.committed.is_some())
    }
}

impl Work for Stage {
    fn weight(&self) -> usize {
        self.block.weight()
    }

    fn can_repeat(&self) -> bool {
        true
    }

    fn apply(&mut self, group: &mut Group<'_>) -> Result<(), Stop> {
        self.committed = None;
        // A stage prepared for another ledger than the file's holds leaves and a MAC that would prove nothing here.
        if group.head.ledger != self.tenant.ledger {
            return Err(Refusal::LeaseLost.into());
        }
        if self.deed.epoch().is_some_and(|epoch| epoch != group.head.engine_epoch) {
            return Err(Refusal::LeaseLost.into());
        }
        // INVARIANT(INV-29): nothing is recorded twice; the same block id is the same block.
        if !self.deed.refuses_its_repeat(&self.block) && self.is_repeat(group)? {
            return Ok(());
        }
        let judged =
            self.deed.judge(group, &self.tenant.keyring, (&self.scope, &self.tenant.root), &self.block);
        if let Err(stop) = judged {
            // What is refused is told its first answer where it has one; a second look where it was looked at before finds nothing.
            return match matches!(stop, Stop::Refused(_)) && self.is_repeat(group)? {
                true => Ok(()),
                false => Err(stop),
            };
        }
        let committed = index::insert(group, &self.block)?;
        index::insert_blobs(group, &self.block)?;
        self.committed = Some(committed);
        Ok(())
    }

    fn answer(self: Box<Self>, verdict: Result<(), Refusal>) {
        let Stage { tenant, block, committed, answer, .. } = *self;
        let result = verdict.and_then(|()| committed.ok_or_else(super::closed));
        if let Ok(committed) = &result {
            if !committed.already {
                for holding in &block.holdings {
                    holding.became_durable();
                }
                dvt_telemetry::durable(&block.seen);
            }
            tenant.wrote();
        }
        // Whoever asked has gone away; the stage stands and a repeat will find it.
        let _gone = answer.send(result);
    }
}
