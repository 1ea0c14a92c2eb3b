//! From a tree to a plan: read every key, ask every rule, and make the plan where nothing is an error.

use crate::bounds;
use crate::check::{arguments, expressions, needs, packed, secrets, size};
use crate::diagnostic::collector::Collector;
use crate::document::{self, Draft, Mode};
use crate::plan::{Bounds, Form, OutputMode, Plan, Step};
use crate::read::tree::Node;
use dvt_model::id::StepId;
use dvt_scrub::Scrubber;
use std::collections::{BTreeMap, BTreeSet};

const DEFAULT_MAX_DURATION_MS: u64 = 24 * 3_600_000;
const DEFAULT_MAX_PARALLEL: u32 = 64;

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
    let mut steps = BTreeMap::new();
    let mut layers = BTreeMap::new();
    let mut dependants: BTreeMap<StepId, Vec<StepId>> = BTreeMap::new();
    for (at, step) in draft.steps.into_iter().enumerate() {
        let id = ids.get(at)?.clone();
        let mut needs = BTreeSet::new();
        for need in graph.needs.get(at)? {
            let need = ids.get(*need)?.clone();
            dependants.entry(need.clone()).or_default().push(id.clone());
            needs.insert(need);
        }
        layers.insert(id.clone(), *graph.layers.get(at)?);
        let form = step.form?;
        let is_program = matches!(form, Form::Run { .. } | Form::Script { .. });
        let step = Step {
            id: id.clone(),
            title: step.title,
            form,
            needs,
            condition: step.condition,
            with: step.with,
            env: step.env,
            timeout_ms: step.timeout_ms,
            retry: step.retry.unwrap_or_default(),
            output: if is_program { step.output } else { OutputMode::File },
            continue_on_error: step.continue_on_error,
        };
        steps.insert(id, step);
    }
    dependants.values_mut().for_each(|list| list.sort_unstable());
    Some(Plan {
        name: draft.name?,
        title: draft.title,
        version: draft.version,
        inputs: draft.inputs,
        vars: draft.vars,
        files: draft.files,
        max_duration_ms: draft.max_duration_ms.unwrap_or(DEFAULT_MAX_DURATION_MS),
        max_parallel: draft.max_parallel.unwrap_or(DEFAULT_MAX_PARALLEL),
        steps,
        outputs: draft.outputs,
        layers,
        dependants,
    })
}
