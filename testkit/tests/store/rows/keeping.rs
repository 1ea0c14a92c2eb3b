//! Keys, holds and retention: changes that come with a decision and are no run's.
//!
//! An order to erase is seen by its decision alone: what comes of it is work of its own, and proved where that is tested.

use super::{Case, Foreign, Repeat, Row, Stale};
use crate::columns::Column;
use crate::house::{Answer, Do, House, operation, probe, staged};
use dvt_model::code::Code;
use dvt_model::id::{DecisionId, RunId};
use dvt_model::run::RunStatus;
use dvt_store::port::operation::BlockDraft;
use dvt_store::port::transaction::Kind;
use dvt_store::{Data, ROTATED, Target};
use dvt_testkit::drafts::{block, random};

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row { name: "eraseKey, ordered", make: |house| Box::pin(erase(house)), not: &[] },
        Row { name: "placeHold", make: |house| Box::pin(place(house)), not: &[] },
        Row { name: "releaseHold", make: |house| Box::pin(release(house)), not: &[] },
        Row { name: "setRetention", make: |house| Box::pin(retention(house)), not: &[] },
        Row {
            name: "rotateKeys",
            make: |house| Box::pin(rotate(house)),
            not: &[
                (Column::FailsAlone, "it names no version: replacing twice is two replacements"),
                (Column::FailsMerged, "it names no version: replacing twice is two replacements"),
            ],
        },
    ]
}

/// A decision, and the block that tells of it.
fn decided(house: &House) -> (DecisionId, BlockDraft) {
    let entry = house.drafts.decision(None);
    let id = entry.envelope.decision_id.unwrap_or_else(|| DecisionId::from_random(random()));
    (id, block(vec![entry]))
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

async fn ended(house: &House) -> RunId {
    let run = RunId::from_random(random());
    let mut bootstrap = house.drafts.bootstrap(run);
    bootstrap.status = RunStatus::Completed;
    let mut tx = house.store.begin(&house.scope, Kind::Engine).unwrap();
    tx.bootstrap_run(bootstrap);
    tx.commit().await.unwrap();
    run
}

fn hold_on(house: &House, target: Target) -> (DecisionId, Do) {
    let (id, block) = decided(house);
    let draft = (block, id, target);
    (id, staged(Kind::Act, draft, |tx, (block, id, target)| tx.place_hold(block, id, target)))
}

fn order(house: &House, target: Target) -> (DecisionId, Do) {
    let (id, block) = decided(house);
    let draft = (block, id, target);
    (id, staged(Kind::Act, draft, |tx, (block, id, target)| tx.order_erasure(block, id, target)))
}

async fn erase(house: &House) -> Case {
    let (run, held) = (ended(house).await, ended(house).await);
    hold_on(house, Target::Run(held)).1(house.store.clone(), house.scope).await.unwrap();
    let (decision, go) = order(house, Target::Run(run));
    let wrong = vec![
        ("no legal hold", order(house, Target::Run(held)).1, Code::LegalHoldActive),
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
    let wrong = vec![("the run is there", hold_on(house, absent).1, Code::LedgerUnavailable)];
    change(go, wrong, 1, holds())
}

async fn release(house: &House) -> Case {
    let run = ended(house).await;
    let (hold, go) = hold_on(house, Target::Run(run));
    go(house.store.clone(), house.scope).await.unwrap();
    let released = |version: u64| {
        let draft = (decided(house).1, hold, version);
        staged(Kind::Act, draft, |tx, (block, hold, version)| tx.release_hold(block, hold, version))
    };
    let stranger = (decided(house).1, DecisionId::from_random(random()));
    let stranger = staged(Kind::Act, stranger, |tx, (block, hold)| tx.release_hold(block, hold, 1));
    let wrong = vec![
        ("rowVersion, newer", released(2), Code::VersionConflict),
        ("rowVersion, older", released(0), Code::VersionConflict),
        ("a hold that stands", stranger, Code::VersionConflict),
    ];
    change(released(1), wrong, 1, holds())
}

async fn retention(house: &House) -> Case {
    let rule = |days: u64, from: u64| {
        let block = decided(house).1;
        operation(move |store, scope| {
            let block = block.clone();
            async move {
                let mut tx = store.begin(&scope, Kind::Act).map_err(|error| error.code())?;
                tx.set_retention(block, Data::Log, days, from).map_err(|error| error.code())?;
                tx.commit().await.map(Answer::Stage).map_err(|refusal| refusal.code())
            }
        })
    };
    rule(20, 0)(house.store.clone(), house.scope).await.unwrap();
    let wrong = vec![
        ("rowVersion, none", rule(40, 0), Code::VersionConflict),
        ("rowVersion, newer", rule(40, 2), Code::VersionConflict),
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
    let go = staged(Kind::Act, decided(house).1, |tx, block| tx.rotate_keys(block, &ROTATED));
    let effect = probe(|store, scope| async move {
        let tx = store.begin(&scope, Kind::Act).unwrap();
        let ages = tx.key_ages().await.unwrap();
        format!("{:?}", ages.iter().map(|age| (age.purpose, age.in_use.epoch)).collect::<Vec<_>>())
    });
    change(go, Vec::new(), 20, effect)
}
