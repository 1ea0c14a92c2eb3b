//! The engine lease: one row of the control database. It decides who works; who writes is decided by the head row's epoch.

use super::error::Error;
use crate::control::Control;
use dvt_model::time::Timestamp;

/// Who holds the lease, as the row says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Process id.
    pub pid: u32,
    /// Start time of that process in clock ticks since boot (field 22 of /proc/pid/stat), so that a reused pid is no holder.
    pub pid_start: u64,
    /// The private socket it listens on.
    pub address: String,
}

/// The row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The holder.
    pub holder: Holder,
    /// Rises with every new holder.
    pub epoch: u64,
    /// 10 s after the last renewal.
    pub expires_at: Timestamp,
}

/// The lease table.
#[derive(Clone)]
pub struct LeaseTable {
    control: Control,
}

impl LeaseTable {
    pub(crate) fn new(control: Control) -> Self {
        Self { control }
    }

    /// The present row, if any.
    pub fn read(&self) -> Result<Option<Row>, Error> {
        self.control.lease()
    }

    /// Takes the lease if the row is still `seen` (None: no row): a conditional update. `None` = somebody was quicker.
    pub fn take(&self, seen: Option<&Row>, holder: &Holder) -> Result<Option<Row>, Error> {
        self.control.take(seen, holder)
    }

    /// Renews; `false` when the row is no longer ours.
    pub fn renew(&self, row: &Row) -> Result<bool, Error> {
        self.control.renew(row)
    }

    /// Gives it back: the row stays with its epoch, expired and without holder pid (0).
    pub fn release(&self, row: &Row) -> Result<(), Error> {
        self.control.release(row)
    }
}
