//! A virtual engine around the core: a store that is a list, a worker pool that is a list, a clock that is a number, people
//! who vote and signal, children that end, and faults that are drawn.
//!
//! Each move of the storm draws from its own stream, so a history without some of its moves is otherwise the same.

mod check;
mod faults;
mod people;
mod probe;
mod work;

use super::coverage::{Coverage, Table};
use super::plans;
use super::random::Random;
use super::reference::{Reading, Said};
use super::{Cut, invariants};
use dvt_core::State;
use dvt_core::command::{Command, Report, Start};
use dvt_core::entropy;
use dvt_core::event::Event;
use dvt_model::digest::Digest;
use dvt_model::id::{EventId, PlanId, PrincipalId, RunId};
use dvt_model::run::{PlanRef, Power, RunStatus};
use dvt_model::time::Timestamp;
use dvt_plan::bounds::{self, Class};
use dvt_plan::plan::{Bounds, Part, Plan};
use serde_json::json;
use std::collections::BTreeSet;
use std::rc::Rc;
use work::{Child, Job};

/// Moves of the storm before the world turns calm and lets the run end.
pub(super) const STORM: u64 = 70;
/// A calm run that is not over after so many steps is stuck.
const CALM: u64 = 3_000;

/// A history in the making.
pub(super) struct World<'a> {
    plan: &'a Plan,
    seed: u64,
    random: Random,
    now: Timestamp,
    start: Start,
    state: State,
    stored: Vec<Event>,
    said: Vec<Rc<Said>>,
    reading: Reading,
    pool: Vec<Job>,
    children: Vec<Child>,
    /// Reports of attempts whose worker was given up: they may still come.
    late: Vec<Report>,
    /// Reports that were heard: they may come again.
    heard: Vec<Report>,
    signals: u64,
    /// How many of a hundred attempts fail, in this history.
    failing: u64,
    /// Whether workers die again and again.
    poisoned: bool,
    /// People who vote.
    voters: Vec<PrincipalId>,
    /// Nobody signals or votes, and nothing breaks: what the plan's bounds promise is held against the clock.
    alone: bool,
    /// Whether somebody asked for an attempt that is in no bound.
    by_hand: bool,
    /// The worst case with which the plan was admitted.
    bounds: Bounds,
    /// An illegal event that the core took.
    wrong: Option<String>,
    coverage: Coverage,
}

impl<'a> World<'a> {
    pub(super) fn new(plan: &'a Plan, seed: u64) -> Self {
        let mut random = Random::stream(seed, "world", 0);
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
        let voters: Vec<PrincipalId> =
            (2..6).map(|nth| PrincipalId::from_random(entropy::nth(&chance, nth))).collect();
        let tenant_id = "0d3c6a9e-4f0c-4a8e-9d5d-3d4c0f7dbb8a".to_owned();
        let mut start = Start {
            inputs: plans::inputs(),
            bounds: json!({ "steps": plan.steps.len() }),
            ..Start::plain(RunId::from_random(run), tenant_id, plan_ref, power)
        };
        let now = Timestamp::from_ms(1_771_200_000_000);
        if random.chance(10) {
            start.start_at = Some(now.plus_ms(random.below(20_000)));
        }
        if random.chance(60) {
            start.initiators = voters.first().copied().into_iter().collect();
        }
        let ordinary: Vec<_> = plan.steps.values().filter(|step| step.part == Part::Ordinary).collect();
        if random.chance(8) {
            let kept = ordinary.iter().filter(|_| random.chance(70)).map(|step| step.id.clone());
            start.selection = Some(kept.collect());
        }
        if random.chance(12) {
            start.original_run_id = Some(RunId::from_random(entropy::nth(&chance, 9)));
            start.reuse = reusable(&mut random, plan);
            if let Some(selection) = &start.selection {
                start.reuse.retain(|id| selection.contains(id));
            }
        }
        let failing = *random.pick(&[0, 5, 20, 50]).unwrap_or(&20);
        let poisoned = random.chance(12);
        let alone = random.chance(10);
        let bounds = bounds::of(&plans::filled(plan));
        let mut coverage = Coverage { histories: 1, ..Coverage::default() };
        let refused = Class::DEFAULT.refuses(&bounds, 1).is_some();
        coverage.meet(Table::Reason, if refused { "PLAN_UNBOUNDED at admission" } else { "admitted" });
        if random.chance(15) {
            start.depth = *random.pick(&[1, 7, 8]).unwrap_or(&8);
        }
        Self {
            plan,
            seed,
            random,
            now,
            start,
            state: State::default(),
            stored: Vec::new(),
            said: Vec::new(),
            reading: Reading::new(plan),
            pool: Vec::new(),
            children: Vec::new(),
            late: Vec::new(),
            heard: Vec::new(),
            signals: 0,
            failing,
            poisoned,
            voters,
            alone,
            by_hand: false,
            bounds,
            wrong: None,
            coverage,
        }
    }

    /// A history, to its end.
    pub(super) fn live(mut self, cut: &Cut) -> Result<Coverage, String> {
        if self.random.chance(5) {
            self.probe();
            self.obey(Command::Offer { slots: 1 })?;
        }
        self.obey(Command::Start(self.start.clone()))?;
        let ended = self.play(cut);
        ended.map_err(|message| format!("{message}\n  so far: {}", check::names(&self.said).join(" ")))?;
        Ok(self.coverage)
    }

