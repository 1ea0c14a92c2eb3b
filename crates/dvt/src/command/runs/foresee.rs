//! What a cancel or a stop would change, before anybody is asked why: what runs is ended, what was done is undone, what runs at the end.
//!
//! It reads and changes nothing, and promises nothing: the run goes on meanwhile.

use crate::compose::Composition;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::running::locate;
use crate::running::read::{picture, plan, row};
use crate::view::end::brief;
use crate::view::picture::Picture;
use crate::view::screen::Screen;
use crate::view::width::indented;
use dvt_model::code::Code;
use dvt_model::deed::Deed;
use dvt_model::id::RunId;
use dvt_model::proof::{Authorized, RunReadStatus};
use dvt_model::resource::Run;
use dvt_model::run::{EventName, RunStatus, StepStatus};
use dvt_plan::plan::Plan;
use dvt_store::port::operation::{RunRow, StoredEvent};
use serde_json::json;
use std::collections::BTreeMap;

/// What would change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Foresight {
    run: RunId,
    /// Programs that run now.
    ends: Vec<String>,
    /// What waits now: approvals, signals, timers, sub-plans.
    closes: Vec<String>,
    /// Steps that are undone, in that order.
    undoes: Vec<String>,
    /// Steps that start only if their condition holds then.
    may_start: Vec<String>,
    /// Steps of `finally`.
    then: Vec<String>,
    is_stop: bool,
    is_forced: bool,
}

/// A run as somebody sees it who asks what an act would do to it.
pub(super) struct Case {
    pub(super) run: RunId,
    pub(super) row: RunRow,
    pub(super) plan: Plan,
    pub(super) picture: Picture,
    pub(super) events: Vec<StoredEvent>,
}

impl Case {
    /// Looks, with the right to see the run's status; refuses what the caller may not do to it, and enters no decision about that.
    pub(super) async fn look(
        text: &str,
        deed: &Deed,
        composition: &Composition,
        route: &str,
    ) -> Result<Self, Problem> {
        let Composition { access, context, .. } = composition;
        let run = locate::run(text, composition, route).await?;
        let read: Authorized<Run, RunReadStatus> = access.run(context, run, route).await?;
        access.may_do(context, deed)?;
        let row = row(composition, &read).await?;
        // Of one that has ended there is nothing to see, but for whoever runs it again.
        if row.status.is_terminal() && !matches!(deed, Deed::RetryRun { .. }) {
            return Err(Problem::new(Code::RunTerminal, "the run has ended"));
        }
        let plan = plan(composition, &read, &row).await?;
        let (picture, events) = picture(composition, &read, &plan).await?;
        Ok(Self { run, row, plan, picture, events })
    }
}

/// Looks; refuses what the act itself would be refused for.
pub(super) async fn look(
    text: &str,
    deed: &Deed,
    composition: &Composition,
    route: &str,
) -> Result<Foresight, Problem> {
    let Case { run, plan, picture, events, .. } = Case::look(text, deed, composition, route).await?;
    // Later ends of a step take the place of earlier ones.
    let ended = events.iter().filter_map(|event| {
        let part = event.envelope.run.as_ref()?;
        let name = event.envelope.event_name.as_deref().and_then(EventName::parse)?;
        let is_end = matches!(name, EventName::StepCompleted | EventName::StepReused);
        is_end.then(|| Some((event.envelope.step_id.clone()?, part.run_seq)))?
    });
    Ok(foresee(run, &plan, (&picture, &ended.collect()), deed))
}

fn foresee(
    run: RunId,
    plan: &Plan,
    (picture, ended): (&Picture, &BTreeMap<String, u64>),
    deed: &Deed,
) -> Foresight {
    let is_stop = matches!(deed, Deed::EmergencyStop { .. });
    let is_forced = matches!(deed, Deed::EmergencyStop { force_kill: true });
    // A run that has not started ends without a way out.
    let has_way_out = !is_stop && picture.status != RunStatus::Pending;
    let of = |wanted: &dyn Fn(&str, StepStatus) -> bool| -> Vec<String> {
        let all = picture.in_order().filter(|(id, look)| has_way_out && wanted(id, look.status));
        all.map(|(id, _)| id.clone()).collect()
    };
    let defined = |id: &str| plan.steps.iter().find(|(known, _)| known.as_str() == id).map(|(_, step)| step);
    let is_undone = |id: &str, status: StepStatus| {
        status == StepStatus::Success && defined(id).is_some_and(|step| step.compensate.is_some())
    };
    let is_finally = |id: &str| plan.finally.iter().any(|step| step.as_str() == id);
    let mut undoes = of(&is_undone);
    undoes.sort_by_key(|id| std::cmp::Reverse(ended.get(id)));
    let running = |programs: bool| -> Vec<String> {
        let all = picture.in_order().chain(picture.derived());
        let found = all.filter(|(_, look)| look.status == StepStatus::Running && look.items.is_none());
        found.filter(|(_, look)| look.is_program == programs).map(|(id, _)| picture.shown(id)).collect()
    };
    Foresight {
        run,
        ends: running(true),
        closes: running(false),
        undoes,
        may_start: of(&|id, status| {
            let has_condition = defined(id).is_some_and(|step| step.condition.is_some());
            status == StepStatus::Pending && has_condition && !is_finally(id)
        }),
        then: of(&|id, status| status == StepStatus::Pending && is_finally(id)),
        is_stop,
        is_forced,
    }
}

impl Foresight {
    fn lines(&self) -> Vec<String> {
        let list = |names: &[String]| names.join(", ");
        let how = match (self.is_stop, self.is_forced) {
            (true, true) => "killed",
            (true, false) | (false, _) => "told to end, and killed 5 s later",
        };
        let mut lines = Vec::new();
        if self.ends.is_empty() && self.closes.is_empty() {
            lines.push("nothing of it runs".to_owned());
        }
        let mut tell = |what: &str, names: &[String]| {
            if !names.is_empty() {
                lines.push(format!("{what}: {}", list(names)));
            }
        };
        tell(how, &self.ends);
        tell("closed", &self.closes);
        tell("run if their condition holds then", &self.may_start);
        tell("undone, in this order", &self.undoes);
        tell("run at the end", &self.then);
        lines.push(if self.is_stop {
            "nothing is undone, and no `finally` runs".to_owned()
        } else {
            "nothing else starts".to_owned()
        });
        lines
    }

    /// Before the question.
    pub(super) fn tell(&self, screen: &Screen) {
        for line in self.lines() {
            screen.say(&indented(&format!("  {line}"), screen.side_width()));
        }
    }

    /// As the result of `--dry-run`.
    pub(super) fn show(&self, screen: &mut Screen) -> Exit {
        if !screen.for_people() {
            screen.json(&json!({
                "runId": self.run, "dryRun": true, "ends": self.ends, "closes": self.closes, "mayStart": self.may_start,
                "undoes": self.undoes, "then": self.then,
            }));
            return Exit::Completed;
        }
        let what = if self.is_stop { "stopped at once" } else { "cancelled" };
        screen.line(&format!("{} would be {what}", brief(self.run)));
        let width = screen.width();
        for line in self.lines() {
            screen.line(&indented(&format!("  {line}"), width));
        }
        Exit::Completed
    }
}
