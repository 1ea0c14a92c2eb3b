//! What a manifest says about its resources, as far as steps and selections ask.

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
    Other,
}

impl Kind {
    const WORDS: [(&'static str, Self); 14] = [
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
        // Schemas up to v2 name them otherwise.
        ("data_test", Self::Test),
        ("rpc", Self::Other),
    ];

    pub(super) fn parse(word: &str) -> Self {
        Self::WORDS.iter().find(|(name, _)| *name == word).map_or(Self::Other, |(_, kind)| *kind)
    }

    pub(super) fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, kind)| *kind == self).map_or("other", |(name, _)| name)
    }

    /// Whether it becomes a step.
    pub(super) fn runs(self) -> bool {
        matches!(self, Self::Model | Self::Seed | Self::Snapshot | Self::Test | Self::Operation)
    }

    pub(super) fn is_test(self) -> bool {
        matches!(self, Self::Test | Self::UnitTest)
    }
}

/// A resource of the manifest.
#[derive(Debug, Clone)]
pub(super) struct Resource {
    pub(super) kind: Kind,
    pub(super) name: String,
    pub(super) package: String,
    pub(super) fqn: Vec<String>,
    pub(super) path: String,
    pub(super) tags: BTreeSet<String>,
    pub(super) config: Value,
    pub(super) is_versioned: bool,
    pub(super) is_generic: bool,
    pub(super) source_name: String,
    pub(super) test_name: String,
    pub(super) parents: BTreeSet<String>,
    /// Named in `depends_on` and not in the manifest: disabled, or of a package that is not there.
    pub(super) dangling: BTreeSet<String>,
}

/// The resources and the edges between them.
#[derive(Debug)]
pub(super) struct Manifest {
    pub(super) project: String,
    pub(super) resources: BTreeMap<String, Resource>,
    pub(super) children: BTreeMap<String, BTreeSet<String>>,
    pub(super) disabled: Vec<String>,
    pub(super) macro_folders: BTreeSet<String>,
}

const SECTIONS: [&str; 7] =
    ["nodes", "sources", "exposures", "metrics", "semantic_models", "saved_queries", "unit_tests"];

impl Manifest {
    pub(super) fn read(text: &str) -> Result<Self, Error> {
        let document = json(text)?;
        let schema =
            document.pointer("/metadata/dbt_schema_version").and_then(Value::as_str).unwrap_or_default();
        if !schema.contains("/dbt/manifest/") || document.get("nodes").and_then(Value::as_object).is_none() {
            let detail = format!("`metadata.dbt_schema_version` is `{schema}`, or there are no `nodes`");
            return Err(Error::Kind { expected: "dbt manifest", detail });
        }
        let mut resources = BTreeMap::new();
        for section in SECTIONS {
            for (id, value) in document.get(section).and_then(Value::as_object).into_iter().flatten() {
                resources.insert(id.clone(), resource(id, value));
            }
        }
        let known: BTreeSet<String> = resources.keys().cloned().collect();
        let mut children: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (id, resource) in &mut resources {
            resource.dangling = resource.parents.difference(&known).cloned().collect();
            resource.parents.retain(|parent| known.contains(parent) && parent != id);
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
            Some(Value::Object(entries)) => entries.keys().cloned().collect(),
            Some(Value::Array(entries)) => entries.iter().map(|entry| text_of(entry, "unique_id")).collect(),
            _ => Vec::new(),
        };
        let macro_folders = document.get("macros").and_then(Value::as_object).into_iter().flatten();
        let macro_folders = macro_folders
            .filter(|(_, value)| text_of(value, "package_name") == project)
            .map(|(_, value)| text_of(value, "original_file_path"))
            .collect();
        Ok(Self { project, resources, children, disabled, macro_folders })
    }
}

fn text_of(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn strings(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

fn resource(id: &str, value: &Value) -> Resource {
    let word = value.get("resource_type").and_then(Value::as_str);
    // Sections of their own do not always say what they hold.
    let kind = Kind::parse(word.or_else(|| id.split('.').next()).unwrap_or_default());
    let config = value.get("config").cloned().unwrap_or(Value::Null);
    let tags = strings(value.get("tags")).into_iter().chain(strings(config.get("tags"))).collect();
    let fqn = strings(value.get("fqn"));
    let source_name = text_of(value, "source_name");
    Resource {
        kind,
        name: text_of(value, "name"),
        package: text_of(value, "package_name"),
        fqn,
        path: text_of(value, "original_file_path"),
        tags,
        is_versioned: value.get("version").is_some_and(|version| !version.is_null()),
        is_generic: value.get("test_metadata").is_some_and(|metadata| !metadata.is_null()),
        test_name: value.get("test_metadata").map(|metadata| text_of(metadata, "name")).unwrap_or_default(),
        source_name,
        parents: strings(value.pointer("/depends_on/nodes")).into_iter().collect(),
        dangling: BTreeSet::new(),
        config,
    }
}
