//! A virtual engine around the core: a store that is a list, a worker pool that is a list, a clock that is a number, and
//! faults that are drawn.

use super::counts::Counts;
use super::invariants;
use super::plans;
use super::random::Random;
use super::reference::{self, Essence};
use dvt_core::command::{Command, Input, Outcome, Report, Signal, Start};
use dvt_core::event::{Dispatch, Effect, Event};
use dvt_core::{Decided, State, decide, entropy, evolve};
use dvt_model::attempt::{EngineAttemptId, LogicalAttemptId};
use dvt_model::code::Code;
use dvt_model::digest::Digest;
use dvt_model::failure::{Failure, FailureCategory, Usage};
use dvt_model::id::{PlanId, RunId, SignalId};
use dvt_model::run::{EventName, PlanRef, Power, RunStatus, StepStatus};
use dvt_model::time::Timestamp;
use dvt_plan::plan::Plan;
use serde_json::{Value, json};

/// Steps of a schedule before the world turns calm and lets the run end.
const STORM: u64 = 90;
/// A calm run that is not over after so many steps is stuck.
const CALM: u64 = 2_000;

pub(super) struct World<'a> {
    plan: &'a Plan,
    random: Random,
    now: Timestamp,
    start: Start,
    state: State,
    stored: Vec<Event>,
    pool: Vec<Job>,
    /// Reports of attempts whose worker was given up: they may still come.
    late: Vec<Report>,
    /// Reports that were heard: they may come again.
    heard: Vec<Report>,
    signals: u64,
    is_ending: bool,
    /// How many of a hundred attempts fail, in this history.
    failing: u64,
    counts: Counts,
}

/// What a worker does.
struct Job {
    report: Report,
    ends_at: Timestamp,
}

impl<'a> World<'a> {
    pub(super) fn new(plan: &'a Plan, mut random: Random) -> Self {
        let chance = random.bytes();
        let (run, plan_id) = (entropy::nth(&chance, 0), entropy::nth(&chance, 1));
        let plan_ref = PlanRef {
            plan_id: PlanId::from_random(plan_id),
            plan_version: "1.0.0".to_owned(),
            digest: Digest::of(&chance),
        };
        let power = Power {
            host_allowed: true,
            files_digest: random.chance(30).then(|| Digest::of(b"files")),
            secrets_profile: None,
        };
        let tenant_id = "0d3c6a9e-4f0c-4a8e-9d5d-3d4c0f7dbb8a".to_owned();
        let start = Start {
            inputs: plans::inputs(),
            bounds: json!({ "steps": plan.steps.len() }),
            ..Start::plain(RunId::from_random(run), tenant_id, plan_ref, power)
        };
        let failing = *random.pick(&[0, 4, 15, 50]).unwrap_or(&15);
        Self {
            plan,
            random,
            failing,
            now: Timestamp::from_ms(1_771_200_000_000),
            start,
            state: State::default(),
            stored: Vec::new(),
            pool: Vec::new(),
            late: Vec::new(),
            heard: Vec::new(),
            signals: 0,
            is_ending: false,
            counts: Counts { histories: 1, ..Counts::default() },
        }
    }

    /// A history, to its end.
    pub(super) fn live(mut self) -> Result<Counts, String> {
        if self.random.chance(5) {
            self.refused(Command::Offer { slots: 1 })?;
        }
        self.obey(Command::Start(self.start.clone()))?;
        for _ in 0..STORM {
            if self.is_over() {
                break;
            }
            self.storm()?;
        }
        self.calm()?;
        self.after_the_end()?;
        let (run, plan_ref) = (self.start.run_id, self.start.plan.clone());
        invariants::hold(self.plan, &self.stored, &self.state, run, &plan_ref)?;
        Ok(self.counts)
    }

    fn is_over(&self) -> bool {
        self.state.status().is_some_and(RunStatus::is_terminal)
    }

