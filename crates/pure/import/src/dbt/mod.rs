//! dbt manifests, schema v2 to v12 and that of 2.0: a model, seed, snapshot, test or operation becomes a step.
//!
//! Needs are `depends_on.nodes`; where a selection leaves nodes out, order is kept through them, as dbt keeps it. An
//! operation is a hook of the project: it runs before or after everything, and says so by its tag.

mod alone;
mod below;
mod held;
mod manifest;
mod select;
mod steps;

pub use steps::{Form, Options, import};
