//! INVARIANT(INV-03): the tamper classes of contract 7.7 that public keys can find, each found, placed and told apart,
//! over an honest ledger that verifies (the control).

use crate::memory::{Memory, Signer};
use dvt_ledger::checkpoint::{Checkpoint, origin};
use dvt_ledger::tile::TileId;
use dvt_ledger::verify::result::{Layer, Status, VerificationResult, Witness};
use dvt_ledger::verify::verify;
use dvt_model::time::Timestamp;
use serde_json::json;

const SIZE: u64 = 700;

/// 700 entries and some, two full tiles, a checkpoint every 53, 5 entries above the last.
fn ledger() -> Memory {
    Memory::grow(1, SIZE, 53, 5)
}

/// Positions at every kind of place: ends of the ledger, of tiles and of checkpoints, and a walk through all of it.
fn positions(ledger: &Memory) -> Vec<u64> {
    let sealed = ledger.header.sealed_size;
    let edges = [1, 52, 53, 54, 254, 255, 256, 257, 511, 512, sealed - 2];
    (3..sealed - 2).step_by(29).chain(edges).collect()
}

/// Found, placed at `index`, and called one of `classes`.
#[track_caller]
fn assert_found(result: &VerificationResult, index: u64, classes: &[u8]) {
    assert_eq!(result.status, Status::Invalid, "at {index}: {result:?}");
    let placed = result.findings.iter().filter(|finding| finding.covers(index));
    let named: Vec<u8> = placed.map(|finding| finding.class).collect();
    assert!(
        named.iter().any(|class| classes.contains(class)),
        "at {index}: {classes:?}, {:?}",
        result.findings
    );
}

#[test]
fn honest_ledgers_are_valid() {
    for (entries, every, unsealed) in [(1, 1, 0), (20, 7, 0), (255, 50, 3), (600, 256, 0), (SIZE, 53, 5)] {
        let ledger = Memory::grow(entries, entries, every, unsealed);
        let result = ledger.verify(Some(&ledger.newest()));
        assert_eq!((result.status, result.findings.len()), (Status::Valid, 0), "{:?}", result.findings);
        assert_eq!(
            (result.entries_checked, result.to_size),
            (ledger.header.next_index, ledger.header.next_index)
        );
        assert_eq!(
            (result.unsealed, result.anchored, result.witness),
            (unsealed, true, Witness::Unwitnessed)
        );
        assert_eq!(result.layers, [Layer::Leaf, Layer::Tree, Layer::Checkpoint]);
        assert_eq!(result.checkpoint.unwrap().size, ledger.header.sealed_size);
    }
}

#[test]
fn what_nobody_signed_is_incomplete_and_never_valid() {
    let ledger = ledger();
    let clock = || Timestamp::from_ms(0);
    assert_eq!(verify(&ledger, &[], None, &clock).status, Status::Incomplete);
    let mut changed = ledger.clone();
    changed.change(10, true, |envelope| envelope["decision"] = json!("DENIED"));
    assert_found(&verify(&changed, &[], None, &clock), 10, &[1]);
    let foreign = Signer::new("dvt/ledger/other", 1);
    assert_eq!(verify(&ledger, &[foreign.key], None, &clock).status, Status::Incomplete);
    let mut unsealed = Memory::grow(1, 20, 7, 0);
    (unsealed.checkpoints, unsealed.header.sealed_size) = (Vec::new(), 0);
    assert_eq!(unsealed.verify(None).status, Status::Incomplete);
}

#[test]
fn the_result_has_the_fields_of_the_contract() {
    let ledger = ledger();
    let value = serde_json::to_value(ledger.verify(None)).unwrap();
    let fields: Vec<&String> = value.as_object().unwrap().keys().collect();
    let expected = [
        "anchored",
        "checkpoint",
        "durationMs",
        "entriesChecked",
        "erased",
        "findings",
        "fromIndex",
        "layers",
        "ledgerId",
        "origin",
        "payloadsChecked",
        "startedAt",
        "status",
        "toSize",
        "unsealed",
        "verifierVersion",
        "witness",
    ];
    assert_eq!(fields, expected);
    assert_eq!(
        (&value["status"], &value["witness"], &value["layers"][1]),
        (&json!("VALID"), &json!("UNWITNESSED"), &json!("tree"))
    );
}

