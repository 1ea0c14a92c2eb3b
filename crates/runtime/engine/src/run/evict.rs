//! Eviction: a run leaves memory when it has ended, when the engine ends, or when its ledger cannot be written.
//!
//! Nothing is lost by it: whoever needs the run again folds it.

use super::Message;
use super::advance::{Left, Task};
use crate::Problem;
use dvt_model::code::Code;
use dvt_store::Refusal;

impl Task {
    /// Takes the run out of every table of the engine, and answers whoever still waits.
    pub(crate) fn evict(mut self, left: Left) {
        let run = self.fold.metadata.run_id;
        let problem = match left {
            Left::Ended | Left::Stopped | Left::Rested => None,
            Left::Refused(Refusal::LeaseLost) => {
                // Another engine writes this tenant: everything we hold in memory may be old.
                self.engine.depose();
                None
            }
            Left::Dropped => Some(Problem::new(
                Code::ServiceDegraded,
                format!("the run was stopped hard; it goes on by `dvt runs resume {run}`"),
            )),
            Left::Refused(refusal) => Some(Problem::from(refusal)),
            Left::Broken(problem) => Some(problem),
        };
        // Nothing of it goes on without anybody who writes down what became of it. A run that ended has nothing left.
        self.engine.dispatcher().abandon(run);
        if let Some(problem) = problem {
            self.engine.give_up(run, problem);
        }
        self.engine.dispatcher().settle(self.granted);
        self.engine.forget(run);
        if let Some(key) = &self.fold.group {
            self.engine.leave_group(key, self.fold.scope, run);
        }
        self.inbox.close();
        while let Ok(message) = self.inbox.try_recv() {
            let again = || Problem::new(Code::LeaseLost, "the run left this engine; ask again");
            match message {
                Message::Act(act) => drop(act.answer.send(Err(again()))),
                Message::Recover(_, Some(answer)) => drop(answer.send(Err(again()))),
                Message::Slots(granted) => self.engine.dispatcher().settle(granted),
                Message::Recover(_, None)
                | Message::Report(_)
                | Message::ChildEnded(_)
                | Message::CancelledByParent
                | Message::StoppedByParent(_)
                | Message::CancelledByGroup
                | Message::Turn
                | Message::Due
                | Message::Drop
                | Message::Rest => {}
            }
        }
    }
}
