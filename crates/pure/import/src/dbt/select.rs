//! dbt's node selection: methods, graph operators, unions (space), intersections (comma), `--exclude`.
//!
//! Tests follow what they test ("eager", dbt's default): a test of a selected resource is selected with it. That happens for
//! each criterion, before sets are combined, as dbt does it.

use super::manifest::{Kind, Manifest, Resource};
use crate::Error;
use std::cmp::Ordering;
use std::collections::BTreeSet;

type Ids = BTreeSet<String>;

/// One criterion: `2+tag:nightly+`, `@orders`.
#[derive(Debug, PartialEq, Eq)]
struct Criterion<'a> {
    childrens_parents: bool,
    /// How many levels upward; `None` is none at all, `Some(None)` all of them.
    parents: Option<Option<usize>>,
    children: Option<Option<usize>>,
    method: &'a str,
    argument: Option<&'a str>,
    value: &'a str,
}

/// Everything that `select` names and `exclude` does not; without `select` everything.
pub(super) fn select(manifest: &Manifest, select: Option<&str>, exclude: Option<&str>) -> Result<Ids, Error> {
    let chosen = match select {
        Some(select) => union(manifest, select)?,
        None => manifest.resources.keys().cloned().collect(),
    };
    match exclude {
        Some(exclude) => {
            let out = union(manifest, exclude)?;
            Ok(chosen.difference(&out).cloned().collect())
        }
        None => Ok(chosen),
    }
}

fn union(manifest: &Manifest, text: &str) -> Result<Ids, Error> {
    let mut all = Ids::new();
    for part in text.split_whitespace() {
        let mut common: Option<Ids> = None;
        for criterion in part.split(',') {
            let found = expand(manifest, collect(manifest, &parse(criterion)?)?);
            common = Some(match common {
                Some(before) => before.intersection(&found).cloned().collect(),
                None => found,
            });
        }
        all.extend(common.unwrap_or_default());
    }
    Ok(all)
}

fn refuse<T>(selection: &str, reason: &str) -> Result<T, Error> {
    Err(Error::Selection { selection: selection.to_owned(), reason: reason.to_owned() })
}

fn parse(text: &str) -> Result<Criterion<'_>, Error> {
    let (childrens_parents, rest) = match text.strip_prefix('@') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let digits = rest.len() - rest.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
    let (parents, rest) = match rest.split_at_checked(digits) {
        Some((depth, after)) if after.starts_with('+') => {
            (Some(depth.parse().ok()), after.trim_start_matches('+'))
        }
        _ => (None, rest),
    };
    let (children, rest) = match rest.rsplit_once('+') {
        Some((before, depth)) if depth.bytes().all(|byte| byte.is_ascii_digit()) => {
            (Some(depth.parse().ok()), before)
        }
        _ => (None, rest),
    };
    if childrens_parents && (children.is_some() || parents.is_some()) {
        return refuse(text, "`@` stands without `+`");
    }
    let (method, value) = match rest.split_once(':') {
        Some((method, value)) => (method, value),
        None if rest.contains('/') => ("path", rest),
        None if [".sql", ".py", ".csv"].iter().any(|end| rest.ends_with(end)) => ("file", rest),
        None => ("fqn", rest),
    };
    if value.is_empty() {
        return refuse(text, "it names nothing");
    }
    let (method, argument) = match method.split_once('.') {
        Some((method, argument)) => (method, Some(argument)),
        None => (method, None),
    };
    Ok(Criterion { childrens_parents, parents, children, method, argument, value })
}

fn collect(manifest: &Manifest, criterion: &Criterion<'_>) -> Result<Ids, Error> {
    let mut chosen = Ids::new();
    for (id, resource) in &manifest.resources {
        if matches(manifest, resource, criterion)? {
            chosen.insert(id.clone());
        }
    }
    let up = |id: &str| manifest.resources.get(id).map(|resource| &resource.parents);
    let down = |id: &str| manifest.children.get(id);
    let mut all = chosen.clone();
    if criterion.childrens_parents {
        let below = reach(&chosen, None, down);
        all.extend(reach(&below, None, up));
    }
    if let Some(depth) = criterion.parents {
        all.extend(reach(&chosen, depth, up));
    }
    if let Some(depth) = criterion.children {
        all.extend(reach(&chosen, depth, down));
    }
    Ok(all)
}

/// Everything within `depth` edges, the start included.
fn reach<'a>(start: &Ids, depth: Option<usize>, next: impl Fn(&str) -> Option<&'a BTreeSet<String>>) -> Ids {
    let mut seen = start.clone();
    let mut edge: Vec<String> = start.iter().cloned().collect();
    let mut left = depth.unwrap_or(usize::MAX);
    while left > 0 && !edge.is_empty() {
        let mut further = Vec::new();
        for id in edge {
            for other in next(&id).into_iter().flatten() {
                if seen.insert(other.clone()) {
                    further.push(other.clone());
                }
            }
        }
        edge = further;
        left -= 1;
    }
    seen
}

