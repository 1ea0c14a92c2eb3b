//! `dvt import dbt MANIFEST`.

use super::{give, read, refused};
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::view::screen::Screen;
use clap::{Args, ValueEnum};
use dvt_import::dbt::{self, Form, Options};
use std::path::PathBuf;

/// Make a plan of a dbt project's manifest: models, seeds, snapshots, tests and operations.
///
/// Example:
///   dvt import dbt examples/dbt-shop/manifest.json --select +orders --as simulated
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// `target/manifest.json` of the project, schema v2 to v12.
    #[arg(value_name = "MANIFEST")]
    manifest: PathBuf,
    /// dbt's selection: names, `+graph+` operators, `method:value`, unions by space, intersections by comma.
    #[arg(long, value_name = "SELECTION", num_args = 1..)]
    select: Vec<String>,
    /// What to leave out of it.
    #[arg(long, value_name = "SELECTION", num_args = 1..)]
    exclude: Vec<String>,
    /// Hold back what reads a resource until its tests have passed, as `dbt build` does; without it tests hold nothing back.
    #[arg(long)]
    tests_block: bool,
    /// What steps do.
    #[arg(long = "as", value_enum, value_name = "FORM", default_value = "program")]
    form: As,
    /// Where to write the plan; without it, standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum As {
    /// Each step calls dbt for its one node.
    Program,
    /// Each step only pretends to work.
    Simulated,
}

/// Does it.
pub(crate) fn run(arguments: &Arguments, screen: &mut Screen) -> Result<Exit, Problem> {
    let joined = |words: &[String]| (!words.is_empty()).then(|| words.join(" "));
    let (select, exclude) = (joined(&arguments.select), joined(&arguments.exclude));
    let form = match arguments.form {
        As::Program => Form::Program,
        As::Simulated => Form::Simulated,
    };
    let options = Options {
        form,
        select: select.as_deref(),
        exclude: exclude.as_deref(),
        tests_block: arguments.tests_block,
    };
    let imported = dbt::import(&read(&arguments.manifest)?, &options)
        .map_err(|error| refused(&arguments.manifest, &error))?;
    give(&imported, &arguments.manifest, arguments.out.as_ref(), screen)
}
