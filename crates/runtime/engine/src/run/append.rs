//! Appending: events and the acts that caused them become one block, and only then anything happens.
//!
//! A block whose fate is unknown is sent again under the same id: it is either there, and the first answer comes back, or
//! it goes in now. Meanwhile the run stands still, its programs do not, and nobody is answered. Where that lasts too long the run's
//! memory goes, and it comes back by what its ledger says (`again`). Very many
//! events become several blocks, cut only where a crash between two of them leaves what the next holder can go on with.

use super::advance::Left;
use super::kept::{Acts, Told, class_of, subject_of};
use super::load::{Fold, weight_of};
use crate::engine::Engine;
use crate::entry::{self, Place};
use crate::{Grant, Problem, crash};
use dvt_core::event::Event;
use dvt_model::code::Code;
use dvt_model::id::{RunId, SignalId, StepId};
use dvt_model::run::{EventName, RunStatus};
use dvt_store::Refusal;
use dvt_store::port::operation::{AppendAct, AppendRun, BlockDraft, EntryDraft, Rights, Subject};
use dvt_store::port::transaction::Kind;
use serde_json::Value;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Between two tries of a write that failed: at first, and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// So often it is tried also where the engine is ending.
const TRIES_AT_THE_END: u32 = 4;
/// A snapshot is worth its bytes when the events since the last one weigh more than this and more than that snapshot.
const SNAPSHOT_FLOOR: u64 = 256 * 1024;

/// The most events of one block; the store takes 10,000 entries of a stage.
const MOST_EVENTS: usize = 4_000;

/// A signal's first decision.
pub(crate) type Signal = (SignalId, Value);

impl Fold {
    /// Where and when this run's entries are made.
    pub(crate) fn place(&self, engine: &Engine) -> Place {
        Place {
            ledger: self.ledger,
            scope: self.metadata.scope,
            now: engine.now(),
            run: Some(self.metadata.run_id),
        }
    }

    /// Appends `events` with the acts before them. The state is not touched; `last_run_seq` and `status` move on success.
    ///
    /// If we crash before the commit, none of it happened: steps that ended are given out again under the same token,
    /// and a caller got no answer. After it, all of it did: the next holder folds it and does the effects by `Recover`.
    ///
    /// More than [`MOST_EVENTS`] become several blocks, acts and signal in the first. If we crash between two, the acts
    /// and the first events happened and the others did not, as if the core had been asked for less: [`begins`] says why
    /// each such place is one in which a run may rest. Nobody was answered and nothing was started; steps whose end is
    /// lost are given out again, and the next offer starts what was not started. An act that is asked for again finds
    /// its decision or its signal in the ledger.
    // INVARIANT(INV-29): effects and answers come after this returns, and it returns after the last sync.
    pub(crate) async fn append(
        &mut self,
        engine: &Engine,
        mut acts: Acts,
        events: Vec<Told>,
        mut signal: Option<Signal>,
    ) -> Result<(), Left> {
        for block in cut(events, MOST_EVENTS, |told| &told.event) {
            self.append_block(engine, std::mem::take(&mut acts), block, signal.take()).await?;
        }
        engine.seal_soon(&self.scope);
        Ok(())
    }

