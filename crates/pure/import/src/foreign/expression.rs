//! Foreign expressions as expressions of a plan.
//!
//! Where the other dialect pastes text or guesses at types, this writes down which comparison is meant. What has no
//! counterpart is an error with its words, never a value that happens to parse.

use super::parse::Tree;
use crate::Kept;

/// What an expression gives, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gives {
    Flag,
    Number,
    Text,
    List,
    Any,
}

/// An expression of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cel {
    pub(crate) source: String,
    pub(crate) gives: Gives,
    /// The text, where it is a literal.
    pub(crate) literal: Option<String>,
    /// The text that it was, where it stands for one with values in it.
    pub(crate) parts: Vec<super::text::Piece>,
    /// The members of a list that is known.
    members: Vec<Cel>,
    is_atom: bool,
}

impl Cel {
    pub(crate) fn new(source: impl Into<String>, gives: Gives) -> Self {
        Self {
            source: source.into(),
            gives,
            literal: None,
            parts: Vec::new(),
            members: Vec::new(),
            is_atom: true,
        }
    }

    pub(crate) fn text(text: &str) -> Self {
        Self { literal: Some(text.to_owned()), ..Self::new(quoted(text), Gives::Text) }
    }

    /// A number as it is written; `None` where a plan keeps none like it.
    pub(crate) fn number(written: &str) -> Option<Self> {
        Kept::read(written)?;
        Some(Self { literal: Some(written.to_owned()), ..Self::new(written, Gives::Number) })
    }

    pub(crate) fn flag(flag: bool) -> Self {
        Self { literal: Some(flag.to_string()), ..Self::new(flag.to_string(), Gives::Flag) }
    }

    pub(crate) fn compound(source: String, gives: Gives) -> Self {
        Self { is_atom: false, ..Self::new(source, gives) }
    }

    /// A known value; a number that no plan keeps is its text.
    pub(crate) fn json(value: &serde_json::Value) -> Self {
        use serde_json::Value;
        match value {
            Value::Null => Self::new("null", Gives::Any),
            Value::Bool(flag) => Self::flag(*flag),
            Value::Number(number) => {
                let written = number.to_string();
                Self::number(&written).unwrap_or_else(|| Self::text(&written))
            }
            Value::String(text) => Self::text(text),
            Value::Array(items) => {
                let members: Vec<Self> = items.iter().map(Self::json).collect();
                let sources: Vec<&str> = members.iter().map(|member| member.source.as_str()).collect();
                let source = format!("[{}]", sources.join(", "));
                Self { members, ..Self::new(source, Gives::List) }
            }
            Value::Object(entries) => {
                let entries = entries.iter();
                let entries: Vec<String> = entries
                    .map(|(key, value)| format!("{}: {}", quoted(key), Self::json(value).source))
                    .collect();
                Self::new(format!("{{{}}}", entries.join(", ")), Gives::Any)
            }
        }
    }

    /// As an operand.
    pub(crate) fn operand(&self) -> String {
        if self.is_atom { self.source.clone() } else { format!("({})", self.source) }
    }

    /// As a text.
    pub(crate) fn as_text(&self) -> String {
        match (&self.literal, self.gives) {
            (Some(literal), _) => quoted(literal),
            (None, Gives::Text) => self.operand(),
            (None, Gives::List) => self.in_text(),
            (None, Gives::Flag | Gives::Number | Gives::Any) => format!("string({})", self.source),
        }
    }

    /// As it stands between `${{` and `}}` inside a text: a list is its JSON there.
    pub(crate) fn in_text(&self) -> String {
        match self.gives {
            Gives::List => format!("toJson({})", self.source),
            Gives::Flag | Gives::Number | Gives::Text | Gives::Any => self.source.clone(),
        }
    }

    /// As a condition: what is empty, zero, false or missing is false.
    pub(crate) fn truth(self) -> Self {
        match (self.gives, &self.literal) {
            (Gives::Flag, _) => self,
            (Gives::Text, Some(text)) => Self::flag(!text.is_empty()),
            (Gives::Text, None) => Self::compound(format!("{} != \"\"", self.operand()), Gives::Flag),
            (Gives::Number, _) => Self::compound(format!("{} != 0", self.operand()), Gives::Flag),
            (Gives::List | Gives::Any, _) => {
                Self::new(format!("!({} in [null, false, 0, \"\"])", self.operand()), Gives::Flag)
            }
        }
    }
}

