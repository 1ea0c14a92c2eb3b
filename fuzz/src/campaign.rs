//! One target for some time: what is kept is run again, then changed texts are, as long as there is time.

use crate::chance::Chance;
use crate::coverage;
use crate::mutate::{LONGEST, Words, mutate};
use crate::pool::{Next, Pool};
use crate::target::Target;
use crate::watch::{Current, spent_ms};
use serde_json::{Value, json};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Attempts to make a text that fails shorter.
const CUTS: usize = 4_000;
/// The longest text that is asked with what it was compared.
const MOST_ASKED: usize = 4 << 10;
/// Texts that are tried at once as answers to the comparisons of one text.
const MOST_ANSWERS: usize = 64;
/// Texts that are asked after each of those that campaigns begin with, those with new edges first.
const FOLLOWED: usize = 6;
/// Texts that are tried at once as answers to the comparisons of one of these.
const MOST_OF_FOLLOWED: usize = 16;
/// Changes of one text before the next one is picked.
const CHANGES: usize = 16;

/// What is asked.
pub(crate) struct Task {
    pub(crate) target: &'static Target,
    pub(crate) length: Length,
    pub(crate) seed: u64,
    /// Whether the planted fault is there.
    pub(crate) planted: bool,
    /// Where texts of earlier campaigns lie; those of this one are added.
    pub(crate) kept: Option<PathBuf>,
    /// Where the fewest texts that pass every edge are written to.
    pub(crate) distilled: Option<PathBuf>,
    /// Where a text that fails goes.
    pub(crate) fault: PathBuf,
}

/// When a campaign ends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Length {
    /// After so many seconds of the processor.
    Seconds(u64),
    /// After so many executions, what is replayed not counted: the same seed then makes the same campaign.
    Executions(u64),
}

/// Where the last panic was, and what it said.
static PANIC: Mutex<(String, String)> = Mutex::new((String::new(), String::new()));

fn last_panic() -> (String, String) {
    PANIC.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Panics are told once, at the end, not a thousand times while a text is made shorter.
fn listen() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let said = panic.payload_as_str().unwrap_or("something that is no text").to_owned();
        *PANIC.lock().unwrap_or_else(PoisonError::into_inner) = (place, said);
    }));
}

struct Runner<'t> {
    task: &'t Task,
    current: Current,
    pool: Pool,
    seen: Vec<(usize, u8)>,
    executions: u64,
    /// Executions and milliseconds at which texts begin to be made.
    first: u64,
    begun_ms: u64,
    slowest_ms: u64,
    /// Whether the target took the last text, so that something came out.
    is_taken: bool,
}

impl Runner<'_> {
    /// Whether this part of the campaign is over: `of` parts are the whole.
    fn is_over(&self, parts: u64, of: u64) -> bool {
        match self.task.length {
            Length::Seconds(seconds) => spent_ms() - self.begun_ms >= seconds * 1_000 * parts / of,
            Length::Executions(executions) => self.executions - self.first >= executions * parts / of,
        }
    }

    /// Runs one text; whether it panicked.
    fn run(&mut self, text: &[u8]) -> bool {
        self.current.begins(text);
        let done = catch_unwind(AssertUnwindSafe(|| {
            let came_out = (self.task.target.read)(text);
            if self.task.planted {
                came_out.iter().for_each(|word| dvt_fuzz_planted::look(word));
            }
            !came_out.is_empty()
        }));
        self.is_taken = matches!(done, Ok(true));
        self.slowest_ms = self.slowest_ms.max(Current::ended());
        self.executions += 1;
        self.seen.clear();
        let seen = &mut self.seen;
        coverage::take(|edge, passed| seen.push((edge, passed)));
        done.is_err()
    }

    /// Runs one text and keeps it if it shows something.
    fn visit(&mut self, text: &[u8]) -> Result<(), Vec<u8>> {
        if self.run(text) {
            return Err(self.shorter(text.to_vec(), &last_panic().0));
        }
        let seen = std::mem::take(&mut self.seen);
        self.pool.offer(text, &seen);
        self.seen = seen;
        Ok(())
    }

    /// A shorter text that fails at the same place.
    fn shorter(&mut self, mut text: Vec<u8>, place: &str) -> Vec<u8> {
        let mut size = text.len() / 2;
        let mut cuts = 0;
        while size > 0 {
            let mut at = 0;
            while at < text.len() && cuts < CUTS {
                let mut less = text.clone();
                less.drain(at..(at + size).min(text.len()));
                cuts += 1;
                if self.run(&less) && last_panic().0 == place { text = less } else { at += size }
            }
            size /= 2;
        }
        text
    }
}

