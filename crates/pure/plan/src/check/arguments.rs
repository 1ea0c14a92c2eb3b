//! DVT-P022: a whole argument from an expression could be read as an option of the program.

use crate::diagnostic::codes;
use crate::diagnostic::collector::{Collector, Report, shown};
use crate::document::{Draft, StepDraft};
use crate::input::{Input, Schema, Type};
use crate::plan::{Form, Source};
use crate::template::{Piece, Template, TemplateValue};
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
        let code = super::literals::code_positions(program, arguments);
        for (index, (template, place)) in arguments.iter().zip(&step.argument_places).enumerate() {
            if template.as_literal() == Some("--") {
                break;
            }
            let Some(Piece::Expression(expression)) = template.pieces.first() else { continue };
            if code.contains(&index) || cannot_be_option(template, step, &draft.inputs) {
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
            let report = Report::warning(codes::ARGUMENT_MAY_BE_OPTION, *place, message);
            sink.add(report.why("the program would read it as an option").fix(fix));
        }
    }
}

fn cannot_be_option(template: &Template, step: &StepDraft, inputs: &BTreeMap<String, Input>) -> bool {
    let [Piece::Expression(first), ..] = template.pieces.as_slice() else { return false };
    let source = first.source().trim();
    if let Some(text) = source.strip_prefix('\'') {
        return !text.starts_with('-');
    }
    // These are made by DVT and never begin with a dash.
    if matches!(source, "run.id" | "run.startedAt" | "run.status" | "tenant.id")
        || source.starts_with("hash(")
    {
        return true;
    }
    let input = |name: &str| inputs.get(name.strip_prefix("inputs.")?).map(|input| &input.schema);
    if source == "index" {
        return true;
    }
    if source == "item" {
        return match step.foreach.as_ref().map(|foreach| &foreach.source) {
            Some(Source::List(TemplateValue::Literal(Value::Array(items)))) => items.iter().all(harmless),
            Some(Source::List(TemplateValue::Expression(list))) => {
                input(list.source().trim()).and_then(|list| list.items.as_deref()).is_some_and(is_harmless)
            }
            _ => false,
        };
    }
    input(source).is_some_and(is_harmless)
}

fn harmless(value: &Value) -> bool {
    !value.as_str().is_some_and(|text| text.starts_with('-'))
        && !value.as_f64().is_some_and(|number| number < 0.0)
}

/// Whether no value that fits begins with a dash.
fn is_harmless(schema: &Schema) -> bool {
    let positive = schema.minimum.is_some_and(|least| least >= 0.0);
    schema.one_of.as_ref().is_some_and(|values| values.iter().all(harmless))
        || schema.constant.as_ref().is_some_and(harmless)
        || schema.pattern.as_ref().is_some_and(|pattern| starts_with_letter(pattern.as_str()))
        || (!schema.types.is_empty()
            && schema.types.iter().all(|one| match one {
                Type::Boolean | Type::Null => true,
                Type::Integer | Type::Number => positive,
                Type::String | Type::Array | Type::Object => false,
            }))
}

/// Whether a pattern is anchored and its first letter cannot be a dash; alternatives at the top are not looked into.
fn starts_with_letter(pattern: &str) -> bool {
    let Some(rest) = pattern.strip_prefix('^') else { return false };
    if pattern.contains('|') {
        return false;
    }
    let (first, after) = match rest.strip_prefix('[') {
        Some(set) => match set.split_once(']') {
            // Ranges such as `a-z` are fine; a dash at either end is a dash.
            Some((set, after)) => (
                !set.starts_with(['-', '^']) && !set.ends_with('-') && !set.contains('\\') && !wide(set),
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
