//! DVT-P022: a whole argument from an expression could be read as an option of the program; DVT-P012 where that takes code.

use crate::diagnostic::codes;
use crate::diagnostic::collector::{Collector, Report, shown};
use crate::document::{Draft, StepDraft};
use crate::expression::Begins;
use crate::input::{Input, Schema, Type};
use crate::plan::{Form, Source};
use crate::template::{Piece, Template, TemplateValue};
use dvt_model::interpreter::Role;
use serde_json::Value;
use std::collections::BTreeMap;

/// Warns about arguments that begin with the value of an expression and may begin with `-`.
pub(crate) fn check(draft: &Draft, sink: &mut Collector<'_>) {
    for step in draft.bodies() {
        let Some(Form::Run { program, arguments }) = &step.form else { continue };
        let begins = |template: &Template| matches!(template.pieces.first(), Some(Piece::Expression(_)));
        if !arguments.iter().any(begins) {
            continue;
        }
        // What is code is refused already; a second word about it would only distract.
        let roles = super::literals::roles(program, arguments);
        let places = step.argument_places.iter().zip(roles);
        for (index, (template, (place, role))) in arguments.iter().zip(places).enumerate() {
            // A program of the table that takes code behind `--` all the same has said so.
            if template.as_literal() == Some("--") {
                break;
            }
            let Some(Piece::Expression(expression)) = template.pieces.first() else { continue };
            if role >= Role::Unknown || cannot_be_option(template, step, &draft.inputs) {
                continue;
            }
            let source = expression.source().trim();
            let option = index.checked_sub(1).and_then(|before| arguments.get(before));
            let option = option.and_then(Template::as_literal).filter(|text| text.starts_with("--"));
            let fix = match option {
                Some(option) => format!("'{option}=${{{{ {source} }}}}'   as one argument"),
                None => format!(
                    "'--', '${{{{ {source} }}}}'   or a pattern for the input that begins with ^[A-Za-z0-9]"
                ),
            };
            let message = format!("the value of {} may begin with `-`", shown(source));
            let report = if role == Role::MayBeOption {
                Report::error(codes::LITERAL_PLACE, *place, message)
                    .why("an option of this program takes code, so whoever decides this value could write code here")
            } else {
                Report::warning(codes::ARGUMENT_MAY_BE_OPTION, *place, message)
                    .why("the program would read it as an option")
            };
            sink.add(report.fix(fix));
        }
    }
}

fn cannot_be_option(template: &Template, step: &StepDraft, inputs: &BTreeMap<String, Input>) -> bool {
    for piece in &template.pieces {
        let begins = match piece {
            Piece::Text(text) => Begins::of(text),
            Piece::Expression(expression) => expression.begins(&|path| of_path(path, step, inputs)),
        };
        match begins {
            Begins::Otherwise => return true,
            Begins::MaybeDash => return false,
            // What follows may be the beginning.
            Begins::MaybeEmpty => {}
        }
    }
    true
}

fn of_path(path: &str, step: &StepDraft, inputs: &BTreeMap<String, Input>) -> Begins {
    // These are made by DVT and never begin with a dash.
    let made = [
        "run.id",
        "run.startedAt",
        "run.status",
        "tenant.id",
        "index",
        "plan.id",
        "plan.name",
        "plan.version",
        "plan.digest",
    ];
    if made.contains(&path) || is_of_a_step(path) {
        return Begins::Otherwise;
    }
    let input = |name: &str| inputs.get(name.strip_prefix("inputs.")?).map(|input| &input.schema);
    if path == "item" {
        return match step.foreach.as_ref().map(|foreach| &foreach.source) {
            Some(Source::List(TemplateValue::Literal(Value::Array(items)))) => of_values(items),
            Some(Source::List(TemplateValue::Expression(list))) => {
                let items = input(list.source().trim()).and_then(|list| list.items.as_deref());
                items.map_or(Begins::MaybeDash, of_schema)
            }
            _ => Begins::MaybeDash,
        };
    }
    input(path).map_or(Begins::MaybeDash, of_schema)
}

/// `steps.load.status` and `steps.load.attempt`.
fn is_of_a_step(path: &str) -> bool {
    let mut words = path.split('.');
    words.next() == Some("steps")
        && words.next().is_some()
        && matches!(words.next(), Some("status" | "attempt"))
        && words.next().is_none()
}

fn of_values(values: &[Value]) -> Begins {
    let of = |value: &Value| match value {
        Value::String(text) => Begins::of(text),
        Value::Number(number) if number.as_f64().is_none_or(|number| number < 0.0) => Begins::MaybeDash,
        Value::Null | Value::Array(_) | Value::Object(_) | Value::Bool(_) | Value::Number(_) => {
            Begins::Otherwise
        }
    };
    values.iter().map(of).max().unwrap_or(Begins::MaybeDash)
}

/// What the values that fit begin with.
fn of_schema(schema: &Schema) -> Begins {
    if let Some(values) = &schema.one_of {
        return of_values(values);
    }
    if let Some(value) = &schema.constant {
        return of_values(std::slice::from_ref(value));
    }
    let positive = schema.minimum.is_some_and(|least| least >= 0.0);
    let is_harmless = schema.pattern.as_ref().is_some_and(|pattern| starts_with_letter(pattern.source()))
        || (!schema.types.is_empty()
            && schema.types.iter().all(|one| match one {
                Type::Boolean | Type::Null => true,
                Type::Integer | Type::Number => positive,
                Type::String | Type::Array | Type::Object => false,
            }));
    if is_harmless { Begins::Otherwise } else { Begins::MaybeDash }
}

/// Whether a pattern is anchored and its first letter cannot be a dash; alternatives at the top are not looked into.
fn starts_with_letter(pattern: &str) -> bool {
    let Some(rest) = pattern.strip_prefix('^') else { return false };
    if pattern.contains('|') {
        return false;
    }
    let (first, after) = match rest.strip_prefix('[') {
        Some(set) => match set.split_once(']') {
            // Ranges such as `a-z` are fine; a dash at either end is a dash, and classes such as `[:alpha:]` are not read.
            Some((set, after)) => (
                !set.starts_with(['-', '^'])
                    && !set.ends_with('-')
                    && !set.contains(['\\', '['])
                    && !wide(set),
                after,
            ),
            None => return false,
        },
        None => match rest.chars().next() {
            Some(letter) if letter.is_ascii_alphanumeric() => (true, rest.get(1..).unwrap_or_default()),
            _ => return false,
        },
    };
    first && !after.starts_with(['*', '?']) && !after.starts_with("{0")
}

/// Whether a set has a range other than of letters or digits, which could hold the dash.
fn wide(set: &str) -> bool {
    let letters: Vec<char> = set.chars().collect();
    letters.windows(3).any(|three| match three {
        [low, '-', high] => !(low.is_ascii_alphanumeric() && high.is_ascii_alphanumeric()),
        _ => false,
    })
}
