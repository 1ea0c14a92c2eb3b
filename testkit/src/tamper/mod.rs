//! Tampering with a ledger file: an honest one from the real store, attackers who repair what they can, and two verifiers that must
//! find and place every change.

pub mod attack;
pub mod file;
pub mod grow;
pub mod judge;
pub mod second;
pub mod shape;
pub mod stage;
