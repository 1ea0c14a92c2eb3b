//! The steps of a plan by id, in one list in the order of their ids: the place of a step in it stands for the step where many are
//! counted. Each step lies where it was made: it is half a kilobyte, and fifty thousand of them would be moved to be sorted.

use super::Step;
use dvt_model::id::StepId;
use std::borrow::Borrow;
use std::ops::Index;

/// Steps by id, in byte order.
#[derive(Debug, Clone, Default)]
pub struct Steps(Vec<(StepId, Box<Step>)>);

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
        self.get_key_value(id).map(|(_, step)| step)
    }

    /// One of them, to be changed; its id stays.
    pub fn get_mut(&mut self, id: &StepId) -> Option<&mut Step> {
        let place = self.place(id)?;
        self.0.get_mut(place).map(|(_, step)| step.as_mut())
    }

    /// One of them, and its id as the plan holds it.
    pub fn get_key_value<Q: Ord + ?Sized>(&self, id: &Q) -> Option<(&StepId, &Step)>
    where
        StepId: Borrow<Q>,
    {
        self.0.get(self.place(id)?).map(|(id, step)| (id, step.as_ref()))
    }

    /// Where it stands among them.
    pub(crate) fn place<Q: Ord + ?Sized>(&self, id: &Q) -> Option<usize>
    where
        StepId: Borrow<Q>,
    {
        self.0.binary_search_by(|(known, _)| known.borrow().cmp(id)).ok()
    }

    /// The id at a place.
    pub(crate) fn id(&self, place: usize) -> Option<&StepId> {
        self.0.get(place).map(|(id, _)| id)
    }

    /// Whether there is one of this id.
    pub fn contains_key<Q: Ord + ?Sized>(&self, id: &Q) -> bool
    where
        StepId: Borrow<Q>,
    {
        self.place(id).is_some()
    }

    /// Ids and steps.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&StepId, &Step)> + DoubleEndedIterator + Clone {
        self.0.iter().map(|(id, step)| (id, step.as_ref()))
    }

    /// Their ids.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &StepId> + DoubleEndedIterator + Clone {
        self.0.iter().map(|(id, _)| id)
    }

    /// The steps.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &Step> + DoubleEndedIterator + Clone {
        self.0.iter().map(|(_, step)| step.as_ref())
    }

    /// The steps, to be changed.
    pub fn values_mut(&mut self) -> impl ExactSizeIterator<Item = &mut Step> + DoubleEndedIterator {
        self.0.iter_mut().map(|(_, step)| step.as_mut())
    }

    /// Puts one in; the one that had its id before.
    pub fn insert(&mut self, id: StepId, step: Step) -> Option<Step> {
        match self.0.binary_search_by(|(known, _)| known.cmp(&id)) {
            Ok(place) => {
                let (_, known) = self.0.get_mut(place)?;
                Some(std::mem::replace(known.as_mut(), step))
            }
            Err(place) => {
                self.0.insert(place, (id, Box::new(step)));
                None
            }
        }
    }
}

impl From<Vec<Box<Step>>> for Steps {
    /// Where an id stands twice, the last one has it.
    fn from(steps: Vec<Box<Step>>) -> Self {
        let mut all: Vec<(StepId, Box<Step>)> = Vec::with_capacity(steps.len());
        all.extend(steps.into_iter().map(|step| (step.id.clone(), step)));
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        all.dedup_by(|later, earlier| {
            let is_same = later.0 == earlier.0;
            if is_same {
                std::mem::swap(later, earlier);
            }
            is_same
        });
        Self(all)
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
        &self.0[self.place(id).unwrap_or(usize::MAX)].1
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
pub struct Iter<'s>(std::slice::Iter<'s, (StepId, Box<Step>)>);

impl<'s> Iterator for Iter<'s> {
    type Item = (&'s StepId, &'s Step);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(id, step)| (id, step.as_ref()))
    }
}
