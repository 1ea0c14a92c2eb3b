//! Random plans: small ones with everything that the language has, some of them cruel.
//!
//! Each step is drawn from the history's seed and its own number, so a plan without one of its steps is otherwise the
//! same plan: that is what makes a finding shrink.

mod step;

pub use step::payload;

use super::random::Random;
use dvt_model::id::{InvalidId, PlanName, StepId};
use dvt_plan::expression::{self, Expression};
use dvt_plan::plan::{Concurrency, Form, OnBusy, OnStepFailure, Part, Plan, Step};
use dvt_plan::template::{Piece, Template, TemplateValue};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Numbers of steps in a random plan, `finally` among them.
pub const MOST_STEPS: u64 = 13;
/// Ids whose byte order is not the order in which they are made.
const IDS: [&str; 12] = ["m", "B", "z", "a-1", "K_2", "c", "a", "Y", "q9", "b", "x-y", "D"];

/// A plan that could not be made: a bug of this file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A malformed id.
    #[error(transparent)]
    Id(#[from] InvalidId),
    /// A malformed expression.
    #[error("`{0}`: {1}")]
    Expression(String, expression::SyntaxError),
}

/// How a history's plan is drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    /// Expressions that fail, lists that are none.
    harsh: bool,
    /// Mostly plain steps; the other features come one at a time.
    plain: bool,
    /// Nested plans are plain and have no further ones.
    nested: bool,
}

/// Inputs that every random plan can count on.
pub fn inputs() -> BTreeMap<String, Value> {
    let inputs = [
        ("yes", json!(true)),
        ("no", json!(false)),
        ("n", json!(7)),
        ("list", json!([1, "two", 3.5])),
        ("empty", json!([])),
        ("when", json!("2026-02-16T00:00:40.000Z")),
    ];
    inputs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The plan with the defaults that a document's reader fills in: what its bounds are computed of.
pub fn filled(plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    for step in plan.steps.values_mut() {
        fill(step);
        if let Some(undo) = &mut step.compensate {
            fill(undo);
        }
        if let Form::Plan(sub_plan) = &mut step.form {
            sub_plan.child = sub_plan.child.take().map(|child| Arc::new(filled(&child)));
        }
    }
    plan
}

fn fill(step: &mut Step) {
    let default_ms = match step.form {
        Form::Run { .. } | Form::Script { .. } | Form::Noop { .. } | Form::Uses(_) => 600_000,
        Form::Approval(_) | Form::Signal(_) => 7 * 86_400_000,
        Form::Wait { .. } | Form::WaitUntil { .. } | Form::Plan(_) => return,
    };
    step.timeout_ms = step.timeout_ms.or(Some(default_ms));
}

/// The plan of a seed, without the steps of these numbers.
pub fn of_seed(seed: u64, without: &BTreeSet<u64>) -> Result<Plan, Error> {
    let mut random = Random::stream(seed, "plan", 0);
    let manner = Manner { harsh: random.chance(25), plain: random.chance(35), nested: false };
    let count = 1 + random.below(if manner.plain { 9 } else { 7 });
    let mut plan = of_steps(seed, count, manner, without)?;
    plan.max_parallel = *random.pick(&[1, 2, 3, 64, 64]).unwrap_or(&64);
    // Short ones end runs in the middle; the long one of the default never does.
    plan.max_duration_ms = if random.chance(70) { 24 * 3_600_000 } else { 2_000 + random.below(100_000) };
    if random.chance(35) {
        plan.on_step_failure = OnStepFailure::Hold;
    }
    if random.chance(8) {
        let on_busy =
            *random.pick(&[OnBusy::Queue, OnBusy::Reject, OnBusy::CancelPrevious]).unwrap_or(&OnBusy::Queue);
        plan.concurrency = Some(Concurrency { group: text("nightly"), on_busy });
    }
    Ok(plan)
}

/// Ordinary steps first, then those of `finally`; needs point backwards, so there is no cycle.
fn of_steps(seed: u64, count: u64, manner: Manner, without: &BTreeSet<u64>) -> Result<Plan, Error> {
    let mut random = Random::stream(seed, "shape", 0);
    let finals = if !manner.nested && random.chance(40) { 1 + random.below(3) } else { 0 };
    let rotation = random.below(12);
    let mut steps: Vec<Step> = Vec::new();
    for number in 0..count + finals {
        if without.contains(&number) {
            continue;
        }
        let (mut own, mut apart) =
            (Random::stream(seed, "step", number), Random::stream(seed, "needs", number));
        let part = if number < count { Part::Ordinary } else { Part::Finally };
        let at = usize::try_from(number + rotation).unwrap_or(0) % IDS.len();
        let id = StepId::parse(IDS.get(at).copied().unwrap_or("m"))?;
        let same: Vec<&Step> = steps.iter().filter(|step| step.part == part).collect();
        let mut needs = BTreeSet::new();
        for _ in 0..apart.below(3) {
            if let Some(need) = apart.pick(&same) {
                needs.insert(need.id.clone());
            }
        }
        let ordinary: Vec<StepId> =
            steps.iter().filter(|step| step.part == Part::Ordinary).map(|step| step.id.clone()).collect();
        let sees = if part == Part::Ordinary { needs.iter().cloned().collect() } else { ordinary };
        let step = step::draw(&mut own, seed, number, id, part, needs, &sees, manner)?;
        steps.push(step);
    }
    // A plan has a step; what shrinking leaves over is the smallest one.
    if !steps.iter().any(|step| step.part == Part::Ordinary) {
        steps.push(Step::new(StepId::parse("left")?, step::program()));
    }
    let mut outputs = BTreeMap::new();
    let ordinary: Vec<&Step> = steps.iter().filter(|step| step.part == Part::Ordinary).collect();
    if let Some(last) = ordinary.last() {
        let whole = TemplateValue::Expression(parse(&format!("steps['{}'].output", last.id))?);
        outputs.insert("last".to_owned(), whole);
        // A step that was left out has no output, and a run whose outputs cannot be told fails at its end.
        if manner.harsh && random.chance(30) {
            let inside = TemplateValue::Expression(parse(&format!("steps['{}'].output.rows", last.id))?);
            outputs.insert("rows".to_owned(), inside);
        }
    }
    let name = PlanName::parse(if manner.nested { "nested" } else { "simulated" })?;
    let mut plan = Plan::new(name, steps);
    plan.outputs = outputs;
    plan.vars = BTreeMap::from([("greeting".to_owned(), json!("hello"))]);
    Ok(plan.linked())
}

fn parse(source: &str) -> Result<Expression, Error> {
    expression::parse(source).map_err(|error| Error::Expression(source.to_owned(), error))
}

fn text(literal: &str) -> Template {
    Template { pieces: vec![Piece::Text(literal.to_owned())] }
}
