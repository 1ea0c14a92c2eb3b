//! `plan: name@version`, or `plan: ./load.yaml` while developing: how a document names another plan.
//!
//! What it names is found by `check::sub_plans`; here is the shape alone. In a stored document `planDigest` stands
//! beside it.

use super::keys::or;
use super::plan::is_semantic_version;
use super::{Mode, Reader, StepDraft};
use crate::diagnostic::codes;
use crate::diagnostic::collector::{Report, shown};
use crate::plan::{Form, PlanReference, SubPlan};
use crate::read::tree::Entry;
use dvt_model::digest::Digest;
use dvt_model::id::PlanName;

/// Where the digest of a sub-plan stands in a stored document.
pub(crate) const PLAN_DIGEST: &str = "planDigest";
/// Bytes of a path.
const LONGEST_PATH: usize = 512;

/// Reads it.
pub(crate) fn read(
    reader: &mut Reader<'_, '_>,
    entry: &Entry<'_>,
    entries: &[&Entry<'_>],
    step: &mut StepDraft,
) -> Option<Form> {
    let text = reader.literal(entry)?;
    let place = or(entry.value.place, entry.place);
    step.form_place = place;
    let digest = entries.iter().find(|other| other.name() == PLAN_DIGEST).and_then(|digest| {
        let found = digest.value.as_text().and_then(Digest::parse);
        if found.is_none() {
            reader.wrong(digest.value.place, PLAN_DIGEST, "`sha256:` and 64 hex digits", &digest.value);
        }
        found
    });
    if digest.is_none() && reader.mode == Mode::Canonical {
        reader.error(codes::MISSING_KEY, place, "a stored plan pins the digests of its sub-plans");
    }
    let reference = match reference(text, reader.is_canonical()) {
        Ok(reference) => reference,
        Err(why) => {
            let message = format!("{} names no plan", shown(text));
            let report = Report::error(codes::SUB_PLAN, place, message).why(why);
            reader.sink.add(report.fix("plan: load@1.4.0   or while developing   plan: ./load.yaml"));
            return None;
        }
    };
    Some(Form::Plan(Box::new(SubPlan { reference, digest, child: None, bounds: None })))
}

/// In a stored document the digest says which plan it is, and its version may be of a looser rule.
fn reference(text: &str, is_stored: bool) -> Result<PlanReference, &'static str> {
    if let Some((name, version)) = text.split_once('@') {
        if PlanName::parse(name).is_err() {
            return Err("the name of a plan: a letter, then up to 63 letters, digits, `_` or `-`");
        }
        if !is_stored && !is_semantic_version(version) {
            return Err("a published plan is named with its whole version, such as 1.4.0");
        }
        return Ok(PlanReference::Published { name: name.to_owned(), version: version.to_owned() });
    }
    let Some(inside) = text.strip_prefix("./") else {
        return Err("a published plan is `name@version`, and a path begins with `./`");
    };
    let is_part = |part: &str| !part.is_empty() && part != "." && part != "..";
    if text.len() > LONGEST_PATH || !inside.split('/').all(is_part) {
        return Err("a sub-plan lies in the plan's folder or below it, and its path has no `..`");
    }
    if text.contains(['\\', '\0', ':']) || text.chars().any(char::is_control) {
        return Err("a path is written with `/`, without `\\`, `:` and control characters");
    }
    Ok(PlanReference::Path(text.to_owned()))
}
