//! DVT-P035 and DVT-P036: a data class above the plan's, and what `permissions` does not name.

use crate::diagnostic::codes;
use crate::diagnostic::collector::{Collector, Report, shown};
use crate::document::{Draft, StepDraft, classes as words};
use crate::plan::{Crossing, Form, Part, Plan};
use crate::read::tree::Place;
use dvt_model::id::PlanName;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Compares the class of each step with the plan's.
pub(crate) fn classes(draft: &Draft, sink: &mut Collector<'_>) {
    draft.steps.iter().for_each(|step| class(draft, step, sink));
}

/// Compares what each step asks for with what the plan permits.
pub(crate) fn permissions(draft: &Draft, sink: &mut Collector<'_>) {
    for step in &draft.steps {
        granted(draft, step, sink);
        if let Some(undo) = &step.compensate {
            granted(draft, undo, sink);
        }
    }
}

/// Where the steps that run sub-plans say so, and what undoes them.
pub(crate) fn places(draft: &Draft) -> BTreeMap<(Arc<str>, Part), Place> {
    let mut places = BTreeMap::new();
    for step in &draft.steps {
        for one in std::iter::once(&**step).chain(step.compensate.as_deref()) {
            if let Some(Form::Plan(_)) = &one.form {
                places.insert((step.id.clone(), one.part), one.form_place);
            }
        }
    }
    places
}

/// Compares the class of each sub-plan with those of the step that runs it, both ways.
pub(crate) fn crossings(plan: &Plan, places: &BTreeMap<(Arc<str>, Part), Place>, sink: &mut Collector<'_>) {
    for ((id, part), place) in places {
        let Some(step) = plan.steps.get(&**id) else { continue };
        let runs = if *part == Part::Compensation { step.compensate.as_deref() } else { Some(step) };
        let Some(runs) = runs else { continue };
        let Form::Plan(sub_plan) = &runs.form else { continue };
        if let Some(child) = &sub_plan.child
            && let Some(crossing) = plan.crossing(runs, child)
        {
            tell(&child.name, crossing, *place, sink);
        }
    }
}

fn tell(child: &PlanName, crossing: Crossing, place: Place, sink: &mut Collector<'_>) {
    let word = words::word;
    let (message, why, fix) = match crossing {
        Crossing::AbovePlan(carries, most) => (
            format!("`{child}` carries `{}` data, and the plan at most `{}`", word(carries), word(most)),
            "the outputs of a sub-plan, and how it fails, are payloads of the plan that runs it",
            format!("data: {{ class: {} }}   in the plan", word(carries)),
        ),
        Crossing::AboveStep(carries, gives) => (
            format!("`{child}` carries `{}` data, and the step gives `{}`", word(carries), word(gives)),
            "what a sub-plan gives keeps its class, unless the step declassifies it",
            format!("dataClass: {}   in the step, or   declassify: <reason>", word(carries)),
        ),
        Crossing::HandsDown(given, most) => (
            format!(
                "the step hands over `{}` data, and `{child}` carries at most `{}`",
                word(given),
                word(most)
            ),
            "a step without `dataClass` has the class of its plan, and what it reads raises it",
            format!(
                "data: {{ class: {} }}   in `{child}`, or   dataClass: {}   in the step if its `with` is no more than that",
                word(given),
                word(most)
            ),
        ),
    };
    sink.add(Report::error(codes::CLASS_ABOVE_PLAN, place, message).why(why).fix(fix));
}

fn class(draft: &Draft, step: &StepDraft, sink: &mut Collector<'_>) {
    let Some((class, place)) = step.data_class.filter(|(class, _)| *class > draft.data_class) else { return };
    let (own, most) = (words::word(class), words::word(draft.data_class));
    let message = format!("the step carries `{own}` data, and the plan at most `{most}`");
    let report = Report::error(codes::CLASS_ABOVE_PLAN, place, message)
        .why("the class of the plan decides who may start it and how long its payloads are kept");
    sink.add(report.fix(format!("data: {{ class: {own} }}   in the plan")));
}

fn granted(draft: &Draft, step: &StepDraft, sink: &mut Collector<'_>) {
    for (secret, place) in step.secrets.values() {
        let named = &draft.permissions.secrets;
        let bare = secret.reference.split('@').next().unwrap_or_default();
        if !named.iter().any(|known| *known == secret.reference || known == bare) {
            let message = format!("`permissions.secrets` does not name {}", shown(&secret.reference));
            let report = Report::error(codes::PERMISSION_MISSING, *place, message)
                .why("what `permissions` does not name is denied, so the step could not start");
            sink.add(report.fix(list("secrets", named, &secret.reference)));
        }
    }
    if let Some(Form::Uses(plugin)) = &step.form {
        let named = &draft.permissions.plugins;
        let plugin = plugin.to_string();
        if !named.contains(&plugin) {
            let message = format!("`permissions.plugins` does not name {}", shown(&plugin));
            let report = Report::error(codes::PERMISSION_MISSING, step.form_place, message)
                .why("what `permissions` does not name is denied, so the step could not start");
            sink.add(report.fix(list("plugins", named, &plugin)));
        }
    }
}

fn list(key: &str, named: &[String], missing: &str) -> String {
    let all: Vec<&str> = named.iter().map(String::as_str).chain([missing]).collect();
    format!("permissions: {{ {key}: ['{}'] }}", all.join("', '"))
}
