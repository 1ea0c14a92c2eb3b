//! A piece of an expression of a plan, what it gives, and how it stands as a text, as a condition, as an operand.

use super::gives::Gives;
use super::text::Piece;
use crate::Kept;

/// An expression of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cel {
    pub(crate) source: String,
    pub(crate) gives: Gives,
    /// The text, where it is a literal.
    pub(crate) literal: Option<String>,
    /// The text that it was, where it stands for one with values in it.
    pub(crate) parts: Vec<Piece>,
    /// The members of a list that is known.
    pub(crate) members: Option<Vec<Cel>>,
    /// A text without a capital letter, whichever it will be.
    pub(crate) is_lower_case: bool,
    /// Condition and both values, where these are of different kinds.
    arms: Option<Box<[Cel; 3]>>,
    binds: Binds,
}

/// How strongly its parts hold together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Binds {
    Atom,
    /// Texts that are put together by `+`.
    Sum,
    Loose,
}

impl Cel {
    pub(crate) fn new(source: impl Into<String>, gives: Gives) -> Self {
        Self {
            source: source.into(),
            gives,
            literal: None,
            parts: Vec::new(),
            members: None,
            is_lower_case: false,
            arms: None,
            binds: Binds::Atom,
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

    pub(crate) fn null() -> Self {
        Self::new("null", Gives::Null)
    }

    pub(crate) fn compound(source: String, gives: Gives) -> Self {
        Self { binds: Binds::Loose, ..Self::new(source, gives) }
    }

    /// Texts one after the other.
    pub(crate) fn sum(texts: &[String]) -> Self {
        Self { binds: Binds::Sum, ..Self::new(texts.join(" + "), Gives::Text) }
    }

    /// The same, of which it is known that it will have no capital letter.
    pub(crate) fn in_lower_case(self) -> Self {
        Self { is_lower_case: true, ..self }
    }

    /// A list of these.
    pub(crate) fn list(members: Vec<Self>) -> Self {
        let gives = members.iter().map(|member| member.gives.clone()).reduce(Gives::or).unwrap_or(Gives::Any);
        let sources: Vec<&str> = members.iter().map(|member| member.source.as_str()).collect();
        let source = format!("[{}]", sources.join(", "));
        Self { members: Some(members), ..Self::new(source, Gives::list(gives)) }
    }

    /// One of two, by a condition.
    pub(crate) fn choice(condition: &Self, then: &Self, other: &Self) -> Self {
        match condition.literal.as_deref() {
            Some("true") => return then.clone(),
            Some("false") => return other.clone(),
            _ => {}
        }
        let gives = then.gives.clone().or(other.gives.clone());
        let source = format!("{} ? {} : {}", condition.operand(), then.operand(), other.source);
        let is_known = |arm: &Self| arm.gives != Gives::Any || arm.arms.is_some();
        let is_mixed = gives == Gives::Any && (is_known(then) || is_known(other));
        let arms = is_mixed.then(|| Box::new([condition.clone(), then.clone(), other.clone()]));
        Self { arms, ..Self::compound(source, gives) }
    }

    /// A known value; a number that no plan keeps is its text.
    pub(crate) fn json(value: &serde_json::Value) -> Self {
        use serde_json::Value;
        match value {
            Value::Null => Self::null(),
            Value::Bool(flag) => Self::flag(*flag),
            Value::Number(number) => {
                let written = number.to_string();
                Self::number(&written).unwrap_or_else(|| Self::text(&written))
            }
            Value::String(text) => Self::text(text),
            Value::Array(items) => Self::list(items.iter().map(Self::json).collect()),
            Value::Object(entries) => {
                let entries = entries.iter();
                let entries: Vec<String> = entries
                    .map(|(key, value)| format!("{}: {}", quoted(key), Self::json(value).source))
                    .collect();
                Self::new(format!("{{{}}}", entries.join(", ")), Gives::Object)
            }
        }
    }

    /// The text, where it is a known one.
    pub(crate) fn literal_text(&self) -> Option<&str> {
        self.literal.as_deref().filter(|_| self.gives == Gives::Text)
    }

    /// As an operand of an operator.
    pub(crate) fn operand(&self) -> String {
        match self.binds {
            Binds::Atom => self.source.clone(),
            Binds::Sum | Binds::Loose => format!("({})", self.source),
        }
    }

    /// As a text: a list and an object are their JSON.
    pub(crate) fn as_text(&self) -> String {
        if let Some(literal) = &self.literal {
            return quoted(literal);
        }
        match (&self.gives, &self.arms) {
            (Gives::Text, _) => self.operand(),
            (Gives::Null, _) => quoted("null"),
            (Gives::List(_) | Gives::Object, _) => format!("toJson({})", self.source),
            (Gives::Any, Some(_)) => format!("({})", self.in_text()),
            (Gives::Flag | Gives::Number | Gives::Any, _) => format!("string({})", self.source),
        }
    }

    /// As the first of texts that are put together.
    pub(crate) fn as_first_text(&self) -> String {
        if self.binds == Binds::Sum { self.source.clone() } else { self.as_text() }
    }

    /// As it stands between `${{` and `}}` inside a text.
    pub(crate) fn in_text(&self) -> String {
        match (&self.gives, self.arms.as_deref()) {
            (Gives::Any, Some([condition, then, other])) => {
                let last = if other.arms.is_some() { other.in_text() } else { other.as_text() };
                format!("{} ? {} : {last}", condition.operand(), then.as_text())
            }
            (Gives::Null | Gives::List(_) | Gives::Object, _) => self.as_text(),
            (Gives::Flag | Gives::Number | Gives::Text | Gives::Any, _) => self.source.clone(),
        }
    }

    /// As GitHub writes it into a text: nothing where it is null, and a word for a list or an object.
    pub(crate) fn pasted(self) -> Self {
        if self.literal.is_some() {
            return self;
        }
        match (&self.gives, self.arms.as_deref()) {
            (Gives::Null, _) => Self::text(""),
            (Gives::List(_), _) => Self::text("Array"),
            (Gives::Object, _) => Self::text("Object"),
            (Gives::Any, Some([condition, then, other])) => {
                Self::choice(condition, &then.clone().pasted(), &other.clone().pasted())
            }
            (Gives::Flag | Gives::Number | Gives::Text | Gives::Any, _) => self,
        }
    }

    /// As a condition: what is empty, zero, false or missing is false.
    pub(crate) fn truth(self) -> Self {
        match (&self.gives, &self.literal, self.arms.as_deref()) {
            (Gives::Flag, ..) => self,
            (Gives::Null, ..) => Self::flag(false),
            (Gives::Text, Some(text), _) => Self::flag(!text.is_empty()),
            (Gives::Text, None, _) => Self::compound(format!("{} != \"\"", self.operand()), Gives::Flag),
            (Gives::Number, Some(number), _) => Self::flag(number.parse() != Ok(0.0)),
            (Gives::Number, ..) => Self::compound(format!("{} != 0", self.operand()), Gives::Flag),
            (Gives::List(_) | Gives::Object, ..) => Self::flag(true),
            (Gives::Any, _, Some([condition, then, other])) => {
                Self::choice(condition, &then.clone().truth(), &other.clone().truth())
            }
            (Gives::Any, ..) => {
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
