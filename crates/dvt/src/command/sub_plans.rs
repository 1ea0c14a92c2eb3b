//! Sub-plans of a plan that lies in a folder: `plan: ./load.yaml` is read beside the document that names it.
//!
//! A path never leaves the folder: symbolic links are followed and what they lead to must lie inside as well. Published
//! plans are not looked up yet.

use crate::command::lint;
use crate::command::run::pack::{self, Packed};
use dvt_model::digest::Digest;
use dvt_plan::diagnostic::Source;
use dvt_plan::plan::PlanReference;
use dvt_plan::sub_plan::{Found, SubPlans, Wanted};
use dvt_plan::{Checked, Outcome, Reach, Surroundings};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Checks a plan together with its sub-plans.
pub(crate) fn check(source: &Source) -> Outcome {
    check_and_pack(source).0
}

/// The same, with all that the plans below it need to run: their documents and their packed files, by digest.
pub(crate) fn check_and_pack(source: &Source) -> (Outcome, BTreeMap<Digest, Vec<u8>>) {
    let beside = Beside::default();
    let outcome = dvt_plan::check_with(source, &Surroundings { sub_plans: &beside, reach: Reach::Runs });
    let mut below = beside.packed.into_inner();
    for (digest, document) in outcome.checked.iter().flat_map(|checked| &checked.sub_plans) {
        // A checked document has a canonical form: its digest is that of these bytes.
        if let Ok(bytes) = dvt_model::canonical::to_bytes(document) {
            below.insert(*digest, bytes);
        }
    }
    (outcome, below)
}

/// Finds what lies beside a document, and keeps what its files pack.
#[derive(Default)]
struct Beside {
    packed: RefCell<BTreeMap<Digest, Vec<u8>>>,
}

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
        let Some(Packed { digest, bytes, .. }) = packed.map_err(|problem| problem.message)? else {
            return Ok(None);
        };
        self.packed.borrow_mut().insert(digest, bytes);
        Ok(Some(digest))
    }
}

/// The folder of a document.
fn folder(document: &Path) -> PathBuf {
    let folder = document.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new(".")).to_owned()
}
