//! The stage: engine, worker and people in one loop. What is ready starts at once, what a worker does ends after the time
//! that its stub names, and where nothing else is left the clock jumps to the next moment.
//!
//! The run never sees a slow machine or a lost message here: that is the simulator's business. A test asks what a plan means.

use crate::difference::difference;
use crate::played::Played;
use dvt_core::command::{
    ChildEnded, ChildOutcome, Command, Input, Outcome, Refusal, Report, Signal, Start, Vote,
};
use dvt_core::event::body::Verdict;
use dvt_core::event::{Dispatch, Effect, Event, StartChild};
use dvt_core::{State, decide, entropy, evolve};
use dvt_model::code::Code;
use dvt_model::digest::Digest;
use dvt_model::failure::{Failure, FailureCategory, Usage};
use dvt_model::id::{DecisionId, PlanId, PrincipalId, RunId, SignalId, StepId};
use dvt_model::run::{EventName, PlanRef, Power, RunStatus};
use dvt_model::time::Timestamp;
use dvt_plan::diagnostic::Diagnostic;
use dvt_plan::plan::{Form, Plan};
use dvt_plan::test_file::codes::{ACT_FAILED, UNKNOWN_NAME};
use dvt_plan::test_file::{Act, Answer, Case, Deed, End, Moment};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// 2026-01-01T00:00:00Z: every test begins at the same moment.
const BEGIN_MS: i64 = 1_767_225_600_000;
/// A worker's room.
const SLOTS: u32 = 10_000;
/// Commands after which a play is given up: a plan of the largest class with all its retries takes fewer.
const MOST_COMMANDS: u64 = 2_000_000;

/// What will end something, or answer it.
enum Ending {
    Report(Report),
    Child(ChildEnded),
    Vote(Vote),
    Send(Signal),
}

struct Stage<'a> {
    plan: &'a Plan,
    case: &'a Case,
    now: Timestamp,
    commands: u64,
    state: State,
    events: Vec<Event>,
    /// What ends when, in the order in which it was given out.
    ends: Vec<(Timestamp, Ending)>,
    /// Events whose people were asked.
    looked_at: usize,
    voters: u64,
    acts: Vec<&'a Act>,
    differences: Vec<Diagnostic>,
}

/// Plays the case; differences are acts that could not be done.
pub(crate) fn play(plan: &Plan, case: &Case) -> Result<(Played, Vec<Diagnostic>), Box<Diagnostic>> {
    let inputs = plan.resolve_inputs(case.inputs.value.clone()).map_err(|errors| {
        let message = errors.iter().map(|error| error.message.as_str()).collect::<Vec<_>>().join("; ");
        let mut told = difference(UNKNOWN_NAME, case.inputs.span, message, String::new());
        told.choices = errors.into_iter().flat_map(|error| error.choices).collect();
        Box::new(told)
    })?;
    let mut stage = Stage {
        plan,
        case,
        now: Timestamp::from_ms(BEGIN_MS),
        commands: 0,
        state: State::default(),
        events: Vec::new(),
        ends: Vec::new(),
        looked_at: 0,
        voters: 0,
        acts: case.acts.iter().collect(),
        differences: Vec::new(),
    };
    let begun = stage.ask(Command::Start(start(plan, inputs))).and_then(|()| stage.run());
    begun.map_err(|refusal| {
        let message = format!("the run was refused with {}: {}", refusal.code, refusal.message);
        Box::new(difference(ACT_FAILED, case.name.span, message, String::new()))
    })?;
    stage.leftover();
    Ok((Played::of(stage.events, stage.state.status()), stage.differences))
}

/// The same ids in every play: a test that prints `run.id` is the same tomorrow.
fn start(plan: &Plan, inputs: BTreeMap<String, Value>) -> Start {
    let chance = Digest::of(plan.name.as_str().as_bytes()).0;
    let plan_ref = PlanRef {
        plan_id: PlanId::from_random(entropy::nth(&chance, 1)),
        plan_version: plan.version.clone().unwrap_or_else(|| "0.0.0-test".to_owned()),
        digest: Digest::of(b"test"),
    };
    let power = Power { host_allowed: true, files_digest: None, secrets_profile: None };
    let tenant = "00000000-0000-4000-8000-000000000000".to_owned();
    Start { inputs, ..Start::plain(RunId::from_random(entropy::nth(&chance, 0)), tenant, plan_ref, power) }
}

