//! Where things lie: XDG folders, or both below `DVT_HOME`. Folders are ours and 0700, files ours and 0600.
//!
//! The root key is the one that the service manager hands over, where it hands one over: systemd keeps its credentials sealed by the
//! machine (a TPM where there is one) and shows them to the service alone. Else it is a file of ours.

use crate::files::reason;
use crate::problem::Problem;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// The two folders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Folders {
    /// Key file, profiles, public keys.
    pub(crate) config: PathBuf,
    /// The store.
    pub(crate) data: PathBuf,
    /// Where the service manager puts what it hands over.
    pub(crate) credentials: Option<PathBuf>,
}

/// The name of the root key among the credentials of a service.
const CREDENTIAL: &str = "dvt-root-key";

impl Folders {
    /// `DVT_HOME`, else the XDG folders, else those of the home folder.
    pub(crate) fn resolve() -> Result<Self, Problem> {
        let credentials = path_of("CREDENTIALS_DIRECTORY")?;
        if let Some(home) = path_of("DVT_HOME")? {
            return Ok(Self { config: home.join("config"), data: home.join("data"), credentials });
        }
        let below_home = |relative: &str| match path_of("HOME")? {
            Some(home) => Ok(home.join(relative)),
            None => Err(Problem::config("neither `DVT_HOME` nor `HOME` is set")
                .fix("export DVT_HOME=/a/folder/of/yours")),
        };
        let config = path_of("XDG_CONFIG_HOME")?.map_or_else(|| below_home(".config"), Ok)?;
        let data = path_of("XDG_DATA_HOME")?.map_or_else(|| below_home(".local/share"), Ok)?;
        Ok(Self { config: config.join("dvt"), data: data.join("dvt"), credentials })
    }

    /// The root key.
    pub(crate) fn key(&self) -> PathBuf {
        let handed_over = self.credentials.as_ref().map(|folder| folder.join(CREDENTIAL));
        handed_over.filter(|path| path.exists()).unwrap_or_else(|| self.config.join("key"))
    }

    /// The newest checkpoint of each ledger, beside those in the data folder.
    pub(crate) fn checkpoints(&self) -> PathBuf {
        self.config.join("checkpoints")
    }

    /// Makes what is missing and refuses what others could read or change.
    pub(crate) fn ensure(&self) -> Result<(), Problem> {
        for folder in [&self.config, &self.data] {
            make(folder)?;
        }
        Ok(())
    }
}

/// Makes one folder 0700, with its parents; an existing one must be ours and closed to others.
pub(crate) fn make(folder: &Path) -> Result<(), Problem> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| cannot("make", folder, &error))?;
    let metadata = std::fs::metadata(folder).map_err(|error| cannot("look at", folder, &error))?;
    belongs_to_us(folder, metadata.uid(), metadata.mode(), "700")
}

/// Whether a folder is there; what is there must be ours and closed to others. It makes nothing.
pub(crate) fn look(folder: &Path) -> Result<bool, Problem> {
    match std::fs::metadata(folder) {
        Ok(metadata) if !metadata.is_dir() => {
            Err(Problem::config(format!("`{}` is no folder", folder.display())))
        }
        Ok(metadata) => belongs_to_us(folder, metadata.uid(), metadata.mode(), "700").map(|()| true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(cannot("look at", folder, &error)),
    }
}

/// Makes a folder; where that is only asked, refuses what cannot be one of ours.
pub(crate) fn make_or_look(folder: &Path, dry_run: bool) -> Result<(), Problem> {
    if dry_run { look(folder).map(drop) } else { make(folder) }
}

fn path_of(name: &str) -> Result<Option<PathBuf>, Problem> {
    match std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from) {
        Some(path) if !path.is_absolute() => {
            Err(Problem::config(format!("`{name}` is `{}`, which is no absolute path", path.display())))
        }
        other => Ok(other),
    }
}

