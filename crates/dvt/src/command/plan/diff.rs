//! `dvt plan diff A B`: what changed, wider rights first. A wider right ends in exit code 6, so that a gate can ask a person.

use crate::command::plan::checked;
use crate::documents::sub_plans::Library;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::view::safe::safe;
use crate::view::screen::Screen;
use clap::Args;
use dvt_model::code::Code;
use dvt_plan::difference::{self, Change};
use serde_json::Value;
use std::path::PathBuf;

/// Letters of one value that people are shown.
const SHOWN: usize = 60;

/// Show what changed from one plan to another: rights that are wider first.
///
/// Example:
///   dvt plan diff examples/orders-etl/plan.yaml examples/orders-etl/plan.yaml
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The plan before.
    #[arg(value_name = "A")]
    before: PathBuf,
    /// The plan after.
    #[arg(value_name = "B")]
    after: PathBuf,
    /// Exit code 6 where a right is wider than before.
    #[arg(long)]
    refuse_wider: bool,
}

/// Does it.
pub(crate) fn run(
    arguments: &Arguments,
    library: &mut Library<'_>,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    let before = checked(&arguments.before, library, screen)?;
    let after = checked(&arguments.after, library, screen)?;
    let difference = difference::between(&before, &after);
    let is_wider = !difference.widened.is_empty();
    if screen.for_people() {
        if difference.is_empty() {
            screen.line("no difference");
        }
        for (title, changes) in [
            ("wider rights", &difference.widened),
            ("narrower rights", &difference.narrowed),
            ("other changes", &difference.changed),
        ] {
            if !changes.is_empty() {
                screen.line(title);
                changes.iter().for_each(|change| screen.line(&format!("  {}", line(change))));
            }
        }
    } else {
        let value = serde_json::to_value(&difference)
            .map_err(|error| Problem::new(Code::Internal, error.to_string()))?;
        screen.json(&value);
    }
    Ok(if is_wider && arguments.refuse_wider { Exit::Conflict } else { Exit::Completed })
}

/// `+ files: "b.py"`, `- …`, `~ limits.maxParallel: 2 → 8`
fn line(change: &Change) -> String {
    let path = &change.path;
    safe(&match (&change.before, &change.after) {
        (None, Some(after)) => format!("+ {path}: {}", short(after)),
        (Some(before), None) => format!("- {path}: {}", short(before)),
        (Some(before), Some(after)) => format!("~ {path}: {} → {}", short(before), short(after)),
        (None, None) => path.clone(),
    })
    .into_owned()
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    let mut shown: String = text.chars().take(SHOWN).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}
