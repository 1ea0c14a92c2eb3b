//! The layers that need keys: an unsealed entry whose leaf was computed anew falls to the MAC alone (INV-03), a replaced
//! payload to its commitment. And the cost: one pass, linear.

use crate::memory::{Memory, releaf};
use dvt_ledger::block::Block;
use dvt_ledger::leaf::payload_commit;
use dvt_ledger::verify::result::{Layer, Status, VerificationResult};
use dvt_ledger::verify::source::{MacCheck, Opened, Payload};
use dvt_ledger::verify::verify_with_keys;
use dvt_model::entry::PayloadCommit;
use dvt_model::id::KeyId;
use dvt_model::time::Timestamp;
use serde_json::json;
use std::convert::Infallible;

struct Keys {
    ledger: Memory,
    payload: Payload,
}

impl Opened for Keys {
    type Error = Infallible;
    fn mac(&mut self, block: &Block) -> Result<MacCheck, Infallible> {
        if ![9, 7].map(|byte| KeyId::from_random([byte; 16])).contains(&block.mac_key_id) {
            return Ok(MacCheck::KeyMissing);
        }
        Ok(if self.ledger.mac_of(block) == block.mac { MacCheck::Valid } else { MacCheck::Invalid })
    }
    fn payload(&mut self, _: &Block, _: usize, _: &PayloadCommit) -> Result<Payload, Infallible> {
        Ok(self.payload.clone())
    }
}

fn check(ledger: &Memory, payload: Payload) -> VerificationResult {
    let mut keys = Keys { ledger: ledger.clone(), payload };
    let key = std::slice::from_ref(&ledger.signer.key);
    verify_with_keys(ledger, key, None, &mut keys, &|| Timestamp::from_ms(0))
}

#[test]
fn above_the_last_checkpoint_the_mac_speaks() {
    let honest = Memory::grow(1, 100, 53, 10);
    let valid = check(&honest, Payload::Erased);
    assert_eq!((valid.status, valid.unsealed), (Status::Valid, 10), "control");
    assert!(valid.layers.contains(&Layer::Mac));
    let index = honest.header.next_index - 3;
    let mut changed = honest.clone();
    changed.change(index, true, |envelope| envelope["decision"] = json!("DENIED"));
    assert_eq!(changed.verify(None).status, Status::Valid, "control: without keys nothing tells");
    let result = check(&changed, Payload::Erased);
    assert!(result.status == Status::Invalid && result.findings[0].covers(index), "{:?}", result.findings);
    let mut unknown = honest.clone();
    let (at, _) = unknown.find(index);
    unknown.blocks[at].mac_key_id = KeyId::from_random([8; 16]);
    assert_eq!(check(&unknown, Payload::Erased).status, Status::Invalid);
}

/// Class 23 of the MAC: another key makes MACs only after an entry says so.
#[test]
fn another_mac_key_is_announced() {
    for announced in [true, false] {
        let mut ledger = Memory::grow(1, 100, 53, 0);
        let next = KeyId::from_random([7; 16]);
        let resource = if announced {
            dvt_ledger::announce::mac_key(next)
        } else {
            dvt_ledger::announce::mac_key(KeyId::from_random([6; 16]))
        };
        ledger.add_special(json!({ "eventType": "KEY_EVENT", "eventName": "KeyRotationStarted",
            "action": "KEY_ROTATE", "resource": resource }));
        ledger.add_act();
        ledger.blocks.last_mut().unwrap().mac_key_id = next;
        ledger.seal(1_000_000, 0);
        let result = check(&ledger, Payload::Erased);
        let found = result.findings.first().map(|finding| finding.class);
        assert_eq!(found, (!announced).then_some(23), "{:?}", result.findings);
        assert_eq!(ledger.verify(None).status, Status::Valid, "without keys nobody asks");
    }
}

#[test]
fn payloads_are_checked_by_commitment_and_erasures_by_tombstone() {
    let (salt, canonical) = ([5; 32], br#"{"a":1}"#.to_vec());
    let commit = payload_commit(&salt, &canonical);
    let key_id = KeyId::from_random([3; 16]);
    let mut ledger = Memory::grow(1, 20, 7, 0);
    let index = ledger.header.next_index;
    ledger.add_special(json!({ "eventType": "AUTH_DECISION", "action": "RUN_START", "decision": "GRANTED",
        "resource": { "type": "run", "id": "run_07070707-0707-4707-8707-070707070707" },
        "payloads": [{ "class": "standard", "keyId": key_id, "commit": commit }] }));
    ledger.seal(1_000_000, 0);

    let open = Payload::Open { salt, canonical: canonical.clone() };
    let result = check(&ledger, open.clone());
    assert_eq!(
        (result.status, result.payloads_checked),
        (Status::Valid, 1),
        "control: {:?}",
        result.findings
    );
    for wrong in [
        Payload::Open { salt, canonical: br#"{"a":2}"#.to_vec() },
        Payload::Open { salt: [6; 32], canonical },
        Payload::Refused("does not open".to_owned()),
    ] {
        let finding = check(&ledger, wrong).findings.remove(0);
        assert_eq!((finding.class, finding.index), (13, Some(index)));
    }

    let finding = check(&ledger, Payload::Erased).findings.remove(0);
    assert_eq!((finding.class, finding.index), (25, Some(index)), "erased, and no entry says so");
    ledger.add_special(
        json!({ "eventType": "KEY_EVENT", "eventName": "PayloadErased", "action": "LEDGER_SEAL",
        "resource": { "type": "key", "id": key_id } }),
    );
    ledger.seal(1_000_000, 0);
    let erased = check(&ledger, Payload::Erased);
    assert_eq!((erased.status, erased.erased), (Status::Valid, 1), "{:?}", erased.findings);
}

/// 66,000 entries have an inner tile. The time is printed; a gate on it stands in `cargo xtask bench`.
#[test]
fn a_large_ledger_is_read_once_and_its_inner_tile_is_checked() {
    let honest = Memory::grow(1, 66_000, 10_000, 5);
    let began = std::time::Instant::now();
    let result = honest.verify(None);
    println!("{} entries verified in {:?}", result.entries_checked, began.elapsed());
    assert_eq!(result.status, Status::Valid, "{:?}", result.findings);
    let mut altered = honest.clone();
    let inner = altered.tiles.keys().copied().find(|id| id.level == 1).unwrap();
    altered.tiles.get_mut(&inner).unwrap()[40] ^= 1;
    let result = altered.verify(None);
    assert_eq!((result.status, result.findings[0].class, result.findings.len()), (Status::Invalid, 15, 1));
    // A change inside an entry far down is placed although everything behind it differs, too.
    let mut changed = honest;
    let (at, position) = changed.find(50_000);
    changed.blocks[at].leaf_salts[position][0] ^= 1;
    releaf(&mut changed.blocks[at]);
    let result = changed.verify(None);
    assert!(result.findings.iter().any(|finding| finding.index == Some(50_000)), "{:?}", result.findings);
}
