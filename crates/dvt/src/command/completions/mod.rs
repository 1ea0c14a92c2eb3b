//! `dvt completions SHELL`: a small script for the shell. It asks `dvt __complete` at each key, so that what is offered is what
//! this release knows and what this profile has: commands, flags, values, runs, steps, plans.

pub(crate) mod candidates;
mod words;

use crate::problem::exit::Exit;
use crate::view::screen::Screen;
use clap::{Args, ValueEnum};

/// Print the completion script of a shell.
///
/// Example:
///   dvt completions bash
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The shell.
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

/// Shells that are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shell {
    /// source <(dvt completions bash)
    Bash,
    /// source <(dvt completions zsh)
    Zsh,
    /// dvt completions fish | source
    Fish,
}

/// Does it.
pub(crate) fn run(arguments: &Arguments, screen: &mut Screen) -> Exit {
    screen.out(match arguments.shell {
        Shell::Bash => include_str!("dvt.bash"),
        Shell::Zsh => include_str!("dvt.zsh"),
        Shell::Fish => include_str!("dvt.fish"),
    });
    Exit::Completed
}
