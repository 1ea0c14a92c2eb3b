//! One finding of the doctor: what was looked at, how it is, and what to do where it is not well.
//!
//! What cannot be known is said to be not known; it is never counted as well.

use crate::view::paint::Paint;
use crate::view::safe::safe;
use serde_json::{Value, json};

/// How it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Health {
    /// As it should be.
    Well,
    /// Something of today or of a later release will be missing; what works now goes on working.
    Lacking,
    /// Not known here.
    Unknown,
    /// Commands fail because of it.
    Broken,
}

impl Health {
    fn word(self) -> &'static str {
        match self {
            Self::Well => "well",
            Self::Lacking => "lacking",
            Self::Unknown => "unknown",
            Self::Broken => "broken",
        }
    }

    fn mark(self, paint: Paint) -> String {
        match self {
            Self::Well => paint.green("✓"),
            Self::Lacking => paint.yellow("!"),
            Self::Unknown => paint.faint("?"),
            Self::Broken => paint.red("✗"),
        }
    }
}

/// A finding.
#[derive(Debug, Clone)]
pub(super) struct Finding {
    name: &'static str,
    pub(super) health: Health,
    says: String,
    todo: Option<String>,
}

impl Finding {
    pub(super) fn well(name: &'static str, says: impl Into<String>) -> Self {
        Self { name, health: Health::Well, says: says.into(), todo: None }
    }

    pub(super) fn unknown(name: &'static str, says: impl Into<String>) -> Self {
        Self { name, health: Health::Unknown, says: says.into(), todo: None }
    }

    pub(super) fn lacking(name: &'static str, says: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { name, health: Health::Lacking, says: says.into(), todo: Some(todo.into()) }
    }

    pub(super) fn broken(name: &'static str, says: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { name, health: Health::Broken, says: says.into(), todo: Some(todo.into()) }
    }

    /// One line, and one more with what to do.
    pub(super) fn draw(&self, paint: Paint) -> String {
        let head = format!("{} {:<12} {}", self.health.mark(paint), self.name, safe(&self.says));
        match &self.todo {
            Some(todo) => format!("{head}\n{:15}{} {}", "", paint.blue("fix:"), safe(todo)),
            None => head,
        }
    }

    pub(super) fn json(&self) -> Value {
        json!({ "name": self.name, "health": self.health.word(), "says": self.says, "fix": self.todo })
    }
}
