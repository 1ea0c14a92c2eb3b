//! The children of this process, and how to end them all.
//!
//! Only direct children are ever signalled by number: nobody but this process reaps them, so a number cannot have passed to
//! a stranger meanwhile. What lies deeper becomes a direct child (this process adopts orphans) as soon as its parent is gone.

use crate::wait;
use rustix::event::Timespec;
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};
use std::io;

/// The direct children of this process, zombies included.
pub fn children() -> io::Result<Vec<Pid>> {
    let mut found = Vec::new();
    for task in std::fs::read_dir("/proc/self/task")? {
        let listed = match std::fs::read_to_string(task?.path().join("children")) {
            Ok(listed) => listed,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return children_by_scan(),
            Err(error) => return Err(error),
        };
        found.extend(listed.split_ascii_whitespace().filter_map(|text| Pid::from_raw(text.parse().ok()?)));
    }
    Ok(found)
}

/// The same for kernels without CONFIG_PROC_CHILDREN, and for threads that ended while we looked.
fn children_by_scan() -> io::Result<Vec<Pid>> {
    let own = rustix::process::getpid().as_raw_nonzero().get();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|text| text.parse().ok()).and_then(Pid::from_raw) else {
            continue;
        };
        // A process that ended meanwhile has no file any more.
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())) else {
            continue;
        };
        // The name in parentheses may hold anything, so fields are counted after the last parenthesis: state, parent.
        let parent = stat
            .rsplit_once(')')
            .and_then(|(_, rest)| rest.split_ascii_whitespace().nth(1)?.parse::<i32>().ok());
        if parent == Some(own) {
            found.push(pid);
        }
    }
    Ok(found)
}

/// SIGKILL to a direct child. That it is gone already is no error.
pub(crate) fn kill(child: Pid) -> io::Result<()> {
    match kill_process(child, Signal::KILL) {
        Ok(()) | Err(Errno::SRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Kills and reaps until this process has no child. Returns only when none is left: a child that the kernel cannot end (a
/// hanging disk) is waited for, because going on would let a step live twice.
// INVARIANT(INV-29): whoever takes the lock after this process finds no process of its steps alive.
pub fn sweep() -> io::Result<()> {
    loop {
        let children = children()?;
        for child in &children {
            kill(*child)?;
        }
        // An empty list is not yet the truth: /proc may skip a child while its sibling ends. Only ECHILD is.
        if children.is_empty() {
            rustix::event::poll(&mut [], Some(&Timespec { tv_sec: 0, tv_nsec: 1_000_000 }))?;
        }
        match wait::reap_any(!children.is_empty()) {
            Ok(_) => {}
            Err(error) if error.raw_os_error() == Some(libc::ECHILD) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}
