//! The desk: orders of runs lie here, in their order, until the floor obeys them.
//!
//! A run that has made a turn durable does what follows in the thread that wrote it. The floor lies behind a lock: who finds it
//! free obeys what lies here, also what others laid down, and nobody has to be woken for it. Who finds it busy calls the floor's
//! own task, which listens to the worker besides. So every order is either obeyed before [`Unserved::serve`] returns, or called
//! for: orders are laid down by way of [`Unserved`] alone, which calls where it is let go of without having served.

use super::Order;
use super::floor::Floor;
use dvt_worker::link::Unsent;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Mutex as AsyncMutex, Notify, watch};

/// The most orders that a run obeys in one go; among them may be those of other tenants.
const MOST: usize = 16;

/// What obeys orders.
pub(crate) trait Obeys: Send {
    /// Carries an order out.
    fn obey(&mut self, order: Order) -> impl Future<Output = ()> + Send;
    /// Does what follows from what was obeyed; whether something is left that only its own task can do.
    fn settle(&mut self) -> impl Future<Output = bool> + Send;
    /// What the worker is told by what was obeyed. It is sent when the floor is free again: it wakes the worker, whose answer
    /// may be here while the one who sent is not done.
    fn unsent(&self) -> Unsent;
}

/// Orders, and the floor that obeys them.
pub(crate) struct Desk<F = Floor> {
    orders: Mutex<VecDeque<Order>>,
    /// None before it serves, and after the engine's end: nothing needs it then.
    pub(super) floor: AsyncMutex<Option<F>>,
    called: Notify,
    /// How many attempts of runs that have ended still have time to end.
    pub(super) ending: watch::Sender<usize>,
}

impl<F> Desk<F> {
    pub(super) fn new() -> Self {
        Self {
            orders: Mutex::default(),
            floor: AsyncMutex::new(None),
            called: Notify::new(),
            ending: watch::channel(0).0,
        }
    }

    fn orders(&self) -> MutexGuard<'_, VecDeque<Order>> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
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
}

impl<F: Obeys> Desk<F> {
    /// Obeys what lies here, or calls the floor's task where somebody else has the floor, who may be past looking, or where it
    /// is too much.
    async fn serve(&self) {
        let (is_done, unsent) = match self.floor.try_lock() {
            Ok(mut floor) => match floor.as_mut() {
                Some(floor) => self.obey(floor).await,
                None => (true, Unsent::default()),
            },
            Err(_) => (false, Unsent::default()),
        };
        unsent.send();
        if !is_done {
            self.call();
        }
    }

    /// Returns when everything is obeyed that lay here.
    pub(super) async fn obey_all(&self) {
        loop {
            let mut held = self.floor.lock().await;
            let Some(floor) = held.as_mut() else { return };
            let (_, unsent) = self.obey(floor).await;
            drop(held);
            unsent.send();
            if self.orders().is_empty() {
                // What only the floor's own task can do may be left.
                return self.call();
            }
        }
    }

    /// Has the floor obey what lies here, but not without end; whether nothing is left for its task to do, and what is to be sent.
    pub(super) async fn obey(&self, floor: &mut F) -> (bool, Unsent) {
        for _ in 0..MOST {
            let Some(order) = self.next() else { break };
            floor.obey(order).await;
        }
        let is_done = !floor.settle().await;
        (is_done && self.orders().is_empty(), floor.unsent())
    }
}

/// What somebody orders, until it is served.
#[must_use = "what is ordered is carried out when it is served"]
pub(crate) struct Unserved<F = Floor> {
    desk: Arc<Desk<F>>,
    is_served: bool,
}

impl<F> Unserved<F> {
    pub(super) fn at(desk: Arc<Desk<F>>) -> Self {
        Self { desk, is_served: false }
    }

    /// Lays an order down, behind those before it, whoever's they are.
    pub(super) fn lay(&self, order: Order) {
        self.desk.orders().push_back(order);
    }
}

impl<F: Obeys> Unserved<F> {
    /// Carries out what was ordered, or has it carried out.
    pub(crate) async fn serve(mut self) {
        self.desk.serve().await;
        self.is_served = true;
    }
}

