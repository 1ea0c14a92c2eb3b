//! What more than one verb does about a run: finds the one that is meant, reads it, makes an act of what was typed, and follows it to
//! its end. It knows no verb.

pub(crate) mod follow;
pub(crate) mod host;
mod interrupt;
pub(crate) mod locate;
pub(crate) mod read;
pub(crate) mod typed;
