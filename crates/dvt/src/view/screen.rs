//! Standard output and standard error. A reader that went away is no error and no panic: the rest is not written.
//!
//! Results go to standard output, everything else to standard error.

use crate::files;
use crate::problem::Problem;
use crate::view::paint::{Paint, in_ci};
use crate::view::safe::{safe_lines, safe_painted};
use crate::view::width::wrap;
use rustix::fd::AsFd;
use std::io::{IsTerminal, Write};

/// The shape of results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Table,
    /// One JSON value.
    Json,
    /// One JSON value a line.
    Jsonl,
}

/// Where everything is written.
#[derive(Debug)]
pub(crate) struct Screen {
    pub(crate) format: Format,
    pub(crate) quiet: bool,
    pub(crate) verbose: bool,
    out_gone: bool,
    /// Why a part of the result could not be written.
    out_fault: Option<String>,
}

impl Screen {
    pub(crate) fn new(format: Format, quiet: bool, verbose: bool) -> Self {
        Self { format, quiet, verbose, out_gone: false, out_fault: None }
    }

    /// One that nobody reads.
    #[cfg(test)]
    pub(crate) fn unread() -> Self {
        Self { out_gone: true, ..Self::new(Format::Json, true, false) }
    }

    /// Whether results are for people.
    pub(crate) fn for_people(&self) -> bool {
        self.format == Format::Table
    }

    /// Whether a live view can be painted.
    pub(crate) fn is_live(&self) -> bool {
        self.for_people() && !self.quiet && !is_dumb() && !in_ci() && std::io::stdout().is_terminal()
    }

    /// Whether somebody watches how far something is.
    pub(crate) fn shows_progress(&self) -> bool {
        !self.quiet && !is_dumb() && !in_ci() && std::io::stderr().is_terminal()
    }

    /// Whether somebody can be asked.
    pub(crate) fn can_ask(&self) -> bool {
        !in_ci() && std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }

    /// Colours of results.
    pub(crate) fn paint(&self) -> Paint {
        Paint::of(&std::io::stdout())
    }

    /// How wide a line of a result may be. Only a terminal has an edge; programs get whole lines.
    pub(crate) fn width(&self) -> usize {
        width_of(&std::io::stdout())
    }

    /// How wide a line beside the result may be.
    pub(crate) fn side_width(&self) -> usize {
        width_of(&std::io::stderr())
    }

    /// Colours of everything else.
    pub(crate) fn side_paint(&self) -> Paint {
        Paint::of(&std::io::stderr())
    }

    /// Writes text of a result as it is.
    pub(crate) fn out(&mut self, text: &str) {
        if self.out_gone {
            return;
        }
        let mut stream = std::io::stdout().lock();
        if let Err(error) = stream.write_all(text.as_bytes()).and_then(|()| stream.flush()) {
            self.out_gone = true;
            // The reader (`head`, a pager) has seen enough. What we do goes on without it; but for that, the result is cut.
            if error.kind() != std::io::ErrorKind::BrokenPipe {
                self.out_fault = Some(files::reason(&error));
            }
        }
    }

    /// The fault of a result that is not whole.
    pub(crate) fn fault(&self) -> Option<Problem> {
        let reason = self.out_fault.as_ref()?;
        Some(
            Problem::usage(format!("the result cannot be written: {reason}"))
                .why("what was written of it is cut"),
        )
    }

    /// A line of a result, in which nothing moves a cursor whatever was put into it.
    pub(crate) fn line(&mut self, text: &str) {
        self.out(&format!("{}\n", safe_painted(text)));
    }

    /// A JSON value as one line.
    pub(crate) fn json(&mut self, value: &serde_json::Value) {
        self.out(&format!("{value}\n"));
    }

    /// A line beside the result: news, hints. Not shown when `--quiet`.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet && self.out_fault.is_none() {
            self.say(text);
        }
    }

    /// A line beside the result that is always shown. Nothing in it moves a cursor, whatever was put into it.
    pub(crate) fn say(&self, text: &str) {
        let _ = writeln!(std::io::stderr().lock(), "{}", safe_lines(text));
    }

    /// A JSON value beside the result.
    pub(crate) fn say_json(&self, value: &serde_json::Value) {
        let _ = writeln!(std::io::stderr().lock(), "{value}");
    }

    /// A sentence beside the result that is always shown, broken at blanks where the terminal ends.
    pub(crate) fn tell(&self, text: &str) {
        self.say(&wrap(text, "  ", self.side_width()));
    }

    /// Text beside the result as it is.
    pub(crate) fn say_raw(&self, text: &str) {
        let mut stream = std::io::stderr().lock();
        let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
    }
}

/// Whether the terminal can move its cursor.
fn is_dumb() -> bool {
    std::env::var_os("TERM").is_none_or(|value| value == "dumb")
}

/// Rows and columns of the terminal behind standard output; 24 × 80 where it cannot be known.
pub(crate) fn size() -> (usize, usize) {
    size_of(&std::io::stdout())
}

fn size_of(stream: &impl AsFd) -> (usize, usize) {
    match rustix::termios::tcgetwinsize(stream) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => {
            (usize::from(size.ws_row), usize::from(size.ws_col))
        }
        _ => (24, 80),
    }
}

fn width_of(stream: &(impl IsTerminal + AsFd)) -> usize {
    // The last column stays free, as in the live view.
    if stream.is_terminal() { size_of(stream).1.saturating_sub(1).max(1) } else { usize::MAX }
}
