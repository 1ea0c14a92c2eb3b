//! `dvt runs …`

mod acts;
mod cancel;
mod list;
mod resume;
mod share;
