//! Authorization as a pure function of one reviewed table.
//!
//! It knows no request, no clock and no store: whoever asks brings the roles bound where the caller acts, the denials of
//! the tenant and the place. It refuses by default; an action without a row is denied to everybody, `system` included.

pub mod table;

use dvt_model::action::{Action, Role};
use dvt_model::code::Code;
use dvt_model::entry::Outcome;
use dvt_model::id::EnvironmentId;
use table::{Cell, Row};

/// Where the action would happen, as far as a cell or a denial asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The environment.
    pub environment: EnvironmentId,
    /// Whether it is marked `development`.
    pub development: bool,
}

/// What a tenant forbids on top of the table (contract 8.1). It can only take away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// Of this role; of everybody where absent.
    pub role: Option<Role>,
    /// This action.
    pub action: Action,
    /// In this environment; everywhere where absent.
    pub environment: Option<EnvironmentId>,
}

/// What was decided, and by which rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// `GRANTED` or `DENIED`.
    pub outcome: Outcome,
    /// Why not.
    pub reason: Option<Code>,
    /// The rules behind it, for the ledger only.
    pub policies: Vec<String>,
}

impl Decision {
    /// Whether it is allowed.
    pub fn is_granted(&self) -> bool {
        self.outcome == Outcome::Granted
    }

    fn denied(reason: Code, policies: Vec<String>) -> Self {
        Self { outcome: Outcome::Denied, reason: Some(reason), policies }
    }
}

/// Decides by the reviewed table.
// INVARIANT(INV-11): allowed only by a cell of the table; a denial wins over every cell; what is unknown is denied.
pub fn decide(roles: &[Role], action: Action, place: &Place, denials: &[Denial]) -> Decision {
    decide_by(table::ROWS, roles, action, place, denials)
}

/// Decides an action by its wire name, as an exported rule or a foreign request spells it. Unknown is denied.
pub fn decide_named(roles: &[Role], action: &str, place: &Place, denials: &[Denial]) -> Decision {
    Action::parse(action).map_or_else(
        || Decision::denied(Code::AuthzDenied, Vec::new()),
        |action| decide(roles, action, place, denials),
    )
}

/// Decides by any table: the test takes rows away and looks whether everything is denied.
fn decide_by(rows: &[Row], roles: &[Role], action: Action, place: &Place, denials: &[Denial]) -> Decision {
    let forbidding: Vec<String> = denials
        .iter()
        .enumerate()
        .filter(|(_, denial)| applies(denial, roles, action, place))
        .map(|(index, _)| format!("denial:{index}"))
        .collect();
    if !forbidding.is_empty() {
        return Decision::denied(Code::PolicyDenied, forbidding);
    }
    let granting: Vec<String> = roles
        .iter()
        .filter(|role| match table::cell(rows, **role, action) {
            Cell::Yes => true,
            Cell::Development => place.development,
            Cell::No => false,
        })
        .map(|role| format!("role:{role}"))
        .collect();
    if granting.is_empty() {
        return Decision::denied(Code::AuthzDenied, granting);
    }
    Decision { outcome: Outcome::Granted, reason: None, policies: granting }
}

fn applies(denial: &Denial, roles: &[Role], action: Action, place: &Place) -> bool {
    denial.action == action
        && denial.role.is_none_or(|role| roles.contains(&role))
        && denial.environment.is_none_or(|environment| environment == place.environment)
}

/// The weakest held role that suffices, as records name it (contract 8.3): viewer-like roles before operator, before
/// engineer, before tenant-admin.
pub fn weakest_sufficient(roles: &[Role], action: Action, place: &Place) -> Option<Role> {
    const WEAKEST_FIRST: [Role; 7] = [
        Role::Viewer,
        Role::Auditor,
        Role::PlanAuthor,
        Role::Operator,
        Role::Engineer,
        Role::TenantAdmin,
        Role::System,
    ];
    WEAKEST_FIRST
        .into_iter()
        .find(|role| roles.contains(role) && decide(&[*role], action, place, &[]).is_granted())
}

