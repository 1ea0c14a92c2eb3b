//! Takes offered steps, starts them, scrubs their streams, enforces limits and reports.
//!
//! A process of its own, the engine's child: it alone will hold secret values, so nothing that leaves it is unsearched. It
//! never calls the core, never reads a plan and never runs a step that the run's recorded power does not allow. The one
//! surprising rule: it outlives nothing. At end-of-file of its engine it ends, and the starter below it takes every step
//! with it; what was running is dispatched again by whoever recovers the run.

mod attempt;
pub mod bundle;
mod environment;
mod files;
mod folders;
mod frame;
pub mod link;
mod log;
mod outgoing;
mod output;
mod place;
pub mod protocol;
mod removal;
mod root;
mod session;
mod starter;

pub use link::Link;

use std::process::ExitCode;

/// The argument by which this program becomes the worker.
pub const WORKER_VERB: &str = "__worker";
/// The argument by which this program becomes the starter.
pub const STARTER_VERB: &str = "__starter";

/// Why the worker ended before its time.
#[derive(Debug, thiserror::Error)]
enum Error {
    /// The kernel or the file system refused.
    #[error("{0}")]
    System(#[from] std::io::Error),
    /// The engine does not speak the protocol.
    #[error("the engine sent what cannot be read: {0}")]
    Frame(#[from] frame::Error),
    /// The starter does not speak the protocol.
    #[error("the starter sent what cannot be read: {0}")]
    Starter(#[from] dvt_wall::protocol::Error),
    /// The engine is of another release.
    #[error("the engine speaks version {0} of the link, this worker {version}", version = protocol::VERSION)]
    Version(u32),
    /// The starter is gone.
    #[error("the starter ended")]
    StarterEnded,
}

/// The hidden verb `__worker`: serves the socket at standard input until its end-of-file.
pub fn main() -> ExitCode {
    main_with(STARTER_VERB, true)
}

/// [`main`] with a starter that adopts no orphans, and adopting none itself: the weakened form that tests compare with.
/// Nothing shipped calls it.
#[doc(hidden)]
pub fn main_without_adoption(starter_verb: &str) -> ExitCode {
    main_with(starter_verb, false)
}

fn main_with(starter_verb: &str, adopt: bool) -> ExitCode {
    match serve(starter_verb, adopt) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("dvt worker: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(starter_verb: &str, adopt: bool) -> Result<(), Error> {
    dvt_wall::harden::hand_on_nothing()?;
    dvt_wall::harden::no_core_dumps()?;
    // A session of its own: no signal of the terminal reaches worker, starter or steps, and no step has a terminal to write
    // into. The engine decides what an interrupt means.
    rustix::process::setsid().map_err(std::io::Error::from)?;
    if adopt {
        dvt_wall::harden::adopt_orphans()?;
    }
    // Started before the runtime and its threads exist, so that this fork copies a process of one thread.
    let (mut starter, socket) = starter::spawn(starter_verb)?;
    dvt_wall::harden::all_descriptors()?;
    let root = root::Root::new()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut ready = false;
    let served = runtime.block_on(session::run(socket, root.path(), &mut ready));
    // Closes the starter's socket. From here on: if we are killed, the starter still sees that end-of-file and ends every
    // step; if it was killed before, we have adopted what is left and end it ourselves.
    drop(runtime);
    if !ready {
        // It waits for another starter's lock and has no step of ours.
        starter.kill()?;
    }
    starter.wait()?;
    if adopt {
        dvt_wall::family::sweep()?;
    }
    root.remove()?;
    served
}