    /// One step of the storm: something useful, or a fault.
    fn storm(&mut self) -> Result<(), String> {
        match self.random.below(100) {
            0..=27 => {
                let slots = u32::try_from(self.random.below(5)).unwrap_or(0);
                self.obey(Command::Offer { slots })
            }
            28..=52 => self.report_some(),
            53..=66 => self.time_passes(),
            67..=74 => self.obey(Command::Due),
            75..=77 => self.crash(),
            78..=80 => self.repeat(),
            81..=83 => self.lose(),
            84..=86 => self.come_late(),
            87..=88 => self.step_the_clock(),
            89..=90 => self.snapshot(),
            91..=92 => self.stray(),
            93 => self.obey(Command::Recover),
            94 if self.random.chance(25) => self.cancel_storm(),
            _ => self.obey(Command::Offer { slots: 64 }),
        }
    }

    /// No fault any more: the run has to end by itself.
    fn calm(&mut self) -> Result<(), String> {
        if !self.is_over() {
            // What was lost is found by a restart.
            self.crash()?;
        }
        for _ in 0..CALM {
            if self.is_over() {
                return Ok(());
            }
            if self.state.has_ready(self.now) {
                self.obey(Command::Offer { slots: 8 })?;
            } else if self.state.next_due_after(self.now).is_some_and(|at| at <= self.now) {
                self.obey(Command::Due)?;
            } else if let Some(at) = self.pool.iter().position(|job| job.ends_at <= self.now) {
                let report = self.pool.remove(at).report;
                self.obey(Command::Report(report))?;
            } else {
                let ends = self.pool.iter().map(|job| job.ends_at);
                let Some(next) = ends.chain(self.state.next_due_after(self.now)).min() else {
                    return Err(format!("the run is stuck: {}", self.state.snapshot()));
                };
                self.now = self.now.max(next);
            }
        }
        Err(format!("the run does not end: {}", self.state.snapshot()))
    }

    /// Nothing changes a run that is over.
    fn after_the_end(&mut self) -> Result<(), String> {
        let before = self.stored.len();
        for command in [Command::Offer { slots: 9 }, Command::Due, Command::Recover] {
            self.now = self.now.plus_ms(3_600_000);
            self.obey(command)?;
        }
        self.repeat()?;
        self.come_late()?;
        let signal_id = self.signal()?;
        self.refused(Command::Signal(Signal::Cancel { signal_id }))?;
        self.refused(Command::Start(self.start.clone()))?;
        if self.stored.len() == before { Ok(()) } else { Err("events after the end".to_owned()) }
    }

    fn refused(&mut self, command: Command) -> Result<(), String> {
        let shown = format!("{command:?}");
        let refusals = self.counts.refusals;
        self.obey(command)?;
        if self.counts.refusals > refusals { Ok(()) } else { Err(format!("{shown} is not refused")) }
    }

    /// Decides a command beside the reference, stores what follows, and does it.
    fn obey(&mut self, command: Command) -> Result<(), String> {
        let input = Input { now: self.now, entropy: self.random.bytes(), command };
        self.promises(&input)?;
        let Some(decided) = self.compare(&input)? else { return Ok(()) };
        // Not persisted: the decision is dropped and the command comes again, which must say the same.
        if self.random.chance(4) {
            self.counts.fault("commit lost");
            let again = decide(self.plan, &self.state, &input).map_err(|refusal| refusal.to_string())?;
            if again != decided {
                return Err("the same command on the same state says something else".to_owned());
            }
        }
        for event in &decided.events {
            let from = self.met_in(event);
            self.counts.event(from, event, self.is_ending);
            evolve(self.plan, &mut self.state, event).map_err(|error| error.to_string())?;
            self.is_ending |= matches!(event.name, EventName::RunFailing | EventName::RunCancelRequested);
        }
        self.stored.extend(decided.events);
        // Persisted, and the engine dies before it acts: the effects never happen.
        if !decided.effects.is_empty() && self.random.chance(3) {
            self.counts.fault("effects lost");
            return self.crash();
        }
        for effect in decided.effects {
            self.act(effect);
        }
        Ok(())
    }

