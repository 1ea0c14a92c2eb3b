//! INVARIANT(INV-03): the signer signs what extends its last checkpoint, and nothing else.

use crate::hierarchy::{World, tenant};
use dvt_keys::{CheckpointSigner, Error, Purpose};
use dvt_ledger::Hash;
use dvt_ledger::checkpoint::Checkpoint;
use dvt_ledger::leaf::rfc6962_leaf;
use dvt_ledger::proof::consistency;
use dvt_ledger::tree::root;
use dvt_model::code::Code;

fn head(number: u8, leaves: &[Hash]) -> Checkpoint {
    Checkpoint::new(tenant(number).1, leaves.len() as u64, root(leaves))
}

#[test]
fn only_what_extends_the_last_checkpoint_is_signed() {
    let world = World::new();
    let (keys, rows) = world.tenant(1);
    let signer = keys.signer();
    let leaves: Vec<Hash> = (0..20u8).map(|n| rfc6962_leaf(&[n])).collect();
    let (first, second) = (head(1, &leaves[..7]), head(1, &leaves));
    let proof = consistency(&leaves[..], 7, 20).unwrap();

    let note = signer.sign(None, &first, &[]).unwrap();
    let trusted = [signer.verifier_key().clone()];
    assert_eq!(Checkpoint::open(&note, &trusted).unwrap(), (first.clone(), vec![signer.verifier_key()]));
    let note = signer.sign(Some(&first), &second, &proof).unwrap();
    assert_eq!(Checkpoint::open(&note, &trusted).unwrap().0, second, "control");
    assert!(signer.sign(Some(&second), &second, &[]).is_ok(), "the same again");
    assert!(signer.sign(Some(&head(1, &[])), &first, &[]).is_ok(), "from nothing");
    assert_eq!(keys.verifier_keys(), trusted);

    let fork: Vec<Hash> = (0..20u8).map(|n| rfc6962_leaf(&[n, 1])).collect();
    let forked = consistency(&fork[..], 7, 20).unwrap();
    for (what, previous, next, proof) in [
        ("rollback", &second, &first, &proof[..]),
        ("no proof", &first, &second, &[][..]),
        ("cut proof", &first, &second, &proof[1..]),
        ("fork", &first, &head(1, &fork), &forked[..]),
        ("fork of one size", &second, &head(1, &fork), &[][..]),
        ("another ledger", &first, &head(2, &leaves), &proof[..]),
        ("after another ledger", &head(2, &leaves[..7]), &second, &proof[..]),
    ] {
        let error = signer.sign(Some(previous), next, proof).unwrap_err();
        assert!(matches!(error, Error::NotSigned(_)), "{what}");
        assert_eq!(error.code(), Code::LedgerIntegrityFailed);
    }
    assert!(matches!(signer.sign(None, &head(2, &leaves), &[]), Err(Error::NotSigned(_))));

    // A sealer opens this one key, under root and ledger alone.
    let row = rows.iter().find(|row| row.purpose == Purpose::Checkpoint).unwrap();
    let (id, ledger) = tenant(1);
    let alone = CheckpointSigner::open(&world.root, id, ledger, row).unwrap();
    assert_eq!((alone.verifier_key(), alone.id()), (signer.verifier_key(), row.key_id));
    assert!(CheckpointSigner::open(&world.root, id, tenant(2).1, row).is_err());
}
