//! Who is let in, and what stands in the ledger afterwards.

use crate::house::{House, block_on};
use dvt_access::Denied;
use dvt_keys::entropy::random;
use dvt_model::action::{Action, Role};
use dvt_model::code::Code;
use dvt_model::deed::Deed;
use dvt_model::id::{RequestId, RunId, StepId, TenantId};
use dvt_model::proof::{
    AuditExport, AuditRead, Authorized, LegalHoldSet, PlanCreate, RunCancel, RunReadPayload, RunReadStatus,
};
use dvt_model::resource::{Ledger, Project, Run, Tenant};
use dvt_model::scope::ScopeIds;

#[test]
fn the_os_user_of_the_row_is_let_in_and_nobody_else() {
    block_on(async {
        let house = House::new(&[Role::TenantAdmin]).await;
        let context = house.enter().await;
        assert_eq!(context.scope().ids(), house.ours);
        assert_eq!(context.methods(), ["os"]);
        assert_eq!(context.principal().roles, [Role::TenantAdmin]);
        // Another's tenant, and one that never was: the same answer.
        let refused =
            house.access.authenticate(house.theirs, RequestId::from_random(random())).await.unwrap_err();
        let nowhere = ScopeIds { tenant_id: TenantId::from_random(random()), ..house.ours };
        let absent = house.access.authenticate(nowhere, RequestId::from_random(random())).await.unwrap_err();
        assert_eq!(refused.code, Code::Unauthenticated);
        assert_eq!(refused, absent);
        assert!(house.decisions().is_empty(), "what ends before a decision is none");
    });
}

/// INV-07, INV-04: one DENIED entry in the caller's ledger, one constant answer.
#[test]
fn what_is_not_there_is_not_found_and_entered_once() {
    block_on(async {
        let house = House::new(&[Role::TenantAdmin]).await;
        let context = house.enter().await;
        let (one, other) = (RunId::from_random(random()), RunId::from_random(random()));
        let status: Result<Authorized<Run, RunReadStatus>, Denied> =
            house.access.run(&context, one, "dvt runs get").await;
        let cancel: Result<Authorized<Run, RunCancel>, Denied> =
            house.access.run(&context, other, "dvt runs cancel").await;
        assert_eq!(status.unwrap_err(), Denied::not_found());
        assert_eq!(cancel.unwrap_err(), Denied::not_found());
        let denied = |action: &str, run: RunId| (action.to_owned(), "DENIED".to_owned(), run.to_string());
        assert_eq!(house.decisions(), [denied("RUN_READ_STATUS", one), denied("RUN_CANCEL", other)]);
        // Asked again it is entered again: denials are never folded.
        let again: Result<Authorized<Run, RunReadStatus>, Denied> =
            house.access.run(&context, one, "dvt runs get").await;
        assert!(again.is_err());
        assert_eq!(house.decisions().len(), 3);
    });
}

/// Whoever asks what a deed would do is told of the role that it takes, as whoever does it, and nothing is entered.
#[test]
fn what_a_deed_takes_is_said_without_an_entry() {
    block_on(async {
        let house = House::new(&[Role::Operator]).await;
        let context = house.enter().await;
        let step_id = StepId::parse("load").unwrap();
        let refused = |deed: &Deed| house.access.may_do(&context, deed).map_err(|denied| denied.code);
        assert_eq!(refused(&Deed::Pause {}), Ok(()));
        assert_eq!(refused(&Deed::EmergencyStop { force_kill: false }), Err(Code::AuthzDenied));
        assert_eq!(refused(&Deed::SkipStep { step_id }), Err(Code::AuthzDenied));
        let unasked = house.access.may_act(&context, Action::LegalHoldSet);
        assert_eq!(house.access.may_act(&context, Action::RunStart), Ok(()));
        assert!(house.decisions().is_empty());
        // Control: whoever asks for it is refused with the same words, and that is entered.
        let asked: Result<Authorized<Tenant, LegalHoldSet>, Denied> =
            house.access.tenant(&context, "dvt data hold place").await;
        assert_eq!(unasked, Err(asked.unwrap_err()));
        assert_eq!(house.decisions().len(), 1);
    });
}

#[test]
fn granted_status_reads_are_folded_per_hour_and_others_are_not() {
    block_on(async {
        let house = House::new(&[Role::TenantAdmin]).await;
        let context = house.enter().await;
        let list = async || -> Authorized<Project, RunReadStatus> {
            house.access.project(&context, "dvt runs list").await.unwrap()
        };
        list().await;
        house.push(49 * 60_000);
        list().await;
        assert_eq!(house.decisions().len(), 1, "the second read of the hour is the first one's entry");
        house.push(2 * 60_000);
        list().await;
        assert_eq!(house.decisions().len(), 2, "another hour, another entry");
        for _ in 0..2 {
            let _read: Authorized<Project, RunReadPayload> =
                house.access.project(&context, "dvt runs get").await.unwrap();
            let _ledger: Authorized<Ledger, dvt_model::proof::AuditRead> =
                house.access.ledger(&context, "dvt audit").await.unwrap();
        }
        assert_eq!(house.decisions().len(), 6);
        // A granted mutation is the engine's to enter, with its deed.
        let _create: Authorized<Project, PlanCreate> =
            house.access.project(&context, "dvt run").await.unwrap();
        assert_eq!(house.decisions().len(), 6);
    });
}

