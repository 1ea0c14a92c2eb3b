//! A log that another implementation wrote: its checkpoints read, checked and written again, its tree computed again.

use crate::data;
use dvt_ledger::Hash;
use dvt_ledger::checkpoint::Checkpoint;
use dvt_ledger::leaf::rfc6962_leaf;
use dvt_ledger::note::{Error, SignedNote};
use dvt_ledger::proof::{consistency, inclusion, verify_consistency, verify_inclusion};
use dvt_ledger::tile::Rows;
use dvt_ledger::tree::root;
use dvt_ledger::verifier_key::VerifierKey;
use std::path::{Path, PathBuf};

fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/tessera")
}

/// Leaf hashes from the partial tile, checked against the entries (each with its length, 16 bits, before it).
fn leaves(tile: &Path, entries: &Path) -> Vec<Hash> {
    let leaves = dvt_ledger::block::decode_hashes(&std::fs::read(tile).unwrap()).unwrap();
    let bundle = std::fs::read(entries).unwrap();
    let (mut rest, mut computed) = (bundle.as_slice(), Vec::new());
    while let Some((length, behind)) = rest.split_first_chunk::<2>() {
        let (entry, behind) = behind.split_at(usize::from(u16::from_be_bytes(*length)));
        computed.push(rfc6962_leaf(entry));
        rest = behind;
    }
    assert_eq!(computed, leaves, "entries give the leaves of the tile");
    leaves
}

/// Opens a checkpoint, writes key, body and note again and finds the same bytes.
fn open(path: &Path, key: &VerifierKey) -> Checkpoint {
    let text = std::fs::read_to_string(path).unwrap();
    let (checkpoint, signers) = Checkpoint::open(&text, std::slice::from_ref(key)).unwrap();
    assert_eq!(signers, [key]);
    let note = SignedNote::parse(&text).unwrap();
    assert_eq!(note.to_string(), text);
    assert_eq!(checkpoint.body(), note.text);
    checkpoint
}

fn key(path: &Path) -> VerifierKey {
    let text = std::fs::read_to_string(path).unwrap();
    let key = VerifierKey::parse(text.trim_end()).unwrap();
    assert_eq!(key.to_string(), text.trim_end());
    key
}

fn check_root(checkpoint: &Checkpoint, leaves: &[Hash]) {
    let prefix = &leaves[..usize::try_from(checkpoint.size).unwrap()];
    assert_eq!(root(prefix), checkpoint.root, "{}", checkpoint.size);
    let (mut rows, mut full) = (Rows::new(), Vec::new());
    prefix.iter().for_each(|leaf| rows.push(*leaf, &mut full));
    assert_eq!((rows.root(), rows.row(0)), (checkpoint.root, prefix));
}

/// Runs in any clone, from the marked copy.
#[test]
fn the_copied_checkpoints_hold() {
    let folder = testdata();
    let key = key(&folder.join("VKEY"));
    let leaves = leaves(&folder.join("tile_0_000.p_15"), &folder.join("tile_entries_000.p_15"));
    for (name, size) in [("checkpoint", 15), ("checkpoint.0", 0), ("checkpoint.7", 7)] {
        let checkpoint = open(&folder.join(name), &key);
        assert_eq!(checkpoint.size, size);
        check_root(&checkpoint, &leaves);
    }
}

#[test]
fn bent_notes_and_foreign_keys_are_refused() {
    let folder = testdata();
    let key = key(&folder.join("VKEY"));
    let text = std::fs::read_to_string(folder.join("checkpoint")).unwrap();
    let keys = std::slice::from_ref(&key);
    assert!(Checkpoint::open(&text, keys).is_ok(), "control");
    let bent = SignedNote::parse(&text.replace("\n15\n", "\n14\n")).unwrap();
    assert_eq!(bent.verify(keys), Err(Error::BadSignature(key.id())));
    let foreign = VerifierKey::new(key.name(), [1; 32]).unwrap();
    assert_eq!(SignedNote::parse(&text).unwrap().verify(&[foreign]), Err(Error::Unsigned));
    let renamed = VerifierKey::new("example.com/other", *key.public_key()).unwrap();
    assert_eq!(SignedNote::parse(&text).unwrap().verify(&[renamed]), Err(Error::Unsigned));
}

#[test]
fn all_checkpoints_of_the_log_hold_and_every_one_extends_the_ones_before() {
    let Some(folder) = data::folder() else { return };
    let log = folder.join("tlog/tessera_log");
    let key = key(&log.join("VKEY"));
    let leaves = leaves(&log.join("tile/0/000.p/15"), &log.join("tile/entries/000.p/15"));
    let names = (0..=15).map(|size| format!("checkpoint.{size}")).chain(["checkpoint".to_owned()]);
    let checkpoints: Vec<Checkpoint> = names.map(|name| open(&log.join(name), &key)).collect();
    let mut proofs = 0;
    for later in &checkpoints {
        check_root(later, &leaves);
        for earlier in checkpoints.iter().filter(|earlier| earlier.size <= later.size) {
            let proof = consistency(&leaves[..], earlier.size, later.size).unwrap();
            assert!(verify_consistency(earlier.size, &earlier.root, later.size, &later.root, &proof));
            proofs += 1;
        }
        for index in 0..later.size {
            let proof = inclusion(&leaves[..], index, later.size).unwrap();
            assert!(verify_inclusion(&leaves[index as usize], index, later.size, &proof, &later.root));
            proofs += 1;
        }
    }
    println!(
        "tessera: {} checkpoints read and written again, {proofs} proofs made and checked",
        checkpoints.len()
    );
    assert_eq!(checkpoints.len(), 17);
}
