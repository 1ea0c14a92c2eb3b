//! The steps of a plan by id. Each lies where it was made: a step is half a kilobyte, and a map that holds steps themselves moves
//! fifty thousand of them whenever it grows or is sorted.

use super::Step;
use dvt_model::id::StepId;
use std::borrow::Borrow;
use std::collections::{BTreeMap, btree_map};
use std::ops::Index;

/// Steps by id, in byte order.
#[derive(Debug, Clone, Default)]
pub struct Steps(BTreeMap<StepId, Box<Step>>);

impl Steps {
    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One of them.
    pub fn get<Q: Ord + ?Sized>(&self, id: &Q) -> Option<&Step>
    where
        StepId: Borrow<Q>,
    {
        self.0.get(id).map(Box::as_ref)
    }

    /// One of them, to be changed; its id stays.
    pub fn get_mut(&mut self, id: &StepId) -> Option<&mut Step> {
        self.0.get_mut(id).map(Box::as_mut)
    }

    /// One of them, and its id as the plan holds it.
    pub fn get_key_value<Q: Ord + ?Sized>(&self, id: &Q) -> Option<(&StepId, &Step)>
    where
        StepId: Borrow<Q>,
    {
        self.0.get_key_value(id).map(|(id, step)| (id, step.as_ref()))
    }

    /// Whether there is one of this id.
    pub fn contains_key<Q: Ord + ?Sized>(&self, id: &Q) -> bool
    where
        StepId: Borrow<Q>,
    {
        self.0.contains_key(id)
    }

    /// Ids and steps.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&StepId, &Step)> + DoubleEndedIterator + Clone {
        self.0.iter().map(|(id, step)| (id, step.as_ref()))
    }

    /// Their ids.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &StepId> + DoubleEndedIterator + Clone {
        self.0.keys()
    }

    /// The steps.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &Step> + DoubleEndedIterator + Clone {
        self.0.values().map(Box::as_ref)
    }

    /// The steps, to be changed.
    pub fn values_mut(&mut self) -> impl ExactSizeIterator<Item = &mut Step> + DoubleEndedIterator {
        self.0.values_mut().map(Box::as_mut)
    }

    /// Puts one in; the one that had its id before.
    pub fn insert(&mut self, id: StepId, step: Step) -> Option<Step> {
        self.0.insert(id, Box::new(step)).map(|step| *step)
    }
}

impl FromIterator<Box<Step>> for Steps {
    fn from_iter<I: IntoIterator<Item = Box<Step>>>(steps: I) -> Self {
        Self(steps.into_iter().map(|step| (step.id.clone(), step)).collect())
    }
}

/// As a map does: of a step that is there.
impl<Q: Ord + ?Sized> Index<&Q> for Steps
where
    StepId: Borrow<Q>,
{
    type Output = Step;

    #[expect(clippy::indexing_slicing, reason = "whoever indexes it is asked by the same lint")]
    fn index(&self, id: &Q) -> &Step {
        &self.0[id]
    }
}

impl<'s> IntoIterator for &'s Steps {
    type Item = (&'s StepId, &'s Step);
    type IntoIter = Iter<'s>;

    fn into_iter(self) -> Iter<'s> {
        Iter(self.0.iter())
    }
}

/// Ids and steps, in byte order.
#[derive(Debug, Clone)]
pub struct Iter<'s>(btree_map::Iter<'s, StepId, Box<Step>>);

impl<'s> Iterator for Iter<'s> {
    type Item = (&'s StepId, &'s Step);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(id, step)| (id, step.as_ref()))
    }
}