impl<F> Drop for Unserved<F> {
    fn drop(&mut self) {
        if !self.is_served {
            self.desk.call();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::task::Poll;
    use std::time::Duration;
    use tokio::task::JoinSet;
    use tokio::time::timeout;

    /// Notes what it obeyed; sometimes it is long about it.
    #[derive(Default)]
    struct Notes {
        obeyed: Vec<u32>,
        in_a_go: usize,
        longest: usize,
    }

    impl Obeys for Notes {
        async fn obey(&mut self, order: Order) {
            let Order::Settle(number) = order else { return };
            self.obeyed.push(number);
            self.in_a_go += 1;
            if number % 7 == 0 {
                tokio::task::yield_now().await;
            }
        }

        async fn settle(&mut self) -> bool {
            self.longest = self.longest.max(std::mem::take(&mut self.in_a_go));
            false
        }

        fn unsent(&self) -> Unsent {
            Unsent::default()
        }
    }

    /// A desk with its floor, whose own task serves.
    async fn begin() -> Arc<Desk<Notes>> {
        let desk = Arc::new(Desk::new());
        *desk.floor.lock().await = Some(Notes::default());
        let own = Arc::clone(&desk);
        tokio::spawn(async move {
            loop {
                own.called().await;
                let mut notes = own.floor.lock().await;
                let Some(notes) = notes.as_mut() else { return };
                let (is_done, unsent) = own.obey(notes).await;
                unsent.send();
                if !is_done {
                    own.call();
                }
            }
        });
        desk
    }

    /// What was obeyed, once nothing lies here any more; `None` where an order lies for so long that nobody will come for it.
    async fn ended(desk: &Desk<Notes>) -> Option<Notes> {
        let all_are = async {
            while !desk.orders().is_empty() {
                tokio::task::yield_now().await;
            }
        };
        timeout(Duration::from_secs(5), all_are).await.ok()?;
        desk.floor.lock().await.take()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn every_order_is_obeyed_in_the_order_of_its_run() {
        const RUNS: u32 = 12;
        const ORDERS: u32 = 2_000;
        let desk = begin().await;
        let mut runs = JoinSet::new();
        for run in 0..RUNS {
            let desk = Arc::clone(&desk);
            runs.spawn(async move {
                for first in (0..ORDERS).step_by(3) {
                    let orders = Unserved::at(Arc::clone(&desk));
                    for order in first..ORDERS.min(first + 3) {
                        orders.lay(Order::Settle(run * ORDERS + order));
                    }
                    // Some are left to the floor's own task.
                    if first % 7 != 0 {
                        orders.serve().await;
                    }
                }
            });
        }
        while let Some(run) = runs.join_next().await {
            run.unwrap();
        }
        let notes = ended(&desk).await.expect("nothing lies here for ever");
        for run in 0..RUNS {
            let of_run = notes.obeyed.iter().filter(|number| **number / ORDERS == run).copied();
            assert!(of_run.eq(run * ORDERS..(run + 1) * ORDERS));
        }
        assert!(notes.longest <= MOST, "{} in one go", notes.longest);
    }

    #[tokio::test]
    async fn who_finds_the_floor_busy_calls_its_task() {
        for calls in [true, false] {
            let desk = begin().await;
            let busy = desk.floor.lock().await;
            let orders = Unserved::at(Arc::clone(&desk));
            orders.lay(Order::Settle(1));
            if calls {
                orders.serve().await;
            } else {
                std::mem::forget(orders);
            }
            drop(busy);
            // Control: an order that nobody serves or calls for lies for ever.
            assert_eq!(ended(&desk).await.map(|notes| notes.obeyed), calls.then(|| vec![1]));
        }
    }

    #[tokio::test]
    async fn what_nobody_served_to_its_end_is_called_for() {
        for begins in [false, true] {
            let desk = begin().await;
            let orders = Unserved::at(Arc::clone(&desk));
            [7, 8].into_iter().for_each(|number| orders.lay(Order::Settle(number)));
            if begins {
                let mut serving = Box::pin(orders.serve());
                let polled = poll_fn(|context| Poll::Ready(serving.as_mut().poll(context))).await;
                assert!(polled.is_pending(), "it is long about the first");
            } else {
                drop(orders);
            }
            assert_eq!(ended(&desk).await.map(|notes| notes.obeyed), Some(vec![7, 8]));
        }
    }

    #[tokio::test]
    async fn a_run_obeys_some_and_the_rest_is_called_for() {
        let desk = begin().await;
        let many = MOST as u32 * 2 + 3;
        let orders = Unserved::at(Arc::clone(&desk));
        (1..=many).for_each(|number| orders.lay(Order::Settle(number)));
        orders.serve().await;
        assert_eq!(desk.floor.lock().await.as_ref().unwrap().obeyed.len(), MOST);
        assert_eq!(ended(&desk).await.unwrap().obeyed, (1..=many).collect::<Vec<_>>());
    }
}
