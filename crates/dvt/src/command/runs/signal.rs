//! `dvt runs signal RUN NAME`: a named signal with a payload. It may come early: it is kept until a step waits for it.

use super::act;
use crate::compose::Composition;
use crate::files;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::running::typed::Act;
use crate::view::safe::safe;
use crate::view::screen::Screen;
use clap::Args;
use dvt_model::code::Code;
use dvt_model::deed::Deed;
use dvt_model::id::StepId;
use dvt_model::proof::SignalSend;
use serde_json::Value;
use std::path::Path;

/// The most bytes that a payload is read from.
const MOST_BYTES: u64 = 1 << 20;

/// Send a named signal to a run; one that comes early is kept.
///
/// Example:
///   dvt runs signal @latest delivered -p '{"parcels": 3}'
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The run: an id, its first six or more digits, its plan's name, or `@latest`.
    #[arg(value_name = "RUN")]
    run: String,
    /// The name that the plan's step waits for.
    #[arg(value_name = "NAME")]
    name: String,
    /// What it brings: JSON, or `@FILE` that holds it.
    #[arg(long, short = 'p', value_name = "JSON", default_value = "null")]
    payload: String,
    /// An id of yours: the same id again is the same signal.
    #[arg(long, value_name = "ID")]
    signal_id: Option<String>,
    /// Only show what it would change.
    #[arg(long)]
    dry_run: bool,
}

/// Does it.
pub(crate) async fn run(
    arguments: &Arguments,
    composition: &Composition,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    if StepId::parse(&arguments.name).is_err() {
        return Err(Problem::new(
            Code::InvalidRequest,
            format!("`{}` is no name of a signal", safe(&arguments.name)),
        )
        .why("a letter, then up to 63 letters, digits, `_` or `-`"));
    }
    let payload = payload(&arguments.payload)?;
    let asked = Act {
        run: &arguments.run,
        deed: Deed::Send { name: arguments.name.clone(), payload },
        route: "dvt runs signal",
        question: "",
        told: &format!("sent {}", arguments.name),
        message: None,
        signal_id: arguments.signal_id.as_deref(),
        allow_host: false,
        dry_run: arguments.dry_run,
    };
    act::ask::<SignalSend>(asked, composition, screen).await
}

/// JSON as it was typed, or from a file.
fn payload(text: &str) -> Result<Value, Problem> {
    let invalid = |message: String| Problem::new(Code::SignalInvalidPayload, message);
    let read = match text.strip_prefix('@') {
        Some(path) => files::read(Path::new(path), MOST_BYTES)?,
        None => text.to_owned(),
    };
    serde_json::from_str(&read).map_err(|error| {
        invalid(format!("the payload is no JSON: {error}")).fix("quote a text twice: -p '\"three parcels\"'")
    })
}