    /// The state that an event meets.
    fn met_in(&self, event: &Event) -> &'static str {
        match &event.step_id {
            Some(id) => self.state.step_status(id).map_or("(none)", StepStatus::as_str),
            None => self.state.status().map_or("(none)", RunStatus::as_str),
        }
    }

    /// What `has_ready` and `next_due_after` say must come true.
    fn promises(&mut self, input: &Input) -> Result<(), String> {
        if !self.random.chance(25) || self.stored.is_empty() {
            return Ok(());
        }
        let would = |command: Command| {
            let asked = Input { command, ..input.clone() };
            decide(self.plan, &self.state, &asked).map_or(0, |decided| decided.events.len())
        };
        let ready = self.state.has_ready(self.now);
        if ready != (would(Command::Offer { slots: 1 }) > 0) {
            return Err(format!("`has_ready` says {ready}, and an offer says otherwise"));
        }
        let due = self.state.next_due_after(self.now).is_some_and(|at| at <= self.now);
        if due != (would(Command::Due) > 0) {
            return Err(format!("`next_due_after` says {due}, and a due says otherwise"));
        }
        Ok(())
    }

    /// The core beside the reference.
    fn compare(&mut self, input: &Input) -> Result<Option<Decided>, String> {
        self.counts.commands += 1;
        let expected = reference::expect(self.plan, &self.stored, input);
        let decided = decide(self.plan, &self.state, input);
        let shown = |command: &Command| format!("at event {} after {command:?}", self.stored.len());
        match (decided, expected) {
            (Err(refusal), Err(code)) if refusal.code == code => {
                self.counts.refusals += 1;
                Ok(None)
            }
            (Ok(decided), Ok(expected)) => {
                let pairs = decided.events.iter().zip(&expected.events);
                for (core, reference) in pairs {
                    if without_sentences(core) != without_sentences(reference) {
                        let place = shown(&input.command);
                        return Err(format!("{place}: the core says {core:?}, the reference {reference:?}"));
                    }
                }
                if decided.events.len() != expected.events.len() {
                    let names = |events: &[Event]| events.iter().map(|event| event.name).collect::<Vec<_>>();
                    let (core, reference) = (names(&decided.events), names(&expected.events));
                    return Err(format!(
                        "{}: the core says {core:?}, the reference {reference:?}",
                        shown(&input.command)
                    ));
                }
                let effects: Vec<Essence> = decided.effects.iter().map(essence).collect();
                if effects != expected.effects {
                    let reference = expected.effects;
                    return Err(format!(
                        "{}: the core does {effects:?}, the reference {reference:?}",
                        shown(&input.command)
                    ));
                }
                Ok(Some(decided))
            }
            (core, reference) => {
                let core = core.map(|decided| decided.events.len());
                let reference = reference.map(|expected| expected.events.len());
                Err(format!(
                    "{}: the core answers {core:?}, the reference {reference:?}",
                    shown(&input.command)
                ))
            }
        }
    }

    fn act(&mut self, effect: Effect) {
        match effect {
            Effect::Dispatch(dispatch) => {
                let job = self.work(&dispatch);
                self.pool.push(job);
            }
            Effect::Stop { step_id, engine_attempt_id, .. } => {
                let obeys = !self.random.chance(30);
                let (now, delay) = (self.now, self.random.below(5_000));
                let job = self.pool.iter_mut().find(|job| {
                    job.report.step_id == step_id && job.report.engine_attempt_id == engine_attempt_id
                });
                match job {
                    Some(job) if obeys => {
                        let cancelled = failure(Code::Cancelled, FailureCategory::User, None, false);
                        job.report.outcome = Outcome::Failed(cancelled);
                        job.ends_at = now.plus_ms(delay);
                    }
                    Some(_) => self.counts.fault("stop ignored"),
                    None => {}
                }
            }
            Effect::StartChild(_) | Effect::CancelChild { .. } | Effect::StopChild { .. } => {}
        }
    }

    /// A worker takes an attempt; how it will end is drawn now.
    fn work(&mut self, dispatch: &Dispatch) -> Job {
        let kind =
            if self.random.chance(self.failing) { self.random.below(6) } else { 6 + self.random.below(8) };
        let outcome = match kind {
            0 => Outcome::Failed(failure(Code::StepError, FailureCategory::User, Some(1), false)),
            1 => Outcome::Failed(failure(Code::StepError, FailureCategory::User, Some(75), true)),
            2 => Outcome::Failed(failure(Code::Timeout, FailureCategory::Timeout, None, false)),
            3 => Outcome::Failed(failure(Code::Oom, FailureCategory::User, None, false)),
            4 => Outcome::Failed(failure(Code::SandboxUnavailable, FailureCategory::Platform, None, true)),
            // An integer that no reader keeps: the output is refused.
            5 => Outcome::Completed(json!(1u64 << 60)),
            6 => Outcome::Completed(json!({ "rows": [1.0, 2.5], "of": dispatch.step_id })),
            7 => Outcome::Completed(Value::Null),
            8 => Outcome::Completed(json!("text")),
            _ => Outcome::Completed(json!(self.random.below(1_000))),
        };
        let mut lasts = self.random.below(4_000);
        if self.random.chance(6) {
            self.counts.fault("slow worker");
            lasts += 60_000;
        }
        let usage = Usage { cpu_ms: self.random.below(50), peak_memory_bytes: 4_096 };
        let report = Report {
            step_id: dispatch.step_id.clone(),
            logical_attempt_id: dispatch.logical_attempt_id,
            engine_attempt_id: dispatch.engine_attempt_id,
            outcome,
            usage,
        };
        Job { report, ends_at: self.now.plus_ms(lasts) }
    }

    /// A worker reports, not always the one that ended first.
    fn report_some(&mut self) -> Result<(), String> {
        let ended: Vec<usize> = self
            .pool
            .iter()
            .enumerate()
            .filter(|(_, job)| job.ends_at <= self.now)
            .map(|(at, _)| at)
            .collect();
        let Some(at) = self.random.pick(&ended).copied() else { return self.time_passes() };
        if ended.first() != Some(&at) {
            self.counts.fault("reorder");
        }
        let report = self.pool.remove(at).report;
        self.heard.push(report.clone());
        self.obey(Command::Report(report))
    }

    fn time_passes(&mut self) -> Result<(), String> {
        let ends = self.pool.iter().map(|job| job.ends_at);
        let next = ends.chain(self.state.next_due()).filter(|at| *at > self.now).min();
        self.now = match next {
            // The end of `maxDuration` is often the only moment that is left; most histories are to see other ends.
            Some(next) if self.random.chance(if next.ms_since(self.now) < 120_000 { 75 } else { 2 }) => next,
            Some(_) | None => self.now.plus_ms(self.random.below(2_500)),
        };
        Ok(())
    }

    /// The engine dies with its workers: what is stored is folded, and the rest begins again.
    fn crash(&mut self) -> Result<(), String> {
        self.counts.fault("crash");
        let given_up = std::mem::take(&mut self.pool);
        for job in given_up {
            if self.random.chance(30) {
                self.late.push(job.report);
            }
        }
        let folded = invariants::fold(self.plan, &self.stored)?;
        if folded != self.state {
            return Err("the state after a restart is another one".to_owned());
        }
        self.state = folded;
        self.obey(Command::Recover)
    }

    /// A report that was heard comes again.
    fn repeat(&mut self) -> Result<(), String> {
        let Some(report) = self.random.pick(&self.heard).cloned() else { return Ok(()) };
        self.counts.fault("duplicate report");
        self.obey(Command::Report(report))
    }

    /// A report is lost on its way; only a recovery will find out.
    fn lose(&mut self) -> Result<(), String> {
        if self.pool.is_empty() {
            return Ok(());
        }
        self.counts.fault("lost report");
        let at = usize::try_from(self.random.below(self.pool.len() as u64)).unwrap_or(0);
        let job = self.pool.remove(at);
        self.late.push(job.report);
        Ok(())
    }

    /// A report comes that nobody waits for any more, or still does.
    fn come_late(&mut self) -> Result<(), String> {
        if self.late.is_empty() {
            return Ok(());
        }
        self.counts.fault("late report");
        let report = self.late.remove(0);
        let is_stale = self.state.is_dispatched(&report.step_id) && !self.pool.is_empty();
        if is_stale {
            self.counts.fault("stale dispatch");
        }
        self.heard.push(report.clone());
        self.obey(Command::Report(report))
    }

    fn step_the_clock(&mut self) -> Result<(), String> {
        self.counts.fault("clock step");
        let by = i64::try_from(self.random.below(20_000)).unwrap_or(0) - 6_000;
        self.now = Timestamp::from_ms(self.now.ms() + by);
        Ok(())
    }

    /// The state goes through its stored form and comes back the same.
    fn snapshot(&mut self) -> Result<(), String> {
        self.counts.fault("snapshot");
        let text = serde_json::to_string(&self.state).map_err(|error| error.to_string())?;
        let read: State = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        if read != self.state {
            return Err("the state does not come back from its snapshot".to_owned());
        }
        self.state = read;
        Ok(())
    }

    /// A report of something that never was.
    fn stray(&mut self) -> Result<(), String> {
        let steps: Vec<_> = self.plan.steps.keys().collect();
        let Some(step) = self.random.pick(&steps) else { return Ok(()) };
        self.counts.fault("stray report");
        let report = Report {
            step_id: (*step).clone(),
            logical_attempt_id: LogicalAttemptId(u32::try_from(1 + self.random.below(3)).unwrap_or(1)),
            engine_attempt_id: EngineAttemptId(9),
            outcome: Outcome::Completed(Value::Null),
            usage: Usage::default(),
        };
        self.obey(Command::Report(report))
    }

    fn signal(&mut self) -> Result<SignalId, String> {
        self.signals += 1;
        SignalId::parse(&format!("signal-{}", self.signals)).map_err(|error| error.to_string())
    }

    fn cancel_storm(&mut self) -> Result<(), String> {
        self.counts.fault("cancel storm");
        for _ in 0..=self.random.below(3) {
            let signal_id = self.signal()?;
            self.obey(Command::Signal(Signal::Cancel { signal_id }))?;
        }
        Ok(())
    }
}

