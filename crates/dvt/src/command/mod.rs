//! The grammar of the command line: `dvt <noun> <verb>` and single words. One file per verb; this one only leads there.

pub(crate) mod access;
pub(crate) mod audit;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod data;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod engine;
pub(crate) mod explain;
pub(crate) mod fmt;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod lint;
pub(crate) mod man;
pub(crate) mod plan;
pub(crate) mod run;
pub(crate) mod runs;
pub(crate) mod store;
pub(crate) mod tenant;
mod usage;

use crate::problem::exit::{self, Exit};
use crate::problem::{Problem, internal};
use crate::profile::Selected;
use crate::view::screen::{Format, Screen};
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use std::process::ExitCode;

/// Run plans that survive being killed, and prove afterwards what happened.
///
/// Example:
///   dvt run examples/orders-etl/plan.yaml --allow-host
#[derive(Debug, Parser)]
#[command(
    name = "dvt",
    version,
    verbatim_doc_comment,
    subcommand_required = true,
    arg_required_else_help = true
)]
struct CommandLine {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// The profile to work in: another name is another tenant on this machine, made at its first use.
    #[arg(long, global = true, value_name = "NAME")]
    profile: Option<String>,
    /// The shape of results.
    #[arg(long, global = true, value_enum, value_name = "FORMAT", default_value = "table")]
    output: Format,
    /// Only results and errors.
    #[arg(long, short, global = true)]
    quiet: bool,
    /// More beside the results.
    #[arg(long, short, global = true, conflicts_with = "quiet")]
    verbose: bool,
    #[command(flatten)]
    telemetry: crate::telemetry::Arguments,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Arguments),
    Engine(engine::Arguments),
    Lint(lint::Arguments),
    Fmt(fmt::Arguments),
    Explain(explain::Arguments),
    Init(init::Arguments),
    Doctor(doctor::Arguments),
    #[command(subcommand)]
    Import(import::Command),
    #[command(subcommand)]
    Plan(plan::Command),
    #[command(subcommand)]
    Runs(runs::Command),
    #[command(subcommand)]
    Audit(audit::Command),
    #[command(subcommand)]
    Access(access::Command),
    #[command(subcommand)]
    Data(data::Command),
    #[command(subcommand)]
    Tenant(tenant::Command),
    #[command(subcommand)]
    Store(store::Command),
    #[command(subcommand)]
    Config(config::Command),
    #[command(subcommand)]
    Demo(demo::Command),
    Completions(completions::Arguments),
    Man(man::Arguments),
    /// Says what may be typed next; the completion scripts ask it.
    #[command(name = "__complete", hide = true)]
    Complete(completions::candidates::Arguments),
    /// Names the places at which the crash harness can kill this process.
    #[cfg(feature = "crash-points")]
    #[command(name = "__crash-sites", hide = true)]
    CrashSites {
        /// Those of what only happens when it is asked for.
        #[arg(long)]
        asked_for: bool,
    },
    /// Has a bug, so that a test can see how one is told of.
    #[cfg(feature = "crash-points")]
    #[command(name = "__bug", hide = true)]
    Bug {
        /// In a task beside the command, which does what it was asked.
        #[arg(long)]
        beside: bool,
    },
}

/// Reads the command line, does it, and gives the exit code.
pub(crate) fn main() -> ExitCode {
    internal::watch();
    let parsed = CommandLine::command().after_long_help(exit::help()).try_get_matches();
    let parsed = parsed.and_then(|matches| CommandLine::from_arg_matches(&matches));
    let line = match parsed {
        Ok(line) => line,
        Err(error) => return usage::refuse(&error, &std::env::args_os().collect::<Vec<_>>()),
    };
    // A panic has told of itself by the hook; here only the exit code is left to give.
    let done = std::panic::catch_unwind(|| enter(line));
    internal::exit(done.ok())
}

fn enter(line: CommandLine) -> Exit {
    let Global { profile, output, quiet, verbose, telemetry } = line.global;
    let mut screen = Screen::new(output, quiet, verbose);
    let done = telemetry
        .begin(&screen)
        .and_then(|()| Selected::resolve(profile.as_deref()))
        .and_then(|selected| dispatch(line.command, &selected, &mut screen));
    // Of what failed otherwise more is to be said than that its result is cut.
    let done = match screen.fault() {
        Some(fault) if matches!(done, Ok(Exit::Completed)) => Err(fault),
        _ => done,
    };
    let exit = done.unwrap_or_else(|problem| {
        tell(&screen, &problem);
        problem.exit()
    });
    dvt_telemetry::finish();
    exit
}

