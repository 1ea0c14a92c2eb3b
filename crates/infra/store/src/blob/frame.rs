//! Frames: a length (32 bits, big endian) and that many sealed bytes.

use crate::port::error::Error;
use crate::seal::keyring::SealKey;
use crate::tenant::Ground;
use dvt_model::id::BlobId;

/// Plain bytes of a frame.
pub(crate) const PLAIN: usize = 64 * 1024;
/// The most that sealing adds; a longer frame is damage.
const MOST: usize = PLAIN + 1024;

/// Which frame.
#[derive(Clone, Copy)]
pub(crate) struct At {
    /// Of which blob.
    pub(crate) blob: BlobId,
    /// From 0.
    pub(crate) number: u64,
    /// Whether it ends the blob; a log has no end.
    pub(crate) last: bool,
}

fn row(at: At) -> String {
    format!("{}|{}", at.blob.key(), if at.last { "last" } else { "more" })
}

/// Seals a frame, length before it.
pub(crate) fn seal(tenant: &Ground, key: &SealKey, at: At, plain: &[u8]) -> Result<Vec<u8>, Error> {
    let sealed = key.seal(&tenant.keyring, ("blob", "frame"), &row(at), at.number, plain)?;
    let length =
        u32::try_from(sealed.len()).map_err(|_| Error::Contract("a frame is too long".to_owned()))?;
    let mut out = length.to_be_bytes().to_vec();
    out.extend_from_slice(&sealed);
    Ok(out)
}

/// Opens a frame.
pub(crate) fn open(tenant: &Ground, key: &SealKey, at: At, sealed: &[u8]) -> Result<Vec<u8>, Error> {
    key.open(&tenant.keyring, ("blob", "frame"), &row(at), at.number, sealed)
}

/// The frames of a file and where the whole ones end.
pub(crate) struct Split<'a> {
    /// Complete frames.
    pub(crate) whole: Vec<&'a [u8]>,
    /// Bytes up to the end of each of them.
    pub(crate) ends: Vec<u64>,
}

/// Cuts a file into frames; a torn tail is left out.
pub(crate) fn split(mut bytes: &[u8]) -> Split<'_> {
    let (mut whole, mut ends, mut end) = (Vec::new(), Vec::new(), 0u64);
    while let Some((length, rest)) = bytes.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        let Some((sealed, behind)) = rest.split_at_checked(length).filter(|_| (1..=MOST).contains(&length))
        else {
            break;
        };
        end += 4 + length as u64;
        whole.push(sealed);
        ends.push(end);
        bytes = behind;
    }
    Split { whole, ends }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_tail_ends_the_file() {
        let mut bytes = vec![0, 0, 0, 2, 7, 7, 0, 0, 0, 1, 9];
        assert_eq!(split(&bytes).whole, [&[7u8, 7][..], &[9]]);
        assert_eq!(split(&bytes).ends, [6, 11]);
        bytes.extend_from_slice(&[0, 0, 0, 5, 1]);
        assert_eq!(split(&bytes).whole.len(), 2);
        assert_eq!(split(&[0, 0, 0, 0, 0]).whole.len(), 0);
        assert_eq!(split(&[255; 64]).whole.len(), 0);
    }
}
