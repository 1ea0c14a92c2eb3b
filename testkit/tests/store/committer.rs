//! The committer: one sync for many, no answer before it, bounded memory, and no tenant starved by another.

use crate::house::{Answer, Do, House, staged};
use crate::sqlite::Place;
use dvt_model::code::Code;
use dvt_model::scope::TenantScope;
use dvt_store::port::operation::{AppendAct, Rights};
use dvt_store::port::transaction::Kind;
use dvt_testkit::drafts::{Drafts, ids, member, scope};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

const LONGEST: Duration = Duration::from_secs(60);

fn act(draft: AppendAct) -> Do {
    staged(Kind::Act, draft, |tx, draft| tx.append_act(draft))
}

fn send(house: &House, payload: Option<Value>) -> JoinHandle<Result<Answer, Code>> {
    tokio::spawn(act(house.drafts.act(payload))(house.store.clone(), house.scope))
}

async fn until(condition: impl Fn() -> bool) {
    let holds = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONGEST, holds).await.expect("it is stuck");
}

/// INV-29: acknowledged means synced. While the sync is held nobody hears anything, and one sync serves all who wait.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_answered_before_the_sync_and_one_sync_serves_all() {
    let house = House::new(Box::new(Place::new())).await;
    let counts = || house.store.counts(house.scope.tenant()).unwrap();
    house.place.hold_commits();
    let before = counts();
    let first = send(&house, None);
    until(|| counts().put == before.put + 1).await;
    let waiting: Vec<_> = (0..200).map(|_| send(&house, None)).collect();
    until(|| counts().put == before.put + 201).await;
    let early = waiting.iter().chain([&first]).filter(|task| task.is_finished()).count();
    assert_eq!((early, counts().groups), (0, before.groups), "answers before the sync");
    house.place.release_commits();
    for task in waiting.into_iter().chain([first]) {
        task.await.unwrap().unwrap();
    }
    let after = counts();
    // The first may have been alone, or have found company before it began.
    assert!(after.groups - before.groups <= 2, "{before:?} {after:?}");
    println!("201 stages, {} syncs, 0 answers before them", after.groups - before.groups);
    house.verified().await;
}

/// Bounded memory: what is sealed, waits and is written never takes more than the committer's room, however many ask.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stages_take_no_more_memory_than_there_is_room_for() {
    let house = House::new(Box::new(Place::new())).await;
    let counts = || house.store.counts(house.scope.tenant()).unwrap();
    let fields = (0..14).map(|field| (format!("f{field}"), json!("x".repeat(60_000))));
    let large = Value::Object(fields.collect());
    house.place.hold_commits();
    let before = counts();
    let waiting: Vec<_> = (0..96).map(|_| send(&house, Some(large.clone()))).collect();
    // As many as have room come to the committer; the others wait for it outside.
    until(|| counts().put >= before.put + 30).await;
    assert!(counts().put <= before.put + 40, "{:?}", counts());
    house.place.release_commits();
    for task in waiting {
        task.await.unwrap().unwrap();
    }
    let after = counts();
    assert_eq!(after.put - before.put, 96, "all of them went in at last");
    assert!(after.most_bytes <= 32 * 1024 * 1024, "{after:?}");
    assert!(after.most_bytes >= 24 * 1024 * 1024, "control: the room was used: {after:?}");
    println!("96 stages of 840 kB: {} bytes under way at most", after.most_bytes);
}

