//! `dvt runs logs RUN`: what its steps printed, scrubbed, in the order in which they began; with `-f` also what they print from now on.
//!
//! A log is appended without an event, so a follower looks at the logs of what runs now five times a second.

use super::named::{is_of, no_step};
use super::news::{self, News};
use crate::compose::Composition;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::running::locate;
use crate::running::read::{events, picture, plan, row};
use crate::view::picture::Picture;
use crate::view::safe::safe;
use crate::view::screen::{Format, Screen};
use clap::Args;
use dvt_model::code::Code;
use dvt_model::id::{RunId, StepId};
use dvt_model::proof::{Authorized, RunReadPayload};
use dvt_model::resource::Run;
use dvt_model::run::StepStatus;
use dvt_model::time::Timestamp;
use dvt_store::port::operation::{LogChunk, LogMark};
use dvt_store::port::transaction::Kind;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// Print what the steps of a run printed.
///
/// Example:
///   dvt runs logs @latest --step transform
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The run: an id, its first six or more digits, its plan's name, or `@latest`.
    #[arg(value_name = "RUN")]
    run: String,
    /// Only this step.
    #[arg(long, value_name = "STEP")]
    step: Option<String>,
    /// Go on until the run ends.
    #[arg(long, short)]
    follow: bool,
}

const ROUTE: &str = "dvt runs logs";
/// How often a follower looks at the logs of what runs.
const LOOK: Duration = Duration::from_millis(200);

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
    let (mut picture, _) = picture(composition, &read, &plan).await?;
    if let Some(wanted) = &arguments.step
        && selected(&picture, Some(wanted)).is_empty()
        && !is_of(&plan, &picture, wanted)
    {
        return Err(no_step(&picture, wanted, "--step "));
    }
    let alone = arguments.step.as_ref().map(|wanted| picture.meant(wanted));
    let mut printed = Printed { alone, ..Printed::default() };
    printed.read(composition, &read, (&picture, arguments.step.as_ref(), false), screen).await?;
    let exit = if arguments.follow && !picture.status.is_terminal() {
        follow_on(arguments, composition, &read, &mut picture, &mut printed, screen).await?
    } else {
        Exit::Completed
    };
    printed.finish(run, screen);
    if printed.erased.is_empty() {
        return Ok(exit);
    }
    let which = printed.erased.join(", ");
    Err(Problem::new(Code::PayloadErased, format!("what was printed by {} is erased", safe(&which)))
        .why("the keys that it lay under were destroyed; that the steps ran can still be proved"))
}

/// Prints what comes until the run has ended, or no engine works on it.
async fn follow_on(
    arguments: &Arguments,
    composition: &Composition,
    read: &Authorized<Run, RunReadPayload>,
    picture: &mut Picture,
    printed: &mut Printed,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    let run = read.resource().id;
    let Some(news) = News::of(composition, run, ROUTE).await? else {
        return Ok(news::rests(run, picture.host_allowed, screen));
    };
    let mut tick = tokio::time::interval(LOOK);
    let mut coming = Box::pin(news.after(picture.last_run_seq));
    loop {
        // What ran until now may have printed before it ended, so logs are read once more after the events.
        let was = picture.clone();
        let goes_on = tokio::select! {
            goes_on = &mut coming => Some(goes_on?),
            _ = tick.tick() => None,
        };
        let before = picture.last_run_seq;
        if goes_on.is_some() {
            for event in events(composition, read, before).await? {
                picture.apply(&event);
            }
        }
        let step = arguments.step.as_ref();
        printed.read(composition, read, (&was, step, true), screen).await?;
        if goes_on.is_some() {
            printed.read(composition, read, (picture, step, false), screen).await?;
        }
        if picture.status.is_terminal() {
            return Ok(Exit::Completed);
        }
        match goes_on {
            Some(false) if picture.last_run_seq == before => {
                return Ok(news::rests(run, picture.host_allowed, screen));
            }
            Some(_) => coming = Box::pin(news.after(picture.last_run_seq)),
            None => {}
        }
    }
}

/// Steps, items and compensations that are asked for, in the order in which they began.
fn selected(picture: &Picture, wanted: Option<&String>) -> Vec<(Option<Timestamp>, String, u32, StepStatus)> {
    let all = picture.in_order().chain(picture.derived());
    // A step's items and its compensation print under its name.
    let wanted = wanted.map(|wanted| picture.meant(wanted));
    let asked = |id: &String| {
        wanted.as_ref().is_none_or(|wanted| id == wanted || id.split('.').next() == Some(wanted.as_str()))
    };
    let mut found: Vec<_> = all
        .filter(|(id, _)| asked(id))
        .map(|(id, step)| (step.first_started_at, id.clone(), step.attempts, step.status))
        .collect();
    found.sort_by(|left, right| (left.0, &left.1).cmp(&(right.0, &right.1)));
    found
}

