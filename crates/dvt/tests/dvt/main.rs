//! The binary as people and programs meet it: real processes in fresh homes.

mod audit;
mod explain;
mod first_start;
mod home;
mod lint;
mod pipe;
mod run;
mod runs;
mod tenants;
