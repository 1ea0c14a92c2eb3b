//! Frames of the worker link: header length and body length (32-bit big-endian), a JSON header, a raw body.
//!
//! Both lengths are checked before anything is read for them.

use crate::protocol::{MAX_BODY_BYTES, MAX_HEADER_BYTES, Message};
use serde::{Serialize, de::DeserializeOwned};
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// A frame that is none.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The connection broke.
    #[error("the link broke: {0}")]
    Io(#[from] io::Error),
    /// Header or body longer than allowed.
    #[error("a frame of {header} and {body} bytes is longer than allowed")]
    TooLong { header: usize, body: usize },
    /// Not the JSON expected.
    #[error("a header cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    /// A body where none belongs.
    #[error("a message came with a body that it cannot have")]
    UnexpectedBody,
}

/// Writes one message.
pub(crate) async fn write<T: Message + Serialize>(
    to: &mut (impl AsyncWrite + Unpin),
    mut message: T,
) -> Result<(), Error> {
    let body = message.take_body();
    let header = serde_json::to_vec(&message)?;
    let too_long = Error::TooLong { header: header.len(), body: body.len() };
    if header.len() > MAX_HEADER_BYTES || body.len() > MAX_BODY_BYTES {
        return Err(too_long);
    }
    let (Ok(header_length), Ok(body_length)) = (u32::try_from(header.len()), u32::try_from(body.len()))
    else {
        return Err(too_long);
    };
    let mut frame = Vec::with_capacity(8 + header.len() + body.len());
    frame.extend_from_slice(&header_length.to_be_bytes());
    frame.extend_from_slice(&body_length.to_be_bytes());
    frame.extend_from_slice(&header);
    frame.extend_from_slice(&body);
    to.write_all(&frame).await?;
    Ok(())
}

/// Reads one message; `None` at the end of the stream between two of them.
pub(crate) async fn read<T: Message + DeserializeOwned>(
    from: &mut (impl AsyncRead + Unpin),
) -> Result<Option<T>, Error> {
    let header = match from.read_u32().await {
        Ok(length) => length as usize,
        Err(error) if is_end(&error) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let body = from.read_u32().await? as usize;
    if header > MAX_HEADER_BYTES || body > MAX_BODY_BYTES {
        return Err(Error::TooLong { header, body });
    }
    let (mut header, mut body) = (vec![0; header], vec![0; body]);
    from.read_exact(&mut header).await?;
    from.read_exact(&mut body).await?;
    let mut message: T = serde_json::from_slice(&header)?;
    if message.put_body(body) { Ok(Some(message)) } else { Err(Error::UnexpectedBody) }
}

fn is_end(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{FromWorker, ToWorker};
    use dvt_model::digest::Digest;

    fn block_on<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    #[test]
    fn a_message_comes_back_with_its_body() {
        let message = ToWorker::Bundle { digest: Digest::of(b"x"), done: true, body: b"body".to_vec() };
        let mut bytes = Vec::new();
        block_on(write(&mut bytes, message.clone())).unwrap();
        let mut from = bytes.as_slice();
        assert_eq!(block_on(read(&mut from)).unwrap(), Some(message));
        assert_eq!(block_on(read::<ToWorker>(&mut from)).unwrap(), None);
    }

    #[test]
    fn lengths_are_refused_before_their_bytes_come_and_bodies_where_none_belong() {
        let long = [0xff; 8];
        assert!(matches!(block_on(read::<ToWorker>(&mut long.as_slice())), Err(Error::TooLong { .. })));
        let header = br#"{"type":"heartbeat","running":[]}"#;
        let lengths = [u32::try_from(header.len()).unwrap().to_be_bytes(), 1_u32.to_be_bytes()].concat();
        let bytes = [&lengths[..], header, b"x"].concat();
        assert!(matches!(block_on(read::<FromWorker>(&mut bytes.as_slice())), Err(Error::UnexpectedBody)));
        let cut = &bytes[..20];
        assert!(matches!(block_on(read::<FromWorker>(&mut &cut[..])), Err(Error::Io(_))));
    }
}
