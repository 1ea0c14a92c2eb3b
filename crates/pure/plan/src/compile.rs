//! From a tree to a plan: read every key, ask every rule, and make the plan where nothing is an error.

use crate::Reach;
use crate::bounds;
use crate::check::{
    arguments, expressions, items, needs, packed, persons, protection, secrets, size, sub_plans,
};
use crate::diagnostic::collector::Collector;
use crate::document::{self, Draft, Mode, StepDraft};
use crate::expression::check::Shape;
use crate::plan::{Bounds, DEFAULT_MAX_DURATION_MS, DEFAULT_MAX_PARALLEL, Form, Plan, Step, Steps};
use crate::read::tree::Node;
use crate::session::Session;
use dvt_model::id::StepId;
use dvt_scrub::Scrubber;
use std::collections::BTreeMap;

/// A plan without faults.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) plan: Plan,
    pub(crate) bounds: Bounds,
    /// What its outputs look like.
    pub(crate) outputs: BTreeMap<String, Shape>,
}

/// Checks a document and compiles it; `from` is where it lies. `None` where a report is an error.
pub(crate) fn compile(
    root: &Node<'_>,
    mode: Mode,
    from: &str,
    session: &Session<'_>,
    sink: &mut Collector<'_>,
) -> Option<Compiled> {
    let (mut draft, occurrences) = document::read(root, mode, session.reach, sink);
    sub_plans::resolve(&mut draft, from, session, sink);
    let graph = needs::check(&draft, &needs::index(&draft), &occurrences, sink);
    items::count(&mut draft, &graph.order);
    let mut names = expressions::names(&draft);
    expressions::check(&draft, &mut names, &occurrences, sink);
    items::tell(&mut draft, sink);
    sub_plans::inputs(&draft, &mut names, sink);
    protection::classes(&draft, sink);
    // Where secrets are refused as such, advice about them would contradict it.
    if session.reach == Reach::Language {
        protection::permissions(&draft, sink);
    }
    if mode == Mode::Written {
        arguments::check(&draft, sink);
        packed::check(&draft, sink);
        persons::check(&draft, sink);
        secrets::check(root, Scrubber::rules(), sink);
    }
    if sink.errors() > 0 {
        return None;
    }
    let outputs = items::of_outputs(&draft, &names);
    let places = protection::places(&draft);
    let plan = assemble(draft, &graph)?;
    protection::crossings(&plan, &places, sink);
    let bounds = bounds::of(&plan);
    size::check(root, &bounds, sink);
    (sink.errors() == 0).then_some(Compiled { plan, bounds, outputs })
}

fn assemble(draft: Draft, graph: &needs::Graph) -> Option<Plan> {
    let ids = draft.steps.iter().map(|step| StepId::try_from(step.id.clone()).ok());
    let ids: Vec<StepId> = ids.collect::<Option<_>>()?;
    let mut steps: Vec<Box<Step>> = Vec::with_capacity(ids.len());
    // Each step is touched once: fifty thousand of them lie far beyond what a processor keeps at hand.
    for (at, (step, id)) in draft.steps.into_iter().zip(&ids).enumerate() {
        let mut step = compiled(*step, id.clone())?;
        let needs = graph.needs.of(at).map(|need| ids.get(need).cloned());
        step.needs = needs.collect::<Option<_>>()?;
        // What an approval needs is what it shows.
        if matches!(step.form, Form::Approval(_)) {
            step.reads = step.names();
        }
        steps.push(step);
    }
    let plan = Plan {
        title: draft.title,
        description: draft.description,
        tags: draft.tags,
        version: draft.version,
        inputs: draft.inputs,
        vars: draft.vars,
        files: draft.files,
        permissions: draft.permissions,
        data_class: draft.data_class,
        max_duration_ms: draft.max_duration_ms.unwrap_or(DEFAULT_MAX_DURATION_MS),
        max_parallel: draft.max_parallel.unwrap_or(DEFAULT_MAX_PARALLEL),
        on_step_failure: draft.on_step_failure,
        concurrency: draft.concurrency,
        scratch_bytes: draft.scratch_bytes,
        outputs: draft.outputs,
        ..Plan::unlinked(draft.name?, Steps::from(steps))
    };
    Some(plan.arranged())
}

/// A step, or what undoes it; without its needs.
fn compiled(step: StepDraft, id: StepId) -> Option<Box<Step>> {
    let compensate = match step.compensate {
        Some(undo) => Some(compiled(*undo, id.clone())?),
        None => None,
    };
    let mut compiled = Box::new(Step {
        part: step.part,
        title: step.title,
        description: step.description,
        tags: step.tags,
        condition: step.condition,
        foreach: step.foreach,
        with: step.with,
        env: step.env,
        secrets: step.secrets.into_iter().map(|(name, (secret, _))| (name, secret)).collect(),
        timeout_ms: step.timeout_ms,
        retry: step.retry.unwrap_or_default(),
        output: step.output,
        output_schema: step.output_schema,
        continue_on_error: step.continue_on_error,
        compensate,
        tier: step.tier,
        limits: step.limits,
        scratch: step.scratch,
        data_class: step.data_class.map(|(class, _)| class),
        subject: step.subject,
        declassify: step.declassify,
        ..Step::new(id, step.form?)
    });
    compiled.reads = compiled.names();
    Some(compiled)
}
