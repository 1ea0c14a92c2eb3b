//! DVT-P035 and DVT-P036: a data class above the plan's, and what `permissions` does not name.

use crate::diagnostic::codes;
use crate::diagnostic::collector::{Collector, Report, shown};
use crate::document::{Draft, StepDraft, classes as words};
use crate::plan::Form;

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
