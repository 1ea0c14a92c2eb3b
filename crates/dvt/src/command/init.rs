//! `dvt init`: a commented plan that lints clean and runs. A file that exists is not written over.

use crate::files;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::view::safe::safe;
use crate::view::screen::Screen;
use clap::Args;
use serde_json::json;
use std::path::PathBuf;

/// The plan that is written.
pub(crate) const PLAN: &str = "\
# A plan is data: it is read, checked and bounded before anything runs.
#   dvt lint plan.yaml               what is wrong, where, and what to write instead
#   dvt run plan.yaml --allow-host   programs of this machine, with your rights
apiVersion: dvt/v1
name: hello
title: A first plan

# Checked at start; unknown inputs are refused. `dvt run plan.yaml -i who=ana`
inputs:
  who:
    type: string
    pattern: '^[A-Za-z ]{1,40}$'
    default: world

# What holds for every step that says nothing else.
defaults: { timeout: 1m, retry: 1 }

steps:
  # A program and its arguments: never split, never read by a shell.
  greet:
    run: [echo, 'hello, ${{ inputs.who }}']
    output: text          # standard output becomes the output of the step

  # A script is literal; data comes in through `env`, so that it cannot become code.
  count:
    script: |
      printf '{\"letters\": %d}' \"${#TEXT}\"
    env: { TEXT: '${{ steps.greet.output }}' }   # naming a step waits for it, too
    output: json

  # Runs whatever happened before.
  tell:
    needs: count
    if: always()
    run: [echo, 'count ended as ${{ steps.count.status }}']

outputs:
  letters: ${{ steps.count.output.letters }}
";

/// Write a commented plan to begin with.
///
/// Example:
///   dvt init hello.yaml
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// Where to write it.
    #[arg(value_name = "FILE", default_value = "plan.yaml")]
    file: PathBuf,
}

/// Does it.
pub(crate) fn run(arguments: &Arguments, screen: &mut Screen) -> Result<Exit, Problem> {
    let name = arguments.file.display().to_string();
    files::write_new(&arguments.file, PLAN)?;
    if screen.for_people() {
        screen.line(&safe(&name));
        screen.note(&safe(&format!("next: dvt run {name} --allow-host")));
    } else {
        screen.json(&json!({ "plan": name }));
    }
    Ok(Exit::Completed)
}
