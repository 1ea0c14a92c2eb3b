//! `dvt import wfcommons INSTANCE`.

use super::{give, read, refused};
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::view::screen::Screen;
use clap::Args;
use std::path::PathBuf;

/// Make a plan of a recorded scientific workflow (WfCommons): its shape, in a thousandth of its time.
///
/// Example:
///   dvt import wfcommons examples/forkjoin/instance.json
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The instance.
    #[arg(value_name = "INSTANCE")]
    instance: PathBuf,
    /// Where to write the plan; without it, standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Does it.
pub(crate) fn run(arguments: &Arguments, screen: &mut Screen) -> Result<Exit, Problem> {
    let imported = dvt_import::wfcommons::import(&read(&arguments.instance)?)
        .map_err(|error| refused(&arguments.instance, &error))?;
    give(&imported, &arguments.instance, arguments.out.as_ref(), screen)
}
