//! What the floor does with what the worker says, and with its silence.

use super::super::Told;
use super::super::flight::Flight;
use super::super::pipe::Item;
use super::{Floor, WOKE_LATE};
use crate::crash;
use crate::run::Message;
use dvt_core::command::{Outcome, Report};
use dvt_store::port::operation::LogChunk;
use dvt_telemetry::Sink;
use dvt_worker::protocol::{self, FromWorker, Key, LOG_ROOM, ToWorker};
use tokio::time::Instant;

/// After so many log messages a step gets room for as many more.
const MAKES_ROOM: u32 = LOG_ROOM / 2;

impl Floor {
    pub(super) async fn hear(&mut self, message: FromWorker) {
        if let Some(working) = &mut self.working {
            working.heard = Instant::now();
        }
        match message {
            FromWorker::Hello { capacity, .. } => {
                if let Some(working) = &mut self.working {
                    working.said_hello = true;
                    dvt_telemetry::workers(1);
                }
                self.starts.succeeded();
                self.slots.flights.values_mut().for_each(|flight| flight.kept = None);
                self.slots.set_capacity(capacity.min(self.own_limit));
                self.make_sure();
            }
            // If we crash here, the step runs and its starter ends it with us; it is given out again under the same token.
            FromWorker::Started { .. } => crash::point(crash::AFTER_DISPATCH),
            FromWorker::Heartbeat { .. } => {}
            // It comes before the reports of the steps that wanted it: the next one that does brings it again.
            FromWorker::Lacks { digest } => {
                if let Some(working) = &mut self.working {
                    working.files.forget(digest);
                }
            }
            FromWorker::Log { key, stream, masked, body, .. } => self.hear_log(key, stream, (masked, &body)),
            FromWorker::Report(report) => self.hear_report(*report).await,
        }
    }

    fn hear_log(&mut self, key: Key, stream: protocol::Stream, (masked, body): (u64, &[u8])) {
        let place = (key.run_id, key.step_id.clone());
        let Some(flight) = self.slots.flights.get_mut(&place) else {
            return self.say(ToWorker::Kept { key, messages: 1 });
        };
        dvt_telemetry::scrubbed(Sink::Log, masked);
        flight.logs += 1;
        // Said now and then, so that a step that says little costs no word.
        let messages = if flight.logs >= MAKES_ROOM { std::mem::take(&mut flight.logs) } else { 0 };
        let item = Item::Log {
            scope: *flight.hot.scope(),
            under: flight.protection.clone(),
            run: place.0,
            step: place.1,
            attempt: key.logical_attempt_id,
            chunk: LogChunk {
                stream: match stream {
                    protocol::Stream::Stdout => "stdout".to_owned(),
                    protocol::Stream::Stderr => "stderr".to_owned(),
                },
                at: (self.parts.clock)(),
                text: String::from_utf8_lossy(body).into_owned(),
            },
            makes_room: (messages > 0).then_some((key, messages)),
        };
        self.put(item);
    }

    async fn hear_report(&mut self, report: protocol::Report) {
        let protocol::Report { key, outcome, usage, .. } = report;
        let place = (key.run_id, key.step_id.clone());
        let this = |flight: &Flight| {
            flight.logical == key.logical_attempt_id && flight.engine == key.engine_attempt_id
        };
        if !self.slots.flights.get(&place).is_some_and(this) {
            // Reported before, or of a run that was forgotten: the worker may forget it too.
            self.say(ToWorker::Ack { key });
            return;
        }
        let Some(flight) = self.slots.flights.remove(&place) else { return };
        if flight.abandoned {
            self.say(ToWorker::Ack { key });
            if let Some(item) = self.missing.gone(&place) {
                self.put(item);
            }
            if let Some(attempt) = self.parked.remove(&place) {
                self.dispatch(attempt).await;
            }
            return;
        }
        let outcome = match outcome {
            protocol::Outcome::Completed { value } => Outcome::Completed(value),
            protocol::Outcome::Failed { failure } => Outcome::Failed(failure),
        };
        let report = Report {
            step_id: key.step_id,
            logical_attempt_id: key.logical_attempt_id,
            engine_attempt_id: key.engine_attempt_id,
            outcome,
            usage,
        };
        self.put(Item::Report(Told { run: key.run_id, hot: flight.hot, report: Box::new(report) }));
    }

    /// Tells a run of the end of an attempt, with the slot that it may use next.
    pub(super) fn tell(&mut self, told: Told) {
        let Told { run, hot, report } = told;
        let granted = self.slots.hand_on(run, hot.tenant());
        // A run that has left memory is told nothing, and the slot comes back.
        drop(hot.send(Message::Report(report, granted)));
    }

    /// Nothing was heard for too long. If it is we who woke late (stopped at a terminal, or held up), the worker is asked to
    /// be silent once more before it counts as stuck.
    pub(super) async fn hear_nothing(&mut self, silent_at: Option<Instant>) {
        let now = Instant::now();
        match &mut self.working {
            Some(working) if silent_at.is_some_and(|at| now > at + WOKE_LATE) => working.heard = now,
            _ => {
                self.kill_worker();
                self.lose_worker().await;
            }
        }
    }
}
