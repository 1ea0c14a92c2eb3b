//! The two streams of a step: scrubbed and sent as lines, or captured as its output.
//!
//! What is logged leaves this process only through the scrubber. Lines are cut after scrubbing, so that a cut hides no secret
//! from it. Both streams share one budget of raw bytes.

use crate::protocol::{FromWorker, Key, Stream};
use dvt_scrub::Scrubber;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use tokio::sync::{Semaphore, mpsc, watch};

/// The longest line (contract 10); the rest of a longer one is dropped.
pub(crate) const MAX_LINE_BYTES: usize = 1 << 10;
/// The most lines in one message.
const MAX_MESSAGE_BYTES: usize = 64 << 10;
const CUT_MARK: &str = " [CUT]";
/// What is read at once at first, and at most: most steps say little or nothing.
const FIRST_CHUNK_BYTES: usize = 1 << 10;
const MAX_CHUNK_BYTES: usize = 64 << 10;

/// How a stream ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// At its end; the captured bytes, where it was captured.
    Whole(Vec<u8>),
    /// It is longer than allowed.
    OverLimit,
}

/// Turns true when the last process of the step is gone.
pub(crate) type Gone = watch::Receiver<bool>;

/// The next bytes; none at the end. Once the step is gone, what lies ready is all: a stranger who holds the pipe open (it was
/// handed to a service, say) does not hold the step up.
async fn next(from: &mut Receiver, chunk: &mut [u8], gone: &mut Gone) -> usize {
    tokio::select! {
        biased;
        // A pipe that cannot be read has ended for us.
        read = from.read(chunk) => read.unwrap_or(0),
        // Asked of the kernel, not of the runtime, which may not have looked since.
        _ = gone.wait_for(|gone| *gone) => rustix::io::read(from.as_fd(), chunk).unwrap_or(0),
    }
}

/// Makes room for more where there was more than room.
fn grow(chunk: &mut Vec<u8>, read: usize) {
    if read == chunk.len() && read < MAX_CHUNK_BYTES {
        chunk.resize(read * 4, 0);
    }
}

/// Reads a stream to its end, or to one byte more than `limit`.
pub(crate) async fn capture(mut from: Receiver, limit: usize, mut gone: Gone) -> Ended {
    let mut captured = Vec::new();
    let mut chunk = vec![0; FIRST_CHUNK_BYTES];
    loop {
        let read = next(&mut from, &mut chunk, &mut gone).await;
        if read == 0 {
            return Ended::Whole(captured);
        }
        captured.extend(chunk.iter().take(read));
        grow(&mut chunk, read);
        if captured.len() > limit {
            return Ended::OverLimit;
        }
    }
}

/// Where log lines go.
#[derive(Debug)]
pub(crate) struct Sink {
    /// Whose.
    pub(crate) key: Key,
    /// Which stream.
    pub(crate) stream: Stream,
    /// To the engine.
    pub(crate) to: mpsc::Sender<FromWorker>,
    /// Messages that may be sent before the engine has dealt with others; of both streams.
    pub(crate) room: Arc<Semaphore>,
    /// Raw bytes that both streams may still write.
    pub(crate) budget: Arc<AtomicU64>,
}

