//! Numbers that a plan keeps: the only ones that an importer can write.
//!
//! A plan has finite numbers, and integers up to 2^53 (`dvt_model::canonical`). What a foreign file writes beyond that is no
//! [`Kept`], so whoever writes a plan must say what stands in its place: a text, or a named loss.

use dvt_model::canonical;
use serde_json::{Number, Value};
use std::fmt;

/// A number that a plan keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept(Number);

impl Kept {
    /// The number that a text is, as JSON writes numbers; `0x1F`, `010`, `+1` and `1.` are none.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let is_bare = text.starts_with(|first: char| first == '-' || first.is_ascii_digit())
            && text.ends_with(|last: char| last.is_ascii_digit());
        let number: Number = serde_json::from_str(text).ok().filter(|_| is_bare)?;
        // An integer beyond 64 bits was read as a double.
        let is_rounded = number.is_f64() && !text.contains(['.', 'e', 'E']);
        Self::of(&number).filter(|_| !is_rounded)
    }

    /// A number of JSON.
    pub(crate) fn of(number: &Number) -> Option<Self> {
        match canonical::normalise(Value::Number(number.clone())) {
            Ok(Value::Number(number)) => Some(Self(number)),
            _ => None,
        }
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Numbers at the edges, and how a plan writes them; `None` where it has none.
    pub(crate) const EDGES: [(&str, Option<&str>); 26] = [
        ("0", Some("0")),
        ("9007199254740992", Some("9007199254740992")),
        ("-9007199254740992", Some("-9007199254740992")),
        ("9007199254740993", None),
        ("-9007199254740993", None),
        ("30275075233703588", None),
        ("30275075233703588.0", None),
        ("9223372036854775807", None),
        ("-9223372036854775808", None),
        ("18446744073709551615", None),
        ("123456789012345678901234567890", None),
        ("100000000000000000000", None),
        ("1e15", Some("1000000000000000")),
        ("1e16", None),
        ("-1e20", None),
        ("1e21", Some("1e+21")),
        ("1e22", Some("1e+22")),
        ("1e300", Some("1e+300")),
        ("1e400", None),
        ("-0.0", Some("0")),
        ("1.5e-7", Some("1.5e-7")),
        (".inf", None),
        (".nan", None),
        ("0x1F", None),
        ("0o17", None),
        ("010", None),
    ];

    #[test]
    fn what_a_plan_keeps() {
        for (text, kept) in EDGES {
            assert_eq!(Kept::read(text).map(|kept| kept.to_string()).as_deref(), kept, "{text}");
        }
        for text in ["", "-", "+1", "1.", ".5", "1e", " 1", "1\n", "1_000", "1 ]", "inf", "NaN"] {
            assert_eq!(Kept::read(text), None, "{text:?}");
        }
    }
}
