//! INVARIANT(INV-16): a sealed value opens where it was sealed, and nowhere else.

use crate::hierarchy::{World, place, tenant};
use dvt_keys::{Aad, Error};

#[test]
fn every_part_of_the_place_is_authenticated() {
    let world = World::new();
    let (id, (keys, _)) = (tenant(1).0, world.tenant(1));
    let key = keys.dek();
    let right = place(id);
    let sealed = key.seal(&right, b"text").unwrap();
    assert_eq!(*key.open(&right, &sealed).unwrap(), b"text", "control");
    let others = [
        Aad { tenant: tenant(2).0, ..right },
        Aad { table: "snapshot", ..right },
        Aad { column: "state", ..right },
        Aad { row_key: "blk_2", ..right },
        Aad { row_version: 0, ..right },
        Aad { row_version: u64::MAX, ..right },
        // A piece pushed over the border between two fields.
        Aad { table: "ledger_payload\",\"x\":\"", ..right },
        Aad { table: "ledger_payloads", column: "ealed", ..right },
    ];
    for other in others {
        assert!(matches!(key.open(&other, &sealed), Err(Error::Decrypt)), "{other:?}");
    }
}

#[test]
fn every_bit_of_a_sealed_value_counts_and_no_two_are_alike() {
    let world = World::new();
    let (right, (keys, _)) = (place(tenant(1).0), world.tenant(1));
    let sealed = keys.dek().seal(&right, b"text").unwrap();
    assert_eq!(sealed.len(), 4 + 28);
    assert_ne!(keys.dek().seal(&right, b"text").unwrap(), sealed, "a fresh nonce each time");
    for bit in 0..sealed.len() * 8 {
        let mut bent = sealed.clone();
        bent[bit / 8] ^= 1 << (bit % 8);
        assert!(matches!(keys.dek().open(&right, &bent), Err(Error::Decrypt)), "{bit}");
    }
    for length in 0..sealed.len() {
        assert!(matches!(keys.dek().open(&right, &sealed[..length]), Err(Error::Decrypt)), "{length}");
    }
    let empty = keys.dek().seal(&right, b"").unwrap();
    assert!(keys.dek().open(&right, &empty).unwrap().is_empty());
}

/// INV-16: a ciphertext of one place at another one: 100,000 pairs over tenants, keys, tables, rows and versions.
#[test]
fn a_hundred_thousand_swaps_are_refused() {
    const TRIES: usize = 100_000;
    let world = World::new();
    let (first, second) = (world.tenant(1).0, world.tenant(2).0);
    let keys = [(tenant(1).0, &first), (tenant(2).0, &second)];
    let mut places = Vec::new();
    for (id, keys) in keys {
        for table in ["ledger_payload", "plan", "snapshot", "setting"] {
            for row in ["a", "b", "c"] {
                for version in 0..3 {
                    let aad = Aad { tenant: id, table, column: "sealed", row_key: row, row_version: version };
                    let sealed = keys.dek().seal(&aad, b"the same text everywhere").unwrap();
                    assert!(keys.dek().open(&aad, &sealed).is_ok(), "control: it opens in its place");
                    places.push((aad, keys, sealed));
                }
            }
        }
    }
    let (mut refused, mut step) = (0, 1);
    let mut at = 0;
    while refused < TRIES {
        at += 1;
        if at == places.len() {
            (at, step) = (0, step % (places.len() - 1) + 1);
        }
        let (aad, keys, _) = &places[at];
        let (_, _, foreign) = &places[(at + step) % places.len()];
        assert!(matches!(keys.dek().open(aad, foreign), Err(Error::Decrypt)), "{aad:?}");
        refused += 1;
    }
    println!("swaps: {refused} of {TRIES} refused over {} places", places.len());
}
