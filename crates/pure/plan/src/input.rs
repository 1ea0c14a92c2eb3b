//! Inputs of a plan: a JSON Schema subset, checked when a run starts.
//!
//! An input without default is required. `pattern` is searched in the text, as JSON Schema has it, by an engine whose
//! time is linear in the text.

use crate::diagnostic::nearest;
use crate::plan::Plan;
use dvt_model::canonical;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;

/// One declared input.
#[derive(Debug, Clone)]
pub struct Input {
    /// What its value must be.
    pub schema: Schema,
    /// Its value where none is given; without one the input is required.
    pub default: Option<Value>,
}

/// What a value must be.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    /// Allowed types; empty is any.
    pub types: Vec<Type>,
    /// Exactly one of these.
    pub one_of: Option<Vec<Value>>,
    /// Exactly this.
    pub constant: Option<Value>,
    /// Found in a string.
    pub pattern: Option<Pattern>,
    /// Characters of a string.
    pub min_length: Option<u64>,
    /// Characters of a string.
    pub max_length: Option<u64>,
    /// Of a number.
    pub minimum: Option<f64>,
    /// Of a number.
    pub maximum: Option<f64>,
    /// Each item of a list.
    pub items: Option<Box<Schema>>,
    /// Items of a list.
    pub min_items: Option<u64>,
    /// Items of a list.
    pub max_items: Option<u64>,
    /// Known members of an object.
    pub properties: BTreeMap<String, Schema>,
    /// Members that an object must have.
    pub required: Vec<String>,
    /// Whether an object may have other members; JSON Schema's default is yes.
    pub additional: bool,
    /// For people.
    pub title: Option<String>,
    /// For people.
    pub description: Option<String>,
}

/// A regular expression as it was written, and as it is matched: `\d`, `\w`, `\s` and `\b` are ASCII, as in `matches`.
#[derive(Debug, Clone)]
pub struct Pattern {
    source: String,
    regex: regex::Regex,
}

impl Pattern {
    pub(crate) const fn new(source: String, regex: regex::Regex) -> Self {
        Self { source, regex }
    }

    /// As it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether it is found anywhere in the text.
    pub fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

/// Types of JSON Schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Type {
    /// `null`
    Null,
    /// `true`, `false`
    Boolean,
    /// A number without fraction.
    Integer,
    /// Any number.
    Number,
    /// A string.
    String,
    /// A list.
    Array,
    /// An object.
    Object,
}

impl Type {
    /// All of them with their words.
    pub(crate) const WORDS: &'static [(&'static str, Self)] = &[
        ("string", Self::String),
        ("integer", Self::Integer),
        ("number", Self::Number),
        ("boolean", Self::Boolean),
        ("array", Self::Array),
        ("object", Self::Object),
        ("null", Self::Null),
    ];

    /// Its word in a schema.
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, found)| *found == self).map_or("", |(word, _)| word)
    }

    fn holds(self, value: &Value) -> bool {
        match self {
            Self::Null => value.is_null(),
            Self::Boolean => value.is_boolean(),
            Self::Integer => value.is_i64() || value.is_u64(),
            Self::Number => value.is_number(),
            Self::String => value.is_string(),
            Self::Array => value.is_array(),
            Self::Object => value.is_object(),
        }
    }
}

/// A given input that does not fit, or one that is missing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct InputError {
    /// The input.
    pub name: String,
    /// What is wrong, with the place inside the value as a JSON pointer where it is inside.
    pub message: String,
    /// The inputs that there are, nearest spelling first, where the name is unknown.
    pub choices: Vec<String>,
}

impl Input {
    /// Whether a value fits; the error names the place inside the value by JSON pointer.
    pub fn check(&self, value: &Value) -> Result<(), String> {
        self.schema.check(value, &mut String::new())
    }

