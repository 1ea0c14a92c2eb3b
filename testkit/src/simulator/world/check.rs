//! One command: decided by the core beside the reference, judged event by event, stored, folded, done.

use super::World;
use crate::simulator::coverage::Table;
use crate::simulator::reference::{self, Essence, Said};
use dvt_core::command::{Command, Input, Signal};
use dvt_core::event::{Effect, Event};
use dvt_core::{Decided, decide, evolve};
use std::borrow::Borrow;
use std::rc::Rc;

impl World<'_> {
    /// Decides a command beside the reference, stores what follows, and does it.
    pub(super) fn obey(&mut self, command: Command) -> Result<(), String> {
        let input = Input { now: self.now, entropy: self.random.bytes(), command };
        self.promises(&input)?;
        let state = self.reading.signal_state();
        let answer = self.compare(&input)?;
        if let Command::Signal(signal) = &input.command {
            let mark = if answer.is_some() { "+" } else { "-" };
            self.coverage.meet(Table::Signal, format!("{} at {state} {mark}", name_of(signal)));
        }
        let Some(decided) = answer else { return Ok(()) };
        // Not persisted: the decision is dropped and the command comes again, which must say the same.
        if self.random.chance(3) {
            self.coverage.fault("commit lost");
            let again = decide(self.plan, &self.state, &input).map_err(|refusal| refusal.to_string())?;
            if again != decided {
                return Err("the same command on the same state says something else".to_owned());
            }
        }
        for event in &decided.events {
            self.judge(event)?;
            evolve(self.plan, &mut self.state, event).map_err(|error| format!("evolve: {error}"))?;
            if self.reading.is_cancelling() && self.reading.run_state() == "PENDING" {
                self.put("RunStarted", None);
            }
        }
        self.stored.extend(decided.events);
        // Persisted, and the engine dies before it acts: the effects never happen.
        if !decided.effects.is_empty() && self.random.chance(3) {
            self.coverage.fault("effects lost");
            return self.crash();
        }
        for effect in decided.effects {
            self.act(effect);
        }
        Ok(())
    }

    /// The law is asked of each event, in the state that it meets.
    fn judge(&mut self, event: &Event) -> Result<(), String> {
        let said = Rc::new(Said::of(event));
        let run = self.reading.run_state();
        match &said.step {
            None if said.name == "SignalReceived" => {}
            None => self.coverage.meet(Table::Run, format!("{run} {} +", said.name)),
            Some(unit) => {
                let state = self.reading.step_state(unit);
                self.coverage.meet(Table::Step, format!("{state} {} +", said.name));
                self.coverage.meet(Table::While, format!("{run} {} +", said.name));
            }
        }
        self.coverage.events += 1;
        self.coverage.reasons(&said);
        self.reading
            .read(self.plan, &said)
            .map_err(|reason| format!("at event {} the law forbids {said:?}: {reason}", self.stored.len()))?;
        let at_work = self.reading.at_work(self.plan);
        if at_work > usize::try_from(self.plan.max_parallel).unwrap_or(usize::MAX) {
            return Err(format!("{at_work} attempts at once, of at most {}", self.plan.max_parallel));
        }
        // What somebody adds by hand is in no bound.
        self.by_hand |= said.name == "StepRetryRequested";
        if at_work as u64 > self.bounds.parallel && !self.by_hand {
            return Err(format!("{at_work} attempts at once, and the bound is {}", self.bounds.parallel));
        }
        self.said.push(said);
        Ok(())
    }

    /// What `has_ready` and `next_due_after` say must come true.
    fn promises(&mut self, input: &Input) -> Result<(), String> {
        if !self.random.chance(15) || self.stored.is_empty() {
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
        if due && would(Command::Due) == 0 && !ready {
            return Err("`next_due_after` says that something is due, and a due says otherwise".to_owned());
        }
        Ok(())
    }

    /// The core beside the reference.
    fn compare(&mut self, input: &Input) -> Result<Option<Decided>, String> {
        self.coverage.commands += 1;
        let expected = reference::expect(self.plan, &self.reading, input);
        let decided = decide(self.plan, &self.state, input);
        let place = || format!("at event {} after {:?}", self.stored.len(), input.command);
        match (decided, expected) {
            (Err(refusal), Err(code)) if refusal.code == code => {
                self.coverage.refusals += 1;
                self.coverage.meet(Table::Refusal, code.as_str());
                Ok(None)
            }
            (Ok(decided), Ok(expected)) => {
                let core: Vec<Said> =
                    decided.events.iter().map(|event| Said::of(event).without_sentences()).collect();
                let reference: Vec<Said> =
                    expected.events.iter().map(|said| (**said).clone().without_sentences()).collect();
                if core != reference {
                    return Err(format!("{}:\n{}", place(), difference(&core, &reference)));
                }
                let effects: Vec<Essence> = decided.effects.iter().map(essence).collect();
                if effects != expected.effects {
                    return Err(format!(
                        "{}: the core does {effects:?}, the reference {:?}",
                        place(),
                        expected.effects
                    ));
                }
                Ok(Some(decided))
            }
            (core, reference) => {
                let core =
                    core.map(|decided| names(&decided.events.iter().map(Said::of).collect::<Vec<_>>()));
                let reference = reference.map(|expected| names(&expected.events));
                Err(format!("{}: the core answers {core:?}, the reference {reference:?}", place()))
            }
        }
    }
}

/// The first event in which two answers differ, and the names around it.
fn difference(core: &[Said], reference: &[Said]) -> String {
    let at = core.iter().zip(reference).position(|(left, right)| left != right);
    let first = at.and_then(|at| {
        Some(format!("  core:      {:?}\n  reference: {:?}\n", core.get(at)?, reference.get(at)?))
    });
    format!(
        "{}  the core says {}\n  the reference {}",
        first.unwrap_or_default(),
        names(core).join(" "),
        names(reference).join(" ")
    )
}

pub(super) fn names<S: Borrow<Said>>(said: &[S]) -> Vec<String> {
    said.iter()
        .map(|said| said.borrow())
        .map(|said| match &said.step {
            Some(step) => format!("{}({step})", said.name),
            None => said.name.to_owned(),
        })
        .collect()
}

pub(super) fn name_of(signal: &Signal) -> &'static str {
    match signal {
        Signal::Pause { .. } => "PAUSE",
        Signal::Resume { .. } => "RESUME",
        Signal::Cancel { .. } => "CANCEL",
        Signal::RetryStep { .. } => "RETRY_STEP",
        Signal::SkipStep { .. } => "SKIP_STEP",
        Signal::Send { .. } => "SEND",
        Signal::EmergencyStop { .. } => "EMERGENCY_STOP",
    }
}

fn essence(effect: &Effect) -> Essence {
    match effect {
        Effect::Dispatch(dispatch) => Essence::Dispatch(
            dispatch.step_id.to_string(),
            dispatch.logical_attempt_id.0,
            dispatch.engine_attempt_id.0,
            dispatch.token.clone(),
        ),
        Effect::Stop { step_id, logical_attempt_id, engine_attempt_id, grace_ms } => {
            Essence::Stop(step_id.to_string(), logical_attempt_id.0, engine_attempt_id.0, *grace_ms == 0)
        }
        Effect::StartChild(child) => {
            Essence::StartChild(child.step_id.to_string(), child.child_run_id.to_string())
        }
        Effect::CancelChild { step_id, child_run_id } => {
            Essence::CancelChild(step_id.to_string(), child_run_id.to_string())
        }
        Effect::StopChild { step_id, child_run_id, .. } => {
            Essence::StopChild(step_id.to_string(), child_run_id.to_string())
        }
    }
}
