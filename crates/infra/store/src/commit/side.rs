//! Writes that are no entries: snapshots, blob rows, the epoch, tiles and checkpoints. They share the committer's thread and
//! its transactions, because a file has one writer.

use super::Committer;
use super::group::{Group, Stop, Work};
use super::queue::Queue;
use crate::port::error::{Error, Refusal};
use tokio::sync::oneshot;

struct Side<T, F> {
    write: Option<F>,
    value: Option<T>,
    weight: usize,
    answer: oneshot::Sender<Result<T, Refusal>>,
}

impl<T, F> Work for Side<T, F>
where
    T: Send,
    F: FnOnce(&mut Group<'_>) -> Result<T, Stop> + Send,
{
    fn weight(&self) -> usize {
        self.weight
    }

    fn can_repeat(&self) -> bool {
        // What it does is given away when it is done.
        false
    }

    fn apply(&mut self, group: &mut Group<'_>) -> Result<(), Stop> {
        if let Some(write) = self.write.take() {
            self.value = Some(write(group)?);
        }
        Ok(())
    }

    fn answer(self: Box<Self>, verdict: Result<(), Refusal>) {
        let Side { value, answer, .. } = *self;
        let result = verdict.and_then(|()| value.ok_or_else(super::closed));
        // Whoever asked has gone away; the write stands.
        let _gone = answer.send(result);
    }
}

/// A write of a thread that waits for it.
pub(crate) type FromThread = Box<dyn FnOnce(&mut Group<'_>) -> Result<bool, Stop> + Send>;

/// Puts the write into the queue and waits until it is durable; never on an async thread.
pub(crate) fn wait(queue: &Queue, write: FromThread) -> Result<bool, Error> {
    let closed = || Error::Unavailable("answer: it is closed".to_owned());
    let (answer, wait) = oneshot::channel();
    let side = Side { write: Some(write), value: None, weight: 0, answer };
    queue.put(Box::new(side), None).map_err(|_| closed())?;
    let done = wait.blocking_recv().map_err(|_| closed())?;
    done.map_err(Error::of)
}

impl Committer {
    /// Writes beside the ledger and waits until it is durable.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        weight: usize,
        write: impl FnOnce(&mut Group<'_>) -> Result<T, Stop> + Send + 'static,
    ) -> Result<T, Refusal> {
        let (answer, wait) = oneshot::channel();
        let room = self.room(weight).await?;
        self.put(Box::new(Side { write: Some(write), value: None, weight, answer }), room)?;
        wait.await.map_err(|_| super::closed())?
    }
}
