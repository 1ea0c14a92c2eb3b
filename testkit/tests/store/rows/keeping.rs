//! Keys, holds and retention: changes that come with a decision and are no run's.
//!
//! An order to erase is seen by its decision alone: what comes of it is work of its own, and proved where that is tested.

use super::{Case, Foreign, Repeat, Row, Stale};
use crate::house::{Answer, Do, House, operation, probe, staged};
use dvt_model::code::Code;
use dvt_model::id::{DecisionId, RunId};
use dvt_model::run::RunStatus;
use dvt_store::port::operation::{ActDraft, Rights};
use dvt_store::port::transaction::Kind;
use dvt_store::{Data, ROTATED, Target};
use dvt_testkit::drafts::{block, random};

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row { name: "eraseKey, ordered", make: |house| Box::pin(erase(house)), not: &[] },
        Row { name: "placeHold", make: |house| Box::pin(place(house)), not: &[] },
        Row { name: "releaseHold", make: |house| Box::pin(release(house)), not: &[] },
        Row { name: "setRetention", make: |house| Box::pin(retention(house)), not: &[] },
        Row { name: "rotateKeys", make: |house| Box::pin(rotate(house)), not: &[] },
    ]
}

/// A decision, and the act that tells of it, by the house's member.
pub(super) fn by_rights(house: &House) -> (DecisionId, ActDraft) {
    let entry = house.drafts.decision(None);
    let id = entry.envelope.decision_id.unwrap_or_else(|| DecisionId::from_random(random()));
    (id, ActDraft { block: block(vec![entry]), rights: house.drafts.rights })
}

/// The same by rights that are no longer those of the member.
pub(super) fn by_ended_rights(house: &House) -> (DecisionId, ActDraft) {
    let Rights::Of { principal, epoch } = house.drafts.rights else {
        panic!("the house rests on its member")
    };
    let (id, act) = by_rights(house);
    (id, ActDraft { rights: Rights::Of { principal, epoch: epoch + 1 }, ..act })
}

