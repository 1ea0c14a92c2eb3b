//! INV-16: a backup opens whole, in its order, under its own root key, or not at all.

use crate::support::*;
use dvt_keys::RootKey;
use dvt_model::code::Code;
use dvt_model::id::DecisionId;
use dvt_store::Error;
use dvt_store::backup::{Restored, restore, would_restore};
use dvt_store::port::operation::{PutSetting, Rights};
use dvt_store::tally::{Count, Tally, What};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn back(house: &House, file: &Path, to: &Path) -> Result<Restored, Error> {
    let root = RootKey::load(&house.folder.path().join("root.key")).unwrap();
    restore(file, to, root, &[], false, house.clock.clone())
}

async fn taken() -> (House, PathBuf) {
    let house = House::new().await;
    let run = run();
    house.admit(&run).await;
    house.append(house.advance(&run, 1, json!({ "large": "x".repeat(70_000) }))).await.unwrap();
    let file = house.folder.path().join("a.backup");
    house.backup(&file, vec![("profile.toml".to_owned(), b"name".to_vec())]).await.unwrap();
    (house, file)
}

/// Whoever waits is told of everything that is looked at and copied, to its end.
#[tokio::test]
async fn what_is_done_is_counted_to_its_end() {
    let (house, _) = taken().await;
    let tally = Arc::new(Tally::default());
    assert_eq!(tally.read(), None);
    let checked = house.store.check(house.ids.tenant_id, &tally).await.unwrap();
    let entries = checked.ledger.entries_checked;
    assert!(entries >= 2, "control: {entries}");
    assert_eq!(tally.read(), Some(Count { what: What::Entries, done: entries, total: entries }));
    let proofs = [house.export(house.scope)];
    let file = house.folder.path().join("counted.backup");
    let taken = house.store.backup(&proofs, &file, Vec::new(), &tally).await.unwrap();
    let count = tally.read().unwrap();
    assert_eq!((count.what, count.done), (What::BytesBack, count.total));
    assert!((70_000..taken.bytes).contains(&count.total), "{count:?} of {taken:?}");
}

/// Nobody waits any longer: it ends, and neither the backup nor anything that was begun for it stays.
#[tokio::test]
async fn one_that_is_given_up_leaves_nothing() {
    let (house, _) = taken().await;
    let folder = tempfile::tempdir().unwrap();
    let (file, proofs) = (folder.path().join("never.backup"), [house.export(house.scope)]);
    let tally = Arc::new(Tally::default());
    tally.give_up();
    let ended = house.store.backup(&proofs, &file, Vec::new(), &tally).await.unwrap_err();
    assert_eq!(ended.code(), Code::Cancelled);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    // Control: the same for somebody who waits.
    house.store.backup(&proofs, &file, Vec::new(), &Arc::default()).await.unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// What a look at a backup finds is what is put back, and it leaves not even a folder.
#[tokio::test]
async fn a_look_at_a_backup_leaves_nothing() {
    let (house, file) = taken().await;
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("not/there/data");
    let look = |file: &Path| {
        let root = RootKey::load(&house.folder.path().join("root.key")).unwrap();
        would_restore(file, &to, root, &[], false, house.clock.clone())
    };
    let found = look(&file).unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let bad = house.folder.path().join("bad.backup");
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&bad, bytes).unwrap();
    let refused = back(&house, &bad, &folder.path().join("bad")).unwrap_err().to_string();
    assert_eq!(look(&bad).unwrap_err().to_string(), refused);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    assert_eq!(back(&house, &file, &to).unwrap(), found, "control: it is put back");
    assert_eq!(look(&file).unwrap_err().code(), Code::ConfigInvalid, "where something is, nothing is put");
}

#[tokio::test]
async fn a_changed_byte_anywhere_is_refused_and_nothing_is_left() {
    let (house, file) = taken().await;
    let whole = std::fs::read(&file).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (bad, to) = (folder.path().join("bad.backup"), folder.path().join("data"));
    let (head, places) = (700, 90);
    // Every third byte of what stands in clear, then places spread over all that is sealed.
    let sealed = (0..places).map(|place| head + place * (whole.len() - head - 1) / (places - 1));
    let mut refused = 0;
    for at in (0..head).step_by(3).chain(sealed) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x20;
        std::fs::write(&bad, &bytes).unwrap();
        let error = back(&house, &bad, &to).map(|_| ()).expect_err(&format!("byte {at} was changed"));
        let known =
            [Code::ConfigInvalid, Code::MigrateNotCalled, Code::KeyUnavailable, Code::LedgerIntegrityFailed];
        assert!(known.contains(&error.code()), "byte {at}: {error}");
        let left: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(left.len() == 1 && left[0] == bad, "byte {at}: {left:?}");
        refused += 1;
    }
    for length in (0..whole.len()).step_by(whole.len() / 40) {
        std::fs::write(&bad, &whole[..length]).unwrap();
        back(&house, &bad, &to).map(|_| ()).expect_err("it was cut");
        refused += 1;
    }
    println!("{refused} changed or cut backups refused");
    std::fs::write(&bad, &whole).unwrap();
    let restored = back(&house, &bad, &to).expect("control: unchanged it is put back");
    assert_eq!((restored.tenants, restored.beside.len()), (2, 1));
}

