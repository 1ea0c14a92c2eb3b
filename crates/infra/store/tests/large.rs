//! What lies in blobs: large values, bundles, step logs. And snapshots.

use crate::support::*;
use dvt_model::digest::Digest;
use dvt_model::id::StepId;
use dvt_store::Error;
use dvt_store::port::operation::LogChunk;
use serde_json::json;

fn blobs(house: &House) -> Vec<std::path::PathBuf> {
    let folder = house.folder.path().join("blobs").join(house.ids.tenant_id.key());
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[tokio::test]
async fn large_values_go_to_blobs_and_come_back() {
    let house = House::new().await;
    let run = run();
    house.admit(&run).await;
    let large = "CANARY-LARGE ".repeat(20_000);
    // A value that only looks like a reference stays what it is.
    let sly =
        json!({ "blob": "blob_07070707-0707-4707-8707-070707070707", "size": 3, "commit": "sha256:00" });
    let payload = json!({ "result": large, "small": "s", "sly": sly });
    house.append(house.advance(&run, 1, payload.clone())).await.unwrap();
    assert_eq!(blobs(&house).len(), 1);
    let house = house.again().await;
    let events = house.act().fetch_events(run.id, 1, 10).await.unwrap();
    assert_eq!(events[0].payload, Some(payload));
    // A changed frame is found; a blob that is gone is an erased payload.
    let path = blobs(&house).remove(0);
    let good = std::fs::read(&path).unwrap();
    let mut bad = good.clone();
    bad[100] ^= 1;
    std::fs::write(&path, &bad).unwrap();
    assert!(matches!(house.act().fetch_events(run.id, 1, 10).await, Err(Error::Decrypt)));
    let frame = 4 + u32::from_be_bytes(good[..4].try_into().unwrap()) as usize;
    let swapped = [&good[frame..2 * frame], &good[..frame], &good[2 * frame..]].concat();
    for wrong in [swapped, good[..2 * frame].to_vec()] {
        std::fs::write(&path, &wrong).unwrap();
        assert!(matches!(house.act().fetch_events(run.id, 1, 10).await, Err(Error::Decrypt)));
    }
    std::fs::remove_file(&path).unwrap();
    assert_eq!(house.act().fetch_events(run.id, 1, 10).await.unwrap()[0].payload, None);
    std::fs::write(&path, &good).unwrap();
    assert!(
        house.act().fetch_events(run.id, 1, 10).await.unwrap()[0].payload.is_some(),
        "control: unchanged"
    );
}

#[tokio::test]
async fn bundles_are_kept_by_digest_and_scope() {
    let house = House::new().await;
    let bytes: Vec<u8> = (0..200_000u32).map(|n| (n % 251) as u8).collect();
    let digest = Digest::of(&bytes);
    assert!(matches!(house.act().put_bundle(Digest::of(b"other"), &bytes).await, Err(Error::Contract(_))));
    house.act().put_bundle(digest, &bytes).await.unwrap();
    house.act().put_bundle(digest, &bytes).await.unwrap();
    assert_eq!(blobs(&house).len(), 1);
    assert_eq!(house.act().get_bundle(digest).await.unwrap(), Some(bytes));
    assert_eq!(house.act().get_bundle(Digest::of(b"other")).await.unwrap(), None);
}

#[tokio::test]
async fn a_log_keeps_its_order_and_may_lose_its_tail() {
    let house = House::new().await;
    let run = run();
    house.admit(&run).await;
    let step = StepId::parse("load").unwrap();
    let line = |number: usize| LogChunk {
        stream: if number.is_multiple_of(3) { "stderr" } else { "stdout" }.to_owned(),
        at: (house.clock)(),
        text: format!("line {number} CANARY-LOG\n"),
    };
    let mut sent = Vec::new();
    for number in 0..50 {
        let chunk = line(number);
        house.engine().append_log(run.id, &step, 1, chunk.clone()).await.unwrap();
        sent.push(chunk);
    }
    assert_eq!(house.act().read_log(run.id, &step, 1).await.unwrap(), sent);
    assert!(house.act().read_log(run.id, &step, 2).await.unwrap().is_empty());
    assert!(matches!(house.act().append_log(run.id, &step, 1, line(0)).await, Err(Error::Contract(_))));
    // A torn tail, as a crash leaves it: the log goes on behind the last whole frame.
    house.store.close().await.unwrap();
    let path = blobs(&house).remove(0);
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() - 5]).unwrap();
    let house = House { store: house.second(), ..house };
    let last = LogChunk { stream: "stdout".to_owned(), at: (house.clock)(), text: "after".to_owned() };
    house.engine().append_log(run.id, &step, 1, last.clone()).await.unwrap();
    sent.pop();
    sent.push(last);
    assert_eq!(house.act().read_log(run.id, &step, 1).await.unwrap(), sent);
    let long = LogChunk { stream: "stdout".to_owned(), at: (house.clock)(), text: "ä\u{1}".repeat(40_000) };
    house.engine().append_log(run.id, &step, 2, long.clone()).await.unwrap();
    let back: String =
        house.act().read_log(run.id, &step, 2).await.unwrap().into_iter().map(|chunk| chunk.text).collect();
    assert_eq!(back, long.text);
}

#[tokio::test]
async fn a_snapshot_only_rises() {
    let house = House::new().await;
    let run = run();
    house.admit(&run).await;
    for seq in 1..4 {
        house.append(house.advance(&run, seq, json!({}))).await.unwrap();
    }
    let tx = house.engine();
    tx.put_snapshot(run.id, 3, &json!({ "at": 3 })).await.unwrap();
    tx.put_snapshot(run.id, 2, &json!({ "at": 2 })).await.unwrap();
    tx.put_snapshot(run.id, 9, &json!({ "at": 9 })).await.unwrap();
    assert_eq!(tx.get_snapshot(run.id).await.unwrap(), Some((3, json!({ "at": 3 }))));
    tx.put_snapshot(run.id, 4, &json!({ "at": 4 })).await.unwrap();
    let house = house.again().await;
    assert_eq!(house.act().get_snapshot(run.id).await.unwrap(), Some((4, json!({ "at": 4 }))));
}
