//! INVARIANT(INV-19): keys are replaced in time while runs are live, and nothing that was readable stops being so.

use crate::erase::with_keys;
use crate::support::*;
use dvt_ledger::verify::result::Status;
use dvt_model::id::DecisionId;
use dvt_model::time::Timestamp;
use dvt_store::port::operation::{PutSetting, Rights};
use dvt_store::{Clock, Purpose, ROTATED, Store};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

const DAY: i64 = 24 * 60 * 60 * 1_000;

/// A house whose clock is moved by hand, and moves a millisecond at each look.
pub(crate) async fn by_hand() -> (House, Arc<AtomicI64>) {
    let now = Arc::new(AtomicI64::new(1_790_000_000_000));
    let moved = Arc::clone(&now);
    let clock: Clock = Arc::new(move || Timestamp::from_ms(moved.fetch_add(1, Ordering::SeqCst)));
    (House::with(clock).await, now)
}

async fn epochs(house: &House) -> Vec<(Purpose, u32)> {
    let ages = house.act().key_ages().await.unwrap();
    ages.iter().map(|age| (age.purpose, age.in_use.epoch)).collect()
}

fn keys_of(house: &House, purpose: Purpose) -> i64 {
    let sql = "SELECT count(*) FROM wrapped_key WHERE purpose = ?1";
    house.raw().query_row(sql, [purpose.as_str()], |row| row.get(0)).unwrap()
}

/// Two simulated years of a run that never ends: 0 refusals, no key over its age, everything readable and provable.
#[tokio::test]
async fn keys_are_replaced_in_time_under_a_live_run() {
    let (house, now) = by_hand().await;
    let run = run();
    house.admit(&run).await;
    let (mut seq, mut sealed) = (1, 0);
    for day in 0..730 {
        now.fetch_add(DAY, Ordering::SeqCst);
        // An idle time now and then; the first use after it replaces what is too old.
        if day % 7 != 0 {
            continue;
        }
        house.append(house.advance(&run, seq, json!({ "day": day }))).await.expect("0 refusals");
        house.enter(house.an_act()).await.unwrap();
        seq += 1;
        for age in house.act().key_ages().await.unwrap() {
            assert!((house.clock)() <= age.until, "{} on day {day}", age.purpose);
        }
        house.store.seal(house.ids.tenant_id).await.unwrap();
        let worked = house.store.work_off(house.ids.tenant_id).await.unwrap();
        sealed += worked.sealed_again;
    }
    let epochs = epochs(&house).await;
    assert!(
        epochs.iter().all(|(purpose, epoch)| *epoch >= if *purpose == Purpose::TenantKek { 3 } else { 8 }),
        "{epochs:?}"
    );
    assert!(sealed > 0, "rows were sealed again");
    assert!(keys_of(&house, Purpose::Dek) <= 2 && keys_of(&house, Purpose::TenantKek) <= 2);
    assert_eq!(keys_of(&house, Purpose::Mac), i64::from(epochs[2].1), "MAC keys are kept for ever");
    let house = house.again().await;
    let events = house.act().fetch_events(run.id, 0, 1_000).await.unwrap();
    assert_eq!(events.len() as u64, seq);
    assert!(events.iter().all(|event| event.payload.is_some()));
    assert!(house.act().plan(run.plan, "1.0.0").await.unwrap().is_some(), "sealed again, several times");
    assert!(house.act().member_by_os_uid(1000).await.unwrap().unwrap().member.name.contains("Ada"));
    let result = with_keys(&house).await;
    assert_eq!((result.status, result.findings), (Status::Valid, vec![]));
    assert_eq!(verify(&house).await.status, Status::Valid, "by public keys alone");
}

/// A setting that is sealed again keeps its version, so whoever read it before the new key may still change it (`If-Match`);
/// by hand nothing of it changes without a new version.
#[tokio::test]
async fn a_setting_keeps_its_version_under_a_new_key() {
    let (house, _) = by_hand().await;
    let put = |expected_version, value| PutSetting {
        kind: "quota".to_owned(),
        name: "runs".to_owned(),
        expected_version,
        rights: Rights::Nobody,
        value,
        block: block(vec![house.decision(DecisionId::from_random(random()))]),
    };
    let mut tx = house.act();
    tx.put_setting(put(None, json!(5)));
    tx.commit().await.unwrap();
    let key =
        || house.raw().query_row("SELECT key_id FROM setting", [], |row| row.get::<_, Vec<u8>>(0)).unwrap();
    let before = key();
    let mut tx = house.act();
    tx.rotate_keys(by_nobody(vec![house.decision(DecisionId::from_random(random()))]), &ROTATED);
    tx.commit().await.unwrap();
    house.store.work_off(house.ids.tenant_id).await.unwrap();
    assert_ne!(key(), before, "it is sealed again");
    let row = house.act().setting("quota", "runs").await.unwrap().unwrap();
    assert_eq!((row.version, row.value), (1, json!(5)));
    for forged in [
        "sealed = zeroblob(40)",
        "changed_at = changed_at + 1, key_id = zeroblob(16)",
        "row_version = row_version + 2",
    ] {
        let refused = house.raw().execute(&format!("UPDATE setting SET {forged}"), []);
        assert!(refused.is_err_and(|error| error.to_string().contains("rises by one")), "{forged}");
    }
    let mut tx = house.act();
    tx.put_setting(put(Some(1), json!(6)));
    tx.commit().await.expect("the version that was read before");
}

