//! An act on a hot run: decision, record, signal and what follows from it are one block.
//!
//! What the plan itself asks of whoever acts (the role that a step names) is asked here, where the plan is; whether the state
//! allows the act is the core's to say. A refusal is entered before it is told.

use super::Act;
use super::advance::{Left, Task};
use super::kept::{Acts, told};
use crate::{Acted, Asked, Grant, Problem, act, chance, entry};
use dvt_core::command::{Command, Input, Signal, Vote};
use dvt_core::event::body::Verdict;
use dvt_core::{Decided, State};
use dvt_model::action::Role;
use dvt_model::code::Code;
use dvt_model::deed::Deed;
use dvt_model::id::StepId;
use dvt_model::run::EventName;
use dvt_model::time::Timestamp;
use dvt_plan::plan::{Form, Plan};
use dvt_store::Refusal;
use dvt_store::port::transaction::Kind;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tokio::sync::oneshot;

type Answer = oneshot::Sender<Result<Acted, Problem>>;

impl Task {
    /// Does it, or has it refused. A signal that was sent before adds no run event.
    pub(crate) async fn act_on(&mut self, act: Act) -> Result<(), Left> {
        let Act { grant, asked, came, answer } = act;
        if self.fold.status.is_terminal() {
            // The one who asked finds the run ended, and has the refusal entered.
            drop(answer.send(Err(Problem::new(Code::LeaseLost, "the run ended meanwhile"))));
            return Ok(());
        }
        let decided = match self.weigh(&grant, &asked).await {
            Ok(decided) => decided,
            Err(problem) => return self.refuse(&grant, &asked, problem, answer).await,
        };
        // A vote is about what its step needs; where that cannot be had any more nobody votes on it.
        let shown = match asked.deed.step().filter(|_| asked.deed.signal_type().is_none()) {
            Some(step) => match self.shown(step).await {
                Ok(shown) => Some(shown),
                Err(problem) => return self.refuse(&grant, &asked, problem, answer).await,
            },
            None => None,
        };
        let place = self.fold.place(&self.engine);
        let mut acts = Acts::from(vec![entry::of_decision(place, &grant, asked.deed.route())]);
        if let Some(record) = &asked.record {
            let entry = match &shown {
                Some(shown) => entry::of_vote(place, &grant, record, (&self.fold.metadata.plan, shown)),
                None => entry::of_record(place, &grant, record),
            };
            acts.entries.push(entry.map_err(Left::Broken)?);
        }
        let events = told(&self.fold.plan, &self.fold.state, &decided.events);
        if let Some(entry) = act::verdict(place, &grant, &asked, None) {
            let received = events.iter().find(|told| told.event.name == EventName::SignalReceived);
            acts.add_signal(entry, received.map(|told| &told.kept));
        }
        let signal = asked.deed.signal_type().map(|signal_type| {
            let payload = json!({ "signalType": signal_type, "payload": asked.deed.payload() });
            (asked.signal_id.clone(), payload)
        });
        let is_signal = signal.is_some();
        match self.fold.append(&self.engine, acts, events, signal).await {
            Ok(()) if is_signal => dvt_telemetry::signalled(came.elapsed()),
            Ok(()) => {}
            Err(Left::Refused(Refusal::Signalled { same })) => {
                let repeated = self.engine.enter_repeated(&self.fold, &grant, &asked, same).await;
                drop(answer.send(repeated.map(|duplicate| Acted { status: self.fold.status, duplicate })));
                return Ok(());
            }
            Err(left) => {
                // If we crash, or it comes back, whether it happened stands in the ledger: the same signal again is told.
                drop(answer.send(Err(left.as_problem().unwrap_or_else(Problem::engine_gone))));
                return Err(left);
            }
        }
        // A vote or a cancel that stands already: the core gives the first answer by adding nothing.
        let duplicate = decided.events.is_empty();
        self.fruitless = None;
        self.evolve(&decided.events)?;
        self.act(decided.effects).await;
        drop(answer.send(Ok(Acted { status: self.fold.status, duplicate })));
        self.tell();
        Ok(())
    }

    /// The HMAC, under the run's key, of what whoever votes on a step has before them: the run's inputs, and the outputs of the
    /// steps that it needs.
    async fn shown(&self, step: &StepId) -> Result<String, Problem> {
        let run = self.fold.metadata.run_id;
        let transaction = self.engine.parts().store.begin(&self.fold.scope, Kind::Act)?;
        let first = transaction.fetch_events(run, 0, 1).await?.into_iter().next();
        let inputs = first.and_then(|first| first.payload?.get("inputs").cloned()).unwrap_or(Value::Null);
        let needs = self
            .fold
            .plan
            .steps
            .get(step)
            .map(|step| step.needs.iter().cloned().collect())
            .unwrap_or_default();
        let outputs = self.fold.outputs_of(&self.engine, &needs).await?;
        let outputs: BTreeMap<&str, &Value> =
            outputs.iter().map(|(step, output)| (step.as_str(), output)).collect();
        let shown = json!({ "shown": { "inputs": inputs, "outputs": outputs } });
        Ok(dvt_model::digest::hex(&transaction.run_mac(run, &shown).await?))
    }

