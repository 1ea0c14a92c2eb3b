//! The floor: orders from runs on one side, the worker on the other. Runs obey their own orders here where they find it free
//! (`desk`); what the worker says is heard by the floor's own task.
//!
//! The worker is started by the first attempt that needs one, and anew when it is gone; then every run that had something
//! with it is told to recover. The surprising rule: an attempt of a step whose earlier attempt is still being killed
//! waits until that one is gone, for a step must never run twice at once.

mod hear;

use super::desk::{Desk, Obeys};
use super::flight::{Flight, Slots};
use super::given::Given;
use super::missing::{Missing, Stop};
use super::pipe::{Item, Pipe, Put};
use super::starts::Starts;
use super::{Attempt, Order, Reported, unfit};
use crate::Parts;
use crate::run::Message;
use dvt_core::command::{Outcome, Report};
use dvt_core::event::{self, Dispatch};
use dvt_model::attempt::{EngineAttemptId, LogicalAttemptId};
use dvt_model::digest::Digest;
use dvt_model::failure::{Failure, Usage};
use dvt_model::id::{RunId, StepId};
use dvt_plan::plan;
use dvt_store::port::transaction::Kind;
use dvt_worker::Link;
use dvt_worker::link::{Incoming, Unsent};
use dvt_worker::protocol::{self, FromWorker, Key, ToWorker};
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// Slots a core, and the fewest. Twelve a core start a tenth more programs a second (on two cores with 8, 12, 16 and 32 a core, by turns,
/// medians of six: 1,330, 1,480, 1,490 and 1,480), and cost the memory of half as many programs more at once.
const PER_CORE: u32 = 8;
const FEWEST: u32 = 8;
/// A worker that says nothing for this long is stuck (contract 4.9).
const SILENCE: Duration = Duration::from_secs(30);

/// Later than this after the moment it was to wake at, this floor itself was held up.
const WOKE_LATE: Duration = Duration::from_secs(2);

/// What woke the floor's task.
enum What {
    Called,
    Heard(Option<FromWorker>),
    Silence,
    MayStart,
}

/// A worker that was started.
struct Working {
    link: Link,
    /// The packed files that it has.
    files: Given,
    said_hello: bool,
    heard: Instant,
}

/// The dispatcher's state.
pub(crate) struct Floor {
    parts: Parts,
    pipe: Pipe,
    slots: Slots,
    own_limit: u32,
    working: Option<Working>,
    /// What a worker that was just started says; the floor's task takes it.
    pub(super) incoming: Option<Incoming>,
    /// Attempts that wait until an abandoned one of the same step is gone.
    parked: BTreeMap<(RunId, StepId), Attempt>,
    /// Attempts that are to end and that the worker will not report.
    missing: Missing,
    /// When a worker may be started.
    starts: Starts,
    /// A start came to nothing, and the floor's own task has not heard of it: it wakes for the next one.
    has_failed: bool,
}

