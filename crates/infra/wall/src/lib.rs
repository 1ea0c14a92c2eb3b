//! The starter process: begins steps from a single thread and takes them with it when it ends.
//!
//! It owns the kernel's side of a step: process group, reaping, usage, signals. It knows no plan, no run and no secret, and
//! it never weakens silently: a process that cannot be hardened as written here does not start. The one surprising rule:
//! the starter holds a lock from before its first step until after the last process of its steps is gone, so a second
//! starter on the same lock waits, and no step is ever alive twice.

mod child;
pub mod descriptors;
mod execve;
pub mod family;
pub mod harden;
mod image;
pub mod protocol;
mod signals;
mod spawn;
mod stack;
pub mod starter;
mod wait;
mod whose;
