//! INVARIANT(INV-18): no tenant's key opens another's data, and no key serves a second purpose; each refusal beside the
//! same act with the right key.

use dvt_keys::{Aad, AuditKek, Error, Purpose, RootKey, TenantKeys, WrappedKey};
use dvt_model::code::Code;
use dvt_model::entry::PayloadClass;
use dvt_model::id::{KeyId, LedgerId, RunId, TenantId};
use dvt_model::time::Timestamp;

pub(crate) struct World {
    _folder: tempfile::TempDir,
    pub(crate) root: RootKey,
    pub(crate) audit: AuditKek,
}

pub(crate) fn now() -> Timestamp {
    Timestamp::from_ms(1_771_200_000_000)
}

pub(crate) fn tenant(number: u8) -> (TenantId, LedgerId) {
    (TenantId::from_random([number; 16]), LedgerId::from_random([number + 100; 16]))
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = RootKey::create(&folder.path().join("keys/root.key")).unwrap();
        let (audit, _) = AuditKek::create(&root, tenant(0).0, now()).unwrap();
        Self { _folder: folder, root, audit }
    }

    pub(crate) fn tenant(&self, number: u8) -> (TenantKeys, Vec<WrappedKey>) {
        let (tenant, ledger) = tenant(number);
        TenantKeys::create(&self.root, &self.audit, tenant, ledger, now()).unwrap()
    }
}

pub(crate) fn place(tenant: TenantId) -> Aad<'static> {
    Aad { tenant, table: "ledger_payload", column: "sealed", row_key: "blk_1", row_version: 1 }
}

fn row(rows: &[WrappedKey], purpose: Purpose) -> WrappedKey {
    rows.iter().find(|row| row.purpose == purpose).unwrap().clone()
}

#[test]
fn the_keys_of_a_tenant_come_back() {
    let world = World::new();
    let ((id, ledger), (keys, rows)) = (tenant(1), world.tenant(1));
    let sealed = keys.dek().seal(&place(id), b"text").unwrap();
    let (run_key, run_row) =
        keys.new_run_key(RunId::from_random([5; 16]), PayloadClass::Standard, now()).unwrap();
    let run_sealed = run_key.seal(&place(id), b"run text").unwrap();
    let mac = keys.mac(b"message");

    // As a store keeps them, and in any order.
    let text = serde_json::to_string(&rows).unwrap();
    let mut stored: Vec<WrappedKey> = serde_json::from_str(&text).unwrap();
    stored.reverse();
    stored.push(run_row.clone());
    let again = TenantKeys::open(&world.root, id, ledger, &stored).unwrap();
    assert_eq!(*again.dek().open(&place(id), &sealed).unwrap(), b"text");
    assert_eq!(*again.dek_by_id(keys.dek().id()).unwrap().open(&place(id), &sealed).unwrap(), b"text");
    assert_eq!(*again.open_run_key(&run_row).unwrap().open(&place(id), &run_sealed).unwrap(), b"run text");
    assert!(again.verify_mac(keys.mac_key_id(), b"message", &mac) && again.has_mac_key(keys.mac_key_id()));
    assert!(!again.verify_mac(keys.mac_key_id(), b"massage", &mac));
    assert!(!again.verify_mac(keys.mac_key_id(), b"message", &mac[..16]));
    assert!(!again.verify_mac(KeyId::from_random([0; 16]), b"message", &mac));
    assert!(again.link_key().verify(b"envelope", &keys.link_key().mac(b"envelope")));
    assert_eq!(again.signer().verifier_key(), keys.signer().verifier_key());
    assert_eq!(again.dek().hmac(b"inputs"), keys.dek().hmac(b"inputs"));
    assert_ne!(again.dek().hmac(b"inputs"), run_key.hmac(b"inputs"));
}

#[test]
fn one_key_per_purpose_all_random() {
    let world = World::new();
    let (first, rows) = world.tenant(1);
    let mut purposes: Vec<Purpose> = rows.iter().map(|row| row.purpose).collect();
    purposes.sort_unstable();
    assert_eq!(
        purposes,
        [
            Purpose::TenantKek,
            Purpose::Dek,
            Purpose::Mac,
            Purpose::Checkpoint,
            Purpose::Link,
            Purpose::PersonIndex
        ]
    );
    assert_ne!(first.mac(b"m"), first.link_key().mac(b"m"));
    // Made again for the same tenant under the same root nothing comes back: nothing is derived.
    let (second, others) = world.tenant(1);
    assert_ne!(first.mac(b"m"), second.mac(b"m"));
    assert_ne!(first.signer().verifier_key(), second.signer().verifier_key());
    assert!(rows.iter().all(|row| others.iter().all(|other| other.key_id != row.key_id)));
    for purpose in Purpose::ALL {
        assert_eq!(Purpose::parse(purpose.as_str()), Some(*purpose));
        assert_eq!(serde_json::to_value(purpose).unwrap(), purpose.as_str());
    }
}

