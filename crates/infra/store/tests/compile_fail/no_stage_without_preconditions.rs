//! An operation's preconditions are its fields: without them it does not compile.
use dvt_model::id::{PrincipalId, RunId};
use dvt_model::run::RunStatus;
use dvt_store::port::operation::{
    AppendAct, AppendRun, BlockDraft, EndRights, MoveInQueue, PutSetting, QueueState,
};

fn append(run_id: RunId, block: BlockDraft) -> AppendRun {
    AppendRun { run_id, signal: None, block, status: RunStatus::Running }
}

fn act(block: BlockDraft) -> AppendAct {
    AppendAct { block, reads: false }
}

fn setting(block: BlockDraft) -> PutSetting {
    PutSetting { kind: String::new(), name: String::new(), value: ().into(), block }
}

fn end(principal: PrincipalId, block: BlockDraft) -> EndRights {
    EndRights { principal, block }
}

fn lease(run_id: RunId) -> MoveInQueue {
    MoveInQueue { run_id, to: QueueState::Started }
}

fn main() {}
