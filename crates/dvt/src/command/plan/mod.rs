//! `dvt plan …`: what can be said about a plan without running it.

pub(crate) mod stats;
pub(crate) mod test;

use clap::Subcommand;

/// Look at plans without running them.
///
/// Example:
///   dvt plan stats examples/orders-etl/plan.yaml
#[derive(Debug, Subcommand)]
#[command(verbatim_doc_comment)]
pub(crate) enum Command {
    Stats(stats::Arguments),
    Test(test::Arguments),
}
