//! From the file that the store wrote to those that attackers start from: checkpoint keys that the harness holds, one change of
//! keys in the middle, an erasure that is announced, and the same ledger pruned.
//!
//! The store keeps its checkpoint key to itself, so the harness signs every checkpoint again: the first half with a key that is
//! retired then, the second with its successor, the one between with both.

use super::file::File;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use dvt_ledger::checkpoint::{Checkpoint, origin};
use dvt_ledger::note::{Signature, SignedNote};
use dvt_ledger::verifier_key::VerifierKey;
use dvt_model::canonical;
use dvt_model::id::LedgerId;
use serde_json::Value;

/// A checkpoint key of the harness.
pub struct Signer {
    seed: [u8; 32],
    /// Its public half.
    pub key: VerifierKey,
}

impl Signer {
    fn new(ledger: LedgerId, seed: u8) -> Result<Self, String> {
        let seed = [seed; 32];
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|error| error.to_string())?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| "a public key".to_owned())?;
        let key = VerifierKey::new(&origin(ledger), public).map_err(|error| error.to_string())?;
        Ok(Self { seed, key })
    }

    fn signature(&self, text: &str) -> Option<Signature> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&self.seed).ok()?;
        let bytes = pair.sign(text.as_bytes()).as_ref().to_vec();
        Some(Signature { name: self.key.name().to_owned(), key_hash: self.key.hash(), bytes })
    }

    /// A note.
    pub fn sign(&self, checkpoint: &Checkpoint) -> String {
        self.sign_with(checkpoint, None)
    }

    /// A note with a second signature.
    pub fn sign_with(&self, checkpoint: &Checkpoint, other: Option<&Self>) -> String {
        let text = checkpoint.body();
        let first = other.and_then(|other| other.signature(&text));
        let signatures = first.into_iter().chain(self.signature(&text)).collect();
        SignedNote { text, signatures }.to_string()
    }
}

/// The keys of a ledger's checkpoints.
pub struct Keys {
    /// The first one.
    pub retired: Signer,
    /// Its successor.
    pub present: Signer,
    /// One that the reader trusts and no entry announces.
    pub stray: Signer,
}

impl Keys {
    /// Draws them.
    pub fn new(ledger: LedgerId) -> Result<Self, String> {
        let [retired, present, stray] = [1, 2, 3].map(|seed| Signer::new(ledger, seed));
        Ok(Self { retired: retired?, present: present?, stray: stray? })
    }

    /// What a reader is given: one key a line.
    pub fn text(&self) -> String {
        [&self.retired, &self.present, &self.stray].map(|signer| format!("{}\n", signer.key)).concat()
    }

    /// The same, read.
    pub fn public(&self) -> Vec<VerifierKey> {
        [&self.retired, &self.present, &self.stray].map(|signer| signer.key.clone()).to_vec()
    }

    /// The key in use at a checkpoint.
    pub fn active_at(&self, file: &File, number: usize) -> &Signer {
        let before = file.checkpoints.get(..number).unwrap_or_default();
        let has_come = before.iter().any(|(_, note)| note.matches('\u{2014}').count() == 2);
        if has_come { &self.present } else { &self.retired }
    }

    /// Signs every checkpoint again; the one that first covers `announced` bears both signatures.
    pub fn sign_all(&self, file: &mut File, announced: u64) -> Result<(), String> {
        let mut has_come = false;
        for (size, note) in &mut file.checkpoints {
            let read = SignedNote::parse(note).map_err(|error| error.to_string())?;
            let checkpoint = Checkpoint::parse(&read.text).map_err(|error| error.to_string())?;
            *note = match (has_come, *size > announced) {
                (false, false) => self.retired.sign(&checkpoint),
                (false, true) => self.present.sign_with(&checkpoint, Some(&self.retired)),
                (true, _) => self.present.sign(&checkpoint),
            };
            has_come |= *size > announced;
        }
        Ok(())
    }
}

/// An envelope with a change in it, in its one spelling.
pub fn canonical_with(envelope: &[u8], change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let Ok(mut value) = serde_json::from_slice::<Value>(envelope) else { return envelope.to_vec() };
    change(&mut value);
    canonical::to_bytes(&value).unwrap_or_default()
}
