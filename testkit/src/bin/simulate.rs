//! `simulate`: histories from seeds, and the seeded bugs that they must catch.
//!
//! One line of counts when all is well; a finding prints the line that finds it again, and exit status 1.

use dvt_testkit::simulator::{Cut, Finding, histories, history, history_without, shrink};
use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

/// What was asked.
struct Asked {
    seeds: u64,
    from: u64,
    all_mutants: bool,
    mutant: Option<String>,
    /// Every finding, by kind, instead of the first one.
    survey: bool,
    cut: Cut,
}

fn read(arguments: impl Iterator<Item = String>) -> Result<Asked, String> {
    let mut asked =
        Asked { seeds: 1_000, from: 0, all_mutants: false, mutant: None, survey: false, cut: Cut::default() };
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("`{argument}` needs a value"));
        let number = |text: String| text.parse::<u64>().map_err(|_| format!("`{text}` is no number"));
        match argument.as_str() {
            "--seeds" => asked.seeds = number(value()?)?,
            "--from" => asked.from = number(value()?)?,
            "--mutants" => asked.all_mutants = true,
            "--survey" => asked.survey = true,
            "--mutant" => asked.mutant = Some(value()?),
            "--without-steps" => asked.cut.steps = numbers(&value()?)?,
            "--without-moves" => asked.cut.moves = numbers(&value()?)?,
            other => {
                return Err(format!(
                    "`{other}` is not known; there are --seeds N, --from S, --survey, --mutants, --mutant NAME, --without-steps 1,3, --without-moves 0-9,12"
                ));
            }
        }
    }
    Ok(asked)
}

/// `0-9,12`
fn numbers(text: &str) -> Result<BTreeSet<u64>, String> {
    let mut all = BTreeSet::new();
    for piece in text.split(',') {
        let (from, to) = piece.split_once('-').unwrap_or((piece, piece));
        let number = |text: &str| text.parse::<u64>().map_err(|_| format!("`{text}` is no number"));
        all.extend(number(from)?..=number(to)?);
    }
    Ok(all)
}

/// The shortest way to write them.
fn ranges(numbers: &BTreeSet<u64>) -> String {
    let mut pieces: Vec<(u64, u64)> = Vec::new();
    for number in numbers {
        match pieces.last_mut() {
            Some((_, to)) if *to + 1 == *number => *to = *number,
            Some(_) | None => pieces.push((*number, *number)),
        }
    }
    let text = |(from, to): &(u64, u64)| if from == to { from.to_string() } else { format!("{from}-{to}") };
    pieces.iter().map(text).collect::<Vec<_>>().join(",")
}

fn show(finding: Finding, mutant: Option<&str>) {
    println!("seed {}: {}", finding.seed, finding.message);
    let smaller = shrink(finding);
    println!("made smaller: {}", smaller.message);
    let mutant = mutant.map(|name| format!(" --mutant {name}")).unwrap_or_default();
    let mut line = format!("cargo xtask sim --seeds 1 --from {}{mutant}", smaller.seed);
    for (flag, cut) in [("--without-steps", &smaller.cut.steps), ("--without-moves", &smaller.cut.moves)] {
        if !cut.is_empty() {
            line += &format!(" {flag} {}", ranges(cut));
        }
    }
    println!("reproduce: {line}");
}