#[test]
fn classes_1_to_4_a_changed_field() {
    let honest = ledger();
    let mut tries = 0;
    for index in positions(&honest) {
        for with_leaf in [false, true] {
            type Change = fn(&mut serde_json::Value);
            let changes: [(Change, &[u8]); 4] = [
                (|envelope| envelope["decision"] = json!("FAILED"), &[1]),
                (
                    |envelope| envelope["actor"]["id"] = json!("prn_17070707-0707-4707-8707-070707070707"),
                    &[1, 2],
                ),
                (
                    |envelope| envelope["tenantId"] = json!("ten_17070707-0707-4707-8707-070707070707"),
                    &[3, 12],
                ),
                (|envelope| envelope["recordedAt"] = json!("2020-01-01T00:00:00.000Z"), &[1, 4]),
            ];
            for (change, classes) in changes {
                let mut ledger = honest.clone();
                ledger.change(index, with_leaf, change);
                assert_found(&ledger.verify(None), index, classes);
                tries += 1;
            }
        }
    }
    println!("classes 1-4: {tries} changes, all found and placed");
}

/// The largest number that fits: no arithmetic of the verifier may give way.
#[test]
fn absurd_numbers_are_findings() {
    let honest = ledger();
    let (at, position) = honest.find(100);
    let mut absurd = honest.clone();
    let text = String::from_utf8(absurd.blocks[at].envelopes[position].clone()).unwrap();
    let start = text.find("\"runSeq\":").unwrap() + 9;
    let end = start + text[start..].find([',', '}']).unwrap();
    let text = format!("{}{}{}", &text[..start], u64::MAX, &text[end..]);
    absurd.blocks[at].envelopes[position] = text.into_bytes();
    crate::memory::releaf(&mut absurd.blocks[at]);
    assert_found(&absurd.verify(None), 100, &[1, 5]);
    let mut far = honest.clone();
    far.blocks[at].first_index = u64::MAX;
    assert_eq!(far.verify(None).status, Status::Invalid);
    let mut head = honest.clone();
    (head.header.lowest_index, head.header.next_index, head.header.sealed_size) =
        (u64::MAX, u64::MAX, u64::MAX);
    assert_eq!(head.verify(None).status, Status::Invalid);
}

#[test]
fn classes_5_and_6_a_deleted_entry() {
    let honest = ledger();
    for index in positions(&honest).into_iter().chain([0]) {
        // The last place of a tile shows that something changed, not what.
        let classes: &[u8] = if index == 0 {
            &[6]
        } else if index % 256 == 255 {
            &[1, 5]
        } else {
            &[5]
        };
        let mut with_gap = honest.clone();
        with_gap.take(index);
        assert_found(&with_gap.verify(None), index, &[5, 6]);
        let mut renumbered = honest.clone();
        renumbered.take(index);
        renumbered.renumber();
        let result = renumbered.verify(None);
        // Beyond the last full tile and outside a run the root alone tells, and a root cannot say what was done.
        assert_found(&result, index, if index < 512 { classes } else { &[1, 5, 7] });
    }
    let mut row = honest.clone();
    let removed = row.blocks.remove(40);
    assert_found(&row.verify(None), removed.first_index, &[5]);
}

#[test]
fn classes_7_and_8_cut_and_emptied() {
    let honest = ledger();
    for keep in [1, 100, 300] {
        let mut cut = honest.clone();
        let last = cut.blocks.pop().unwrap();
        cut.blocks.truncate(keep);
        assert_found(&cut.verify(None), last.first_index, &[7]);
        cut.renumber();
        assert_found(&cut.verify(None), honest.header.sealed_size - 1, &[7]);
    }
    let mut emptied = honest.clone();
    emptied.blocks.clear();
    assert_found(&emptied.verify(None), 0, &[8]);
    emptied.header.next_index = 0;
    assert_found(&emptied.verify(None), 0, &[8]);
    // All of it gone: only a checkpoint from elsewhere knows.
    (emptied.header.sealed_size, emptied.checkpoints, emptied.tiles) = (0, Vec::new(), Default::default());
    assert_eq!(emptied.verify(None).status, Status::Incomplete);
    assert_found(&emptied.verify(Some(&honest.newest())), 0, &[8]);
}

