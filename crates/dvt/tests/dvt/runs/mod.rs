//! `dvt runs …`

mod acts;
pub(crate) mod cancel;
mod children;
mod events;
mod foreseen;
mod list;
mod logs;
mod resume;
mod retry;
mod share;
mod turns;
mod why;
