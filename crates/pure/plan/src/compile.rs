//! From a tree to a plan: read every key, ask every rule, and make the plan where nothing is an error.

use crate::bounds;
use crate::check::{arguments, expressions, needs, packed, secrets, size};
use crate::diagnostic::collector::Collector;
use crate::document::{self, Draft, Mode};
use crate::plan::{Bounds, DEFAULT_MAX_DURATION_MS, DEFAULT_MAX_PARALLEL, Form, OutputMode, Plan, Step};
use crate::read::tree::Node;
use dvt_model::id::StepId;
use dvt_scrub::Scrubber;
use std::collections::BTreeSet;

/// Checks a document and compiles it. `None` where a report is an error.
pub(crate) fn compile(root: &Node, mode: Mode, sink: &mut Collector<'_>) -> Option<(Plan, Bounds)> {
    let (draft, occurrences) = document::read(root, mode, sink);
    let graph = {
        let index = needs::index(&draft);
        let graph = needs::check(&draft, &index, &occurrences, sink);
        expressions::check(&draft, &occurrences, sink);
        graph
    };
    if mode == Mode::Written {
        arguments::check(&draft, sink);
        packed::check(&draft, sink);
        secrets::check(root, Scrubber::rules(), sink);
    }
    if sink.errors() > 0 {
        return None;
    }
    let plan = assemble(draft, &graph)?;
    let bounds = bounds::of(&plan);
    size::check(root, &bounds, sink);
    (sink.errors() == 0).then_some((plan, bounds))
}

fn assemble(draft: Draft, graph: &needs::Graph) -> Option<Plan> {
    let ids: Vec<StepId> =
        draft.steps.iter().map(|step| StepId::parse(&step.id)).collect::<Result<_, _>>().ok()?;
    let mut steps = Vec::new();
    for (at, step) in draft.steps.into_iter().enumerate() {
        let id = ids.get(at)?.clone();
        let needs = graph.needs.get(at)?.iter().map(|need| ids.get(*need).cloned());
        let needs = needs.collect::<Option<BTreeSet<_>>>()?;
        let form = step.form?;
        let is_program = matches!(form, Form::Run { .. } | Form::Script { .. });
        let step = Step {
            title: step.title,
            needs,
            condition: step.condition,
            with: step.with,
            env: step.env,
            timeout_ms: step.timeout_ms,
            retry: step.retry.unwrap_or_default(),
            output: if is_program { step.output } else { OutputMode::File },
            continue_on_error: step.continue_on_error,
            ..Step::new(id, form)
        };
        steps.push(step);
    }
    let plan = Plan {
        title: draft.title,
        version: draft.version,
        inputs: draft.inputs,
        vars: draft.vars,
        files: draft.files,
        max_duration_ms: draft.max_duration_ms.unwrap_or(DEFAULT_MAX_DURATION_MS),
        max_parallel: draft.max_parallel.unwrap_or(DEFAULT_MAX_PARALLEL),
        outputs: draft.outputs,
        ..Plan::unlinked(draft.name?, steps)
    };
    Some(plan.linked())
}
