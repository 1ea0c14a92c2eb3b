//! The desk: orders of runs lie here, in their order, until the floor obeys them.
//!
//! A run that has made a turn durable does what follows in the thread that wrote it. The floor lies behind a lock: who finds it
//! free obeys what lies here, also what others laid down, and nobody has to be woken for it. Who finds it busy calls the floor's
//! own task, which listens to the worker besides. So every order is either obeyed before [`Desk::serve`] returns, or called for.

use super::Order;
use super::floor::Floor;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::{Mutex as AsyncMutex, Notify};

/// The most orders that a run obeys in one go; among them may be those of other tenants.
const MOST: usize = 16;

/// Orders, and the floor that obeys them.
pub(super) struct Desk {
    orders: Mutex<VecDeque<Order>>,
    /// None before it serves, and after the engine's end: nothing needs it then.
    pub(super) floor: AsyncMutex<Option<Floor>>,
    called: Notify,
}

impl Desk {
    pub(super) fn new() -> Self {
        Self { orders: Mutex::default(), floor: AsyncMutex::new(None), called: Notify::new() }
    }

    fn orders(&self) -> MutexGuard<'_, VecDeque<Order>> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lays an order down, behind those before it. Whoever does so serves or calls afterwards.
    pub(super) fn lay(&self, order: Order) {
        self.orders().push_back(order);
    }

    /// The next order.
    pub(super) fn next(&self) -> Option<Order> {
        self.orders().pop_front()
    }

    /// Has the floor's own task obey what lies here.
    pub(super) fn call(&self) {
        self.called.notify_one();
    }

    /// Until somebody calls.
    pub(super) async fn called(&self) {
        self.called.notified().await;
    }

    /// Obeys what lies here, or calls the floor's task where somebody else has the floor, who may be past looking, or where it
    /// is too much.
    pub(super) async fn serve(&self) {
        let is_done = match self.floor.try_lock() {
            Ok(mut floor) => match floor.as_mut() {
                Some(floor) => self.obey(floor).await,
                None => true,
            },
            Err(_) => false,
        };
        if !is_done {
            self.call();
        }
    }

    /// Has the floor obey what lies here, but not without end; whether nothing is left for its task to do.
    pub(super) async fn obey(&self, floor: &mut Floor) -> bool {
        for _ in 0..MOST {
            let Some(order) = self.next() else { break };
            floor.obey(order).await;
        }
        floor.settle();
        floor.incoming.is_none() && self.orders().is_empty()
    }
}
