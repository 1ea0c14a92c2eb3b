//! What an expression of a workflow may name, and what it is in a plan.

use super::Workflow;
use super::course::{Course, result_of};
use crate::foreign::expression::{Cel, Dialect, Gives, Lost, Names, field, render};
use crate::foreign::parse;
use crate::foreign::text::{self, Part, Piece, Text, split};
use crate::foreign::tree::Place;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Where an expression opens.
pub(super) const OPEN: &str = "${{";

/// The surroundings of one step.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope {
    pub(super) job: String,
    /// `env`, outer values first overwritten by inner ones.
    pub(super) env: BTreeMap<String, Text>,
    /// `None` where the matrix could not be written out.
    pub(super) matrix: Option<Map<String, Value>>,
    /// Steps of the job by their id, and whether a failure of it is forgiven; `None` for one that is not part of the plan.
    pub(super) steps: BTreeMap<String, Option<(String, bool)>>,
    /// What the status functions ask about.
    pub(super) course: Course,
    /// The system of its machine.
    pub(super) system: &'static str,
}

/// Looks names up.
pub(super) struct Context<'a> {
    pub(super) workflow: &'a mut Workflow,
    pub(super) scope: &'a Scope,
    pub(super) place: Place,
    /// Whether it decides if something runs.
    pub(super) is_condition: bool,
}

impl Workflow {
    /// A condition of the workflow as one of the plan; the error is what cannot be kept.
    pub(super) fn decides(&mut self, source: &str, scope: &Scope, place: Place) -> Result<Cel, Lost> {
        let tree = parse::parse(source).ok_or_else(|| Lost::Value(format!("`{source}`")))?;
        let context = &mut Context { workflow: self, scope, place, is_condition: true };
        render(&tree, context).map(Cel::truth)
    }

    /// An expression as GitHub writes its value into a text; the error is what cannot be kept.
    pub(super) fn expression(&mut self, source: &str, scope: &Scope, place: Place) -> Result<Cel, Lost> {
        let tree = parse::parse(source).ok_or_else(|| Lost::Value(format!("`{source}`")))?;
        let context = &mut Context { workflow: self, scope, place, is_condition: false };
        render(&tree, context).and_then(|value| value.pasted().fitting_in_text(source))
    }

    /// A text with its values; what cannot be kept is named and stays as it was written.
    pub(super) fn text(&mut self, text: &str, scope: &Scope, place: Place) -> Text {
        let pieces = split(text, OPEN).into_iter().map(|part| match part {
            Part::Text(text) => Piece::Text(text.to_owned()),
            Part::Value(source) => match self.expression(source, scope, place) {
                Ok(value) => Piece::Value(value),
                Err(lost) => {
                    self.lost_value(&lost, place);
                    Piece::Text(format!("{{{{ {source} }}}}"))
                }
            },
        });
        let made = Text::of(pieces);
        made.unwrap_or_else(|| {
            self.losses.add("text", text::TOO_MUCH, text, place);
            Text::literal(text)
        })
    }

    pub(super) fn lost_value(&mut self, lost: &Lost, place: Place) {
        let what = lost.what();
        let why = if let Some(why) = lost.why() {
            why
        } else if what.starts_with("secrets.") || what == "github.token" {
            "secrets do not come from a workflow; let the program read its own credential store"
        } else if what.starts_with("steps.") {
            "the step that gives it is not part of the plan"
        } else {
            "there is no such value here"
        };
        self.losses.add("value", why, what, place);
    }
}

impl Names for Context<'_> {
    fn path(&mut self, names: &[String]) -> Result<Cel, Lost> {
        let lost = || Lost::Value(names.join("."));
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        match names.as_slice() {
            ["github", "workspace"] => Ok(Cel::text(".")),
            ["github", "job"] => Ok(Cel::text(&self.scope.job)),
            ["github", "run_id"] => Ok(Cel::new("run.id", Gives::Text)),
            ["github", "token"] | ["secrets", ..] => Err(lost()),
            ["inputs", name] => self.workflow.given(&format!("inputs.{name}"), self.place).ok_or_else(lost),
            // Of an event they are texts, whatever their type.
            ["github", "event", "inputs", name] => {
                let value = self.workflow.given(&format!("inputs.{name}"), self.place).ok_or_else(lost)?;
                Ok(if value.gives == Gives::Text { value } else { Cel::new(value.as_text(), Gives::Text) })
            }
            ["github", ..] | ["vars", _] => {
                self.workflow.given(&names.join("."), self.place).ok_or_else(lost)
            }
            ["runner", "os"] => Ok(Cel::text(self.scope.system)),
            ["runner", "arch"] => Ok(Cel::text("X64")),
            ["env", name] => self.scope.env.get(*name).map(Text::cel).ok_or_else(lost),
            ["matrix", name, rest @ ..] => {
                let matrix = self.scope.matrix.as_ref().ok_or_else(lost)?;
                let value = matrix.get(*name);
                let value = rest.iter().try_fold(value, |value, key| value.map(|value| value.get(*key)));
                Ok(value.flatten().map_or_else(|| Cel::text(""), Cel::json))
            }
            ["steps", id, "outputs", name] => {
                let (step, _) = self.scope.steps.get(*id).cloned().flatten().ok_or_else(lost)?;
                self.workflow.losses.add(
                    "outputs",
                    "a step writes them as one JSON object to $DVT_OUTPUT, not as lines to $GITHUB_OUTPUT",
                    &names.join("."),
                    self.place,
                );
                Ok(Cel::new(field(&format!("{}.output", field("steps", &step)), name), Gives::Any))
            }
            ["steps", id, asked @ ("outcome" | "conclusion")] => {
                let (step, is_forgiven) = self.scope.steps.get(*id).cloned().flatten().ok_or_else(lost)?;
                Ok(result_of(&step, is_forgiven && *asked == "conclusion"))
            }
            ["needs", job, "outputs", name] => {
                let done = self.workflow.jobs.get(*job).ok_or_else(lost)?;
                done.outputs.get(*name).cloned().unwrap_or_else(|| Err(lost()))
            }
            ["needs", job, "result"] => {
                self.workflow.jobs.get(*job).map(|done| done.course.result()).ok_or_else(lost)
            }
            _ => Err(lost()),
        }
    }

    fn inner(&mut self, text: &str) -> Result<Cel, Lost> {
        Err(Lost::Value(text.to_owned()))
    }

    fn dialect(&self) -> Dialect {
        Dialect::GitHub
    }

    fn has_status(&self) -> bool {
        self.is_condition
    }

    fn status(&mut self, function: &str) -> Cel {
        self.scope.course.function(function)
    }

    fn ignores_case(&mut self, word: &str) {
        let why = "GitHub takes no account of upper and lower case; a plan compares texts as they are";
        self.workflow.losses.add("comparison", why, word, self.place);
    }
}