    /// Reads the text of `-i name=text` by the declared type: a string stays as it is, anything else is JSON.
    pub fn parse_cli(&self, text: &str) -> Result<Value, String> {
        let types = &self.schema.types;
        let parsed = canonical::parse(text.as_bytes());
        if types.is_empty() {
            return match parsed {
                Ok(value) => Ok(value),
                Err(canonical::Error::Syntax(_)) if !is_number(text) => Ok(Value::String(text.to_owned())),
                // A number that cannot be kept is not kept as something else.
                Err(canonical::Error::Syntax(_)) => Err(format!(
                    "cannot be kept: the number `{0}` is not finite; send `\"{0}\"`",
                    short(text)
                )),
                Err(error) => Err(format!("cannot be kept: {error}")),
            };
        }
        if let Ok(value) = &parsed
            && types.iter().any(|one| *one != Type::String && one.holds(value))
        {
            return parsed.map_err(|error| error.to_string());
        }
        if types.contains(&Type::String) {
            return Ok(Value::String(text.to_owned()));
        }
        // `-i regions=eu,us` is what people type for a list of strings.
        let item = self.schema.items.as_ref().is_some_and(|items| items.types == [Type::String]);
        if types.contains(&Type::Array) && item && !text.starts_with('[') {
            let items = text.split(',').filter(|item| !item.is_empty());
            return Ok(Value::Array(items.map(|item| Value::String(item.to_owned())).collect()));
        }
        match parsed {
            Ok(_) => Err(format!("takes {}, not `{}`", self.schema.type_words(), short(text))),
            Err(error) => Err(format!(
                "takes {} as JSON, and `{}` is none: {error}",
                self.schema.type_words(),
                short(text)
            )),
        }
    }

    /// One line for people: `array of string, at most 16`.
    pub fn describe(&self) -> String {
        self.schema.describe()
    }
}

impl Schema {
    /// Whether a value fits; the error names the place inside the value by JSON pointer.
    pub fn fits(&self, value: &Value) -> Result<(), String> {
        self.check(value, &mut String::new())
    }

    fn type_words(&self) -> String {
        if self.types.is_empty() {
            return "any value".to_owned();
        }
        self.types.iter().map(|one| one.word()).collect::<Vec<_>>().join(" or ")
    }

    fn describe(&self) -> String {
        let mut text = self.type_words();
        if let Some(items) = &self.items {
            text.push_str(" of ");
            text.push_str(&items.type_words());
        }
        if let Some(most) = self.max_items.or(self.max_length) {
            text.push_str(&format!(", at most {most}"));
        }
        if let Some(values) = self.one_of.as_ref().filter(|values| values.len() <= 8) {
            text.push_str(&format!(", one of {}", Value::Array(values.clone())));
        }
        text
    }

    /// Documents nest 64 deep at most, and so do schemas: the recursion ends with the schema, not with the value.
    pub(crate) fn check(&self, value: &Value, pointer: &mut String) -> Result<(), String> {
        let at = if pointer.is_empty() { String::new() } else { format!("`{pointer}` ") };
        if !self.types.is_empty() && !self.types.iter().any(|one| one.holds(value)) {
            return Err(format!("{at}is {}, not {}", name_of(value), self.type_words()));
        }
        if self.constant.as_ref().is_some_and(|constant| constant != value) {
            return Err(format!("{at}is not the constant"));
        }
        if let Some(values) = self.one_of.as_ref().filter(|values| !values.contains(value)) {
            return Err(format!("{at}is not one of `{}`", short(&Value::Array(values.clone()).to_string())));
        }
        match value {
            Value::String(text) => self.check_text(text, &at),
            Value::Number(number) => {
                let number = number.as_f64().unwrap_or(f64::NAN);
                within(number, self.minimum, self.maximum, &at, "")
            }
            Value::Array(items) => {
                #[expect(clippy::cast_precision_loss, reason = "a list has far fewer than 2^53 items")]
                let bounds = [self.min_items, self.max_items].map(|bound| bound.map(|bound| bound as f64));
                #[expect(clippy::cast_precision_loss, reason = "a list has far fewer than 2^53 items")]
                within(items.len() as f64, bounds[0], bounds[1], &at, " items")?;
                let Some(schema) = &self.items else { return Ok(()) };
                items
                    .iter()
                    .enumerate()
                    .try_for_each(|(index, item)| schema.below(item, pointer, &index.to_string()))
            }
            Value::Object(map) => self.check_object(map, pointer, &at),
            Value::Null | Value::Bool(_) => Ok(()),
        }
    }

    fn below(&self, value: &Value, pointer: &mut String, name: &str) -> Result<(), String> {
        let length = pointer.len();
        pointer.push('/');
        pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
        self.check(value, pointer)?;
        pointer.truncate(length);
        Ok(())
    }

    fn check_text(&self, text: &str, at: &str) -> Result<(), String> {
        if self.min_length.is_some() || self.max_length.is_some() {
            #[expect(clippy::cast_precision_loss, reason = "a text has far fewer than 2^53 characters")]
            let bounds = [self.min_length, self.max_length].map(|bound| bound.map(|bound| bound as f64));
            #[expect(clippy::cast_precision_loss, reason = "a text has far fewer than 2^53 characters")]
            within(text.chars().count() as f64, bounds[0], bounds[1], at, " characters")?;
        }
        match self.pattern.as_ref().filter(|pattern| !pattern.is_match(text)) {
            Some(pattern) => Err(format!("{at}does not match `{}`", pattern.source())),
            None => Ok(()),
        }
    }

