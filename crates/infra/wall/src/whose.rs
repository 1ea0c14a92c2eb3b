//! Whose a stray is: what a process cannot leave behind, and what most do not.
//!
//! A process that made itself undumpable (agents that keep keys do) shows its environment to nobody, and one may be started without
//! any; but the bounds that it inherited anybody may read, also of one that has ended and is not collected. The surprising rule: the
//! mark is a bound that bounds nothing (`harden::mark_descendants`).

use rustix::process::{Pid, Resource, getrlimit};
use std::io::{self, Read};

/// How the bound is called in `/proc/…/limits`.
const BOUND: &str = "Max file locks";
/// The first mark lies below this, which is far below "unlimited".
const HIGHEST: u64 = 1 << 62;

/// Marks, each lower than the one before by a step that nobody can guess.
pub(crate) struct Marks {
    last: u64,
    random: std::fs::File,
}

impl Marks {
    pub(crate) fn new() -> io::Result<Self> {
        // Where this process is of a step itself, its marks lie below that one's.
        let last = getrlimit(Resource::Locks).maximum.map_or(HIGHEST, |highest| highest.min(HIGHEST));
        Ok(Self { last, random: std::fs::File::open("/dev/urandom")? })
    }

    /// The next one. There are enough for 2^30 steps.
    pub(crate) fn next(&mut self) -> io::Result<u64> {
        let mut bytes = [0; 4];
        self.random.read_exact(&mut bytes)?;
        self.last = self.last.saturating_sub(1 + u64::from(u32::from_le_bytes(bytes)));
        Ok(self.last)
    }
}

/// What a process shows of its origin.
pub(crate) struct Whose {
    mark: Option<u64>,
    environment: Vec<u8>,
}

impl Whose {
    /// Reads it. What cannot be read tells nothing.
    pub(crate) fn of(process: Pid) -> Self {
        let file = |name: &str| format!("/proc/{}/{name}", process.as_raw_nonzero());
        let limits = std::fs::read_to_string(file("limits")).unwrap_or_default();
        let bound = limits.lines().find_map(|line| line.strip_prefix(BOUND));
        // The hard one: the other may be changed at will.
        let mark = bound.and_then(|bound| bound.split_ascii_whitespace().nth(1)?.parse().ok());
        Self { mark, environment: std::fs::read(file("environ")).unwrap_or_default() }
    }

    pub(crate) fn bears(&self, mark: u64) -> bool {
        self.mark == Some(mark)
    }

    /// Whether this entry stands in its environment.
    pub(crate) fn names(&self, entry: &[u8]) -> bool {
        self.environment.split(|byte| *byte == 0).any(|known| known == entry)
    }
}
