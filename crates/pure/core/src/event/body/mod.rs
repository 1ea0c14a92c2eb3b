//! Payloads of the event catalogue (contract 5.1), typed. On an event they stand as canonical JSON; the fold reads them
//! back through these types, whether the event is a minute or a year old.

mod run;
mod step;

pub use run::*;
pub use step::*;
