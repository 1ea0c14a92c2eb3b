//! Interrupts while a run is followed: once = cancel, twice = stop hard.
//!
//! On a terminal the reason is asked for; elsewhere the text names the signal that came from outside. An empty answer means
//! that the run goes on.

use crate::problem::Problem;
use crate::signals::{Heard, Signals};
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

/// Listens to the signals that end programs, and asks.
pub(crate) struct Interrupts {
    signals: Signals,
    can_ask: bool,
    asking: Option<JoinHandle<Option<String>>>,
    count: u32,
}

impl Interrupts {
    pub(crate) fn listen(can_ask: bool) -> Result<Self, Problem> {
        Ok(Self { signals: Signals::listen()?, can_ask, asking: None, count: 0 })
    }

    /// Whether a question stands on the terminal.
    pub(crate) fn is_asking(&self) -> bool {
        self.asking.is_some()
    }

    /// The next wish. Dropping the future loses nothing: signals are kept, and a half-typed line is the terminal's.
    pub(crate) async fn next(&mut self) -> Wish {
        let heard = match &mut self.asking {
            Some(answer) => tokio::select! {
                heard = self.signals.next() => heard,
                line = answer => {
                    self.asking = None;
                    let reason = line.ok().flatten();
                    if reason.is_none() {
                        self.count = 0;
                    }
                    return reason.map_or(Wish::GoOn, Wish::Cancel);
                }
            },
            None => self.signals.next().await,
        };
        self.count += 1;
        if self.count > 1 {
            // The answer may still come; nobody waits for it.
            self.asking = None;
            return Wish::StopHard;
        }
        if self.can_ask && heard == Heard::Interrupt {
            self.asking = Some(spawn_blocking(answer));
            return Wish::Ask;
        }
        Wish::Cancel(format!("signal {heard} from outside, no terminal to ask at"))
    }
}

/// One line that is not empty; nothing at the end of the input.
fn answer() -> Option<String> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).ok()?;
    Some(line.trim().to_owned()).filter(|line| !line.is_empty())
}
