//! Real manifests and instances become plans of exactly the expected shape.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod argo_bounds;
mod argo_meanings;
mod corpus;
mod dbt;
mod expressions;
mod forms;
mod hostile;
mod jobs;
mod meanings;
mod mutations;
mod names;
mod numbers;
mod places;
mod played;
mod rounds;
mod selectors;
mod taken;
mod workflows;