#[test]
fn classes_9_to_12_inserted_doubled_swapped_and_foreign_entries() {
    let (honest, other) = (ledger(), Memory::grow(2, SIZE, 53, 5));
    for index in positions(&honest) {
        let (at, position) = honest.find(index);
        let entry = |ledger: &Memory| {
            (ledger.blocks[at].envelopes[position].clone(), ledger.blocks[at].leaf_salts[position])
        };

        let mut inserted = honest.clone();
        let mut envelope: serde_json::Value = serde_json::from_slice(&entry(&honest).0).unwrap();
        envelope["entryId"] = json!("ent_17070707-0707-4707-8707-070707070707");
        inserted.put(index, (dvt_model::canonical::to_bytes(&envelope).unwrap(), [1; 32]));
        inserted.renumber();
        assert_found(
            &inserted.verify(None),
            index,
            if index < 512 && index % 256 != 255 { &[9] } else { &[1, 9, 10] },
        );

        let mut doubled = honest.clone();
        doubled.put(index, entry(&honest));
        doubled.renumber();
        assert_found(&doubled.verify(None), index + 1, &[10]);

        let mut swapped = honest.clone();
        let (next_at, next_position) = honest.find(index + 1);
        let (mine, next) = (
            entry(&honest),
            (
                honest.blocks[next_at].envelopes[next_position].clone(),
                honest.blocks[next_at].leaf_salts[next_position],
            ),
        );
        let place =
            |ledger: &mut Memory, (at, position): (usize, usize), (envelope, salt): (Vec<u8>, [u8; 32])| {
                ledger.blocks[at].envelopes[position] = envelope;
                ledger.blocks[at].leaf_salts[position] = salt;
                crate::memory::releaf(&mut ledger.blocks[at]);
            };
        place(&mut swapped, (at, position), next);
        place(&mut swapped, (next_at, next_position), mine);
        assert_found(&swapped.verify(None), index, if index < 510 { &[11, 1] } else { &[1, 11] });

        let mut foreign = honest.clone();
        place(&mut foreign, (at, position), entry(&other));
        assert_found(&foreign.verify(None), index, &[12]);
    }
}

#[test]
fn classes_14_and_15_replaced_leaves_and_tiles() {
    let honest = ledger();
    for index in positions(&honest) {
        let mut ledger = honest.clone();
        let (at, position) = ledger.find(index);
        ledger.blocks[at].leaves[position] = [7; 32];
        assert_found(&ledger.verify(None), index, &[14]);
    }
    for index in [0u64, 255, 256, 400] {
        let mut ledger = honest.clone();
        let tile = ledger.tiles.get_mut(&TileId { level: 0, index: index / 256 }).unwrap();
        tile[(index % 256) as usize * 32] ^= 1;
        assert_found(&ledger.verify(None), index, &[15]);
    }
    let mut missing = honest.clone();
    missing.tiles.remove(&TileId { level: 0, index: 1 });
    assert_found(&missing.verify(None), 256, &[15]);
    let mut extra = honest.clone();
    extra.tiles.insert(TileId { level: 0, index: 2 }, vec![0; 8192]);
    assert_found(&extra.verify(None), 512, &[15]);
}

