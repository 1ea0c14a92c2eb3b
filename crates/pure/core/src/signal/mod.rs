//! Signals, one a file. They come here after shape, policy and decision record; only the state is still asked.

pub(crate) mod cancel;
