//! `inputs`: each a JSON Schema of the words that can be checked here. Other words are refused, for a schema word that
//! is silently ignored is a check that somebody believes in.

use super::keys::or;
use super::plan::{bad_name, is_input_name};
use super::{Draft, Reader};
use crate::diagnostic::codes;
use crate::diagnostic::collector::{Report, shown};
use crate::diagnostic::nearest;
use crate::expression::as_re2;
use crate::input::{Input, Pattern, Schema, Type};
use crate::read::tree::{Entry, Kind, Node, Place};
use serde_json::Value;

const MOST_INPUTS: usize = 256;
/// Parts of all schemas of a plan together: inputs, outputs of steps, payloads of signals.
const MOST_SCHEMAS: usize = 20_000;
const MOST_PATTERNS: usize = 100;
/// Bytes of one pattern.
const LONGEST_PATTERN: usize = 4 << 10;
/// Memory that one compiled pattern may take.
const PATTERN_BYTES: usize = 64 << 10;

/// Words of a schema.
pub(crate) const WORDS: &[&str] = &[
    "type",
    "enum",
    "const",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "items",
    "minItems",
    "maxItems",
    "properties",
    "required",
    "additionalProperties",
    "default",
    "title",
    "description",
];

/// Words that mean something only in values of these types.
const WORDS_OF_TYPES: &[(&str, &[Type])] = &[
    ("pattern", &[Type::String]),
    ("minLength", &[Type::String]),
    ("maxLength", &[Type::String]),
    ("minimum", &[Type::Integer, Type::Number]),
    ("maximum", &[Type::Integer, Type::Number]),
    ("items", &[Type::Array]),
    ("minItems", &[Type::Array]),
    ("maxItems", &[Type::Array]),
    ("properties", &[Type::Object]),
    ("required", &[Type::Object]),
    ("additionalProperties", &[Type::Object]),
];

/// Reads all inputs.
pub(crate) fn inputs(reader: &mut Reader<'_, '_>, entry: &Entry<'_>, draft: &mut Draft) {
    let entries = reader.mapping("inputs", entry.place, &entry.value).unwrap_or_default();
    if entries.len() > MOST_INPUTS {
        let message = format!("the plan has {} inputs, and {MOST_INPUTS} is the most", entries.len());
        reader.error(codes::OUT_OF_LIMITS, entry.place, message);
        return;
    }
    for input in entries {
        if !is_input_name(input.key) {
            bad_name(reader, input.key, input.place, "an input");
            continue;
        }
        draft.input_places.insert(input.key.to_string(), input.place);
        crate::check::literals::refuse_within(reader.sink, &input.value, "the schema of an input");
        let (schema, default) = read(reader, input, &input.value);
        draft.inputs.insert(input.key.to_string(), Input { schema, default });
    }
}

/// The schema of something that is no input: a step's output, a signal's payload.
pub(crate) fn of_value(reader: &mut Reader<'_, '_>, entry: &Entry<'_>, what: &str) -> Schema {
    crate::check::literals::refuse_within(reader.sink, &entry.value, what);
    read(reader, entry, &entry.value).0
}

fn read(reader: &mut Reader<'_, '_>, entry: &Entry<'_>, node: &Node<'_>) -> (Schema, Option<Value>) {
    let mut schema = Schema { additional: true, ..Schema::default() };
    let mut default = None;
    if !has_room(reader, 1, entry.place) {
        return (schema, default);
    }
    reader.schemas += 1;
    let Some(entries) = node.as_map() else {
        let mut report = Report::error(
            codes::INPUT_SCHEMA,
            or(node.place, entry.place),
            format!("the schema of {} is a mapping, not {}", shown(entry.key), node.type_name()),
        );
        if node.as_text().is_some_and(|text| Type::WORDS.iter().any(|(word, _)| *word == text)) {
            report = report.fix(format!("{}: {{ type: {} }}", entry.key, node.as_text().unwrap_or_default()));
        } else {
            report = report.fix(format!("{}: {{ type: string, default: … }}", entry.key));
        }
        reader.sink.add(report);
        return (schema, default);
    };
    for word in entries {
        one_word(reader, word, &mut schema, &mut default);
    }
    misplaced(reader, entries, &schema);
    if let (Some(value), Some(word)) = (&default, node.entry("default"))
        && let Err(reason) = schema.check(value, &mut String::new())
    {
        let place = or(word.value.place, word.place);
        // A number in it that is none was told, and stands here as nothing.
        if !reader.sink.has_error_within(place) {
            let message = format!("the default of {} does not fit its schema: {reason}", shown(entry.key));
            reader.error(codes::INPUT_SCHEMA, place, message);
        }
    }
    (schema, default)
}

