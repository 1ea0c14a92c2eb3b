//! `dvt plan test FILE…`: plays plans against the stubs of their `*.test.yaml`. No profile, no store, no step runs.
//!
//! The play itself is `dvt-rehearsal`'s, on the pure floor; here files are read and differences shown.

use crate::command::lint;
use crate::documents::source;
use crate::documents::sub_plans::Library;
use crate::problem::exit::Exit;
use crate::problem::{Problem, caret};
use crate::view::duration::plural;
use crate::view::safe::safe;
use crate::view::screen::Screen;
use clap::Args;
use dvt_plan::diagnostic::{Diagnostic, Severity, Source};
use dvt_plan::plan::Plan;
use dvt_plan::test_file::{self, TestFile};
use dvt_rehearsal::{Outcome, Played};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Play a plan against the stubbed ends of its steps, and compare with what its tests expect.
///
/// Example:
///   dvt plan test examples/orders-etl/plan.test.yaml
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// Test files, or folders in which every `*.test.yaml` is one.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Only tests whose name contains this.
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
}

/// What is shown of one file.
#[derive(Default)]
struct Tally {
    passed: u64,
    failed: u64,
    /// A file that could not be read or does not fit its plan.
    broken: u64,
    report: Vec<Value>,
}

/// Does it.
pub(crate) fn run(
    arguments: &Arguments,
    library: &mut Library<'_>,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    let mut tally = Tally::default();
    let files = found(&arguments.files)?;
    let begun = Instant::now();
    for file in &files {
        one(file, (arguments.only.as_deref(), library), &mut tally, screen)?;
    }
    let (passed, failed) = (tally.passed, tally.failed);
    if screen.for_people() {
        let took = begun.elapsed().as_millis();
        screen.line(&format!("{passed} passed, {failed} failed in {took} ms"));
    } else {
        screen.json(&json!({ "files": tally.report, "passed": passed, "failed": failed }));
    }
    if tally.broken > 0 {
        return Ok(Exit::Usage);
    }
    if passed + failed == 0 {
        let text = arguments.only.as_deref().unwrap_or_default();
        return Err(Problem::usage(format!("no test has `{text}` in its name")).fix("dvt plan test FILE"));
    }
    Ok(if failed == 0 { Exit::Completed } else { Exit::Failed })
}

/// Files as they were named; of a folder those that end in `.test.yaml`, in order.
fn found(named: &[PathBuf]) -> Result<Vec<PathBuf>, Problem> {
    let mut files = Vec::new();
    for path in named {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let shown = path.display();
        let entries = std::fs::read_dir(path)
            .map_err(|error| Problem::usage(format!("`{shown}` cannot be read: {}", error.kind())))?;
        let mut inside: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        let is_test = |path: &PathBuf| {
            path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.ends_with(".test.yaml"))
        };
        inside.retain(is_test);
        inside.sort();
        if inside.is_empty() {
            return Err(Problem::usage(format!("`{shown}` holds no `*.test.yaml`"))
                .fix("dvt explain DVT-T002    shows how a test is written"));
        }
        files.append(&mut inside);
    }
    Ok(files)
}

