//! How far a long command is, on one line of the terminal behind standard error: what is counted, how much of it, and how fast.
//!
//! Nothing where nobody watches: in a pipe, in CI, with `--quiet`. It repaints at most ten times a second on a thread of its own, and
//! takes the line away before the result is told. It has no colours.

use crate::view::duration::{count, size};
use crate::view::screen::Screen;
use crate::view::width::clip;
use dvt_store::tally::{Count, Tally, What};
use std::io::Write;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// At most ten pictures a second.
const REPAINT: Duration = Duration::from_millis(100);

/// A line that stands as long as this does.
pub(crate) struct Progress {
    tally: Arc<Tally>,
    part: Arc<Mutex<String>>,
    painter: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    /// Begins to show it, where somebody watches.
    pub(crate) fn begin(screen: &Screen) -> Self {
        let width = screen.side_width();
        Self::on(screen.shows_progress().then(std::io::stderr), width)
    }

    fn on(stream: Option<impl Write + Send + 'static>, width: usize) -> Self {
        let (tally, part) = (Arc::new(Tally::default()), Arc::new(Mutex::new(String::new())));
        let painter = stream.and_then(|mut stream| {
            let (stop, stopped) = channel();
            let (tally, part) = (Arc::clone(&tally), Arc::clone(&part));
            let paint = move || {
                let mut pace = Pace::default();
                loop {
                    let ended = stopped.recv_timeout(REPAINT) != Err(RecvTimeoutError::Timeout);
                    let part = part.lock().unwrap_or_else(PoisonError::into_inner).clone();
                    if let Some(count) = tally.read() {
                        let text = clip(&pace.line(&part, count, Instant::now()), width);
                        // The last count is painted as well: a terminal that is recorded has seen it.
                        let end = if ended { "\r\u{1b}[K" } else { "" };
                        // A terminal that went away stops nothing.
                        let painted = format!("\r{text}\u{1b}[K{end}");
                        let _ = stream.write_all(painted.as_bytes()).and_then(|()| stream.flush());
                    }
                    if ended {
                        return;
                    }
                }
            };
            // Without the thread there is no line; what is done is done all the same.
            let thread = std::thread::Builder::new().name("dvt-progress".to_owned()).spawn(paint);
            thread.ok().map(|thread| (stop, thread))
        });
        Self { tally, part, painter }
    }

    /// What is counted.
    pub(crate) fn tally(&self) -> Arc<Tally> {
        Arc::clone(&self.tally)
    }

    /// Which part of several it is at: `tenant 2 of 3`.
    pub(crate) fn at(&self, part: String) {
        *self.part.lock().unwrap_or_else(PoisonError::into_inner) = part;
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.painter.take() {
            drop(stop);
            let _ended = thread.join();
        }
    }
}

/// How fast it goes: since when the same thing is counted, and from where.
#[derive(Default)]
struct Pace {
    since: Option<(What, u64, Instant)>,
}

impl Pace {
    fn line(&mut self, part: &str, now: Count, at: Instant) -> String {
        // What is counted anew begins at a smaller number.
        let (first, begun) = match self.since {
            Some((what, first, begun)) if what == now.what && first <= now.done => (first, begun),
            _ => {
                self.since = Some((now.what, now.done, at));
                (now.done, at)
            }
        };
        let (name, is_size) = match now.what {
            What::Pages => ("pages", false),
            What::Keys => ("keys", false),
            What::Blobs => ("blobs", false),
            What::Entries => ("entries", false),
            What::BytesIn => ("sealed", true),
            What::BytesBack => ("read back", true),
        };
        let number = |number: u64| if is_size { size(number) } else { count(number) };
        let mut pieces = vec![part.to_owned()];
        pieces.push(match now.what {
            What::Pages => format!("looking at {} pages", count(now.total)),
            // While others write there is more than there was; then nobody knows of how much.
            _ if now.done > now.total => format!("{name} {}", number(now.done)),
            _ => format!("{name} {} of {}", number(now.done), number(now.total)),
        });
        let took_ms = u64::try_from(at.saturating_duration_since(begun).as_millis()).unwrap_or(u64::MAX);
        let rate = (now.done - first).saturating_mul(1_000).checked_div(took_ms).filter(|rate| *rate > 0);
        pieces.extend(rate.map(|rate| format!("{}/s", number(rate))));
        pieces.retain(|piece| !piece.is_empty());
        pieces.join(" · ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::Receiver;

    fn at(what: What, done: u64, total: u64) -> Count {
        Count { what, done, total }
    }

    #[test]
    fn a_line_has_counts_and_a_rate() {
        let (mut pace, begun) = (Pace::default(), Instant::now());
        let later = |ms| begun + Duration::from_millis(ms);
        let mut line = |count, ms| pace.line("1 of 3 tenants", count, later(ms));
        assert_eq!(line(at(What::Pages, 0, 1_204), 0), "1 of 3 tenants · looking at 1,204 pages");
        assert_eq!(line(at(What::Pages, 0, 1_204), 900), "1 of 3 tenants · looking at 1,204 pages");
        assert_eq!(line(at(What::Entries, 256, 50_000), 1_000), "1 of 3 tenants · entries 256 of 50,000");
        let told = line(at(What::Entries, 20_256, 50_000), 1_500);
        assert_eq!(told, "1 of 3 tenants · entries 20,256 of 50,000 · 40,000/s");
        // The next tenant's begin anew.
        assert_eq!(line(at(What::Entries, 12, 50), 1_600), "1 of 3 tenants · entries 12 of 50");
        let mut line = |count, ms| pace.line("", count, later(ms));
        assert_eq!(line(at(What::BytesIn, 0, 3 << 20), 2_000), "sealed 0 B of 3 MiB");
        assert_eq!(line(at(What::BytesIn, 4 << 20, 3 << 20), 4_000), "sealed 4 MiB · 2 MiB/s");
        assert_eq!(line(at(What::BytesBack, 1, 3 << 20), 4_000), "read back 1 B of 3 MiB");
    }

    /// What is written, piece by piece.
    struct Sent(Sender<String>);

    impl Write for Sent {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let _read = self.0.send(String::from_utf8(bytes.to_vec()).unwrap());
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn until(painted: &Receiver<String>, text: &str) -> String {
        let mut all = String::new();
        while !all.contains(text) {
            all.push_str(&painted.recv_timeout(Duration::from_secs(60)).unwrap());
        }
        all
    }

    /// It is painted while the work goes on, within the edge, and nothing of it stays.
    #[test]
    fn it_is_painted_meanwhile_and_taken_away() {
        let (sent, painted) = channel();
        let progress = Progress::on(Some(Sent(sent)), 24);
        progress.at("2 of 3 tenants and more than fits".to_owned());
        progress.tally().begin(What::Entries, 7);
        until(&painted, "\r2 of 3 tenants and more…\u{1b}[K");
        drop(progress);
        let last: Vec<String> = painted.iter().collect();
        assert!(last.concat().ends_with("…\u{1b}[K\r\u{1b}[K"), "{last:?}");
    }
}
