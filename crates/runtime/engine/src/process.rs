//! Processes by pid *and* start time: a pid alone may have been given to somebody else since.
//!
//! It never signals this process, and never one whose start time is not the one that the lease row names.

use crate::Problem;
use dvt_model::code::Code;
use dvt_store::port::lease::Holder;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// Start time of a process in clock ticks since boot: field 22 of `/proc/<pid>/stat` (proc(5)).
pub(crate) fn start_of(pid: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // Field 2 is the program's name in parentheses and may hold blanks and parentheses itself.
    let (_, rest) = text.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    // A zombie (field 3) holds nothing any more; it only waits to be collected by its parent.
    if fields.next()? == "Z" {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

/// This process as a holder.
pub(crate) fn own(address: String) -> Result<Holder, Problem> {
    let pid = std::process::id();
    let pid_start = start_of(pid).ok_or_else(|| {
        Problem::new(Code::ConfigInvalid, "`/proc` cannot be read, so no lease can be held")
    })?;
    Ok(Holder { pid, pid_start, address })
}

/// Whether the process that took the lease still exists (running or stopped). A lease that was given back has pid 0.
pub(crate) fn is_alive(holder: &Holder) -> bool {
    holder.pid != 0 && start_of(holder.pid) == Some(holder.pid_start)
}

/// Ends a stopped holder and waits until it is gone. The lease is not taken before that, or two would work at once.
pub(crate) fn end(holder: &Holder) -> Result<(), Problem> {
    const LONGEST_WAIT: Timespec = Timespec { tv_sec: 10, tv_nsec: 0 };
    let refused = |what: &str| {
        Problem::new(Code::ServiceDegraded, format!("the stopped engine (pid {}) {what}", holder.pid))
    };
    if holder.pid == std::process::id() {
        return Ok(());
    }
    let Some(pid) = i32::try_from(holder.pid).ok().and_then(Pid::from_raw) else { return Ok(()) };
    let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else { return Ok(()) };
    // The handle is of whoever has the pid now; only if its start time is the lease's is it the holder.
    if !is_alive(holder) {
        return Ok(());
    }
    pidfd_send_signal(&handle, Signal::KILL).map_err(|_| refused("may not be ended by this user"))?;
    let mut waiting = [PollFd::new(&handle, PollFlags::IN)];
    match poll(&mut waiting, Some(&LONGEST_WAIT)) {
        Ok(0) | Err(_) => Err(refused("does not end")),
        Ok(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_process_is_known_by_pid_and_start() {
        let own = own(String::new()).unwrap();
        assert!(is_alive(&own));
        assert!(!is_alive(&Holder { pid_start: own.pid_start + 1, ..own.clone() }));
        assert!(!is_alive(&Holder { pid: 0, ..own }));
    }

    #[test]
    fn a_stopped_holder_is_ended_and_another_with_its_pid_is_not() {
        let mut child = Command::new("sleep").arg("600").spawn().unwrap();
        let holder =
            Holder { pid: child.id(), pid_start: start_of(child.id()).unwrap(), address: String::new() };
        let pid = Pid::from_child(&child);
        rustix::process::kill_process(pid, Signal::STOP).unwrap();
        end(&Holder { pid_start: holder.pid_start + 1, ..holder.clone() }).unwrap();
        assert!(is_alive(&holder), "another start time is another process");
        end(&holder).unwrap();
        assert!(!is_alive(&holder));
        child.wait().unwrap();
    }
}
