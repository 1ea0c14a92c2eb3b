//! One installation of an OS user: a root key, a data folder, and a profile per tenant.
//!
//! Nothing is shipped ready-made and there is no default tenant: the first start draws one. What is not ours, is readable by
//! others, or has an unknown key ends the start.

mod beside;
pub(crate) mod file;
pub(crate) mod folder;
pub(crate) mod names;
pub(crate) mod user;

use crate::problem::Problem;
use file::Profile;
use folder::Folders;
use std::path::PathBuf;

/// Which profile is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Selected {
    pub(crate) name: String,
    pub(crate) folders: Folders,
}

impl Selected {
    /// From the flag, else `DVT_PROFILE`, else the one called `default`.
    pub(crate) fn resolve(flag: Option<&str>) -> Result<Self, Problem> {
        let folders = Folders::resolve()?;
        let from_environment = std::env::var("DVT_PROFILE").ok().filter(|name| !name.is_empty());
        let name = flag.map(ToOwned::to_owned).or(from_environment).unwrap_or_else(|| DEFAULT.to_owned());
        let good = name.len() <= 32
            && name.starts_with(|first: char| first.is_ascii_lowercase())
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if !good {
            return Err(Problem::usage(format!("`{name}` is no profile name")).why(
                "a profile name is a lowercase letter, then up to 31 of lowercase letters, digits and `-`",
            ));
        }
        Ok(Self { name, folders })
    }

    fn stem(&self) -> PathBuf {
        if self.name == DEFAULT {
            self.folders.config.join("profile")
        } else {
            self.folders.config.join("profiles").join(&self.name)
        }
    }

    /// The profile's file.
    pub(crate) fn path(&self) -> PathBuf {
        self.stem().with_extension("toml")
    }

    /// The public keys of its ledger, one `vkey` a line: what an auditor needs.
    pub(crate) fn keys_path(&self) -> PathBuf {
        self.stem().with_extension("vkey")
    }

    /// Reads the profile; `None` before the first start.
    pub(crate) fn read(&self) -> Result<Option<Profile>, Problem> {
        Profile::read(&self.path())
    }
}

const DEFAULT: &str = "default";
