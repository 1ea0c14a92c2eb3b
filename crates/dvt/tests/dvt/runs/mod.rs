//! `dvt runs …`

mod acts;
mod cancel;
mod children;
mod list;
mod resume;
mod share;
