//! Bytes and descriptors over a Unix socket (`SCM_RIGHTS`). Received descriptors are close-on-exec from the first moment.

use rustix::cmsg_space;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use std::collections::VecDeque;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Descriptors of one message: the three streams of a step.
pub const STREAMS: usize = 3;

/// Sends what fits of `bytes`, with the descriptors on its first byte. Returns the number of bytes taken.
pub fn send(socket: impl AsFd, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(STREAMS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    Ok(sendmsg(socket, &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL)?)
}

/// What came over a socket and is not used yet.
#[derive(Debug, Default)]
pub struct Inbox {
    /// Bytes, in order.
    pub bytes: Vec<u8>,
    /// Descriptors, in order.
    pub descriptors: VecDeque<OwnedFd>,
}

impl Inbox {
    /// Takes what lies ready, without waiting; `false` at the end of the stream.
    pub fn fill(&mut self, socket: impl AsFd) -> io::Result<bool> {
        let mut chunk = [0; 16 << 10];
        let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(STREAMS))];
        loop {
            let mut control = RecvAncillaryBuffer::new(&mut space);
            let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
            let received = match recvmsg(&socket, &mut [IoSliceMut::new(&mut chunk)], &mut control, flags) {
                Ok(received) => received,
                Err(rustix::io::Errno::AGAIN) => return Ok(true),
                Err(rustix::io::Errno::INTR) => continue,
                // The other side ended with something of ours unread: an end like any other.
                Err(rustix::io::Errno::CONNRESET) => return Ok(false),
                Err(error) => return Err(error.into()),
            };
            for message in control.drain() {
                if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                    self.descriptors.extend(descriptors);
                }
            }
            if received.flags.contains(ReturnFlags::CTRUNC) {
                return Err(io::ErrorKind::InvalidData.into());
            }
            if received.bytes == 0 {
                return Ok(false);
            }
            self.bytes.extend(chunk.iter().take(received.bytes));
        }
    }
}
