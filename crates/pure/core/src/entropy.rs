//! Ids that the core needs (contract 5.8): the n-th of a command is a function of the command's entropy alone.

use dvt_model::digest::Digest;

/// The 16 bytes of the n-th id, from 0: the first half of SHA-256(entropy || u32be(n)). The constructor of the id sets
/// the version bits.
pub fn nth(entropy: &[u8; 32], n: u32) -> [u8; 16] {
    let digest = Digest::of_parts(&[entropy, &n.to_be_bytes()]);
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(digest.0) {
        *to = from;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use dvt_model::id::RunId;

    #[test]
    fn each_n_is_another_id_and_always_the_same() {
        assert_eq!(nth(&[7; 32], 0), nth(&[7; 32], 0));
        assert_ne!(nth(&[7; 32], 0), nth(&[7; 32], 1));
        assert_ne!(nth(&[7; 32], 0), nth(&[8; 32], 0));
        let digest = Digest::of(&[[7u8; 32].as_slice(), &[0, 0, 0, 3]].concat());
        assert_eq!(nth(&[7; 32], 3), digest.0[..16]);
        let id = RunId::from_random(nth(&[7; 32], 3));
        assert_eq!(RunId::parse(&id.to_string()), Ok(id));
    }
}
