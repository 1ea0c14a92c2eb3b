//! Finds secrets in text, streaming and in linear time.