fn essence(effect: &Effect) -> Essence {
    match effect {
        Effect::Dispatch(dispatch) => Essence::Dispatch(
            dispatch.step_id.clone(),
            dispatch.logical_attempt_id.0,
            dispatch.engine_attempt_id.0,
            dispatch.token.clone(),
        ),
        Effect::Stop { step_id, logical_attempt_id, engine_attempt_id, .. } => {
            Essence::Stop(step_id.clone(), logical_attempt_id.0, engine_attempt_id.0)
        }
        // No plan here has a sub-plan: no expectation of the reference is this one.
        Effect::StartChild(child) => Essence::Stop(child.step_id.clone(), 0, 0),
        Effect::CancelChild { step_id, .. } | Effect::StopChild { step_id, .. } => {
            Essence::Stop(step_id.clone(), 0, 0)
        }
    }
}

/// An event without the sentences for people, which the reference does not say again.
fn without_sentences(event: &Event) -> Event {
    let mut event = event.clone();
    if let Some(failure) = event.payload.get_mut("failure").and_then(Value::as_object_mut) {
        failure.remove("errorMessage");
    }
    event
}

fn failure(code: Code, category: FailureCategory, exit_status: Option<i32>, retryable: bool) -> Failure {
    Failure {
        error_code: code,
        error_message: "simulated".to_owned(),
        retryable,
        failure_category: category,
        failure_source: "program".to_owned(),
        exit_status,
    }
}
