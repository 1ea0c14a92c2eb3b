//! One random step.

use super::{Error, Manner, parse, text};
use crate::simulator::random::Random;
use dvt_model::action::Role;
use dvt_model::digest::Digest;
use dvt_model::id::StepId;
use dvt_plan::input::{Schema, Type};
use dvt_plan::plan::{
    Approval, Backoff, Foreach, Form, Part, PlanReference, RetryOn, Shell, Signal, Source, Step, SubPlan,
};
use dvt_plan::template::{Piece, Template, TemplateValue};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Six loops inside each other over ten items: a million steps.
const OVER_BUDGET: &str = "[1,2,3,4,5,6,7,8,9,0].map(a, [1,2,3,4,5,6,7,8,9,0].map(b, [1,2,3,4,5,6,7,8,9,0].map(c, [1,2,3,4,5,6,7,8,9,0].map(d, [1,2,3,4,5,6,7,8,9,0].map(e, [1,2,3,4,5,6,7,8,9,0].map(f, a))))))";

/// Draws one. `sees` are the steps whose outputs its expressions may name.
#[expect(clippy::too_many_arguments, reason = "a step has that many sides, and this is its only maker")]
pub(super) fn draw(
    random: &mut Random,
    seed: u64,
    number: u64,
    id: StepId,
    part: Part,
    needs: BTreeSet<StepId>,
    sees: &[StepId],
    manner: Manner,
) -> Result<Step, Error> {
    // A `finally` step is no human decision, no timer of its own run's end and no sub-plan.
    let rich = part == Part::Ordinary && !manner.nested;
    let form = if rich { form(random, seed, number, manner)? } else { plain_form(random, sees)? };
    let mut step = Step { part, needs: needs.into_iter().collect(), ..Step::new(id.clone(), form) };
    let repeats = part != Part::Compensation && random.chance(if manner.plain { 4 } else { 18 });
    if repeats && !matches!(step.form, Form::Approval(_) | Form::Signal(_)) {
        step.foreach = Some(Box::new(foreach(random, sees, manner)?));
    }
    let needed: Vec<StepId> = step.needs.iter().cloned().collect();
    step.condition = condition(random, &needed, step.foreach.is_some(), manner)?;
    step.with = match &step.form {
        Form::Noop { .. } => Some(object("output", value(random, sees, step.foreach.is_some(), manner)?)),
        Form::Plan(_) => None,
        Form::Run { .. } | Form::Script { .. } | Form::Uses(_) if random.chance(50) => {
            Some(value(random, sees, step.foreach.is_some(), manner)?)
        }
        Form::Run { .. }
        | Form::Script { .. }
        | Form::Uses(_)
        | Form::Wait { .. }
        | Form::WaitUntil { .. }
        | Form::Approval(_)
        | Form::Signal(_) => None,
    };
    if step.form.is_program() && random.chance(25) {
        step.env.insert("VALUE".to_owned(), value(random, sees, step.foreach.is_some(), manner)?);
    }
    step.timeout_ms = match &step.form {
        Form::Approval(_) | Form::Signal(_) => random.chance(40).then(|| 5_000 + random.below(60_000)),
        Form::Wait { .. } | Form::WaitUntil { .. } | Form::Noop { .. } => None,
        Form::Run { .. } | Form::Script { .. } | Form::Uses(_) | Form::Plan(_) => {
            random.chance(30).then(|| 1_000 + random.below(20_000))
        }
    };
    step.continue_on_error = random.chance(15);
    retry(random, &mut step);
    if part == Part::Ordinary && !manner.nested && random.chance(if manner.plain { 5 } else { 25 }) {
        step.compensate = Some(Box::new(compensation(random, &id, step.foreach.is_some(), manner)?));
    }
    Ok(step)
}

pub(super) fn program() -> Form {
    Form::Run { program: "echo".to_owned(), arguments: Vec::new() }
}

fn retry(random: &mut Random, step: &mut Step) {
    step.retry.max = if random.chance(50) { u32::try_from(random.below(4)).unwrap_or(0) } else { 0 };
    step.retry.backoff = *random
        .pick(&[Backoff::Constant, Backoff::Linear, Backoff::Exponential])
        .unwrap_or(&Backoff::Constant);
    step.retry.initial_ms = 100 + random.below(5_000);
    step.retry.ceiling_ms = step.retry.initial_ms + random.below(8_000);
    step.retry.full_jitter = random.chance(50);
    step.retry.on = vec![RetryOn::Failure, RetryOn::Timeout].into();
    if random.chance(40) {
        let classes = [RetryOn::Failure, RetryOn::Timeout, RetryOn::Transient, RetryOn::Exit(vec![75, 111])];
        step.retry.on = classes.into_iter().filter(|_| random.chance(50)).collect();
    }
}