fn change(go: Do, wrong: Vec<(&'static str, Do, Code)>, entries: u64, effect: crate::house::Probe) -> Case {
    Case {
        go,
        foreign: Foreign::Refused,
        stale: Stale::Free,
        repeat: Repeat::SamePlace,
        effect,
        changes: true,
        entries,
        wrong,
    }
}

pub(super) async fn ended(house: &House) -> RunId {
    let run = RunId::from_random(random());
    let mut bootstrap = house.drafts.bootstrap(run);
    bootstrap.status = RunStatus::Completed;
    let mut tx = house.store.begin(&house.scope, Kind::Engine).unwrap();
    tx.bootstrap_run(bootstrap);
    tx.commit().await.unwrap();
    run
}

fn hold_by((id, act): (DecisionId, ActDraft), target: Target) -> (DecisionId, Do) {
    let draft = (act, id, target);
    (id, staged(Kind::Act, draft, |tx, (block, id, target)| tx.place_hold(block, id, target)))
}

pub(super) fn hold_on(house: &House, target: Target) -> (DecisionId, Do) {
    hold_by(by_rights(house), target)
}

fn order(house: &House, target: Target) -> (DecisionId, Do) {
    order_by(by_rights(house), target)
}

fn order_by((id, act): (DecisionId, ActDraft), target: Target) -> (DecisionId, Do) {
    let draft = (act, id, target);
    (id, staged(Kind::Act, draft, |tx, (block, id, target)| tx.order_erasure(block, id, target)))
}

async fn erase(house: &House) -> Case {
    let (run, held) = (ended(house).await, ended(house).await);
    hold_on(house, Target::Run(held)).1(house.store.clone(), house.scope).await.unwrap();
    let (decision, go) = order(house, Target::Run(run));
    let wrong = vec![
        ("no legal hold", order(house, Target::Run(held)).1, Code::LegalHoldActive),
        ("principalEpoch", order_by(by_ended_rights(house), Target::Run(run)).1, Code::AuthzDenied),
        ("a target of keys", order(house, Target::Tenant).1, Code::ContractViolation),
    ];
    let effect = probe(move |store, scope| async move {
        let tx = store.begin(&scope, Kind::Act).unwrap();
        format!("{:?}", tx.decision_recorded(decision).await)
    });
    change(go, wrong, 1, effect)
}

fn holds() -> crate::house::Probe {
    probe(|store, scope| async move {
        let tx = store.begin(&scope, Kind::Act).unwrap();
        let holds = tx.holds().await.unwrap();
        format!(
            "{:?}",
            holds.iter().map(|hold| (hold.released_at.is_some(), hold.row_version)).collect::<Vec<_>>()
        )
    })
}

async fn place(house: &House) -> Case {
    let run = ended(house).await;
    let (_, go) = hold_on(house, Target::Run(run));
    let absent = Target::Run(RunId::from_random(random()));
    let wrong = vec![
        ("the run is there", hold_on(house, absent).1, Code::NotFound),
        ("principalEpoch", hold_by(by_ended_rights(house), Target::Run(run)).1, Code::AuthzDenied),
    ];
    change(go, wrong, 1, holds())
}

async fn release(house: &House) -> Case {
    let run = ended(house).await;
    let (hold, go) = hold_on(house, Target::Run(run));
    go(house.store.clone(), house.scope).await.unwrap();
    let released = |act: ActDraft, version: u64| {
        let draft = (act, hold, version);
        staged(Kind::Act, draft, |tx, (block, hold, version)| tx.release_hold(block, hold, version))
    };
    let stranger = (by_rights(house).1, DecisionId::from_random(random()));
    let stranger = staged(Kind::Act, stranger, |tx, (block, hold)| tx.release_hold(block, hold, 1));
    let wrong = vec![
        ("rowVersion, newer", released(by_rights(house).1, 2), Code::VersionConflict),
        ("rowVersion, older", released(by_rights(house).1, 0), Code::VersionConflict),
        ("principalEpoch", released(by_ended_rights(house).1, 1), Code::AuthzDenied),
        ("a hold that stands", stranger, Code::VersionConflict),
    ];
    change(released(by_rights(house).1, 1), wrong, 1, holds())
}

async fn retention(house: &House) -> Case {
    let rule_by = |act: ActDraft, days: u64, from: u64| {
        operation(move |store, scope| {
            let act = act.clone();
            async move {
                let mut tx = store.begin(&scope, Kind::Act).map_err(|error| error.code())?;
                tx.set_retention(act, Data::Log, days, from).map_err(|error| error.code())?;
                tx.commit().await.map(Answer::Stage).map_err(|refusal| refusal.code())
            }
        })
    };
    let rule = |days: u64, from: u64| rule_by(by_rights(house).1, days, from);
    rule(20, 0)(house.store.clone(), house.scope).await.unwrap();
    let wrong = vec![
        ("rowVersion, none", rule(40, 0), Code::VersionConflict),
        ("rowVersion, newer", rule(40, 2), Code::VersionConflict),
        ("principalEpoch", rule_by(by_ended_rights(house).1, 40, 1), Code::AuthzDenied),
        ("a time that may be", rule(0, 1), Code::InvalidRequest),
    ];
    let effect = probe(|store, scope| async move {
        let tx = store.begin(&scope, Kind::Act).unwrap();
        let rules = tx.retention().await.unwrap();
        format!(
            "{:?}",
            rules.iter().find(|rule| rule.data == Data::Log).map(|rule| (rule.days, rule.row_version))
        )
    });
    change(rule(30, 1), wrong, 1, effect)
}

async fn rotate(house: &House) -> Case {
    let by = |act: ActDraft| staged(Kind::Act, act, |tx, act| tx.rotate_keys(act, &ROTATED));
    let wrong = vec![("principalEpoch", by(by_ended_rights(house).1), Code::AuthzDenied)];
    let effect = probe(|store, scope| async move {
        let tx = store.begin(&scope, Kind::Act).unwrap();
        let ages = tx.key_ages().await.unwrap();
        format!("{:?}", ages.iter().map(|age| (age.purpose, age.in_use.epoch)).collect::<Vec<_>>())
    });
    change(by(by_rights(house).1), wrong, 20, effect)
}
