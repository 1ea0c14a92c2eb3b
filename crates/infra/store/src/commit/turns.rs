//! Turns at the disk: of all tenants of a store, only a few transactions run at a time, first come first served.
//!
//! Owns the order between tenants and no work. A committer asks for one turn at a time, so a tenant that floods its file
//! stands in line once, like everybody else: between a quiet tenant's asking and its turn, another gets one at most, besides
//! those that run already. Surprising: a turn is handed on to the next in line and never free for somebody who runs past.

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::Thread;

/// Transactions at a time. More than processors, for most of a transaction is waiting for the disk, which syncs several
/// files together.
pub(crate) const AT_A_TIME: usize = 8;

/// Who waits, and who was called.
pub(crate) struct Turns {
    state: Mutex<State>,
    guests: AtomicUsize,
    most: usize,
}

#[derive(Default)]
struct State {
    running: usize,
    next: u64,
    waiting: VecDeque<(u64, Thread)>,
    called: BTreeSet<u64>,
}

/// A turn; dropping it calls the next.
pub(crate) struct Turn<'a> {
    turns: &'a Turns,
}

/// A caller who writes for himself.
pub(crate) struct Guest<'a> {
    turns: &'a Turns,
}

impl Turns {
    /// Nobody waits.
    pub(crate) fn new(most: usize) -> Self {
        Self { state: Mutex::new(State::default()), guests: AtomicUsize::new(0), most: most.max(1) }
    }

    /// Lets a caller write for himself, as many at a time as there are turns: each of them keeps a thread, of which there
    /// are not as many as tenants. It is no turn; that is taken as ever.
    pub(crate) fn guest(&self) -> Option<Guest<'_>> {
        let guest = Guest { turns: self };
        // Dropped where there is no room, it leaves again.
        (self.guests.fetch_add(1, Ordering::SeqCst) < self.most).then_some(guest)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a turn.
    pub(crate) fn take(&self) -> Turn<'_> {
        let number = {
            let mut state = self.lock();
            if state.running < self.most && state.waiting.is_empty() {
                state.running += 1;
                return Turn { turns: self };
            }
            let number = state.next;
            state.next += 1;
            state.waiting.push_back((number, std::thread::current()));
            number
        };
        while !self.lock().called.remove(&number) {
            std::thread::park();
        }
        Turn { turns: self }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.turns.lock();
        match state.waiting.pop_front() {
            Some((number, thread)) => {
                state.called.insert(number);
                thread.unpark();
            }
            None => state.running -= 1,
        }
    }
}

impl Drop for Guest<'_> {
    fn drop(&mut self) {
        self.turns.guests.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::mpsc::channel;

    /// One floods, twenty ask once: none of them waits for more than one turn of the flood.
    #[test]
    fn a_flood_stands_in_line_like_everybody() {
        let turns = Arc::new(Turns::new(1));
        let order = Arc::new(Mutex::new(Vec::new()));
        let held = turns.take();
        let (begun, begins) = channel();
        let mut threads = Vec::new();
        for name in 0..21u32 {
            let (line, order, begun) = (Arc::clone(&turns), Arc::clone(&order), begun.clone());
            threads.push(std::thread::spawn(move || {
                begun.send(()).unwrap();
                for _ in 0..(if name == 0 { 100 } else { 1 }) {
                    let turn = line.take();
                    order.lock().unwrap().push(name);
                    drop(turn);
                }
            }));
            begins.recv().unwrap();
            // The flood is in line before the others ask.
            while turns.lock().waiting.len() <= name as usize {
                std::thread::yield_now();
            }
        }
        drop(held);
        for thread in threads {
            thread.join().unwrap();
        }
        let order = order.lock().unwrap();
        assert_eq!(order.len(), 120);
        let quiet: Vec<_> =
            (0..).zip(order.iter()).filter(|(_, name)| **name != 0).map(|(at, _)| at).collect();
        assert_eq!(quiet, (1..=20).collect::<Vec<_>>(), "the flood got in between: {order:?}");
    }

    #[test]
    fn as_many_as_allowed_run_at_a_time() {
        let turns = Turns::new(2);
        let (one, two) = (turns.take(), turns.take());
        assert_eq!(turns.lock().running, 2);
        std::thread::scope(|scope| {
            let third = scope.spawn(|| drop(turns.take()));
            while turns.lock().waiting.is_empty() {
                std::thread::yield_now();
            }
            assert!(!third.is_finished());
            drop(one);
        });
        drop(two);
        assert_eq!(turns.lock().running, 0);
    }

    #[test]
    fn as_many_guests_as_turns_and_no_more() {
        let turns = Turns::new(2);
        let (one, two) = (turns.guest().unwrap(), turns.guest().unwrap());
        assert!(turns.guest().is_none());
        assert!(turns.guest().is_none(), "who was sent away does not count");
        drop(one);
        let three = turns.guest().unwrap();
        assert!(turns.guest().is_none());
        drop((two, three));
        assert_eq!(turns.guests.load(Ordering::SeqCst), 0);
    }
}
