//! What a backup takes along of the configuration folder: profiles and public keys. Never the key file.

use crate::problem::Problem;
use crate::profile::{DEFAULT, Selected, folder};
use std::path::{Path, PathBuf};

const FOLDER: &str = "profiles";

fn is_taken(name: &str) -> bool {
    name.ends_with(".toml") || name.ends_with(".vkey")
}

impl Selected {
    /// The names of all profiles of this installation, and their files.
    pub(crate) fn profiles(&self) -> Result<Vec<(String, PathBuf)>, Problem> {
        let named = self.folders.config.join(FOLDER);
        let mut found: Vec<(String, PathBuf)> = names(&named)?
            .into_iter()
            .filter_map(|file| Some((file.strip_suffix(".toml")?.to_owned(), named.join(&file))))
            .collect();
        let default = self.folders.config.join("profile.toml");
        if default.exists() {
            found.push((DEFAULT.to_owned(), default));
        }
        Ok(found)
    }

    /// Names below the configuration folder, and what stands in them.
    pub(crate) fn beside(&self) -> Result<Vec<(String, Vec<u8>)>, Problem> {
        let mut found = Vec::new();
        for (folder, before) in
            [(self.folders.config.clone(), ""), (self.folders.config.join(FOLDER), "profiles/")]
        {
            for name in names(&folder)? {
                if let Some(text) = folder::read(&folder.join(&name))? {
                    found.push((format!("{before}{name}"), text.into_bytes()));
                }
            }
        }
        Ok(found)
    }

    /// Puts them back where they are missing; gives the names of those that are there with other content. Where that is only
    /// asked, nothing is written.
    pub(crate) fn put_beside(
        &self,
        files: &[(String, Vec<u8>)],
        dry_run: bool,
    ) -> Result<Vec<String>, Problem> {
        let mut kept = Vec::new();
        for (name, bytes) in files {
            let path = self.folders.config.join(name);
            let text = String::from_utf8_lossy(bytes);
            if let Some(parent) = path.parent() {
                folder::make_or_look(parent, dry_run)?;
            }
            match folder::read(&path)? {
                None if dry_run => {}
                None => folder::write(&path, &text)?,
                Some(there) if there == text => {}
                Some(_) => kept.push(name.clone()),
            }
        }
        Ok(kept)
    }
}

fn names(folder: &Path) -> Result<Vec<String>, Problem> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            return Err(Problem::config(format!("dvt cannot list `{}`: {}", folder.display(), error.kind())));
        }
    };
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.retain(|name| is_taken(name));
    names.sort();
    Ok(names)
}
