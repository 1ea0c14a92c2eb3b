//! What `dbt build` holds back until tests have passed: whatever reads a resource begins behind its tests.
//!
//! dbt adds these edges itself, they do not stand in the manifest. A test holds back what lies below all that it reads, so of
//! two parents that read each other the lower one counts. Here only the nearest of these wait for it; the others wait for
//! them. A test of severity `warn` is waited for as well: dbt ends well where it finds rows, and badly where it cannot ask.

use super::manifest::{Kind, Manifest};
use std::collections::{BTreeMap, BTreeSet};

/// Tests by what waits for them.
#[derive(Debug, Default)]
pub(super) struct Held<'a> {
    /// Tests of one resource, by that resource: whatever reads it waits for them.
    of_parent: BTreeMap<&'a str, Vec<&'a str>>,
    /// Tests of several resources, by what waits for them.
    of_reader: BTreeMap<&'a str, Vec<&'a str>>,
}

impl<'a> Held<'a> {
    pub(super) fn of(manifest: &'a Manifest) -> Self {
        let mut held = Self::default();
        let mut several = Vec::new();
        for (id, resource) in &manifest.resources {
            // What it names and is not there lies above nothing.
            if resource.kind != Kind::Test || !resource.dangling.is_empty() {
                continue;
            }
            match resource.parents.first() {
                Some(parent) if resource.parents.len() == 1 => {
                    held.of_parent.entry(parent).or_default().push(id);
                }
                Some(_) => several.push((id.as_str(), &resource.parents)),
                None => {}
            }
        }
        if !several.is_empty() {
            let below = Below::of(manifest);
            for (test, parents) in several {
                for reader in below.nearest(parents) {
                    held.of_reader.entry(reader).or_default().push(test);
                }
            }
        }
        held
    }

    /// What this one waits for, as one that reads these parents.
    pub(super) fn tests<'h>(
        &'h self,
        reader: &str,
        parents: &'h BTreeSet<String>,
    ) -> impl Iterator<Item = &'a str> + use<'h, 'a> {
        let of_parents = parents.iter().filter_map(|parent| self.of_parent.get(parent.as_str()));
        of_parents.chain(self.of_reader.get(reader)).flatten().copied()
    }
}

/// Whether something may be held back: tests hold back no test, and hooks have their own place.
pub(super) fn may_be_held(kind: Kind) -> bool {
    !kind.is_test() && kind != Kind::Operation
}

/// The resources by number, and what reads each of them.
struct Below<'a> {
    names: Vec<&'a str>,
    numbers: BTreeMap<&'a str, usize>,
    readers: Vec<Vec<usize>>,
}

impl<'a> Below<'a> {
    fn of(manifest: &'a Manifest) -> Self {
        let kept = manifest.resources.iter().filter(|(_, resource)| may_be_held(resource.kind));
        let names: Vec<&str> = kept.map(|(id, _)| id.as_str()).collect();
        let numbers: BTreeMap<&str, usize> = names.iter().enumerate().map(|(at, id)| (*id, at)).collect();
        let of = |id: &&str| {
            let children = manifest.children.get(*id).into_iter().flatten();
            children.filter_map(|child| numbers.get(child.as_str()).copied()).collect()
        };
        Self { readers: names.iter().map(of).collect(), names, numbers }
    }

    fn readers(&self, at: usize) -> &[usize] {
        self.readers.get(at).map_or(&[], Vec::as_slice)
    }

    /// What lies below all of these, without what lies below another one of it.
    fn nearest(&self, parents: &BTreeSet<String>) -> Vec<&'a str> {
        let mut common: Option<BTreeSet<usize>> = None;
        for parent in parents {
            let Some(at) = self.numbers.get(parent.as_str()) else { return Vec::new() };
            let found = self.reach(*at);
            let both: BTreeSet<usize> = match common {
                Some(before) => before.intersection(&found).copied().collect(),
                None => found,
            };
            if both.is_empty() {
                return Vec::new();
            }
            common = Some(both);
        }
        let common = common.unwrap_or_default();
        let further: BTreeSet<usize> = common.iter().flat_map(|at| self.readers(*at)).copied().collect();
        common.difference(&further).filter_map(|at| self.names.get(*at).copied()).collect()
    }

    /// Everything below one.
    fn reach(&self, from: usize) -> BTreeSet<usize> {
        let mut seen = BTreeSet::new();
        let mut open = vec![from];
        while let Some(at) = open.pop() {
            open.extend(self.readers(at).iter().copied().filter(|reader| seen.insert(*reader)));
        }
        seen
    }
}
