//! Sealing of payloads, documents, names, snapshots and cursors. Keys come from [`keyring`], the one place that holds them.

pub(crate) mod cursor;
pub(crate) mod document;
pub(crate) mod keyring;
pub(crate) mod opener;
pub(crate) mod payload;
pub(crate) mod plans;
pub(crate) mod rows;

/// Bytes of chance.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    dvt_keys::entropy::random()
}
