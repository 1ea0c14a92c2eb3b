//! Whether something holds, as far as an expression of a plan can say it.
//!
//! What is longer than an expression may be is not shortened: it is unknown, and whoever asks for it tells that.

use crate::foreign::limits;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Holds {
    #[default]
    Always,
    Never,
    If(String),
    /// A plan cannot say it.
    Unknown,
}

impl Holds {
    /// Where this condition is true.
    pub(super) fn when(source: String) -> Self {
        match source.as_str() {
            "true" => Self::Always,
            "false" => Self::Never,
            _ if limits::fits(&source) => Self::If(source),
            _ => Self::Unknown,
        }
    }

    pub(super) fn and(self, other: &Self) -> Self {
        match (self, other) {
            (Self::Never, _) | (_, Self::Never) => Self::Never,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::Always, other) => other.clone(),
            (held, Self::Always) => held,
            (Self::If(left), Self::If(right)) if left == *right => Self::If(left),
            (Self::If(left), Self::If(right)) => {
                Self::when(format!("{} && {}", within_and(&left), within_and(right)))
            }
        }
    }

    pub(super) fn or(self, other: &Self) -> Self {
        match (self, other) {
            (Self::Always, _) | (_, Self::Always) => Self::Always,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::Never, other) => other.clone(),
            (held, Self::Never) => held,
            (Self::If(left), Self::If(right)) if left == *right => Self::If(left),
            (Self::If(left), Self::If(right)) => {
                let side =
                    |side: &str| if side.contains(" ? ") { format!("({side})") } else { side.to_owned() };
                Self::when(format!("{} || {}", side(&left), side(right)))
            }
        }
    }

    pub(super) fn not(self) -> Self {
        match self {
            Self::Always => Self::Never,
            Self::Never => Self::Always,
            Self::If(source) => Self::when(format!("!({source})")),
            Self::Unknown => Self::Unknown,
        }
    }
}

/// A condition as one of several that all have to be true.
fn within_and(source: &str) -> String {
    if source.contains(" || ") || source.contains(" ? ") { format!("({source})") } else { source.to_owned() }
}

/// All of the conditions.
pub(super) fn joined(parts: &[String]) -> Option<String> {
    match parts {
        [] => None,
        [one] => Some(one.clone()),
        several => Some(several.iter().map(|part| within_and(part)).collect::<Vec<_>>().join(" && ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(source: &str) -> Holds {
        Holds::If(source.to_owned())
    }

    #[test]
    fn what_is_known_needs_no_words() {
        assert_eq!(Holds::Always.and(&of("a")), of("a"));
        assert_eq!(Holds::Never.or(&of("a")), of("a"));
        assert_eq!(Holds::Unknown.and(&Holds::Never), Holds::Never);
        assert_eq!(Holds::Unknown.or(&of("a")), Holds::Unknown);
        assert_eq!(of("a").or(&of("b")).and(&of("c")), of("(a || b) && c"));
        assert_eq!(of("a").and(&of("b")).or(&of("c")).not(), of("!(a && b || c)"));
        assert_eq!(of(&"a".repeat(3_000)).and(&of(&"b".repeat(3_000))), Holds::Unknown);
    }
}
