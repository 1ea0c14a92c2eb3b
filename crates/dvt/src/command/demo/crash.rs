//! `dvt demo crash`: a run of eight steps, its engine killed in the fifth, and what the next engine does with it.
//!
//! Nothing is taken on trust: each step writes its start and its end into a file that DVT knows nothing of, and what is told
//! at the end is counted there. Where a count is another than promised, the demo says so and fails.

use super::place::{Bell, Lines, Place};
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::signals::Signals;
use crate::view::duration::{plural, short};
use crate::view::end::brief;
use crate::view::screen::Screen;
use crate::view::width::indented;
use clap::Args;
use dvt_model::code::Code;
use dvt_model::id::RunId;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Instant;

const PLAN: &str = include_str!("plan.yaml");
const STEP: &str = include_str!("step.sh");
/// The step in which the engine is killed.
const KILLED_IN: &str = "train";

/// Kill an engine in the middle of a run and show what the next one repeats.
///
/// Example:
///   dvt demo crash
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// Leave the demo's installation where it was made, to look around in it.
    #[arg(long)]
    keep: bool,
}

/// Does it. An interrupt ends what runs and takes the folder away.
pub(crate) async fn run(arguments: &Arguments, screen: &mut Screen) -> Result<Exit, Problem> {
    // Listened for before there is anything to leave behind, and without a gap until the end.
    let mut signals = Signals::listen()?;
    let place = Place::make()?;
    let (sender, mut told) = tokio::sync::mpsc::unbounded_channel();
    let working = place.clone();
    let mut work = tokio::task::spawn_blocking(move || play(&working, &|line| drop(sender.send(line))));
    let played = loop {
        tokio::select! {
            biased;
            Some(line) = told.recv() => tell(&line, screen),
            played = &mut work => break played.map_err(|error| Problem::new(Code::Internal, error.to_string())),
            _ = signals.next() => {
                place.clear();
                screen.say("interrupted: the demo's run was killed, and its folder is gone");
                return Ok(Exit::Cancelled);
            }
        }
    };
    while let Ok(line) = told.try_recv() {
        tell(&line, screen);
    }
    let shown = played.and_then(|played| played);
    if arguments.keep {
        screen.note(&format!("kept: DVT_HOME={} dvt runs get @latest", place.path("home").display()));
    } else {
        place.clear();
    }
    let shown = shown?;
    if !screen.for_people() {
        screen.json(&shown.json());
    }
    Ok(if shown.holds() { Exit::Completed } else { Exit::Failed })
}

fn tell(line: &str, screen: &mut Screen) {
    if screen.for_people() {
        screen.line(&indented(line, screen.width()));
    }
}

/// What was seen.
struct Shown {
    run: RunId,
    kept: Vec<String>,
    entries: u64,
    back_ms: u64,
    /// Starts and ends of each step, as the steps themselves wrote them.
    starts: BTreeMap<String, u32>,
    ends: BTreeMap<String, u32>,
    /// The tokens of the killed step's starts.
    tokens: Vec<String>,
    completed: bool,
    valid: bool,
}

impl Shown {
    /// Whether all is as promised.
    fn holds(&self) -> bool {
        let once = |counts: &BTreeMap<String, u32>, but: u32| {
            counts.len() == 8
                && counts.iter().all(|(step, count)| *count == if step == KILLED_IN { but } else { 1 })
        };
        let same = matches!(self.tokens.as_slice(), [first, second] if first == second);
        self.completed && self.valid && same && once(&self.starts, 2) && once(&self.ends, 1)
    }

    fn json(&self) -> Value {
        json!({
            "runId": self.run,
            "killedIn": KILLED_IN,
            "kept": self.kept,
            "entriesFolded": self.entries,
            "engineBackMs": self.back_ms,
            "starts": self.starts,
            "ends": self.ends,
            "tokens": self.tokens,
            "completed": self.completed,
            "ledgerValid": self.valid,
            "asPromised": self.holds(),
        })
    }
}

