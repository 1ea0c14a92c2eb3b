//! Sub-plans of a plan that lies in a folder: `plan: ./load.yaml` is read beside the document that names it.
//!
//! A path never leaves the folder: symbolic links are followed and what they lead to must lie inside as well. Published
//! plans are not looked up yet.

use crate::command::{lint, run::pack};
use dvt_model::digest::Digest;
use dvt_plan::diagnostic::Source;
use dvt_plan::plan::PlanReference;
use dvt_plan::sub_plan::{Found, SubPlans, Wanted};
use dvt_plan::{Checked, Outcome, Reach, Surroundings};
use std::path::{Path, PathBuf};

/// Checks a plan together with its sub-plans.
pub(crate) fn check(source: &Source) -> Outcome {
    dvt_plan::check_with(source, &Surroundings { sub_plans: &Beside, reach: Reach::Runs })
}

/// Finds what lies beside a document.
struct Beside;

impl SubPlans for Beside {
    fn find(&self, wanted: &Wanted<'_>) -> Result<Found, String> {
        let path = match wanted.reference {
            PlanReference::Path(path) => path,
            PlanReference::Published { .. } => {
                return Err("published plans are not looked up yet; name its file, `./load.yaml`".to_owned());
            }
        };
        let folder = folder(Path::new(wanted.from));
        let file: PathBuf = folder.join(path.trim_start_matches("./"));
        let inside = match (file.canonicalize(), folder.canonicalize()) {
            (Ok(file), Ok(folder)) => file.starts_with(folder),
            // The reading below says what is wrong.
            _ => true,
        };
        if !inside {
            return Err("it leads out of the plan's folder".to_owned());
        }
        lint::read(&file).map(Found::Written).map_err(|problem| problem.message)
    }

    fn pack(&self, source: &Source, checked: &Checked) -> Result<Option<Digest>, String> {
        let packed = pack::pack(&folder(Path::new(&source.name)), &checked.plan.files);
        packed.map(|packed| packed.map(|packed| packed.digest)).map_err(|problem| problem.message)
    }
}

/// The folder of a document.
fn folder(document: &Path) -> PathBuf {
    let folder = document.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new(".")).to_owned()
}
