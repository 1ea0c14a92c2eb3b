//! Forwarding: the private socket between local `dvt` processes and the one that holds the lease (contract 4.10).
//!
//! It speaks to the same OS user alone, and still believes no command without its authorization envelope. It carries no
//! events and no payloads of reads: whoever follows a run reads the store and is told only that there is news.

pub(crate) mod frame;
pub(crate) mod remote;
pub(crate) mod request;
pub(crate) mod server;
pub(crate) mod socket;
