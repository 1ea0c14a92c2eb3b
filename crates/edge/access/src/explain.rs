//! Why somebody may do something, or may not: what the table says of the roles that are held. It decides nothing and enters nothing;
//! a decision is made where something is done.

use crate::embedded::Embedded;
use dvt_model::action::{Action, Role};
use dvt_model::context::OpContext;

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// The weakest role that is held and suffices; none where it is denied.
    pub by: Option<Role>,
    /// What is held.
    pub held: Vec<Role>,
    /// The roles that suffice here, in the order of the table; `system` is nobody's to hold.
    pub takes: Vec<Role>,
}

impl Embedded {
    /// What the table says of the caller and an action, in the caller's own scope.
    pub fn explain(&self, context: &OpContext, action: Action) -> Explained {
        let place = crate::embedded::place(context);
        let suffices = |role: &Role| dvt_policy::decide(&[*role], action, &place, &[]).is_granted();
        let held = context.principal().roles.clone();
        let by = dvt_policy::weakest_sufficient(&held, action, &place).filter(|_| self.may(context, action));
        let takes = dvt_policy::table::COLUMNS.into_iter().filter(|role| *role != Role::System);
        Explained { by, held, takes: takes.filter(suffices).collect() }
    }
}