/// A key that comes right after the checkpoint that announced the one before: that checkpoint bears two signatures, and only
/// the newer of the two keys may sign the coming of the next.
#[tokio::test]
async fn keys_may_be_replaced_at_every_checkpoint() {
    let (house, _) = by_hand().await;
    // Key ids are random: four times, so that no order of ids hides the wrong choice.
    for _ in 0..4 {
        let mut tx = house.act();
        let act = by_nobody(vec![house.decision(DecisionId::from_random(random()))]);
        tx.rotate_keys(act, &[Purpose::Checkpoint]);
        tx.commit().await.unwrap();
        // The first sealing may still hold the key before, and is refused.
        while house.store.seal(house.ids.tenant_id).await.unwrap().is_none() {}
    }
    let result = verify(&house).await;
    assert_eq!((result.status, result.findings), (Status::Valid, vec![]));
}

/// What one process replaces, another one uses within five minutes, and reads at once.
#[tokio::test]
async fn another_process_follows() {
    let (house, now) = by_hand().await;
    let run = run();
    house.admit(&run).await;
    house.store.seal(house.ids.tenant_id).await.unwrap();
    let beside = House {
        folder: tempfile::tempdir().unwrap(),
        store: house.second(),
        clock: house.clock.clone(),
        ids: house.ids,
        scope: house.scope,
        ledger: house.ledger,
    };
    beside.enter(beside.an_act()).await.unwrap();
    let mut tx = house.act();
    tx.rotate_keys(by_nobody(vec![house.decision(DecisionId::from_random(random()))]), &ROTATED);
    tx.commit().await.unwrap();
    house.store.work_off(house.ids.tenant_id).await.unwrap();
    house.append(house.advance(&run, 1, json!({ "a": 1 }))).await.unwrap();
    let page = house.act().list_runs(1, None).await.unwrap();
    assert_eq!(page.rows.len(), 1);
    let events = beside.act().fetch_events(run.id, 0, 10).await.unwrap();
    assert!(events.len() == 2 && events.iter().all(|event| event.payload.is_some()), "read at once");
    // Its checkpoint would be by the old key: it is not written, and the next one is by the new.
    for _ in 0..2 {
        beside.enter(beside.an_act()).await.unwrap();
        beside.store.seal(house.ids.tenant_id).await.unwrap();
    }
    now.fetch_add(6 * 60 * 1_000, Ordering::SeqCst);
    beside.enter(beside.an_act()).await.unwrap();
    let newest = |column: &str| -> Vec<u8> {
        let sql = format!("SELECT {column} FROM ledger_block ORDER BY first_index DESC LIMIT 1");
        house.raw().query_row(&sql, [], |row| row.get(0)).unwrap()
    };
    let key: Vec<u8> = house
        .raw()
        .query_row("SELECT key_id FROM wrapped_key WHERE purpose = 'mac' ORDER BY epoch DESC", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(newest("mac_key_id"), key);
    let result = with_keys(&house).await;
    assert_eq!((result.status, result.findings), (Status::Valid, vec![]));
}

/// A data key that has sealed nearly all it may is replaced before it is used up.
#[tokio::test]
async fn a_data_key_is_replaced_before_its_rows_are_used_up() {
    let house = House::new().await;
    house.store.close().await.unwrap();
    let reserved = |house: &House| -> i64 {
        let sql = "SELECT rows_sealed FROM wrapped_key WHERE purpose = 'dek' ORDER BY epoch DESC LIMIT 1";
        house.raw().query_row(sql, [], |row| row.get(0)).unwrap()
    };
    assert_eq!(reserved(&house), 65_536, "by whoever made the tenant");
    house.raw().execute("UPDATE wrapped_key SET rows_sealed = 9000000 WHERE purpose = 'dek'", []).unwrap();
    let house = House { store: house.second(), ..house };
    house.store.claim(house.ids.tenant_id, 1).await.unwrap();
    house.admit(&run()).await;
    assert_eq!(reserved(&house), 9_065_536, "a block of 2^16, durable before the first seal");
    house.admit(&run()).await;
    assert_eq!((keys_of(&house, Purpose::Dek), reserved(&house)), (2, 65_536));
    // The control: a key that is used up seals nothing more.
    house.store.close().await.unwrap();
    house.raw().execute("UPDATE wrapped_key SET rows_sealed = 9999999 WHERE purpose = 'dek'", []).unwrap();
    let house = House { store: house.second(), ..house };
    let mut tx = house.engine();
    tx.bootstrap_run(house.bootstrap(&run()));
    let refusal = tx.commit().await.unwrap_err();
    assert!(refusal.to_string().contains("10^7"), "{refusal}");
}

/// With the root key out of reach what is open works on for a quarter of an hour, and then no longer.
#[tokio::test]
async fn plain_keys_live_a_quarter_of_an_hour() {
    let (house, now) = by_hand().await;
    house.admit(&run()).await;
    let (key, away) = (house.folder.path().join("root.key"), house.folder.path().join("away.key"));
    std::fs::rename(&key, &away).unwrap();
    now.fetch_add(10 * 60 * 1_000, Ordering::SeqCst);
    house.enter(house.an_act()).await.unwrap();
    now.fetch_add(6 * 60 * 1_000, Ordering::SeqCst);
    assert!(house.enter(house.an_act()).await.is_err());
    std::fs::rename(&away, &key).unwrap();
    house.enter(house.an_act()).await.expect("control: with the key back it goes on");
    assert!(Store::ledger_path(house.folder.path(), house.ids.tenant_id).exists());
}
