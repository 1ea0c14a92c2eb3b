//! A command line that cannot be read. People get it as clap words it, without what moves a cursor; where results are data it is the
//! object that every refusal is.

use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::view::safe::safe_lines;
use clap::error::ErrorKind;
use std::ffi::OsString;
use std::process::ExitCode;

/// Tells why, or shows the help that was asked for.
pub(super) fn refuse(error: &clap::Error, words: &[OsString]) -> ExitCode {
    let code = ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(Exit::Usage.number()));
    let text = error.render().to_string();
    if !error.use_stderr() {
        // A reader that went away is no fault of this process.
        let _ = error.print();
    } else if wants_data(words) {
        eprintln!("{}", problem(error.kind(), &text).json());
    } else if safe_lines(&text) == text {
        let _ = error.print();
    } else {
        eprint!("{}", safe_lines(&text));
    }
    code
}

/// Whether results were to be data, as far as that can be read off the words.
fn wants_data(words: &[OsString]) -> bool {
    let words: Vec<_> =
        words.iter().map(|word| word.to_string_lossy()).take_while(|word| word != "--").collect();
    let is_data = |format: &str| matches!(format, "json" | "jsonl");
    let apart =
        words.windows(2).any(|pair| matches!(pair, [flag, format] if flag == "--output" && is_data(format)));
    apart || words.iter().any(|word| word.strip_prefix("--output=").is_some_and(is_data))
}

/// The first paragraph is what is wrong; tips and the usage are the way out.
fn problem(kind: ErrorKind, text: &str) -> Problem {
    if kind == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return Problem::usage("the command is not whole").fix("--help    lists what it has");
    }
    let text = text.strip_prefix("error: ").unwrap_or(text);
    let (first, rest) = text.split_once("\n\n").unwrap_or((text, ""));
    let message = first.split_whitespace().collect::<Vec<_>>().join(" ");
    let fixes = rest.lines().map(str::trim).filter_map(|line| {
        let tip = line.strip_prefix("tip: ");
        tip.or_else(|| line.strip_prefix("Usage: "))
    });
    let fix = fixes.collect::<Vec<_>>().join("\n");
    let problem = Problem::usage(message);
    if fix.is_empty() { problem } else { problem.fix(fix) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shape_is_read_off_the_words() {
        let wants = |words: &[&str]| wants_data(&words.iter().map(OsString::from).collect::<Vec<_>>());
        assert!(wants(&["dvt", "--output", "json", "nonsense"]) && wants(&["dvt", "run", "--output=jsonl"]));
        assert!(!wants(&["dvt", "run", "--output", "table"]) && !wants(&["dvt", "--", "--output", "json"]));
    }
}