/// Sends a stream as scrubbed lines until its end or the end of the budget.
// INVARIANT(INV-02): no byte of a step's stream passes on but through the scrubber.
pub(crate) async fn forward(mut from: Receiver, sink: Sink, mut gone: Gone) -> Ended {
    let mut scrubbing = Scrubber::rules().stream();
    let mut lines = Lines::default();
    // No buffer before there is something for it: most steps say nothing.
    tokio::select! {
        _ = from.readable() => {}
        _ = gone.wait_for(|gone| *gone) => {}
    }
    let (mut chunk, mut seq, mut masked) = (vec![0; FIRST_CHUNK_BYTES], 0, 0);
    loop {
        let read = next(&mut from, &mut chunk, &mut gone).await;
        let left = sink.budget.load(Ordering::Relaxed);
        let allowed = read.min(usize::try_from(left).unwrap_or(usize::MAX));
        sink.budget.store(left.saturating_sub(read as u64), Ordering::Relaxed);
        lines.push(&scrubbing.push(chunk.get(..allowed).unwrap_or_default()));
        let (ended, over) = (read == 0, allowed < read);
        if ended || over {
            lines.push(&scrubbing.rest());
            lines.finish();
        }
        masked += scrubbing.take_masks();
        for body in lines.take() {
            seq += 1;
            let (key, masked) = (sink.key.clone(), std::mem::take(&mut masked));
            let message = FromWorker::Log { key, stream: sink.stream, seq, masked, body };
            // Comes back with `Kept`. It is closed nowhere.
            let Ok(room) = sink.room.acquire().await else { return Ended::Whole(Vec::new()) };
            room.forget();
            if sink.to.send(message).await.is_err() {
                return Ended::Whole(Vec::new());
            }
        }
        if over {
            return Ended::OverLimit;
        }
        if ended {
            return Ended::Whole(Vec::new());
        }
        grow(&mut chunk, read);
    }
}

/// Scrubbed bytes on their way into whole, bounded, printable-as-text lines.
#[derive(Debug, Default)]
struct Lines {
    ready: Vec<Vec<u8>>,
    line: Vec<u8>,
    cut: bool,
}

impl Lines {
    fn push(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, ends) = part.strip_suffix(b"\n").map_or((part, false), |text| (text, true));
            // A few bytes more than shown, so that a character at the border is not torn before it is decoded.
            let room = (MAX_LINE_BYTES + 4).saturating_sub(self.line.len());
            self.line.extend(text.iter().take(room));
            self.cut |= text.len() > room;
            if ends {
                self.end_line();
            }
        }
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let mut text = String::from_utf8_lossy(&line).into_owned();
        if std::mem::take(&mut self.cut) || text.len() > MAX_LINE_BYTES {
            text.truncate(text.floor_char_boundary(MAX_LINE_BYTES - CUT_MARK.len()));
            text.push_str(CUT_MARK);
        }
        text.push('\n');
        match self.ready.last_mut() {
            Some(last) if last.len() + text.len() <= MAX_MESSAGE_BYTES => {
                last.extend_from_slice(text.as_bytes())
            }
            _ => self.ready.push(text.into_bytes()),
        }
    }

    fn finish(&mut self) {
        if !self.line.is_empty() {
            self.end_line();
        }
    }

    fn take(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.ready)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pushes: &[&[u8]]) -> Vec<String> {
        let mut lines = Lines::default();
        pushes.iter().for_each(|push| lines.push(push));
        lines.finish();
        let text = lines.take().concat();
        String::from_utf8(text).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn lines_are_whole_whatever_the_pushes() {
        assert_eq!(lines(&[b"a", b"b\nc\n\nd"]), ["ab", "c", "", "d"]);
        assert_eq!(lines(&["ä".as_bytes().get(..1).unwrap(), "ä\n".as_bytes().get(1..).unwrap()]), ["ä"]);
        assert_eq!(lines(&[b"\xff\n"]), ["\u{fffd}"]);
    }

    #[test]
    fn a_long_line_is_cut_and_says_so_and_the_next_one_is_not() {
        let long = vec![b'x'; MAX_LINE_BYTES];
        assert_eq!(lines(&[&long, b"\n"]).first().unwrap().len(), MAX_LINE_BYTES);
        let found = lines(&[&long, &long, b"yy\nnext\n"]);
        assert_eq!(found.first().unwrap().len(), MAX_LINE_BYTES);
        assert!(found.first().unwrap().ends_with("x [CUT]"));
        assert_eq!(found.get(1).unwrap(), "next");
        let found = lines(&["ä".repeat(MAX_LINE_BYTES).as_bytes()]);
        assert!(found.first().unwrap().ends_with("ä [CUT]"));
    }

    #[test]
    fn messages_are_bounded() {
        let mut lines = Lines::default();
        lines.push("line\n".repeat(100_000).as_bytes());
        let messages = lines.take();
        assert!(
            messages.len() > 1
                && messages.iter().all(|body| body.len() <= MAX_MESSAGE_BYTES && body.ends_with(b"\n"))
        );
    }
}