#[test]
fn classes_17_to_20_and_22_to_24_checkpoints() {
    let honest = ledger();
    let sealed = honest.header.sealed_size;
    let ledger_id = honest.header.ledger_id;
    let with = |at: usize, checkpoint: &Checkpoint, signer: &Signer| {
        let mut ledger = honest.clone();
        ledger.checkpoints[at].note = signer.sign(checkpoint);
        ledger.verify(None)
    };
    let (own, retired) = (&honest.signer, Signer::new(&origin(ledger_id), 2));

    let mut old = honest.clone();
    let newest = old.checkpoints.pop().unwrap();
    assert_found(&old.verify(None), newest.size - 1, &[17]);

    assert_found(&with(3, &Checkpoint::new(ledger_id, 4 * 53, [7; 32]), own), 4 * 53 - 1, &[18]);
    let mut forked = honest.newest();
    assert_eq!(honest.verify(Some(&forked)).status, Status::Valid, "control");
    forked.root[0] ^= 1;
    assert_found(&honest.verify(Some(&forked)), sealed - 1, &[18]);

    let mut elsewhere = honest.newest();
    elsewhere.origin = "dvt/ledger/other".to_owned();
    assert_found(&with(honest.checkpoints.len() - 1, &elsewhere, own), sealed - 1, &[19]);
    assert!(honest.verify(Some(&elsewhere)).findings.iter().any(|finding| finding.class == 19));

    let mut smaller = honest.newest();
    smaller.size -= 1;
    assert_found(&with(honest.checkpoints.len() - 1, &smaller, own), sealed - 1, &[20]);
    let mut larger = honest.clone();
    larger.checkpoints.last_mut().unwrap().size += 1;
    assert_found(&larger.verify(None), sealed - 1, &[20]);
    let mut head = honest.clone();
    head.header.sealed_size -= 1;
    assert_found(&head.verify(None), sealed - 1, &[20]);

    assert_found(&with(honest.checkpoints.len() - 1, &honest.newest(), &retired), sealed - 1, &[22]);

    // Without the key an edit breaks the signature, too; the class still says what was edited.
    let last = honest.checkpoints.len() - 1;
    let edits = [
        (ledger_id.to_string(), "led_17070707-0707-4707-8707-070707070707".to_owned(), 19),
        (format!("\n{sealed}\n"), format!("\n{}\n", sealed + 1), 20),
        (honest.newest().root_text(), honest.newest().root_text().to_lowercase(), 18),
        ("\n\n".to_owned(), "\nextension\n\n".to_owned(), 18),
        ("— ".to_owned(), "- ".to_owned(), 18),
    ];
    for (from, to, class) in edits {
        let mut edited = honest.clone();
        edited.checkpoints[last].note = edited.checkpoints[last].note.replacen(&from, &to, 1);
        assert_ne!(edited.checkpoints[last].note, honest.checkpoints[last].note);
        assert_found(&edited.verify(None), sealed - 1, &[class]);
    }

    let backup = Memory::grow(1, 300, 53, 0);
    assert_eq!(backup.verify(None).status, Status::Valid, "out of reach without a checkpoint from elsewhere");
    let restored = backup.verify(Some(&honest.newest()));
    assert_found(&restored, sealed - 1, &[24]);
}

#[test]
fn a_damaged_row_is_a_finding_and_not_the_end() {
    use dvt_ledger::block::Block;
    use dvt_ledger::verify::source::{Damaged, Header, Source, StoredCheckpoint};
    struct Broken(Memory, usize);
    impl Source for Broken {
        type Error = &'static str;
        fn header(&self) -> Result<Header, Self::Error> {
            Ok(self.0.header.clone())
        }
        fn blocks(&self, take: &mut dyn FnMut(Result<Block, Damaged>)) -> Result<(), Self::Error> {
            for (at, block) in self.0.blocks.iter().enumerate() {
                let damaged = Damaged { first_index: block.first_index, detail: "cut".to_owned() };
                take(if at == self.1 { Err(damaged) } else { Ok(block.clone()) });
            }
            if self.1 == usize::MAX { Err("no such page") } else { Ok(()) }
        }
        fn checkpoints(&self, take: &mut dyn FnMut(StoredCheckpoint)) -> Result<(), Self::Error> {
            self.0.checkpoints.iter().for_each(|stored| take(stored.clone()));
            Ok(())
        }
        fn tiles(&self, _: &mut dyn FnMut(TileId)) -> Result<(), Self::Error> {
            Ok(())
        }
        fn tile(&self, id: TileId) -> Result<Option<Vec<u8>>, Self::Error> {
            Ok(self.0.tiles.get(&id).cloned())
        }
    }
    let honest = ledger();
    for at in [0, 7, honest.blocks.len() - 1] {
        let broken = Broken(honest.clone(), at);
        let result =
            verify(&broken, std::slice::from_ref(&honest.signer.key), None, &|| Timestamp::from_ms(0));
        assert_found(&result, honest.blocks[at].first_index, &[1]);
        assert!(result.findings[0].detail.contains("damaged"), "{:?}", result.findings);
    }
    let unreadable = Broken(honest.clone(), usize::MAX);
    let result =
        verify(&unreadable, std::slice::from_ref(&honest.signer.key), None, &|| Timestamp::from_ms(0));
    assert_eq!((result.status, result.findings[0].class), (Status::Incomplete, 0));
}
