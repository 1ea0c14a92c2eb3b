//! INVARIANT(INV-16): 200 canaries in every sealed field; database, write-ahead log, blobs, logs and backup are searched for each of them.

use crate::support::*;
use dvt_model::digest::Digest;
use dvt_model::entry::PayloadClass;
use dvt_model::id::{DecisionId, StepId};
use dvt_store::port::operation::{EntryDraft, LogChunk};
use serde_json::json;
use std::collections::BTreeSet;
use std::path::Path;

const MARK: &[u8] = b"CANARY-";
/// Canaries of one round: every field that is sealed has one or more.
const A_ROUND: usize = 20;

/// Draws canaries one after the other.
#[derive(Default)]
struct Nest(BTreeSet<String>);

impl Nest {
    fn next(&mut self) -> String {
        let canary = format!("CANARY-{}", dvt_model::digest::hex(&random::<8>()));
        self.0.insert(canary.clone());
        canary
    }
}

/// Which canaries lie in the files below a folder.
fn found(folder: &Path, into: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found(&path, into);
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        for (at, window) in bytes.windows(MARK.len()).enumerate() {
            if window == MARK {
                let end = (at + MARK.len() + 16).min(bytes.len());
                into.insert(String::from_utf8_lossy(&bytes[at..end]).into_owned());
            }
        }
    }
}

async fn plant(house: &House, nest: &mut Nest) {
    let run = run();
    let mut bootstrap = house.bootstrap(&run);
    bootstrap.plan_document = json!({ "name": nest.next(), "script": nest.next() });
    bootstrap.metadata.plan.digest =
        Digest::of(&dvt_model::canonical::to_bytes(&bootstrap.plan_document).unwrap());
    bootstrap.block.entries[1].payload = Some((PayloadClass::Standard, json!({ "inputs": nest.next() })));
    let mut tx = house.engine();
    tx.bootstrap_run(bootstrap);
    tx.commit().await.unwrap();
    let classes = PayloadClass::ALL;
    for (seq, class) in (1..).zip(classes) {
        let mut append = house.advance(&run, seq, json!({ "one": nest.next(), "two": nest.next() }));
        append.block.entries[0].payload.as_mut().unwrap().0 = *class;
        let mut tx = house.engine();
        tx.append_run(append);
        if *class == PayloadClass::Pii {
            tx.about(0, "ada");
        }
        tx.commit().await.unwrap();
    }
    let large = format!("{}{}", nest.next(), "-".repeat(70_000));
    let last = classes.len() as u64 + 1;
    house.append(house.advance(&run, last, json!({ "large": large }))).await.unwrap();
    let mut act = house.an_act();
    let EntryDraft { payload, .. } = &mut act.block.entries[0];
    *payload = Some((PayloadClass::Compliance, json!({ "reason": nest.next() })));
    house.enter(act).await.unwrap();
    let tx = house.engine();
    tx.put_snapshot(run.id, last, &json!({ "state": nest.next() })).await.unwrap();
    let chunk = LogChunk { stream: "stdout".to_owned(), at: (house.clock)(), text: nest.next() };
    tx.append_log(run.id, &StepId::parse("a").unwrap(), 1, chunk).await.unwrap();
    let bundle = nest.next().into_bytes();
    tx.put_bundle(Digest::of(&bundle), &bundle).await.unwrap();
}

async fn rounds(house: &House) -> Nest {
    let mut nest = Nest::default();
    while nest.0.len() < 200 {
        let before = nest.0.len();
        plant(house, &mut nest).await;
        assert_eq!(nest.0.len() - before, A_ROUND);
    }
    nest
}

fn seen(house: &House, nest: &Nest) -> usize {
    let mut all = BTreeSet::new();
    found(house.folder.path(), &mut all);
    nest.0.intersection(&all).count()
}

#[tokio::test]
async fn none_of_200_canaries_lies_on_the_disk() {
    let house = House::new().await;
    let nest = rounds(&house).await;
    assert_eq!(seen(&house, &nest), 0, "write-ahead log, blobs and logs");
    // What replacing the data key seals again is sealed again.
    let mut tx = house.act();
    tx.rotate_keys(by_nobody(vec![house.decision(DecisionId::from_random(random()))]), &dvt_store::ROTATED);
    tx.commit().await.unwrap();
    assert!(house.store.work_off(house.ids.tenant_id).await.unwrap().sealed_again > 0);
    assert_eq!(seen(&house, &nest), 0);
    house.backup(&house.folder.path().join("all.backup"), Vec::new()).await.unwrap();
    house.store.close().await.unwrap();
    assert_eq!(seen(&house, &nest), 0, "database and backup");
}

/// The control: with sealing off every one of them is found.
#[cfg(feature = "weakened")]
#[tokio::test]
async fn all_of_200_canaries_are_found_where_nothing_is_sealed() {
    let house = House::new().await;
    dvt_store::weakened::seal_nothing(house.ids.tenant_id);
    let nest = rounds(&house).await;
    // The frames of a backup count as the platform's.
    dvt_store::weakened::seal_nothing(house.store.platform().unwrap());
    let backups = tempfile::tempdir().unwrap();
    house.backup(&backups.path().join("all.backup"), Vec::new()).await.unwrap();
    house.store.close().await.unwrap();
    assert_eq!(seen(&house, &nest), nest.0.len());
    let mut all = BTreeSet::new();
    found(backups.path(), &mut all);
    assert_eq!(nest.0.intersection(&all).count(), nest.0.len(), "the backup alone");
}
