//! What `dbt build` holds back until tests have passed: whatever reads a resource begins behind its tests.
//!
//! dbt adds these edges itself, they do not stand in the manifest. A test holds back what lies below all that it reads, so of
//! two parents that read each other the lower one counts. Here only the nearest of these wait for it; the others wait for
//! them. A test of severity `warn` is waited for as well: dbt ends well where it finds rows, and badly where it cannot ask.

use super::below::Below;
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
            let sets: Vec<&BTreeSet<String>> = several.iter().map(|(_, parents)| *parents).collect();
            for ((test, _), readers) in several.iter().zip(Below::of(manifest).nearest(&sets)) {
                for reader in readers {
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
