//! How dbt is told to do one node and no other.
//!
//! `fqn:` selects by what a name begins with, and a selected resource brings its tests: `fqn:shop.orders` is the model of that
//! name, all in the folder `orders` beside it and, for `dbt test`, the tests of these. Where a verb would do more than its
//! node so, the node's file is named, too; where that is not enough there is no selection.

use super::manifest::{Kind, Manifest, Resource};
use super::select;
use std::collections::BTreeMap;

/// What the verb for one kind of node does where something is selected, by the ways to select it.
#[derive(Debug, Default)]
struct Index<'a> {
    /// By the whole dotted name, with and without the package: whatever begins so is selected.
    names: BTreeMap<String, Vec<&'a str>>,
    /// By what is compared as a whole: the last part of a name, and for versions the last two.
    whole: BTreeMap<String, Vec<&'a str>>,
    /// By the place: `path:` and `file:`.
    places: BTreeMap<String, Vec<&'a str>>,
}

/// Selections of single nodes.
#[derive(Debug)]
pub(super) struct Alone<'a> {
    manifest: &'a Manifest,
    indices: BTreeMap<Kind, Index<'a>>,
}

/// Everything that the verb for this kind does where this resource is selected.
fn done<'a>(manifest: &'a Manifest, kind: Kind, id: &'a str, resource: &Resource) -> Vec<&'a str> {
    if kind != Kind::Test {
        return if resource.kind == kind { vec![id] } else { Vec::new() };
    }
    let is_test = |id: &str| manifest.resources.get(id).is_some_and(|resource| resource.kind.is_test());
    let children = manifest.children.get(id).into_iter().flatten().map(String::as_str);
    std::iter::once(id).chain(children).filter(|id| is_test(id)).collect()
}

/// The name of a file, and what stands before its last dot.
fn names_of_file(path: &str) -> (&str, Option<&str>) {
    let name = path.rsplit('/').next().unwrap_or_default();
    (name, name.rsplit_once('.').map(|(stem, _)| stem))
}

impl<'a> Index<'a> {
    fn of(manifest: &'a Manifest, kind: Kind) -> Self {
        let mut index = Self::default();
        for (id, resource) in &manifest.resources {
            let done = done(manifest, kind, id, resource);
            if done.is_empty() {
                continue;
            }
            let (name, stem) = names_of_file(&resource.path);
            let mut places = vec![format!("path:{}", resource.path), format!("file:{name}")];
            places.extend(stem.map(|stem| format!("file:{stem}")));
            for place in places {
                index.places.entry(place).or_default().extend(&done);
            }
            let (Some(last), false) = (resource.fqn.last(), resource.kind == Kind::Source) else { continue };
            let unscoped = resource.fqn.get(1..).unwrap_or_default();
            for name in [&resource.fqn, unscoped].into_iter().filter(|name| !name.is_empty()) {
                index.names.entry(name.join(".")).or_default().extend(&done);
            }
            let last_two = resource.fqn.len().checked_sub(2).and_then(|from| resource.fqn.get(from..));
            match last_two.filter(|_| resource.is_versioned) {
                Some(both) => {
                    index.whole.entry(both.join("_")).or_default().extend(&done);
                    let name = both.first().cloned().unwrap_or_default();
                    index.whole.entry(name).or_default().extend(&done);
                }
                None => index.whole.entry(last.clone()).or_default().extend(&done),
            }
        }
        index
    }

    /// Whether `fqn:` with this value has the verb do something else than this one.
    fn does_more(&self, value: &str, id: &str) -> bool {
        let parts: Vec<&str> = value.split('.').collect();
        let last_two = parts.len().checked_sub(2).and_then(|from| parts.get(from..)).unwrap_or(&parts);
        let whole = [value.to_owned(), last_two.join("_")];
        // `/` comes right behind `.`.
        let longer = self.names.range(format!("{value}.")..format!("{value}/")).map(|(_, done)| done);
        let same =
            self.names.get(value).into_iter().chain(whole.iter().filter_map(|key| self.whole.get(key)));
        same.chain(longer).flatten().any(|other| *other != id)
    }
}

impl<'a> Alone<'a> {
    pub(super) fn of(manifest: &'a Manifest) -> Self {
        let kinds = [Kind::Model, Kind::Seed, Kind::Snapshot, Kind::Test];
        Self { manifest, indices: kinds.map(|kind| (kind, Index::of(manifest, kind))).into() }
    }

    /// What dbt selects this node alone by; none where nothing that is known here does.
    pub(super) fn selection(&self, id: &str, resource: &Resource) -> Option<String> {
        // dbt reads more than a name there: a blank, a comma, `+`, `*` or `:` would select other nodes than this one.
        if resource.fqn.is_empty() || !resource.fqn.iter().all(|part| is_plain_name(part)) {
            return None;
        }
        let index = self.indices.get(&resource.kind)?;
        let value = resource.fqn.join(".");
        if !index.does_more(&value, id) {
            return Some(format!("fqn:{value}"));
        }
        // A path is one of the project that runs, and files that describe others select these, too.
        let (name, _) = names_of_file(&resource.path);
        let is_own = resource.package == self.manifest.project;
        let place = if is_own { format!("path:{}", resource.path) } else { format!("file:{name}") };
        let is_plain = resource.path.split('/').all(is_plain_name);
        if !is_plain || [".yml", ".yaml"].iter().any(|end| name.ends_with(end)) {
            return None;
        }
        let mut others = index.places.get(&place).into_iter().flatten().filter(|other| **other != id);
        others.all(|other| !self.is_selected(other, &value)).then(|| format!("fqn:{value},{place}"))
    }

    /// Whether `fqn:` with this value selects this one, itself or as the test of another.
    fn is_selected(&self, id: &str, value: &str) -> bool {
        let resources = &self.manifest.resources;
        let by_name = |id: &str| resources.get(id).is_some_and(|resource| select::by_fqn(resource, value));
        let parents = || resources.get(id).filter(|resource| resource.kind.is_test());
        by_name(id) || parents().is_some_and(|test| test.parents.iter().any(|parent| by_name(parent)))
    }
}

/// Whether dbt reads this part of a name as nothing else.
fn is_plain_name(part: &str) -> bool {
    !part.is_empty()
        && part
            .chars()
            .all(|letter| letter.is_alphanumeric() || letter == '_' || letter == '-' || letter == '.')
}
