//! INVARIANT(INV-19): keys are replaced while everything under the older ones stays readable.

use crate::hierarchy::{World, now, place, tenant};
use dvt_keys::{Custody, Error, Purpose, RootKey, TenantKeys, WrappedKey};
use dvt_ledger::Hash;
use dvt_ledger::checkpoint::Checkpoint;
use dvt_ledger::leaf::rfc6962_leaf;
use dvt_ledger::proof::consistency;
use dvt_ledger::tree::root;
use dvt_model::entry::PayloadClass;
use dvt_model::id::RunId;

fn open(world: &World, rows: &[WrappedKey]) -> TenantKeys {
    let (id, ledger) = tenant(1);
    TenantKeys::open(&world.root, id, ledger, rows).unwrap()
}

#[test]
fn what_lies_under_an_older_key_opens_and_new_things_go_under_the_new_one() {
    let world = World::new();
    let ((id, ledger), (keys, mut rows)) = (tenant(1), world.tenant(1));
    let custody = Custody { root: &world.root, audit: &world.audit, ledger };
    let sealed = keys.dek().seal(&place(id), b"text").unwrap();
    let (mac_id, mac) = (keys.mac_key_id(), keys.mac(b"block"));
    let link = keys.link_key().mac(b"envelope");
    let old_dek = keys.dek().id();
    for purpose in [Purpose::Dek, Purpose::Mac, Purpose::Link, Purpose::Checkpoint] {
        let next = keys.replacement(custody, purpose, now().plus_ms(1)).unwrap();
        assert_eq!((next.purpose, next.epoch), (purpose, 2));
        assert_eq!(next.audit_wrapped.is_some(), purpose == Purpose::Mac);
        rows.push(next);
    }
    let again = open(&world, &rows);
    assert_ne!(again.dek().id(), old_dek);
    assert_eq!(*again.dek_by_id(old_dek).unwrap().open(&place(id), &sealed).unwrap(), b"text");
    assert!(again.dek().open(&place(id), &sealed).is_err());
    assert_ne!(again.mac_key_id(), mac_id);
    assert!(again.verify_mac(mac_id, b"block", &mac));
    assert!(again.verify_link(b"envelope", &link) && !again.link_key().verify(b"envelope", &link));
    let mac_row = rows.iter().find(|row| row.key_id == again.mac_key_id()).unwrap();
    assert!(world.audit.open_mac(id, mac_row).unwrap().verify(b"new", &again.mac(b"new")));
    assert_eq!(again.in_use(Purpose::Dek).unwrap().epoch, 2);
    for purpose in [Purpose::Run, Purpose::Subject, Purpose::AuditKek, Purpose::PersonIndex, Purpose::Backup]
    {
        assert!(keys.replacement(custody, purpose, now()).is_err(), "{purpose}");
    }
}

/// 7.3: the checkpoint that announces a key bears both signatures; later ones the new one alone.
#[test]
fn the_first_checkpoint_of_a_new_key_bears_both_signatures() {
    let world = World::new();
    let ((_, ledger), (keys, mut rows)) = (tenant(1), world.tenant(1));
    let custody = Custody { root: &world.root, audit: &world.audit, ledger };
    rows.push(keys.replacement(custody, Purpose::Checkpoint, now()).unwrap());
    let again = open(&world, &rows);
    let old = again.newest_signer_of(&[keys.signer().verifier_key().clone()]).unwrap();
    let leaves: Vec<Hash> = (0..20u8).map(|n| rfc6962_leaf(&[n])).collect();
    let head = |to: usize| Checkpoint::new(ledger, to as u64, root(&leaves[..to]));
    let proof = consistency(&leaves[..], 7, 20).unwrap();
    let both = again.signer().sign_beside(Some(old), Some(&head(7)), &head(20), &proof).unwrap();
    let (first, second) = (keys.signer().verifier_key().clone(), again.signer().verifier_key().clone());
    assert_ne!(first, second);
    for trusted in [[first.clone()], [second.clone()]] {
        assert_eq!(Checkpoint::open(&both, &trusted).unwrap().1.len(), 1);
    }
    let alone = again.signer().sign(Some(&head(20)), &head(20), &[]).unwrap();
    assert!(Checkpoint::open(&alone, &[first]).is_err());
    assert!(Checkpoint::open(&alone, &[second]).is_ok());
    let (other, _) = world.tenant(2);
    assert!(again.signer().sign_beside(Some(other.signer()), Some(&head(7)), &head(20), &proof).is_err());
}

/// A KEK is replaced by wrapping its keys again, in any order and in any number of steps.
#[test]
fn a_new_kek_takes_the_keys_of_the_old_one_over() {
    let world = World::new();
    let ((id, ledger), (keys, mut rows)) = (tenant(1), world.tenant(1));
    let custody = Custody { root: &world.root, audit: &world.audit, ledger };
    let (run_key, run_row) =
        keys.new_run_key(RunId::from_random([5; 16]), PayloadClass::Standard, now()).unwrap();
    let sealed = run_key.seal(&place(id), b"run").unwrap();
    let person = keys.person("ada");
    assert_ne!(person, world.tenant(1).0.person("ada"), "another index, another name");
    rows.push(run_row);
    let old_kek = rows.iter().find(|row| row.purpose == Purpose::TenantKek).unwrap().clone();
    rows.push(keys.replacement(custody, Purpose::TenantKek, now()).unwrap());

    let between = open(&world, &rows);
    let run_row = rows.iter().find(|row| row.purpose == Purpose::Run).unwrap();
    assert_eq!(*between.open_run_key(run_row).unwrap().open(&place(id), &sealed).unwrap(), b"run");
    let mut moved = 0;
    for place in 0..rows.len() {
        // Half way everything still opens.
        open(&world, &rows);
        if let Some(row) = between.wrapped_again(&rows[place]).unwrap() {
            rows[place] = row;
            moved += 1;
        }
    }
    assert_eq!(moved, 5, "dek, mac, link, person index and the run key");
    for row in &rows {
        assert!(between.wrapped_again(row).unwrap().is_none(), "{}", row.purpose);
    }
    rows.retain(|row| row.key_id != old_kek.key_id);
    let after = open(&world, &rows);
    let run_row = rows.iter().find(|row| row.purpose == Purpose::Run).unwrap();
    assert_eq!(*after.open_run_key(run_row).unwrap().open(&place(id), &sealed).unwrap(), b"run");
    assert_eq!(after.person("ada"), person);
    // What was never wrapped again is lost with the old KEK: the control.
    let (_, lost) = keys.new_run_key(RunId::from_random([6; 16]), PayloadClass::Standard, now()).unwrap();
    assert!(matches!(after.open_run_key(&lost), Err(Error::Decrypt)));
}

/// The key is read when it is needed and at no other time: with its file gone nothing more opens.
#[test]
fn no_root_key_stays_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys/root.key");
    let root = RootKey::create(&path).unwrap();
    let (id, ledger) = tenant(1);
    let (audit, _) = dvt_keys::AuditKek::create(&root, tenant(0).0, now()).unwrap();
    let (_, rows) = TenantKeys::create(&root, &audit, id, ledger, now()).unwrap();
    assert!(TenantKeys::open(&root, id, ledger, &rows).is_ok(), "control");
    std::fs::rename(&path, folder.path().join("keys/elsewhere")).unwrap();
    assert!(matches!(TenantKeys::open(&root, id, ledger, &rows), Err(Error::RootFile { .. })));
}
