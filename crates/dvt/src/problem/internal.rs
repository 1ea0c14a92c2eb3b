//! A bug of ours: the caller sees an id and exit code 70, the log in the data folder has the rest.
//!
//! A bug in a task beside the command counts like one in the command: the process may do what it was asked and still ends with 70.
//! No stack trace reaches the terminal. Where no log can be written the message itself is shown, so that nothing is lost.

use crate::problem::exit::Exit;
use crate::view::safe::safe;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

static LOG: Mutex<Option<PathBuf>> = Mutex::new(None);
static TOLD: AtomicBool = AtomicBool::new(false);

/// Names the log once the data folder is known.
pub(crate) fn log_to(path: PathBuf) {
    *LOG.lock().unwrap_or_else(PoisonError::into_inner) = Some(path);
}

/// From here on a panic is told in two lines and entered in the log.
pub(crate) fn watch() {
    std::panic::set_hook(Box::new(|info| tell(&info.to_string())));
}

/// Tells of a bug: an id for the person, the details for the log.
pub(crate) fn tell(details: &str) {
    TOLD.store(true, Ordering::SeqCst);
    let id = dvt_model::digest::hex(&dvt_keys::entropy::random::<6>());
    let path = LOG.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let mut screen = std::io::stderr();
    let written = path.as_ref().is_some_and(|path| {
        let file = std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(path);
        file.is_ok_and(|mut file| writeln!(file, "{} internal {id}: {details}", crate::clock::now()).is_ok())
    });
    let place = match path.filter(|_| written) {
        Some(path) => format!("the details stand in {}", safe(&path.display().to_string())),
        None => safe(details).into_owned(),
    };
    let _ = writeln!(screen, "error[INTERNAL]: a bug of ours, id {id}: {place}");
    let _ = writeln!(
        screen,
        "  = what is acknowledged is kept; `dvt runs resume @latest` goes on with the newest run"
    );
}

/// How the process ends: as `done` says, unless a bug was told of.
pub(crate) fn exit(done: Option<Exit>) -> ExitCode {
    let told = TOLD.load(Ordering::SeqCst);
    let exit = done.filter(|_| !told).unwrap_or(Exit::Internal);
    ExitCode::from(exit.number())
}
