//! The starter's life: lock, `Ready`, start and end steps as told, and at end-of-file take everything with it.
//!
//! Single-threaded and without a runtime: who begins in its memory (`child`) meets nobody else there. It answers only what the protocol knows; a message
//! it cannot read is the end of the link. A step has ended when nothing of it is left, not when its first process has. What has
//! begun is told when it is seen to be the program, which nothing waits for.

use crate::child::Child;
use crate::descriptors::{self, Inbox};
use crate::protocol::{self, FromStarter, LOCK_VARIABLE, MARK, Spawn, StepSignal, ToStarter};
use crate::spawn::{self, Streams};
use crate::stack::Stack;
use crate::wait::{self, Reaped};
use crate::whose::{Marks, Whose};
use crate::{family, harden};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::FlockOperation;
use rustix::io::Errno;
use rustix::process::{Pid, Signal, getpgid, kill_process_group};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::num::NonZeroI32;
use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;
use std::time::Instant;

/// A child that has begun is looked at after so long, where nothing else happens before. Most are the program by then.
const LOOK_AGAIN: Timespec = Timespec { tv_sec: 0, tv_nsec: 2_000_000 };

/// Why the starter ended before its time.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No lock file was named.
    #[error("`{LOCK_VARIABLE}` does not name a lock file")]
    NoLock,
    /// The kernel refused.
    #[error("{0}")]
    System(#[from] io::Error),
    /// The worker does not speak the protocol.
    #[error("the worker sent what cannot be read: {0}")]
    Protocol(#[from] protocol::Error),
    /// A Spawn came without its streams.
    #[error("a step came without its three streams")]
    NoStreams,
}

/// The hidden verb `__starter`: serves the socket at standard input until its end-of-file.
pub fn main() -> ExitCode {
    main_adopting(true)
}

/// [`main`] that adopts no orphans: the weakened form that tests compare with. Nothing shipped calls it.
#[doc(hidden)]
pub fn main_without_adoption() -> ExitCode {
    main_adopting(false)
}

fn main_adopting(adopt: bool) -> ExitCode {
    match serve(adopt) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("dvt starter: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(adopt: bool) -> Result<(), Error> {
    harden::hand_on_nothing()?;
    harden::no_core_dumps()?;
    harden::bound_descendants()?;
    if adopt {
        harden::adopt_orphans()?;
    }
    let lock = take_lock()?;
    let signals = wait::child_signals()?;
    let mut starter = Starter {
        socket: io::stdin().as_fd().try_clone_to_owned()?,
        inbox: Inbox::default(),
        steps: Vec::new(),
        stacks: Vec::new(),
        answers: Vec::new(),
        marks: Marks::new()?,
        nameless: BTreeMap::new(),
    };
    let served = starter.run(&signals);
    // From here on the worker is gone or not understood. If we are killed in the middle, the kernel kills our direct
    // children (their death signal), and the worker, where it lives, adopts and ends the rest.
    starter.end_all(adopt)?;
    // INVARIANT(INV-29): the lock goes after the last process, never before.
    drop(lock);
    served
}

/// Waits until no other starter holds the lock: until the steps of the one before are gone. Steps do not inherit it.
// INVARIANT(INV-29): taken before `Ready`, so no step is started while an older copy of it may be alive.
fn take_lock() -> Result<File, Error> {
    let path = std::env::var_os(LOCK_VARIABLE).filter(|path| !path.is_empty()).ok_or(Error::NoLock)?;
    let file = File::options().create(true).truncate(false).write(true).open(path)?;
    loop {
        match rustix::fs::flock(&file, FlockOperation::LockExclusive) {
            Ok(()) => return Ok(file),
            Err(Errno::INTR) => {}
            Err(error) => return Err(io::Error::from(error).into()),
        }
    }
}

struct Step {
    key: u64,
    /// What was to be started, for refusals.
    program: String,
    /// Its first process, which is also its process group. Names nothing any more once `ended` is there.
    pid: Pid,
    /// That process until it is seen to be the program.
    child: Option<Child>,
    begun: Instant,
    /// Why it did not become the program.
    failed: Option<Errno>,
    /// What its processes inherit (`harden`).
    mark: u64,
    /// `DVT_TOKEN=…`, as it stands in the environment of its processes.
    token: Option<Vec<u8>>,
    /// How its first process ended; others of it may still be ending.
    ended: Option<Reaped>,
}

struct Starter {
    socket: OwnedFd,
    inbox: Inbox,
    steps: Vec<Step>,
    /// On which steps begin.
    stacks: Vec<Stack>,
    /// Answers that are not sent yet: what is found out together is told together, for each call wakes the worker.
    answers: Vec<u8>,
    marks: Marks,
    /// Strays that hide whose they are, and the steps that were there when they were first seen: they may be theirs.
    nameless: BTreeMap<NonZeroI32, Vec<u64>>,
}

impl Starter {
    fn run(&mut self, signals: &OwnedFd) -> Result<(), Error> {
        self.answer(&FromStarter::Ready)?;
        // Until the worker is gone.
        while self.tell()? {
            let mut ready = [PollFd::new(&self.socket, PollFlags::IN), PollFd::new(signals, PollFlags::IN)];
            let is_beginning = self.steps.iter().any(|step| step.child.is_some());
            match poll(&mut ready, is_beginning.then_some(&LOOK_AGAIN)) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(io::Error::from(error).into()),
            }
            let [socket, signal] = ready.map(|ready| !ready.revents().is_empty());
            self.see()?;
            if signal {
                drain(signals)?;
                self.reap()?;
            }
            // An end does not wait for what is started next.
            if socket && !(self.tell()? && self.obey()?) {
                break;
            }
        }
        Ok(())
    }

    /// Does what the worker asks; `false` at its end.
    fn obey(&mut self) -> Result<bool, Error> {
        if !self.inbox.fill(&self.socket)? {
            return Ok(false);
        }
        while let Some(message) = protocol::decode(&mut self.inbox.bytes)? {
            match message {
                ToStarter::Spawn(request) => self.start(&request)?,
                ToStarter::Signal { key, signal } => self.signal(key, signal)?,
            }
        }
        Ok(true)
    }

    fn start(&mut self, request: &Spawn) -> Result<(), Error> {
        let mut stream = || self.inbox.descriptors.pop_front().ok_or(Error::NoStreams);
        let streams = Streams { input: stream()?, output: stream()?, error: stream()? };
        let (key, begun) = (request.key, Instant::now());
        let mark = self.marks.next()?;
        harden::mark_descendants(mark)?;
        match spawn::spawn(request, streams, self.stacks.pop()) {
            Err(reason) => self.answer(&FromStarter::Refused { key, reason }),
            Ok(child) => {
                let token = request.environment.iter().find(|(name, _)| name == MARK);
                let token = token.map(|(name, value)| format!("{name}={value}").into_bytes());
                let (program, pid) = (request.program.clone(), child.pid());
                let (child, failed, ended) = (Some(child), None, None);
                self.steps.push(Step { key, program, pid, child, begun, failed, mark, token, ended });
                Ok(())
            }
        }
    }

    /// Looks which children have become the program, or have failed to.
    fn see(&mut self) -> Result<(), Error> {
        let mut started = Vec::new();
        for step in &mut self.steps {
            let Some((outcome, stack)) = step.child.as_mut().and_then(Child::outcome) else { continue };
            step.child = None;
            self.stacks.push(stack);
            step.failed = outcome.err();
            if step.failed.is_none() {
                let since_us = u64::try_from(step.begun.elapsed().as_micros()).unwrap_or(u64::MAX);
                let pid = step.pid.as_raw_nonzero().get().unsigned_abs();
                started.push(FromStarter::Started { key: step.key, pid, since_us });
            }
        }
        started.iter().try_for_each(|started| self.answer(started))
    }

    fn signal(&mut self, key: u64, signal: StepSignal) -> Result<(), Error> {
        let found = self.steps.iter().find(|step| step.key == key && step.ended.is_none());
        // A step that has ended meanwhile is being cleared already.
        let Some(&Step { pid, .. }) = found else { return Ok(()) };
        match signal {
            StepSignal::Terminate => signal_group(pid, Signal::TERM)?,
            StepSignal::Kill => {
                signal_group(pid, Signal::KILL)?;
                // The first process may have moved to another group of its session.
                family::kill(pid)?;
            }
        }
        Ok(())
    }

    /// Reaps whatever has ended and clears what the ended steps left behind.
    fn reap(&mut self) -> Result<(), Error> {
        while let Some(pid) = wait::ended_child()? {
            if self.running(pid) {
                // Not reaped yet, so its number still names its group and no other.
                signal_group(pid, Signal::KILL)?;
            }
            let reaped = wait::reap(pid)?;
            if let Some(step) = self.steps.iter_mut().find(|step| step.pid == pid && step.ended.is_none()) {
                step.ended = reaped;
                step.child.iter_mut().for_each(Child::was_reaped);
            }
        }
        // What has ended had begun before.
        self.see()?;
        self.clear()
    }

    /// Ends the strays: children that this process did not start, but adopted. Those of a running step may stay (a program
    /// may put a service into the background while it runs); those of an ended one, and those that hide whose they are, not. An end
    /// waits for what may be left of that step, and for nothing of others: one of theirs may be there for as long as its debugger likes.
    fn clear(&mut self) -> Result<(), Error> {
        if self.steps.iter().all(|step| step.ended.is_none()) {
            return Ok(());
        }
        let children = family::children()?;
        self.nameless.retain(|stray, _| children.iter().any(|child| child.as_raw_nonzero() == *stray));
        let mut unfinished = BTreeSet::new();
        for stray in children {
            if self.running(stray) {
                continue;
            }
            match self.whose(stray) {
                Some((_, true)) => continue,
                Some((ended, false)) => drop(unfinished.insert(ended)),
                None => {
                    let here = || self.steps.iter().map(|step| step.key).collect();
                    unfinished.extend(
                        self.nameless.entry(stray.as_raw_nonzero()).or_insert_with(here).iter().copied(),
                    );
                }
            }
            // Its end is signalled to us like any other, and brings us here again.
            family::kill(stray)?;
        }
        let (ended, running) = std::mem::take(&mut self.steps)
            .into_iter()
            .partition(|step| step.ended.is_some() && !unfinished.contains(&step.key));
        self.steps = running;
        let ended: Vec<Step> = ended;
        for step in ended {
            let Step { key, program, failed, ended, .. } = step;
            let Some(Reaped { end, used }) = ended else { continue };
            self.answer(&match failed {
                Some(errno) => FromStarter::Refused { key, reason: spawn::refusal(&program, errno) },
                None => FromStarter::Exited { key, end, used },
            })?;
        }
        Ok(())
    }

    /// Whether this is the first process of a step that has not ended.
    fn running(&self, pid: Pid) -> bool {
        self.steps.iter().any(|step| step.pid == pid && step.ended.is_none())
    }

    /// The step that a stray is of, and whether that one runs.
    fn whose(&self, stray: Pid) -> Option<(u64, bool)> {
        let (group, found) = (getpgid(Some(stray)).ok(), Whose::of(stray));
        let is_of = |step: &&Step| {
            group == Some(step.pid)
                || found.bears(step.mark)
                || step.token.as_deref().is_some_and(|token| found.names(token))
        };
        let running = self.steps.iter().filter(|step| step.ended.is_none()).find(is_of);
        let step = running.or_else(|| self.steps.iter().find(is_of))?;
        Some((step.key, step.ended.is_none()))
    }

    /// Ends every step and waits until the last process is gone.
    fn end_all(&mut self, adopted: bool) -> io::Result<()> {
        for step in self.steps.iter().filter(|step| step.ended.is_none()) {
            signal_group(step.pid, Signal::KILL)?;
            family::kill(step.pid)?;
        }
        if adopted { family::sweep() } else { Ok(()) }
    }

    /// An answer, to be told with the others.
    fn answer(&mut self, message: &FromStarter) -> Result<(), Error> {
        self.answers.extend(protocol::encode(message)?);
        Ok(())
    }

    /// Sends the answers; `false` where the worker is gone.
    fn tell(&mut self) -> Result<bool, Error> {
        let answers = std::mem::take(&mut self.answers);
        let mut rest = answers.as_slice();
        while !rest.is_empty() {
            match descriptors::send(&self.socket, rest, &[]) {
                Ok(sent) => rest = rest.get(sent..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error)
                    if matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset) =>
                {
                    return Ok(false);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(true)
    }
}

/// A signal to a whole group. That nobody is in it any more is no error.
fn signal_group(group: Pid, signal: Signal) -> io::Result<()> {
    match kill_process_group(group, signal) {
        Ok(()) | Err(Errno::SRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Empties the signal descriptor: how many signals there were says nothing, for they merge.
fn drain(signals: &OwnedFd) -> io::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        match rustix::io::read(signals, &mut buffer) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}
