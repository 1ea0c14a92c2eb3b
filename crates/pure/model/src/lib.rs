//! The words of DVT: ids, scopes, proofs, entries, actions, decision records, error codes and the canonical form.
//!
//! Everything here is data. This crate decides nothing, reads no clock, draws no randomness and does no I/O:
//! whoever needs a new id or the present time brings the bytes or the [`time::Timestamp`] along.

pub mod action;
pub mod attempt;
pub mod canonical;
pub mod code;
pub mod context;
pub mod decision;
pub mod deed;
pub mod digest;
pub mod entry;
pub mod failure;
pub mod fault;
pub mod id;
pub mod idempotency;
pub mod interpreter;
pub mod proof;
pub mod resource;
pub mod run;
pub mod scope;
pub mod step;
pub mod time;