fn play(place: &Place, tell: &dyn Fn(String)) -> Result<Shown, Problem> {
    place.write("plan.yaml", PLAN, 0o600)?;
    place.write("step.sh", STEP, 0o700)?;
    place.write("witness", "", 0o600)?;
    let mut bell = place.bell("bell")?;
    let folder = format!("folder={}", place.path("").display());
    let run = ["run", "plan.yaml", "--allow-host", "--output", "jsonl", "-i", folder.as_str()];
    let id = until_killed(place.start(&run)?, &mut bell, tell)?;
    place.kill();
    tell(format!("started {} (8 steps) · killing the engine in step 5 · killed (SIGKILL)", brief(id)));

    let before = state(place)?;
    let of = |status: &str| -> Vec<String> {
        let steps = before.get("steps").and_then(Value::as_array).into_iter().flatten();
        let fit = steps.filter(|step| text(step, "status") == status);
        fit.map(|step| text(step, "stepId").to_owned()).collect()
    };
    let (kept, flight) = (of("SUCCESS"), of("RUNNING"));
    let entries = before.get("lastRunSeq").and_then(Value::as_u64).unwrap_or(0);
    place.write("gate", "", 0o600)?;
    let begun = Instant::now();
    let mut back_ms = 0;
    let mut completed = false;
    for event in place.start(&["runs", "resume", "@latest", "--allow-host", "--output", "jsonl"])? {
        match text(&event, "eventType") {
            "StepRedispatched" => {
                back_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
                let steps = u64::try_from(kept.len()).unwrap_or(u64::MAX);
                tell(format!(
                    "engine back after {}: folded {}, found {} done, {} in flight",
                    short(back_ms),
                    plural(entries, "entry", "entries"),
                    plural(steps, "step", "steps"),
                    flight.len()
                ));
                tell(format!("  = {}: kept, not run again", kept.join(", ")));
            }
            "RunCompleted" => completed = true,
            _ => {}
        }
    }
    completed &= place.wait();
    let valid = place.ask(&["audit", "verify"])?.1;
    let shown = counted(
        place,
        Shown {
            run: id,
            kept,
            entries,
            back_ms,
            starts: BTreeMap::new(),
            ends: BTreeMap::new(),
            tokens: Vec::new(),
            completed,
            valid,
        },
    )?;
    sum_up(&shown, tell);
    Ok(shown)
}

/// Reads events until the step runs in which the engine is to be killed.
fn until_killed(lines: Lines, bell: &mut Bell, tell: &dyn Fn(String)) -> Result<RunId, Problem> {
    let mut id = None;
    for event in lines {
        id = RunId::parse(text(&event, "runId")).ok();
        if let (Some(id), "StepStarted", KILLED_IN) = (id, text(&event, "eventType"), text(&event, "stepId"))
        {
            bell.rings()?;
            return Ok(id);
        }
    }
    if let Some(id) = id {
        tell(format!("{} ended before its fifth step", brief(id)));
    }
    Err(Problem::new(Code::Internal, "the demo's run ended before its engine could be killed"))
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn state(place: &Place) -> Result<Value, Problem> {
    let (told, _) = place.ask(&["runs", "get", "@latest", "--output", "json"])?;
    serde_json::from_str(&told)
        .map_err(|error| Problem::new(Code::Internal, format!("the demo's run cannot be read: {error}")))
}

/// Counts what the steps wrote.
fn counted(place: &Place, mut shown: Shown) -> Result<Shown, Problem> {
    for line in place.read("witness")?.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let [word, step, _, token] = words.as_slice() else { continue };
        let counts = if *word == "start" { &mut shown.starts } else { &mut shown.ends };
        *counts.entry((*step).to_owned()).or_default() += 1;
        if *word == "start" && *step == KILLED_IN {
            shown.tokens.push((*token).to_owned());
        }
    }
    Ok(shown)
}

fn sum_up(shown: &Shown, tell: &dyn Fn(String)) {
    let token = shown.tokens.first().map_or("", |token| token.get(..4).unwrap_or(token));
    let end = if shown.completed { "COMPLETED" } else { "NOT COMPLETED" };
    let ledger = if shown.valid { "ledger VALID" } else { "ledger INVALID" };
    if shown.holds() {
        tell(format!("  ↻ {KILLED_IN}: dispatched again, same attempt, same token {token}…"));
        tell(format!(
            "{end} · each step ran exactly once but `{KILLED_IN}` (started twice, finished once) · {ledger}"
        ));
        return;
    }
    let counts = |counts: &BTreeMap<String, u32>| {
        counts.iter().map(|(step, count)| format!("{step} {count}")).collect::<Vec<_>>().join(", ")
    };
    tell(format!("{end} · {ledger} · this is not what was promised"));
    tell(format!("  starts: {}", counts(&shown.starts)));
    tell(format!("  ends: {}", counts(&shown.ends)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown() -> Shown {
        let counts = |killed: u32| {
            let steps = ["fetch", "clean", "join", "score", KILLED_IN, "evaluate", "report", "tell"];
            let count = |step: &&str| if *step == KILLED_IN { killed } else { 1 };
            steps.iter().map(|step| ((*step).to_owned(), count(step))).collect()
        };
        Shown {
            run: RunId::parse("run_7c1e0000-0000-4000-8000-000000000001").unwrap(),
            kept: Vec::new(),
            entries: 0,
            back_ms: 0,
            starts: counts(2),
            ends: counts(1),
            tokens: vec!["a".to_owned(), "a".to_owned()],
            completed: true,
            valid: true,
        }
    }

    /// What is told is counted: every other count is no success.
    #[test]
    fn another_count_is_no_success() {
        assert!(shown().holds());
        let broken: [fn(&mut Shown); 6] = [
            |shown| shown.starts.extend([("clean".to_owned(), 2)]),
            |shown| shown.ends.extend([(KILLED_IN.to_owned(), 2)]),
            |shown| shown.ends.retain(|step, _| step != "tell"),
            |shown| shown.tokens = vec!["a".to_owned(), "b".to_owned()],
            |shown| shown.completed = false,
            |shown| shown.valid = false,
        ];
        for (index, change) in broken.iter().enumerate() {
            let mut other = shown();
            change(&mut other);
            assert!(!other.holds(), "{index}");
        }
    }
}
