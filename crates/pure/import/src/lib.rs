//! Foreign workflow descriptions as plans, and a report of everything that could not be kept.
//!
//! It reads text and gives a document; it runs nothing, opens nothing and trusts nothing: a text of a foreign file is never
//! code here. Names become ids by cleaning, every string is written as a quoted scalar, and `${{` loses its meaning. The
//! surprising rule: what is left out is always in the report, by name and place; an importer that drops something in
//! silence has a bug.

pub mod argo;
pub mod dbt;
mod foreign;
pub mod github;
mod names;
mod number;
mod pointer;
mod report;
mod round;
mod step;
pub mod wfcommons;
mod words;
mod yaml;

pub use number::Kept;
pub use report::{Loss, Report};
pub use yaml::Node;

/// A plan made of a foreign document.
#[derive(Debug, Clone)]
pub struct Imported {
    /// The plan as a document.
    pub plan: Node,
    /// What was kept and what was not.
    pub report: Report,
}

impl Imported {
    /// Bytes and lines of a plan, with room for the line above it.
    const MOST_BYTES: usize = (8 << 20) - (64 << 10);
    const MOST_LINES: usize = 690_000;

    /// Itself, where a plan may be as long as this.
    pub(crate) fn whole(self) -> Result<Self, Error> {
        let text = self.plan.to_string();
        if text.len() > Self::MOST_BYTES || text.lines().count() > Self::MOST_LINES {
            return Err(Error::TooLong(text.len()));
        }
        Ok(self)
    }

    /// The plan as text: YAML 1.2 in block style, with a line above it that says where it comes from.
    pub fn text(&self, source: &str) -> String {
        let safe: String =
            source.chars().map(|letter| if letter.is_control() { '?' } else { letter }).collect();
        format!(
            "# Imported from {safe}. What could not be kept stands in the report of the import.\n{}",
            self.plan
        )
    }
}

/// Why nothing was imported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text is no JSON.
    #[error("it is no JSON: {0}")]
    Json(String),
    /// The text is no YAML.
    #[error("it is no YAML: {0}")]
    Yaml(String),
    /// It is a document of another kind.
    #[error("it is no {expected}: {detail}")]
    Kind {
        /// What was expected.
        expected: &'static str,
        /// What is missing or wrong.
        detail: String,
    },
    /// A selection that cannot be read.
    #[error("the selection `{selection}` cannot be read: {reason}")]
    Selection {
        /// As it was given.
        selection: String,
        /// Why.
        reason: String,
    },
    /// More steps than a plan may have.
    #[error("it has {0} steps, and 50000 is the most")]
    TooLarge(usize),
    /// More text than a plan may have.
    #[error("the plan of it has {0} bytes and more, and 8 MiB is the most")]
    TooLong(usize),
    /// Things that wait for each other.
    #[error("{things} wait for each other: {round} ({place})")]
    Round {
        /// What they are: the foreign format's word.
        things: &'static str,
        /// Their names, each waiting for the next one.
        round: String,
        /// Where the first one says so, `line:column`.
        place: String,
    },
    /// Nothing is left to run.
    #[error("nothing that can run is left")]
    Empty,
}

/// Reads JSON as far as an importer needs it.
fn json(text: &str) -> Result<serde_json::Value, Error> {
    serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|error| Error::Json(error.to_string()))
}
