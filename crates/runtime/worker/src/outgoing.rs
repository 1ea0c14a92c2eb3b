//! What goes to the worker, in its order. Whoever has said something writes it himself: nobody has to be woken for it. What the
//! socket does not take at once, and what comes after that, a task writes.
//!
//! Nothing here waits but that task. A worker that is gone takes no more, and nobody is told here: its end is heard. What waits lies here, so whoever says much must know that it is read.

use crate::frame::{self, FULL};
use crate::protocol::{MAX_BODY_BYTES, ToWorker};
use dvt_model::digest::Digest;
use std::collections::VecDeque;
use std::io::{Error, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::unix::OwnedWriteHalf;
use tokio::sync::Notify;

/// One thing that waits.
#[derive(Debug)]
enum Item {
    Message(ToWorker),
    /// A packed bundle, from some byte on: it is cut into parts only when they are written.
    Bundle {
        digest: Digest,
        bytes: Arc<Vec<u8>>,
        from: usize,
    },
}

/// What is not in the socket yet.
#[derive(Debug, Default)]
struct Line {
    /// Whole frames, or the rest of one: before everything else.
    frames: Vec<u8>,
    items: VecDeque<Item>,
    /// The task has taken frames and is not done with them.
    is_writing: bool,
    /// Nothing can be written any more.
    has_ended: bool,
}

impl Line {
    fn waits(&self) -> bool {
        !self.frames.is_empty() || !self.items.is_empty()
    }

    /// Makes frames of what waits, as many as are written together.
    fn gather(&mut self) -> Result<(), Error> {
        while self.frames.len() < FULL {
            let message = match self.items.pop_front() {
                None => break,
                Some(Item::Message(message)) => message,
                Some(Item::Bundle { digest, bytes, from }) => {
                    let to = from.saturating_add(MAX_BODY_BYTES).min(bytes.len());
                    let body = bytes.get(from..to).unwrap_or_default().to_vec();
                    // The last part is an empty one.
                    let done = body.is_empty();
                    if !done {
                        self.items.push_front(Item::Bundle { digest, bytes, from: to });
                    }
                    ToWorker::Bundle { digest, done, body }
                }
            };
            frame::push(&mut self.frames, message).map_err(Error::other)?;
        }
        Ok(())
    }
}

/// The way to the worker. The socket is closed in this direction when it is dropped.
#[derive(Debug)]
pub(crate) struct Outgoing {
    socket: OwnedWriteHalf,
    line: Mutex<Line>,
    /// Something waits for the task.
    waits: Notify,
}

impl Outgoing {
    pub(crate) fn new(socket: OwnedWriteHalf) -> Self {
        Self { socket, line: Mutex::default(), waits: Notify::new() }
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says something, after what was said before. It goes with the next [`Outgoing::flush`].
    pub(crate) fn say(&self, message: ToWorker) {
        self.add(Item::Message(message));
    }

    /// Says a bundle in parts, after what was said before.
    pub(crate) fn say_bundle(&self, digest: Digest, bytes: Arc<Vec<u8>>) {
        self.add(Item::Bundle { digest, bytes, from: 0 });
    }

    fn add(&self, item: Item) {
        let mut line = self.line();
        if !line.has_ended {
            line.items.push_back(item);
        }
    }

    /// Writes what waits, as far as the socket takes it at once; the rest is the task's. One write for all of it, for each wakes
    /// the worker.
    pub(crate) fn flush(&self) {
        let mut line = self.line();
        // While the task writes nobody overtakes it; it looks for more by itself.
        if line.is_writing || line.has_ended {
            return;
        }
        let written = line.gather().and_then(|()| match line.frames.is_empty() {
            true => Ok(0),
            false => self.socket.try_write(&line.frames),
        });
        match written {
            Ok(written) => drop(line.frames.drain(..written)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => line.has_ended = true,
        }
        if line.has_ended || line.waits() {
            self.waits.notify_one();
        }
    }

    /// Writes what could not be written at once, until nothing can be written any more.
    pub(crate) async fn serve(&self) {
        loop {
            let written = match self.take() {
                Ok(frames) if frames.is_empty() => {
                    self.waits.notified().await;
                    continue;
                }
                Ok(frames) => self.write_all(&frames).await,
                Err(error) => Err(error),
            };
            if written.is_err() {
                self.line().has_ended = true;
                return;
            }
        }
    }

    /// Takes what is to be written next.
    fn take(&self) -> Result<Vec<u8>, Error> {
        let mut line = self.line();
        if line.has_ended {
            return Err(ErrorKind::BrokenPipe.into());
        }
        line.gather()?;
        line.is_writing = !line.frames.is_empty();
        Ok(std::mem::take(&mut line.frames))
    }

    async fn write_all(&self, mut frames: &[u8]) -> Result<(), Error> {
        while !frames.is_empty() {
            self.socket.writable().await?;
            match self.socket.try_write(frames) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => frames = frames.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::VERSION;
    use std::io::Read;
    use std::os::unix::net::UnixStream;
    use tokio::runtime::{Builder, Runtime};

    fn pair() -> (Runtime, Arc<Outgoing>, UnixStream) {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let entered = runtime.enter();
        let (_, half) = tokio::net::UnixStream::from_std(ours).unwrap().into_split();
        drop(entered);
        (runtime, Arc::new(Outgoing::new(half)), theirs)
    }

    fn frame_of(message: ToWorker) -> Vec<u8> {
        let mut frame = Vec::new();
        frame::push(&mut frame, message).unwrap();
        frame
    }

    fn part(number: usize) -> ToWorker {
        let body = vec![u8::try_from(number % 251).unwrap(); 1 + number * 37 % 20_000];
        ToWorker::Bundle { digest: Digest::of(b"x"), done: false, body }
    }

    #[test]
    fn who_finds_nothing_waiting_writes_it_himself() {
        let (runtime, outgoing, mut theirs) = pair();
        // No task serves: whatever comes was written by whoever said it.
        runtime.block_on(outgoing.socket.writable()).unwrap();
        let message = ToWorker::Welcome { version: VERSION };
        outgoing.say(message.clone());
        outgoing.say(message.clone());
        theirs.set_nonblocking(true).unwrap();
        assert!(theirs.read(&mut [0]).is_err(), "it goes with what is said after it");
        outgoing.flush();
        let mut bytes = vec![0; 1_000];
        let length = theirs.read(&mut bytes).unwrap();
        assert_eq!(bytes[..length], [frame_of(message.clone()), frame_of(message)].concat());
    }

    #[test]
    fn everything_comes_in_its_order_however_slowly_it_is_read() {
        let (runtime, outgoing, mut theirs) = pair();
        let bundle: Vec<u8> = (0..3 * MAX_BODY_BYTES / 2).map(|at| u8::try_from(at % 249).unwrap()).collect();
        let mut expected = Vec::new();
        let digest = Digest::of(&bundle);
        for number in 0..400 {
            expected.extend(frame_of(part(number)));
            if number == 200 {
                for (body, done) in
                    bundle.chunks(MAX_BODY_BYTES).map(|body| (body, false)).chain([(&[][..], true)])
                {
                    expected.extend(frame_of(ToWorker::Bundle { digest, done, body: body.to_vec() }));
                }
            }
        }
        let length = expected.len();
        let reader = std::thread::spawn(move || {
            let mut bytes = vec![0; length];
            // In pieces of all lengths, so that frames are cut anywhere.
            let (mut at, mut piece) = (0, 1);
            while at < length {
                let to = (at + piece).min(length);
                at += theirs.read(&mut bytes[at..to]).unwrap();
                piece = piece * 7 % 4_099 + 1;
            }
            bytes
        });
        runtime.block_on(async {
            let serving = Arc::clone(&outgoing);
            let serving = tokio::spawn(async move { serving.serve().await });
            for number in 0..400 {
                outgoing.say(part(number));
                if number == 200 {
                    outgoing.say_bundle(digest, Arc::new(bundle.clone()));
                }
                if number % 2 == 0 {
                    outgoing.flush();
                }
                if number % 7 == 0 {
                    tokio::task::yield_now().await;
                }
            }
            outgoing.flush();
            tokio::task::spawn_blocking(move || assert!(reader.join().unwrap() == expected)).await.unwrap();
            serving.abort();
        });
    }

    #[test]
    fn what_is_said_to_nobody_is_not_kept() {
        let (runtime, outgoing, theirs) = pair();
        runtime.block_on(outgoing.socket.writable()).unwrap();
        drop(theirs);
        outgoing.say(part(1));
        outgoing.flush();
        outgoing.say(part(2));
        outgoing.say_bundle(Digest::of(b"x"), Arc::default());
        assert!(outgoing.line().has_ended && outgoing.line().items.is_empty());
        // The task ends by itself.
        runtime.block_on(outgoing.serve());
    }
}
