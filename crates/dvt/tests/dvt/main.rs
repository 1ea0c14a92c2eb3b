//! The binary as people and programs meet it: real processes in fresh homes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod access;
mod approvals;
mod audit;
mod completions;
mod config;
mod data;
mod demo;
mod docs;
mod doctor;
mod engine;
mod engine_families;
mod explain;
mod families;
mod first_start;
mod fmt;
mod foreseen;
mod full_disk;
mod help;
mod home;
mod import;
mod lint;
mod named;
mod numbers;
mod outputs;
mod persons;
mod persons_below;
mod pipe;
mod plan_test;
mod plans;
mod refused;
mod results;
mod run;
mod runs;
mod sarif;
mod store;
mod surroundings;
mod telemetry;
mod tenants;
mod terminal;
mod tmux;
mod tools;
mod usage;
mod validator;