/// Runs a campaign; the error is what failed.
pub(crate) fn run(task: &Task, root: &Path) -> Result<Value, String> {
    let current =
        Current::create(&task.fault).map_err(|error| format!("{}: {error}", task.fault.display()))?;
    let mut runner = Runner {
        task,
        current,
        pool: Pool::default(),
        seen: Vec::new(),
        executions: 0,
        first: 0,
        begun_ms: spent_ms(),
        slowest_ms: 0,
        is_taken: false,
    };
    listen();
    coverage::take(|_, _| {});
    let mut chance = Chance::new(task.seed);
    let seeds = seeds(task, root)?;
    let replayed = seeds.len();
    let words = Words::new(words(task.target, root)?);
    let failed = campaign(&mut runner, seeds, words, &mut chance);
    let told = json!({
        "target": task.target.name, "executions": runner.executions, "replayed": replayed, "edges": runner.pool.edges,
        "ofEdges": coverage::edges(), "features": runner.pool.features(), "texts": runner.pool.texts().count(),
        "slowestMs": runner.slowest_ms, "cpuSeconds": (spent_ms() - runner.begun_ms) / 1_000,
    });
    if let Err(text) = failed {
        runner.run(&text);
        let (place, said) = last_panic();
        let text = String::from_utf8_lossy(&text).into_owned();
        return Err(format!(
            "{told}\n{} panics at {place}: {said}\nwith {}",
            task.target.name,
            Value::from(text)
        ));
    }
    let texts: Vec<Vec<u8>> = runner.pool.texts().map(<[u8]>::to_vec).collect();
    if let Some(distilled) = &task.distilled {
        write(distilled, distill(&mut runner, &texts))?;
    }
    if let Some(kept) = &task.kept {
        write(kept, texts)?;
    }
    Ok(told)
}

/// Of these, the shortest first, each that passes an edge which none before it passed.
fn distill(runner: &mut Runner<'_>, texts: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut texts: Vec<&Vec<u8>> = texts.iter().collect();
    texts.sort_by_key(|text| (text.len(), *text));
    let mut passed = std::collections::HashSet::new();
    let mut stay = Vec::new();
    for text in texts {
        runner.run(text);
        let mut is_new = false;
        for (edge, _) in &runner.seen {
            is_new |= passed.insert(*edge);
        }
        if is_new {
            stay.push(text.clone());
        }
    }
    stay
}