/// Fairness between tenants' files: a flood of one keeps nobody else from being committed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_one_tenant_starves_no_other() {
    const FLOOD: u64 = 3_000;
    let house = House::new(Box::new(Place::new())).await;
    let mut quiet: Vec<(TenantScope, Drafts)> = Vec::new();
    for _ in 0..20 {
        let ids = ids();
        let ledger = house.store.create_tenant(ids, member()).await.unwrap();
        let drafts =
            Drafts { ids, ledger, clock: Arc::clone(&house.clock), epoch: 1, rights: Rights::Nobody };
        // Its file is open before the flood.
        act(drafts.act(None))(house.store.clone(), scope(ids)).await.unwrap();
        quiet.push((scope(ids), drafts));
    }
    let counts = || house.store.counts(house.scope.tenant()).unwrap();
    let before = counts();
    let flood: Vec<_> = (0..FLOOD).map(|_| send(&house, None)).collect();
    until(|| counts().groups > before.groups).await;
    let mut worst = 0;
    for (scope, drafts) in &quiet {
        let asked = counts().groups;
        act(drafts.act(None))(house.store.clone(), *scope).await.unwrap();
        worst = worst.max(counts().groups - asked);
    }
    let left = FLOOD - (counts().pieces - before.pieces);
    for task in flood {
        task.await.unwrap().unwrap();
    }
    println!(
        "20 quiet tenants beside a flood of {FLOOD}: at most {worst} of its groups while one waited, {left} of it left"
    );
    // Its groups are as large as there is room for: few of them are a long flood.
    let after = counts();
    assert!(after.groups - before.groups <= FLOOD / 8, "{after:?}");
}

/// A caller who goes away takes nothing with it: its stage stands or not, and its room comes back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_who_go_away_give_their_room_back() {
    let house = House::new(Box::new(Place::new())).await;
    let counts = || house.store.counts(house.scope.tenant()).unwrap();
    for _ in 0..4 {
        house.place.hold_commits();
        let before = counts();
        let tasks: Vec<_> = (0..1_500).map(|_| send(&house, None)).collect();
        until(|| counts().put >= before.put + 1_000).await;
        tasks.iter().for_each(JoinHandle::abort);
        house.place.release_commits();
        for task in tasks {
            let _aborted_or_done = task.await;
        }
        until(|| counts().under_way == 0).await;
    }
    act(house.drafts.act(None))(house.store.clone(), house.scope).await.unwrap();
    house.verified().await;
}

/// A house whose making is over: the thread that wrote it has let go of the writer, as the first act shows that is its caller's own.
async fn settled() -> House {
    let house = House::new(Box::new(Place::new())).await;
    let alone = || house.store.counts(house.scope.tenant()).unwrap().alone;
    let before = alone();
    while alone() == before {
        act(house.drafts.act(None))(house.store.clone(), house.scope).await.unwrap();
    }
    house
}

/// How many of ten acts, one after the other, their caller wrote himself.
async fn alone_of_ten(house: House) -> u64 {
    let counts = || house.store.counts(house.scope.tenant()).unwrap();
    let before = counts();
    for _ in 0..10 {
        act(house.drafts.act(None))(house.store.clone(), house.scope).await.unwrap();
    }
    let after = counts();
    assert_eq!((after.groups - before.groups, after.put - before.put), (10, 10));
    house.verified().await;
    after.alone - before.alone
}

/// ADR 84: where another thread can take over what else there is to do, a caller who is alone wakes nobody.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn who_comes_alone_writes_for_himself() {
    assert_eq!(tokio::spawn(async { alone_of_ten(settled().await).await }).await.unwrap(), 10);
    assert_eq!(alone_of_ten(settled().await).await, 10, "outside the runtime's threads as well");
}

/// And where no other thread can, the committer's does it.
#[tokio::test]
async fn the_only_thread_of_a_runtime_waits_for_no_disk() {
    assert_eq!(alone_of_ten(House::new(Box::new(Place::new())).await).await, 0);
}

/// Whoever writes for himself holds up nobody else, not even on the only worker.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn who_writes_for_himself_holds_up_nobody() {
    let house = settled().await;
    let counts = || house.store.counts(house.scope.tenant()).unwrap();
    house.place.hold_commits();
    let before = counts();
    let held = send(&house, None);
    until(|| counts().alone == before.alone + 1).await;
    assert_eq!(tokio::spawn(async { 7 }).await.unwrap(), 7);
    // Who comes now is not alone: he waits for the thread, and is served with the others.
    let others: Vec<_> = (0..20).map(|_| send(&house, None)).collect();
    until(|| counts().put == before.put + 21).await;
    house.place.release_commits();
    for task in others.into_iter().chain([held]) {
        task.await.unwrap().unwrap();
    }
    let after = counts();
    assert_eq!(after.alone - before.alone, 1);
    assert!(after.groups - before.groups <= 3, "{before:?} {after:?}");
    house.verified().await;
}
