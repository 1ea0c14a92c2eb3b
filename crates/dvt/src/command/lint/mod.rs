//! `dvt lint FILE…`: checks plans without running anything, and without a profile where no plan below is a published one. `--fix` alone writes a file, and only one
//! that it read as a plan.
//!
//! The exit code is that of the worst that was told: an error ends in 2, a warning in 0 unless `--strict` is said.

pub(crate) mod fix;
pub(crate) mod sarif;

use crate::documents::source;
use crate::documents::sub_plans::Library;
use crate::problem::exit::Exit;
use crate::problem::{Problem, caret};
use crate::profile::Selected;
use crate::view::duration::{bound, plural};
use crate::view::safe::safe;
use crate::view::screen::{Format, Screen};
use clap::Args;
use dvt_model::code::Code;
use dvt_plan::Outcome;
use dvt_plan::diagnostic::{Severity, Source};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Check plans and show what is wrong, where, why, and what to write instead.
///
/// Example:
///   dvt lint examples/orders-etl/plan.yaml
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The plans.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Mend what has one safe way out, in the files themselves; comments and layout stay.
    #[arg(long)]
    fix: bool,
    /// Also ask what the plan could do with less: permissions, secrets, private addresses, timeouts, code in arguments, pins.
    #[arg(long)]
    security: bool,
    /// Warnings end in exit code 2, too.
    #[arg(long)]
    strict: bool,
    /// The report as SARIF 2.1.0, for code hosts.
    #[arg(long)]
    sarif: bool,
}

/// Does it.
pub(crate) fn run(arguments: &Arguments, selected: &Selected, screen: &mut Screen) -> Result<Exit, Problem> {
    let mut library = Library::of(selected);
    let mut exit = Exit::Completed;
    let (mut report, mut results) = (Vec::new(), Vec::new());
    for file in &arguments.files {
        let mut source = source::read(file)?;
        if arguments.fix {
            source = fix::mend(file, source, screen)?;
        }
        let mut outcome = library.check(&source, screen)?;
        if arguments.security {
            outcome.diagnostics.extend(dvt_plan::security::check(&source));
            outcome.diagnostics.sort_by_key(|one| (one.span.start, one.span.end));
        }
        if outcome.checked.is_none() || (arguments.strict && !outcome.diagnostics.is_empty()) {
            exit = Exit::Usage;
        }
        if arguments.sarif {
            results.extend(outcome.diagnostics.iter().map(|one| sarif::result(&source, one)));
            continue;
        }
        match screen.format {
            Format::Table => told(&source, &outcome, screen),
            Format::Json => report.push(data(&source, &outcome)),
            Format::Jsonl => screen.json(&data(&source, &outcome)),
        }
    }
    if arguments.sarif {
        screen.json(&sarif::log(results));
    } else if screen.format == Format::Json {
        screen.json(&json!({"files": report}));
    }
    Ok(exit)
}

/// Shows everything that was noticed, on standard error.
pub(crate) fn show(source: &Source, outcome: &Outcome, screen: &Screen) {
    let paint = screen.side_paint();
    for diagnostic in &outcome.diagnostics {
        screen.say_raw(&format!("{}\n", caret::draw(source, diagnostic, paint)));
    }
}

/// The refusal of a plan with errors, with what came of it. People are shown each of them first; for programs they are in it.
pub(crate) fn refused(source: &Source, outcome: Outcome, came: &str, screen: &Screen) -> Problem {
    let message = format!("{}: {}{came}", safe(&source.name), counts(&outcome));
    let problem = Problem::new(Code::InvalidPlanSchema, message);
    if screen.for_people() {
        show(source, &outcome, screen);
        return problem;
    }
    Problem { diagnostics: outcome.diagnostics, ..problem }
}

/// How many errors and warnings there are.
pub(crate) fn counts(outcome: &Outcome) -> String {
    let of = |severity: Severity| {
        let found = outcome.diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count();
        u64::try_from(found).unwrap_or(u64::MAX)
    };
    match (of(Severity::Error), of(Severity::Warning)) {
        (errors, 0) => plural(errors, "error", "errors"),
        (0, warnings) => plural(warnings, "warning", "warnings"),
        (errors, warnings) => {
            format!("{}, {}", plural(errors, "error", "errors"), plural(warnings, "warning", "warnings"))
        }
    }
}

/// `6 steps, at most 14 attempts, at most 20 min`; what `foreach` leaves open is said.
pub(crate) fn bounds(bounds: &dvt_plan::plan::Bounds) -> String {
    let steps = plural(bounds.steps, "step", "steps");
    let attempts = plural(bounds.attempts, "attempt", "attempts");
    let open = if bounds.is_bounded { "" } else { " (a list without a declared maximum counts 10000)" };
    format!("{steps}, at most {attempts}, at most {}{open}", bound(bounds.duration_ms))
}

fn told(source: &Source, outcome: &Outcome, screen: &mut Screen) {
    show(source, outcome, screen);
    match &outcome.checked {
        Some(checked) => {
            let also = if outcome.diagnostics.is_empty() {
                String::new()
            } else {
                format!(" ({})", counts(outcome))
            };
            screen.line(&format!("{}: ok{also}: {}", safe(&source.name), bounds(&checked.bounds)));
        }
        None => screen.line(&format!("{}: {}", safe(&source.name), counts(outcome))),
    }
}

fn data(source: &Source, outcome: &Outcome) -> Value {
    json!({
        "file": source.name,
        "ok": outcome.checked.is_some(),
        "diagnostics": outcome.diagnostics,
        "name": outcome.checked.as_ref().map(|checked| &checked.plan.name),
        "bounds": outcome.checked.as_ref().map(|checked| &checked.bounds),
    })
}
