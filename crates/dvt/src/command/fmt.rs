//! `dvt fmt FILE…`: one layout for plans. Comments, quotes and the order of keys stay; what cannot be read is shown and not touched.
//!
//! A file is written only where its layout changes, and only once the new text was read as the same document. `dvt fmt -` is for
//! editors: text in, text out, and nothing at all out where the text is faulty, so that an editor never puts half a plan in its place.

use crate::command::lint;
use crate::documents::source;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::view::safe::safe;
use crate::view::screen::Screen;
use clap::Args;
use dvt_plan::Outcome;
use dvt_plan::format::{self, Layout};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Lay plans out (indentation, gaps, empty lines); nothing that a plan means changes.
///
/// Example:
///   dvt fmt --check examples/orders-etl/plan.yaml
///   dvt fmt - < examples/orders-etl/plan.yaml
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The plans; `-` alone reads one from standard input and writes it to standard output.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Write nothing; a file that would change ends in exit code 2.
    #[arg(long)]
    check: bool,
}

/// Does it.
pub(crate) fn run(arguments: &Arguments, screen: &mut Screen) -> Result<Exit, Problem> {
    if arguments.files.iter().any(|file| file == Path::new("-")) {
        return match arguments.files.as_slice() {
            [_] => stream(arguments.check, screen),
            _ => Err(Problem::usage("`-` is standard input, and stands alone")),
        };
    }
    let mut exit = Exit::Completed;
    let mut report = Vec::new();
    for file in &arguments.files {
        let source = source::read(file)?;
        let name = source.name.clone();
        let formatted = match format::format(&source.text) {
            Ok(formatted) => formatted,
            Err(diagnostics) => {
                exit = Exit::Usage;
                if screen.for_people() {
                    let outcome = Outcome { checked: None, diagnostics };
                    lint::show(&source, &outcome, screen);
                    screen.line(&safe(&format!("{name}: not touched, {}", lint::counts(&outcome))));
                } else {
                    report.push(json!({"file": name, "changed": false, "diagnostics": diagnostics}));
                }
                continue;
            }
        };
        let is_changed = formatted.text != source.text;
        if is_changed && arguments.check {
            exit = Exit::Usage;
        } else if is_changed {
            lint::fix::replace(file, &formatted.text)?;
        }
        if !screen.for_people() {
            report.push(json!({"file": name, "changed": is_changed, "diagnostics": []}));
            continue;
        }
        screen.line(&safe(&match (is_changed, arguments.check) {
            (false, _) => format!("{name}: as it should be"),
            (true, true) => format!("{name}: would change"),
            (true, false) => format!("{name}: laid out"),
        }));
        if formatted.layout != Layout::Whole {
            screen.note(&safe(&format!(
                "{name}: its indentation stays as it is; anchors, tags and keys written with `?` are not moved"
            )));
        }
    }
    if !screen.for_people() {
        screen.json(&json!({"files": report, "check": arguments.check}));
    }
    Ok(exit)
}

/// Standard input to standard output.
fn stream(check: bool, screen: &mut Screen) -> Result<Exit, Problem> {
    let source = source::read_standard_input()?;
    let formatted = match format::format(&source.text) {
        Ok(formatted) => formatted,
        Err(diagnostics) => {
            if screen.for_people() {
                lint::show(&source, &Outcome { checked: None, diagnostics }, screen);
            } else {
                screen.json(&json!({
                    "files": [{"file": source.name, "changed": false, "diagnostics": diagnostics}],
                    "check": check,
                }));
            }
            return Ok(Exit::Usage);
        }
    };
    let is_changed = formatted.text != source.text;
    if !screen.for_people() {
        screen.json(&json!({
            "files": [{"file": source.name, "changed": is_changed, "diagnostics": [], "text": formatted.text}],
            "check": check,
        }));
    } else if !check {
        screen.out(&formatted.text);
    } else if is_changed {
        screen.line(&format!("{}: would change", source.name));
    }
    Ok(if check && is_changed { Exit::Usage } else { Exit::Completed })
}
