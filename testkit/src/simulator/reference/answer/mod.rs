//! What must follow a command. Everything is asked of what the events say; nothing else is carried from one command to the
//! next.
//!
//! One file per family of commands. Where the contract is silent about an order inside one append, the order is said here.

mod begin;
mod finish;
mod items;
mod reports;
mod retry;
mod signals;
mod whose;

pub(super) use begin::{add, is_base};

use super::Reading;
use super::course;
use super::said::Said;
use super::view::{Fact, View};
use super::words::Words;
use dvt_core::command::{Command, Input, Signal};
use dvt_model::code::Code;
use dvt_model::digest::Digest;
use dvt_model::id::RunId;
use dvt_model::run::RunStatus;
use dvt_model::time::Timestamp;
use dvt_plan::plan::{Form, Plan, Step};
use serde_json::{Value, json};
use std::rc::Rc;

/// What the reference says of a command.
#[derive(Debug, Default)]
pub struct Expected {
    /// The events.
    pub events: Vec<Rc<Said>>,
    /// What must be done afterwards.
    pub effects: Vec<Essence>,
}

/// An effect without what the events say already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Essence {
    /// Give out: step, attempt, dispatch, token.
    Dispatch(String, u32, u32, String),
    /// End: step, attempt, dispatch, whether without grace.
    Stop(String, u32, u32, bool),
    /// Admit a child's run.
    StartChild(String, String),
    /// Ask a child's run to cancel.
    CancelChild(String, String),
    /// End a child's run now.
    StopChild(String, String),
}

/// An answer in the making.
pub(super) struct Answer<'a> {
    pub(super) plan: &'a Plan,
    pub(super) now: Timestamp,
    entropy: [u8; 32],
    ids: u32,
    pub(super) view: View,
    expected: Expected,
    /// Whose data what ends next brings; null where nobody says so.
    brought: Value,
}

/// What must follow this command after the events that were read.
pub fn expect(plan: &Plan, past: &Reading, input: &Input) -> Result<Expected, Code> {
    let view = past.view.clone();
    let (now, entropy) = (input.now, input.entropy);
    let (expected, brought) = (Expected::default(), Value::Null);
    let mut answer = Answer { plan, now, entropy, ids: 0, view, expected, brought };
    answer.command(&input.command)?;
    Ok(answer.expected)
}