/// A text as a literal that neither ends itself nor the expression around it.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for letter in text.chars() {
        match letter {
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '"' | '\\' => out.extend(['\\', letter]),
            '{' | '}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(letter)));
            }
            control if control.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

/// Words that no field's name may be after a dot.
const KEYWORDS: [&str; 4] = ["in", "true", "false", "null"];

/// `base.name`, or with brackets where the name is none that may follow a dot.
pub(crate) fn field(base: &str, name: &str) -> String {
    let starts = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let is_plain = starts && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_plain && !KEYWORDS.contains(&name) {
        format!("{base}.{name}")
    } else {
        format!("{base}[{}]", quoted(name))
    }
}

/// What a dialect knows of names.
pub(crate) trait Names {
    /// The value of a path; the error is what cannot be kept.
    fn path(&mut self, names: &[String]) -> Result<Cel, String>;

    /// What stands between `{{` and `}}` inside an expression.
    fn inner(&mut self, text: &str) -> Result<Cel, String>;
}

/// An expression of a plan that means the same.
pub(crate) fn render(tree: &Tree, names: &mut dyn Names) -> Result<Cel, String> {
    Ok(match tree {
        Tree::Text(text) => Cel::text(text),
        Tree::Number(number) => Cel::number(number).ok_or_else(|| number.clone())?,
        Tree::Flag(flag) => Cel::flag(*flag),
        Tree::Null => Cel::new("null", Gives::Any),
        Tree::Path(path) => names.path(path)?,
        Tree::Inner(text) => names.inner(text)?,
        Tree::Call(name, arguments) => call(name, arguments, names)?,
        Tree::Not(inner) => {
            let inner = render(inner, names)?.truth();
            Cel::new(format!("!{}", inner.operand()), Gives::Flag)
        }
        Tree::Choice(condition, then, other) => {
            let condition = render(condition, names)?.truth();
            choice(&condition, &render(then, names)?, &render(other, names)?)
        }
        Tree::Pair(sign, left, right) => pair(sign, left, right, names)?,
    })
}

fn choice(condition: &Cel, then: &Cel, other: &Cel) -> Cel {
    let gives = if then.gives == other.gives { then.gives } else { Gives::Any };
    Cel::compound(format!("{} ? {} : {}", condition.operand(), then.operand(), other.operand()), gives)
}

fn pair(sign: &str, left: &Tree, right: &Tree, names: &mut dyn Names) -> Result<Cel, String> {
    // `a && b || c` is GitHub's way to say `a ? b : c`.
    if let (("||", Tree::Pair("&&", condition, then)), other) = ((sign, left), right) {
        let then = render(then, names)?;
        if then.gives != Gives::Flag {
            let condition = render(condition, names)?.truth();
            return Ok(choice(&condition, &then, &render(other, names)?));
        }
    }
    let (left, right) = (render(left, names)?, render(right, names)?);
    Ok(match sign {
        "||" if left.gives != Gives::Flag => choice(&left.clone().truth(), &left, &right),
        "&&" | "||" => {
            let (left, right) = (left.truth(), right.truth());
            Cel::compound(format!("{} {sign} {}", left.operand(), right.operand()), Gives::Flag)
        }
        "??" => {
            let missing = Cel::compound(format!("{} == null", left.operand()), Gives::Flag);
            choice(&missing, &right, &left)
        }
        "==" | "!=" => {
            let one_kind = left.gives == right.gives || left.source == "null" || right.source == "null";
            let compares_numbers = left.gives == Gives::Number || right.gives == Gives::Number;
            let flags = left.gives == Gives::Flag || right.gives == Gives::Flag;
            let (left, right) = if !one_kind && (compares_numbers || flags) {
                (left.as_text(), right.as_text())
            } else {
                (left.operand(), right.operand())
            };
            Cel::compound(format!("{left} {sign} {right}"), Gives::Flag)
        }
        "<" | ">" | "<=" | ">=" => {
            let number = |side: &Cel| match (side.gives, &side.literal) {
                (Gives::Number, _) => side.operand(),
                (_, Some(text)) if Kept::read(text).is_some() => text.clone(),
                _ => format!("double({})", side.source),
            };
            Cel::compound(format!("{} {sign} {}", number(&left), number(&right)), Gives::Flag)
        }
        "+" if left.gives == Gives::Text || right.gives == Gives::Text => {
            Cel::compound(format!("{} + {}", left.as_text(), right.as_text()), Gives::Text)
        }
        _ => {
            let number = |side: &Cel| match side.gives {
                Gives::Number => side.operand(),
                _ => format!("int({})", side.source),
            };
            Cel::compound(format!("{} {sign} {}", number(&left), number(&right)), Gives::Number)
        }
    })
}