    async fn refuse(
        &self,
        grant: &Grant,
        asked: &Asked,
        problem: Problem,
        answer: Answer,
    ) -> Result<(), Left> {
        let entries = act::refusal(self.fold.place(&self.engine), grant, asked, problem.code);
        let result = self.engine.append_act(&self.fold.scope, entries).await;
        drop(answer.send(result.and(Err(problem))));
        Ok(())
    }

    /// What it leads to, with what the state has let go.
    async fn weigh(&self, grant: &Grant, asked: &Asked) -> Result<Decided, Problem> {
        let (plan, state) = (&self.fold.plan, &self.fold.state);
        let restored = match &asked.deed {
            Deed::RetryStep { step_id, .. } => {
                self.fold.outputs_of(&self.engine, &state.forgotten_by(plan, step_id)).await?
            }
            _ => BTreeMap::new(),
        };
        weigh((plan, state), grant, asked, restored, self.engine.now())
    }
}

/// What an act leads to in this state of a run, once the roles that the plan names are held. Nothing is changed: whoever does the act
/// appends the events, and whoever only wants to know what would happen asks the same. A RETRY_STEP brings the outputs that the
/// state has let go.
pub fn weigh(
    (plan, state): (&Plan, &State),
    grant: &Grant,
    asked: &Asked,
    restored: BTreeMap<StepId, Value>,
    now: Timestamp,
) -> Result<Decided, Problem> {
    let command = command(plan, grant, asked, restored)?;
    let input = Input { now, entropy: chance::entropy(), command };
    dvt_core::decide(plan, state, &input).map_err(Problem::from)
}

/// The core's command for a deed.
fn command(
    plan: &Plan,
    grant: &Grant,
    asked: &Asked,
    restored: BTreeMap<StepId, Value>,
) -> Result<Command, Problem> {
    let signal_id = asked.signal_id.clone();
    let signal = match &asked.deed {
        Deed::Pause {} => Signal::Pause { signal_id },
        Deed::Resume {} => Signal::Resume { signal_id },
        Deed::Cancel {} => Signal::Cancel { signal_id },
        Deed::SkipStep { step_id } => Signal::SkipStep { signal_id, step_id: step_id.clone() },
        Deed::RetryStep { step_id, force } => {
            Signal::RetryStep { signal_id, step_id: step_id.clone(), force: *force, restored }
        }
        Deed::Send { name, payload } => {
            for role in named_for(plan, name) {
                hold(grant, role)?;
            }
            Signal::Send { signal_id, name: name.clone(), payload: payload.clone() }
        }
        // It changes no run: it is asked for by another call, with another right beside this one.
        Deed::RetryRun { .. } => return Err(Problem::unproved("starting the plan anew")),
        Deed::EmergencyStop { force_kill } => Signal::EmergencyStop { signal_id, force_kill: *force_kill },
        Deed::Approve { step_id } => return vote(plan, grant, asked, step_id, Verdict::Approved),
        Deed::Reject { step_id } => return vote(plan, grant, asked, step_id, Verdict::Rejected),
    };
    Ok(Command::Signal(signal))
}

fn vote(
    plan: &Plan,
    grant: &Grant,
    asked: &Asked,
    step_id: &StepId,
    outcome: Verdict,
) -> Result<Command, Problem> {
    if let Some(Form::Approval(approval)) = plan.steps.get(step_id).map(|step| &step.form) {
        hold(grant, approval.role)?;
    }
    let record = asked.record.as_ref().ok_or_else(|| Problem::unproved("a vote"))?;
    Ok(Command::Vote(Vote {
        step_id: step_id.clone(),
        decision_id: record.decision_id(),
        principal_id: grant.context.principal().id,
        outcome,
    }))
}

/// The roles that steps waiting for this signal name.
fn named_for<'p>(plan: &'p Plan, name: &'p str) -> impl Iterator<Item = Role> + 'p {
    plan.steps.values().filter_map(move |step| match &step.form {
        Form::Signal(signal) if signal.name == name => signal.role,
        _ => None,
    })
}

fn hold(grant: &Grant, role: Role) -> Result<(), Problem> {
    if dvt_policy::holds(&grant.context.principal().roles, role) {
        return Ok(());
    }
    Err(Problem::new(Code::AuthzDenied, format!("the plan asks for the role `{role}` here")))
}