/// Shows a refusal beside the results: as text, or as one JSON value where results are JSON.
pub(crate) fn tell(screen: &Screen, problem: &Problem) {
    dvt_telemetry::problem(problem.code.as_str(), &problem.message);
    if problem.exit() == Exit::Internal {
        internal::tell(&format!("{}: {}", problem.code, problem.message));
    } else if screen.for_people() {
        screen.say_raw(&problem.draw(screen.side_paint()));
    } else {
        screen.say_json(&problem.json());
    }
}

fn dispatch(command: Command, selected: &Selected, screen: &mut Screen) -> Result<Exit, Problem> {
    match command {
        Command::Lint(arguments) => lint::run(&arguments, selected, screen),
        Command::Fmt(arguments) => fmt::run(&arguments, screen),
        Command::Explain(arguments) => explain::run(&arguments, screen),
        Command::Init(arguments) => init::run(&arguments, screen),
        Command::Import(command) => import::run(&command, screen),
        Command::Plan(command) => plan::run(command, selected, screen),
        Command::Audit(audit::Command::Verify(arguments)) if !arguments.with_keys => {
            audit::verify::run(&arguments, selected, screen)
        }
        Command::Audit(command) => wait(audit::run(command, selected, screen)),
        Command::Access(command) => wait(access::run(command, selected, screen)),
        #[cfg(feature = "crash-points")]
        Command::CrashSites { asked_for: true } => {
            for site in dvt_store::crash::MORE_SITES.iter().chain(dvt_store::crash::BACKUP_SITES) {
                screen.line(site);
            }
            Ok(Exit::Completed)
        }
        #[cfg(feature = "crash-points")]
        Command::CrashSites { asked_for: false } => {
            for site in dvt_store::crash::SITES.iter().chain(dvt_engine::CRASH_SITES) {
                screen.line(site);
            }
            Ok(Exit::Completed)
        }
        #[cfg(feature = "crash-points")]
        Command::Bug { beside } => wait(bug(beside, screen)),
        Command::Doctor(arguments) => wait(doctor::run(&arguments, selected, screen)),
        Command::Run(arguments) => wait(run::run(arguments, selected, screen)),
        Command::Engine(arguments) => wait(engine::run(&arguments, selected, screen)),
        Command::Runs(command) => wait(runs::run(command, selected, screen)),
        Command::Data(command) => wait(data::run(command, selected, screen)),
        Command::Tenant(command) => wait(tenant::run(command, selected, screen)),
        Command::Store(command) => wait(store::run(command, selected, screen)),
        Command::Completions(arguments) => Ok(completions::run(&arguments, screen)),
        Command::Man(arguments) => man::run(&arguments, CommandLine::command(), screen),
        Command::Complete(arguments) => {
            wait(async { Ok(completions::candidates::run(&arguments, CommandLine::command(), screen).await) })
        }
        Command::Demo(command) => wait(demo::run(command, screen)),
        Command::Config(config::Command::Check(arguments)) => {
            config::check::run(&arguments, selected, screen)
        }
        Command::Config(config::Command::Show(arguments)) => {
            wait(config::show::run(&arguments, selected, screen))
        }
    }
}

/// A bug, in the command itself or beside it.
#[cfg(feature = "crash-points")]
#[expect(clippy::panic, reason = "the one bug that is wanted")]
async fn bug(beside: bool, screen: &mut Screen) -> Result<Exit, Problem> {
    if !beside {
        panic!("a bug in the command");
    }
    let task = tokio::spawn(async { panic!("a bug beside the command") });
    let ended: Result<(), _> = task.await;
    screen.line(if ended.is_err() { "done" } else { "there was no bug" });
    Ok(Exit::Completed)
}

/// Runs a command that needs the store. A question that nobody answered does not hold the end up.
pub(crate) fn wait<F: Future<Output = Result<Exit, Problem>>>(command: F) -> Result<Exit, Problem> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| {
        Problem::new(
            dvt_model::code::Code::ServiceDegraded,
            format!("no thread can be started: {}", crate::files::reason(&error)),
        )
    })?;
    let done = runtime.block_on(command);
    runtime.shutdown_background();
    done
}