impl Floor {
    pub(super) fn new(parts: Parts, pipe: Pipe, back: Weak<Desk>) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let own_limit =
            u32::try_from(cores).unwrap_or(1).saturating_mul(PER_CORE).clamp(FEWEST, protocol::CAPACITY);
        let slots = Slots::new(own_limit, back);
        Self {
            parts,
            pipe,
            slots,
            own_limit,
            working: None,
            incoming: None,
            parked: BTreeMap::new(),
            missing: Missing::default(),
            starts: Starts::default(),
            has_failed: false,
        }
    }

    /// Obeys, hears and grants until the engine ends.
    pub(super) async fn serve(desk: &Desk, mut stop: watch::Receiver<bool>) {
        let (mut incoming, mut silent_at, mut may_start_at) = (None::<Incoming>, None, None);
        loop {
            let silence = until(silent_at);
            let may_start = until(may_start_at);
            let heard = async {
                match &mut incoming {
                    Some(incoming) => incoming.recv().await,
                    None => std::future::pending().await,
                }
            };
            // Orders first, so that a worker that talks without end holds up no Stop; silence last, so that it is not what is
            // believed while something can be heard.
            let what = tokio::select! {
                biased;
                () = crate::engine::told_to_stop(&mut stop) => break,
                () = desk.called() => What::Called,
                message = heard => What::Heard(message),
                () = silence => What::Silence,
                () = may_start => What::MayStart,
            };
            let mut held = desk.floor.lock().await;
            let Some(floor) = held.as_mut() else { break };
            match what {
                What::Called | What::MayStart => {}
                What::Heard(Some(message)) => floor.hear(message).await,
                What::Heard(None) => floor.lose_worker().await,
                What::Silence => floor.hear_nothing(silent_at).await,
            }
            let (is_done, unsent) = desk.obey(floor).await;
            if !is_done {
                desk.call();
            }
            // Whoever obeyed may have started a worker: it is heard from here on. One that was given up is heard no more, for its end
            // would be taken for that of the next one.
            incoming = floor.incoming.take().or(incoming.filter(|_| floor.working.is_some()));
            (silent_at, may_start_at) = (floor.silent_at(), floor.may_start_at());
            floor.has_failed = false;
            drop(held);
            unsent.send();
        }
        let floor = desk.floor.lock().await.take();
        // The engine ends. Every step ends with the worker, and we wait for it: the next holder gives them out again.
        if let Some(working) = floor.and_then(|floor| floor.working) {
            dvt_telemetry::workers(0);
            drop(working.link.close().await);
        }
    }

    /// When the worker has been silent for too long.
    fn silent_at(&self) -> Option<Instant> {
        self.working.as_ref().filter(|working| working.said_hello).map(|working| working.heard + SILENCE)
    }

    /// When the next worker may be started, where one that is wanted may not be yet.
    fn may_start_at(&self) -> Option<Instant> {
        let is_wanted = self.working.is_none() && self.slots.free() > 0 && self.slots.are_wanted();
        self.starts.next().filter(|_| is_wanted)
    }

    fn may_have_worker(&self) -> bool {
        self.working.is_some() || self.starts.may_begin(Instant::now())
    }

    /// Ends an attempt, wherever it is.
    fn end(&mut self, stop: Stop) {
        let place = (stop.run, stop.step_id.clone());
        let waits = |attempt: &Attempt| {
            attempt.dispatch.logical_attempt_id == stop.logical
                && attempt.dispatch.engine_attempt_id == stop.engine
        };
        // The worker does not know an attempt that waits here; it must not begin after it was stopped.
        if self.parked.get(&place).is_some_and(waits)
            && let Some(attempt) = self.parked.remove(&place)
        {
            return self.fail(attempt, unfit::stopped());
        }
        let in_line = |attempt: &Attempt| place_of(attempt) == place && waits(attempt);
        if let Some(attempt) =
            self.slots.line.iter().position(in_line).and_then(|at| self.slots.line.remove(at))
        {
            return self.fail(attempt, unfit::stopped());
        }
        match self.slots.flights.get_mut(&place) {
            Some(flight) if !flight.abandoned => {
                flight.has_grace = stop.grace_ms > 0;
                flight.is_last = stop.waits.is_none();
                self.stop(key_of(stop.run, &place.1, stop.logical, stop.engine), stop.grace_ms);
            }
            // It is being killed already; its end is the answer.
            Some(_) => drop(self.missing.note(stop)),
            None if self.missing.note(stop) => self.make_sure(),
            None => {}
        }
    }

    /// A worker that has said `Hello` is the proof that none of what an earlier one ran is alive. There may be none yet.
    fn make_sure(&mut self) {
        // Where no worker can be started nothing is sure, and nobody is told.
        if self.worker().is_ok_and(|working| working.said_hello) {
            let flights = &self.slots.flights;
            for item in self.missing.gone_but(|place| flights.contains_key(place)) {
                self.put(item);
            }
        }
    }

    /// The run's memory is gone: its steps are killed, and their reports will not be heard. Where the run has ended, what was told to
    /// end with it keeps the time that it was given.
    fn abandon(&mut self, run: RunId, has_ended: bool) {
        self.slots.forget(run);
        self.missing.forget(run);
        self.parked.retain(|(parked, _), _| *parked != run);
        self.slots.line.retain(|attempt| attempt.run != run);
        let mut keys = Vec::new();
        for ((of, step), flight) in &mut self.slots.flights {
            if *of == run {
                flight.abandoned = true;
                flight.has_grace &= has_ended;
                if !flight.has_grace {
                    keys.push(key_of(run, step, flight.logical, flight.engine));
                }
            }
        }
        for key in keys {
            self.stop(key, 0);
        }
    }

    fn stop(&self, key: Key, grace_ms: u64) {
        self.say(ToWorker::Stop { key, grace_ms });
    }

    fn say(&self, message: ToWorker) {
        if let Some(working) = &self.working {
            working.link.say(message);
        }
    }

    async fn dispatch(&mut self, attempt: Attempt) {
        let place = place_of(&attempt);
        // INVARIANT(INV-29): whatever asked for it, an attempt never joins an older one of its step that may be alive.
        if let Some(flight) = self.slots.flights.get_mut(&place) {
            let older = (!flight.abandoned).then(|| key_of(place.0, &place.1, flight.logical, flight.engine));
            flight.abandoned = true;
            self.parked.insert(place, attempt);
            if let Some(older) = older {
                self.stop(older, 0);
            }
            return;
        }
        if !attempt.host_allowed {
            return self.fail(attempt, unfit::no_word());
        }
        if unfit::is_too_large(&attempt.dispatch) {
            return self.fail(attempt, unfit::too_large());
        }
        self.slots.line.retain(|older| place_of(older) != place);
        // What begins has its slot from its offer. What is given out again has none: there may be as many of them as several engines
        // had slots.
        let is_again = attempt.dispatch.engine_attempt_id > EngineAttemptId::FIRST;
        let is_full = self.slots.free() == 0 || !self.slots.line.is_empty();
        if !self.may_have_worker() || (is_again && is_full) {
            return self.slots.line.push_back(attempt);
        }
        self.give_out(attempt).await;
    }

    /// Gives it to the worker, which is started where there is none.
    async fn give_out(&mut self, attempt: Attempt) {
        let Some(program) = program_of(&attempt.dispatch.program) else {
            return self.fail(attempt, unfit::no_plugins());
        };
        if let Err(error) = self.worker().map(drop) {
            let problem = unstarted(&error);
            // A program that is not there will not be there a moment later.
            if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) {
                return self.fail(attempt, unfit::no_worker(problem));
            }
            self.slots.line.push_front(attempt);
            return self.no_worker_came(problem);
        }
        if let Err(problem) = self.give(&attempt, program).await {
            return self.fail(attempt, unfit::no_worker(problem));
        }
        let is_there = self.working.as_ref().is_some_and(|working| working.said_hello);
        let flight = Flight {
            logical: attempt.dispatch.logical_attempt_id,
            engine: attempt.dispatch.engine_attempt_id,
            hot: attempt.hot.clone(),
            protection: attempt.protection.clone(),
            abandoned: false,
            has_grace: false,
            is_last: false,
            logs: 0,
            kept: None,
        };
        let place = place_of(&attempt);
        let kept = (!is_there).then(|| Box::new(attempt));
        self.slots.flights.insert(place, Flight { kept, ..flight });
    }

    /// A worker could not be started, or ended before it was there: what waits for one waits on, until that has lasted too long.
    fn no_worker_came(&mut self, problem: String) {
        let now = Instant::now();
        self.starts.failed(now, problem);
        self.has_failed = true;
        if let Some(why) = self.starts.hopeless(now).map(str::to_owned) {
            for attempt in std::mem::take(&mut self.slots.line) {
                self.fail(attempt, unfit::no_worker(why.clone()));
            }
        }
    }

    /// An attempt that no worker ever had ends at once.
    fn fail(&mut self, attempt: Attempt, failure: Failure) {
        let Dispatch { step_id, logical_attempt_id, engine_attempt_id, .. } = attempt.dispatch;
        let outcome = Outcome::Failed(failure);
        let report =
            Report { step_id, logical_attempt_id, engine_attempt_id, outcome, usage: Usage::default() };
        self.put(Item::Word(attempt.hot, Message::Report(Box::new(report), None)));
    }

    async fn give(&mut self, attempt: &Attempt, program: protocol::Program) -> Result<(), String> {
        let files = match attempt.files {
            Some(digest) => self.files_for(attempt, digest).await?,
            None => None,
        };
        let message = ToWorker::Dispatch(Box::new(protocol::Dispatch {
            key: key_of(
                attempt.run,
                &attempt.dispatch.step_id,
                attempt.dispatch.logical_attempt_id,
                attempt.dispatch.engine_attempt_id,
            ),
            token: attempt.dispatch.token.clone(),
            timeout_ms: attempt.dispatch.timeout_ms,
            program,
            with: attempt.dispatch.with.clone(),
            env: attempt.dispatch.env.clone(),
            output: output_of(attempt.dispatch.output),
            host_allowed: attempt.host_allowed,
            files_digest: attempt.files,
            log_budget_bytes: protocol::DEFAULT_LOG_BUDGET_BYTES,
        }));
        let working = self.worker().map_err(|error| unstarted(&error))?;
        // If it is gone already, its end of stream follows and the run recovers this attempt with the others.
        if let Some(digest) = attempt.files {
            let given = files.as_ref().map(|bytes| bytes.len());
            // Said before the dispatches that need other ones, and after those that need these.
            for digest in working.files.used(attempt.scope.tenant(), digest, given) {
                working.link.say(ToWorker::Forget { digest });
            }
            if let Some(bytes) = files {
                working.link.say_bundle(digest, bytes);
            }
        }
        working.link.say(message);
        Ok(())
    }

    /// The bundle, if this worker has not had it from this tenant.
    async fn files_for(&mut self, attempt: &Attempt, digest: Digest) -> Result<Option<Arc<Vec<u8>>>, String> {
        let tenant = attempt.scope.tenant();
        if self.working.as_ref().is_some_and(|working| working.files.has(tenant, digest)) {
            return Ok(None);
        }
        let fault = |error: dvt_store::Error| format!("the plan's files cannot be read: {error}");
        let transaction = self.parts.store.begin(&attempt.scope, Kind::Engine).map_err(fault)?;
        let bytes = transaction.get_bundle(digest).await.map_err(fault)?;
        let bytes = bytes.ok_or_else(|| "the plan's files are not stored any more".to_owned())?;
        Ok(Some(Arc::new(bytes)))
    }

    fn worker(&mut self) -> io::Result<&mut Working> {
        if self.working.is_none() {
            let mut link = Link::spawn(&self.parts.worker, &self.parts.folder.join("starter.lock"))?;
            link.say(ToWorker::Welcome { version: protocol::VERSION });
            self.incoming = link.incoming();
            let (files, heard) = (Given::default(), Instant::now());
            self.working = Some(Working { link, files, said_hello: false, heard });
        }
        self.working.as_mut().ok_or_else(|| ErrorKind::Other.into())
    }

    fn kill_worker(&self) {
        let pid = self.working.as_ref().and_then(|working| working.link.pid());
        if let Some(pid) =
            pid.and_then(|pid| i32::try_from(pid).ok()).and_then(rustix::process::Pid::from_raw)
        {
            // Our own child, not yet waited for: the pid is nobody else's. If it is gone already, so be it.
            let _gone = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }

    /// The worker is gone. Its steps are dying; the next worker says `Hello` only when none of them is alive.
    async fn lose_worker(&mut self) {
        dvt_telemetry::workers(0);
        let lived = self.working.take().is_some_and(|working| working.said_hello);
        if lived {
            for (hot, lost) in self.slots.lose_all() {
                self.put(Item::Word(hot, Message::Lost(lost)));
            }
        } else {
            self.slots.line_up_again();
            self.no_worker_came("the worker ended before it could work".to_owned());
        }
        for attempt in std::mem::take(&mut self.parked).into_values() {
            self.dispatch(attempt).await;
        }
        // The next one makes it sure. One that never said `Hello` is not started again and again for this.
        if !lived {
            self.missing.forget_all();
        } else if !self.missing.is_empty() {
            self.make_sure();
        }
    }

    fn put(&mut self, item: Item) {
        match self.pipe.put(item) {
            Put::Gone => {}
            Put::Filled(tenant) => self.slots.turns.hold(tenant),
            Put::Tell(told) => self.tell(told),
        }
    }
}