    async fn append_block(
        &mut self,
        engine: &Engine,
        acts: Acts,
        events: Vec<Told>,
        signal: Option<Signal>,
    ) -> Result<(), Left> {
        let place = self.place(engine);
        let terminal = events.iter().any(|told| told.event.name.is_terminal());
        let status = events.iter().fold(self.status, |status, told| after(status, told.event.name));
        let count = u64::try_from(events.len()).unwrap_or(u64::MAX);
        let weight: u64 = events.iter().map(|told| weight_of(&told.event.payload)).sum();
        let Acts { mut entries, mut about } = acts;
        for (run_seq, Told { event, kept }) in (self.last_run_seq + 1..).zip(events) {
            let event = (event, class_of(kept.class));
            let entry = entry::of_event(place, &self.metadata, self.request_id, run_seq, event)
                .map_err(|problem| Left::Refused(Refusal::Contract(problem.message)))?;
            about.extend(kept.about.map(|whose| (entries.len(), subject_of(whose))));
            entries.push(entry);
        }
        let operation = AppendRun {
            run_id: self.metadata.run_id,
            expected_run_seq: self.last_run_seq,
            engine_epoch: engine.epoch(),
            signal,
            block: BlockDraft::of(entries),
            status,
        };
        if terminal {
            crash::point(crash::BEFORE_TERMINAL_APPEND);
        }
        match commit(engine, self, &operation, &about).await {
            Ok(()) => {}
            Err(Refusal::LeaseLost) => return Err(self.who_was_first(engine).await),
            Err(refusal) => return Err(refusal.into()),
        }
        if terminal {
            crash::point(crash::AFTER_TERMINAL);
        }
        self.last_run_seq += count;
        self.status = status;
        self.weight += weight;
        Ok(())
    }

    /// The store took no events of ours after others: either another engine has the tenant, or this engine has it still
    /// and this run alone is not what it has in memory. Then only the run is given up; whoever asks for it folds it.
    pub(super) async fn who_was_first(&self, engine: &Engine) -> Left {
        match engine.parts().store.claim(self.scope.tenant(), engine.epoch()).await {
            Ok(()) => Left::Overtaken(
                Refusal::Unavailable(format!(
                    "go on with `{}`: it has events that its memory does not have; `dvt runs resume` goes on with it",
                    self.metadata.run_id
                ))
                .into(),
            ),
            Err(refusal) => refusal.into(),
        }
    }

    /// Writes a snapshot where it is worth it. It is a cache: a crash before or within leaves the older one.
    pub(crate) async fn snapshot_if_worth(&mut self, engine: &Engine) {
        if self.weight <= SNAPSHOT_FLOOR.max(self.snapshot_weight) {
            return;
        }
        let Ok(snapshot) = serde_json::to_value(&self.state) else { return };
        self.weight = 0;
        self.snapshot_weight = weight_of(&snapshot);
        if let Ok(transaction) = engine.parts().store.begin(&self.scope, Kind::Engine) {
            // A cache that could not be written costs only a longer fold.
            drop(transaction.put_snapshot(self.metadata.run_id, self.last_run_seq, &snapshot).await);
        }
    }
}

/// Cuts events into blocks of at most `most`, at places where an event [`begins`] something.
fn cut<T>(events: Vec<T>, most: usize, of: fn(&T) -> &Event) -> Vec<Vec<T>> {
    let mut blocks = Vec::new();
    let mut rest = events;
    while rest.len() > most {
        let may_cut =
            |at: &usize| match (at.checked_sub(1).and_then(|before| rest.get(before)), rest.get(*at)) {
                (Some(before), Some(event)) => begins(of(before), of(event)),
                _ => false,
            };
        // What belongs together is a handful of events, so there is a place; a little more is no harm.
        let at = (1..=most).rev().find(may_cut).or_else(|| (most..rest.len()).find(may_cut));
        let Some(at) = at else { break };
        let later = rest.split_off(at);
        blocks.push(std::mem::replace(&mut rest, later));
    }
    blocks.push(rest);
    blocks
}

