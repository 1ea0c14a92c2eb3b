//! The key hierarchy, envelope encryption, MAC and checkpoint signing.
