//! Scopes: each read under a foreign scope finds nothing, under its own what it looks for (INV-01, INV-08).

use crate::support::*;
use dvt_model::action::Role;
use dvt_model::id::{EnvironmentId, PlanName, ProjectId, StepId};
use dvt_model::scope::{Minter, ScopeIds, TenantScope};
use dvt_store::port::transaction::{Kind, TenantTx};
use dvt_store::{Error, Refusal, Store};

/// How many of the reads find something of the run.
async fn found(tx: &TenantTx, run: &Run, bundle: dvt_model::digest::Digest) -> usize {
    let step = StepId::parse("a").unwrap();
    let found = [
        tx.run(run.id).await.unwrap().is_some(),
        !tx.list_runs(50, None).await.unwrap().rows.is_empty(),
        !tx.runs_by_prefix(&run.id.to_string()).await.unwrap().is_empty(),
        tx.fetch_events(run.id, 0, 10).await.is_ok(),
        tx.get_snapshot(run.id).await.unwrap().is_some(),
        tx.plan_id(&PlanName::parse(&run.name).unwrap()).await.unwrap().is_some(),
        tx.plan(run.plan, "1.0.0").await.unwrap().is_some(),
        tx.get_bundle(bundle).await.unwrap().is_some(),
        tx.read_log(run.id, &step, 1).await.is_ok(),
    ];
    found.into_iter().filter(|yes| *yes).count()
}

#[tokio::test]
async fn a_foreign_scope_finds_nothing() {
    let house = House::new().await;
    let (_, other_tenant, _) = tenant(&house.store).await;
    let run = run();
    house.admit(&run).await;
    let tx = house.engine();
    tx.put_snapshot(run.id, 1, &serde_json::json!({})).await.unwrap();
    let bundle = dvt_model::digest::Digest::of(b"b");
    tx.put_bundle(bundle, b"b").await.unwrap();
    assert_eq!(found(&tx, &run, bundle).await, 9, "control: its own scope finds everything");
    let mint = |ids: ScopeIds| TenantScope::mint(&Minter::behind_the_test_seam(), ids);
    let elsewhere = [
        other_tenant,
        mint(ScopeIds {
            project_id: ProjectId::from_random(random()),
            environment_id: EnvironmentId::from_random(random()),
            ..house.ids
        }),
    ];
    for scope in elsewhere {
        let tx = house.store.begin(&scope, Kind::Engine).unwrap();
        assert_eq!(found(&tx, &run, bundle).await, 0, "{scope:?}");
        let mut tx = house.store.begin(&scope, Kind::Engine).unwrap();
        tx.append_run(house.advance(&run, 1, serde_json::json!({})));
        assert!(matches!(tx.commit().await, Err(Refusal::Contract(_))));
    }
    let nobody = mint(ids());
    assert!(matches!(house.store.begin(&nobody, Kind::Act), Err(Error::NotFound)));
}

#[tokio::test]
async fn a_cursor_of_another_scope_opens_nothing() {
    let house = House::new().await;
    for _ in 0..3 {
        house.admit(&run()).await;
    }
    let cursor = house.act().list_runs(1, None).await.unwrap().next.unwrap();
    assert!(house.act().list_runs(1, Some(&cursor)).await.is_ok(), "control: its own");
    let (_, other, _) = tenant(&house.store).await;
    let tx = house.store.begin(&other, Kind::Act).unwrap();
    assert_eq!(
        tx.list_runs(1, Some(&cursor)).await.unwrap_err().code(),
        dvt_model::code::Code::InvalidCursor
    );
}

#[tokio::test]
async fn the_first_member_is_known_by_the_os_user() {
    let house = House::new().await;
    let member = house.act().member_by_os_uid(1000).await.unwrap().unwrap();
    assert_eq!(member.epoch, 1);
    let member = member.member;
    assert_eq!((member.roles, member.name.as_str()), (vec![Role::TenantAdmin], "Ada CANARY-NAME"));
    assert!(house.act().member_by_os_uid(0).await.unwrap().is_none());
    let house = house.again().await;
    assert!(house.act().member_by_os_uid(1000).await.unwrap().is_some());
}

#[tokio::test]
async fn a_closed_store_says_so() {
    let house = House::new().await;
    let tx = house.act();
    house.store.close().await.unwrap();
    assert!(matches!(house.store.begin(&house.scope, Kind::Act), Err(Error::Unavailable(_))));
    let mut late = tx;
    late.append_act(house.an_act());
    assert!(matches!(late.commit().await, Err(Refusal::Unavailable(_))));
    let id = house.ids.tenant_id;
    assert!(Store::ledger_path(house.folder.path(), id).exists());
}
