//! `dvt import argo WORKFLOW`.

use super::{give, read, refused};
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::view::screen::Screen;
use clap::Args;
use std::path::PathBuf;

/// Make a plan of a workflow of Argo: templates written out where they are called.
///
/// Example:
///   dvt import argo examples/argo-coin/workflow.yaml
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
    let imported = dvt_import::argo::import(&read(&arguments.workflow)?)
        .map_err(|error| refused(&arguments.workflow, &error))?;
    give(&imported, &arguments.workflow, arguments.out.as_ref(), screen)
}
