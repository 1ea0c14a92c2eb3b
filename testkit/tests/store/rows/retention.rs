//! What the clock ends: the sweep of a tenant's data, and the pruning of its ledger.

use super::keeping::{by_ended_rights, by_rights, ended, hold_on};
use super::{Case, Foreign, Repeat, Row, Stale};
use crate::columns::Column;
use crate::house::{Answer, Do, House, code, operation, probe, refused, staged};
use dvt_model::code::Code;
use dvt_store::Target;
use dvt_store::port::operation::{ActDraft, AppendAct, Rights};
use dvt_store::port::transaction::Kind;
use dvt_testkit::drafts::block;

/// Longer than everything is kept that is not the ledger.
const DATA_DAYS: i64 = 400;
/// Longer than the ledger is kept (INV-22).
const LEDGER_DAYS: i64 = 2_558;

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row {
            name: "sweep",
            make: |house| Box::pin(sweep(house)),
            not: &[
                (Column::Foreign, "it names the tenant and nothing in it"),
                (
                    Column::FailsAlone,
                    "a hold is no refusal of a sweep: what it covers is passed over and counted",
                ),
                (Column::FailsMerged, "as before"),
            ],
        },
        Row { name: "prune", make: |house| Box::pin(prune(house)), not: &[] },
    ]
}

/// A run whose clock is over, beside one that a hold keeps.
async fn sweep(house: &House) -> Case {
    let (over, held) = (ended(house).await, ended(house).await);
    hold_on(house, Target::Run(held)).1(house.store.clone(), house.scope).await.unwrap();
    house.later(DATA_DAYS).await;
    Case {
        go: operation(|store, scope| async move {
            let swept = store.sweep(scope.tenant()).await.map_err(code)?;
            Ok(Answer::Value(format!("{} held", swept.held)))
        }),
        foreign: Foreign::ItsOwn,
        stale: Stale::Free,
        repeat: Repeat::Harmless,
        effect: probe(move |store, scope| async move {
            let tx = store.begin(&scope, Kind::Act).unwrap();
            // First the keys end, then the row: erased and not found are one here.
            let (over, held) = (tx.is_erased(over).await, tx.is_erased(held).await);
            format!("over: {}, held: {}", matches!(over, Ok(false)), matches!(held, Ok(false)))
        }),
        changes: true,
        entries: 20,
        wrong: Vec::new(),
    }
}

/// A ledger of several hundred entries whose years are over.
async fn prune(house: &House) -> Case {
    for _ in 0..6 {
        let entries = (0..100).map(|_| house.drafts.decision(None)).collect();
        let act = AppendAct { block: block(entries), rights: Rights::Nobody, ..house.drafts.act(None) };
        staged(Kind::Act, act, |tx, act| tx.append_act(act))(house.store.clone(), house.scope).await.unwrap();
    }
    house.store.seal(house.scope.tenant()).await.unwrap();
    house.later(LEDGER_DAYS).await;
    let by = |act: ActDraft| staged(Kind::Act, act, |tx, act| tx.prune(act));
    Case {
        go: by(by_rights(house).1),
        foreign: Foreign::Refused,
        stale: Stale::Free,
        repeat: Repeat::SamePlace,
        effect: probe(|store, scope| async move {
            let tx = store.begin(&scope, Kind::Act).unwrap();
            format!("{:?}", tx.prunable().await.unwrap().lowest)
        }),
        changes: true,
        entries: 2,
        wrong: vec![
            ("principalEpoch", by(by_ended_rights(house).1), Code::AuthzDenied),
            ("no legal hold", under_a_hold(house, by(by_rights(house).1)), Code::LegalHoldActive),
        ],
    }
}

/// The same while a hold over the tenant stands, which is released afterwards.
fn under_a_hold(house: &House, go: Do) -> Do {
    let (hold, place) = hold_on(house, Target::Tenant);
    let release = by_rights(house).1;
    operation(move |store, scope| {
        let (place, go, release) = (place.clone(), go.clone(), release.clone());
        async move {
            place(store.clone(), scope).await?;
            let answer = go(store.clone(), scope).await;
            let mut tx = store.begin(&scope, Kind::Act).map_err(|error| error.code())?;
            tx.release_hold(release, hold, 1);
            tx.commit().await.map_err(refused)?;
            answer
        }
    })
}
