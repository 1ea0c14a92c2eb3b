//! The step forms: a step has exactly one of them. What waits has files of its own.

use super::duration::LONGEST_MS;
use super::keys::{Family, Level, is_one_of, or};
use super::{Owner, Reader, StepDraft, approval, one_text, permissions, signal, sub_plan, wait_until};
use crate::Reach;
use crate::check::literals;
use crate::diagnostic::codes;
use crate::diagnostic::collector::{Report, shown};
use crate::plan::{Form, Part, PluginReference, Shell};
use crate::read::tree::{Entry, Kind, Node};
use crate::template::{OPEN, Piece, Template, TemplateValue};
use std::collections::BTreeMap;

/// The keys of which a step has exactly one.
pub(crate) const FORMS: &[&str] =
    &["run", "script", "uses", "approval", "wait", "waitUntil", "signal", "plan"];
/// Of these a compensation has one.
pub(crate) const WORK: &[&str] = &["run", "script", "uses", "plan"];
/// The plugin that runs in process.
pub(crate) const NOOP: &str = "dvt/noop@1";
/// Arguments of one program.
const MOST_ARGUMENTS: usize = 1_024;

/// Keys that only some forms take, with these forms.
pub(crate) const KEYS_OF_FORMS: &[(&str, &[&str])] = &[
    ("shell", &["script"]),
    ("env", &["run", "script"]),
    ("secrets", &["run", "script", "uses"]),
    ("output", &["run", "script"]),
    ("outputs", &["run", "script", "uses"]),
    ("with", &["run", "script", "uses", "plan"]),
    ("timeout", &["run", "script", "uses", "approval", "signal", "plan"]),
    ("retry", WORK),
    ("foreach", WORK),
    ("compensate", WORK),
    ("tier", &["run", "script", "uses"]),
    ("limits", &["run", "script", "uses"]),
    ("scratch", &["run", "script", "uses"]),
    (sub_plan::PLAN_DIGEST, &["plan"]),
];

