//! Random plans: small graphs in which every form, condition, retry policy and fault of the first half occurs often.
//! They are built as values, not as text: the simulator tests the core, not the reader.

use super::random::Random;
use dvt_model::id::{PlanName, StepId};
use dvt_plan::expression::{self, Expression};
use dvt_plan::plan::{Backoff, Form, Plan, Retry, RetryOn, Shell, Step};
use dvt_plan::template::{Piece, Template, TemplateValue};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Why no plan could be built: a fault of the generator, or of the expression parser.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// A name that is none.
    #[error(transparent)]
    Name(#[from] dvt_model::id::InvalidId),
    /// An expression that is none.
    #[error("`{0}`: {1}")]
    Expression(String, expression::SyntaxError),
}

/// Ids whose byte order is not the order in which they are made.
const IDS: [&str; 12] = ["m", "B", "z", "a-1", "K_2", "c", "a", "Y", "q9", "b", "x-y", "D"];

/// The inputs that every random plan is started with.
pub fn inputs() -> BTreeMap<String, Value> {
    let pairs = [("yes", json!(true)), ("no", json!(false)), ("n", json!(7)), ("list", json!([1, "two"]))];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A plan of this seed's chance.
pub fn random(random: &mut Random) -> Result<Plan, Error> {
    let count = usize::try_from(1 + random.below(12)).unwrap_or(1);
    // Faults of expressions end a run early: most plans have none.
    let harsh = random.chance(30);
    let rotation = usize::try_from(random.below(12)).unwrap_or(0);
    let ids = IDS.iter().cycle().skip(rotation).take(count).map(|id| StepId::parse(id));
    let ids = ids.collect::<Result<Vec<_>, _>>()?;
    let density = 15 + random.below(55);
    let mut steps = BTreeMap::new();
    for (at, id) in ids.iter().enumerate() {
        let earlier = ids.iter().take(at);
        let needs: BTreeSet<StepId> = earlier.filter(|_| random.chance(density)).cloned().collect();
        steps.insert(id.clone(), step(random, id.clone(), needs, harsh)?);
    }
    let mut outputs = BTreeMap::new();
    for name in ["first", "second"] {
        if random.chance(40) {
            let id = random.pick(&ids).map_or("m", StepId::as_str);
            // Now and then a member that is not there: the run then fails at its very end.
            let member = if harsh && random.chance(10) { ".absent" } else { "" };
            let source = format!("steps['{id}'].output{member}");
            outputs.insert(name.to_owned(), TemplateValue::Expression(parse(&source)?));
        }
    }
    let max_parallel = if random.chance(60) { 64 } else { u32::try_from(1 + random.below(3)).unwrap_or(1) };
    let max_duration_ms = if random.chance(75) { 86_400_000 } else { 5_000 + random.below(60_000) };
    Ok(assemble(steps, outputs, max_parallel, max_duration_ms)?)
}

fn program(id: StepId, needs: BTreeSet<StepId>) -> Step {
    let form = Form::Run { program: "echo".to_owned(), arguments: Vec::new() };
    Step {
        needs,
        retry: Retry {
            max: 0,
            backoff: Backoff::Constant,
            initial_ms: 1_000,
            ceiling_ms: 1_000,
            full_jitter: false,
            on: vec![RetryOn::Failure, RetryOn::Timeout],
        },
        ..Step::new(id, form)
    }
}

fn assemble(
    steps: BTreeMap<StepId, Step>,
    outputs: BTreeMap<String, TemplateValue>,
    max_parallel: u32,
    max_duration_ms: u64,
) -> Result<Plan, dvt_model::id::InvalidId> {
    let mut plan = Plan::new(PlanName::parse("simulated")?, steps.into_values().collect());
    plan.vars = BTreeMap::from([("greeting".to_owned(), json!("hello"))]);
    plan.max_duration_ms = max_duration_ms;
    plan.max_parallel = max_parallel;
    plan.outputs = outputs;
    Ok(plan.linked())
}

fn parse(source: &str) -> Result<Expression, Error> {
    expression::parse(source).map_err(|error| Error::Expression(source.to_owned(), error))
}

fn step(random: &mut Random, id: StepId, needs: BTreeSet<StepId>, harsh: bool) -> Result<Step, Error> {
    let needed: Vec<StepId> = needs.iter().cloned().collect();
    let form = form(random, &needed)?;
    let mut step = program(id, needs);
    step.condition = condition(random, &needed, harsh)?;
    step.with = match form {
        Form::Noop { .. } => Some(TemplateValue::Object(BTreeMap::from([(
            "output".to_owned(),
            value(random, &needed, harsh)?,
        )]))),
        Form::Run { .. } | Form::Script { .. } if random.chance(60) => Some(value(random, &needed, harsh)?),
        // Forms that this generator does not make are among these.
        _ => None,
    };
    if random.chance(30) {
        step.env.insert("VALUE".to_owned(), value(random, &needed, harsh)?);
    }
    step.form = form;
    step.timeout_ms = random.chance(30).then(|| 1_000 + random.below(20_000));
    step.continue_on_error = random.chance(15);
    step.retry.max = if random.chance(55) { u32::try_from(random.below(4)).unwrap_or(0) } else { 0 };
    step.retry.backoff = *random
        .pick(&[Backoff::Constant, Backoff::Linear, Backoff::Exponential])
        .unwrap_or(&Backoff::Constant);
    step.retry.initial_ms = 100 + random.below(5_000);
    step.retry.ceiling_ms = step.retry.initial_ms + random.below(8_000);
    step.retry.full_jitter = random.chance(50);
    if random.chance(40) {
        let classes = [RetryOn::Failure, RetryOn::Timeout, RetryOn::Transient, RetryOn::Exit(vec![75, 111])];
        step.retry.on = classes.into_iter().filter(|_| random.chance(50)).collect();
    }
    Ok(step)
}

fn form(random: &mut Random, needed: &[StepId]) -> Result<Form, Error> {
    Ok(match random.below(20) {
        0..=8 => {
            let mut pieces = vec![Piece::Text("--value=".to_owned())];
            if let Some(need) = random.pick(needed).cloned().filter(|_| random.chance(30)) {
                pieces.push(Piece::Expression(parse(&format!("steps['{need}'].status"))?));
            }
            Form::Run { program: "echo".to_owned(), arguments: vec![Template { pieces }] }
        }
        9..=11 => Form::Script { shell: Shell::Bash, text: "echo".to_owned() },
        12..=13 => Form::Noop { simulate_ms: 0 },
        14..=15 => Form::Noop { simulate_ms: 500 + random.below(9_000) },
        16 => Form::Wait { duration_ms: 0 },
        _ => Form::Wait { duration_ms: 500 + random.below(30_000) },
    })
}

fn condition(random: &mut Random, needed: &[StepId], harsh: bool) -> Result<Option<Expression>, Error> {
    let of_need = random.pick(needed).map(|need| format!("steps['{need}'].status == 'SUCCESS'"));
    let source = match random.below(40) {
        0..=3 => "always()",
        4..=6 => "failure()",
        7..=8 => "!failure()",
        9 => "always() && inputs.no",
        10..=11 => "inputs.no",
        12..=14 => "inputs.yes",
        15 => "success() && inputs.yes",
        16 if harsh => "inputs.n",
        17 if harsh => "inputs.absent",
        18..=20 => match &of_need {
            Some(source) => source,
            None => "inputs.yes",
        },
        _ => return Ok(None),
    };
    parse(source).map(Some)
}

fn value(random: &mut Random, needed: &[StepId], harsh: bool) -> Result<TemplateValue, Error> {
    let need = random.pick(needed).cloned();
    Ok(match (random.below(8), need) {
        (0..=2, Some(need)) => TemplateValue::Expression(parse(&format!("steps['{need}'].output"))?),
        // An output that is no string, number or boolean fails the step here.
        (3, Some(need)) if harsh => {
            let expression = parse(&format!("steps['{need}'].output"))?;
            TemplateValue::Text(Template {
                pieces: vec![Piece::Text("v=".to_owned()), Piece::Expression(expression)],
            })
        }
        (4, _) => {
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
        (5, _) => TemplateValue::List(vec![
            TemplateValue::Expression(parse("inputs.list")?),
            TemplateValue::Literal(json!({ "fixed": 1 })),
        ]),
        (_, _) => TemplateValue::Literal(json!(random.below(100))),
    })
}
