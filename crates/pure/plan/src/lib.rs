//! The plan language: spanned tree, checks, expressions, bounds, digest and diagnostics as data.
