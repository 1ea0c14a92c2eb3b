//! `dvt runs …`

mod cancel;
mod list;
mod resume;
mod share;
