//! One check of a plan and of the sub-plans below it: what was read already, and what stands above.

use crate::Reach;
use crate::compile::Compiled;
use crate::expression::check::Shape;
use crate::plan::{Bounds, Plan, PlanReference};
use crate::sub_plan::SubPlans;
use dvt_model::digest::Digest;
use dvt_model::id::PlanName;
use serde_json::Value;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

/// A sub-plan that was read and checked.
#[derive(Debug)]
pub(crate) struct Child {
    pub(crate) plan: Arc<Plan>,
    pub(crate) digest: Digest,
    pub(crate) bounds: Bounds,
    pub(crate) outputs: BTreeMap<String, Shape>,
    /// Its own sub-plans, each once.
    pub(crate) below: Vec<Rc<Child>>,
    /// Levels of sub-plans below it.
    pub(crate) height: usize,
    /// The names of it and of all plans below it.
    pub(crate) names: BTreeSet<PlanName>,
}

impl Child {
    /// A plan with what was found for its own sub-plans.
    pub(crate) fn new(compiled: Compiled, digest: Digest, below: Vec<Rc<Self>>) -> Self {
        let Compiled { plan, bounds, outputs } = compiled;
        let height = below.iter().map(|child| child.height + 1).max().unwrap_or(0);
        let mut names: BTreeSet<PlanName> =
            below.iter().flat_map(|child| child.names.iter().cloned()).collect();
        names.insert(plan.name.clone());
        Self { plan: Arc::new(plan), digest, bounds, outputs, below, height, names }
    }

    /// The names on the way from it down to a plan of a name, both included; nothing where there is none.
    pub(crate) fn way_to(&self, name: &str) -> Vec<&str> {
        let mut way = Vec::new();
        let mut at = self.names.contains(name).then_some(self);
        while let Some(child) = at {
            way.push(child.plan.name.as_str());
            let is_there = child.plan.name.as_str() == name;
            at = child.below.iter().find(|next| !is_there && next.names.contains(name)).map(|next| &**next);
        }
        way
    }
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
    /// Each plan that was found, by its digest.
    pub(crate) found: RefCell<BTreeMap<Digest, Rc<Child>>>,
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
            found: RefCell::default(),
            documents: RefCell::default(),
            read: Cell::default(),
        }
    }
}
