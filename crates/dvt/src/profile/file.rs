//! `profile.toml`: which tenant this is, who we are in it, and what its owner allows.
//!
//! An unknown key ends the start. It holds no secret and no key.

use crate::problem::Problem;
use crate::profile::folder;
use dvt_model::id::{EnvironmentId, PrincipalId, ProjectId, TenantId};
use dvt_model::scope::ScopeIds;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// A profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Profile {
    /// The tenant's name, for people.
    pub(crate) name: String,
    pub(crate) tenant_id: TenantId,
    pub(crate) project_id: ProjectId,
    pub(crate) environment_id: EnvironmentId,
    pub(crate) principal_id: PrincipalId,
    /// The owner's word for program steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) program_steps: Option<ProgramSteps>,
}

/// Where program steps may run without being asked for each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ProgramSteps {
    /// As the OS user, without a wall.
    Host,
}

impl Profile {
    /// Draws a new one.
    pub(crate) fn draw() -> Self {
        use dvt_keys::entropy::random;
        Self {
            name: super::names::draw(),
            tenant_id: TenantId::from_random(random()),
            project_id: ProjectId::from_random(random()),
            environment_id: EnvironmentId::from_random(random()),
            principal_id: PrincipalId::from_random(random()),
            program_steps: None,
        }
    }

    /// The ids as data; only access makes a scope of them.
    pub(crate) fn scope(&self) -> ScopeIds {
        ScopeIds {
            tenant_id: self.tenant_id,
            project_id: self.project_id,
            environment_id: self.environment_id,
        }
    }

    /// Reads and checks the file; `None` where there is none.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>, Problem> {
        let Some(text) = folder::read(path)? else { return Ok(None) };
        let profile = toml::from_str(&text).map_err(|error| {
            let line =
                error.span().map_or(1, |span| text.get(..span.start).unwrap_or("").lines().count().max(1));
            Problem::config(format!("`{}`, line {line}: {}", path.display(), error.message().trim()))
                .why("what stands in a profile and is not understood ends the start")
        })?;
        Ok(Some(profile))
    }

    /// Writes the file in one step.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Problem> {
        let body = toml::to_string(self)
            .map_err(|error| Problem::config(format!("the profile cannot be written: {error}")))?;
        let head = "# Which tenant this is and who you are in it. `programSteps = \"host\"` lets every plan that you run\n# start programs as you, without a wall.\n";
        folder::write(path, &format!("{head}{body}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_comes_back_and_an_unknown_key_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("profile.toml");
        let profile = Profile { program_steps: Some(ProgramSteps::Host), ..Profile::draw() };
        profile.write(&path).unwrap();
        assert_eq!(Profile::read(&path).unwrap(), Some(profile.clone()));
        let text = std::fs::read_to_string(&path).unwrap();
        for wrong in ["colour = 1\n", "programSteps = \"contained\"\n"] {
            folder::write(&path, &format!("{}{wrong}", text.replace("programSteps = \"host\"\n", "")))
                .unwrap();
            assert_eq!(
                Profile::read(&path).unwrap_err().code,
                dvt_model::code::Code::ConfigInvalid,
                "{wrong}"
            );
        }
    }
}
