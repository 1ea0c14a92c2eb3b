//! Files: modes, and what is refused before anything is written to it.

use crate::support::*;
use dvt_model::code::Code;
use dvt_store::port::transaction::Kind;
use dvt_store::{Error, Store};
use std::os::unix::fs::PermissionsExt;

fn refusal(result: Result<impl Sized, Error>) -> Code {
    match result {
        Ok(_) => panic!("it was not refused"),
        Err(error) => error.code(),
    }
}

#[tokio::test]
async fn only_the_owner_may_look() {
    let house = House::new().await;
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let folder = house.folder.path();
    let id = house.ids.tenant_id.key();
    for place in
        [folder.to_owned(), folder.join("tenants"), folder.join("blobs"), folder.join("blobs").join(&id)]
    {
        assert_eq!(mode(&place), 0o700, "{}", place.display());
    }
    for name in [
        "control.db",
        &format!("tenants/{id}.db"),
        &format!("tenants/{id}.db-wal"),
        &format!("tenants/{id}.db-shm"),
    ] {
        assert_eq!(mode(&folder.join(name)), 0o600, "{name}");
    }
}

/// INV-08: a file opened under another scope is refused, and not touched.
#[tokio::test]
async fn another_tenants_file_under_this_scope_is_refused() {
    let house = House::new().await;
    let (other_ids, other_scope, _) = tenant(&house.store).await;
    house.store.close().await.unwrap();
    let other_path = Store::ledger_path(house.folder.path(), other_ids.tenant_id);
    std::fs::copy(&other_path, house.path()).unwrap();
    let before = std::fs::read(house.path()).unwrap();
    let store = house.second();
    assert_eq!(refusal(store.begin(&house.scope, Kind::Act)), Code::TenantIsolationViolation);
    assert_eq!(std::fs::read(house.path()).unwrap(), before);
    assert!(store.begin(&other_scope, Kind::Act).is_ok(), "control: its own scope opens it");
}

#[tokio::test]
async fn foreign_cut_and_newer_files_are_refused_and_not_written_to() {
    let house = House::new().await;
    let run = run();
    house.admit(&run).await;
    house.store.close().await.unwrap();
    let path = house.path();
    let good = std::fs::read(&path).unwrap();
    let newer = {
        let raw = house.raw();
        raw.pragma_update(None, "user_version", 99).unwrap();
        drop(raw);
        std::fs::read(&path).unwrap()
    };
    let foreign = {
        let file = house.folder.path().join("foreign");
        let raw = rusqlite::Connection::open(&file).unwrap();
        raw.execute_batch("CREATE TABLE header (x); INSERT INTO header VALUES (1);").unwrap();
        drop(raw);
        std::fs::read(file).unwrap()
    };
    let cases = [
        ("newer", newer, Code::MigrateNotCalled),
        ("foreign database", foreign, Code::ConfigInvalid),
        ("no database", b"PK\x03\x04 something else entirely, and longer than a header of a hundred bytes is, so that it is read whole".to_vec(), Code::ConfigInvalid),
        ("cut", good[..good.len() / 2].to_vec(), Code::LedgerIntegrityFailed),
        ("cut within the first page", good[..300].to_vec(), Code::LedgerIntegrityFailed),
    ];
    for (name, bytes, code) in cases {
        std::fs::write(&path, &bytes).unwrap();
        let store = house.second();
        assert_eq!(refusal(store.begin(&house.scope, Kind::Act)), code, "{name}");
        assert_eq!(std::fs::read(&path).unwrap(), bytes, "{name} was written to");
    }
    std::fs::write(&path, &good).unwrap();
    let store = house.second();
    assert!(
        store.begin(&house.scope, Kind::Act).unwrap().run(run.id).await.unwrap().is_some(),
        "control: the good file"
    );
}

#[tokio::test]
async fn another_root_key_opens_nothing() {
    let house = House::new().await;
    house.store.close().await.unwrap();
    let other = tempfile::tempdir().unwrap();
    std::fs::set_permissions(other.path(), PermissionsExt::from_mode(0o700)).unwrap();
    let opened = Store::open(options(house.folder.path(), house.clock.clone()), root_key(other.path()));
    assert_eq!(refusal(opened), Code::DecryptFailed);
}
