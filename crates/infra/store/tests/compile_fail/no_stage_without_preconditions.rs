//! An operation's preconditions are its fields: without them it does not compile.
use dvt_model::id::RunId;
use dvt_model::run::RunStatus;
use dvt_store::port::operation::{AppendRun, BlockDraft};

fn append(run_id: RunId, block: BlockDraft) -> AppendRun {
    AppendRun { run_id, signal: None, block, status: RunStatus::Running }
}

fn main() {}