/// Finds the one form among a step's entries and reads it.
pub(crate) fn read(reader: &mut Reader<'_, '_>, entries: &[&Entry<'_>], owner: Owner, step: &mut StepDraft) {
    let forms: Vec<&Entry<'_>> =
        entries.iter().copied().filter(|entry| is_one_of(FORMS, entry.name())).collect();
    let [form] = forms.as_slice() else {
        not_one(reader, &forms, step);
        return;
    };
    step.form_place = or(form.value.place, form.place);
    for entry in entries {
        let takes = KEYS_OF_FORMS.iter().find(|(key, _)| *key == entry.name());
        if let Some((key, takes)) = takes.filter(|(_, takes)| !takes.contains(&form.name())) {
            let owners = takes.iter().map(|form| format!("`{form}`")).collect::<Vec<_>>().join(", ");
            let message = format!("`{key}` has no meaning in a step with `{}`", form.key);
            let report = Report::error(codes::KEY_OF_ANOTHER_FORM, entry.place, message);
            reader.sink.add(
                report.why(format!("it belongs to steps with {owners}")).related(form.place, "the form"),
            );
        }
    }
    step.form = match form.name() {
        "run" => run(reader, form, owner, step),
        "script" => script(reader, form, entries),
        "wait" => reader.duration(form, 0, LONGEST_MS).map(|duration_ms| Form::Wait { duration_ms }),
        "waitUntil" => wait_until::read(reader, form, owner),
        "approval" => approval::read(reader, form),
        "signal" => signal::read(reader, form),
        "plan" => sub_plan::read(reader, form, entries, step),
        _ => uses(reader, form, entries, owner, step),
    };
}

fn not_one(reader: &mut Reader<'_, '_>, forms: &[&Entry<'_>], step: &StepDraft) {
    let legal = if step.part == Part::Compensation { WORK } else { FORMS };
    let choices = || legal.iter().map(|form| (*form).to_owned()).collect();
    let report = match forms {
        [] => {
            let what = if step.part == Part::Compensation { "compensation of" } else { "step" };
            let message = format!("the {what} {} does nothing", shown(&step.id));
            Report::error(codes::STEP_FORM, step.place, message).fix("run: [program, argument]")
        }
        [first, second, ..] => {
            let message =
                format!("the step {} has both `{}` and `{}`", shown(&step.id), first.key, second.key);
            let report = Report::error(codes::STEP_FORM, second.place, message);
            report
                .related(first.place, "the first one")
                .fix("make two steps of it; the second one `needs` the first")
        }
        [_] => return,
    };
    reader.sink.add(report.why("a step does exactly one thing").choices(choices()));
}

fn run(reader: &mut Reader<'_, '_>, entry: &Entry<'_>, owner: Owner, step: &mut StepDraft) -> Option<Form> {
    let place = or(entry.value.place, entry.place);
    let Kind::List(items) = &entry.value.kind else {
        let message =
            format!("`run` takes a list of a program and its arguments, not {}", entry.value.type_name());
        let mut report = Report::error(codes::WRONG_SHAPE, place, message)
            .why("a list is never split, so that data cannot become arguments");
        if let Some(text) = entry.value.as_text() {
            report = report.fix(one_text::way_out(text));
        }
        reader.sink.add(report);
        return None;
    };
    let Some((program, rest)) = items.split_first() else {
        reader.error(codes::WRONG_SHAPE, place, "`run` names no program");
        return None;
    };
    if rest.len() > MOST_ARGUMENTS {
        let message = format!("`run` has {} arguments, and {MOST_ARGUMENTS} is the most", rest.len());
        reader.error(codes::OUT_OF_LIMITS, place, message);
        return None;
    }
    let name = program_name(reader, program, entry)?;
    let mut arguments = Vec::with_capacity(rest.len());
    for item in rest {
        let template = argument(reader, item, entry, owner)?;
        step.argument_places.push(item.place);
        arguments.push(template);
    }
    literals::code_arguments(reader.sink, &name, &arguments, &step.argument_places);
    Some(Form::Run { program: name, arguments })
}

fn program_name(reader: &mut Reader<'_, '_>, node: &Node<'_>, entry: &Entry<'_>) -> Option<String> {
    let Some(text) = node.as_text() else {
        reader.wrong(or(node.place, entry.place), "run", "the name of a program first", node);
        return None;
    };
    if text.contains(OPEN) {
        literals::refuse(reader.sink, node, "the name of a program", None);
        return None;
    }
    if text.trim().is_empty() || text.chars().any(char::is_control) {
        reader.error(
            codes::WRONG_SHAPE,
            or(node.place, entry.place),
            format!("{} is no program", shown(text)),
        );
        return None;
    }
    Some(text.to_owned())
}

fn argument(
    reader: &mut Reader<'_, '_>,
    node: &Node<'_>,
    entry: &Entry<'_>,
    owner: Owner,
) -> Option<Template> {
    let literal = |text: String| Template { pieces: vec![Piece::Text(text)] };
    match &node.kind {
        Kind::Text(text) if text.contains('\0') => {
            reader.error(codes::WRONG_SHAPE, node.place, "an argument cannot carry a zero byte");
            None
        }
        Kind::Text(text) if text.contains(OPEN) => reader.template(node, text, owner),
        Kind::Text(text) => Some(literal(text.to_string())),
        Kind::Number(number) => Some(literal(number.to_string())),
        Kind::Bool(value) => Some(literal(value.to_string())),
        Kind::Null | Kind::List(_) | Kind::Map(_) => {
            let place = or(node.place, entry.place);
            reader.wrong(place, "run", "arguments that are strings, numbers or booleans", node);
            None
        }
    }
}

fn script(reader: &mut Reader<'_, '_>, entry: &Entry<'_>, entries: &[&Entry<'_>]) -> Option<Form> {
    let words = [("bash", Shell::Bash), ("sh", Shell::Sh), ("python", Shell::Python)];
    let shell = entries.iter().find(|other| other.name() == "shell");
    let shell = shell.map_or(Some(Shell::Bash), |entry| reader.one_of(entry, &words)).unwrap_or(Shell::Bash);
    let place = or(entry.value.place, entry.place);
    let Some(text) = entry.value.as_text() else {
        reader.wrong(place, "script", "a text", &entry.value);
        return None;
    };
    if text.contains(OPEN) {
        literals::refuse(reader.sink, &entry.value, "`script`", Some(shell));
        return None;
    }
    if text.trim().is_empty() || text.contains('\0') {
        reader.error(codes::WRONG_SHAPE, place, "`script` is empty or holds a zero byte");
        return None;
    }
    Some(Form::Script { shell, text: text.to_owned() })
}

/// Its keys.
pub(crate) const WITH: Family =
    Family { what: "`with` of `dvt/noop@1`", keys: &["simulate", "output"], level: Level::Inner };

fn uses(
    reader: &mut Reader<'_, '_>,
    entry: &Entry<'_>,
    entries: &[&Entry<'_>],
    owner: Owner,
    step: &mut StepDraft,
) -> Option<Form> {
    let plugin = reader.literal(entry)?;
    let place = or(entry.value.place, entry.place);
    if plugin != NOOP {
        let Some((name, version)) = plugin.split_once('@').filter(|_| permissions::is_plugin_ref(plugin))
        else {
            let message = format!("{} is no plugin: `uses` takes `name@version`", shown(plugin));
            let report = Report::error(codes::UNKNOWN_PLUGIN, place, message).fix(format!("uses: {NOOP}"));
            reader.sink.add(report.choices(vec![NOOP.to_owned()]));
            return None;
        };
        if reader.reach == Reach::Runs {
            let message =
                format!("the plugin {} is not installed, and plugins are not built yet", shown(plugin));
            let report = Report::error(codes::UNKNOWN_PLUGIN, place, message)
                .fix("run: [program, argument]   runs a program of this machine");
            reader.sink.add(report.choices(vec![NOOP.to_owned()]));
            return None;
        }
        if let Some(given) = entries.iter().find(|other| other.name() == "with") {
            step.with = Some(reader.template_value("with", &given.value, owner));
        }
        return Some(Form::Uses(PluginReference { name: name.to_owned(), version: version.to_owned() }));
    }
    let mut simulate_ms = 0;
    let mut with = BTreeMap::new();
    if let Some(given) = entries.iter().find(|other| other.name() == "with") {
        for key in reader.family("with", given.place, &given.value, &WITH).unwrap_or_default() {
            if key.name() == "simulate" {
                simulate_ms = reader.duration(key, 0, LONGEST_MS)?;
            } else {
                with.insert(key.key.to_string(), reader.template_value("with", &key.value, owner));
            }
        }
        step.with = Some(TemplateValue::Object(with));
    }
    Some(Form::Noop { simulate_ms })
}
