//! The signals that ask a program to end: from a keyboard, from a supervisor, from a terminal that closes.
//!
//! Whoever would leave something half-done listens before it begins; from then on none of them ends the process by itself.

use crate::files::reason;
use crate::problem::Problem;
use dvt_model::code::Code;
use std::fmt;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Which one came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Ctrl-C.
    Interrupt,
    /// As a supervisor sends it.
    Terminate,
    /// The terminal is gone.
    HangUp,
}

impl fmt::Display for Heard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
            Self::HangUp => "SIGHUP",
        })
    }
}

/// Who listens for them.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    /// Listens from here on.
    pub(crate) fn listen() -> Result<Self, Problem> {
        let of = |kind: SignalKind| {
            signal(kind).map_err(|error| {
                Problem::new(Code::ServiceDegraded, format!("signals cannot be heard: {}", reason(&error)))
            })
        };
        Ok(Self {
            interrupt: of(SignalKind::interrupt())?,
            terminate: of(SignalKind::terminate())?,
            hang_up: of(SignalKind::hangup())?,
        })
    }

    /// The next of them. Dropping the future loses none.
    pub(crate) async fn next(&mut self) -> Heard {
        tokio::select! {
            _ = self.interrupt.recv() => Heard::Interrupt,
            _ = self.terminate.recv() => Heard::Terminate,
            _ = self.hang_up.recv() => Heard::HangUp,
        }
    }
}