/// Findings by kind: ids and numbers stand for any.
fn survey(from: u64, seeds: u64) -> ExitCode {
    let mut kinds: BTreeMap<String, (u64, Finding)> = BTreeMap::new();
    for finding in (from..from.saturating_add(seeds)).filter_map(|seed| history(seed).err()) {
        let kind = kind_of(&finding.message);
        kinds.entry(kind).or_insert_with(|| (0, finding)).0 += 1;
    }
    let mut kinds: Vec<_> = kinds.into_values().collect();
    kinds.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    for (count, finding) in &kinds {
        println!("{count} times, first with seed {}: {}", finding.seed, finding.message);
    }
    let all: u64 = kinds.iter().map(|(count, _)| count).sum();
    println!("{} of {seeds} histories find nothing, {} kinds of findings", seeds - all, kinds.len());
    if all == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What two findings of one fault have in common: the command, and the names of events without their steps.
fn kind_of(message: &str) -> String {
    let command = message.split(" after ").nth(1).unwrap_or(message);
    let command: String = command.chars().take_while(|c| c.is_alphabetic() || *c == '(').collect();
    let names: String = message.lines().skip(1).filter(|line| line.starts_with("  the ")).collect();
    let mut depth = 0;
    let names = names.chars().filter(|c| {
        depth += i32::from(*c == '(');
        let is_outside = depth == 0;
        depth -= i32::from(*c == ')');
        is_outside
    });
    let first = message.lines().next().unwrap_or_default();
    let tail: String = first
        .rsplit(": ")
        .next()
        .unwrap_or_default()
        .chars()
        .filter(|c| !c.is_ascii_digit())
        .take(60)
        .collect();
    format!("{command} {} {tail}", names.collect::<String>())
}

fn main() -> ExitCode {
    let asked = match read(std::env::args().skip(1)) {
        Ok(asked) => asked,
        Err(sentence) => {
            eprintln!("{sentence}");
            return ExitCode::from(2);
        }
    };
    // Panics are findings, told with their seed.
    std::panic::set_hook(Box::new(|_| {}));
    if asked.all_mutants {
        return mutants::all();
    }
    if let Some(name) = &asked.mutant
        && let Err(sentence) = mutants::choose(name)
    {
        eprintln!("{sentence}");
        return ExitCode::from(2);
    }
    if asked.survey {
        return survey(asked.from, asked.seeds);
    }
    let begun = std::time::Instant::now();
    let outcome = if asked.cut == Cut::default() {
        histories(asked.from, asked.seeds)
    } else {
        history_without(asked.from, &asked.cut)
    };
    match outcome {
        Ok(coverage) => {
            print!("{coverage}");
            let seconds = begun.elapsed().as_secs_f64();
            let rate = coverage.histories as f64 / seconds;
            println!(
                "{} histories in {seconds:.1} s, {rate:.0} a second, {} cells met, none differs",
                coverage.histories,
                coverage.met()
            );
            let empty = coverage.empty();
            if empty.is_empty() {
                return ExitCode::SUCCESS;
            }
            println!("never met: {}", empty.join("; "));
            ExitCode::FAILURE
        }
        Err(finding) => {
            show(finding, asked.mutant.as_deref());
            ExitCode::FAILURE
        }
    }
}

#[cfg(feature = "mutants")]
mod mutants {
    use dvt_core::mutant::{self, Mutant};
    use dvt_testkit::simulator::history;
    use std::process::ExitCode;

    /// A bug that lives longer than this has survived.
    const PATIENCE: u64 = 2_000;

    pub(crate) fn choose(name: &str) -> Result<(), String> {
        let found = Mutant::ALL.iter().chain(Mutant::WHOLE).find(|mutant| format!("{mutant:?}") == name);
        mutant::choose(Some(*found.ok_or_else(|| format!("there is no mutant `{name}`"))?));
        Ok(())
    }

    pub(crate) fn all() -> ExitCode {
        let mut survivors = 0;
        let all = || Mutant::ALL.iter().chain(Mutant::WHOLE);
        for bug in all() {
            mutant::choose(Some(*bug));
            match (0..PATIENCE).find_map(|seed| history(seed).err()) {
                Some(finding) => println!("{bug:?}: caught after {} histories", finding.seed + 1),
                None => {
                    survivors += 1;
                    println!("{bug:?}: survived {PATIENCE} histories");
                }
            }
        }
        mutant::choose(None);
        println!("{} mutants, {} caught, {survivors} survived", all().count(), all().count() - survivors);
        if survivors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

#[cfg(not(feature = "mutants"))]
mod mutants {
    use std::process::ExitCode;

    pub(crate) fn choose(_name: &str) -> Result<(), String> {
        Err("this build has no mutants; build it with `--features dvt-testkit/mutants`".to_owned())
    }

    pub(crate) fn all() -> ExitCode {
        match choose("") {
            Ok(()) => ExitCode::SUCCESS,
            Err(sentence) => {
                eprintln!("{sentence}");
                ExitCode::from(2)
            }
        }
    }
}
