//! Foreign YAML and what stands in it: a tree with places, expressions of other dialects, and texts that hold them.
//!
//! Nothing of it is ever evaluated here. It refuses what would cost more than its budgets; unlike the plan's own reader it
//! forgives what other products forgive (tags, repeated keys, several documents).

mod call;
mod case;
mod cel;
pub(crate) mod code;
pub(crate) mod expression;
mod gives;
pub(crate) mod lex;
pub(crate) mod limits;
pub(crate) mod parse;
pub(crate) mod text;
pub(crate) mod tree;
