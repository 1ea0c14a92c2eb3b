//! `dvt runs logs RUN`: what its steps printed, scrubbed, in the order in which they began.

use super::{locate, picture, plan, row};
use crate::compose::Composition;
use crate::problem::exit::Exit;
use crate::problem::{Problem, spelling};
use crate::view::safe::safe;
use crate::view::screen::Screen;
use clap::Args;
use dvt_model::code::Code;
use dvt_model::id::StepId;
use dvt_model::proof::{Authorized, RunReadPayload};
use dvt_model::resource::Run;
use dvt_model::time::Timestamp;
use dvt_store::port::operation::LogChunk;
use dvt_store::port::transaction::Kind;
use serde_json::json;

/// Print what the steps of a run printed.
///
/// Example:
///   dvt runs logs @latest --step transform
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The run: an id, its first six or more digits, or `@latest`.
    #[arg(value_name = "RUN")]
    run: String,
    /// Only this step.
    #[arg(long, value_name = "STEP")]
    step: Option<String>,
}

const ROUTE: &str = "dvt runs logs";

/// Does it.
pub(crate) async fn run(
    arguments: &Arguments,
    composition: &Composition,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    let run = locate::run(&arguments.run, composition, ROUTE).await?;
    let read: Authorized<Run, RunReadPayload> =
        composition.access.run(&composition.context, run, ROUTE).await?;
    let row = row(composition, &read).await?;
    let plan = plan(composition, &read, &row).await?;
    let (picture, _) = picture(composition, &read, &plan).await?;
    let mut steps: Vec<(Option<Timestamp>, &String, u32)> = picture
        .in_order()
        .chain(picture.derived())
        .map(|(id, step)| (step.first_started_at, id, step.attempts))
        .collect();
    if let Some(wanted) = &arguments.step {
        // A step's items and its compensation print under its name.
        steps.retain(|(_, id, _)| *id == wanted || id.split('.').next() == Some(wanted));
        if steps.is_empty() {
            let near = spelling::nearest(wanted, picture.order.iter().map(String::as_str)).join(", ");
            let problem =
                Problem::new(Code::InvalidRequest, format!("the run has no step `{}`", safe(wanted)));
            let all = picture.order.join(", ");
            return Err(problem.fix(if near.is_empty() {
                format!("one of: {all}")
            } else {
                format!("--step {near}")
            }));
        }
    }
    steps.sort();
    let alone = arguments.step.is_some();
    let transaction = composition.store.begin(read.scope(), Kind::Act)?;
    let mut erased = Vec::new();
    for (_, id, attempts) in steps {
        let Ok(step) = StepId::parse_stored(id) else { continue };
        for attempt in 1..=attempts {
            match transaction.read_log(run, &step, attempt).await {
                Ok(chunks) => show(id, attempt, attempts, alone, &chunks, screen),
                Err(error) if error.code() == Code::PayloadErased => erased.push(format!("{id} {attempt}")),
                Err(error) => return Err(error.into()),
            }
        }
    }
    if erased.is_empty() {
        return Ok(Exit::Completed);
    }
    let which = erased.join(", ");
    Err(Problem::new(Code::PayloadErased, format!("what was printed by {} is erased", safe(&which)))
        .why("the keys that it lay under were destroyed; that the steps ran can still be proved"))
}

fn show(step: &str, attempt: u32, attempts: u32, alone: bool, chunks: &[LogChunk], screen: &mut Screen) {
    if !screen.for_people() {
        for chunk in chunks {
            screen.json(&json!({"stepId": step, "attempt": attempt, "stream": chunk.stream, "at": chunk.at, "text": chunk.text}));
        }
        return;
    }
    let paint = screen.paint();
    let head = match (alone, attempts > 1) {
        (true, false) => String::new(),
        (true, true) => format!("{attempt} │ "),
        (false, false) => format!("{step} │ "),
        (false, true) => format!("{step} {attempt} │ "),
    };
    for line in lines(chunks) {
        screen.line(&format!("{}{}", paint.faint(&head), safe(&line)));
    }
}

/// Chunks end where the pipe was read; lines of the two streams are put together apart from each other.
fn lines(chunks: &[LogChunk]) -> Vec<String> {
    let (mut out, mut open) = (Vec::new(), std::collections::BTreeMap::<&str, String>::new());
    for chunk in chunks {
        let rest = open.entry(chunk.stream.as_str()).or_default();
        for piece in chunk.text.split_inclusive('\n') {
            rest.push_str(piece);
            if piece.ends_with('\n') {
                out.push(std::mem::take(rest).trim_end_matches(['\n', '\r']).to_owned());
            }
        }
    }
    out.extend(open.into_values().filter(|rest| !rest.is_empty()));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_again() {
        let chunk = |stream: &str, text: &str| LogChunk {
            stream: stream.to_owned(),
            at: Timestamp::from_ms(0),
            text: text.to_owned(),
        };
        let chunks = [chunk("stdout", "one\ntw"), chunk("stderr", "oops\n"), chunk("stdout", "o\r\nend")];
        assert_eq!(lines(&chunks), ["one", "oops", "two", "end"]);
    }
}