impl Stage<'_> {
    fn is_over(&self) -> bool {
        self.state.status().is_some_and(RunStatus::is_terminal)
    }

    /// To the end, or to where nothing moves any more.
    fn run(&mut self) -> Result<(), Refusal> {
        while !self.is_over() && self.commands < MOST_COMMANDS {
            self.act()?;
            self.people();
            if self.is_over() {
                break;
            }
            if self.state.has_ready(self.now) {
                self.ask(Command::Offer { slots: SLOTS })?;
            } else if self.state.next_due_after(self.now).is_some_and(|at| at <= self.now) {
                self.ask(Command::Due)?;
            } else if let Some(at) = self.ends.iter().position(|(at, _)| *at <= self.now) {
                let (_, ending) = self.ends.remove(at);
                self.end(ending)?;
            } else {
                let ends = self.ends.iter().map(|(at, _)| *at);
                let acts = self.acts.iter().filter_map(|act| self.moment(act));
                let next = ends.chain(acts).chain(self.state.next_due_after(self.now));
                // Nothing more happens by itself: the run waits for somebody whom the test does not play.
                let Some(next) = next.min() else { return Ok(()) };
                self.now = self.now.max(next);
            }
        }
        Ok(())
    }

    fn ask(&mut self, command: Command) -> Result<(), Refusal> {
        self.commands += 1;
        let chance = Digest::of_parts(&[b"entropy", &self.commands.to_be_bytes()]).0;
        let input = Input { now: self.now, entropy: chance, command };
        let decided = decide(self.plan, &self.state, &input)?;
        for event in decided.events {
            if let Err(error) = evolve(self.plan, &mut self.state, &event) {
                return Err(Refusal { code: Code::ContractViolation, message: error.to_string() });
            }
            self.events.push(event);
        }
        for effect in decided.effects {
            match effect {
                Effect::Dispatch(dispatch) => self.give_out(&dispatch),
                Effect::StartChild(child) => self.begin_child(&child),
                Effect::CancelChild { step_id, child_run_id }
                | Effect::StopChild { step_id, child_run_id, .. } => {
                    self.ends
                        .retain(|(_, end)| !matches!(end, Ending::Child(ended) if ended.step_id == step_id));
                    let outcome = ChildOutcome::Cancelled;
                    let ended = ChildEnded { step_id, child_run_id, outcome, about: None };
                    self.later(0, Ending::Child(ended));
                }
                Effect::Stop { step_id, engine_attempt_id, .. } => {
                    let now = self.now;
                    for (at, ending) in &mut self.ends {
                        if let Ending::Report(report) = ending
                            && report.step_id == step_id
                            && report.engine_attempt_id == engine_attempt_id
                        {
                            *at = now;
                            report.outcome = Outcome::Failed(failure(Code::Cancelled, None));
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// A worker takes an attempt; its stub says how and when it ends.
    fn give_out(&mut self, dispatch: &Dispatch) {
        let quiet = Answer { end: End::Output(Value::Null), lasts_ms: 0 };
        let answer = self.stub(&dispatch.step_id.to_string(), dispatch.logical_attempt_id.0);
        let answer = answer.unwrap_or(&quiet);
        let (outcome, lasts_ms) = match &answer.end {
            _ if answer.lasts_ms > dispatch.timeout_ms => {
                (Outcome::Failed(failure(Code::Timeout, None)), dispatch.timeout_ms)
            }
            End::Output(output) => (Outcome::Completed(output.clone()), answer.lasts_ms),
            End::Fail { code, exit_status } => {
                (Outcome::Failed(failure(*code, *exit_status)), answer.lasts_ms)
            }
            // Nobody reports: the worker ends the attempt at its time-out.
            End::Silence => (Outcome::Failed(failure(Code::Timeout, None)), dispatch.timeout_ms),
            // Votes are for approvals; a program that is stubbed with one simply ends well or not.
            End::Approve(_) => (Outcome::Completed(Value::Null), answer.lasts_ms),
            End::Reject => (Outcome::Failed(failure(Code::StepError, Some(1))), answer.lasts_ms),
        };
        let report = Report {
            step_id: dispatch.step_id.clone(),
            logical_attempt_id: dispatch.logical_attempt_id,
            engine_attempt_id: dispatch.engine_attempt_id,
            outcome,
            usage: Usage::default(),
        };
        self.later(lasts_ms, Ending::Report(report));
    }

    fn later(&mut self, ms: u64, ending: Ending) {
        self.ends.push((self.now.plus_ms(ms), ending));
        self.ends.sort_by_key(|(at, _)| *at);
    }

    /// A sub-plan is stubbed whole: what its own steps do is the business of its own tests.
    fn begin_child(&mut self, child: &StartChild) {
        let answer = self.stub(child.step_id.as_str(), child.logical_attempt_id.0).cloned();
        let answer = answer.unwrap_or(Answer { end: End::Output(json!({})), lasts_ms: 0 });
        let outcome = match answer.end {
            End::Output(Value::Object(outputs)) => ChildOutcome::Completed(outputs.into_iter().collect()),
            End::Output(_) | End::Approve(_) => ChildOutcome::Completed(BTreeMap::new()),
            End::Fail { code, exit_status } => ChildOutcome::Failed(failure(code, exit_status)),
            End::Reject => ChildOutcome::Failed(failure(Code::StepError, Some(1))),
            End::Silence => return,
        };
        let (step_id, child_run_id) = (child.step_id.clone(), child.child_run_id);
        self.later(
            answer.lasts_ms,
            Ending::Child(ChildEnded { step_id, child_run_id, outcome, about: None }),
        );
    }

    fn end(&mut self, ending: Ending) -> Result<(), Refusal> {
        let asked = match ending {
            Ending::Report(report) => return self.ask(Command::Report(report)),
            Ending::Child(ended) => return self.ask(Command::ChildEnded(ended)),
            Ending::Vote(vote) => self.ask(Command::Vote(vote)),
            Ending::Send(signal) => self.ask(Command::Signal(signal)),
        };
        // A stub that comes too late (the step ended in the meantime) is as quiet as a person who does.
        asked.or_else(|refusal| match refusal.code {
            Code::InvalidStateTransition | Code::StepTerminal | Code::RunTerminal => Ok(()),
            _ => Err(refusal),
        })
    }

    /// People: whoever is asked answers as the stub says; without one, approvals are approved and signals come empty.
    fn people(&mut self) {
        let begun = self.events.iter().skip(self.looked_at);
        let begun = begun.filter(|event| event.name == EventName::StepStarted);
        let begun: Vec<(StepId, u32)> =
            begun.filter_map(|event| Some((event.step_id.clone()?, event.slot.0))).collect();
        self.looked_at = self.events.len();
        for (id, attempt) in begun {
            let Some(step) =
                self.plan.steps.get(id.step()).filter(|step| step.foreach.is_none() || !id.is_plain())
            else {
                continue;
            };
            let is_asked = matches!(step.form, Form::Approval(_) | Form::Signal(_));
            if !is_asked {
                continue;
            }
            let answer = self.stub(id.as_str(), attempt).cloned();
            match &step.form {
                Form::Approval(approval) => self.vote(&id, approval.min, answer.as_ref()),
                Form::Signal(signal) => self.send(&signal.name, answer.as_ref()),
                _ => {}
            }
        }
    }

    fn vote(&mut self, id: &StepId, min: u32, answer: Option<&Answer>) {
        let lasts_ms = answer.map_or(0, |answer| answer.lasts_ms);
        let (count, outcome) = match answer.map(|answer| &answer.end) {
            None | Some(End::Output(_)) => (min, Verdict::Approved),
            Some(End::Approve(count)) => (*count, Verdict::Approved),
            Some(End::Reject | End::Fail { .. }) => (1, Verdict::Rejected),
            Some(End::Silence) => return,
        };
        for _ in 0..count {
            self.voters += 1;
            let chance = Digest::of_parts(&[b"voter", &self.voters.to_be_bytes()]).0;
            let vote = Vote {
                step_id: id.clone(),
                decision_id: DecisionId::from_random(entropy::nth(&chance, 0)),
                principal_id: PrincipalId::from_random(entropy::nth(&chance, 1)),
                outcome,
            };
            self.later(lasts_ms, Ending::Vote(vote));
        }
    }

    fn send(&mut self, name: &str, answer: Option<&Answer>) {
        let payload = match answer.map(|answer| &answer.end) {
            None => Value::Null,
            Some(End::Output(payload)) => payload.clone(),
            Some(End::Silence | End::Approve(_) | End::Reject | End::Fail { .. }) => return,
        };
        self.voters += 1;
        let Ok(signal_id) = SignalId::parse(&format!("stub-{}", self.voters)) else { return };
        let signal = Signal::Send { signal_id, name: name.to_owned(), payload };
        self.later(answer.map_or(0, |answer| answer.lasts_ms), Ending::Send(signal));
    }

    /// The stub of a step; an item without its own has that of its base step.
    fn stub(&self, name: &str, attempt: u32) -> Option<&Answer> {
        let base = name.split('.').next().unwrap_or(name);
        let is_item = name.rsplit('.').next().is_some_and(|last| last.parse::<u32>().is_ok());
        let own = self.case.stubs.get(name);
        own.or_else(|| self.case.stubs.get(base).filter(|_| is_item))?.answer(attempt)
    }

    /// The moment of an act on the test's clock, where it has come or will come by itself.
    fn moment(&self, act: &Act) -> Option<Timestamp> {
        let last = |name: &str| {
            let of = |event: &&Event| event.step_id.as_ref().is_some_and(|id| id.to_string() == name);
            self.events.iter().rev().find(of)
        };
        let has_come = match &act.moment {
            Moment::At(ms) => return Some(Timestamp::from_ms(BEGIN_MS).plus_ms(*ms)),
            Moment::After(name) => last(&name.value).is_some_and(|event| match event.name {
                EventName::StepCompleted | EventName::StepSkipped => true,
                EventName::StepFailed => event.payload.get("retryAt").is_none(),
                _ => false,
            }),
            Moment::During(name) => last(&name.value).is_some_and(|event| {
                matches!(event.name, EventName::StepStarted | EventName::StepRedispatched)
            }),
        };
        has_come.then_some(self.now)
    }

    /// Does what is due, in the order of the test file.
    fn act(&mut self) -> Result<(), Refusal> {
        let is_due = |act: &&&Act| self.moment(act).is_some_and(|at| at <= self.now);
        let due: Vec<&Act> = self.acts.iter().filter(is_due).copied().collect();
        self.acts.retain(|act| !due.iter().any(|done| std::ptr::eq(*done, *act)));
        for act in due {
            let done = signal(&act.deed.value, self.commands).map(|signal| self.ask(Command::Signal(signal)));
            if let Some(Err(refusal)) = done {
                let status = self.state.status().map_or("not there", RunStatus::as_str);
                let message = format!("this act was refused with {}: {}", refusal.code, refusal.message);
                let label = format!("the run is {status}");
                self.differences.push(difference(ACT_FAILED, act.deed.span, message, label));
            }
        }
        Ok(())
    }

    /// Acts whose moment never came.
    fn leftover(&mut self) {
        for act in std::mem::take(&mut self.acts) {
            let message = "the moment of this act never came".to_owned();
            let status = self.state.status().map_or("not there", RunStatus::as_str);
            let label = format!("the play ended with the run {status}");
            self.differences.push(difference(ACT_FAILED, act.deed.span, message, label));
        }
    }
}

/// The signal of a deed; none where its step has no name.
fn signal(deed: &Deed, nth: u64) -> Option<Signal> {
    let signal_id = SignalId::parse(&format!("test-{nth}")).ok()?;
    Some(match deed {
        Deed::Cancel => Signal::Cancel { signal_id },
        Deed::Pause => Signal::Pause { signal_id },
        Deed::Resume => Signal::Resume { signal_id },
        Deed::EmergencyStop => Signal::EmergencyStop { signal_id, force_kill: false },
        Deed::RetryStep(step) => {
            let step_id = StepId::parse_stored(step).ok()?;
            Signal::RetryStep { signal_id, step_id, force: false, restored: BTreeMap::new() }
        }
        Deed::SkipStep(step) => Signal::SkipStep { signal_id, step_id: StepId::parse_stored(step).ok()? },
        Deed::Send { name, payload } => {
            Signal::Send { signal_id, name: name.clone(), payload: payload.clone() }
        }
    })
}

fn failure(code: Code, exit_status: Option<i32>) -> Failure {
    let (category, retryable) = match code {
        Code::Timeout => (FailureCategory::Timeout, false),
        Code::SandboxUnavailable | Code::WorkerLost => (FailureCategory::Platform, true),
        _ => (FailureCategory::User, exit_status == Some(75)),
    };
    Failure {
        error_code: code,
        error_message: "as the test's stub says".to_owned(),
        retryable,
        failure_category: category,
        failure_source: "program".to_owned(),
        exit_status,
    }
}