fn belongs_to_us(path: &Path, uid: u32, mode: u32, wanted: &str) -> Result<(), Problem> {
    let shown = path.display();
    if uid != rustix::process::geteuid().as_raw() {
        return Err(Problem::config(format!("`{shown}` belongs to another user"))
            .why("whoever owns it could change what DVT does in your name"));
    }
    if mode & 0o077 != 0 {
        return Err(Problem::config(format!("others can open `{shown}` (mode {:o})", mode & 0o777))
            .fix(format!("chmod {wanted} {}", pasted(path))));
    }
    Ok(())
}

/// Reads a small file of ours; no link is followed. `None` where there is none.
pub(crate) fn read(path: &Path) -> Result<Option<String>, Problem> {
    const MOST: u64 = 64 * 1024;
    let flags = rustix::fs::OFlags::NOFOLLOW.bits() | rustix::fs::OFlags::CLOEXEC.bits();
    let opened = OpenOptions::new().read(true).custom_flags(i32::try_from(flags).unwrap_or(0)).open(path);
    let file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(cannot("read", path, &error)),
    };
    let metadata = file.metadata().map_err(|error| cannot("look at", path, &error))?;
    if !metadata.is_file() || metadata.len() > MOST {
        return Err(Problem::config(format!("`{}` is no small file", path.display())));
    }
    belongs_to_us(path, metadata.uid(), metadata.mode(), "600")?;
    let mut text = String::new();
    file.take(MOST).read_to_string(&mut text).map_err(|error| cannot("read", path, &error))?;
    Ok(Some(text))
}

/// Writes a file of ours in one step: a reader finds the old text or the whole new one.
///
/// If we crash before the rename, a file with a name of its own is left that nothing reads; after it, the file is there.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), Problem> {
    let fail = |error: std::io::Error| cannot("write", path, &error);
    let folder =
        path.parent().ok_or_else(|| Problem::config(format!("`{}` lies nowhere", path.display())))?;
    let name = dvt_model::digest::hex(&dvt_keys::entropy::random::<8>());
    let draft = folder.join(format!(".draft-{name}"));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft).map_err(fail)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(fail)?;
    std::fs::rename(&draft, path).map_err(fail)?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(fail)
}

/// A lock that two first starts meet at; given back when dropped.
pub(crate) struct Lock(#[expect(dead_code, reason = "held for its drop")] File);

/// Waits for the lock of the installation.
pub(crate) fn lock(folders: &Folders) -> Result<Lock, Problem> {
    let path = folders.config.join(".lock");
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
    let file = file.map_err(|error| cannot("lock", &path, &error))?;
    rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive)
        .map_err(|error| cannot("lock", &path, &error.into()))?;
    Ok(Lock(file))
}

/// The path as people write it.
pub(crate) fn shown(path: &Path) -> String {
    let home = std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
    match home.and_then(|home| path.strip_prefix(home).ok().map(Path::to_owned)) {
        Some(rest) => format!("~/{}", rest.display()),
        None => path.display().to_string(),
    }
}

/// The path as a shell takes it, in a command to be pasted.
pub(crate) fn pasted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+:@%,=".contains(letter);
    if text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

fn cannot(verb: &str, path: &Path, error: &std::io::Error) -> Problem {
    Problem::config(format!("dvt cannot {verb} `{}`: {}", path.display(), reason(error)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        assert_eq!(read(&path).unwrap(), None);
        write(&path, "text").unwrap();
        assert_eq!(read(&path).unwrap().as_deref(), Some("text"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(read(&path).unwrap_err().message.contains("others can open"));
    }

    #[test]
    fn a_path_is_pasted_as_one_word() {
        assert_eq!(pasted(Path::new("/home/ana/.config/dvt/key")), "/home/ana/.config/dvt/key");
        assert_eq!(pasted(Path::new("/a b/it's")), "'/a b/it'\\''s'");
    }

    #[test]
    fn a_link_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("file"), folder.path().join("link"));
        write(&path, "text").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(read(&link).is_err());
    }

    #[test]
    fn a_folder_that_others_can_enter_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("a/b");
        make(&inner).unwrap();
        std::fs::set_permissions(&inner, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(make(&inner).unwrap_err().notes[0].1, format!("chmod 700 {}", inner.display()));
    }
}