impl Obeys for Floor {
    async fn obey(&mut self, order: Order) {
        match order {
            Order::Want(run, hot) => self.slots.want(run, hot),
            Order::Settle(granted) => self.slots.settle(granted),
            Order::Dispatch(attempt) => self.dispatch(*attempt).await,
            Order::Stop(stop) => self.end(*stop),
            Order::Acknowledge(run, Reported { step_id, logical, engine }) => {
                self.say(ToWorker::Ack { key: key_of(run, &step_id, logical, engine) });
            }
            Order::Abandon(run, has_ended) => self.abandon(run, has_ended),
            Order::Tell(told) => self.tell(*told),
            Order::Kept(key, messages) => self.say(ToWorker::Kept { key, messages }),
            Order::Drained(tenant) => self.slots.turns.release(tenant),
        }
    }

    /// Free slots are given to what waits in line, and then granted.
    async fn settle(&mut self) -> bool {
        while self.slots.free() > 0 && self.may_have_worker() {
            let Some(attempt) = self.slots.line.pop_front() else { break };
            self.give_out(attempt).await;
        }
        if self.slots.line.is_empty() && self.may_have_worker() {
            self.slots.grant();
        }
        self.slots.tell_ending();
        // A worker that was just started is heard by the floor's own task, and that one came to nothing.
        self.incoming.is_some() || self.has_failed
    }

