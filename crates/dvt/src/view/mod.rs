//! How things look: the live tree, plain lines, tables, JSON. Views read; they decide nothing and change nothing.

pub(crate) mod canvas;
pub(crate) mod duration;
pub(crate) mod end;
mod items;
pub(crate) mod json;
pub(crate) mod label;
pub(crate) mod lines;
pub(crate) mod live;
pub(crate) mod paint;
pub(crate) mod picture;
pub(crate) mod progress;
pub(crate) mod safe;
pub(crate) mod screen;
pub(crate) mod table;
pub(crate) mod tree;
pub(crate) mod turn;
pub(crate) mod why;
pub(crate) mod width;
