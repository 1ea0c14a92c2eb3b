//! Bounds of one text: processor time, memory, stack. What goes beyond them ends the process, and its text stays in a file.

use rustix::process::{Resource, Rlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// The longest that one text may take, in milliseconds of the processor: no other load of the machine counts.
pub(crate) const MOST_MS: u64 = 2_000;
/// Address space of the process.
const MEMORY: u64 = 4 << 30;
/// The exit code of a text that took too long.
pub(crate) const TOO_LONG: i32 = 70;

/// When the text began, in milliseconds of this process; 0 between texts.
static BEGAN: AtomicU64 = AtomicU64::new(0);

/// Milliseconds of the processor that this process has used.
pub(crate) fn spent_ms() -> u64 {
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    let whole = u64::try_from(spent.tv_sec).unwrap_or_default() * 1_000;
    whole + u64::try_from(spent.tv_nsec).unwrap_or_default() / 1_000_000
}

/// Bounds memory, and watches the time on this thread for ever.
pub(crate) fn guard() {
    // Best effort: where it is refused, the system's own bound stands.
    let bound = Rlimit { current: Some(MEMORY), maximum: Some(MEMORY) };
    if let Err(error) = setrlimit(Resource::As, bound) {
        eprintln!("memory is not bounded: {error}");
    }
}

/// Ends the process if the text of now takes too long; call it now and then from another thread.
pub(crate) fn look() {
    let began = BEGAN.load(Relaxed);
    if began > 0 && spent_ms().saturating_sub(began) > MOST_MS {
        eprintln!("a text took more than {MOST_MS} ms of the processor");
        std::process::exit(TOO_LONG);
    }
}

/// The text that is being read, in a file: whoever started this process finds it there after a crash.
pub(crate) struct Current {
    file: File,
}

impl Current {
    pub(crate) fn create(path: &Path) -> std::io::Result<Self> {
        Ok(Self { file: File::options().create(true).truncate(true).read(true).write(true).open(path)? })
    }

    /// Writes it down: its length, then itself.
    pub(crate) fn begins(&self, text: &[u8]) {
        let mut bytes = (text.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(text);
        // Without it a crash is told without its text.
        drop(self.file.write_all_at(&bytes, 0));
        BEGAN.store(spent_ms().max(1), Relaxed);
    }

    pub(crate) fn ended() -> u64 {
        spent_ms().saturating_sub(BEGAN.swap(0, Relaxed))
    }

    /// The text in such a file.
    pub(crate) fn read(path: &Path) -> Option<Vec<u8>> {
        let bytes = std::fs::read(path).ok()?;
        let (length, text) = bytes.split_first_chunk::<8>()?;
        text.get(..usize::try_from(u64::from_le_bytes(*length)).ok()?).map(<[u8]>::to_vec)
    }
}
