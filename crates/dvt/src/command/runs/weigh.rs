//! What any act but a cancel or a stop would lead to: weighed as the engine weighs it, on the same state, and not done.
//!
//! It writes nothing, and promises nothing: the run goes on meanwhile. The surprising rule: what starts then is decided as well, by an
//! offer of more slots than anybody has.

use super::fold;
use super::foresee::Case;
use super::taker;
use crate::compose::Composition;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::running::typed::{self, Act};
use crate::view::end::brief;
use crate::view::safe::safe;
use crate::view::screen::Screen;
use crate::view::width::indented;
use dvt_core::command::{Command, Input};
use dvt_core::event::Event;
use dvt_core::{Decided, State};
use dvt_engine::Grant;
use dvt_model::code::Code;
use dvt_model::deed::{Deed, RetryFrom};
use dvt_model::id::{RunId, SignalId, StepId};
use dvt_model::proof::{Authorized, Permits};
use dvt_model::resource::Run;
use dvt_model::run::{EventName, RunStatus, StepStatus};
use dvt_store::port::operation::StoredEvent;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What would come of it.
#[derive(Debug)]
pub(super) struct Weighed {
    run: RunId,
    deed: Deed,
    /// Steps that the act itself ends, and how.
    succeeds: Vec<String>,
    fails: Vec<String>,
    leaves_out: Vec<String>,
    /// Steps that no engine works on, and that are given out again.
    starts_again: Vec<String>,
    starts: Vec<String>,
    /// What the new run in its place takes over.
    takes_over: Vec<String>,
    /// What runs or waits now and after that.
    goes_on: Vec<String>,
    /// How the run is when all that has begun.
    status: RunStatus,
    /// Whether the act alone ends the run.
    pub(super) ends: bool,
    /// What else is to be known.
    notes: Vec<String>,
}

/// Weighs an act. `A` is the action that the deed takes: a proof of it changes nothing by itself.
pub(super) async fn act<A: Permits>(
    act: &Act<'_>,
    case: &Case,
    composition: &Composition,
    screen: &Screen,
) -> Result<Weighed, Problem> {
    let proof: Authorized<Run, A> =
        composition.access.deed(&composition.context, case.run, &act.deed, act.route).await?;
    let asked = typed::asked(act, &proof, composition, screen)?;
    let mut ahead = Ahead::of(case)?;
    let restored = match &act.deed {
        Deed::RetryStep { step_id, .. } => {
            outputs(&ahead.state.forgotten_by(&case.plan, step_id), &case.events)
        }
        _ => BTreeMap::new(),
    };
    let grant = Grant::of(&proof);
    let now = crate::clock::now();
    let mut decided = dvt_engine::weigh((&case.plan, &ahead.state), &grant, &asked, restored, now)?;
    match sent_before(&asked.signal_id, &decided.events, &case.events) {
        None => {}
        Some(true) => decided = Decided::default(),
        Some(false) => {
            let message = format!("the signal id `{}` was used for something else", asked.signal_id);
            return Err(Problem::new(Code::SignalDuplicate, message));
        }
    }
    let mut notes = Vec::new();
    if decided.events.is_empty() {
        notes.push("nothing changes: it was asked for before".to_owned());
    }
    if matches!(act.deed, Deed::Pause {}) {
        notes.push("nothing new starts until it is resumed".to_owned());
    }
    if let [only] = decided.events.as_slice() {
        match only.name {
            EventName::SignalReceived => notes.push(
                match &act.deed {
                    Deed::Send { name, .. } => taker::missing(&case.plan, &case.picture, name),
                    _ => None,
                }
                .unwrap_or_else(|| "kept until a step waits for it".to_owned()),
            ),
            EventName::StepVoted => notes.push("the step waits for more votes".to_owned()),
            _ => {}
        }
    }
    let first = ahead.apply(&decided)?;
    let ends = ahead.has_ended();
    let later = if dvt_engine::engine_is_live(&composition.store) {
        ahead.offer()?
    } else if matches!(act.deed, Deed::Resume {}) {
        ahead.taken_up()?
    } else {
        if !ends {
            notes.push("no engine works on it: it rests until it is resumed".to_owned());
        }
        Vec::new()
    };
    Ok(ahead.weighed(&act.deed, (first, later), (ends, notes)))
}

