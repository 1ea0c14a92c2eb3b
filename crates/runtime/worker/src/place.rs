//! The private place of one attempt: `$TMPDIR`, `$DVT_OUTPUT`, the script, and its streams. Wiped when the attempt ends.
//!
//! They lie beside each other in the worker's own folder: a folder more for each attempt would cost more than all the rest of it.

use crate::folders::{Folder, Folders, wipe};
use crate::protocol::{Program, Shell};
use rustix::fs::{MemfdFlags, SealFlags, unlink};
use serde_json::Value;
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What an attempt may leave, gone when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    folders: Arc<Folders>,
    temporary: Folder,
    output: PathBuf,
    script: PathBuf,
}

impl Place {
    /// Takes the place of one attempt.
    pub(crate) fn new(folders: &Arc<Folders>) -> io::Result<Self> {
        let temporary = folders.take()?;
        let (output, script) =
            (temporary.path().with_extension("json"), temporary.path().with_extension("script"));
        Ok(Self { folders: Arc::clone(folders), temporary, output, script })
    }

    /// `$TMPDIR`.
    pub(crate) fn temporary(&self) -> &Path {
        self.temporary.path()
    }

    /// `$DVT_OUTPUT`: does not exist until the step writes it. Not in `$TMPDIR`, so that a step which empties that keeps it.
    pub(crate) fn output(&self) -> &Path {
        &self.output
    }

    /// What is executed: the program as it stands, or the interpreter of a script that lies in a private file.
    pub(crate) fn command(&self, program: &Program) -> io::Result<Option<(String, Vec<String>)>> {
        let (shell, text) = match program {
            Program::Run(words) => {
                return Ok(words.split_first().map(|(first, rest)| (first.clone(), rest.to_vec())));
            }
            Program::Script { shell, text } => (shell, text),
        };
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o400)
            .open(&self.script)?
            .write_all(text.as_bytes())?;
        let (interpreter, options): (_, &[&str]) = match shell {
            Shell::Bash => ("bash", &["-euo", "pipefail"]),
            Shell::Sh => ("sh", &["-eu"]),
            Shell::Python => ("python3", &[]),
        };
        let mut arguments: Vec<String> = options.iter().map(|&option| option.to_owned()).collect();
        arguments.push(self.script.to_string_lossy().into_owned());
        Ok(Some((interpreter.to_owned(), arguments)))
    }
}

impl Place {
    /// Wipes it. What takes long goes off the runtime's thread, so that deadlines are kept and heartbeats sent meanwhile.
    pub(crate) async fn wipe(self) {
        let is_folder = |path: &Path| path.symlink_metadata().is_ok_and(|found| found.is_dir());
        if self.folders.has_nothing(&self.temporary) && !is_folder(&self.output) && !is_folder(&self.script) {
            return drop(self);
        }
        // That it could not be done is told there.
        drop(tokio::task::spawn_blocking(move || drop(self)).await);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        wipe(&self.output, unlink(&self.output));
        wipe(&self.script, unlink(&self.script));
        self.folders.give_back(&self.temporary);
    }
}

/// Standard input: the JSON in memory, read-only and of fixed size; an empty one for null. It never touches a disk.
pub(crate) fn input(with: &Value) -> io::Result<OwnedFd> {
    if with.is_null() {
        return Ok(File::open("/dev/null")?.into());
    }
    let bytes = dvt_model::canonical::to_bytes(with).map_err(io::Error::other)?;
    let memory = rustix::fs::memfd_create("dvt-input", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    let mut memory = File::from(memory);
    memory.write_all(&bytes)?;
    memory.rewind()?;
    rustix::fs::fcntl_add_seals(
        &memory,
        SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE | SealFlags::SEAL,
    )?;
    Ok(memory.into())
}
