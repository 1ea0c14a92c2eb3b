//! `dvt runs …`

mod acts;
mod cancel;
mod children;
mod events;
mod foreseen;
mod list;
mod logs;
mod resume;
mod retry;
mod share;
mod why;
