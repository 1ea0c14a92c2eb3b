//! Tests on real files, each with faults planted into the gathering to see that they would notice.

mod ahead;
mod beneath;
mod counts;
mod failures;
mod held;
mod names;
mod play;
mod process;
mod script;
mod world;
