//! The starter process: forks steps from a single thread and takes them with it when it ends.