/// Tests of what was selected.
fn expand(manifest: &Manifest, mut chosen: Ids) -> Ids {
    let followers: Vec<String> =
        chosen.iter().filter_map(|id| manifest.children.get(id)).flatten().cloned().collect();
    let is_test = |id: &String| manifest.resources.get(id).is_some_and(|resource| resource.kind.is_test());
    chosen.extend(followers.into_iter().filter(is_test));
    chosen
}

fn matches(manifest: &Manifest, resource: &Resource, criterion: &Criterion<'_>) -> Result<bool, Error> {
    let value = criterion.value;
    let named = |kind: Kind| {
        let full = format!("{}.{}", resource.package, resource.name);
        resource.kind == kind && (glob(value, &resource.name) || glob(value, &full))
    };
    Ok(match criterion.method {
        "fqn" => by_fqn(resource, value),
        "tag" => resource.tags.iter().any(|tag| glob(value, tag)),
        "path" => in_folder(&resource.path, value),
        "file" => {
            let name = resource.path.rsplit('/').next().unwrap_or_default();
            glob(value, name) || name.rsplit_once('.').is_some_and(|(stem, _)| glob(value, stem))
        }
        "package" if value == "this" => resource.package == manifest.project,
        "package" => glob(value, &resource.package),
        "access" => resource.kind == Kind::Model && resource.access == value,
        "group" => !resource.group.is_empty() && glob(value, &resource.group),
        "version" => resource.kind == Kind::Model && version(resource, value)?,
        "resource_type" => resource.kind == Kind::parse(value),
        "config" => config(resource, criterion.argument.unwrap_or_default(), value),
        "test_type" => match value {
            "generic" => resource.kind == Kind::Test && resource.is_generic,
            "singular" => resource.kind == Kind::Test && !resource.is_generic,
            "data" => resource.kind == Kind::Test,
            "unit" => resource.kind == Kind::UnitTest,
            _ => return refuse(value, "test types are generic, singular, data and unit"),
        },
        "test_name" => resource.kind == Kind::Test && glob(value, &resource.test_name),
        "source" => resource.kind == Kind::Source && is_source(resource, value),
        "exposure" => named(Kind::Exposure),
        "metric" => named(Kind::Metric),
        "semantic_model" => named(Kind::SemanticModel),
        "saved_query" => named(Kind::SavedQuery),
        "unit_test" => named(Kind::UnitTest),
        other => {
            let known = "fqn, tag, path, file, package, resource_type, config.KEY, test_type, test_name, access, group, \
                         version, source, exposure, metric, semantic_model, saved_query and unit_test";
            return refuse(other, &format!("it is no method that is known here; those are {known}"));
        }
    })
}

/// Whether a model's version stands so to the latest one.
fn version(resource: &Resource, value: &str) -> Result<bool, Error> {
    let order = || {
        let (own, latest) = (resource.version.as_deref()?, resource.latest_version.as_deref()?);
        match (own.parse::<f64>(), latest.parse::<f64>()) {
            (Ok(own), Ok(latest)) => own.partial_cmp(&latest),
            _ => Some(own.cmp(latest)),
        }
    };
    Ok(match value {
        "latest" => resource.version.is_some() && resource.version == resource.latest_version,
        "prerelease" => order() == Some(Ordering::Greater),
        "old" => order() == Some(Ordering::Less),
        "none" => resource.version.is_none(),
        _ => return refuse(value, "versions are latest, prerelease, old and none"),
    })
}

/// Whether `fqn:` with this value selects the resource.
pub(super) fn by_fqn(resource: &Resource, value: &str) -> bool {
    let is = |fqn: &[String]| is_named(fqn, value, resource.is_versioned);
    resource.kind != Kind::Source && (is(&resource.fqn) || resource.fqn.get(1..).is_some_and(is))
}

/// A name, a path of names, or one that ends in wildcards.
fn is_named(fqn: &[String], value: &str, is_versioned: bool) -> bool {
    let parts: Vec<&str> = value.split('.').collect();
    let last = |count: usize| fqn.len().checked_sub(count).and_then(|from| fqn.get(from..));
    if is_versioned {
        let wanted = parts.len().checked_sub(2).and_then(|from| parts.get(from..)).unwrap_or(&parts);
        let joined = last(2).map(|names| names.join("_"));
        if last(2).and_then(<[String]>::first).is_some_and(|name| name == value)
            || joined == Some(wanted.join("_"))
        {
            return true;
        }
    } else if fqn.last().is_some_and(|name| name == value) {
        return true;
    }
    let flat: Vec<&str> = fqn.iter().flat_map(|name| name.split('.')).collect();
    if flat.len() < parts.len() {
        return false;
    }
    for (index, (part, name)) in parts.iter().zip(&flat).enumerate() {
        if part.contains(['*', '?', '[', ']']) {
            let rest = |all: &[&str]| all.get(index..).unwrap_or_default().join(".");
            return glob(&rest(&parts), &rest(&flat));
        }
        if part != name {
            return false;
        }
    }
    true
}

