//! One check of a plan and of the sub-plans below it: what was read already, and what stands above.

use crate::Reach;
use crate::expression::check::Shape;
use crate::plan::{Bounds, Plan, PlanReference};
use crate::sub_plan::SubPlans;
use dvt_model::digest::Digest;
use serde_json::Value;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// A sub-plan that was read and checked.
#[derive(Debug)]
pub(crate) struct Child {
    pub(crate) plan: Arc<Plan>,
    pub(crate) digest: Digest,
    pub(crate) bounds: Bounds,
    pub(crate) outputs: BTreeMap<String, Shape>,
    /// Levels of sub-plans below it.
    pub(crate) height: usize,
}

/// Which document asks, how it names the plan, and which one it pins: what is right for one pin is wrong for another.
pub(crate) type Asked = (String, PlanReference, Option<Digest>);

/// The state of one check.
pub(crate) struct Session<'s> {
    pub(crate) sub_plans: &'s dyn SubPlans,
    pub(crate) reach: Reach,
    /// Whether sub-plans that are not found are left out without a word, as where a stored document is shown.
    pub(crate) lenient: bool,
    /// The documents above: where they lie, and the name that the plan has.
    pub(crate) above: RefCell<Vec<(String, String)>>,
    /// What was asked already, by who asked and how.
    pub(crate) known: RefCell<BTreeMap<Asked, Result<Rc<Child>, String>>>,
    /// Levels below each plan that was found.
    pub(crate) heights: RefCell<BTreeMap<Digest, usize>>,
    /// Canonical documents of all that were found.
    pub(crate) documents: RefCell<BTreeMap<Digest, Value>>,
    pub(crate) read: Cell<usize>,
}

impl<'s> Session<'s> {
    pub(crate) fn new(sub_plans: &'s dyn SubPlans, reach: Reach, lenient: bool) -> Self {
        Self {
            sub_plans,
            reach,
            lenient,
            above: RefCell::default(),
            known: RefCell::default(),
            heights: RefCell::default(),
            documents: RefCell::default(),
            read: Cell::default(),
        }
    }
}