/// What was printed already.
#[derive(Default)]
struct Printed {
    /// The one whose lines need no name before them. Its items have theirs.
    alone: Option<String>,
    marks: BTreeMap<(String, u32), LogMark>,
    /// Lines that have no end yet, by attempt and stream.
    open: BTreeMap<(String, u32, String), String>,
    erased: Vec<String>,
    kept: Vec<Value>,
    /// What people call steps and items, by id.
    names: BTreeMap<String, String>,
}

impl Printed {
    /// Reads on and shows; with `running` only what runs now.
    async fn read(
        &mut self,
        composition: &Composition,
        read: &Authorized<Run, RunReadPayload>,
        (picture, wanted, running): (&Picture, Option<&String>, bool),
        screen: &mut Screen,
    ) -> Result<(), Problem> {
        let transaction = composition.store.begin(read.scope(), Kind::Act)?;
        for (_, id, attempts, status) in selected(picture, wanted) {
            let Ok(step) = StepId::parse_stored(&id) else { continue };
            self.names.insert(id.clone(), safe(&picture.shown(&id)).into_owned());
            let first = if running { attempts.max(1) } else { 1 };
            for attempt in first..=attempts {
                let key = (id.clone(), attempt);
                if (running && status != StepStatus::Running) || self.is_erased(&key) {
                    continue;
                }
                let mark = self.marks.get(&key).copied().unwrap_or_default();
                match transaction.read_log_from(read.resource().id, &step, attempt, mark).await {
                    Ok((chunks, behind)) => {
                        self.marks.insert(key, behind);
                        self.show(&id, (attempt, attempts), &chunks, screen);
                    }
                    Err(error) if error.code() == Code::PayloadErased => {
                        self.erased.push(format!("{id} {attempt}"))
                    }
                    Err(error) => return Err(error.into()),
                }
                if status != StepStatus::Running {
                    self.close(&id, (attempt, attempts), screen);
                }
            }
        }
        Ok(())
    }

    fn is_erased(&self, (id, attempt): &(String, u32)) -> bool {
        self.erased.contains(&format!("{id} {attempt}"))
    }

    fn show(&mut self, step: &str, of: (u32, u32), chunks: &[LogChunk], screen: &mut Screen) {
        for chunk in chunks {
            let value = || json!({"stepId": step, "attempt": of.0, "stream": chunk.stream, "at": chunk.at, "text": chunk.text});
            match screen.format {
                Format::Json => self.kept.push(value()),
                Format::Jsonl => screen.json(&value()),
                Format::Table => {
                    let head = self.head(step, of);
                    let rest = self.open.entry((step.to_owned(), of.0, chunk.stream.clone())).or_default();
                    for line in whole(rest, &chunk.text) {
                        screen.line(&format!("{}{}", screen.paint().faint(&head), safe(&line)));
                    }
                }
            }
        }
    }

    /// An attempt that prints no more: its last line needs no end.
    fn close(&mut self, step: &str, of: (u32, u32), screen: &mut Screen) {
        let head = self.head(step, of);
        for stream in ["stderr", "stdout"] {
            let rest = self.open.remove(&(step.to_owned(), of.0, stream.to_owned()));
            if let Some(rest) = rest.filter(|rest| !rest.is_empty()) {
                screen.line(&format!("{}{}", screen.paint().faint(&head), safe(&rest)));
            }
        }
    }

    fn head(&self, step: &str, (attempt, attempts): (u32, u32)) -> String {
        let is_alone = self.alone.as_deref() == Some(step);
        let step = self.names.get(step).map_or(step, String::as_str);
        match (is_alone, attempts > 1) {
            (true, false) => String::new(),
            (true, true) => format!("{attempt} │ "),
            (false, false) => format!("{step} │ "),
            (false, true) => format!("{step} {attempt} │ "),
        }
    }

    fn finish(&mut self, run: RunId, screen: &mut Screen) {
        let open: Vec<(String, u32, String)> = self.open.keys().cloned().collect();
        for (step, attempt, _) in open {
            self.close(&step, (attempt, attempt), screen);
        }
        if screen.format == Format::Json {
            screen.json(&json!({ "runId": run, "chunks": self.kept }));
        }
    }
}

/// Lines that a piece ends; what has no end yet stays in `rest`. Chunks end where the pipe was read, so the two streams are put
/// together apart from each other.
fn whole(rest: &mut String, text: &str) -> Vec<String> {
    let mut out = Vec::new();
    for piece in text.split_inclusive('\n') {
        rest.push_str(piece);
        if piece.ends_with('\n') {
            out.push(std::mem::take(rest).trim_end_matches(['\n', '\r']).to_owned());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_again() {
        let (mut out, mut err) = (String::new(), String::new());
        assert_eq!(whole(&mut out, "one\ntw"), ["one"]);
        assert_eq!(whole(&mut err, "oops\n"), ["oops"]);
        assert_eq!(whole(&mut out, "o\r\nend"), ["two"]);
        assert_eq!((out.as_str(), err.as_str()), ("end", ""));
    }
}
