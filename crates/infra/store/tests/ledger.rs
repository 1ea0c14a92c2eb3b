//! The ledger in the file: insert-only, sealed, verified with public keys alone.

use crate::support::*;
use dvt_ledger::verify::result::Status;
use dvt_ledger::verify::verify_with_keys;
use dvt_model::code::Code;
use serde_json::json;

/// INV-03: triggers refuse what would change the past.
#[tokio::test]
async fn the_past_cannot_be_changed_by_a_statement() {
    let house = House::new().await;
    let run = run();
    house.admit(&run).await;
    house.store.seal(house.ids.tenant_id).await.unwrap();
    let raw = house.raw();
    raw.pragma_update(None, "recursive_triggers", true).unwrap();
    for statement in [
        "UPDATE ledger_block SET recorded_at = 0",
        "DELETE FROM ledger_block",
        "REPLACE INTO ledger_block SELECT * FROM ledger_block",
        "UPDATE ledger_search SET decision = 'DENIED'",
        "DELETE FROM ledger_search",
        "UPDATE ledger_head SET next_index = next_index - 1",
        "UPDATE ledger_head SET sealed_size = 0",
        "UPDATE ledger_head SET sealed_size = next_index + 1",
        "UPDATE ledger_head SET engine_epoch = 0",
        "UPDATE ledger_head SET ledger_id = randomblob(16)",
        "UPDATE ledger_head SET n = 2",
        "DELETE FROM ledger_head",
        "UPDATE ledger_checkpoint SET note = 'x'",
        "DELETE FROM ledger_checkpoint",
        "UPDATE header SET tenant_id = randomblob(16)",
        "INSERT INTO ledger_block SELECT tenant_id, n, first_index + 100, randomblob(16), kind, count, NULL, NULL, NULL, NULL,
            recorded_at, event_types, leaves, leaf_salts, mac, mac_key_id, envelopes FROM ledger_block WHERE kind = 'act'",
    ] {
        assert!(raw.execute_batch(statement).is_err(), "{statement}");
    }
    raw.execute_batch("UPDATE ledger_head SET engine_epoch = engine_epoch + 1").unwrap();
    drop(raw);
    assert_eq!(verify(&house).await.status, Status::Valid, "control: nothing was changed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tiles_and_checkpoints_verify_offline() {
    let house = House::new().await;
    let run = run();
    house.admit(&run).await;
    assert_eq!(verify(&house).await.status, Status::Incomplete, "nothing is signed yet");
    let tenant = house.ids.tenant_id;
    let mut sizes = Vec::new();
    let mut house = house;
    for round in 0..4u64 {
        let mut waiting = Vec::new();
        for _ in 0..90 {
            let mut tx = house.act();
            tx.append_act(house.an_act());
            waiting.push(tokio::spawn(tx.commit()));
        }
        for one in waiting {
            one.await.unwrap().unwrap();
        }
        let checkpoint = house.store.seal(tenant).await.unwrap().unwrap();
        assert_eq!(checkpoint.size, house.gapless());
        assert_eq!(house.store.seal(tenant).await.unwrap(), None);
        sizes.push(checkpoint.size);
        // Every other round the tree comes back from the file instead of memory.
        if round % 2 == 1 {
            house = house.again().await;
        }
    }
    house.append(house.advance(&run, 1, json!({ "n": 1 }))).await.unwrap();
    let result = verify(&house).await;
    assert_eq!((result.status, result.unsealed), (Status::Valid, 1));
    let raw = house.raw();
    let tiles: i64 = raw.query_row("SELECT count(*) FROM ledger_tile", [], |row| row.get(0)).unwrap();
    assert_eq!((tiles, sizes.last().copied()), (1, Some(4 + 4 * 90)));
    // With keys: MACs and payloads too.
    let file = dvt_store::verify::LedgerFile::open(&house.path()).unwrap();
    let keys = house.store.verifier_keys(tenant).await.unwrap();
    let clock = house.clock.clone();
    let mut opened = house.store.with_keys(tenant).unwrap();
    let result = verify_with_keys(&file, &keys, None, &mut opened, &move || clock());
    assert_eq!((result.status, result.payloads_checked), (Status::Valid, 3), "{:?}", result.findings);
}

/// INV-03: whoever changes the file itself is found by the verifier, and by the store when it reads.
#[tokio::test]
async fn a_changed_row_is_found() {
    let house = House::new().await;
    let run = run();
    house.admit(&run).await;
    house.store.close().await.unwrap();
    let raw = house.raw();
    raw.execute_batch("DROP TRIGGER ledger_block_fixed").unwrap();
    let changed = raw.execute(
        "UPDATE ledger_block SET envelopes = CAST(replace(CAST(envelopes AS TEXT), 'operator', 'engineer') AS BLOB)
         WHERE kind = 'run'",
        [],
    );
    assert_eq!(changed.unwrap(), 1);
    drop(raw);
    let house = House { store: house.second(), ..house };
    assert_eq!(verify(&house).await.status, Status::Invalid);
    let error = house.act().fetch_events(run.id, 0, 10).await.unwrap_err();
    assert_eq!(error.code(), Code::LedgerIntegrityFailed);
}

/// INV-03: nothing is signed on top of a tree that is not the one signed before.
#[tokio::test]
async fn the_sealer_does_not_sign_over_a_changed_past() {
    let house = House::new().await;
    house.enter(house.an_act()).await.unwrap();
    let tenant = house.ids.tenant_id;
    house.store.seal(tenant).await.unwrap().unwrap();
    house.enter(house.an_act()).await.unwrap();
    let changed = house.second();
    let raw = house.raw();
    raw.execute_batch(
        "DROP TRIGGER ledger_block_fixed; UPDATE ledger_block SET leaves = zeroblob(32) WHERE first_index = 2;",
    )
    .unwrap();
    drop(raw);
    let error = changed.seal(tenant).await.unwrap_err();
    assert_eq!(error.code(), Code::LedgerIntegrityFailed);
}
