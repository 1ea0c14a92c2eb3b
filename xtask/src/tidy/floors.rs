//! Floors: no arrow points upward, and the arrows inside a floor stand in the table below, which a review reads as a diff.

use crate::process::{cargo, output};
use serde_json::Value;

/// The floors, lowest first. A crate may lean on lower floors and, by [`WITHIN`], on its own.
const FLOORS: &[&str] = &["crates/pure/", "crates/infra/", "crates/runtime/", "crates/edge/", "crates/dvt/"];

/// The arrows inside a floor: who leans on whom.
const WITHIN: &[(&str, &[&str])] = &[
    ("dvt-scrub", &[]),
    ("dvt-model", &[]),
    ("dvt-ledger", &["dvt-model"]),
    ("dvt-policy", &["dvt-model"]),
    ("dvt-plan", &["dvt-model", "dvt-scrub"]),
    ("dvt-core", &["dvt-model", "dvt-plan"]),
    ("dvt-rehearsal", &["dvt-model", "dvt-plan", "dvt-core"]),
    ("dvt-import", &["dvt-model"]),
    ("dvt-keys", &[]),
    ("dvt-telemetry", &[]),
    ("dvt-vfs", &[]),
    ("dvt-store", &["dvt-keys", "dvt-telemetry", "dvt-vfs"]),
    ("dvt-wall", &[]),
    ("dvt-worker", &[]),
    ("dvt-engine", &["dvt-worker"]),
    ("dvt-access", &[]),
    ("dvt", &[]),
];

/// A package of the workspace and what it leans on when shipped.
pub(crate) struct Package {
    pub(crate) name: String,
    /// Its folder from the root, with a slash at the end.
    pub(crate) folder: String,
    pub(crate) dependencies: Vec<String>,
}

impl Package {
    fn floor(&self) -> Option<usize> {
        FLOORS.iter().position(|floor| self.folder.starts_with(floor))
    }

    /// Whether it is part of what users run.
    pub(crate) fn is_shipped(&self) -> bool {
        self.floor().is_some()
    }

    /// Whether it stands on the floor without I/O.
    pub(crate) fn is_pure(&self) -> bool {
        self.floor() == Some(0)
    }
}

/// Reads `cargo metadata`.
pub(crate) fn packages() -> Result<Vec<Package>, String> {
    let text = output(&mut cargo(&["metadata", "--format-version", "1", "--no-deps", "--locked"]))?;
    let metadata: Value = serde_json::from_str(&text).map_err(|error| format!("cargo metadata: {error}"))?;
    let root = metadata.get("workspace_root").and_then(Value::as_str).unwrap_or_default().to_owned() + "/";
    let listed =
        metadata.get("packages").and_then(Value::as_array).ok_or("cargo metadata has no packages")?;
    let text =
        |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let read = |package: &Value| {
        let manifest = text(package, "manifest_path");
        let dependencies =
            package.get("dependencies").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        Package {
            name: text(package, "name"),
            folder: manifest.trim_start_matches(&root).trim_end_matches("Cargo.toml").to_owned(),
            dependencies: dependencies
                .iter()
                .filter(|dependency| dependency.get("kind").is_none_or(Value::is_null))
                .map(|dependency| text(dependency, "name"))
                .collect(),
        }
    };
    Ok(listed.iter().map(read).collect())
}

/// Every arrow of every shipped crate.
pub(crate) fn check(packages: &[Package]) -> Vec<String> {
    let mut faults = Vec::new();
    for package in packages.iter().filter(|package| package.is_shipped()) {
        let Some((_, allowed)) = WITHIN.iter().find(|(name, _)| *name == package.name) else {
            faults.push(format!(
                "`{}` has no row in the table of arrows (xtask/src/tidy/floors.rs)",
                package.name
            ));
            continue;
        };
        for name in &package.dependencies {
            let Some(target) = packages.iter().find(|other| &other.name == name) else { continue };
            if !target.is_shipped() {
                faults.push(format!("`{}` leans on `{name}`, which is not shipped", package.name));
            } else if target.floor() > package.floor() {
                faults.push(format!("`{}` leans on `{name}`, which stands above it", package.name));
            } else if target.floor() == package.floor() && !allowed.contains(&name.as_str()) {
                faults
                    .push(format!("the arrow `{}` -> `{name}` stands in no row of its floor", package.name));
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, folder: &str, dependencies: &[&str]) -> Package {
        let dependencies = dependencies.iter().map(|name| (*name).to_owned()).collect();
        Package { name: name.to_owned(), folder: folder.to_owned(), dependencies }
    }

    #[test]
    fn an_arrow_upward_or_without_row_or_to_the_testkit_is_found() {
        let house = |core: &[&str]| {
            check(&[
                package("dvt-core", "crates/pure/core/", core),
                package("dvt-model", "crates/pure/model/", &[]),
                package("dvt-ledger", "crates/pure/ledger/", &["dvt-model"]),
                package("dvt-store", "crates/infra/store/", &["dvt-model"]),
                package("dvt-testkit", "testkit/", &["dvt-store"]),
            ])
        };
        assert_eq!(house(&["dvt-model", "serde"]), Vec::<String>::new());
        for wrong in ["dvt-store", "dvt-ledger", "dvt-testkit"] {
            assert_eq!(house(&[wrong]).len(), 1, "{wrong}");
        }
    }
}
