//! DVT-S005: code in an argument (`bash -c …`), and code that is fetched and run unseen (`curl … | sh`).
//!
//! Code in an argument is cut into words by nobody but its interpreter, so a later change that puts data there becomes an
//! injection. `script` is checked as code and takes no expressions.

use super::codes::CODE_ARGUMENT;
use super::steps;
use crate::check::literals::roles;
use crate::diagnostic::collector::{Collector, Report, shown};
use crate::read::tree::{Kind, Node};
use crate::template::{Piece, Template};
use dvt_model::interpreter::Role;

const FETCHERS: &[&str] = &["curl ", "wget ", "fetch "];
const SHELLS: &[&str] = &["sh", "bash", "zsh", "dash", "python", "python3", "perl", "ruby", "node"];

pub(super) fn check(root: &Node<'_>, sink: &mut Collector<'_>) {
    for step in steps(root) {
        if let Some(entry) = step.value.entry("run")
            && let Kind::List(items) = &entry.value.kind
            && let Some((program, rest)) = items.split_first()
        {
            let arguments: Vec<_> = rest
                .iter()
                .map(|item| {
                    let text = item.as_text().unwrap_or_default().to_owned();
                    Template { pieces: vec![Piece::Text(text)] }
                })
                .collect();
            let program = program.as_text().unwrap_or_default();
            // The program of `sed` and the command of `ssh` are what they are called for, so only options are told.
            let code =
                roles(program, &arguments).into_iter().zip(rest).filter(|(role, _)| *role == Role::Code);
            for (_, item) in code {
                let message = format!("{} is given code as an argument", shown(program));
                let report = Report::warning(CODE_ARGUMENT, item.place, message)
                    .why("whoever later puts data into this argument lets it become code");
                sink.add(report.fix("script: |   is literal code; data goes into `env`"));
            }
        }
        let Some(entry) = step.value.entry("script") else { continue };
        if entry.value.as_text().is_some_and(runs_what_it_fetches) {
            let message = format!("{} runs what it fetches, unseen", shown(step.key));
            let report = Report::warning(CODE_ARGUMENT, entry.place, message)
                .why("whoever answers that request decides what runs here");
            sink.add(report.fix("pack the program under `files`, or compare its digest before it runs"));
        }
    }
}

fn runs_what_it_fetches(text: &str) -> bool {
    text.lines().any(|line| {
        let fetched = FETCHERS.iter().filter_map(|word| line.find(word)).min();
        let Some(rest) = fetched.and_then(|at| line.get(at..)) else { return false };
        rest.split('|').skip(1).any(|part| {
            let mut words = part.split_whitespace().skip_while(|word| matches!(*word, "sudo" | "env"));
            words.next().is_some_and(|word| SHELLS.contains(&word.rsplit('/').next().unwrap_or_default()))
        })
    })
}
