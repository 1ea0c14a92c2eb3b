//! Backups: the whole store as one sealed file, taken while others write, and put back into an empty folder.
//!
//! A backup holds no key that is not wrapped: without the root key it is bytes, and with it alone it is everything. It never
//! replaces a file. Surprising: it is read once more, whole, before it gets its name; a backup that was never read is none.

mod draft;
mod frames;
mod name;
mod restore;
mod take;

pub use restore::{Older, Restored, restore, would_restore};
pub use take::BackedUp;