/// Whether somebody with these roles holds at least this one: operator < engineer < tenant-admin (8.3). Other roles are
/// held by name; nobody ever holds `system` by holding another.
pub fn holds(roles: &[Role], least: Role) -> bool {
    let ladder = [Role::Operator, Role::Engineer, Role::TenantAdmin];
    let step = |role: &Role| ladder.iter().position(|rung| rung == role);
    match step(&least) {
        Some(least) => roles.iter().filter_map(step).any(|rung| rung >= least),
        None => roles.contains(&least),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_higher_role_holds_the_lower_ones_of_its_ladder_and_no_other() {
        assert!(holds(&[Role::TenantAdmin], Role::Operator));
        assert!(holds(&[Role::Engineer], Role::Engineer));
        assert!(!holds(&[Role::Operator], Role::Engineer));
        assert!(!holds(&[Role::TenantAdmin], Role::Auditor));
        assert!(!holds(&[Role::TenantAdmin], Role::System));
        assert!(!holds(&[], Role::Operator));
    }

    fn place(development: bool) -> Place {
        Place { environment: EnvironmentId::from_random([1; 16]), development }
    }

    /// INV-11, control: with the rows taken away nothing is allowed any more.
    #[test]
    fn without_rows_everything_is_denied() {
        let mut granted = 0;
        for action in Action::ALL {
            for role in Role::ALL {
                let decision = decide_by(&[], &[*role], *action, &place(true), &[]);
                assert_eq!(decision.outcome, Outcome::Denied, "{role} {action}");
                granted += usize::from(decide(&[*role], *action, &place(true), &[]).is_granted());
            }
        }
        assert!(granted > 30, "the same questions find {granted} grants in the real table");
    }

    #[test]
    fn a_denial_wins_and_reaches_only_what_it_names() {
        let here = place(false);
        let elsewhere = Place { environment: EnvironmentId::from_random([2; 16]), ..here };
        let roles = [Role::TenantAdmin, Role::Operator];
        let denials = [Denial {
            role: Some(Role::Operator),
            action: Action::RunCancel,
            environment: Some(here.environment),
        }];
        let decision = decide(&roles, Action::RunCancel, &here, &denials);
        assert_eq!(decision.reason, Some(Code::PolicyDenied));
        assert_eq!(decision.policies, ["denial:0"]);
        assert!(decide(&roles, Action::RunCancel, &elsewhere, &denials).is_granted());
        assert!(decide(&roles, Action::RunStart, &here, &denials).is_granted());
        assert!(decide(&[Role::TenantAdmin], Action::RunCancel, &here, &denials).is_granted());
    }

    #[test]
    fn unknown_actions_and_no_roles_are_denied() {
        assert!(!decide_named(&[Role::TenantAdmin], "RUN_DESTROY", &place(true), &[]).is_granted());
        assert!(!decide_named(&[Role::TenantAdmin], "run_start", &place(true), &[]).is_granted());
        assert!(decide_named(&[Role::TenantAdmin], "RUN_START", &place(true), &[]).is_granted());
        assert!(!decide(&[], Action::RunReadStatus, &place(true), &[]).is_granted());
    }

    #[test]
    fn a_plan_author_starts_runs_in_development_only() {
        assert!(decide(&[Role::PlanAuthor], Action::RunStart, &place(true), &[]).is_granted());
        assert!(!decide(&[Role::PlanAuthor], Action::RunStart, &place(false), &[]).is_granted());
    }

    #[test]
    fn records_name_the_weakest_role() {
        let roles = [Role::TenantAdmin, Role::Engineer, Role::Operator];
        assert_eq!(weakest_sufficient(&roles, Action::RunCancel, &place(false)), Some(Role::Operator));
        assert_eq!(
            weakest_sufficient(&[Role::TenantAdmin], Action::RunCancel, &place(false)),
            Some(Role::TenantAdmin)
        );
        assert_eq!(weakest_sufficient(&[Role::Viewer], Action::RunCancel, &place(false)), None);
    }
}
