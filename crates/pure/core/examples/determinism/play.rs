//! A run that is played to its end: what is given out ends in an order that a seed draws, and people do what the golden plan
//! says, when so many ends have come and nothing else can go on (0: before the run starts).

use dvt_core::command::{
    ChildEnded, ChildOutcome, Command, Input, Outcome, Refusal, Report, Reused, Signal, Start, Vote,
};
use dvt_core::event::body::Verdict;
use dvt_core::event::{Effect, Event};
use dvt_core::{State, decide, entropy, evolve};
use dvt_model::attempt::{EngineAttemptId, LogicalAttemptId};
use dvt_model::code::Code;
use dvt_model::digest::Digest;
use dvt_model::failure::{Failure, FailureCategory, Usage};
use dvt_model::id::{DecisionId, EventId, PlanId, PrincipalId, RunId, SignalId, StepId};
use dvt_model::run::{EventName, PlanRef, Power};
use dvt_model::time::Timestamp;
use dvt_plan::plan::Plan;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What somebody does.
#[derive(Clone)]
pub(crate) enum Deed {
    Pause,
    Resume,
    Cancel,
    Retry(&'static str),
    ForceRetry(&'static str, &'static [&'static str]),
    Skip(&'static str),
    Send(&'static str, Value),
    EmergencyStop,
    Vote(&'static str, u8, Verdict),
    Recover,
    WorkerLost,
    ByOther(dvt_core::command::OtherRun),
    QueueExpired,
    /// The clock goes on by so much.
    Pass(u64),
}

/// A golden plan and what happens in its run.
pub(crate) struct Golden {
    pub(crate) name: &'static str,
    pub(crate) plan: Plan,
    pub(crate) start: fn(&mut Start),
    /// Results of what is taken over.
    pub(crate) reused: Vec<(&'static str, Value)>,
    /// Steps that fail, in so many attempts.
    pub(crate) failing: Vec<(&'static str, u32)>,
    /// Steps that nobody ever reports.
    pub(crate) silent: Vec<&'static str>,
    /// After so many ends: this.
    pub(crate) deeds: Vec<(usize, Deed)>,
}

/// What will end.
enum End {
    Report(Report),
    Child(ChildEnded),
}

/// The signals of contract 4.5; RETRY_RUN is a start with an original.
pub(crate) const SIGNALS: [&str; 8] =
    ["PAUSE", "RESUME", "CANCEL", "RETRY_STEP", "RETRY_RUN", "SEND", "SKIP_STEP", "EMERGENCY_STOP"];

/// A run in play.
pub(crate) struct Play<'a> {
    golden: &'a Golden,
    pub(crate) state: State,
    pub(crate) events: Vec<Event>,
    pub(crate) effects: Vec<Effect>,
    pub(crate) refusals: Vec<Code>,
    /// Signals that were taken.
    pub(crate) signals: Vec<&'static str>,
    now: Timestamp,
    pool: Vec<End>,
    random: u64,
    commands: u64,
}

/// The principals of all votes; the starter is number 0.
pub(crate) fn principal(number: u8) -> PrincipalId {
    PrincipalId::from_random([number; 16])
}

impl<'a> Play<'a> {
    /// Plays the whole run; the seed draws the order in which ends arrive.
    pub(crate) fn whole(golden: &'a Golden, seed: u64) -> Self {
        let mut play = Self {
            golden,
            state: State::default(),
            events: Vec::new(),
            effects: Vec::new(),
            refusals: Vec::new(),
            signals: Vec::new(),
            now: Timestamp::from_ms(1_771_200_000_000),
            pool: Vec::new(),
            random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            commands: 0,
        };
        play.begin();
        play.follow_to_the_end();
        play
    }

    fn begin(&mut self) {
        let plan_ref = PlanRef {
            plan_id: PlanId::from_random([2; 16]),
            plan_version: "1.0.0".to_owned(),
            digest: Digest::of(b"plan"),
        };
        let power = Power { host_allowed: true, files_digest: None, secrets_profile: None };
        let tenant = "0d3c6a9e-4f0c-4a8e-9d5d-3d4c0f7dbb8a".to_owned();
        let mut start = Start {
            initiators: [principal(0)].into(),
            bounds: json!({ "steps": self.golden.plan.steps.len() }),
            ..Start::plain(RunId::from_random([1; 16]), tenant, plan_ref, power)
        };
        (self.golden.start)(&mut start);
        self.signals.extend(start.original_run_id.map(|_| "RETRY_RUN"));
        self.ask(Command::Start(start)).expect("a golden run starts");
        if self.state.wants_reuse().is_some() {
            let reused = self.golden.reused.iter().map(|(id, result)| Reused {
                step_id: step(id),
                original_event_id: EventId::from_random([7; 16]),
                definition_digest: self.golden.plan.steps[*id].definition,
                result: result.clone(),
            });
            self.ask(Command::Reuse(reused.collect())).expect("what was announced is taken over");
        }
    }

    fn draw(&mut self, below: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random % below.max(1) as u64) as usize
    }

    fn is_over(&self) -> bool {
        self.state.status().is_some_and(|status| status.is_terminal())
    }

    /// Whether people wait for it, instead of doing what comes next.
    fn is_soon(&self, at: Timestamp) -> bool {
        at.ms_since(self.now) <= 3_600_000
    }

    fn follow_to_the_end(&mut self) {
        let mut deeds = self.golden.deeds.clone().into_iter().peekable();
        let mut ended = 0;
        for _ in 0..20_000 {
            if self.is_over() {
                return;
            }
            if let Some((_, deed)) = deeds.next_if(|(after, _)| *after == 0) {
                self.act(deed);
            } else if self.state.has_ready(self.now) {
                let before = self.events.len();
                self.obey(Command::Offer { slots: 3 });
                assert!(self.events.len() > before, "{}: `has_ready` and an offer differ", self.golden.name);
            } else if self.state.next_due_after(self.now).is_some_and(|at| at <= self.now) {
                let before = self.events.len();
                self.obey(Command::Due);
                assert!(
                    self.events.len() > before,
                    "{}: `next_due_after` and a due differ",
                    self.golden.name
                );
            } else if let Some((_, deed)) = deeds.next_if(|(after, _)| *after <= ended) {
                self.act(deed);
            } else if !self.pool.is_empty() {
                let at = self.draw(self.pool.len());
                self.now = self.now.plus_ms(10);
                ended += 1;
                match self.pool.swap_remove(at) {
                    End::Report(report) => self.obey(Command::Report(report)),
                    End::Child(ended) => self.obey(Command::ChildEnded(ended)),
                }
            } else if let Some(at) = self.state.next_due_after(self.now).filter(|at| self.is_soon(*at)) {
                self.now = at;
            } else if let Some((_, deed)) = deeds.next() {
                self.act(deed);
            } else if let Some(at) = self.state.next_due_after(self.now) {
                self.now = at;
            } else {
                panic!("{}: stuck: {}", self.golden.name, self.state.snapshot());
            }
        }
        panic!("{}: no end: {}", self.golden.name, self.state.snapshot());
    }

    fn obey(&mut self, command: Command) {
        if let Err(refusal) = self.ask(command) {
            self.refusals.push(refusal.code);
        }
    }

    fn ask(&mut self, command: Command) -> Result<(), Refusal> {
        self.commands += 1;
        let input = Input { now: self.now, entropy: Digest::of(&self.commands.to_be_bytes()).0, command };
        let decided = decide(&self.golden.plan, &self.state, &input)?;
        for event in decided.events {
            evolve(&self.golden.plan, &mut self.state, &event).expect("what is decided folds");
            self.events.push(event);
        }
        for effect in decided.effects {
            self.follow(&effect);
            self.effects.push(effect);
        }
        Ok(())
    }

    fn follow(&mut self, effect: &Effect) {
        match effect {
            Effect::Dispatch(dispatch) => {
                let outcome = self.outcome(&dispatch.step_id, dispatch.logical_attempt_id);
                self.end_of(
                    &dispatch.step_id,
                    dispatch.logical_attempt_id,
                    dispatch.engine_attempt_id,
                    outcome,
                );
            }
            Effect::Stop { step_id, logical_attempt_id, engine_attempt_id, .. } => {
                self.pool.retain(|end| !matches!(end, End::Report(report) if report.step_id == *step_id));
                let cancelled = Outcome::Failed(failure(Code::Cancelled));
                self.end_of(step_id, *logical_attempt_id, *engine_attempt_id, cancelled);
            }
            Effect::StartChild(child) => {
                let outcome = match self.outcome(&child.step_id, child.logical_attempt_id) {
                    Outcome::Completed(output) => {
                        ChildOutcome::Completed(BTreeMap::from([("result".to_owned(), output)]))
                    }
                    Outcome::Failed(failure) => ChildOutcome::Failed(failure),
                };
                let (step_id, child_run_id) = (child.step_id.clone(), child.child_run_id);
                if !self.golden.silent.contains(&step_id.as_str()) {
                    self.pool.push(End::Child(ChildEnded { step_id, child_run_id, outcome, about: None }));
                }
            }
            Effect::CancelChild { step_id, child_run_id }
            | Effect::StopChild { step_id, child_run_id, .. } => {
                self.pool.retain(|end| !matches!(end, End::Child(ended) if ended.step_id == *step_id));
                let (step_id, child_run_id) = (step_id.clone(), *child_run_id);
                let outcome = ChildOutcome::Cancelled;
                self.pool.push(End::Child(ChildEnded { step_id, child_run_id, outcome, about: None }));
            }
        }
    }

    fn end_of(
        &mut self,
        id: &StepId,
        logical_attempt_id: LogicalAttemptId,
        engine_attempt_id: EngineAttemptId,
        outcome: Outcome,
    ) {
        if self.golden.silent.contains(&id.as_str()) {
            return;
        }
        let usage = Usage::default();
        let step_id = id.clone();
        self.pool.push(End::Report(Report {
            step_id,
            logical_attempt_id,
            engine_attempt_id,
            outcome,
            usage,
        }));
    }

    fn outcome(&self, id: &StepId, attempt: LogicalAttemptId) -> Outcome {
        let fails = self.golden.failing.iter().find(|(name, _)| *name == id.as_str());
        if fails.is_some_and(|(_, times)| attempt.0 <= *times) {
            return Outcome::Failed(failure(Code::StepError));
        }
        Outcome::Completed(json!({ "of": id, "rows": [1.0, 2.5, 1e21], "attempt": attempt.0 }))
    }

    fn act(&mut self, deed: Deed) {
        let signal_id = SignalId::parse(&format!("s-{}", self.commands)).expect("a signal id");
        let name = match &deed {
            Deed::Pause => "PAUSE",
            Deed::Resume => "RESUME",
            Deed::Cancel => "CANCEL",
            Deed::Retry(_) | Deed::ForceRetry(..) => "RETRY_STEP",
            Deed::Skip(_) => "SKIP_STEP",
            Deed::Send(..) => "SEND",
            Deed::EmergencyStop => "EMERGENCY_STOP",
            Deed::Vote(..)
            | Deed::Recover
            | Deed::WorkerLost
            | Deed::ByOther(_)
            | Deed::QueueExpired
            | Deed::Pass(_) => "",
        };
        let signal = match deed {
            Deed::Pause => Signal::Pause { signal_id },
            Deed::Resume => Signal::Resume { signal_id },
            Deed::Cancel => Signal::Cancel { signal_id },
            Deed::Retry(id) => {
                Signal::RetryStep { signal_id, step_id: step(id), force: false, restored: BTreeMap::new() }
            }
            Deed::ForceRetry(id, reads) => {
                let restored =
                    reads.iter().map(|id| (step(id), json!({ "of": id, "restored": true }))).collect();
                Signal::RetryStep { signal_id, step_id: step(id), force: true, restored }
            }
            Deed::Skip(id) => Signal::SkipStep { signal_id, step_id: step(id) },
            Deed::Send(name, payload) => Signal::Send { signal_id, name: name.to_owned(), payload },
            Deed::EmergencyStop => Signal::EmergencyStop { signal_id, force_kill: true },
            Deed::Vote(id, who, outcome) => {
                let decision_id = DecisionId::from_random(entropy::nth(&[who; 32], 0));
                let vote = Vote { step_id: step(id), decision_id, principal_id: principal(who), outcome };
                return self.obey(Command::Vote(vote));
            }
            Deed::Recover => {
                // The workers died with the engine; children's runs did not.
                self.pool.retain(|end| matches!(end, End::Child(_)));
                let children = std::mem::take(&mut self.pool);
                self.obey(Command::Recover);
                if self.pool.iter().all(|end| matches!(end, End::Report(_))) {
                    self.pool.extend(children);
                }
                return;
            }
            Deed::WorkerLost => {
                let reports = self.pool.iter().filter_map(|end| match end {
                    End::Report(report) => {
                        Some((report.step_id.clone(), report.logical_attempt_id, report.engine_attempt_id))
                    }
                    End::Child(_) => None,
                });
                let lost = reports.collect();
                self.pool.retain(|end| matches!(end, End::Child(_)));
                return self.obey(Command::WorkerLost { lost });
            }
            Deed::ByOther(cause) => return self.obey(Command::Cancel { cause }),
            Deed::QueueExpired => return self.obey(Command::QueueExpired),
            Deed::Pass(ms) => {
                self.now = self.now.plus_ms(ms);
                return;
            }
        };
        let refused = self.refusals.len();
        self.obey(Command::Signal(signal));
        if self.refusals.len() == refused {
            self.signals.push(name);
        }
    }

    /// What makes events equal (contract 5.8): name, step, attempt and canonical payload; without the provider.
    pub(crate) fn bodies(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for event in &self.events {
            out.extend_from_slice(event.name.as_str().as_bytes());
            out.push(0);
            out.extend_from_slice(event.step_id.as_ref().map_or("", |id| id.as_str()).as_bytes());
            out.push(0);
            out.extend_from_slice(&event.slot.0.to_be_bytes());
            out.extend_from_slice(&event.engine_attempt_id.0.to_be_bytes());
            if event.name != EventName::RunStarted {
                out.extend_from_slice(&dvt_model::canonical::to_bytes(&event.payload).expect("canonical"));
            }
            out.push(b'\n');
        }
        out.extend_from_slice(&self.state.snapshot_digest().expect("a run").0);
        // Refusals and children are decisions too.
        for code in &self.refusals {
            out.extend_from_slice(code.as_str().as_bytes());
        }
        for effect in &self.effects {
            let word = match effect {
                Effect::Dispatch(_) => "dispatch",
                Effect::Stop { .. } => "stop",
                Effect::StartChild(_) => "start child",
                Effect::CancelChild { .. } => "cancel child",
                Effect::StopChild { .. } => "stop child",
            };
            out.extend_from_slice(word.as_bytes());
        }
        out
    }

    /// Names and steps of all events.
    pub(crate) fn story(&self) -> Vec<String> {
        let tell = |event: &Event| match &event.step_id {
            Some(step) => format!("{} {step}", event.name),
            None => event.name.to_string(),
        };
        self.events.iter().map(tell).collect()
    }
}

/// A step id as the ledger has it.
pub(crate) fn step(text: &str) -> StepId {
    StepId::parse_stored(text).expect("a step id")
}

fn failure(code: Code) -> Failure {
    Failure {
        error_code: code,
        error_message: "exit status 1".to_owned(),
        retryable: false,
        failure_category: FailureCategory::User,
        failure_source: "program".to_owned(),
        exit_status: Some(1),
    }
}