fn is_source(resource: &Resource, value: &str) -> bool {
    let parts: Vec<&str> = value.split('.').collect();
    match parts.as_slice() {
        [source] => glob(source, &resource.source_name),
        [source, table] => glob(source, &resource.source_name) && glob(table, &resource.name),
        [package, source, table] => {
            glob(package, &resource.package)
                && glob(source, &resource.source_name)
                && glob(table, &resource.name)
        }
        _ => false,
    }
}

/// The file itself or a folder above it, wildcards part by part.
fn in_folder(path: &str, wanted: &str) -> bool {
    let wanted: Vec<&str> =
        wanted.trim_start_matches("./").split('/').filter(|part| !part.is_empty()).collect();
    let path: Vec<&str> = path.split('/').collect();
    !wanted.is_empty()
        && wanted.len() <= path.len()
        && wanted.iter().zip(&path).all(|(part, name)| glob(part, name))
}

fn config(resource: &Resource, key: &str, value: &str) -> bool {
    let mut at = &resource.config;
    for part in key.split('.') {
        match at.get(part) {
            Some(next) => at = next,
            None => return false,
        }
    }
    let is = |found: &serde_json::Value| match found {
        serde_json::Value::String(text) => glob(value, text),
        serde_json::Value::Bool(flag) => flag.to_string().eq_ignore_ascii_case(value),
        other => serde_json::to_string(other).is_ok_and(|text| text == value),
    };
    match at {
        serde_json::Value::Array(items) => items.iter().any(is),
        serde_json::Value::Object(entries) => entries.contains_key(value),
        one => is(one),
    }
}

/// `*`, `?` and `[…]` as in fnmatch, in time linear in both for one star and bounded by their product.
fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut here) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while here < text.len() {
        match one(&pattern, at, text.get(here).copied().unwrap_or_default()) {
            Some(next) => (at, here) = (next, here + 1),
            None if pattern.get(at) == Some(&'*') => {
                star = Some((at + 1, here));
                at += 1;
            }
            None => match star {
                Some((after, from)) => {
                    star = Some((after, from + 1));
                    (at, here) = (after, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern.get(at..).is_some_and(|rest| rest.iter().all(|letter| *letter == '*'))
}

/// The place after the pattern's letter or class at `at`, if it takes `letter`.
fn one(pattern: &[char], at: usize, letter: char) -> Option<usize> {
    match *pattern.get(at)? {
        '*' => None,
        '?' => Some(at + 1),
        '[' => {
            let rest = pattern.get(at + 1..)?;
            let Some(end) = rest.iter().skip(1).position(|end| *end == ']').map(|end| end + 1) else {
                return (letter == '[').then_some(at + 1);
            };
            let class = rest.get(..end)?;
            let (negated, class) = match class.split_first() {
                Some(('!', others)) => (true, others),
                _ => (false, class),
            };
            (class.contains(&letter) != negated).then_some(at + 1 + end + 1)
        }
        plain => (plain == letter).then_some(at + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn criteria_are_read_as_dbt_reads_them() {
        let read = |text| {
            parse(text).map(|found| (found.childrens_parents, found.parents, found.children, found.value))
        };
        assert_eq!(read("a"), Ok((false, None, None, "a")));
        assert_eq!(read("+a+"), Ok((false, Some(None), Some(None), "a")));
        assert_eq!(read("2+a+13"), Ok((false, Some(Some(2)), Some(Some(13)), "a")));
        assert_eq!(read("@a"), Ok((true, None, None, "a")));
        assert_eq!(parse("config.materialized:table+").unwrap().argument, Some("materialized"));
        assert_eq!(parse("models/a.sql").unwrap().method, "path");
        assert!(parse("tag:").is_err() && parse("@a+").is_err() && parse("+").is_err());
    }

    #[test]
    fn wildcards() {
        for (pattern, text) in
            [("a*c", "abbc"), ("*", ""), ("?", "é"), ("[ab]c", "bc"), ("[!a]", "b"), ("a**b", "ab")]
        {
            assert!(glob(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in
            [("a*c", "abb"), ("?", ""), ("[ab]c", "cc"), ("[!a]", "a"), ("stg_*", "staging.stg_a")]
        {
            assert!(!glob(pattern, text), "{pattern} {text}");
        }
    }
}