#[test]
fn a_tenants_key_opens_nothing_of_another() {
    let world = World::new();
    let (a, b) = (tenant(1), tenant(2));
    let ((keys_a, rows_a), (keys_b, rows_b)) = (world.tenant(1), world.tenant(2));
    let sealed = keys_a.dek().seal(&place(a.0), b"text").unwrap();
    assert!(keys_a.dek().open(&place(a.0), &sealed).is_ok(), "control");
    assert!(matches!(keys_b.dek().open(&place(a.0), &sealed), Err(Error::Decrypt)));
    assert!(matches!(keys_b.dek().open(&place(b.0), &sealed), Err(Error::Decrypt)));

    let (_, run_row) =
        keys_a.new_run_key(RunId::from_random([5; 16]), PayloadClass::Standard, now()).unwrap();
    assert!(keys_a.open_run_key(&run_row).is_ok(), "control");
    let error = keys_b.open_run_key(&run_row).err().unwrap();
    assert_eq!(error.code(), Code::DecryptFailed);

    // The same root and rows under another tenant's name, or one row of B among A's.
    assert!(TenantKeys::open(&world.root, a.0, a.1, &rows_a).is_ok(), "control");
    assert!(matches!(TenantKeys::open(&world.root, b.0, a.1, &rows_a), Err(Error::Decrypt)));
    assert!(matches!(TenantKeys::open(&world.root, a.0, b.1, &rows_a), Err(Error::Decrypt)));
    for place in 0..rows_a.len() {
        let mut mixed = rows_a.clone();
        mixed[place] = row(&rows_b, rows_a[place].purpose);
        assert!(matches!(TenantKeys::open(&world.root, a.0, a.1, &mixed), Err(Error::Decrypt)), "{place}");
    }
    let other = World::new();
    assert!(matches!(TenantKeys::open(&other.root, a.0, a.1, &rows_a), Err(Error::Decrypt)));
}

#[test]
fn what_a_row_says_about_its_key_is_authenticated() {
    let world = World::new();
    let ((id, ledger), (keys, rows)) = (tenant(1), world.tenant(1));
    let (_, honest) = keys.new_run_key(RunId::from_random([5; 16]), PayloadClass::Standard, now()).unwrap();
    assert!(keys.open_run_key(&honest).is_ok(), "control");
    let changes: [fn(&mut WrappedKey); 6] = [
        |row| row.subject = Some(RunId::from_random([6; 16]).to_string()),
        |row| row.subject = None,
        |row| row.class = Some(PayloadClass::Compliance),
        |row| row.epoch += 1,
        |row| row.key_id = KeyId::from_random([6; 16]),
        |row| row.wrapped[20] ^= 1,
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut row = honest.clone();
        change(&mut row);
        assert!(matches!(keys.open_run_key(&row), Err(Error::Decrypt)), "{number}");
    }
    assert!(matches!(keys.open_run_key(&row(&rows, Purpose::Dek)), Err(Error::Purpose { .. })));
    // A data key passed off as a MAC key by its word alone.
    let mut relabelled = rows.clone();
    let mac = relabelled.iter().position(|row| row.purpose == Purpose::Mac).unwrap();
    relabelled[mac] = WrappedKey { purpose: Purpose::Mac, ..row(&rows, Purpose::Dek) };
    assert!(matches!(TenantKeys::open(&world.root, id, ledger, &relabelled), Err(Error::Decrypt)));
    for missing in 0..rows.len() {
        let mut fewer = rows.clone();
        let gone = fewer.remove(missing).purpose;
        let error = TenantKeys::open(&world.root, id, ledger, &fewer).err().unwrap();
        assert!(matches!(error, Error::Missing(purpose) if purpose == gone));
        assert_eq!(error.code(), Code::KeyUnavailable);
    }
}

/// INV-18: with the tenant's KEK destroyed its data is unreadable, and its MACs can still be checked.
#[test]
fn mac_keys_outlive_the_tenant() {
    let world = World::new();
    let ((id, ledger), (keys, mut rows)) = (tenant(1), world.tenant(1));
    let mac = keys.mac(b"message");
    rows.retain(|row| row.purpose != Purpose::TenantKek);
    assert!(matches!(
        TenantKeys::open(&world.root, id, ledger, &rows),
        Err(Error::Missing(Purpose::TenantKek))
    ));
    let row = row(&rows, Purpose::Mac);
    let key = world.audit.open_mac(id, &row).unwrap();
    assert!(key.verify(b"message", &mac) && key.id() == row.key_id);
    assert!(matches!(world.audit.open_mac(tenant(2).0, &row), Err(Error::Decrypt)));
    let crossed = WrappedKey { audit_wrapped: Some(row.wrapped.clone()), ..row };
    assert!(matches!(world.audit.open_mac(id, &crossed), Err(Error::Decrypt)));

    let platform = tenant(0).0;
    let (_, audit_row) = AuditKek::create(&world.root, platform, now()).unwrap();
    assert!(AuditKek::open(&world.root, platform, &audit_row).is_ok(), "control");
    assert!(matches!(AuditKek::open(&world.root, id, &audit_row), Err(Error::Decrypt)));
}