/// Weighs going on with a run that is not paused.
pub(super) fn taken_up(case: &Case, composition: &Composition) -> Result<Weighed, Problem> {
    let mut ahead = Ahead::of(case)?;
    let later = ahead.taken_up()?;
    // Which runs an engine holds is known to it alone.
    let is_live = dvt_engine::engine_is_live(&composition.store);
    let note = "an engine is there: it refuses this if it works on the run already";
    let notes = is_live.then(|| note.to_owned());
    Ok(ahead.weighed(&Deed::Resume {}, (Vec::new(), later), (false, notes.into_iter().collect())))
}

/// Weighs a new run in the place of this one.
pub(super) fn again(case: &Case, from: RetryFrom, force: bool) -> Result<Weighed, Problem> {
    dvt_engine::may_retry(case.row.status, force)?;
    let ahead = Ahead::of(case)?;
    let reusable = match from {
        RetryFrom::Failed => ahead.state.reusable(&case.plan, &case.plan),
        RetryFrom::Start => BTreeSet::new(),
    };
    let notes = vec!["all else runs again, in a new run; this one stays as it is".to_owned()];
    let deed = Deed::RetryRun { from, force };
    let takes_over = reusable.iter().map(ToString::to_string).collect();
    Ok(Weighed { takes_over, ..ahead.weighed(&deed, (Vec::new(), Vec::new()), (false, notes)) })
}

/// A state that goes on ahead of the run.
struct Ahead<'c> {
    case: &'c Case,
    state: State,
}

impl<'c> Ahead<'c> {
    fn of(case: &'c Case) -> Result<Self, Problem> {
        if case.events.iter().any(|event| event.payload.is_none()) {
            return Err(Problem::new(Code::PayloadErased, "what the run's payloads said is erased"));
        }
        match fold::state(&case.plan, &case.events) {
            (state, true) => Ok(Self { case, state }),
            (_, false) => Err(broken("the run's events do not follow from each other")),
        }
    }

    fn has_ended(&self) -> bool {
        self.state.status().is_some_and(RunStatus::is_terminal)
    }

    /// Lets the events happen here.
    fn apply(&mut self, decided: &Decided) -> Result<Vec<Event>, Problem> {
        for event in &decided.events {
            dvt_core::evolve(&self.case.plan, &mut self.state, event)
                .map_err(|error| broken(&error.to_string()))?;
        }
        Ok(decided.events.clone())
    }

    fn decide(&mut self, command: Command) -> Result<Vec<Event>, Problem> {
        if self.has_ended() {
            return Ok(Vec::new());
        }
        let input = Input { now: crate::clock::now(), entropy: dvt_keys::entropy::random(), command };
        let decided = dvt_core::decide(&self.case.plan, &self.state, &input)
            .map_err(|refusal| Problem::new(refusal.code, refusal.message))?;
        self.apply(&decided)
    }

    /// Whatever may start.
    fn offer(&mut self) -> Result<Vec<Event>, Problem> {
        self.decide(Command::Offer { slots: u32::MAX })
    }

    /// An engine takes the run up.
    fn taken_up(&mut self) -> Result<Vec<Event>, Problem> {
        let again = self.decide(Command::Recover)?;
        Ok([again, self.offer()?].concat())
    }

    fn weighed(
        self,
        deed: &Deed,
        (first, later): (Vec<Event>, Vec<Event>),
        (ends, notes): (bool, Vec<String>),
    ) -> Weighed {
        let picture = &self.case.picture;
        let of = |events: &[Event], name: EventName| -> Vec<String> {
            let found = events.iter().filter(|event| event.name == name);
            found.filter_map(|event| Some(picture.shown(event.step_id.as_ref()?.as_str()))).collect()
        };
        let starts_again = of(&later, EventName::StepRedispatched);
        let runs = |id: &str| {
            let id = StepId::parse_stored(id).ok();
            id.is_some_and(|id| self.state.step_status(&id) == Some(StepStatus::Running))
        };
        let all = picture.in_order().chain(picture.derived());
        let running =
            all.filter(|(id, look)| look.status == StepStatus::Running && look.items.is_none() && runs(id));
        let goes_on = running.map(|(id, _)| picture.shown(id)).filter(|id| !starts_again.contains(id));
        Weighed {
            run: self.case.run,
            deed: deed.clone(),
            succeeds: of(&first, EventName::StepCompleted),
            fails: of(&first, EventName::StepFailed),
            leaves_out: of(&first, EventName::StepSkipped),
            goes_on: goes_on.collect(),
            starts_again,
            takes_over: Vec::new(),
            starts: of(&later, EventName::StepStarted),
            status: self.state.status().unwrap_or(self.case.row.status),
            ends,
            notes,
        }
    }
}