    fn play(&mut self, cut: &Cut) -> Result<(), String> {
        for number in (0..STORM).filter(|number| !cut.moves.contains(number)) {
            if self.is_over() || self.alone {
                break;
            }
            self.random = Random::stream(self.seed, "move", number);
            self.storm()?;
            if let Some(wrong) = self.wrong.take() {
                return Err(wrong);
            }
        }
        self.random = Random::stream(self.seed, "calm", 0);
        self.calm()?;
        self.after_the_end()?;
        if self.alone {
            invariants::duration(&self.stored, self.bounds.duration_ms)?;
            self.coverage.fault("left alone");
        }
        invariants::attempts(self.plan, &self.stored, self.bounds.attempts)?;
        invariants::hold(self.plan, &self.stored, &self.state, self.start.run_id, &self.start.plan)
    }

    fn is_over(&self) -> bool {
        self.state.status().is_some_and(RunStatus::is_terminal)
    }

    /// Something useful, or a fault.
    fn storm(&mut self) -> Result<(), String> {
        if self.random.chance(20) {
            self.probe();
        }
        match self.random.below(100) {
            0..=25 => {
                let slots = u32::try_from(self.random.below(5)).unwrap_or(0);
                self.offer(slots)
            }
            26..=47 => self.report_some(),
            48..=59 => self.time_passes(),
            60..=64 => self.obey(Command::Due),
            65..=66 => self.crash(),
            67..=69 => self.repeat(),
            70..=71 => self.lose(),
            72..=73 => self.come_late(),
            74..=75 => self.step_the_clock(),
            76..=77 => self.snapshot(),
            78 => self.stray(),
            79 => self.obey(Command::Recover),
            80..=82 => self.vote(),
            83..=86 => self.signal_some(),
            87 => self.signal_storm(),
            88..=89 => self.worker_dies(),
            90..=92 => self.child_ends(),
            93 => self.other_run(),
            94..=95 => self.begin_reuse(),
            _ => self.offer(64),
        }
    }

    fn offer(&mut self, slots: u32) -> Result<(), String> {
        if slots == 0 && self.state.has_ready(self.now) {
            self.coverage.fault("full queue");
        }
        self.obey(Command::Offer { slots })
    }

    /// No fault any more: the run has to end by itself, with somebody who resumes, votes and signals.
    fn calm(&mut self) -> Result<(), String> {
        if !self.is_over() && !self.alone {
            // What was lost is found by a restart.
            self.crash()?;
        }
        for _ in 0..CALM {
            if self.is_over() {
                return Ok(());
            }
            let may_start = self.start.start_at.is_none_or(|at| at <= self.now);
            if may_start && self.state.wants_reuse().is_some() {
                self.begin_reuse()?;
            } else if self.state.has_ready(self.now) {
                self.obey(Command::Offer { slots: 8 })?;
            } else if self.state.next_due_after(self.now).is_some_and(|at| at <= self.now) {
                self.obey(Command::Due)?;
            } else if let Some(at) = self.pool.iter().position(|job| job.ends_at <= self.now) {
                let report = self.pool.remove(at).report;
                self.obey(Command::Report(report))?;
            } else if let Some(at) = self.children.iter().position(|child| child.ends_at <= self.now) {
                let ended = self.children.remove(at).ended;
                self.obey(Command::ChildEnded(ended))?;
            } else if self.reading.run_state() == "PAUSED"
                && !self.alone
                && !self.reading.is_ending()
                && self.random.chance(70)
            {
                self.resume()?;
            } else {
                let jobs = self.pool.iter().map(|job| job.ends_at);
                let ends = jobs.chain(self.children.iter().map(|child| child.ends_at));
                let Some(next) = ends.chain(self.state.next_due_after(self.now)).min() else {
                    if self.reading.run_state() == "PAUSED" && !self.reading.is_ending() {
                        self.resume()?;
                        continue;
                    }
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
        self.probe();
        self.repeat()?;
        self.come_late()?;
        self.child_ends()?;
        for _ in 0..3 {
            self.signal_some()?;
        }
        self.vote()?;
        self.obey(Command::Start(self.start.clone()))?;
        if let Some(wrong) = self.wrong.take() {
            return Err(wrong);
        }
        if self.stored.len() == before { Ok(()) } else { Err("events after the end".to_owned()) }
    }

    /// The results that a run takes over come with its beginning.
    fn begin_reuse(&mut self) -> Result<(), String> {
        let Some(ids) = self.state.wants_reuse().cloned() else { return self.offer(2) };
        let is_other = self.random.chance(15);
        let definition = |id: &dvt_model::id::StepId| match self.plan.steps.get(id) {
            Some(step) if !is_other => step.definition,
            Some(_) | None => Digest::of(b"another"),
        };
        let of = |id: &dvt_model::id::StepId| dvt_core::command::Reused {
            step_id: id.clone(),
            original_event_id: EventId::from_random(entropy::nth(&[7; 32], 1)),
            definition_digest: definition(id),
            result: json!({ "rows": [1], "of": id }),
        };
        let mut reused: Vec<_> = ids.iter().map(of).collect();
        if self.random.chance(20) {
            reused.pop();
        }
        self.obey(Command::Reuse(reused))
    }
}

/// Steps that a run may take over: ordinary ones whose needs it takes over too.
fn reusable(random: &mut Random, plan: &Plan) -> BTreeSet<dvt_model::id::StepId> {
    let mut taken = BTreeSet::new();
    for step in plan.steps.values().filter(|step| step.part == Part::Ordinary && step.foreach.is_none()) {
        if step.needs.is_empty() && step.compensate.is_none() && random.chance(60) {
            taken.insert(step.id.clone());
        }
    }
    taken
}