fn compensation(random: &mut Random, id: &StepId, of_items: bool, manner: Manner) -> Result<Step, Error> {
    let form = if random.chance(20) { Form::Noop { simulate_ms: 0 } } else { program() };
    let mut step = Step { part: Part::Compensation, ..Step::new(id.clone(), form) };
    if random.chance(60) {
        let source = if of_items && random.chance(50) {
            "item".to_owned()
        } else if manner.harsh && random.chance(20) {
            format!("steps['{id}'].output.absent")
        } else {
            format!("steps['{id}'].output")
        };
        step.with = Some(TemplateValue::Expression(parse(&source)?));
    }
    if let Form::Noop { .. } = step.form {
        step.with = step.with.take().map(|with| object("output", with));
    }
    step.timeout_ms = random.chance(30).then(|| 1_000 + random.below(20_000));
    retry(random, &mut step);
    Ok(step)
}

fn plain_form(random: &mut Random, sees: &[StepId]) -> Result<Form, Error> {
    Ok(match random.below(10) {
        0..=4 => {
            let mut pieces = vec![Piece::Text("--value=".to_owned())];
            if let Some(seen) = random.pick(sees).filter(|_| random.chance(40)) {
                pieces.push(Piece::Expression(parse(&format!("steps['{seen}'].status"))?));
            }
            Form::Run { program: "echo".to_owned(), arguments: vec![Template { pieces }] }
        }
        5..=6 => Form::Script { shell: Shell::Bash, text: "echo".to_owned() },
        7 => Form::Noop { simulate_ms: 0 },
        _ => Form::Noop { simulate_ms: 500 + random.below(9_000) },
    })
}

fn form(random: &mut Random, seed: u64, number: u64, manner: Manner) -> Result<Form, Error> {
    let draw = if manner.plain { random.below(52) } else { random.below(100) };
    Ok(match draw {
        0..=29 => Form::Run { program: "echo".to_owned(), arguments: vec![text("--now")] },
        30..=39 => Form::Script { shell: Shell::Bash, text: "echo".to_owned() },
        40..=43 => Form::Noop { simulate_ms: 0 },
        44..=47 => Form::Noop { simulate_ms: 500 + random.below(9_000) },
        48..=49 => Form::Wait { duration_ms: 0 },
        50..=57 => Form::Wait { duration_ms: 500 + random.below(30_000) },
        58..=61 => Form::WaitUntil { at: TemplateValue::Literal(json!("2026-02-16T00:00:30.000Z")) },
        62..=64 => Form::WaitUntil { at: TemplateValue::Expression(parse("inputs.when")?) },
        65 if manner.harsh => Form::WaitUntil { at: TemplateValue::Expression(parse("inputs.n")?) },
        65..=76 => Form::Approval(Approval {
            role: Role::Operator,
            min: u32::try_from(1 + random.below(2)).unwrap_or(1),
            not_initiator: random.chance(60),
        }),
        77..=88 => Form::Signal(Box::new(Signal {
            name: (*random.pick(&["go", "stop"]).unwrap_or(&"go")).to_owned(),
            role: random.chance(20).then_some(Role::Engineer),
            schema: random.chance(60).then(|| Schema {
                types: vec![Type::Integer],
                additional: true,
                ..Schema::default()
            }),
        })),
        _ => {
            let manner = Manner { plain: true, nested: true, ..manner };
            let child = super::of_steps(seed ^ (number + 1) << 32, 2, manner, &BTreeSet::new())?;
            Form::Plan(Box::new(SubPlan {
                reference: PlanReference::Path("./nested.yaml".to_owned()),
                digest: (!random.chance(6)).then(|| Digest::of(b"nested")),
                child: Some(Arc::new(child)),
                bounds: None,
            }))
        }
    })
}

