//! `dvt import github WORKFLOW`.

use super::{give, read, refused};
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::view::screen::Screen;
use clap::Args;
use std::path::PathBuf;

/// Make a plan of a workflow of GitHub Actions: a step for each `run`, in the order of its job.
///
/// Example:
///   dvt import github examples/github-build/workflow.yaml
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The workflow.
    #[arg(value_name = "WORKFLOW")]
    workflow: PathBuf,
    /// Where to write the plan; without it, standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Does it.
pub(crate) fn run(arguments: &Arguments, screen: &mut Screen) -> Result<Exit, Problem> {
    let imported = dvt_import::github::import(&read(&arguments.workflow)?)
        .map_err(|error| refused(&arguments.workflow, &error))?;
    give(&imported, &arguments.workflow, arguments.out.as_ref(), screen)
}