/// INV-11: default deny.
#[test]
fn a_role_that_does_not_suffice_is_refused_by_name_and_entered() {
    block_on(async {
        let house = House::new(&[Role::Viewer]).await;
        let context = house.enter().await;
        let refused: Result<Authorized<Project, PlanCreate>, Denied> =
            house.access.project(&context, "dvt run").await;
        let refused = refused.unwrap_err();
        assert_eq!(refused.code, Code::AuthzDenied);
        assert!(refused.message.contains("PLAN_CREATE"));
        assert_eq!(house.decisions().len(), 1);
        assert_eq!(house.decisions()[0].1, "DENIED");
        // Control: what a viewer may.
        let _list: Authorized<Project, RunReadStatus> =
            house.access.project(&context, "dvt runs list").await.unwrap();
        assert_eq!(house.decisions()[1].1, "GRANTED");
    });
}

#[test]
fn without_any_role_nothing_is_granted() {
    block_on(async {
        let house = House::new(&[]).await;
        let context = house.enter().await;
        let list: Result<Authorized<Project, RunReadStatus>, Denied> =
            house.access.project(&context, "dvt runs list").await;
        assert_eq!(list.unwrap_err().code, Code::AuthzDenied);
    });
}

/// INV-15: a record lacks nothing, and names who, upon what, and by which role.
#[test]
fn a_record_is_complete_or_names_what_it_lacks() {
    block_on(async {
        let house = House::new(&[Role::TenantAdmin, Role::Operator]).await;
        let context = house.enter().await;
        let run = Run { id: RunId::from_random(random()), scope: house.ours };
        let proof: Authorized<Run, RunCancel> = Authorized::mint(
            &house.minter,
            context,
            run,
            dvt_model::id::DecisionId::from_random(random()),
            dvt_model::id::DecisionId::from_random(random()),
        );
        let draft = |text: &str| dvt_model::decision::Draft {
            operation: dvt_model::decision::Operation::Cancel,
            justification_text: text.to_owned(),
            approval_ticket_id: None,
        };
        let incomplete = house.access.record(&proof, draft("  ")).unwrap_err();
        assert_eq!(incomplete.code, Code::DecisionRecordIncomplete);
        assert!(incomplete.message.contains("justificationText"));
        let record =
            serde_json::to_value(house.access.record(&proof, draft("no longer needed")).unwrap()).unwrap();
        assert_eq!(record["actorRole"], "operator");
        assert_eq!(record["resource"]["id"], run.id.to_string());
        assert_eq!(record["policyDecisionId"], proof.policy_decision_id().to_string());
    });
}

/// What leaves with every tenant's data takes every tenant's right: an attack with that of one. Control: the old door, which asked for
/// this one alone, stands open to the same caller; and where each is his, he gets the proofs of each.
#[test]
fn one_tenant_s_right_is_not_everybody_s() {
    block_on(async {
        let house = House::new(&[Role::Auditor]).await;
        let context = house.enter().await;
        let all = house.access.every_ledger::<AuditExport>(&context, "dvt store backup").await;
        let refused = all.map(drop).unwrap_err();
        assert_eq!(refused.code, Code::AuthzDenied);
        assert!(!refused.message.contains(&house.theirs.tenant_id.to_string()), "it names nobody");
        let old: Result<Authorized<Ledger, AuditExport>, Denied> =
            house.access.ledger(&context, "dvt store backup").await;
        assert!(old.is_ok(), "control: one tenant's right was enough");
        // Each alone: what is his is proved, what is not is not.
        let judged = house.access.each_ledger::<AuditRead>(&context, "dvt store check").await.unwrap();
        let proved: Vec<(TenantId, bool)> = judged.iter().map(|(of, proof)| (*of, proof.is_ok())).collect();
        assert_eq!(proved, [(house.ours.tenant_id, true), (house.theirs.tenant_id, false)]);

        // A tenant more in which this OS user may look at runs and no more; then one installation where everything is his.
        let house = House::alone(&[Role::Auditor]).await;
        let context = house.enter().await;
        let count =
            async || house.access.every_ledger::<AuditExport>(&context, "b").await.map(|all| all.len());
        assert_eq!(count().await.unwrap(), 1, "control");
        house.another(&[Role::Auditor]).await;
        assert_eq!(count().await.unwrap(), 2, "control");
        let viewed = house.another(&[Role::Viewer]).await;
        assert_eq!(count().await.unwrap_err().code, Code::AuthzDenied);
        let entered = house.decisions_of(viewed.tenant_id);
        assert_eq!(entered.len(), 1, "{entered:?}");
        assert_eq!((entered[0].0.as_str(), entered[0].1.as_str()), ("AUDIT_EXPORT", "DENIED"));
    });
}