    fn check_object(&self, map: &Map<String, Value>, pointer: &mut String, at: &str) -> Result<(), String> {
        if let Some(missing) = self.required.iter().find(|name| !map.contains_key(*name)) {
            return Err(format!("{at}has no `{missing}`"));
        }
        for (name, value) in map {
            match self.properties.get(name) {
                Some(schema) => schema.below(value, pointer, name)?,
                None if self.additional => {}
                None => {
                    let near = nearest::nearest(name, self.properties.keys().map(String::as_str));
                    let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                    return Err(format!("{at}may not have `{}`{hint}", short(name)));
                }
            }
        }
        Ok(())
    }
}

fn within(found: f64, least: Option<f64>, most: Option<f64>, at: &str, what: &str) -> Result<(), String> {
    // A number that is none fits nothing.
    if let Some(least) = least.filter(|least| found < *least || found.is_nan()) {
        return Err(format!("{at}is {found}{what}, less than {least}"));
    }
    if let Some(most) = most.filter(|most| found > *most || found.is_nan()) {
        return Err(format!("{at}is {found}{what}, more than {most}"));
    }
    Ok(())
}

/// Whether a text is a number as JSON writes them, however large.
fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) =
        unsigned.split_once(['e', 'E']).map_or((unsigned, None), |(m, e)| (m, Some(e)));
    let (whole, fraction) = mantissa.split_once('.').map_or((mantissa, None), |(w, f)| (w, Some(f)));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let exponent = exponent.map(|exponent| exponent.strip_prefix(['+', '-']).unwrap_or(exponent));
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(digits)
}

fn name_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Values of inputs may be secret or long: messages repeat little of them.
fn short(text: &str) -> String {
    if text.chars().nth(80).is_none() {
        text.to_owned()
    } else {
        text.chars().take(80).chain(['…']).collect()
    }
}

impl fmt::Display for Input {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.describe())
    }
}

impl Plan {
    /// The inputs of a run: what was given, checked, with defaults filled in. Every fault is told, not the first alone.
    pub fn resolve_inputs(
        &self,
        given: BTreeMap<String, Value>,
    ) -> Result<BTreeMap<String, Value>, Vec<InputError>> {
        let mut errors = Vec::new();
        let mut resolved = BTreeMap::new();
        for (name, value) in given {
            let Some(input) = self.inputs.get(&name) else {
                errors.push(self.unknown_input(name));
                continue;
            };
            match canonical::normalise(value) {
                Ok(value) => match input.check(&value) {
                    Ok(()) => drop(resolved.insert(name, value)),
                    Err(reason) => {
                        let subject = if reason.starts_with('`') { "" } else { "it " };
                        let message = format!("the input `{name}` does not fit: {subject}{reason}");
                        errors.push(InputError { name, message, choices: Vec::new() });
                    }
                },
                Err(error) => {
                    let message = format!("the input `{name}` cannot be kept: {error}");
                    errors.push(InputError { name, message, choices: Vec::new() });
                }
            }
        }
        let wrong: Vec<&str> = errors.iter().map(|error| error.name.as_str()).collect();
        let mut missing = Vec::new();
        for (name, input) in &self.inputs {
            if resolved.contains_key(name) || wrong.contains(&name.as_str()) {
                continue;
            }
            match &input.default {
                Some(default) => drop(resolved.insert(name.clone(), default.clone())),
                None => missing.push(InputError {
                    name: name.clone(),
                    message: format!("the input `{name}` ({}) is missing", input.describe()),
                    choices: Vec::new(),
                }),
            }
        }
        errors.extend(missing);
        if errors.is_empty() { Ok(resolved) } else { Err(errors) }
    }

    fn unknown_input(&self, name: String) -> InputError {
        let names = self.inputs.keys().map(String::as_str);
        let hint = match nearest::nearest(&name, names.clone()) {
            Some(near) => format!("; did you mean `{near}`?"),
            None if self.inputs.is_empty() => "; it has none".to_owned(),
            None => String::new(),
        };
        let message = format!("the plan has no input `{}`{hint}", short(&name));
        InputError { choices: nearest::ordered(&name, names), name, message }
    }
}
