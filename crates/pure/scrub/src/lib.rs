//! Finds secrets in text, streaming and in linear time: exact values in their reversible encodings, and pattern rules.
//!
//! The mask is one constant, without prefix or length of what it hides. This is the last net, not the wall: what is
//! found here should not have been written. Values shorter than four bytes are not searched for: they are everywhere.

mod accept;
mod encodings;
mod exact;
mod mask;
mod patterns;
pub mod rules;
mod stream;

pub use exact::{LONGEST_VALUE, SHORTEST_VALUE};
pub use patterns::Keywords;
pub use stream::{MAX_CARRY, Stream};

use exact::Exact;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

/// What stands where a secret stood.
pub const MASK: &str = "[REDACTED]";

/// The id under which exact values are found.
pub const EXACT: &str = "exact-value";

/// A secret that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which rule found it, or [`EXACT`].
    pub rule: &'static str,
    /// Where, in bytes of the text.
    pub range: Range<usize>,
}

/// Why a scrubber cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A value beyond [`LONGEST_VALUE`] cannot be searched for in a stream.
    #[error("a secret of {0} bytes is too long to be found in a stream")]
    ValueTooLong(usize),
    /// All values together make too large a search.
    #[error("the secrets of one call are too many or too long to be searched for together")]
    TooMany,
}

/// Finds the exact values of one call, and whatever the rules describe. It has no `Debug`, for it holds secrets.
pub struct Scrubber {
    exact: Option<Exact>,
}

static RULES: LazyLock<Scrubber> = LazyLock::new(|| Scrubber { exact: None });

impl Scrubber {
    /// The rules alone.
    pub fn rules() -> &'static Self {
        &RULES
    }

    /// The rules and these exact values, each also in its reversible encodings.
    pub fn new<V: AsRef<[u8]>>(values: &[V]) -> Result<Self, Error> {
        let values: Vec<&[u8]> = values.iter().map(AsRef::as_ref).collect();
        Ok(Self { exact: Exact::new(&values)? })
    }

    /// Everything that is found, in the order of the text, without overlaps.
    pub fn find(&self, text: &str) -> Vec<Finding> {
        self.find_bytes(text.as_bytes())
    }

    /// Where keywords of the rules stand: one quick pass. A part of the text that holds none is one in which
    /// [`Scrubber::find`] finds nothing. Nothing comes back where that cannot be told and every part must be looked at.
    pub fn keywords(&self, text: &str) -> Option<Keywords> {
        if self.exact.is_some() { None } else { patterns::keywords(text.as_bytes()) }
    }

    /// [`Scrubber::find`] in bytes that need not be text.
    pub fn find_bytes(&self, text: &[u8]) -> Vec<Finding> {
        let mut found = patterns::find(text);
        if let Some(exact) = &self.exact {
            found.extend(exact.find(text).into_iter().map(|range| Finding { rule: EXACT, range }));
        }
        mask::merged(found)
    }

    /// One line with its secrets masked.
    pub fn scrub_line<'t>(&self, line: &'t str) -> Cow<'t, str> {
        let found = self.find(line);
        if found.is_empty() {
            return Cow::Borrowed(line);
        }
        // Ranges found in bytes may cut a character that stands at their edge; then the whole character goes.
        let masked = mask::masked(line.as_bytes(), &mask::whole_characters(line, found));
        Cow::Owned(String::from_utf8_lossy(&masked).into_owned())
    }

    /// A stream that is scrubbed while it is written.
    pub fn stream(&self) -> Stream<'_> {
        Stream::new(self)
    }

    pub(crate) fn exact(&self) -> Option<&Exact> {
        self.exact.as_ref()
    }
}
