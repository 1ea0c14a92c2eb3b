//! What a manifest says about its resources, as far as steps and selections ask.

use super::steps::is_tag;
use crate::pointer::{Hop, Pointer};
use crate::{Error, json};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What a resource is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Model,
    Seed,
    Snapshot,
    Test,
    Operation,
    Analysis,
    Source,
    Exposure,
    Metric,
    SemanticModel,
    SavedQuery,
    UnitTest,
    Function,
    Other,
}

impl Kind {
    const WORDS: [(&'static str, Self); 15] = [
        ("model", Self::Model),
        ("seed", Self::Seed),
        ("snapshot", Self::Snapshot),
        ("test", Self::Test),
        ("operation", Self::Operation),
        ("analysis", Self::Analysis),
        ("source", Self::Source),
        ("exposure", Self::Exposure),
        ("metric", Self::Metric),
        ("semantic_model", Self::SemanticModel),
        ("saved_query", Self::SavedQuery),
        ("unit_test", Self::UnitTest),
        ("function", Self::Function),
        // Schemas up to v2 name them otherwise.
        ("data_test", Self::Test),
        ("rpc", Self::Other),
    ];

    pub(super) fn parse(word: &str) -> Self {
        Self::WORDS.iter().find(|(name, _)| *name == word).map_or(Self::Other, |(_, kind)| *kind)
    }

    pub(super) fn word(self) -> &'static str {
        let known = Self::WORDS.iter().find(|(_, kind)| *kind == self && self != Self::Other);
        known.map_or("other", |(name, _)| name)
    }

    /// Whether it becomes a step.
    pub(super) fn runs(self) -> bool {
        matches!(self, Self::Model | Self::Seed | Self::Snapshot | Self::Test | Self::Operation)
    }

    /// Why there is no step for it.
    pub(super) fn why_none(self) -> &'static str {
        match self {
            Self::UnitTest => "`dbt build` and `dbt test` run it; the plan has no step for it",
            Self::Function => "`dbt build` makes it; the plan has no step for it, so it must be there",
            Self::Other => "what dbt does with it is not known here, so there is no step",
            _ => "dbt runs nothing for it by itself, so there is no step",
        }
    }

    pub(super) fn is_test(self) -> bool {
        matches!(self, Self::Test | Self::UnitTest)
    }
}

/// A resource of the manifest.
#[derive(Debug, Clone)]
pub(super) struct Resource {
    pub(super) kind: Kind,
    /// Where the manifest has it.
    pub(super) section: &'static str,
    pub(super) name: String,
    pub(super) package: String,
    pub(super) fqn: Vec<String>,
    pub(super) path: String,
    pub(super) tags: BTreeSet<String>,
    pub(super) config: Value,
    pub(super) is_versioned: bool,
    /// Who may refer to it, and the group that it belongs to.
    pub(super) access: String,
    pub(super) group: String,
    /// Its version, and the one that is meant where none is named.
    pub(super) version: Option<String>,
    pub(super) latest_version: Option<String>,
    pub(super) is_generic: bool,
    pub(super) source_name: String,
    pub(super) test_name: String,
    pub(super) parents: BTreeSet<String>,
    /// Named in `depends_on` and not in the manifest: disabled, or of a package that is not there.
    /// With the way to where it is named.
    pub(super) dangling: Vec<(String, Pointer)>,
    /// Tags that are none here, with the way to each.
    pub(super) odd_tags: Vec<(String, Pointer)>,
}

/// The resources and the edges between them.
#[derive(Debug)]
pub(super) struct Manifest {
    pub(super) project: String,
    /// The schema that it says it has, where that is none that is known here, with the way to it.
    pub(super) odd_schema: Option<(String, Pointer)>,
    /// Sections that are not known here and hold something, with the way to each.
    pub(super) odd_sections: Vec<(String, Pointer)>,
    pub(super) resources: BTreeMap<String, Resource>,
    pub(super) children: BTreeMap<String, BTreeSet<String>>,
    /// With the way to each.
    pub(super) disabled: Vec<(String, Pointer)>,
    pub(super) macro_folders: BTreeSet<String>,
}

/// Schemas of manifests that are known here.
const SCHEMAS: [&str; 11] = ["v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12"];

const SECTIONS: [&str; 8] = [
    "nodes",
    "sources",
    "exposures",
    "metrics",
    "semantic_models",
    "saved_queries",
    "unit_tests",
    "functions",
];

/// What stands beside them and holds no resources.
const BESIDE: [&str; 9] =
    ["metadata", "macros", "docs", "groups", "selectors", "disabled", "parent_map", "child_map", "group_map"];

impl Resource {
    /// The way to it.
    pub(super) fn way(&self, id: &str) -> Pointer {
        vec![self.section.into(), id.into()]
    }
}

/// The texts of a list that stands at the end of keys, or the one text that stands there, with the way to each.
fn with_ways(value: &Value, above: &[&str], keys: &[&str]) -> Vec<(String, Pointer)> {
    let way: Pointer = above.iter().chain(keys).map(|key| Hop::from(*key)).collect();
    let found = keys.iter().try_fold(value, |value, key| value.get(key));
    let item = |(nth, item): (usize, &Value)| {
        let way = way.iter().cloned().chain([Hop::from(nth)]).collect();
        Some((item.as_str()?.to_owned(), way))
    };
    match found {
        Some(Value::Array(items)) => items.iter().enumerate().filter_map(item).collect(),
        Some(Value::String(text)) => vec![(text.clone(), way.into_iter().chain([Hop::Value]).collect())],
        _ => Vec::new(),
    }
}

