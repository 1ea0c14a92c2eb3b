//! Colour, where people expect it: on a terminal, without `NO_COLOR`, outside `CI`.

use std::io::IsTerminal;

/// Paints or leaves the text as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Paint {
    colour: bool,
}

fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}

/// Whether this is an unattended build.
pub(crate) fn in_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false" && value != "0")
}

impl Paint {
    /// Every code that is painted with, as it stands behind an escape.
    pub(crate) const CODES: [&'static str; 7] = ["[0m", "[1m", "[2m", "[32m", "[33m", "[34m", "[1;31m"];

    /// No colour.
    pub(crate) fn plain() -> Self {
        Self { colour: false }
    }

    /// As fits this stream.
    pub(crate) fn of(stream: &impl IsTerminal) -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        Self { colour: stream.is_terminal() && !is_set("NO_COLOR") && !in_ci() && !dumb }
    }

    fn wrap(self, code: &str, text: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    pub(crate) fn red(self, text: &str) -> String {
        self.wrap("1;31", text)
    }

    pub(crate) fn green(self, text: &str) -> String {
        self.wrap("32", text)
    }

    pub(crate) fn yellow(self, text: &str) -> String {
        self.wrap("33", text)
    }

    pub(crate) fn blue(self, text: &str) -> String {
        self.wrap("34", text)
    }

    pub(crate) fn faint(self, text: &str) -> String {
        self.wrap("2", text)
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.wrap("1", text)
    }
}
