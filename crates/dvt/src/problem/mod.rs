//! What went wrong, as a person or a program gets to see it: code, one sentence, why, the way out, the page.
//!
//! It never shows a Rust type or a stack trace. Every refusal has a stable code and from it an exit code ([`exit`]).

pub(crate) mod caret;
pub(crate) mod exit;
pub(crate) mod internal;
pub(crate) mod pages;
pub(crate) mod spelling;

use crate::view::paint::Paint;
use crate::view::safe::safe;
use dvt_model::code::Code;
use dvt_model::fault::DISK_IS_FULL;
use dvt_plan::diagnostic::Diagnostic;
use exit::Exit;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// The way out of a full disk. What was acknowledged is kept, and nothing else was promised.
const MAKE_ROOM: &str = "make room on that disk, then ask again; what was acknowledged is kept\ndvt doctor    says how much room there is";

/// A refusal on its way to the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) code: Code,
    pub(crate) message: String,
    /// Labelled lines below the sentence, in the order in which they are shown: `why`, `fix`, `also`.
    pub(crate) notes: Vec<(&'static str, String)>,
    /// What is wrong inside a plan: part of the data; people were shown it before.
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl Problem {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), notes: Vec::new(), diagnostics: Vec::new() }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Code::InvalidRequest, message)
    }

    pub(crate) fn config(message: impl Into<String>) -> Self {
        Self::new(Code::ConfigInvalid, message)
    }

    #[must_use]
    pub(crate) fn why(mut self, text: impl Into<String>) -> Self {
        self.notes.push(("why", text.into()));
        self
    }

    #[must_use]
    pub(crate) fn fix(mut self, text: impl Into<String>) -> Self {
        self.notes.push(("fix", text.into()));
        self
    }

    /// The labelled lines, with the way out of a full disk: it is the same wherever one is met.
    pub(crate) fn told(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let is_full =
            self.message.contains(DISK_IS_FULL) && self.notes.iter().all(|(label, _)| *label != "fix");
        let notes = self.notes.iter().map(|(label, text)| (*label, text.as_str()));
        notes.chain(is_full.then_some(("fix", MAKE_ROOM)))
    }

    pub(crate) fn exit(&self) -> Exit {
        exit::of(self.code)
    }

    /// The text for people, several lines.
    pub(crate) fn draw(&self, paint: Paint) -> String {
        let mut out = format!("{}: {}\n", paint.red(&format!("error[{}]", self.code)), safe(&self.message));
        let more = format!("dvt explain {}", self.code);
        let notes = self.told().chain([("more", more.as_str())]);
        let width = self.told().map(|(label, _)| label.len()).max().unwrap_or(0).max(4) + 1;
        for (label, text) in notes {
            for (index, line) in text.lines().enumerate() {
                let head = if index == 0 { format!("{label}:") } else { String::new() };
                let mark = if index == 0 { "=" } else { " " };
                let _ = writeln!(out, "  {} {head:width$} {}", paint.blue(mark), safe(line));
            }
        }
        out
    }

    /// The same as data.
    pub(crate) fn json(&self) -> Value {
        let notes = self.told().map(|(label, text)| (label.to_owned(), Value::from(text)));
        let mut object: serde_json::Map<String, Value> = notes.collect();
        object.insert("code".to_owned(), json!(self.code));
        object.insert("message".to_owned(), json!(self.message));
        object.insert("exitCode".to_owned(), json!(self.exit().number()));
        if !self.diagnostics.is_empty() {
            object.insert("diagnostics".to_owned(), json!(self.diagnostics));
        }
        Value::Object(object)
    }
}

impl From<dvt_access::Denied> for Problem {
    fn from(denied: dvt_access::Denied) -> Self {
        let problem = Self::new(denied.code, denied.message);
        // The same words for what is hidden and what was never there: nothing here looks at which it was.
        if denied.code == Code::NotFound {
            problem.fix("dvt runs list    shows what is here")
        } else {
            problem
        }
    }
}

impl From<dvt_engine::Problem> for Problem {
    fn from(problem: dvt_engine::Problem) -> Self {
        Self::new(problem.code, problem.message)
    }
}

impl From<dvt_model::id::InvalidId> for Problem {
    fn from(error: dvt_model::id::InvalidId) -> Self {
        Self::new(Code::InvalidId, error.to_string())
    }
}

impl From<dvt_store::Refusal> for Problem {
    fn from(refusal: dvt_store::Refusal) -> Self {
        Self::new(refusal.code(), refusal.to_string())
    }
}

impl From<dvt_store::Error> for Problem {
    fn from(error: dvt_store::Error) -> Self {
        use dvt_store::Error;
        let code = match &error {
            Error::NotFound => Code::NotFound,
            Error::Unavailable(_) => Code::LedgerUnavailable,
            Error::Refused { code, .. } => *code,
            Error::Decrypt => Code::DecryptFailed,
            Error::Contract(_) => Code::ContractViolation,
            Error::Key(_) => Code::KeyUnavailable,
        };
        Self::new(code, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_says_what_why_fix_and_page_in_this_order() {
        let problem = Problem::config("`colour` is no setting")
            .why("unknown keys end the start")
            .fix("remove it\nor rename it");
        assert_eq!(
            problem.draw(Paint::plain()),
            "error[CONFIG_INVALID]: `colour` is no setting\n  = why:  unknown keys end the start\n  = fix:  remove it\n          or rename it\n  = more: dvt explain CONFIG_INVALID\n"
        );
        assert_eq!(problem.json()["exitCode"], 2);
    }

    #[test]
    fn a_full_disk_has_its_way_out_wherever_it_is_met() {
        let full = Problem::new(Code::LedgerUnavailable, format!("the store cannot write: {DISK_IS_FULL}"));
        assert!(full.draw(Paint::plain()).contains("= fix:  make room"));
        assert!(full.json()["fix"].as_str().unwrap().contains("dvt doctor"));
        assert!(!Problem::usage("it is empty").draw(Paint::plain()).contains("make room"), "control");
    }

    #[test]
    fn foreign_control_characters_do_not_reach_the_terminal() {
        assert!(!Problem::usage("a\u{1b}[2Jb").draw(Paint::plain()).contains('\u{1b}'));
    }
}
