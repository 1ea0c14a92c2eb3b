//! Packs what the plan's `files` name: all that steps will see of the plan's folder.
//!
//! It stays inside the folder: no link is followed, `..` and absolute patterns fit nothing. The bundle holds names, the
//! executable bit and contents, nothing else, so that the same files give the same digest everywhere.

use super::glob;
use crate::problem::Problem;
use dvt_model::code::Code;
use dvt_model::digest::Digest;
use dvt_worker::bundle;
use std::fs::Metadata;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// The largest sum of the packed files.
const MOST_BYTES: u64 = 32 * 1024 * 1024;
/// The most files, and the most entries that are looked at.
const MOST_FILES: usize = 10_000;
const MOST_SEEN: usize = 100_000;

/// A packed bundle.
pub(crate) struct Packed {
    pub(crate) bytes: Vec<u8>,
    pub(crate) digest: Digest,
    pub(crate) names: Vec<String>,
}

/// Packs the files of a plan in `folder`; `None` where it names none.
pub(crate) fn pack(folder: &Path, patterns: &[String]) -> Result<Option<Packed>, Problem> {
    if patterns.is_empty() {
        return Ok(None);
    }
    let mut found = find(folder, patterns)?;
    found.sort();
    for pattern in patterns {
        if !found.iter().any(|(name, _)| glob::fits(pattern, name)) {
            return Err(Problem::usage(format!(
                "`files: {pattern}` matches nothing in `{}`",
                folder.display()
            ))
            .why(
                "names that begin with a dot, links, and what lies outside of the folder are never packed",
            ));
        }
    }
    let names = found.iter().map(|(name, _)| name.clone()).collect();
    let mut entries = Vec::with_capacity(found.len());
    let mut sum = 0u64;
    for (name, path) in found {
        let (content, metadata) = read(&path, &mut sum)?;
        entries.push(bundle::Entry { path: name, executable: metadata.mode() & 0o100 != 0, content });
    }
    let packed = bundle::pack(entries);
    let (digest, bytes) =
        packed.map_err(|error| Problem::usage(format!("the files cannot be packed: {error}")))?;
    Ok(Some(Packed { bytes, digest, names }))
}

/// Names (joined by `/`) and paths of regular files that fit a pattern.
fn find(folder: &Path, patterns: &[String]) -> Result<Vec<(String, PathBuf)>, Problem> {
    let mut found = Vec::new();
    let mut open = vec![(String::new(), folder.to_owned())];
    let mut seen = 0usize;
    while let Some((below, path)) = open.pop() {
        let entries = std::fs::read_dir(&path).map_err(|error| cannot(&path, &error))?;
        for entry in entries {
            let entry = entry.map_err(|error| cannot(&path, &error))?;
            seen += 1;
            if seen > MOST_SEEN || found.len() > MOST_FILES {
                return Err(Problem::new(
                    Code::PayloadTooLarge,
                    "the plan's `files` reach over too many files",
                )
                .fix(format!("name at most {MOST_FILES} files; `**` enters every folder below the plan")));
            }
            // A name that is no UTF-8 cannot be meant by a pattern.
            let Ok(name) = entry.file_name().into_string() else { continue };
            let name = if below.is_empty() { name } else { format!("{below}/{name}") };
            let kind = entry.file_type().map_err(|error| cannot(&entry.path(), &error))?;
            if kind.is_dir() && patterns.iter().any(|pattern| glob::may_enter(pattern, &name)) {
                open.push((name, entry.path()));
            } else if kind.is_file() && patterns.iter().any(|pattern| glob::fits(pattern, &name)) {
                found.push((name, entry.path()));
            }
        }
    }
    Ok(found)
}

/// Reads one file; the sum is held below the bound before its bytes are in memory.
fn read(path: &Path, sum: &mut u64) -> Result<(Vec<u8>, Metadata), Problem> {
    use std::io::Read as _;
    // The file may have become a link since the folder was read.
    let flags = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0);
    let file = std::fs::OpenOptions::new().read(true).custom_flags(flags).open(path);
    let file = file.map_err(|error| cannot(path, &error))?;
    let metadata = file.metadata().map_err(|error| cannot(path, &error))?;
    let mut bytes = Vec::new();
    let room = MOST_BYTES.saturating_sub(*sum);
    file.take(room + 1).read_to_end(&mut bytes).map_err(|error| cannot(path, &error))?;
    *sum = sum.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    if *sum > MOST_BYTES {
        return Err(Problem::new(
            Code::PayloadTooLarge,
            "the plan's `files` are larger than 32 MiB together",
        )
        .fix("name fewer files; large data do not belong beside a plan"));
    }
    Ok((bytes, metadata))
}

fn cannot(path: &Path, error: &std::io::Error) -> Problem {
    Problem::usage(format!("`{}` cannot be packed: {}", path.display(), error.kind()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path, patterns: &[&str]) -> Result<Vec<String>, Problem> {
        let patterns: Vec<String> = patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
        Ok(pack(folder, &patterns)?.map(|packed| packed.names).unwrap_or_default())
    }

    #[test]
    fn only_what_is_named_and_lies_inside_is_packed() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(at("plan/lib/deep")).unwrap();
        for name in ["plan/a.sh", "plan/.env", "plan/lib/b.awk", "plan/lib/deep/c.awk", "secret"] {
            std::fs::write(at(name), name).unwrap();
        }
        std::os::unix::fs::symlink(at("secret"), at("plan/link.sh")).unwrap();
        std::os::unix::fs::symlink(folder.path(), at("plan/outside")).unwrap();
        let plan = at("plan");
        assert_eq!(names(&plan, &["**"]).unwrap(), ["a.sh", "lib/b.awk", "lib/deep/c.awk"]);
        assert_eq!(names(&plan, &["*.sh", "lib/*"]).unwrap(), ["a.sh", "lib/b.awk"]);
        for nothing in ["../secret", "outside/secret", "/etc/passwd", "link.sh"] {
            assert!(names(&plan, &[nothing]).is_err(), "{nothing}");
        }
        assert!(pack(&plan, &[]).unwrap().is_none());
    }

    #[test]
    fn the_same_files_give_the_same_digest_and_other_files_another() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a"), "1").unwrap();
        std::fs::write(folder.path().join("b"), "2").unwrap();
        let digest = || pack(folder.path(), &["*".to_owned()]).unwrap().unwrap().digest;
        let first = digest();
        assert_eq!(digest(), first);
        std::fs::write(folder.path().join("b"), "3").unwrap();
        assert_ne!(digest(), first);
    }
}
