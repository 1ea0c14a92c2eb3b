//! Dispatch: one worker, its slots shared fairly between the tenants that want them, and a tenant's between its runs.
//!
//! Slots are granted before a step starts, so that back-pressure lies inside the deterministic order: a run asks, gets a
//! number of slots in its turn, and only then its core starts steps. What the worker sends is kept in its order: the
//! output of a step is in its log before its end is in the ledger. With a report the run has its slot back where nobody else
//! waits for one (ADR 65).

mod desk;
mod flight;
mod floor;
mod given;
mod missing;
mod pipe;
mod starts;
#[cfg(test)]
mod tests;
mod turns;
mod unfit;

pub(crate) use desk::Unserved;
pub(crate) use missing::Stop;

use self::desk::Desk;
use self::floor::Floor;
use crate::run::Hot;
use crate::{Parts, Problem};
use dvt_core::command::Report;
use dvt_core::event::Dispatch;
use dvt_model::attempt::{EngineAttemptId, LogicalAttemptId};
use dvt_model::digest::Digest;
use dvt_model::id::{RunId, StepId, TenantId};
use dvt_model::scope::TenantScope;
use dvt_store::port::operation::Protection;
use dvt_worker::protocol::Key;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// How long an engine that ends waits for what has its grace: the grace, the kill and a little.
const PATIENCE: Duration = Duration::from_secs(7);

/// An attempt on its way to the worker.
pub(crate) struct Attempt {
    pub(crate) run: RunId,
    pub(crate) scope: TenantScope,
    /// The packed files, where the plan has any.
    pub(crate) files: Option<Digest>,
    /// Recorded power and present word together.
    pub(crate) host_allowed: bool,
    /// Under what its log lies.
    pub(crate) protection: Protection,
    pub(crate) dispatch: Dispatch,
    pub(crate) hot: Hot,
}

/// Slots that a run has and has not used yet. They go back when this is dropped, whatever became of the run; what it started with
/// them was ordered before.
pub(crate) struct Granted {
    slots: u32,
    /// Weak, for it lies in inboxes that the desk's own floor can reach.
    back: Weak<Desk>,
}

impl Granted {
    pub(crate) fn slots(&self) -> u32 {
        self.slots
    }

    /// Gives them back with these orders.
    pub(crate) fn settle(mut self, orders: &Unserved) {
        self.lay(orders);
    }

    fn lay(&mut self, orders: &Unserved) {
        let slots = std::mem::take(&mut self.slots);
        if slots > 0 {
            orders.lay(Order::Settle(slots));
        }
    }
}

impl Drop for Granted {
    fn drop(&mut self) {
        if self.slots == 0 {
            return;
        }
        // A dispatcher that is gone counts no more.
        if let Some(desk) = self.back.upgrade() {
            self.lay(&Unserved::at(desk));
        }
    }
}

/// Whose report it was, without what it brought.
pub(crate) struct Reported {
    step_id: StepId,
    logical: LogicalAttemptId,
    engine: EngineAttemptId,
}

impl Reported {
    pub(crate) fn of(report: &Report) -> Self {
        let Report { step_id, logical_attempt_id, engine_attempt_id, .. } = report;
        Self { step_id: step_id.clone(), logical: *logical_attempt_id, engine: *engine_attempt_id }
    }
}

/// The end of an attempt, on its way to its run.
pub(crate) struct Told {
    run: RunId,
    hot: Hot,
    report: Box<Report>,
}

/// What the dispatcher is asked.
pub(crate) enum Order {
    /// This run has ready steps.
    Want(RunId, Hot),
    /// So many granted slots were used or not needed; only [`Granted`] says so.
    Settle(u32),
    /// Give this attempt out.
    Dispatch(Box<Attempt>),
    /// End this attempt.
    Stop(Box<Stop>),
    /// This report is durable.
    Acknowledge(RunId, Reported),
    /// The run has left memory, because it has ended or not: kill what it may still have running, and believe none of its reports.
    Abandon(RunId, bool),
    /// The logs before this report are kept.
    Tell(Box<Told>),
    /// So many log messages of this attempt are dealt with.
    Kept(Key, u32),
    /// Of a tenant's full pipe half is dealt with.
    Drained(TenantId),
}

/// The way to the dispatcher.
pub(crate) struct Dispatcher(Arc<Desk>);

impl Dispatcher {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Desk::new()))
    }

    /// Begins to order. What is ordered is carried out when it is [served](Unserved::serve).
    pub(crate) fn orders(&self) -> Unserved {
        Unserved::at(Arc::clone(&self.0))
    }

    /// Waits for programs of runs that have ended and that have their time to end, so that a process which ends with its run takes
    /// none of it away.
    pub(crate) async fn have_ended(&self) {
        // A run has ended when its stops are ordered, which may be a moment before they are obeyed.
        self.0.obey_all().await;
        let mut ending = self.0.ending.subscribe();
        drop(timeout(PATIENCE, ending.wait_for(|count| *count == 0)).await);
    }

    /// Serves what the worker says and what nobody else does, until the engine ends; then the worker has ended, and every step with it.
    pub(crate) fn floor(
        &self,
        parts: Parts,
        stop: watch::Receiver<bool>,
    ) -> impl Future<Output = Result<(), Problem>> + Send + use<> {
        let desk = Arc::clone(&self.0);
        async move {
            let (pipe, outlet) = pipe::pipe();
            let piping = tokio::spawn(outlet.serve(parts.store.clone(), Arc::downgrade(&desk)));
            *desk.floor.lock().await = Some(Floor::new(parts, pipe, Arc::downgrade(&desk)));
            // For what was ordered before.
            desk.call();
            Floor::serve(&desk, stop).await;
            piping.await.map_err(|error| Problem::new(dvt_model::code::Code::Internal, error.to_string()))
        }
    }
}

impl Unserved {
    pub(crate) fn want(&self, run: RunId, hot: Hot) {
        self.lay(Order::Want(run, hot));
    }

    pub(crate) fn dispatch(&self, attempt: Attempt) {
        self.lay(Order::Dispatch(Box::new(attempt)));
    }

    pub(crate) fn stop(&self, stop: Stop) {
        self.lay(Order::Stop(Box::new(stop)));
    }

    pub(crate) fn acknowledge(&self, run: RunId, reported: Reported) {
        self.lay(Order::Acknowledge(run, reported));
    }

    pub(crate) fn abandon(&self, run: RunId, has_ended: bool) {
        self.lay(Order::Abandon(run, has_ended));
    }
}