impl Answer<'_> {
    fn command(&mut self, command: &Command) -> Result<(), Code> {
        if self.view.status.is_none() {
            let Command::Start(start) = command else { return Err(Code::RunNotFound) };
            self.start(start);
            return Ok(());
        }
        match command {
            Command::Start(_) => return Err(Code::RunAlreadyExists),
            Command::Offer { slots } => self.offer(*slots),
            Command::Reuse(reused) => return self.reuse(reused),
            Command::Report(report) => return self.report(report),
            Command::ChildEnded(ended) => return self.child_ended(ended),
            Command::Vote(vote) => return self.vote(vote),
            Command::WorkerLost { lost } => self.worker_lost(lost),
            Command::Due => self.due(),
            Command::Recover => self.recover(),
            Command::Cancel { cause } => return self.cancel_by_run(*cause),
            Command::QueueExpired => return self.queue_expired(),
            Command::Abort(failure) => return self.abort(failure),
            Command::Signal(Signal::Cancel { signal_id }) => return self.cancel(signal_id.as_str()),
            Command::Signal(Signal::Pause { signal_id }) => return self.pause(signal_id.as_str()),
            Command::Signal(Signal::Resume { signal_id }) => return self.resume(signal_id.as_str()),
            Command::Signal(Signal::RetryStep { signal_id, step_id, force, restored }) => {
                return self.retry_step(signal_id.as_str(), step_id.as_str(), *force, restored);
            }
            Command::Signal(Signal::SkipStep { signal_id, step_id }) => {
                return self.skip_step(signal_id.as_str(), step_id.as_str());
            }
            Command::Signal(Signal::Send { signal_id, name, payload }) => {
                return self.send(signal_id.as_str(), name, payload);
            }
            Command::Signal(Signal::EmergencyStop { signal_id, force_kill }) => {
                return self.emergency_stop(signal_id.as_str(), *force_kill);
            }
        }
        Ok(())
    }

    fn push(&mut self, said: Said) {
        let said = Rc::new(said);
        self.view.read(self.plan, &said);
        self.expected.events.push(said);
    }

    /// A run event; `slot` is the number that its key holds.
    fn say_run(&mut self, name: &'static str, slot: u32, payload: Value) {
        let (step, at) = (None, self.now);
        self.push(Said { name, step, slot, dispatch: 1, at, payload });
    }

    /// An event of a step's newest attempt.
    fn say_step(&mut self, name: &'static str, unit: &str, mut payload: Value) {
        if name == "StepStarted" {
            let flow = self.flows(unit);
            add(&mut payload, [("about", flow.clone()), ("outputAbout", flow)]);
        }
        let (attempt, dispatch) = self.attempt(unit);
        let (step, at) = (Some(unit.to_owned()), self.now);
        self.push(Said { name, step, slot: attempt, dispatch, at, payload });
    }

    /// An event of a step that is counted n-th.
    fn say_nth(&mut self, name: &'static str, unit: &str, nth: u32, dispatch: u32, payload: Value) {
        let (step, at) = (Some(unit.to_owned()), self.now);
        self.push(Said { name, step, slot: nth, dispatch, at, payload });
    }

    fn attempt(&self, unit: &str) -> (u32, u32) {
        self.view.fact(unit).map_or((1, 1), |fact| (fact.attempt, fact.dispatch))
    }

    fn words<'w>(&'w self, unit: Option<&'w str>) -> Words<'w> {
        Words { plan: self.plan, view: &self.view, unit }
    }

    fn effect(&mut self, effect: Essence) {
        self.expected.effects.push(effect);
    }

    /// The next id of this command (contract 5.8).
    fn next_id(&mut self) -> RunId {
        let digest = Digest::of(&[self.entropy.as_slice(), &self.ids.to_be_bytes()].concat());
        self.ids += 1;
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(digest.0).for_each(|(to, from)| *to = from);
        RunId::from_random(bytes)
    }

    /// The key of the attempt's StepStarted, from the text of contract 5.3.
    fn token(&self, unit: &str, attempt: u32) -> String {
        let piece = |pointer: &str| {
            self.view.queued.as_ref().map(|queued| queued.text(pointer).to_owned()).unwrap_or_default()
        };
        let (run, plan) = (piece("/runId"), piece("/planRef/planId"));
        let (run, plan) = (run.trim_start_matches("run_"), plan.trim_start_matches("plan_"));
        let version = piece("/planRef/planVersion");
        Digest::of(format!("{run}|{unit}|{attempt}|StepStarted|{plan}|{version}").as_bytes()).hex()
    }

    fn give_out(&mut self, unit: &str) {
        let (attempt, dispatch) = self.attempt(unit);
        let token = self.token(unit, attempt);
        self.effect(Essence::Dispatch(unit.to_owned(), attempt, dispatch, token));
    }

    /// The units that stand in the events, by layer, id and item; layers computed from the needs alone.
    fn in_order(&self) -> Vec<String> {
        fn layer(plan: &Plan, step: &Step) -> usize {
            let needs = step.needs.iter().filter_map(|need| plan.steps.get(need));
            needs.map(|need| layer(plan, need) + 1).max().unwrap_or(0)
        }
        let mut steps: Vec<&Step> = self.plan.steps.values().collect();
        steps.sort_by_key(|step| (layer(self.plan, step), step.id.clone()));
        let mut units = Vec::new();
        for step in steps {
            units.push(step.id.to_string());
            units.extend(course::items(&self.view, step.id.as_str()));
        }
        let undo = self.view.units.keys().filter(|name| name.ends_with(".compensate"));
        units.extend(undo.cloned());
        units
    }

    fn step(&self, unit: &str) -> Option<&Step> {
        super::view::step_of(self.plan, unit)
    }

    fn fact(&self, unit: &str) -> Option<Fact> {
        self.view.fact(unit).cloned()
    }

    fn status(&self) -> RunStatus {
        self.view.status.unwrap_or(RunStatus::Pending)
    }
}

/// Whether the engine itself does it: no worker has it.
pub(super) fn is_inside(step: &Step) -> bool {
    !matches!(step.form, Form::Run { .. } | Form::Script { .. } | Form::Uses(_))
}

/// A failure without its sentence, which is not compared.
fn failure(code: Code, category: &str, source: &str) -> Value {
    json!({
        "errorCode": code,
        "errorMessage": "",
        "retryable": false,
        "failureCategory": category,
        "failureSource": source,
    })
}