/// Whether a run may rest between these two. It may not between an attempt's start and its end where both came at once
/// (nobody would end it), nor before what the run itself makes of a step's end (a failed step whose run does not fail);
/// everywhere else the events before are what a smaller offer, or fewer reports, would have given.
fn begins(before: &Event, event: &Event) -> bool {
    match event.name {
        EventName::StepStarted
        | EventName::StepRedispatched
        | EventName::StepSkipped
        | EventName::StepReused => true,
        EventName::StepCompleted | EventName::StepFailed => {
            // A vote or a signal and what it ends; the last item and its step.
            let same = before.step_id == event.step_id
                || before.step_id.as_ref().map(StepId::step) == event.step_id.as_ref().map(StepId::as_str);
            let told = matches!(before.name, EventName::StepStarted | EventName::StepVoted)
                || before.step_id.as_ref().is_some_and(|id| !id.is_plain());
            before.name != EventName::SignalReceived && !(same && told)
        }
        EventName::RunQueued
        | EventName::RunStarted
        | EventName::RunPaused
        | EventName::RunResumed
        | EventName::RunFailing
        | EventName::RunCancelRequested
        | EventName::RunCompleted
        | EventName::RunFailed
        | EventName::RunCancelled
        | EventName::SignalReceived
        | EventName::StepRetryRequested
        | EventName::StepVoted => false,
    }
}

async fn commit(
    engine: &Engine,
    fold: &Fold,
    operation: &AppendRun,
    about: &[(usize, Subject)],
) -> Result<(), Refusal> {
    let (began, mut stop) = (Instant::now(), engine.stopping());
    let (mut pause, mut tries) = (FIRST_PAUSE, 1);
    loop {
        let refusal = match commit_once(engine, fold, operation, about).await {
            // The same block id again: if it is there already, that is the answer.
            Err(refusal @ Refusal::Unavailable(_)) => refusal,
            answer => return answer,
        };
        let is_tried_again = if engine.is_stopping() {
            tries < TRIES_AT_THE_END
        } else {
            began.elapsed() < engine.parts().patience
        };
        if !is_tried_again {
            return Err(refusal);
        }
        if engine.is_stopping() {
            sleep(pause).await;
        } else {
            tokio::select! {
                () = sleep(pause) => {}
                () = crate::engine::told_to_stop(&mut stop) => {}
            }
        }
        (pause, tries) = ((pause * 2).min(LONGEST_PAUSE), tries + 1);
    }
}

async fn commit_once(
    engine: &Engine,
    fold: &Fold,
    operation: &AppendRun,
    about: &[(usize, Subject)],
) -> Result<(), Refusal> {
    let mut transaction = engine.parts().store.begin(&fold.scope, Kind::Engine).map_err(Refusal::from)?;
    transaction.append_run(operation.clone());
    for (place, whom) in about {
        transaction.about(*place, whom.clone());
    }
    transaction.commit().await.map(drop)
}

impl Engine {
    /// Appends an act that changes no run.
    pub(crate) async fn append_act(
        &self,
        scope: &dvt_model::scope::TenantScope,
        entries: Vec<EntryDraft>,
    ) -> Result<(), Problem> {
        if entries.is_empty() {
            return Ok(());
        }
        let mut transaction = self.parts().store.begin(scope, Kind::Act)?;
        // What is entered here is a decision that was taken and of which nothing came, or came before.
        let block = BlockDraft::of(entries);
        transaction.append_act(AppendAct { block, reads: false, rights: Rights::Nobody });
        transaction.commit().await?;
        self.seal_soon(scope);
        Ok(())
    }
}

impl Engine {
    /// Enters decisions whose deed did not happen, or had happened before; none twice.
    // INVARIANT(INV-07): a decision has exactly one entry, also where nothing came of it.
    pub(crate) async fn enter_unless_known(
        &self,
        run: Option<RunId>,
        grants: &[(&Grant, &str)],
        refused: Option<Code>,
    ) -> Result<(), Problem> {
        let Some((first, _)) = grants.first() else { return Ok(()) };
        let scope = first.context.scope();
        let transaction = self.parts().store.begin(scope, Kind::Act)?;
        let place = Place { ledger: transaction.ledger(), scope: scope.ids(), now: self.now(), run };
        let mut entries = Vec::new();
        for (grant, operation) in grants {
            if !transaction.decision_recorded(grant.decision_id).await? {
                entries.push(match refused {
                    Some(code) => entry::of_vain_decision(place, grant, operation, code),
                    None => entry::of_decision(place, grant, operation),
                });
            }
        }
        self.append_act(scope, entries).await
    }

