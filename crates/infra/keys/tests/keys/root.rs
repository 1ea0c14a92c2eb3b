//! INVARIANT(INV-30): a root key file that is open to others, or is none, stops the start.

use crate::hierarchy::{now, tenant};
use dvt_keys::{AuditKek, RootKey};
use dvt_model::code::Code;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[track_caller]
fn assert_refused(result: Result<RootKey, dvt_keys::Error>, says: &str) {
    let error = result.err().expect("refused");
    assert_eq!(error.code(), Code::ConfigInvalid);
    assert!(error.to_string().contains(says), "{error}");
}

#[test]
fn a_root_key_is_made_once_for_its_owner_alone_and_comes_back() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("config/dvt");
    let path = folder.join("root.key");
    let made = RootKey::create(&path).unwrap();
    assert_eq!((mode(&path), mode(&folder), fs::read(&path).unwrap().len()), (0o600, 0o700, 32));
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "no draft stays behind");

    let (_, row) = AuditKek::create(&made, tenant(0).0, now()).unwrap();
    let loaded = RootKey::load(&path).unwrap();
    assert!(AuditKek::open(&loaded, tenant(0).0, &row).is_ok(), "it is the same key");

    let before = fs::read(&path).unwrap();
    assert_refused(RootKey::create(&path), "never overwritten");
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
}

#[test]
fn what_is_open_to_others_or_no_key_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("keys/root.key");
    RootKey::create(&path).unwrap();
    for bits in [0o640, 0o604, 0o620, 0o660, 0o644, 0o601] {
        fs::set_permissions(&path, Permissions::from_mode(bits)).unwrap();
        assert_refused(RootKey::load(&path), "open to others");
    }
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    assert!(RootKey::load(&path).is_ok(), "control");

    fs::set_permissions(path.parent().unwrap(), Permissions::from_mode(0o770)).unwrap();
    assert_refused(RootKey::load(&path), "others may write its folder");
    fs::set_permissions(path.parent().unwrap(), Permissions::from_mode(0o700)).unwrap();

    let link = home.path().join("keys/link.key");
    symlink(&path, &link).unwrap();
    assert_refused(RootKey::load(&link), "");
    for length in [0, 31, 33, 4096] {
        fs::write(&path, vec![7; length]).unwrap();
        assert_refused(RootKey::load(&path), "exactly 32 bytes");
    }
    assert_refused(RootKey::load(&home.path().join("keys/none.key")), "");
    assert_refused(RootKey::load(&home.path().join("keys")), "");

    let open = home.path().join("open");
    fs::create_dir(&open).unwrap();
    fs::set_permissions(&open, Permissions::from_mode(0o755)).unwrap();
    assert_refused(RootKey::create(&open.join("root.key")), "its folder has mode 0755");
    assert_eq!(fs::read_dir(&open).unwrap().count(), 0);
}
