//! Where sub-plans come from. This crate reads no file and asks no store: whoever has them answers.

use crate::Checked;
use crate::diagnostic::Source;
use crate::plan::PlanReference;
use dvt_model::digest::Digest;
use serde_json::Value;

/// Levels of sub-plans below a plan.
pub const MOST_DEEP: usize = 8;
/// Documents that one check reads besides the first.
pub const MOST_DOCUMENTS: usize = 256;

/// What a document asks for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// How it names the plan.
    pub reference: &'a PlanReference,
    /// The name of the document that asks, as its [`Source`] says: paths are relative to its folder.
    pub from: &'a str,
    /// The digest that a stored document pins.
    pub digest: Option<Digest>,
}

/// A plan that was found.
#[derive(Debug, Clone)]
pub enum Found {
    /// A text, whose name says where it lies: one name for one document, however it was reached.
    Written(Source),
    /// A stored document in its canonical form.
    Stored(Value),
}

/// Finds sub-plans.
pub trait SubPlans {
    /// The plan, or why there is none: a clause such as `there is no such file`.
    fn find(&self, wanted: &Wanted<'_>) -> Result<Found, String>;

    /// The digest of what the `files` of a found text pack, where it names some.
    fn pack(&self, source: &Source, checked: &Checked) -> Result<Option<Digest>, String>;
}

/// Finds none.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoSubPlans;

impl SubPlans for NoSubPlans {
    fn find(&self, _: &Wanted<'_>) -> Result<Found, String> {
        Err("sub-plans are not looked up here".to_owned())
    }

    fn pack(&self, _: &Source, _: &Checked) -> Result<Option<Digest>, String> {
        Ok(None)
    }
}