fn foreach(random: &mut Random, sees: &[StepId], manner: Manner) -> Result<Foreach, Error> {
    let seen = random.pick(sees).cloned();
    let source = match (random.below(12), seen) {
        (0..=3, _) => Source::List(TemplateValue::Literal(json!(["eu", "us", "apac"]))),
        (4..=5, _) => Source::List(TemplateValue::Expression(parse("inputs.list")?)),
        (6, _) => Source::List(TemplateValue::Expression(parse("inputs.empty")?)),
        (7..=8, _) => Source::Product(BTreeMap::from([
            ("kind".to_owned(), TemplateValue::Literal(json!(["a", "b"]))),
            ("region".to_owned(), TemplateValue::Literal(json!([1, 2]))),
        ])),
        (9, Some(seen)) if manner.harsh => {
            Source::List(TemplateValue::Expression(parse(&format!("steps['{seen}'].output"))?))
        }
        (10, _) if manner.harsh => Source::List(TemplateValue::Expression(parse("inputs.n")?)),
        (_, _) => Source::List(TemplateValue::Literal(json!([10, 20]))),
    };
    let exclude = match &source {
        Source::Product(_) if random.chance(50) => {
            Some(TemplateValue::Literal(json!([{ "kind": "a", "region": 2 }])))
        }
        Source::Product(_) | Source::List(_) => None,
    };
    let max_parallel = random.chance(50).then(|| u32::try_from(1 + random.below(2)).unwrap_or(1));
    // What a step leaves may be a list of any length; all others are known.
    let is_bounded =
        !matches!(&source, Source::List(TemplateValue::Expression(list)) if !list.steps().is_empty());
    let most = if is_bounded { 4 } else { 10_000 };
    Ok(Foreach { source, exclude, key: None, max_parallel, most, is_bounded })
}

fn condition(
    random: &mut Random,
    needed: &[StepId],
    repeats: bool,
    manner: Manner,
) -> Result<Option<dvt_plan::expression::Expression>, Error> {
    let of_need = random.pick(needed).map(|need| format!("steps['{need}'].status == 'SUCCESS'"));
    let source = match random.below(48) {
        0..=3 => "always()",
        4..=6 => "failure()",
        7..=8 => "!failure()",
        9 => "always() && inputs.no",
        10..=11 => "inputs.no",
        12..=14 => "inputs.yes",
        15 => "success() && inputs.yes",
        16 if manner.harsh => "inputs.n",
        17 if manner.harsh => "inputs.absent",
        18..=20 => match &of_need {
            Some(source) => source,
            None => "inputs.yes",
        },
        21..=30 if repeats => "index != 1",
        31 if repeats => "always() && index > 0",
        32 if repeats && manner.harsh => "item.absent",
        33 if repeats => "success() && index != 1",
        _ => return Ok(None),
    };
    parse(source).map(Some)
}

fn value(
    random: &mut Random,
    sees: &[StepId],
    repeats: bool,
    manner: Manner,
) -> Result<TemplateValue, Error> {
    let seen = random.pick(sees).cloned();
    Ok(match (random.below(10), seen) {
        (0..=2, Some(seen)) => TemplateValue::Expression(parse(&format!("steps['{seen}'].output"))?),
        // An output that is no string, number or boolean fails the step here.
        (3, Some(seen)) if manner.harsh => {
            let expression = parse(&format!("steps['{seen}'].output"))?;
            TemplateValue::Text(Template {
                pieces: vec![Piece::Text("v=".to_owned()), Piece::Expression(expression)],
            })
        }
        (4..=5, _) if repeats => TemplateValue::List(vec![
            TemplateValue::Expression(parse("item")?),
            TemplateValue::Expression(parse("index")?),
        ]),
        (6, _) => {
            let members = [
                ("n", parse("inputs.n")?),
                ("greeting", parse("vars.greeting")?),
                ("run", parse("run.startedAt")?),
            ];
            let members = members
                .into_iter()
                .map(|(name, source)| (name.to_owned(), TemplateValue::Expression(source)));
            TemplateValue::Object(members.collect())
        }
        (7, Some(seen)) => TemplateValue::Expression(parse(&format!("steps['{seen}'].attempt"))?),
        // More steps than an expression may take.
        (8, _) if manner.harsh && random.chance(20) => TemplateValue::Expression(parse(OVER_BUDGET)?),
        (_, _) => TemplateValue::Literal(json!(random.below(100))),
    })
}

fn object(name: &str, value: TemplateValue) -> TemplateValue {
    TemplateValue::Object(BTreeMap::from([(name.to_owned(), value)]))
}

/// The payload of a SEND that no schema of a random plan refuses, or one that a strict schema does.
pub fn payload(random: &mut Random) -> Value {
    if random.chance(70) { json!(random.below(9)) } else { json!({ "go": true }) }
}