    fn unsent(&self) -> Unsent {
        self.working.as_ref().map(|working| working.link.unsent()).unwrap_or_default()
    }
}

fn unstarted(error: &io::Error) -> String {
    format!("the worker cannot be started: {}", dvt_model::fault::reason(error))
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

fn place_of(attempt: &Attempt) -> (RunId, StepId) {
    (attempt.run, attempt.dispatch.step_id.clone())
}

fn key_of(run: RunId, step: &StepId, logical: LogicalAttemptId, engine: EngineAttemptId) -> Key {
    Key { run_id: run, step_id: step.clone(), logical_attempt_id: logical, engine_attempt_id: engine }
}

/// What the worker is told to run; it runs no plugins.
fn program_of(program: &event::Program) -> Option<protocol::Program> {
    Some(match program {
        event::Program::Plugin(_) => return None,
        event::Program::Run(words) => protocol::Program::Run(words.clone()),
        event::Program::Script { shell, text } => protocol::Program::Script {
            shell: match shell {
                plan::Shell::Bash => protocol::Shell::Bash,
                plan::Shell::Sh => protocol::Shell::Sh,
                plan::Shell::Python => protocol::Shell::Python,
            },
            text: text.clone(),
        },
    })
}

fn output_of(mode: plan::OutputMode) -> protocol::OutputMode {
    match mode {
        plan::OutputMode::File => protocol::OutputMode::File,
        plan::OutputMode::Text => protocol::OutputMode::Text,
        plan::OutputMode::Lines => protocol::OutputMode::Lines,
        plan::OutputMode::Json => protocol::OutputMode::Json,
    }
}

#[cfg(test)]
mod tests;
