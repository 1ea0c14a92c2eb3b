//! What a plan is read from and goes with: its text, the plans below it, the files beside it.

mod glob;
pub(crate) mod pack;
pub(crate) mod source;
pub(crate) mod sub_plans;
