//! The test seam: harness parts that no shipped crate may depend on.