fn call(name: &str, arguments: &[Tree], names: &mut dyn Names) -> Result<Cel, String> {
    let mut given = Vec::with_capacity(arguments.len());
    for argument in arguments {
        given.push(render(argument, names)?);
    }
    let lower = name.to_ascii_lowercase();
    Ok(match (lower.as_str(), given.as_slice()) {
        ("always" | "success" | "failure", []) => Cel::new(format!("{lower}()"), Gives::Flag),
        ("contains", [list, item]) if matches!(list.gives, Gives::List) => {
            // What is of several types is compared as texts, as `==` does.
            let are_known = list.members.iter().all(|member| member.literal.is_some());
            let is_mixed = list.members.iter().any(|member| member.gives != item.gives);
            let (item, list) = if are_known && is_mixed {
                let members: Vec<String> = list.members.iter().map(Cel::as_text).collect();
                (item.as_text(), format!("[{}]", members.join(", ")))
            } else {
                (item.operand(), list.operand())
            };
            Cel::compound(format!("{item} in {list}"), Gives::Flag)
        }
        ("contains", [text, part]) => method(text, "contains", part),
        ("startswith", [text, part]) => method(text, "startsWith", part),
        ("endswith", [text, part]) => method(text, "endsWith", part),
        ("fromjson", [text]) => {
            let is_list = text.literal.as_deref().is_some_and(|text| text.trim_start().starts_with('['));
            let gives = if is_list { Gives::List } else { Gives::Any };
            Cel::new(format!("fromJson({})", text.as_text()), gives)
        }
        ("tojson", [value]) => Cel::new(format!("toJson({})", value.source), Gives::Text),
        ("join", [list]) => Cel::new(format!("{}.join(\",\")", list.operand()), Gives::Text),
        ("join", [list, between]) => {
            Cel::new(format!("{}.join({})", list.operand(), between.as_text()), Gives::Text)
        }
        ("format", [Cel { literal: Some(template), .. }, values @ ..]) => format_call(template, values)?,
        ("asint" | "int", [value]) => Cel::new(format!("int({})", value.source), Gives::Number),
        ("asfloat" | "float", [value]) => Cel::new(format!("double({})", value.source), Gives::Number),
        ("string", [value]) => Cel::new(value.as_text(), Gives::Text),
        ("len", [value]) => Cel::new(format!("size({})", value.source), Gives::Number),
        _ => return Err((*name).to_owned()),
    })
}

fn method(text: &Cel, name: &str, part: &Cel) -> Cel {
    Cel::new(format!("{}.{name}({})", text.as_text(), part.as_text()), Gives::Flag)
}

/// GitHub's `format('{0} of {1}', a, b)`.
fn format_call(template: &str, values: &[Cel]) -> Result<Cel, String> {
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (number, after) = after.split_once('}').ok_or("format")?;
        let value = number.parse::<usize>().ok().and_then(|at| values.get(at)).ok_or("format")?;
        if !before.is_empty() {
            parts.push(quoted(before));
        }
        parts.push(value.as_text());
        rest = after;
    }
    if !rest.is_empty() || parts.is_empty() {
        parts.push(quoted(rest));
    }
    Ok(Cel::compound(parts.join(" + "), Gives::Text))
}
