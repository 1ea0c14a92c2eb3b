//! `dvt plan diff A B`: what changed, wider rights first. A right that is wider, or that nothing shows not to be, ends in exit
//! code 6, so that a gate can ask a person.

use crate::command::plan::checked;
use crate::documents::pack;
use crate::documents::sub_plans::Library;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::view::safe::safe;
use crate::view::screen::Screen;
use clap::Args;
use dvt_model::code::Code;
use dvt_plan::Checked;
use dvt_plan::difference::{self, Change};
use serde_json::Value;
use std::path::{Path, PathBuf};

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
    /// Exit code 6 where a right is wider than before, or may be.
    #[arg(long)]
    refuse_wider: bool,
}

/// Does it.
pub(crate) fn run(
    arguments: &Arguments,
    library: &mut Library<'_>,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    let before = packed(&arguments.before, library, screen)?;
    let after = packed(&arguments.after, library, screen)?;
    let difference = difference::between(&before, &after);
    let is_wider = difference.may_be_wider();
    if screen.for_people() {
        if difference.is_empty() {
            screen.line("no difference");
        }
        for (title, changes) in [
            ("wider rights", &difference.widened),
            ("possibly wider rights", &difference.possibly_widened),
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

/// A plan with the digest of its packed files, for what they hold is what runs.
fn packed(file: &Path, library: &mut Library<'_>, screen: &Screen) -> Result<Checked, Problem> {
    let checked = checked(file, library, screen)?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let packed = pack::pack(folder.unwrap_or(Path::new(".")), &checked.plan.files)?;
    Ok(match packed {
        Some(packed) => checked.with_files(packed.digest),
        None => checked,
    })
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