/// Where the signal's id was used in this run before: whether it was for the same.
fn sent_before(id: &SignalId, decided: &[Event], events: &[StoredEvent]) -> Option<bool> {
    let is_of = |payload: &&Value| payload.get("signalId").and_then(Value::as_str) == Some(id.as_str());
    // What was brought back from the ledger for it is no part of what was asked.
    let asked = |payload: &Value| {
        let mut members = payload.as_object().cloned().unwrap_or_default();
        members.remove("restored");
        members
    };
    let earlier = events.iter().find(|event| event.payload.as_ref().filter(is_of).is_some())?;
    let same = decided.iter().find(|event| is_of(&&event.payload)).is_some_and(|event| {
        earlier.envelope.event_name.as_deref() == Some(event.name.as_str())
            && earlier.envelope.step_id.as_deref() == event.step_id.as_ref().map(StepId::as_str)
            && earlier.payload.as_ref().map(asked) == Some(asked(&event.payload))
    });
    Some(same)
}

/// The outputs of steps, out of the events.
fn outputs(steps: &BTreeSet<StepId>, events: &[StoredEvent]) -> BTreeMap<StepId, Value> {
    let found = events.iter().filter_map(|event| {
        let name = event.envelope.event_name.as_deref().and_then(EventName::parse)?;
        let step = StepId::parse_stored(event.envelope.step_id.as_deref()?).ok()?;
        let is_end = matches!(name, EventName::StepCompleted | EventName::StepReused);
        let result = event.payload.as_ref()?.get("result")?;
        (is_end && steps.contains(&step)).then(|| (step, result.clone()))
    });
    found.collect()
}

fn broken(why: &str) -> Problem {
    Problem::new(Code::LedgerIntegrityFailed, why)
}

impl Weighed {
    fn title(&self) -> String {
        let name = brief(self.run);
        let step = self.deed.step().map(ToString::to_string).unwrap_or_default();
        match &self.deed {
            Deed::Pause {} => format!("{name} would be paused"),
            Deed::Resume {} => format!("{name} would go on"),
            Deed::Cancel {} => format!("{name} would be cancelled"),
            Deed::EmergencyStop { .. } => format!("{name} would be stopped at once"),
            Deed::RetryRun { .. } => format!("{name} would be run again"),
            Deed::RetryStep { .. } => format!("{step} of {name} would be tried again"),
            Deed::SkipStep { .. } => format!("{step} of {name} would be left out"),
            Deed::Send { name: signal, .. } => format!("{} would be sent to {name}", safe(signal)),
            Deed::Approve { .. } => format!("{step} of {name} would be approved"),
            Deed::Reject { .. } => format!("{step} of {name} would be rejected"),
        }
    }

    fn lines(&self) -> Vec<String> {
        let told = [
            ("succeeds", &self.succeeds),
            ("fails", &self.fails),
            ("left out", &self.leaves_out),
            ("given out again", &self.starts_again),
            ("starts then", &self.starts),
            ("goes on", &self.goes_on),
            ("taken over", &self.takes_over),
        ];
        let told = told.iter().filter(|(_, names)| !names.is_empty());
        let told = told.map(|(what, names)| format!("{what}: {}", names.join(", ")));
        let notes = self.notes.iter().cloned();
        let changes = !matches!(self.deed, Deed::RetryRun { .. });
        let status = changes.then(|| format!("the run is {} then", self.status));
        told.chain(notes).chain(status).collect()
    }

    /// As the result of `--dry-run`.
    pub(super) fn show(&self, screen: &mut Screen) -> Exit {
        if !screen.for_people() {
            screen.json(&json!({
                "runId": self.run, "dryRun": true, "requested": typed::requested(&self.deed), "stepId": self.deed.step(),
                "succeeds": self.succeeds, "fails": self.fails, "leavesOut": self.leaves_out,
                "startsAgain": self.starts_again, "starts": self.starts, "goesOn": self.goes_on,
                "takesOver": self.takes_over,
                "status": self.status, "notes": self.notes,
            }));
            return Exit::Completed;
        }
        screen.line(&self.title());
        let width = screen.width();
        for line in self.lines() {
            screen.line(&indented(&format!("  {line}"), width));
        }
        Exit::Completed
    }
}
