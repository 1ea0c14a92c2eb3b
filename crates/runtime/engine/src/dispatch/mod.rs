//! Dispatch: one worker, its slots shared fairly between the runs that want them.
//!
//! Slots are granted before a step starts, so that back-pressure lies inside the deterministic order: a run asks, gets a
//! number of slots in its turn, and only then its core starts steps. What the worker sends is kept in its order: the
//! output of a step is in its log before its end is in the ledger.

mod flight;
mod floor;
mod pipe;
mod unfit;

use crate::run::Hot;
use crate::{Parts, Problem};
use dvt_core::command::Report;
use dvt_core::event::Dispatch;
use dvt_model::attempt::{EngineAttemptId, LogicalAttemptId};
use dvt_model::digest::Digest;
use dvt_model::id::{RunId, StepId};
use dvt_model::scope::TenantScope;
use dvt_store::port::operation::Protection;
use tokio::sync::{mpsc, watch};

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

/// What the dispatcher is asked.
pub(crate) enum Order {
    /// This run has ready steps.
    Want(RunId, Hot),
    /// So many granted slots were used or not needed: what they started came as `Dispatch` before.
    Settle(u32),
    /// Give this attempt out.
    Dispatch(Box<Attempt>),
    /// End this attempt.
    Stop(RunId, StepId, LogicalAttemptId, EngineAttemptId, u64),
    /// This report is durable.
    Acknowledge(RunId, Box<Report>),
    /// The run has left memory: kill what it may still have running, and believe none of its reports.
    Abandon(RunId),
}

/// The way to the dispatcher. It is gone only when the engine ends, and then nothing needs it.
pub(crate) struct Dispatcher(mpsc::UnboundedSender<Order>);

impl Dispatcher {
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<Order>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), receiver)
    }

    fn order(&self, order: Order) {
        drop(self.0.send(order));
    }

    pub(crate) fn want(&self, run: RunId, hot: Hot) {
        self.order(Order::Want(run, hot));
    }

    pub(crate) fn settle(&self, granted: u32) {
        if granted > 0 {
            self.order(Order::Settle(granted));
        }
    }

    pub(crate) fn dispatch(&self, attempt: Attempt) {
        self.order(Order::Dispatch(Box::new(attempt)));
    }

    pub(crate) fn stop(
        &self,
        run: RunId,
        step: StepId,
        logical: LogicalAttemptId,
        engine: EngineAttemptId,
        grace_ms: u64,
    ) {
        self.order(Order::Stop(run, step, logical, engine, grace_ms));
    }

    pub(crate) fn acknowledge(&self, run: RunId, report: Report) {
        self.order(Order::Acknowledge(run, Box::new(report)));
    }

    pub(crate) fn abandon(&self, run: RunId) {
        self.order(Order::Abandon(run));
    }
}

/// Serves until the engine ends; then the worker has ended, and every step with it.
pub(crate) async fn serve(
    parts: Parts,
    orders: mpsc::UnboundedReceiver<Order>,
    stop: watch::Receiver<bool>,
) -> Result<(), Problem> {
    let (pipe, items) = mpsc::channel(pipe::ROOM);
    let piping = tokio::spawn(pipe::serve(parts.store.clone(), items));
    floor::Floor::new(parts, pipe).serve(orders, stop).await;
    piping.await.map_err(|error| Problem::new(dvt_model::code::Code::Internal, error.to_string()))
}
