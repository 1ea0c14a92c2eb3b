//! The pattern rules as data: our own table, written from the formats that each issuer publishes, and a published one.
//!
//! A rule names keywords, one of which every match contains, so that a text without them costs one pass. Where a rule
//! has groups, the first that took part is what is masked; the rest only shows that it is a secret.

mod own;
mod published;
mod weak;

pub use crate::accept::Accept;
pub(crate) use weak::{WEAK, Weak};

/// One rule.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Its stable name.
    pub id: &'static str,
    /// The expression, on bytes.
    pub regex: &'static str,
    /// Words, one of which every match contains; any case.
    pub keywords: &'static [&'static str],
    /// What a match must also be.
    pub accept: Accept,
}

/// All of them.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    own::RULES.iter().chain(published::RULES)
}
