//! The client's end of the socket: calls with numbers, answers as they come, and the moment it breaks.
//!
//! A stopped engine keeps its socket open and says nothing; so while a call waits, the lease row is looked at every
//! second, and a lease that is not renewed any more breaks the connection like its end.

use super::frame;
use super::request::{self, Answer, Call, Command, Greeting, Reply};
use super::socket;
use crate::{Grant, Parts, Problem, lease};
use dvt_model::code::Code;
use dvt_store::port::lease::Row;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{interval, timeout};

const GREETING_WITHIN: Duration = Duration::from_secs(2);
const LOOK_EVERY: Duration = Duration::from_secs(1);

type Waiter = oneshot::Sender<Result<Reply, Problem>>;
/// The number of the last call, and who waits for which.
type Waiting = Arc<Mutex<(u64, BTreeMap<u64, Waiter>)>>;

/// A connection to the process that holds the lease.
pub(crate) struct Remote {
    parts: Parts,
    audience: String,
    calls: mpsc::UnboundedSender<Call>,
    waiting: Waiting,
    broken: watch::Receiver<bool>,
    tasks: [JoinHandle<()>; 3],
}

impl Remote {
    pub(crate) async fn connect(parts: &Parts, row: &Row) -> Result<Self, Problem> {
        let stream = socket::connect(&parts.folder, &row.holder.address).await?;
        let (mut reader, mut writer) = stream.into_split();
        let greeting = timeout(GREETING_WITHIN, frame::read::<Greeting>(&mut reader)).await;
        let Ok(Ok(Some(Greeting { epoch }))) = greeting else { return Err(Problem::no_engine()) };
        if epoch != row.epoch {
            return Err(Problem::no_engine());
        }
        let waiting = Waiting::default();
        let (tell, broken) = watch::channel(false);
        let tell = Arc::new(tell);
        let reading = tokio::spawn({
            let (waiting, tell) = (Arc::clone(&waiting), Arc::clone(&tell));
            async move {
                while let Ok(Some(Answer { id, result })) = frame::read::<Answer>(&mut reader).await {
                    let waiter = waiting.lock().unwrap_or_else(PoisonError::into_inner).1.remove(&id);
                    if let Some(waiter) = waiter {
                        // Whoever asked may have gone meanwhile.
                        drop(waiter.send(result));
                    }
                }
                tell.send_replace(true);
            }
        });
        // A task of its own writes, so that a caller who stops waiting never leaves half a frame behind.
        let (calls, mut to_write) = mpsc::unbounded_channel::<Call>();
        let writing = tokio::spawn(async move {
            while let Some(call) = to_write.recv().await {
                if frame::write(&mut writer, &call).await.is_err() {
                    // The reader sees the end of the connection and tells everybody.
                    return;
                }
            }
        });
        let watching = tokio::spawn({
            let parts = parts.clone();
            async move {
                let mut ticks = interval(LOOK_EVERY);
                let mut observation = lease::Observation::default();
                loop {
                    ticks.tick().await;
                    if !observation.still_held(&parts, epoch) {
                        tell.send_replace(true);
                        return;
                    }
                }
            }
        });
        Ok(Self {
            parts: parts.clone(),
            audience: row.holder.address.clone(),
            calls,
            waiting,
            broken,
            tasks: [reading, writing, watching],
        })
    }

    /// Waits until the engine at the other end has ended, or renews its lease no more.
    pub(crate) async fn ended(&self) {
        // An error means that whoever watched it is gone, which is an end too.
        drop(self.broken.clone().wait_for(|broken| *broken).await);
    }

    /// Asks, with the authority of `grants`, and waits. `LEASE_LOST` when the engine ended before it answered: whether it
    /// did what was asked is then not known, and asking the next one again is harmless (each command is idempotent).
    pub(crate) async fn call(&self, command: &Command, grants: &[&Grant]) -> Result<Reply, Problem> {
        let text = request::write(&self.audience, command)?;
        let envelopes = grants
            .iter()
            .map(|grant| self.parts.door.seal(grant, text.as_bytes()))
            .collect::<Result<Vec<_>, _>>()?;
        if text.len() > frame::MAX_BYTES / 2 {
            return Err(Problem::new(Code::PayloadTooLarge, "the request is larger than a frame"));
        }
        let (answer, answered) = oneshot::channel();
        let id = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.0 += 1;
            let id = waiting.0;
            waiting.1.insert(id, answer);
            id
        };
        self.calls.send(Call { id, text, envelopes }).map_err(|_| Problem::engine_gone())?;
        let mut broken = self.broken.clone();
        tokio::select! {
            biased;
            result = answered => result.unwrap_or_else(|_| Err(Problem::engine_gone())),
            _ = broken.wait_for(|broken| *broken) => Err(Problem::engine_gone()),
        }
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}
