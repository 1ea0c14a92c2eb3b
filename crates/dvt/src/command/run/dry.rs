//! `dvt run --dry-run`: what would run, its bounds, files and walls. Nothing is started and nothing is written.

use super::Ready;
use crate::command::lint;
use crate::running::host;
use crate::view::duration::{bound, plural, size};
use crate::view::screen::Screen;
use crate::view::table;
use dvt_plan::plan::{Form, Part, Step};
use serde_json::{Value, json};

/// Shows it.
pub(crate) fn show(ready: &Ready, needs_word: bool, host: bool, screen: &mut Screen) {
    let Ready { checked, inputs, packed, selection, .. } = ready;
    let packed = packed.as_ref();
    let plan = &checked.plan;
    let runs = |step: &&Step| {
        let chosen = selection.as_ref().is_none_or(|selection| selection.contains(&step.id));
        chosen || step.part == Part::Finally
    };
    let mut steps: Vec<(u32, &Step)> =
        plan.steps.values().filter(runs).map(|step| (plan.layer(&step.id), step)).collect();
    steps.sort_by(|left, right| (left.1.part, left.0, &left.1.id).cmp(&(right.1.part, right.0, &right.1.id)));
    if !screen.for_people() {
        let steps: Vec<Value> = steps
            .iter()
            .map(|(layer, step)| {
                json!({"stepId": step.id, "layer": layer, "needs": step.needs, "form": form(step),
                "mostAttempts": step.retry.max.saturating_add(1), "timeoutMs": step.timeout_ms,
                "mostItems": step.foreach.as_ref().map(|foreach| foreach.most),
                "compensate": step.compensate.as_ref().map(|undo| form(undo)),
                "finally": step.part == Part::Finally})
            })
            .collect();
        screen.json(&json!({
            "planName": plan.name,
            "digest": checked.digest(),
            "bounds": checked.bounds,
            "inputs": inputs,
            "files": packed.map(|packed| &packed.names),
            "filesDigest": super::files_of(checked),
            "needsHost": needs_word,
            "hostAllowed": host,
            "steps": steps,
        }));
        return;
    }
    screen.line(&format!("{}  {}", plan.name, lint::bounds(&checked.bounds)));
    screen.line(host::walls(needs_word, host));
    if let Some(packed) = packed {
        let files = plural(u64::try_from(packed.names.len()).unwrap_or(u64::MAX), "file", "files");
        let bytes = size(u64::try_from(packed.bytes.len()).unwrap_or(u64::MAX));
        screen.line(&format!("files: {files}, {bytes}: {}", packed.names.join(", ")));
    }
    for (name, value) in inputs {
        screen.line(&format!("input {name} = {}", crate::view::safe::safe(&value.to_string())));
    }
    let rows: Vec<Vec<String>> = steps
        .iter()
        .map(|(_, step)| {
            let needs = step.needs.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
            let attempts = step.retry.max.saturating_add(1).to_string();
            let longest = match step.form {
                Form::Wait { duration_ms } => Some(duration_ms),
                _ => step.timeout_ms,
            };
            let longest = longest.map_or_else(String::new, bound);
            let does = match (&step.foreach, step.part) {
                (Some(foreach), _) => format!("{} for each of at most {}", form(step), foreach.most),
                (None, Part::Finally) => format!("{} at the end", form(step)),
                (None, Part::Ordinary | Part::Compensation) => form(step),
            };
            vec![step.id.to_string(), does, attempts, longest, needs]
        })
        .collect();
    screen.out(&table::draw(&["STEP", "DOES", "ATTEMPTS", "EACH AT MOST", "NEEDS"], &rows));
}

fn form(step: &Step) -> String {
    match &step.form {
        Form::Run { program, .. } => format!("run {program}"),
        Form::Script { shell, .. } => format!("script ({shell:?})").to_lowercase(),
        Form::Noop { .. } => "noop".to_owned(),
        Form::Uses(plugin) => format!("uses {plugin}"),
        Form::Wait { duration_ms } => format!("wait {}", bound(*duration_ms)),
        Form::WaitUntil { .. } => "wait until a time".to_owned(),
        Form::Approval(approval) => format!("approval by {}", approval.role.as_str()),
        Form::Signal(signal) => format!("signal {}", signal.name),
        Form::Plan(sub_plan) => format!("plan {}", sub_plan.reference),
    }
}
