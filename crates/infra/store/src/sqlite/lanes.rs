//! Lanes: a few threads per tenant that read (each with its own connection), seal, and touch files, so that no async
//! caller ever waits inside SQLite or a disk.
//!
//! Owns no order between jobs: whoever needs one waits for the first before asking for the second.

use super::connect::{Access, connect};
use crate::port::error::Error;
use rusqlite::Connection;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

/// Threads per tenant. Reads are short; one long one must not hold up the rest.
const LANES: usize = 2;

type Job = Box<dyn FnOnce(&Result<Connection, Error>) + Send>;

/// The lanes of one file. Dropping it ends the threads once their jobs are done.
pub(crate) struct Lanes {
    jobs: Mutex<Option<Sender<Job>>>,
    threads: Mutex<Vec<std::thread::JoinHandle<()>>>,
}

impl Lanes {
    /// Starts the threads; each opens its reader when it gets its first job.
    pub(crate) fn start(path: &Path, vfs: Option<&str>) -> Result<Self, Error> {
        let (sender, receiver) = channel::<Job>();
        let receiver = Arc::new(Mutex::new(receiver));
        let mut threads = Vec::new();
        for _ in 0..LANES {
            let (receiver, path, vfs) = (Arc::clone(&receiver), path.to_owned(), vfs.map(str::to_owned));
            let thread = std::thread::Builder::new()
                .name("dvt-store-lane".to_owned())
                .spawn(move || serve(&receiver, &path, vfs.as_deref()))
                .map_err(|error| Error::io("start a thread", &error))?;
            threads.push(thread);
        }
        Ok(Self { jobs: Mutex::new(Some(sender)), threads: Mutex::new(threads) })
    }

    /// Runs `work` on a lane, with its reader.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, wait) = tokio::sync::oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let result = match connection {
                Ok(connection) => work(connection),
                Err(error) => Err(Error::Unavailable(error.what())),
            };
            // Nobody waits any more: a read has no effect to undo.
            let _dropped = answer.send(result);
        });
        let sent = match self.jobs.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            Some(sender) => sender.send(job).is_ok(),
            None => false,
        };
        if !sent {
            return Err(closed());
        }
        wait.await.map_err(|_| closed())?
    }

    /// Ends the threads and waits for them.
    pub(crate) fn stop(&self) {
        drop(self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take());
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            // A lane that panicked has answered its caller by dropping the answer.
            let _ended = thread.join();
        }
    }
}

impl Drop for Lanes {
    fn drop(&mut self) {
        drop(self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

fn closed() -> Error {
    Error::Unavailable("answer: it is closed".to_owned())
}

fn serve(receiver: &Mutex<Receiver<Job>>, path: &Path, vfs: Option<&str>) {
    let mut connection: Option<Result<Connection, Error>> = None;
    loop {
        let job = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        if !matches!(connection, Some(Ok(_))) {
            connection = Some(connect(path, vfs, Access::Read));
        }
        if let Some(connection) = &connection {
            job(connection);
        }
    }
}