fn one(
    path: &Path,
    (only, library): (Option<&str>, &mut Library<'_>),
    tally: &mut Tally,
    screen: &mut Screen,
) -> Result<(), Problem> {
    let source = source::read(path)?;
    let read = test_file::read(&source);
    let broken = |diagnostics: &[Diagnostic], tally: &mut Tally, screen: &mut Screen| {
        tally.broken += 1;
        tally.report.push(json!({ "file": source.name, "diagnostics": diagnostics, "tests": [] }));
        show(&source, diagnostics, screen);
    };
    let Some(file) = read.file else {
        broken(&read.diagnostics, tally, screen);
        return Ok(());
    };
    let plan = plan_of(path, &file, library, screen)?;
    let unknown = test_file::unknown_names(&source, &file, &plan);
    if unknown.iter().any(|told| told.severity == Severity::Error) {
        broken(&unknown, tally, screen);
        return Ok(());
    }
    if screen.for_people() && !screen.quiet {
        screen.line(&safe(&source.name));
    }
    let mut tests = Vec::new();
    for case in file.cases.iter().filter(|case| only.is_none_or(|text| case.name.value.contains(text))) {
        let begun = Instant::now();
        let outcome = dvt_rehearsal::rehearse(&plan, case);
        let took_ms = begun.elapsed().as_secs_f64() * 1_000.0;
        let ok = outcome.differences.is_empty();
        if ok {
            tally.passed += 1;
        } else {
            tally.failed += 1;
        }
        told(&source, &case.name.value, &outcome, took_ms, screen);
        tests.push(data(&case.name.value, &outcome));
    }
    tally.report.push(json!({ "file": source.name, "diagnostics": [], "tests": tests }));
    Ok(())
}

/// The plan that the test file names, from the file's own folder.
fn plan_of(
    path: &Path,
    file: &TestFile,
    library: &mut Library<'_>,
    screen: &Screen,
) -> Result<Plan, Problem> {
    let beside = path.parent().unwrap_or(Path::new("")).join(&file.plan.value);
    let source = source::read(&beside)?;
    let outcome = library.check(&source, screen)?;
    match outcome.checked {
        Some(checked) => Ok(checked.plan),
        None => Err(lint::refused(&source, outcome, "", screen)),
    }
}

fn show(source: &Source, diagnostics: &[Diagnostic], screen: &Screen) {
    if screen.for_people() {
        for told in diagnostics {
            screen.say_raw(&format!("{}\n", caret::draw(source, told, screen.side_paint())));
        }
    }
}

fn told(source: &Source, name: &str, outcome: &Outcome, took_ms: f64, screen: &mut Screen) {
    if !screen.for_people() {
        return;
    }
    let paint = screen.paint();
    if outcome.differences.is_empty() {
        if !screen.quiet {
            screen.line(&format!("  {} {}  {took_ms:.1} ms", paint.green("✓"), safe(name)));
        }
    } else {
        let count = u64::try_from(outcome.differences.len()).unwrap_or(u64::MAX);
        let count = plural(count, "difference", "differences");
        screen.line(&format!("  {} {}  {count}", paint.red("✗"), safe(name)));
    }
    if screen.verbose
        && let Some(played) = &outcome.played
    {
        for line in lines(played) {
            screen.line(&format!("      {}", safe(&line)));
        }
    }
    show(source, &outcome.differences, screen);
}

/// The events of a play, one a line, with the time since its beginning.
fn lines(played: &Played) -> Vec<String> {
    let Some(begin) = played.events.first().map(|event| event.at) else { return Vec::new() };
    let line = |event: &dvt_core::event::Event| {
        let seconds = std::time::Duration::from_millis(event.at.ms_since(begin)).as_secs_f64();
        let step = event.step_id.as_ref().map(|id| format!(" {id}")).unwrap_or_default();
        let text = |pointer: &str| event.payload.pointer(pointer).and_then(Value::as_str);
        let why = ["/failure/errorCode", "/reasonCode", "/cause"].into_iter().find_map(text);
        let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
        format!("{seconds:>9.3}s {}{step}{why}", event.name)
    };
    played.events.iter().map(line).collect()
}

fn data(name: &str, outcome: &Outcome) -> Value {
    let steps = outcome.played.as_ref().map(|played| {
        let step = |(name, step): (&String, &dvt_rehearsal::Step)| {
            let shown = json!({
                "status": step.status, "attempts": step.attempt, "output": step.output,
                "code": step.failure.get("errorCode"), "reasonCode": step.reason,
            });
            (name.clone(), shown)
        };
        played.steps.iter().map(step).collect::<serde_json::Map<_, _>>()
    });
    json!({
        "name": name,
        "passed": outcome.differences.is_empty(),
        "differences": outcome.differences,
        "status": outcome.played.as_ref().and_then(|played| played.status),
        "lastedMs": outcome.played.as_ref().map(|played| played.lasted_ms),
        "order": outcome.played.as_ref().map(Played::order),
        "steps": steps,
        "outputs": outcome.played.as_ref().map(|played| &played.outputs),
    })
}