/// Whether so many more parts may stand in the plan; the first that may not is told, and from then on there is no room.
fn has_room(reader: &mut Reader<'_, '_>, more: usize, place: Place) -> bool {
    if reader.schemas.saturating_add(more) <= MOST_SCHEMAS {
        return true;
    }
    if reader.schemas <= MOST_SCHEMAS {
        let message = format!("the schemas of the plan have more than {MOST_SCHEMAS} parts");
        reader.error(codes::OUT_OF_LIMITS, place, message);
    }
    reader.schemas = MOST_SCHEMAS + 1;
    false
}

fn one_word(reader: &mut Reader<'_, '_>, word: &Entry<'_>, schema: &mut Schema, default: &mut Option<Value>) {
    let most = u64::from(u32::MAX);
    match word.name() {
        "type" => schema.types = types(reader, word),
        "enum" => match &word.value.kind {
            Kind::List(items) if !items.is_empty() => {
                schema.one_of = Some(items.iter().map(Node::to_value).collect());
            }
            _ => fault(reader, word, "`enum` takes a list of values"),
        },
        "const" => schema.constant = Some(word.value.to_value()),
        "pattern" => schema.pattern = pattern(reader, word),
        "minLength" => schema.min_length = reader.integer(word, 0, most),
        "maxLength" => schema.max_length = reader.integer(word, 0, most),
        "minItems" => schema.min_items = reader.integer(word, 0, most),
        "maxItems" => schema.max_items = reader.integer(word, 0, most),
        "minimum" => schema.minimum = number(reader, word),
        "maximum" => schema.maximum = number(reader, word),
        "items" => schema.items = Some(Box::new(read(reader, word, &word.value).0)),
        "properties" => {
            let properties = reader.mapping("properties", word.place, &word.value).unwrap_or_default();
            // Asked before the first of them is built: more than all that there may be is not built for nothing.
            if !has_room(reader, properties.len(), word.place) {
                return;
            }
            for property in properties {
                schema.properties.insert(property.key.to_string(), read(reader, property, &property.value).0);
            }
        }
        "required" => schema.required = reader.strings(word).into_iter().map(|(name, _)| name).collect(),
        "additionalProperties" => match word.value.kind {
            Kind::Bool(value) => schema.additional = value,
            _ => fault(reader, word, "`additionalProperties` takes `true` or `false` here"),
        },
        "default" => *default = Some(word.value.to_value()),
        "title" => schema.title = reader.words(word),
        "description" => schema.description = reader.words(word),
        other => {
            let message = format!("{} is no word of a schema here", shown(other));
            let near = nearest::nearest(other, WORDS.iter().copied());
            let report = Report::error(codes::INPUT_SCHEMA, word.place, message).did_you_mean(near);
            let why = "a word that is not checked would be a promise that nothing keeps";
            let fix = match other {
                "required?" | "optional" => "an input with a `default` is optional",
                "format" => "pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}$'",
                "choices" | "options" | "values" => "enum: [a, b]",
                _ => "leave it out",
            };
            reader.sink.add(report.why(why).fix(fix).choices(nearest::ordered(other, WORDS.iter().copied())));
        }
    }
}

