//! Real manifests and instances become plans of exactly the expected shape.

mod corpus;
mod hostile;
mod selectors;
