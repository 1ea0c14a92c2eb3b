//! The engine that stays for detached runs: one a data folder, in a session of its own, started by whoever needs it.
//!
//! It is this program again, with nothing of the terminal but its environment. Whether one is there already is asked of a lock that
//! it holds as long as it lives, never of a pid.

use crate::files::reason;
use crate::problem::Problem;
use crate::profile::Selected;
use dvt_engine::Parts;
use dvt_engine::client::Client;
use dvt_model::code::Code;
use rustix::fs::{FlockOperation, flock};
use std::fs::File;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long a new one is waited for: longer than a lease lives.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two tries to reach it.
const LOOK_AGAIN: Duration = Duration::from_millis(30);

/// The lock of the one that stays; `None` where another one does.
pub(crate) fn lock(data: &Path) -> Result<Option<File>, Problem> {
    let path = data.join("resident.lock");
    let fault = |error: std::io::Error| {
        Problem::new(
            Code::ServiceDegraded,
            format!("`{}` cannot be locked: {}", path.display(), reason(&error)),
        )
    };
    let file = File::options().create(true).append(true).mode(0o600).open(&path).map_err(fault)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(fault(error.into())),
    }
}

/// A session of its own: what happens to the terminal is nothing to it.
pub(crate) fn leave_the_terminal() {
    // It fails only where this process leads a group, which is then one without a terminal or a person's own choice.
    let _already = rustix::process::setsid();
}

/// Connects to an engine beside which one stays that takes over when it ends.
pub(crate) async fn reach(selected: &Selected, parts: &Parts) -> Result<Client, Problem> {
    let give_up = Instant::now() + PATIENCE;
    begin(selected)?;
    loop {
        // It holds its lock from its first moment, and is reachable when it has the lease or another one does.
        let stays = lock(&selected.folders.data)?.is_none();
        match dvt_engine::connect(parts.clone()).await {
            Ok(client) if stays => return Ok(client),
            Err(problem) if Instant::now() > give_up => {
                return Err(Problem::from(problem).why("the engine that is to stay did not come up"));
            }
            Ok(_) | Err(_) if !stays && Instant::now() > give_up => {
                return Err(Problem::new(Code::ServiceDegraded, "no engine stays for detached runs"));
            }
            Ok(_) | Err(_) => sleep(LOOK_AGAIN).await,
        }
    }
}

fn begin(selected: &Selected) -> Result<(), Problem> {
    let started = Command::new("/proc/self/exe")
        .args(["engine", "--detached", "--quiet", "--profile", &selected.name])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    // Nobody waits for it: it outlives this process, and ends at once where another one stays already.
    started.map(drop).map_err(|error| {
        Problem::new(
            Code::ServiceDegraded,
            format!("the engine that is to stay cannot be started: {}", reason(&error)),
        )
    })
}
