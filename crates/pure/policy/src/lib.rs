//! Authorization as a pure function of one reviewed table.
