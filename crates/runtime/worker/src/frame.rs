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

/// Frames are gathered until there are so many bytes of them, and written together; a longer one alone.
pub(crate) const FULL: usize = 64 << 10;

/// Messages that are taken together at most.
pub(crate) const BATCH: usize = 16;

/// Writes messages that came together with as few calls as they take, each of which wakes the other side.
pub(crate) async fn write<T: Message + Serialize>(
    to: &mut (impl AsyncWrite + Unpin),
    messages: &mut Vec<T>,
) -> Result<(), Error> {
    let (mut frames, mut pushed) = (Vec::new(), Ok(()));
    for message in messages.drain(..) {
        pushed = push(&mut frames, message);
        if pushed.is_err() {
            break;
        }
        if frames.len() >= FULL {
            to.write_all(&frames).await?;
            frames.clear();
        }
    }
    // What came before one that cannot be written is written.
    to.write_all(&frames).await?;
    pushed
}

/// Adds a message behind whole frames; leaves those alone where it fails.
pub(crate) fn push<T: Message + Serialize>(frames: &mut Vec<u8>, mut message: T) -> Result<(), Error> {
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
    frames.reserve(8 + header.len() + body.len());
    frames.extend_from_slice(&header_length.to_be_bytes());
    frames.extend_from_slice(&body_length.to_be_bytes());
    frames.extend_from_slice(&header);
    frames.extend_from_slice(&body);
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
    use std::pin::Pin;
    use std::task::{Context, Poll};

    fn block_on<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    #[test]
    fn a_message_comes_back_with_its_body() {
        let message = ToWorker::Bundle { digest: Digest::of(b"x"), done: true, body: b"body".to_vec() };
        let mut bytes = Vec::new();
        block_on(write(&mut bytes, &mut vec![message.clone()])).unwrap();
        let mut from = bytes.as_slice();
        assert_eq!(block_on(read(&mut from)).unwrap(), Some(message));
        assert_eq!(block_on(read::<ToWorker>(&mut from)).unwrap(), None);
    }

    /// Counts calls.
    #[derive(Default)]
    struct Calls(Vec<Vec<u8>>);

    impl AsyncWrite for Calls {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.0.push(bytes.to_vec());
            Poll::Ready(Ok(bytes.len()))
        }
        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[test]
    fn messages_that_came_together_are_one_call_and_come_back_one_by_one() {
        let part =
            |bytes: usize| ToWorker::Bundle { digest: Digest::of(b"x"), done: false, body: vec![7; bytes] };
        let messages = [ToWorker::Welcome { version: 1 }, part(3), ToWorker::Shutdown];
        let mut calls = Calls::default();
        block_on(write(&mut calls, &mut messages.to_vec())).unwrap();
        assert_eq!(calls.0.len(), 1);
        let bytes = calls.0.concat();
        let mut from = bytes.as_slice();
        for message in messages {
            assert_eq!(block_on(read(&mut from)).unwrap(), Some(message));
        }
        // Not more than is good for the memory of both sides.
        let mut calls = Calls::default();
        block_on(write(&mut calls, &mut vec![part(FULL), part(FULL), part(1)])).unwrap();
        assert_eq!(calls.0.len(), 3);
        // One that cannot be written takes those before it with it no more than those after it.
        let mut calls = Calls::default();
        let broken = block_on(write(&mut calls, &mut vec![part(1), part(MAX_BODY_BYTES + 1), part(1)]));
        assert!(matches!(broken, Err(Error::TooLong { .. })));
        let bytes = calls.0.concat();
        let mut from = bytes.as_slice();
        assert_eq!(block_on(read(&mut from)).unwrap(), Some(part(1)));
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
