//! What the ledger says about itself, in envelopes, so that public keys suffice to hold the store to it (contract 7.1, 7.6).
//!
//! An envelope has no free fields: what is announced stands in its `resource`, whose id is under the leaf. One function a
//! notice makes that resource, and [`Notice::read`] takes it back; the verifier knows no other spelling. Surprising: a new
//! checkpoint key is announced with its whole public half, so that whoever trusts the old one learns the new one from it.

use crate::tile::WIDTH;
use crate::verifier_key::VerifierKey;
use dvt_model::id::KeyId;
use dvt_model::resource::ResourceRef;

/// `eventName` of a new checkpoint key (LEDGER_EVENT); the first checkpoint over it bears both signatures.
pub const CHECKPOINT_KEY_ROTATED: &str = "CheckpointKeyRotated";
/// `eventName` of a pruning (LEDGER_EVENT).
pub const LEDGER_PRUNED: &str = "LedgerPruned";
/// `eventName` of a reading (LEDGER_EVENT).
pub const LEDGER_READ: &str = "LedgerRead";
/// `eventName` of an export (LEDGER_EVENT).
pub const LEDGER_EXPORTED: &str = "LedgerExported";
/// `eventName` of a payload key's end (KEY_EVENT).
pub const PAYLOAD_ERASED: &str = "PayloadErased";
/// `eventName` of a key that is about to be used (KEY_EVENT).
pub const KEY_ROTATION_STARTED: &str = "KeyRotationStarted";
/// `eventName` of a key that has taken over (KEY_EVENT).
pub const KEY_ROTATION_COMPLETED: &str = "KeyRotationCompleted";

const CHECKPOINT_KEY: &str = "checkpoint-key";
const MAC_KEY: &str = "mac-key";
const KEY: &str = "key";
const ENTRY: &str = "entry";

/// What an entry announces.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Notice {
    /// From the next checkpoint on this key signs.
    CheckpointKey(VerifierKey),
    /// From here on blocks may bear MACs of this key.
    MacKey(KeyId),
    /// Payloads under this key are gone.
    Erased(KeyId),
    /// Envelopes below this index are gone.
    Pruned(u64),
}

/// The resource of [`CHECKPOINT_KEY_ROTATED`].
pub fn checkpoint_key(key: &VerifierKey) -> ResourceRef {
    resource(CHECKPOINT_KEY, key.to_string())
}

/// The resource of [`KEY_ROTATION_STARTED`] and [`KEY_ROTATION_COMPLETED`] of a MAC key; one of them stands before the first
/// block under it, or in that block.
pub fn mac_key(key: KeyId) -> ResourceRef {
    resource(MAC_KEY, key.to_string())
}

/// The resource of [`PAYLOAD_ERASED`], and of rotations of keys that no verifier asks about.
pub fn key(key: KeyId) -> ResourceRef {
    resource(KEY, key.to_string())
}

/// The resource of [`LEDGER_PRUNED`]: the first entry that is left. It begins a block and is at most [`prunable`].
pub fn first_left(index: u64) -> ResourceRef {
    resource(ENTRY, index.to_string())
}

/// Up to where a ledger may be pruned: below it lie full tiles, which keep the leaves that proofs need.
pub const fn prunable(sealed_size: u64) -> u64 {
    sealed_size - sealed_size % WIDTH as u64
}

fn resource(resource_type: &str, id: String) -> ResourceRef {
    ResourceRef { resource_type: resource_type.to_owned(), id }
}

impl Notice {
    /// What an entry of this type, name and resource announces; `None` where it announces nothing that is asked about.
    pub fn read(event_type: &str, event_name: Option<&str>, resource: &ResourceRef) -> Option<Self> {
        let id = resource.id.as_str();
        match (event_type, event_name?, resource.resource_type.as_str()) {
            ("LEDGER_EVENT", CHECKPOINT_KEY_ROTATED, CHECKPOINT_KEY) => {
                VerifierKey::parse(id).ok().map(Self::CheckpointKey)
            }
            ("LEDGER_EVENT", LEDGER_PRUNED, ENTRY) => id.parse().ok().map(Self::Pruned),
            ("KEY_EVENT", PAYLOAD_ERASED, KEY) => KeyId::parse(id).ok().map(Self::Erased),
            ("KEY_EVENT", KEY_ROTATION_STARTED | KEY_ROTATION_COMPLETED, MAC_KEY) => {
                KeyId::parse(id).ok().map(Self::MacKey)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_notice_comes_back_from_its_own_entry_alone() {
        let id = KeyId::from_random([3; 16]);
        let signer = VerifierKey::new("dvt/ledger/x", [7; 32]).unwrap();
        let all = [
            ("LEDGER_EVENT", CHECKPOINT_KEY_ROTATED, checkpoint_key(&signer), Notice::CheckpointKey(signer)),
            ("LEDGER_EVENT", LEDGER_PRUNED, first_left(512), Notice::Pruned(512)),
            ("KEY_EVENT", PAYLOAD_ERASED, key(id), Notice::Erased(id)),
            ("KEY_EVENT", KEY_ROTATION_STARTED, mac_key(id), Notice::MacKey(id)),
            ("KEY_EVENT", KEY_ROTATION_COMPLETED, mac_key(id), Notice::MacKey(id)),
        ];
        for (kind, name, resource, notice) in &all {
            assert_eq!(Notice::read(kind, Some(name), resource), Some(notice.clone()));
            assert_eq!(Notice::read("AUTH_DECISION", Some(name), resource), None);
            assert_eq!(Notice::read(kind, None, resource), None);
            assert_eq!(Notice::read(kind, Some("LedgerRead"), resource), None);
        }
        assert_eq!(Notice::read("KEY_EVENT", Some(KEY_ROTATION_COMPLETED), &key(id)), None);
        assert_eq!([prunable(0), prunable(255), prunable(700)], [0, 0, 512]);
    }
}
