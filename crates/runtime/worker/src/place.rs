//! The private place of one attempt: `$TMPDIR`, `$DVT_OUTPUT`, the script, and its streams. Wiped when the attempt ends.
//!
//! Most steps leave nothing but what stands here, and that goes with a call each; whatever else is found is a tree of a stranger.

use crate::protocol::{Program, Shell};
use crate::removal::remove_tree;
use rustix::fs::{AtFlags, MemfdFlags, Mode, OFlags, SealFlags, unlinkat};
use rustix::io::Errno;
use serde_json::Value;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Seek, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

const TEMPORARY: &str = "tmp";
const OUTPUT: &str = "output.json";
const SCRIPT: &str = "script";

/// The folder of an attempt, gone when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    folder: PathBuf,
}

impl Place {
    /// Makes the folder of attempt `number`.
    pub(crate) fn new(root: &Path, number: u64) -> io::Result<Self> {
        let place = Self { folder: root.join(format!("step-{number}")) };
        for folder in [&place.folder, &place.temporary()] {
            DirBuilder::new().mode(0o700).create(folder)?;
        }
        Ok(place)
    }

    /// `$TMPDIR`.
    pub(crate) fn temporary(&self) -> PathBuf {
        self.folder.join(TEMPORARY)
    }

    /// `$DVT_OUTPUT`: does not exist until the step writes it. Not in `$TMPDIR`, so that a step which empties that keeps it.
    pub(crate) fn output(&self) -> PathBuf {
        self.folder.join(OUTPUT)
    }

    /// What is executed: the program as it stands, or the interpreter of a script that lies in a private file.
    pub(crate) fn command(&self, program: &Program) -> io::Result<Option<(String, Vec<String>)>> {
        let (shell, text) = match program {
            Program::Run(words) => {
                return Ok(words.split_first().map(|(first, rest)| (first.clone(), rest.to_vec())));
            }
            Program::Script { shell, text } => (shell, text),
        };
        let script = self.folder.join(SCRIPT);
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o400)
            .open(&script)?
            .write_all(text.as_bytes())?;
        let (interpreter, options): (_, &[&str]) = match shell {
            Shell::Bash => ("bash", &["-euo", "pipefail"]),
            Shell::Sh => ("sh", &["-eu"]),
            Shell::Python => ("python3", &[]),
        };
        let mut arguments: Vec<String> = options.iter().map(|&option| option.to_owned()).collect();
        arguments.push(script.to_string_lossy().into_owned());
        Ok(Some((interpreter.to_owned(), arguments)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if remove_what_is_known(&self.folder).is_ok() {
            return;
        }
        // What cannot be removed now goes with the worker's root.
        if let Err(error) = remove_tree(&self.folder) {
            eprintln!("dvt worker: `{}` could not be removed: {error}", self.folder.display());
        }
    }
}

/// Removes a folder in which nothing was added, renamed or linked; an error where something was.
fn remove_what_is_known(folder: &Path) -> rustix::io::Result<()> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let opened = rustix::fs::open(folder, flags, Mode::empty())?;
    unlinkat(&opened, TEMPORARY, AtFlags::REMOVEDIR)?;
    for file in [OUTPUT, SCRIPT] {
        match unlinkat(&opened, file, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(error),
        }
    }
    rustix::fs::rmdir(folder)
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