fn campaign(
    runner: &mut Runner<'_>,
    seeds: Vec<Vec<u8>>,
    mut words: Words,
    chance: &mut Chance,
) -> Result<(), Vec<u8>> {
    let mut taken = Vec::new();
    for seed in seeds {
        runner.visit(&seed)?;
        if runner.is_taken && seed.len() <= MOST_ASKED {
            taken.push(seed);
        }
    }
    runner.first = runner.executions;
    let mut asked = 0;
    let mut order = [Next::Edge, Next::Oldest, Next::Newest, Next::Again].into_iter().cycle();
    // First what people wrote and the target took, in any order: what it was compared with, and what comes of that. Of all of
    // them a little, for the shortest have the shortest names, and an answer takes the place of as many letters as it has.
    while !runner.is_over(1, 2) && !taken.is_empty() {
        let seed = taken.swap_remove(chance.below(taken.len()));
        ask(runner, (usize::MAX, &seed), &mut words, MOST_ANSWERS)?;
        for _ in 0..FOLLOWED {
            let Some((at, text)) = runner.pool.unasked(Next::Edge, chance) else { break };
            ask(runner, (at, &text), &mut words, MOST_OF_FOLLOWED)?;
        }
    }
    let first = runner.executions;
    while !runner.is_over(1, 1) {
        // Half of all executions answer comparisons, the other half change texts by chance.
        if asked <= (runner.executions - first) / 2
            && let Some(next) = order.next()
            && let Some((at, text)) = runner.pool.unasked(next, chance)
        {
            let before = runner.executions;
            ask(runner, (at, &text), &mut words, MOST_ANSWERS)?;
            asked += runner.executions - before;
            continue;
        }
        let text = runner.pool.pick(chance).to_vec();
        for _ in 0..CHANGES {
            let changed = mutate(&text, runner.pool.pick(chance), &words, chance);
            runner.visit(&changed)?;
        }
    }
    Ok(())
}

/// Runs a text once more, and then with the other side of each comparison in the place of what was compared.
fn ask(
    runner: &mut Runner<'_>,
    (at, text): (usize, &[u8]),
    words: &mut Words,
    most: usize,
) -> Result<(), Vec<u8>> {
    coverage::record(text.len() <= MOST_ASKED);
    let visited = runner.visit(text);
    coverage::record(false);
    visited?;
    let (answers, is_whole) = words.answers(text, coverage::compared(), most);
    if !is_whole {
        runner.pool.ask_again(at);
    }
    for answer in answers {
        runner.visit(&answer)?;
        if runner.is_over(1, 1) {
            break;
        }
    }
    Ok(())
}

/// Texts to begin with: those that once failed, those that were kept, files of the repository.
fn seeds(task: &Task, root: &Path) -> Result<Vec<Vec<u8>>, String> {
    let name = task.target.name;
    let mut places = vec![format!("fuzz/regressions/{name}"), format!("fuzz/corpus/{name}")];
    places.extend(task.target.seeds.iter().map(|place| (*place).to_owned()));
    let mut found = Vec::new();
    for place in places {
        gather(&root.join(place), &mut found)?;
    }
    if let Some(kept) = task.kept.as_deref().filter(|kept| kept.exists()) {
        gather(kept, &mut found)?;
    }
    Ok(found)
}

/// Words of the target's language, and what the sources of an importer write between quotes: the keys that it knows.
fn words(target: &Target, root: &Path) -> Result<Vec<Vec<u8>>, String> {
    let mut words: std::collections::BTreeSet<Vec<u8>> =
        target.words.iter().map(|word| word.as_bytes().to_vec()).collect();
    let mut sources = Vec::new();
    target.keys.iter().try_for_each(|place| gather(&root.join(place), &mut sources))?;
    for source in sources {
        let source = String::from_utf8_lossy(&source).into_owned();
        let code = source.split("#[cfg(test)]").next().unwrap_or_default();
        let lines = code.lines().map(str::trim_start).filter(|line| !line.starts_with("//"));
        let quoted = lines.flat_map(|line| line.split('"').skip(1).step_by(2));
        let is_word = |word: &&str| {
            (2..=32).contains(&word.len()) && !word.contains([' ', '\\', '{', '}']) && word.is_ascii()
        };
        words.extend(quoted.filter(is_word).map(|word| word.as_bytes().to_vec()));
    }
    Ok(words.into_iter().collect())
}

