//! What a value of an expression is, as far as it is known before the run: the same that the checker of plans knows.
//!
//! `Any` is not knowing, and passes everywhere. Knowing less than the checker is no safety: what it knows it refuses.

/// What an expression gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Gives {
    Null,
    Flag,
    Number,
    Text,
    /// A list of one kind.
    List(Box<Gives>),
    Object,
    Any,
}

impl Gives {
    /// A list of these.
    pub(crate) fn list(items: Self) -> Self {
        Self::List(Box::new(items))
    }

    /// What is one or the other.
    pub(crate) fn or(self, other: Self) -> Self {
        match (self, other) {
            (left, right) if left == right => left,
            (Self::List(left), Self::List(right)) => Self::list(left.or(*right)),
            _ => Self::Any,
        }
    }

    /// Whether a plan may ask if one equals the other.
    pub(crate) fn may_equal(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any | Self::Null, _) | (_, Self::Any | Self::Null) => true,
            (Self::List(_), Self::List(_)) => true,
            (left, right) => left == right,
        }
    }

    /// Whether it is a flag or a number.
    pub(crate) fn is_counted(&self) -> bool {
        matches!(self, Self::Flag | Self::Number)
    }

    /// What an item of it is.
    pub(crate) fn item(&self) -> Self {
        match self {
            Self::List(items) => (**items).clone(),
            _ => Self::Any,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_kinds_nothing_is_known_and_what_is_known_meets_its_own() {
        let numbers = Gives::list(Gives::Number);
        assert_eq!(Gives::Text.or(Gives::Null), Gives::Any);
        assert_eq!(numbers.clone().or(Gives::list(Gives::Text)), Gives::list(Gives::Any));
        assert!(numbers.may_equal(&Gives::list(Gives::Text)) && Gives::Null.may_equal(&Gives::Text));
        assert!(!Gives::Text.may_equal(&Gives::Number) && !Gives::Object.may_equal(&numbers));
        assert_eq!(numbers.item(), Gives::Number);
    }
}
