//! What lies on the disk is sealed (INV-16), to its row and to its tenant (INV-18).

use crate::support::*;
use dvt_model::digest::Digest;
use dvt_model::id::StepId;
use dvt_store::port::operation::LogChunk;
use serde_json::json;
use std::path::Path;

/// Every byte of every file below a folder that holds the text.
fn files_with(folder: &Path, canary: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_with(&path, canary));
        } else if std::fs::read(&path)
            .unwrap()
            .windows(canary.len())
            .any(|window| window == canary.as_bytes())
        {
            found.push(path.file_name().unwrap().to_string_lossy().into_owned());
        }
    }
    found
}

async fn plant(house: &House) {
    let run = run();
    let mut bootstrap = house.bootstrap(&run);
    bootstrap.plan_document = json!({ "name": "CANARY-PLAN" });
    bootstrap.request = json!({ "inputs": "CANARY-REQUEST" });
    bootstrap.metadata.plan.digest =
        Digest::of(&dvt_model::canonical::to_bytes(&bootstrap.plan_document).unwrap());
    let mut tx = house.engine();
    tx.bootstrap_run(bootstrap);
    tx.commit().await.unwrap();
    house
        .append(house.advance(&run, 1, json!({ "x": "CANARY-PAYLOAD", "y": "CANARY-LARGE ".repeat(9_000) })))
        .await
        .unwrap();
    let tx = house.engine();
    tx.put_snapshot(run.id, 2, &json!({ "s": "CANARY-SNAPSHOT" })).await.unwrap();
    let chunk = LogChunk { stream: "stdout".to_owned(), at: (house.clock)(), text: "CANARY-LOG".to_owned() };
    tx.append_log(run.id, &StepId::parse("a").unwrap(), 1, chunk).await.unwrap();
    let bundle = b"CANARY-BUNDLE".to_vec();
    tx.put_bundle(Digest::of(&bundle), &bundle).await.unwrap();
}

/// INV-16: database, write-ahead log and blobs are searched for everything that was planted.
#[tokio::test]
async fn no_canary_lies_on_the_disk() {
    let house = House::new().await;
    plant(&house).await;
    assert_eq!(files_with(house.folder.path(), "CANARY"), Vec::<String>::new(), "write-ahead log and blobs");
    house.store.close().await.unwrap();
    assert_eq!(files_with(house.folder.path(), "CANARY"), Vec::<String>::new(), "database");
    // Control: the same search finds what is not sealed.
    assert!(!files_with(house.folder.path(), "GRANTED").is_empty());
}

/// INV-16, control: with payloads stored in clear the search finds them.
#[cfg(feature = "weakened")]
#[tokio::test]
async fn the_search_finds_payloads_that_are_not_sealed() {
    let house = House::new().await;
    dvt_store::weakened::store_payloads_in_clear(house.ids.tenant_id);
    plant(&house).await;
    assert!(!files_with(house.folder.path(), "CANARY-PAYLOAD").is_empty());
}

/// INV-16: a ciphertext opens in its own row and nowhere else.
#[tokio::test]
async fn swapped_ciphertexts_do_not_open() {
    let house = House::new().await;
    let run = run();
    house.admit(&run).await;
    house.append(house.advance(&run, 1, json!({ "a": 1 }))).await.unwrap();
    house.append(house.advance(&run, 2, json!({ "a": 2 }))).await.unwrap();
    assert_eq!(
        house.act().fetch_events(run.id, 0, 10).await.unwrap().len(),
        3,
        "control: in their places they open"
    );
    let raw = house.raw();
    let rows: Vec<(i64, Vec<u8>)> = {
        let mut statement = raw
            .prepare("SELECT p.first_index, p.sealed FROM ledger_payload p JOIN ledger_block b USING (first_index) WHERE b.kind = 'run' ORDER BY 1")
            .unwrap();
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
    };
    let put = |sealed: &Vec<u8>, at: i64| {
        raw.execute(
            "UPDATE ledger_payload SET sealed = ?1 WHERE first_index = ?2",
            rusqlite::params![sealed, at],
        )
        .unwrap();
    };
    put(&rows[1].1, rows[2].0);
    put(&rows[2].1, rows[1].0);
    assert!(matches!(house.act().fetch_events(run.id, 1, 10).await, Err(dvt_store::Error::Decrypt)));
    put(&rows[1].1, rows[1].0);
    put(&rows[2].1, rows[2].0);
    assert!(house.act().fetch_events(run.id, 1, 10).await.is_ok());
}

/// INV-18: a row of one tenant, keys and all, does not open in another tenant's file.
#[tokio::test]
async fn another_tenants_rows_do_not_open() {
    let house = House::new().await;
    let (other_ids, other_scope, other_ledger) = tenant(&house.store).await;
    house.store.claim(other_ids.tenant_id, 1).await.unwrap();
    let run = run();
    house.admit(&run).await;
    let there = House {
        folder: tempfile::tempdir().unwrap(),
        store: house.store.clone(),
        clock: house.clock.clone(),
        ids: other_ids,
        scope: other_scope,
        ledger: other_ledger,
    };
    let twin = crate::support::Run {
        id: run.id,
        plan: run.plan,
        name: run.name.clone(),
        admission: run.admission.clone(),
    };
    there.admit(&twin).await;
    let path = dvt_store::Store::ledger_path(house.folder.path(), other_ids.tenant_id);
    let raw = rusqlite::Connection::open(&path).unwrap();
    assert!(there.act().fetch_events(run.id, 0, 10).await.unwrap()[0].payload.is_some(), "control: its own");
    // Payload and wrapped key of A under B's ids.
    let (sealed, key): (Vec<u8>, Vec<u8>) = house
        .raw()
        .query_row(
            "SELECT sealed, wrapped FROM ledger_payload p JOIN wrapped_key k USING (key_id) WHERE k.purpose = 'run'",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    raw.execute(
        "UPDATE ledger_payload SET sealed = ?1 WHERE class = 'standard' AND first_index = 2",
        [&sealed],
    )
    .unwrap();
    assert!(matches!(there.act().fetch_events(run.id, 0, 10).await, Err(dvt_store::Error::Decrypt)));
    raw.execute("UPDATE wrapped_key SET wrapped = ?1 WHERE purpose = 'run'", [&key]).unwrap();
    let again = House { store: house.second(), ..there };
    assert!(matches!(again.act().fetch_events(run.id, 0, 10).await, Err(dvt_store::Error::Decrypt)));
}