    /// The same for the result of an act: what was refused is entered before the refusal is told. A refusal after which
    /// the act may still be asked of the next engine, or for want of a proof, is no end of a decision.
    pub(crate) async fn enter_if_refused<T>(
        &self,
        result: Result<T, Problem>,
        run: Option<RunId>,
        grants: &[(&Grant, &str)],
    ) -> Result<T, Problem> {
        if let Err(problem) = &result
            && !matches!(problem.code, Code::LeaseLost | Code::AuthorizationRequired)
        {
            self.enter_unless_known(run, grants, Some(problem.code)).await?;
        }
        result
    }
}

/// The run's state after an event, by the table of contract 4.4.
pub(crate) fn after(status: RunStatus, event: EventName) -> RunStatus {
    match event {
        EventName::RunQueued => RunStatus::Pending,
        EventName::RunStarted | EventName::RunResumed => RunStatus::Running,
        EventName::RunPaused => RunStatus::Paused,
        EventName::RunCompleted => RunStatus::Completed,
        EventName::RunFailed => RunStatus::Failed,
        EventName::RunCancelled => RunStatus::Cancelled,
        EventName::RunFailing
        | EventName::RunCancelRequested
        | EventName::StepStarted
        | EventName::StepRedispatched
        | EventName::StepCompleted
        | EventName::StepFailed
        | EventName::StepSkipped
        | EventName::StepReused
        | EventName::StepRetryRequested
        | EventName::StepVoted
        | EventName::SignalReceived => status,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dvt_core::command::{Command, Input, Outcome, Report, Start};
    use dvt_core::event::Effect;
    use dvt_core::{State, decide, evolve};
    use dvt_model::digest::Digest;
    use dvt_model::failure::Usage;
    use dvt_model::id::{PlanId, StepId};
    use dvt_model::run::{PlanRef, Power, StepStatus};
    use dvt_model::time::Timestamp;
    use dvt_plan::diagnostic::Source;
    use dvt_plan::plan::Plan;
    use serde_json::json;
    use std::collections::BTreeMap;

    /// Noops, a program, an expression that fails, what it leaves out, and what always runs.
    const PLAN: &str = "
apiVersion: dvt/v1
name: mixed
steps:
  a1: { uses: dvt/noop@1 }
  a2: { uses: dvt/noop@1, needs: a1 }
  b1: { uses: dvt/noop@1, if: '1 > 2' }
  b2: { uses: dvt/noop@1, needs: b1 }
  c1: { run: ['true'] }
  c2: { uses: dvt/noop@1, needs: c1 }
  d1: { uses: dvt/noop@1, with: { output: '${{ 1 / 0 }}' }, needs: a2 }
  d2: { uses: dvt/noop@1, needs: d1 }
  e1: { run: ['true'], needs: d1, if: always() }
";

    fn ask(plan: &Plan, state: &State, command: Command) -> (Vec<Event>, Vec<Effect>) {
        let input = Input { now: Timestamp::from_ms(1_771_200_000_000), entropy: [9; 32], command };
        let decided = decide(plan, state, &input).unwrap();
        (decided.events, decided.effects)
    }

    fn fold(plan: &Plan, state: &mut State, events: &[Event]) {
        events.iter().for_each(|event| evolve(plan, state, event).unwrap());
    }

    /// Offers and reports until the run has ended; every event since.
    fn to_the_end(plan: &Plan, state: &mut State, first: Command) -> Vec<Vec<Event>> {
        let mut told = Vec::new();
        let mut next = vec![first];
        for _ in 0..100 {
            let Some(command) = next.pop() else {
                if state.status().is_some_and(RunStatus::is_terminal) {
                    return told;
                }
                next.push(Command::Offer { slots: 1 });
                continue;
            };
            let (events, effects) = ask(plan, state, command);
            fold(plan, state, &events);
            told.push(events);
            for effect in effects {
                let Effect::Dispatch(dispatch) = effect else { continue };
                next.push(Command::Report(Report {
                    step_id: dispatch.step_id,
                    logical_attempt_id: dispatch.logical_attempt_id,
                    engine_attempt_id: dispatch.engine_attempt_id,
                    outcome: Outcome::Completed(Value::Null),
                    usage: Usage::default(),
                }));
            }
        }
        panic!("it does not end: {told:?}");
    }

    /// INVARIANT(INV-29): wherever a crash falls between two blocks, the run goes on to its end, and what was settled before
    /// stays so. (Which steps still begin beside a failure may differ, as between two orders of reports.)
    #[test]
    fn a_run_may_rest_wherever_a_turn_is_cut() {
        let source = Source { name: "plan.yaml".to_owned(), text: PLAN.to_owned() };
        let plan = dvt_plan::check(&source).checked.unwrap().plan;
        let plan_ref = PlanRef {
            plan_id: PlanId::from_random([2; 16]),
            plan_version: "1.0.0".to_owned(),
            digest: Digest::of(b"plan"),
        };
        let power = Power { host_allowed: true, files_digest: None, secrets_profile: None };
        let start = Start {
            bounds: json!({}),
            ..Start::plain(RunId::from_random([1; 16]), "tenant".to_owned(), plan_ref, power)
        };
        let start = Command::Start(start);
        let turns = to_the_end(&plan, &mut State::default(), start);
        let settled = |state: &State| -> BTreeMap<StepId, StepStatus> {
            let ends = [StepStatus::Success, StepStatus::Failed, StepStatus::Skipped];
            let steps = plan.steps.keys().filter_map(|id| Some((id.clone(), state.step_status(id)?)));
            steps.filter(|(_, status)| ends.contains(status)).collect()
        };
        let mut whole = State::default();
        turns.iter().for_each(|events| fold(&plan, &mut whole, events));
        assert_eq!(whole.status(), Some(RunStatus::Failed));
        let mut cuts = 0;
        for (place, turn) in turns.iter().enumerate() {
            for at in 1..turn.len() {
                if !begins(&turn[at - 1], &turn[at]) {
                    continue;
                }
                cuts += 1;
                let mut state = State::default();
                turns[..place].iter().for_each(|events| fold(&plan, &mut state, events));
                fold(&plan, &mut state, &turn[..at]);
                let before = settled(&state);
                to_the_end(&plan, &mut state, Command::Recover);
                assert_eq!(state.status(), whole.status(), "cut before {:?}", turn[at]);
                let after = settled(&state);
                assert!(
                    before.iter().all(|(id, status)| after.get(id) == Some(status)),
                    "{before:?} {after:?}"
                );
            }
        }
        assert!(cuts >= 4, "{cuts}");
    }

    #[test]
    fn blocks_are_small_and_together_the_whole() {
        let event = |name, step: usize| Event {
            name,
            step_id: Some(StepId::parse(&format!("s{step}")).unwrap()),
            slot: dvt_model::attempt::LogicalAttemptId::FIRST,
            engine_attempt_id: dvt_model::attempt::EngineAttemptId::FIRST,
            at: Timestamp::from_ms(0),
            payload: Value::Null,
        };
        let names = [EventName::StepStarted, EventName::StepCompleted];
        let events: Vec<Event> =
            (0..50).flat_map(|step| names.into_iter().map(move |name| event(name, step))).collect();
        assert_eq!(cut(Vec::new(), 7, |event| event).len(), 1, "acts alone are a block too");
        let blocks = cut(events.clone(), 7, |event| event);
        assert_eq!(blocks.concat(), events);
        for block in blocks {
            assert!((1..=7).contains(&block.len()));
            assert_eq!(block[0].name, EventName::StepStarted, "what begins with an end is half of something");
        }
    }
}
