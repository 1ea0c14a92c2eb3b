//! `dvt doctor`: what this machine and this installation can do, each with ✓ or what to do. It changes nothing.

mod finding;
mod installation;
mod kernel;

use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::profile::Selected;
use crate::view::screen::Screen;
use clap::Args;
use finding::Health;
use serde_json::json;

/// Look at kernel, clock, folders, key and store, and say what to do where something is not well.
///
/// Example:
///   dvt doctor
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {}

/// Does it.
pub(crate) async fn run(_: &Arguments, selected: &Selected, screen: &mut Screen) -> Result<Exit, Problem> {
    let mut findings = installation::findings(selected).await;
    findings.extend(kernel::findings());
    let broken = findings.iter().filter(|finding| finding.health == Health::Broken).count();
    if screen.for_people() {
        let paint = screen.paint();
        for finding in &findings {
            screen.line(&finding.draw(paint));
        }
        if broken > 0 {
            screen.note(&format!("{broken} of {} are broken", findings.len()));
        }
    } else {
        let rows: Vec<_> = findings.iter().map(finding::Finding::json).collect();
        screen.json(&json!({ "broken": broken, "findings": rows }));
    }
    Ok(if broken == 0 { Exit::Completed } else { Exit::Failed })
}
