//! The key hierarchy, envelope encryption, MAC and checkpoint signing (contract 6.4, 7.3).
//!
//! Root key, tenant KEK, and under it data, MAC, run, subject and link keys: all drawn at random, all wrapped, none derived from
//! another level. It refuses to show a key: no type here that holds one has `Debug`, `Display`, `Clone` or `Serialize`,
//! and each is zeroized on drop. The surprising rule: the checkpoint key hangs under the root and not under the KEK, so
//! that a process which only signs needs no key that opens data.

pub mod aad;
pub mod audit;
pub mod backup;
pub mod checkpoint;
pub mod data;
pub mod entropy;
pub mod error;
pub mod mac;
pub mod root;
pub mod rotation;
mod seal;
mod secret;
pub mod tenant;
pub mod wrap;

pub use aad::Aad;
pub use audit::AuditKek;
pub use checkpoint::CheckpointSigner;
pub use data::DataKey;
pub use error::Error;
pub use mac::MacKey;
pub use root::RootKey;
pub use rotation::Custody;
pub use tenant::TenantKeys;
pub use wrap::{Purpose, WrappedKey};
