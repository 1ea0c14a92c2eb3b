//! The worker's life: one engine, one starter, and the attempts between them.
//!
//! This loop never waits for the engine to read: whoever has something to send does so from its own task, so two full sockets
//! cannot hold each other up. Reports are kept until the engine acknowledges them.

use crate::Error;
use crate::attempt::{self, Attempt, Event, Finished};
use crate::files::Files;
use crate::folders::Folders;
use crate::frame;
use crate::protocol::{
    CAPACITY, Dispatch, FromWorker, HEARTBEAT_MS, Key, LOG_ROOM, Outcome, Report, ToWorker, VERSION,
};
use crate::root;
use crate::starter::{self, Answers, Requests};
use dvt_model::failure::Usage;
use dvt_wall::protocol::FromStarter;
use std::collections::BTreeMap;
use std::io::ErrorKind::{BrokenPipe, ConnectionReset};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream as Socket;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::BufReader;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};

/// Messages to the engine that may wait; whoever sends more waits, and with it the step whose logs these are.
const WAITING: usize = 64;

/// So long after it is there a worker removes what others left behind.
const SETTLED: Duration = Duration::from_millis(300);

/// Serves until the engine is gone or says so. Sets `ready` once the starter holds its lock.
pub(crate) async fn run(starter: Socket, root: &Path, ready: &mut bool) -> Result<(), Error> {
    let engine = Socket::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    engine.set_nonblocking(true)?;
    // Not `into_split`: its writing half shuts the socket down when it is dropped. The engine must see the end of this process
    // and nothing earlier, for it may start another worker then; standard input keeps the socket open until that.
    let (read, mut write) = tokio::io::split(tokio::net::UnixStream::from_std(engine)?);
    let mut read = BufReader::new(read);
    let (received, mut incoming) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        loop {
            let message = frame::read::<ToWorker>(&mut read).await;
            let last = !matches!(message, Ok(Some(_)));
            if received.send(message).await.is_err() || last {
                return;
            }
        }
    });
    let (requests, mut answers) = starter::serve(starter)?;
    let Some(early) = until_ready(&mut answers, &mut incoming).await? else { return Ok(()) };
    *ready = true;
    // Written before any program is started: of a worker that is killed by its first step the engine knows that it was there.
    if let Err(error) = frame::write(&mut write, &mut vec![hello()]).await {
        return if is_gone(&error) { Ok(()) } else { Err(error.into()) };
    }
    let (to_engine, mut outgoing) = mpsc::channel::<FromWorker>(WAITING);
    let mut writing = tokio::spawn(async move {
        let mut batch = Vec::new();
        while outgoing.recv_many(&mut batch, frame::BATCH).await > 0 {
            frame::write(&mut write, &mut batch).await?;
        }
        Ok::<(), frame::Error>(())
    });
    let (finished, mut ends) = mpsc::unbounded_channel();
    let mut session = Session {
        root: root.to_owned(),
        folders: Arc::new(Folders::new(root)?),
        files: Files::new(root)?,
        starter: requests,
        engine: to_engine,
        finished,
        last_number: 0,
        running: BTreeMap::new(),
        reports: BTreeMap::new(),
    };
    session.tidy_up_later();
    for message in early {
        if !session.obey(message).await? {
            return Ok(());
        }
    }
    let pause = Duration::from_millis(HEARTBEAT_MS);
    let mut heartbeat = interval_at(Instant::now() + pause, pause);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            // An end is always sent before its report, so it is also seen before the acknowledgement of that report.
            biased;
            Some(report) = ends.recv() => session.keep(report),
            answer = answers.next() => session.pass_on(answer?),
            message = incoming.recv() => match message {
                Some(Ok(Some(message))) => if !session.obey(message).await? {
                    return Ok(());
                },
                Some(Ok(None)) | None => return Ok(()),
                Some(Err(error)) => return Err(error.into()),
            },
            // Whatever stops the writer ends the session: a worker that is not heard must not go on working.
            written = &mut writing => return match written.map_err(std::io::Error::other)? {
                Ok(()) => Ok(()),
                // The engine is gone, and it was the writer who saw it first.
                Err(error) if is_gone(&error) => Ok(()),
                Err(error) => Err(error.into()),
            },
            _ = heartbeat.tick() => session.beat(),
        }
    }
}

/// Waits until the starter holds its lock; what the engine said meanwhile, in its order. `None` where it is gone, or says that this is to
/// end.
async fn until_ready(
    answers: &mut Answers,
    incoming: &mut mpsc::Receiver<Result<Option<ToWorker>, frame::Error>>,
) -> Result<Option<Vec<ToWorker>>, Error> {
    let mut early = Vec::new();
    loop {
        tokio::select! {
            answer = answers.next() => if answer? == FromStarter::Ready {
                return Ok(Some(early));
            },
            message = incoming.recv() => match message {
                Some(Ok(Some(ToWorker::Shutdown) | None)) | None => return Ok(None),
                Some(Ok(Some(message))) => early.push(message),
                Some(Err(error)) => return Err(error.into()),
            },
        }
    }
}

/// Whether it says that nobody reads any more.
fn is_gone(error: &frame::Error) -> bool {
    matches!(error, frame::Error::Io(error) if matches!(error.kind(), BrokenPipe | ConnectionReset))
}

fn hello() -> FromWorker {
    let worker_id = format!("embedded-{}", std::process::id());
    FromWorker::Hello { worker_id, tiers: vec!["host".to_owned()], capacity: CAPACITY }
}

/// An attempt that runs.
struct Running {
    key: Key,
    events: mpsc::UnboundedSender<Event>,
    room: Arc<Semaphore>,
}

