//! `dvt man`: the manual pages, made of the same texts as `--help`, so that neither can be older than the other.

use crate::files;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::view::duration::plural;
use crate::view::screen::Screen;
use clap::{Args, Command};
use dvt_model::code::Code;
use std::path::{Path, PathBuf};

/// Write the manual pages, or print the one of a command.
///
/// Example:
///   dvt man --to man1
///   dvt man runs list
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The folder for one page a command; it is made where it is missing.
    #[arg(long, value_name = "FOLDER", conflicts_with = "words")]
    to: Option<PathBuf>,
    /// The command whose page is printed (read it with: dvt man runs list | man -l -).
    #[arg(value_name = "COMMAND")]
    words: Vec<String>,
}

/// Does it.
pub(crate) fn run(arguments: &Arguments, mut root: Command, screen: &mut Screen) -> Result<Exit, Problem> {
    root.build();
    if let Some(folder) = &arguments.to {
        std::fs::create_dir_all(folder).map_err(|error| cannot(folder, &error))?;
        let count = write(&root, "dvt", folder)?;
        screen.note(&format!("{} in {}", plural(count, "page", "pages"), folder.display()));
        return Ok(Exit::Completed);
    }
    let (mut command, mut name) = (&root, "dvt".to_owned());
    for word in &arguments.words {
        let Some(below) = command.find_subcommand(word).filter(|below| !below.is_hide_set()) else {
            return Err(Problem::usage(format!("`{name}` has no command `{word}`"))
                .fix(format!("{name} --help    lists what it has")));
        };
        name = format!("{name} {word}");
        command = below;
    }
    screen.out(&page(command, &name)?);
    Ok(Exit::Completed)
}

/// Writes the page of a command and those of what is below it.
fn write(command: &Command, name: &str, folder: &Path) -> Result<u64, Problem> {
    let path = folder.join(format!("{}.1", name.replace(' ', "-")));
    std::fs::write(&path, page(command, name)?).map_err(|error| cannot(&path, &error))?;
    let mut count = 1;
    for below in command.get_subcommands().filter(|below| !below.is_hide_set() && below.get_name() != "help")
    {
        count += write(below, &format!("{name} {}", below.get_name()), folder)?;
    }
    Ok(count)
}

fn page(command: &Command, name: &str) -> Result<String, Problem> {
    let command = command.clone().display_name(name.replace(' ', "-")).bin_name(name.to_owned());
    let mut bytes = Vec::new();
    let manual = clap_mangen::Man::new(command).manual("DVT");
    manual.render(&mut bytes).map_err(|error| Problem::new(Code::Internal, error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| Problem::new(Code::Internal, error.to_string()))
}

fn cannot(path: &Path, error: &std::io::Error) -> Problem {
    Problem::usage(format!("`{}` cannot be written: {}", path.display(), files::reason(error)))
}