fn gather(place: &Path, found: &mut Vec<Vec<u8>>) -> Result<(), String> {
    let fault = |error: std::io::Error| format!("{}: {error}", place.display());
    if place.is_dir() {
        let mut inner: Vec<PathBuf> = std::fs::read_dir(place)
            .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
            .map_err(fault)?;
        inner.sort();
        return inner.iter().try_for_each(|place| gather(place, found));
    }
    if !place.exists() {
        return Ok(());
    }
    let bytes = std::fs::read(place).map_err(fault)?;
    if place.extension().is_some_and(|extension| extension == "jsonl") {
        for line in String::from_utf8_lossy(&bytes).lines() {
            let text: String =
                serde_json::from_str(line).map_err(|error| format!("{}: {error}", place.display()))?;
            found.push(text.into_bytes());
        }
    } else if bytes.len() <= 8 * LONGEST {
        found.push(bytes);
    }
    Ok(())
}

/// Writes texts down, the shortest first, one JSON string a line. What lay there stays where that fails (a disk that is full).
fn write(place: &Path, texts: Vec<Vec<u8>>) -> Result<(), String> {
    let mut texts: Vec<String> =
        texts.iter().map(|text| String::from_utf8_lossy(text).into_owned()).collect();
    texts.sort_by(|left, right| (left.len(), left).cmp(&(right.len(), right)));
    texts.dedup();
    let lines: String = texts.iter().map(|text| Value::from(text.as_str()).to_string() + "\n").collect();
    let draft = place.with_extension("draft");
    let written = std::fs::write(&draft, lines).and_then(|()| std::fs::rename(&draft, place));
    if written.is_err() {
        // It may not be there at all.
        drop(std::fs::remove_file(&draft));
    }
    written.map_err(|error| format!("{}: {error}", place.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::ALL;

    #[test]
    fn what_was_kept_stays_where_more_cannot_be_written() {
        let folder = std::env::temp_dir().join(format!("dvt-fuzz-kept-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let place = folder.join("kept.jsonl");
        write(&place, vec![b"old".to_vec()]).unwrap();
        // Nothing can be written where a folder stands.
        std::fs::create_dir(place.with_extension("draft")).unwrap();
        let refused = write(&place, vec![b"new".to_vec()]);
        let mut found = Vec::new();
        gather(&place, &mut found).unwrap();
        std::fs::remove_dir(place.with_extension("draft")).unwrap();
        let accepted = write(&place, vec![b"new".to_vec()]);
        gather(&place, &mut found).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(refused.is_err() && accepted.is_ok());
        assert_eq!(found, [b"old".to_vec(), b"new".to_vec()]);
    }

    /// Without the instrumentation: what once failed and what is kept is read by every change, also by `cargo test`.
    #[test]
    fn an_importer_is_given_the_keys_that_it_knows() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let of = |name: &str| {
            let target = ALL.iter().find(|target| target.name == name).unwrap();
            words(target, root).unwrap()
        };
        for (name, keys) in [
            ("argo", ["withSequence", "retryPolicy", "AnySucceeded"]),
            ("github", ["working-directory", "max-parallel", "workflow_call"]),
            ("dbt", ["semantic_model", "test_metadata", "on-run-end"]),
            ("wfcommons", ["runtimeInSeconds", "makespanInSeconds", "parents"]),
        ] {
            let words = of(name);
            assert!(keys.iter().all(|key| words.contains(&key.as_bytes().to_vec())), "{name}");
            assert!(words.iter().all(|word| word.is_ascii()), "{name}");
        }
        assert!(of("scrub").len() < 40, "it has words of its own alone");
    }

    #[test]
    fn what_is_kept_and_what_once_failed_is_read_without_a_panic() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for target in ALL {
            let (kept, distilled, fault) = (None, None, PathBuf::new());
            let length = Length::Seconds(0);
            let task = Task { target, length, seed: 1, planted: false, kept, distilled, fault };
            let texts = seeds(&task, root).unwrap();
            assert!(!texts.is_empty(), "{}", target.name);
            for text in &texts {
                (target.read)(text);
            }
            println!("{}: {} texts", target.name, texts.len());
        }
    }
}