struct Session {
    root: PathBuf,
    folders: Arc<Folders>,
    files: Files,
    starter: Requests,
    engine: mpsc::Sender<FromWorker>,
    finished: mpsc::UnboundedSender<(u64, Report)>,
    last_number: u64,
    /// By the number under which the starter knows it.
    running: BTreeMap<u64, Running>,
    /// Ended, and not acknowledged.
    reports: BTreeMap<Key, Report>,
}

impl Session {
    /// Does what the engine says; `false` where that is to end.
    async fn obey(&mut self, message: ToWorker) -> Result<bool, Error> {
        match message {
            ToWorker::Welcome { version } if version != VERSION => return Err(Error::Version(version)),
            ToWorker::Welcome { .. } => {}
            ToWorker::Bundle { digest, done, body } => {
                if let Err(error) = self.files.take(digest, &body, done).await {
                    // The dispatch that needs it will fail and say that it is missing, so that it is sent again.
                    eprintln!("dvt worker: {error}");
                }
            }
            ToWorker::Forget { digest } => self.files.forget(&digest),
            ToWorker::Dispatch(dispatch) => self.dispatch(*dispatch),
            ToWorker::Stop { key, grace_ms } => {
                for running in self.running.values().filter(|running| running.key == key) {
                    // Where the attempt has just ended its report is on the way.
                    drop(running.events.send(Event::Stop { grace_ms }));
                }
            }
            ToWorker::Ack { key } => drop(self.reports.remove(&key)),
            ToWorker::Kept { key, messages } => {
                for running in self.running.values().filter(|running| running.key == key) {
                    running.room.add_permits(usize::try_from(messages).unwrap_or(0));
                }
            }
            ToWorker::Shutdown => return Ok(false),
        }
        Ok(true)
    }

    // INVARIANT(INV-29): a key runs at most once here: while it runs a repeat is ignored, and after it ended a repeat is
    // answered with the report that is not acknowledged yet.
    fn dispatch(&mut self, dispatch: Dispatch) {
        if self.running.values().any(|running| running.key == dispatch.key) {
            return;
        }
        if let Some(report) = self.reports.get(&dispatch.key) {
            self.send_aside(FromWorker::Report(Box::new(report.clone())));
            return;
        }
        if self.running.len() >= usize::try_from(CAPACITY).unwrap_or(usize::MAX) {
            return self.refuse(dispatch.key);
        }
        self.last_number += 1;
        let number = self.last_number;
        let (events, received) = mpsc::unbounded_channel();
        let key = dispatch.key.clone();
        let directory = self.files.directory(dispatch.files_digest.as_ref());
        let lacks = dispatch.files_digest.filter(|_| directory.is_err());
        let room = Arc::new(Semaphore::new(usize::try_from(LOG_ROOM).unwrap_or(1)));
        self.running.insert(number, Running { key: key.clone(), events, room: Arc::clone(&room) });
        let attempt = Attempt {
            number,
            folders: Arc::clone(&self.folders),
            directory,
            starter: self.starter.clone(),
            engine: self.engine.clone(),
            room,
            events: received,
            dispatch,
        };
        let (finished, engine) = (self.finished.clone(), self.engine.clone());
        tokio::spawn(async move {
            let Finished { outcome, usage, duration_ms } = attempt.run().await;
            if let Some(digest) = lacks {
                drop(engine.send(FromWorker::Lacks { digest }).await);
            }
            let report = Report { key, outcome, usage, duration_ms };
            // Kept first, sent then: the acknowledgement finds it.
            if finished.send((number, report.clone())).is_ok() {
                drop(engine.send(FromWorker::Report(Box::new(report))).await);
            }
        });
    }

    /// More than was offered with `Hello` is not begun: every slot is taken.
    fn refuse(&mut self, key: Key) {
        let report = Report {
            key,
            outcome: Outcome::Failed { failure: attempt::beyond_capacity() },
            usage: Usage::default(),
            duration_ms: 0,
        };
        self.reports.insert(report.key.clone(), report.clone());
        self.send_aside(FromWorker::Report(Box::new(report)));
    }

    fn keep(&mut self, (number, report): (u64, Report)) {
        self.running.remove(&number);
        self.reports.insert(report.key.clone(), report);
    }

    /// Hands an answer of the starter to the attempt that it is about.
    fn pass_on(&mut self, answer: FromStarter) {
        let (number, event) = match answer {
            // Said once, and heard.
            FromStarter::Ready => return,
            FromStarter::Started { key, pid, since_us } => {
                (key, Event::Started { pid, since: Duration::from_micros(since_us) })
            }
            FromStarter::Refused { key, reason } => (key, Event::Refused(reason)),
            FromStarter::Exited { key, end, used } => (key, Event::Exited { end, used }),
        };
        if let Some(running) = self.running.get(&number) {
            // An attempt that has failed meanwhile does not listen any more.
            drop(running.events.send(event));
        }
    }

    /// Whoever waits for this worker has it first.
    fn tidy_up_later(&self) {
        let root = self.root.clone();
        tokio::spawn(async move {
            sleep(SETTLED).await;
            root::remove_abandoned_beside(&root);
        });
    }

    fn beat(&self) {
        let running = self.running.values().map(|running| running.key.clone()).collect();
        // An engine that has this much to read already knows that we are there.
        drop(self.engine.try_send(FromWorker::Heartbeat { running }));
    }

    fn send_aside(&self, message: FromWorker) {
        let engine = self.engine.clone();
        tokio::spawn(async move { drop(engine.send(message).await) });
    }
}
