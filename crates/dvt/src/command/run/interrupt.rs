//! Interrupts while a run is followed: once = cancel, twice = stop hard.
//!
//! On a terminal the reason is asked for; elsewhere the text names the signal that came from outside. An empty answer means
//! that the run goes on.

use crate::problem::Problem;
use dvt_model::code::Code;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::{JoinHandle, spawn_blocking};

/// What the person, or whoever sent a signal, wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wish {
    /// A reason is to be asked for.
    Ask,
    /// Never mind.
    GoOn,
    /// Cancel, for this reason.
    Cancel(String),
    /// At once.
    StopHard,
}

/// Listens to the three signals that end programs.
pub(crate) struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
    can_ask: bool,
    asking: Option<JoinHandle<Option<String>>>,
    count: u32,
}

impl Interrupts {
    pub(crate) fn listen(can_ask: bool) -> Result<Self, Problem> {
        let of = |kind: SignalKind| {
            signal(kind).map_err(|error| {
                Problem::new(Code::ServiceDegraded, format!("signals cannot be heard: {error}"))
            })
        };
        Ok(Self {
            interrupt: of(SignalKind::interrupt())?,
            terminate: of(SignalKind::terminate())?,
            hang_up: of(SignalKind::hangup())?,
            can_ask,
            asking: None,
            count: 0,
        })
    }

    /// Whether a question stands on the terminal.
    pub(crate) fn is_asking(&self) -> bool {
        self.asking.is_some()
    }

    /// The next wish. Dropping the future loses nothing: signals are kept, and a half-typed line is the terminal's.
    pub(crate) async fn next(&mut self) -> Wish {
        let name = match &mut self.asking {
            Some(answer) => tokio::select! {
                _ = self.interrupt.recv() => "SIGINT",
                _ = self.terminate.recv() => "SIGTERM",
                _ = self.hang_up.recv() => "SIGHUP",
                line = answer => {
                    self.asking = None;
                    let reason = line.ok().flatten();
                    if reason.is_none() {
                        self.count = 0;
                    }
                    return reason.map_or(Wish::GoOn, Wish::Cancel);
                }
            },
            None => tokio::select! {
                _ = self.interrupt.recv() => "SIGINT",
                _ = self.terminate.recv() => "SIGTERM",
                _ = self.hang_up.recv() => "SIGHUP",
            },
        };
        self.count += 1;
        if self.count > 1 {
            // The answer may still come; nobody waits for it.
            self.asking = None;
            return Wish::StopHard;
        }
        if self.can_ask && name == "SIGINT" {
            self.asking = Some(spawn_blocking(answer));
            return Wish::Ask;
        }
        Wish::Cancel(format!("signal {name} from outside, no terminal to ask at"))
    }
}

/// One line that is not empty; nothing at the end of the input.
fn answer() -> Option<String> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).ok()?;
    Some(line.trim().to_owned()).filter(|line| !line.is_empty())
}
