//! The plans: those of `cargo xtask crash`, with work that these hands answer, and two more.

use super::text;
use crate::house::Ready;
use dvt_model::deed::{Deed, RetryFrom};
use dvt_model::digest::Digest;
use dvt_model::id::{PlanId, StepId};
use dvt_model::run::RunStatus;
use dvt_plan::diagnostic::Source;
use dvt_plan::plan::PlanReference;
use dvt_plan::sub_plan::{Found, SubPlans, Wanted};
use dvt_plan::{Checked, Outcome, Reach, Surroundings};
use serde_json::json;

/// What a person does as soon as it is accepted.
#[derive(Debug, Clone, Copy)]
pub(super) enum Act {
    Approve(&'static str),
    Send,
    RetryStep(&'static str),
    Cancel,
}

impl Act {
    pub(super) fn deed(self) -> Result<Deed, String> {
        Ok(match self {
            Self::Approve(step) => Deed::Approve { step_id: StepId::parse(step).map_err(text)? },
            Self::Send => Deed::Send { name: "delivered".to_owned(), payload: json!({ "parcels": 3 }) },
            Self::RetryStep(step) => {
                Deed::RetryStep { step_id: StepId::parse(step).map_err(text)?, force: false }
            }
            Self::Cancel => Deed::Cancel {},
        })
    }
}

/// What asks for the run in the place of one that failed.
pub(super) const RUN_AGAIN: Deed = Deed::RetryRun { from: RetryFrom::Failed, force: false };

/// One plan.
#[derive(Debug)]
pub struct Plan {
    /// Its name.
    pub name: &'static str,
    text: &'static str,
    pub(super) acts: &'static [Act],
    /// How its run ends, whatever is cut.
    pub(super) end: RunStatus,
    /// `step` or `step#attempt` of all work, in every run; with `?` where it may also not begin.
    pub(super) work: &'static [&'static str],
    /// Whether `below` is published first.
    pub(super) publishes: bool,
    /// Whether another run takes the place of the one that failed, and completes.
    pub(super) again: bool,
}

const PLAN: Plan = Plan {
    name: "",
    text: "",
    acts: &[],
    end: RunStatus::Completed,
    work: &[],
    publishes: false,
    again: false,
};

/// What `sub-plans` and `published` run.
const BELOW: &str = "
apiVersion: dvt/v1
name: below
version: 1.0.0
inputs: { rows: { type: integer } }
steps:
  first: { uses: dvt/noop@1, with: { output: '${{ inputs.rows * 2 }}' } }
  deep: { needs: first, run: [done] }
  settle: { needs: deep, wait: 10ms }
outputs: { rows: '${{ steps.first.output }}' }
";

/// What `group` runs.
const ALONE: &str = "
apiVersion: dvt/v1
name: alone
inputs: { which: { type: string } }
concurrency: { group: one, onBusy: queue }
steps:
  alone-a: { if: inputs.which == 'a', run: [done] }
  alone-b: { if: inputs.which == 'b', run: [done] }
";

/// What `cancel-below` runs.
const ENDLESS: &str = "
apiVersion: dvt/v1
name: below-endless
steps:
  endless: { run: [hangs] }
";

/// All of them.
pub const PLANS: &[Plan] = &[
    Plan {
        name: "join",
        text: "
  fetch: { run: [large] }
  clean: { run: [large] }
  pause: { needs: fetch, wait: 15ms }
  join: { needs: [fetch, clean, pause], run: [done, '\"joined\"'], env: { ROWS: '${{ steps.fetch.output.rows + steps.clean.output.rows }}' } }
  score: { needs: join, run: [done] }
  train: { needs: join, run: [done] }
  report: { needs: [score, train], run: [done], env: { JOINED: '${{ steps.join.output }}' } }
  done: { needs: report, uses: dvt/noop@1 }
",
        work: &["fetch", "clean", "join", "score", "train", "report"],
        ..PLAN
    },
    Plan {
        name: "items",
        text: "
  each: { foreach: '[1, 2, 3, 4, 5]', maxParallel: 2, run: [done, '7'] }
  sum: { needs: each, if: 'steps.each.output[0] + steps.each.output[4] == 14', run: [done] }
",
        work: &["each.0", "each.1", "each.2", "each.3", "each.4", "sum"],
        ..PLAN
    },
    Plan {
        name: "product",
        text: "
  each:
    foreach: { region: '[\"eu\", \"us\"]', kind: '[\"a\", \"b\"]' }
    continueOnError: true
    run: [fails-as, us-b]
    env: { NAME: '${{ item.region }}-${{ item.kind }}' }
  after: { needs: each, run: [done] }
",
        work: &["each.0", "each.1", "each.2", "each.3", "after"],
        ..PLAN
    },
    Plan {
        name: "approval",
        text: "
  before: { run: [done] }
  release: { needs: before, approval: { role: operator } }
  after: { needs: release, run: [done] }
",
        acts: &[Act::Approve("release")],
        work: &["before", "after"],
        ..PLAN
    },
    Plan {
        name: "early-signal",
        text: "
  before: { wait: 30ms }
  delivered: { needs: before, signal: delivered }
  after: { needs: delivered, run: [fails-as, '4'], env: { NAME: '${{ steps.delivered.output.parcels }}' } }
",
        acts: &[Act::Send],
        work: &["after"],
        ..PLAN
    },
    Plan {
        name: "late-signal",
        text: "
  delivered: { signal: delivered }
  beside: { run: [done] }
  after: { needs: [delivered, beside], run: [done] }
",
        acts: &[Act::Send],
        work: &["beside", "after"],
        ..PLAN
    },
    Plan {
        name: "retries",
        text: "
  shaky: { retry: { max: 3, initial: 10ms, on: [transient] }, run: [from, '3', '75'] }
  after: { needs: shaky, run: [done] }
",
        work: &["shaky", "shaky#2", "shaky#3", "after"],
        ..PLAN
    },
    Plan {
        name: "compensation",
        text: "
  debit: { run: [done], compensate: { run: [done] } }
  credit: { needs: debit, run: [done], compensate: { run: [done] } }
  ship: { needs: credit, run: [fails] }
finally:
  notify: { run: [done] }
",
        end: RunStatus::Failed,
        work: &["debit", "credit", "ship", "credit.compensate", "debit.compensate", "notify"],
        ..PLAN
    },
    Plan {
        name: "conditions",
        text: "
  probe: { continueOnError: true, run: [fails] }
  repair: { needs: probe, if: steps.probe.status == \"FAILED\", run: [done] }
  celebrate: { needs: probe, if: steps.probe.status == \"SUCCESS\", uses: dvt/noop@1 }
  report: { needs: [repair, celebrate], if: always(), run: [done] }
",
        work: &["probe", "repair", "report"],
        ..PLAN
    },
    Plan {
        name: "waits",
        text: "
  first: { wait: 15ms }
  second: { wait: 30ms }
  third: { needs: first, wait: 15ms }
  past: { waitUntil: '2001-01-01T00:00:00Z' }
  after: { needs: [second, third, past], run: [done] }
",
        work: &["after"],
        ..PLAN
    },
    Plan {
        name: "sub-plans",
        text: "
  before: { run: [done] }
  down: { needs: before, plan: ./below.yaml, with: { rows: 3 } }
  after: { needs: down, if: steps.down.output.rows == 6, run: [done] }
",
        work: &["before", "deep", "after"],
        ..PLAN
    },
    Plan {
        name: "published",
        text: "
  down: { plan: below@1.0.0, with: { rows: 3 } }
  after: { needs: down, if: steps.down.output.rows == 6, run: [done] }
",
        work: &["deep", "after"],
        publishes: true,
        ..PLAN
    },
    Plan {
        name: "group",
        text: "
  a: { plan: ./alone.yaml, with: { which: a } }
  b: { plan: ./alone.yaml, with: { which: b } }
  after: { needs: [a, b], run: [done] }
",
        work: &["alone-a", "alone-b", "after"],
        ..PLAN
    },
    Plan {
        name: "hold",
        text: "
  load: { run: [from, '2', '1'] }
  after: { needs: load, run: [done] }
onStepFailure: hold
",
        acts: &[Act::RetryStep("load")],
        work: &["load", "load#2", "after"],
        ..PLAN
    },
    Plan {
        name: "cancel",
        text: "
  before: { run: [done] }
  release: { needs: before, approval: { role: operator } }
  endless: { needs: release, run: [hangs] }
finally:
  notify: { run: [done] }
",
        acts: &[Act::Approve("release"), Act::Cancel],
        end: RunStatus::Cancelled,
        work: &["before", "endless?", "notify"],
        ..PLAN
    },
    Plan {
        name: "cancel-below",
        text: "
  release: { approval: { role: operator } }
  down: { needs: release, plan: ./endless.yaml }
",
        acts: &[Act::Approve("release"), Act::Cancel],
        end: RunStatus::Cancelled,
        work: &["endless?"],
        ..PLAN
    },
    Plan {
        name: "run-again",
        text: "
  fetch: { run: [large] }
  load: { needs: fetch, run: [second-run] }
  after: { needs: load, run: [done] }
",
        end: RunStatus::Failed,
        work: &["fetch", "load", "load", "after"],
        again: true,
        ..PLAN
    },
];

impl Plan {
    /// By its name.
    pub fn named(name: &str) -> Option<&'static Self> {
        PLANS.iter().find(|plan| plan.name == name)
    }

    /// Checked, as a start brings it.
    pub(super) fn ready(&self) -> Result<Ready, String> {
        let head = format!("apiVersion: dvt/v1\nname: {}\nsteps:", self.name);
        ready(&Source { name: "plan.yaml".to_owned(), text: head + self.text })
    }
}

/// What is published, checked.
pub(super) fn below() -> Result<Ready, String> {
    ready(&Source { name: "below.yaml".to_owned(), text: BELOW.to_owned() })
}

fn ready(source: &Source) -> Result<Ready, String> {
    Ready::of(check(source), PlanId::from_random(crate::drafts::random()))
}

fn check(source: &Source) -> Outcome {
    dvt_plan::check_with(source, &Surroundings { sub_plans: &Beside, reach: Reach::Runs })
}

/// The plans that others name.
struct Beside;

impl SubPlans for Beside {
    fn find(&self, wanted: &Wanted<'_>) -> Result<Found, String> {
        let source = |name: &str, text: &str| Source { name: name.to_owned(), text: text.to_owned() };
        match wanted.reference {
            PlanReference::Path(path) if path.ends_with("below.yaml") => {
                Ok(Found::Written(source("below.yaml", BELOW)))
            }
            PlanReference::Path(path) if path.ends_with("alone.yaml") => {
                Ok(Found::Written(source("alone.yaml", ALONE)))
            }
            PlanReference::Path(path) if path.ends_with("endless.yaml") => {
                Ok(Found::Written(source("endless.yaml", ENDLESS)))
            }
            PlanReference::Published { .. } => {
                let checked = check(&source("below.yaml", BELOW)).checked;
                checked
                    .map(|checked| Found::Stored(checked.canonical.into_value()))
                    .ok_or("it is no plan".to_owned())
            }
            PlanReference::Path(_) => Err("there is no such file".to_owned()),
        }
    }

    fn pack(&self, _: &Source, _: &Checked) -> Result<Option<Digest>, String> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_of_them_is_a_plan() {
        for plan in PLANS {
            plan.ready().unwrap_or_else(|error| panic!("{}: {error}", plan.name));
        }
        below().unwrap();
    }
}