fn fault(reader: &mut Reader<'_, '_>, word: &Entry<'_>, message: impl Into<String>) {
    reader.error(codes::INPUT_SCHEMA, or(word.value.place, word.place), message);
}

fn types(reader: &mut Reader<'_, '_>, word: &Entry<'_>) -> Vec<Type> {
    let mut found = Vec::new();
    for (text, place) in reader.strings(word) {
        match Type::WORDS.iter().find(|(known, _)| *known == text) {
            Some((_, one)) => found.push(*one),
            None if !reader.sink.has_room() => {
                reader.error(codes::INPUT_SCHEMA, place, format!("{} is no type", shown(&text)));
            }
            None => {
                let names = Type::WORDS.iter().map(|(known, _)| *known);
                let ours = match text.as_str() {
                    "int" | "Integer" | "long" => Some("integer"),
                    "str" | "text" | "date" | "datetime" | "secret" => Some("string"),
                    "bool" => Some("boolean"),
                    "list" => Some("array"),
                    "map" | "dict" | "json" => Some("object"),
                    "float" | "double" | "decimal" => Some("number"),
                    other => nearest::nearest(other, names.clone()),
                };
                let report =
                    Report::error(codes::INPUT_SCHEMA, place, format!("{} is no type", shown(&text)));
                let mut choices = nearest::ordered(ours.unwrap_or(&text), names);
                choices.dedup();
                reader.sink.add(report.did_you_mean(ours).choices(choices));
            }
        }
    }
    found
}

fn number(reader: &mut Reader<'_, '_>, word: &Entry<'_>) -> Option<f64> {
    if let Kind::Number(number) = &word.value.kind {
        return number.as_f64();
    }
    reader.wrong(or(word.value.place, word.place), word.key, "a number", &word.value);
    None
}

fn pattern(reader: &mut Reader<'_, '_>, word: &Entry<'_>) -> Option<Pattern> {
    let Some(text) = word.value.as_text() else {
        reader.wrong(or(word.value.place, word.place), "pattern", "a regular expression", &word.value);
        return None;
    };
    reader.patterns += 1;
    if reader.patterns > MOST_PATTERNS {
        if reader.patterns == MOST_PATTERNS + 1 {
            fault(reader, word, format!("the inputs have more than {MOST_PATTERNS} patterns"));
        }
        return None;
    }
    if text.len() > LONGEST_PATTERN {
        fault(reader, word, format!("the pattern {} is too large", shown(text)));
        return None;
    }
    // INVARIANT(INV-21): a pattern is bounded in memory when it is compiled, and linear in the text when it is matched.
    let built = regex::RegexBuilder::new(&as_re2(text))
        .size_limit(PATTERN_BYTES)
        .dfa_size_limit(PATTERN_BYTES)
        .nest_limit(32)
        .build();
    match built {
        Ok(regex) => Some(Pattern::new(text.to_owned(), regex)),
        Err(regex::Error::CompiledTooBig(_)) => {
            fault(reader, word, format!("the pattern {} is too large", shown(text)));
            None
        }
        Err(error) => {
            // The engine draws the pattern with a caret; its last line says what is wrong.
            let lines = error.to_string();
            let last = lines.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            fault(reader, word, format!("the pattern {} is none: {last}", shown(text)));
            None
        }
    }
}

fn misplaced(reader: &mut Reader<'_, '_>, entries: &[Entry<'_>], schema: &Schema) {
    if schema.types.is_empty() {
        return;
    }
    for word in entries {
        let owners = WORDS_OF_TYPES.iter().find(|(known, _)| *known == word.name());
        if let Some((known, owners)) =
            owners.filter(|(_, owners)| !owners.iter().any(|one| schema.types.contains(one)))
        {
            let names = owners.iter().map(|one| one.word()).collect::<Vec<_>>().join(" or ");
            let message = format!("`{known}` is a word for values of type {names}, and this one is none");
            reader.error(codes::INPUT_SCHEMA, word.place, message);
        }
    }
}
