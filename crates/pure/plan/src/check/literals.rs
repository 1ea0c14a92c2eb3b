//! DVT-P012: places where an expression's value would become code, or where it would be read before a run exists.

use crate::diagnostic::codes;
use crate::diagnostic::collector::{Collector, Report, shown};
use crate::document::templates::locate;
use crate::expression::parse;
use crate::plan::Shell;
use crate::read::tree::{Entry, Kind, Node, Place};
use crate::template::{OPEN, Part, Piece, Template, split};
use dvt_model::interpreter::{Role, Words};

/// What each argument is to the program that reads it.
pub(crate) fn roles(program: &str, arguments: &[Template]) -> Vec<Role> {
    let mut words = Words::default();
    words.word(Some(program));
    let role = |template: &Template| match (template.as_literal(), template.pieces.first()) {
        (Some(text), _) => words.read(text, true),
        (None, Some(Piece::Text(text))) => words.read(text, false),
        (None, _) => words.read("", false),
    };
    arguments.iter().map(role).collect()
}

/// Refuses expressions in arguments that are code, or may be: what cannot be known is refused.
pub(crate) fn code_arguments(
    sink: &mut Collector<'_>,
    program: &str,
    arguments: &[Template],
    places: &[Place],
) {
    for ((template, place), role) in arguments.iter().zip(places).zip(roles(program, arguments)) {
        if role < Role::Unknown {
            continue;
        }
        let Some(name) = first_expression(template) else { continue };
        let at = first_place(sink.text(), *place).unwrap_or(*place);
        let (would, label) = match role {
            Role::Unknown => ("may", "what this word is to its program is not known before the run"),
            _ => ("would", "expressions are not allowed in code that an interpreter is given"),
        };
        let message = format!("the value of {} {would} become code here", shown(&name));
        let report = Report::error(codes::LITERAL_PLACE, at, message)
            .label(label)
            .why("whoever decides this value could write code here");
        sink.add(report.maybe_fix(move_to_env(&name, "\"$", "\"")));
    }
}

fn first_expression(template: &Template) -> Option<String> {
    template.pieces.iter().find_map(|piece| match piece {
        Piece::Expression(expression) => Some(expression.source().trim().to_owned()),
        Piece::Text(_) => None,
    })
}

/// Refuses every expression of one literal text; `shell` is its interpreter where it is a script.
pub(crate) fn refuse(sink: &mut Collector<'_>, node: &Node<'_>, what: &str, shell: Option<Shell>) {
    let Some(text) = node.as_text() else { return };
    let sources: Vec<&str> = match split(text) {
        Ok(parts) => parts
            .into_iter()
            .filter_map(|part| match part {
                Part::Expression(range) => text.get(range),
                Part::Text(_) => None,
            })
            .collect(),
        // Text of a shell may hold `${{` without an end; it is refused all the same, at its opening.
        Err(_) => vec![""],
    };
    for (nth, source) in sources.into_iter().enumerate() {
        let inside = locate(sink.text(), node.place, source, nth, 0..source.len());
        let place = if inside == node.place { inside } else { with_marks(sink.text(), inside) };
        let name = source.trim();
        let message = match shell {
            Some(_) if !name.is_empty() => format!("the value of {} would become code here", shown(name)),
            _ => format!("{what} is literal and takes no expression"),
        };
        let report = Report::error(codes::LITERAL_PLACE, place, message)
            .label(format!("expressions are not allowed inside {what}"));
        let report = match shell {
            Some(Shell::Bash | Shell::Sh) => report
                .why("whoever starts the run could write shell here")
                .maybe_fix(move_to_env(name, "\"$", "\"")),
            Some(Shell::Python) => report
                .why("whoever starts the run could write Python here")
                .maybe_fix(move_to_env(name, "os.environ[\"", "\"]")),
            None => report.why("it is read before a run exists, or would decide what is run"),
        };
        sink.add(report);
        if !sink.has_room() {
            return;
        }
    }
}

/// Refuses expressions anywhere inside a value.
pub(crate) fn refuse_within(sink: &mut Collector<'_>, node: &Node<'_>, what: &str) {
    match &node.kind {
        Kind::Text(text) if text.contains(OPEN) => refuse(sink, node, what, None),
        Kind::List(items) => items.iter().for_each(|item| refuse_within(sink, item, what)),
        Kind::Map(entries) => {
            for entry in entries {
                if entry.key.contains(OPEN) {
                    refuse_key(sink, entry, what);
                }
                refuse_within(sink, &entry.value, what);
            }
        }
        _ => {}
    }
}

/// Refuses an expression in a key.
pub(crate) fn refuse_key(sink: &mut Collector<'_>, entry: &Entry<'_>, what: &str) {
    let message = format!("the key {} is literal and takes no expression", shown(entry.key));
    let report = Report::error(codes::LITERAL_PLACE, entry.place, message);
    let what = what.trim_matches('`');
    sink.add(
        report
            .label(format!("expressions are not allowed in keys of `{what}`"))
            .fix("put the data into a value"),
    );
}

/// `env: { DATE: '${{ inputs.date }}' }` and how the code reads it; nothing where an expression there would be refused as well.
fn move_to_env(source: &str, before: &str, after: &str) -> Option<String> {
    let name = source
        .rsplit(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
        .find(|word| word.starts_with(|first: char| first.is_ascii_alphabetic()));
    let name = name.unwrap_or("VALUE").to_ascii_uppercase();
    if let Some(secret) = source.strip_prefix("secrets.")
        && secret.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    {
        return Some(format!("secrets: {{ {name}: … }}   and read the file {before}{name}_FILE{after}"));
    }
    if !source.is_empty() && parse(source).ok().is_none_or(|expression| expression.has_unknown()) {
        return None;
    }
    let source = if source.is_empty() { "…" } else { source };
    let quoted = source.replace('\'', "''");
    Some(format!("env: {{ {name}: '${{{{ {quoted} }}}}' }}   and write {before}{name}{after}"))
}

/// From the inside of an expression to the expression with its marks.
fn with_marks(text: &str, inside: Place) -> Place {
    let start = text.get(..inside.start as usize).and_then(|before| before.rfind(OPEN));
    let end = text.get(inside.end as usize..).and_then(|after| after.find("}}"));
    match (start, end) {
        (Some(start), Some(end)) => Place::new(start, inside.end as usize + end + 2),
        (Some(start), None) => Place::new(start, inside.end as usize),
        (None, _) => inside,
    }
}

fn first_place(text: &str, place: Place) -> Option<Place> {
    let (start, end) = (place.start as usize, place.end as usize);
    let raw = text.get(start..end)?;
    let open = raw.find(OPEN)?;
    let close = raw.get(open..)?.find("}}")? + open + 2;
    Some(Place::new(start + open, start + close))
}