#[tokio::test]
async fn frames_of_another_backup_do_not_fit() {
    let (house, file) = taken().await;
    let second = house.folder.path().join("b.backup");
    house.backup(&second, Vec::new()).await.unwrap();
    let (one, two) = (std::fs::read(&file).unwrap(), std::fs::read(&second).unwrap());
    let head = |bytes: &[u8]| 22 + u32::from_be_bytes(bytes[18..22].try_into().unwrap()) as usize;
    let mixed = [&one[..head(&one)], &two[head(&two)..]].concat();
    std::fs::write(&file, mixed).unwrap();
    let to = tempfile::tempdir().unwrap();
    let error = back(&house, &file, &to.path().join("data")).map(|_| ()).unwrap_err();
    assert_eq!(error.code(), Code::LedgerIntegrityFailed);
    back(&house, &second, &to.path().join("data")).expect("control: as it was made it is put back");
}

/// Settings of a project are sealed again with all else when the data key is replaced, and a check opens each of them.
#[tokio::test]
async fn a_check_opens_everything_before_and_after_a_new_data_key() {
    let (house, _) = taken().await;
    let mut tx = house.act();
    tx.put_setting(PutSetting {
        kind: "quota".to_owned(),
        name: "runs".to_owned(),
        expected_version: None,
        rights: Rights::Nobody,
        value: json!(5),
        block: block(vec![house.decision(DecisionId::from_random(random()))]),
    });
    tx.commit().await.unwrap();
    let before = house.store.check(house.ids.tenant_id, &Arc::default()).await.unwrap();
    assert!(before.is_whole() && before.sealed >= 2 && before.blobs >= 1, "{before:?}");
    let mut tx = house.act();
    tx.rotate_keys(by_nobody(vec![house.decision(DecisionId::from_random(random()))]), &dvt_store::ROTATED);
    tx.commit().await.unwrap();
    house.store.work_off(house.ids.tenant_id).await.unwrap();
    let after = house.store.check(house.ids.tenant_id, &Arc::default()).await.unwrap();
    assert!(after.is_whole() && after.sealed == before.sealed, "{after:?}");
}

/// The control of a check: a sealed column that was overwritten, and a blob that is gone, are named.
#[tokio::test]
async fn a_check_names_what_does_not_open() {
    let (house, _) = taken().await;
    let blobs = house.folder.path().join("blobs").join(house.ids.tenant_id.key());
    let blob = std::fs::read_dir(&blobs).unwrap().next().unwrap().unwrap().path();
    std::fs::remove_file(blob).unwrap();
    let raw = house.raw();
    raw.execute("UPDATE member SET name_sealed = zeroblob(40)", []).unwrap();
    let checked = house.store.check(house.ids.tenant_id, &Arc::default()).await.unwrap();
    let named = checked.faults.join("\n");
    assert!(!checked.is_whole() && named.contains("the member") && named.contains("is missing"), "{named}");
}

/// INV-12: the right to one tenant's ledger takes no backup of an installation that has another. Control: with both it is taken.
#[tokio::test]
async fn one_tenant_s_right_takes_no_backup_of_two() {
    let house = House::new().await;
    let (_, other, _) = tenant(&house.store).await;
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("all.backup");
    for proofs in [vec![], vec![house.export(house.scope)], vec![house.export(other)]] {
        let refused = house.store.backup(&proofs, &file, Vec::new(), &Arc::default()).await.unwrap_err();
        assert_eq!(refused.code(), Code::AuthorizationRequired);
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0, "something was written");
    }
    let both = [house.export(house.scope), house.export(other)];
    let taken = house.store.backup(&both, &file, Vec::new(), &Arc::default()).await.unwrap();
    assert_eq!(taken.tenants, 3, "control: both and the platform");
}