impl Manifest {
    pub(super) fn read(text: &str) -> Result<Self, Error> {
        let document = json(text)?;
        let schema =
            document.pointer("/metadata/dbt_schema_version").and_then(Value::as_str).unwrap_or_default();
        if !schema.contains("/dbt/manifest/") || document.get("nodes").and_then(Value::as_object).is_none() {
            let detail = format!("`metadata.dbt_schema_version` is `{schema}`, or there are no `nodes`");
            return Err(Error::Kind { expected: "dbt manifest", detail });
        }
        let is_known = SCHEMAS.iter().any(|known| schema.ends_with(&format!("/{known}.json")));
        let way = || vec!["metadata".into(), "dbt_schema_version".into(), Hop::Value];
        let odd_schema = (!is_known).then(|| (schema.to_owned(), way()));
        let holds = |value: &Value| value.as_object().is_some_and(|entries| !entries.is_empty());
        let is_odd = |key: &str| !SECTIONS.contains(&key) && !BESIDE.contains(&key);
        let sections = document.as_object().into_iter().flatten();
        let odd_sections = sections
            .filter(|(key, value)| is_odd(key) && holds(value))
            .map(|(key, _)| (key.clone(), vec![key.as_str().into()]))
            .collect();
        let mut resources = BTreeMap::new();
        for section in SECTIONS {
            for (id, value) in document.get(section).and_then(Value::as_object).into_iter().flatten() {
                resources.insert(id.clone(), resource(section, id, value));
            }
        }
        let known: BTreeSet<String> = resources.keys().cloned().collect();
        let mut children: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (id, resource) in &mut resources {
            if !resource.parents.is_subset(&known) {
                let above = [resource.section, id.as_str()];
                let value = document.get(resource.section).and_then(|section| section.get(id));
                let named = value.map(|value| with_ways(value, &above, &["depends_on", "nodes"]));
                let mut named: BTreeMap<String, Pointer> = named.unwrap_or_default().into_iter().collect();
                named.retain(|parent, _| !known.contains(parent));
                resource.dangling = named.into_iter().collect();
            }
            resource.parents.retain(|parent| known.contains(parent));
            for parent in &resource.parents {
                children.entry(parent.clone()).or_default().insert(id.clone());
            }
        }
        let project = resources.values().find(|resource| resource.kind == Kind::Model);
        let project = document
            .pointer("/metadata/project_name")
            .and_then(Value::as_str)
            .or_else(|| project.map(|resource| resource.package.as_str()))
            .unwrap_or("dbt")
            .to_owned();
        let disabled = match document.get("disabled") {
            Some(Value::Object(entries)) => {
                entries.keys().map(|id| (id.clone(), vec!["disabled".into(), id.as_str().into()])).collect()
            }
            Some(Value::Array(entries)) => {
                let each = entries.iter().enumerate();
                each.map(|(nth, entry)| (text_of(entry, "unique_id"), vec!["disabled".into(), nth.into()]))
                    .collect()
            }
            _ => Vec::new(),
        };
        let macro_folders = document.get("macros").and_then(Value::as_object).into_iter().flatten();
        let macro_folders = macro_folders
            .filter(|(_, value)| text_of(value, "package_name") == project)
            .map(|(_, value)| text_of(value, "original_file_path"))
            .collect();
        Ok(Self { project, odd_schema, odd_sections, resources, children, disabled, macro_folders })
    }
}

fn text_of(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// What a resource says of itself, or its settings say of it.
fn first_of(value: &Value, config: &Value, key: &str) -> String {
    let own = text_of(value, key);
    if own.is_empty() { text_of(config, key) } else { own }
}

/// A version: people write `2`, `2.1` or `"two"`.
fn scalar(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn strings(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

fn resource(section: &'static str, id: &str, value: &Value) -> Resource {
    let word = value.get("resource_type").and_then(Value::as_str);
    // Sections of their own do not always say what they hold.
    let kind = Kind::parse(word.or_else(|| id.split('.').next()).unwrap_or_default());
    let config = value.get("config").cloned().unwrap_or(Value::Null);
    let tags: BTreeSet<String> =
        strings(value.get("tags")).into_iter().chain(strings(config.get("tags"))).collect();
    let mut odd_tags = Vec::new();
    if !tags.iter().all(|tag| is_tag(tag)) {
        let of_config = with_ways(value, &[section, id], &["config", "tags"]);
        let own = with_ways(value, &[section, id], &["tags"]);
        let each: BTreeMap<String, Pointer> = of_config.into_iter().chain(own).collect();
        odd_tags.extend(each.into_iter().filter(|(tag, _)| !is_tag(tag)));
    }
    let fqn = strings(value.get("fqn"));
    let version = scalar(value.get("version"));
    let source_name = text_of(value, "source_name");
    Resource {
        kind,
        section,
        name: text_of(value, "name"),
        package: text_of(value, "package_name"),
        fqn,
        path: text_of(value, "original_file_path"),
        tags,
        is_versioned: version.is_some(),
        access: first_of(value, &config, "access"),
        group: first_of(value, &config, "group"),
        version,
        latest_version: scalar(value.get("latest_version")),
        is_generic: value.get("test_metadata").is_some_and(|metadata| !metadata.is_null()),
        test_name: value.get("test_metadata").map(|metadata| text_of(metadata, "name")).unwrap_or_default(),
        source_name,
        parents: strings(value.pointer("/depends_on/nodes")).into_iter().collect(),
        dangling: Vec::new(),
        odd_tags,
        config,
    }
}
