//! The table of contract 8.3: roles × actions, one row an action, reviewed as a diff.
//!
//! It holds the actions that exist today. A new action needs a row here, else it is denied to everybody.

use dvt_model::action::{Action, Role};

/// What a role may do with an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    /// Yes.
    Yes,
    /// Only in environments marked `development`.
    Development,
    /// No.
    No,
}

/// An action and its cells in the order of [`COLUMNS`].
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The action.
    pub action: Action,
    /// One cell a role.
    pub cells: [Cell; 7],
}

/// The roles of the columns.
pub const COLUMNS: [Role; 7] = [
    Role::TenantAdmin,
    Role::PlanAuthor,
    Role::Operator,
    Role::Engineer,
    Role::Auditor,
    Role::Viewer,
    Role::System,
];

const Y: Cell = Cell::Yes;
const D: Cell = Cell::Development;
const N: Cell = Cell::No;

const fn row(action: Action, cells: [Cell; 7]) -> Row {
    Row { action, cells }
}

/// The table. Columns: tenant-admin, plan-author, operator, engineer, auditor, viewer, system.
#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    //                         admin author operat engin audit viewer system
    row(Action::PlanCreate,     [Y,    Y,    N,     N,    N,    N,    N]),
    row(Action::PlanRead,       [Y,    Y,    Y,     Y,    Y,    Y,    Y]),
    row(Action::RunStart,       [Y,    D,    Y,     Y,    N,    N,    N]),
    row(Action::RunCancel,      [Y,    N,    Y,     Y,    N,    N,    N]),
    row(Action::SignalSend,     [Y,    N,    Y,     Y,    N,    N,    N]),
    row(Action::RunReadStatus,  [Y,    Y,    Y,     Y,    Y,    Y,    Y]),
    row(Action::RunReadPayload, [Y,    Y,    Y,     Y,    N,    N,    N]),
    row(Action::StepApprove,    [Y,    N,    Y,     Y,    N,    N,    N]),
    row(Action::AuditRead,      [Y,    N,    N,     N,    Y,    N,    N]),
    row(Action::AuditReadSelf,  [Y,    Y,    Y,     Y,    Y,    Y,    N]),
    row(Action::AuditExport,    [Y,    N,    N,     N,    Y,    N,    N]),
    row(Action::AuditViewPii,   [Y,    N,    N,     N,    Y,    N,    N]),
    row(Action::KeyRotate,      [Y,    N,    N,     N,    N,    N,    Y]),
    row(Action::DataErase,      [Y,    N,    N,     N,    N,    N,    N]),
    row(Action::LegalHoldSet,   [Y,    N,    N,     N,    N,    N,    N]),
    row(Action::RetentionSet,   [Y,    N,    N,     N,    N,    N,    N]),
    row(Action::PolicyWrite,    [Y,    N,    N,     N,    N,    N,    N]),
    row(Action::RetentionSweep, [N,    N,    N,     N,    N,    N,    Y]),
    // Reserved to the platform tenant, which nobody acts in yet: the first command of an OS user makes its tenant before
    // there is anybody to ask (contract 1.3), so nobody is granted it.
    row(Action::TenantCreate,   [N,    N,    N,     N,    N,    N,    N]),
    row(Action::EngineAdvance,  [N,    N,    N,     N,    N,    N,    Y]),
    row(Action::SecretResolve,  [N,    N,    N,     N,    N,    N,    Y]),
    row(Action::LedgerSeal,     [N,    N,    N,     N,    N,    N,    Y]),
];

/// The cell of a role and an action; no row is a no.
pub(crate) fn cell(rows: &[Row], role: Role, action: Action) -> Cell {
    rows.iter()
        .find(|row| row.action == action)
        .and_then(|row| COLUMNS.iter().zip(row.cells).find(|(column, _)| **column == role))
        .map_or(Cell::No, |(_, cell)| cell)
}
