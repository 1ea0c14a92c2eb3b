//! Rules over a whole plan, one family per file; each owns its codes.

pub(crate) mod arguments;
pub(crate) mod expressions;
pub(crate) mod items;
pub(crate) mod literals;
pub(crate) mod needs;
pub(crate) mod packed;
pub(crate) mod persons;
pub(crate) mod protection;
pub(crate) mod secrets;
pub(crate) mod size;
pub(crate) mod sub_plans;
