//! Frames: four bytes of length, then JSON. Longer than [`MAX_BYTES`] ends the connection.

use crate::Problem;
use dvt_model::code::Code;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// The largest frame: a plan (8 MiB) and its inputs (1 MiB), each at most doubled by being quoted.
pub(crate) const MAX_BYTES: usize = 20 * 1024 * 1024;

fn broken(what: impl std::fmt::Display) -> Problem {
    Problem::new(Code::ServiceDegraded, format!("the connection to the engine broke: {what}"))
}

/// Writes one frame.
pub(crate) async fn write<T: Serialize>(to: &mut (impl AsyncWrite + Unpin), item: &T) -> Result<(), Problem> {
    let bytes = serde_json::to_vec(item).map_err(broken)?;
    let length = u32::try_from(bytes.len()).ok().filter(|_| bytes.len() <= MAX_BYTES);
    let length =
        length.ok_or_else(|| Problem::new(Code::PayloadTooLarge, "the request is larger than a frame"))?;
    to.write_all(&length.to_be_bytes()).await.map_err(broken)?;
    to.write_all(&bytes).await.map_err(broken)?;
    to.flush().await.map_err(broken)
}

/// Reads one frame; `None` at the end of the connection.
pub(crate) async fn read<T: DeserializeOwned>(
    from: &mut (impl AsyncRead + Unpin),
) -> Result<Option<T>, Problem> {
    let mut length = [0u8; 4];
    match from.read_exact(&mut length).await {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(broken(error)),
    }
    let length = usize::try_from(u32::from_be_bytes(length)).map_err(broken)?;
    if length > MAX_BYTES {
        return Err(broken("a frame is too long"));
    }
    let mut bytes = vec![0u8; length];
    from.read_exact(&mut bytes).await.map_err(broken)?;
    serde_json::from_slice(&bytes).map(Some).map_err(broken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn frames_come_back_and_long_ones_are_refused() {
        let (mut left, mut right) = tokio::io::duplex(1 << 16);
        write(&mut left, &vec!["a", "b"]).await.unwrap();
        assert_eq!(read::<Vec<String>>(&mut right).await.unwrap().unwrap(), ["a", "b"]);
        left.write_all(&u32::MAX.to_be_bytes()).await.unwrap();
        assert!(read::<Vec<String>>(&mut right).await.is_err());
        drop(left);
        assert_eq!(read::<Vec<String>>(&mut right).await, Ok(None));
    }
}
