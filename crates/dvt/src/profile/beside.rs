//! What a backup takes along of the configuration folder: profiles and public keys. Never the key file.

use crate::problem::Problem;
use crate::profile::{Selected, folder};
use std::path::Path;

const FOLDER: &str = "profiles";

fn is_taken(name: &str) -> bool {
    name.ends_with(".toml") || name.ends_with(".vkey")
}

impl Selected {
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

    /// Puts them back where they are missing; gives the names of those that are there with other content.
    pub(crate) fn put_beside(&self, files: &[(String, Vec<u8>)]) -> Result<Vec<String>, Problem> {
        let mut kept = Vec::new();
        for (name, bytes) in files {
            let path = self.folders.config.join(name);
            if let Some(parent) = path.parent() {
                folder::make(parent)?;
            }
            let text = String::from_utf8_lossy(bytes);
            match folder::read(&path)? {
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
