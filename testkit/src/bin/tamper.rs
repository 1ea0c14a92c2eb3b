//! `tamper [--entries N] [--places N] [--honest N] [--seed S] [--second FILE] [--speed N]`: attackers with SQL and no keys over a
//! ledger file, judged by our verifier and by the second one. Ends with `classes N/N located, honest N/N VALID` for each.
//!
//! A verifier with a check taken out must miss what that check is for; a control that is not noticed ends this with status 1.

use dvt_ledger::verify::result::Status;
use dvt_ledger::verify::weakened::{self, Check};
use dvt_testkit::power_cut::chance::Chance;
use dvt_testkit::tamper::attack::{CLASSES, Made, Manner, at_checkpoint, attack};
use dvt_testkit::tamper::file::File;
use dvt_testkit::tamper::judge::{fault, keyed, keyed_fault, public, says, second, second_places};
use dvt_testkit::tamper::second::Second;
use dvt_testkit::tamper::stage::{Stage, UNSEALED};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// Classes that public keys cannot see.
const NEEDS_KEYS: [u8; 2] = [13, 25];
/// Classes that are out of reach without a checkpoint from elsewhere.
const NEEDS_ANCHOR: [u8; 3] = [7, 8, 24];
/// Classes where a MAC names the block.
const BY_MAC: [u8; 6] = [1, 2, 3, 4, 9, 12];

struct Arguments {
    entries: u64,
    places: u64,
    honest: usize,
    seed: u64,
    second: Option<PathBuf>,
    speed: u64,
}

fn arguments() -> Result<Arguments, String> {
    let mut arguments =
        Arguments { entries: 10_000, places: 50, honest: 100, seed: 1, second: None, speed: 0 };
    let mut given = std::env::args().skip(1);
    while let Some(argument) = given.next() {
        let value = given.next().ok_or(format!("`{argument}` needs a value"))?;
        let number = || value.parse::<u64>().map_err(|_| format!("`{value}` is no number"));
        match argument.as_str() {
            "--entries" => arguments.entries = number()?,
            "--places" => arguments.places = number()?,
            "--honest" => arguments.honest = usize::try_from(number()?).unwrap_or(0),
            "--seed" => arguments.seed = number()?,
            "--second" => arguments.second = Some(PathBuf::from(&value)),
            "--speed" => arguments.speed = number()?,
            other => return Err(format!("`{other}` is not known")),
        }
    }
    Ok(arguments)
}

/// One try and what was wrong with how it was judged.
#[derive(Default)]
struct Count {
    tries: u64,
    ours: u64,
    second: u64,
    second_tries: u64,
    faults: Vec<String>,
}

/// One attack to play.
#[derive(Clone, Copy)]
struct Try {
    class: u8,
    manner: Manner,
    index: u64,
}

struct Play<'a> {
    stage: &'a Stage,
    folder: &'a Path,
    second: Option<&'a Path>,
}

impl Play<'_> {
    /// Plays all tries on two threads.
    fn all(&self, tries: &[Try]) -> Result<BTreeMap<u8, Count>, String> {
        let (next, counts) = (AtomicUsize::new(0), Mutex::new(BTreeMap::<u8, Count>::new()));
        let work = |lane: usize| -> Result<(), String> {
            let path = self.folder.join(format!("lane-{lane}.db"));
            let mut second = self.second.map(Second::start).transpose()?;
            while let Some(one) = tries.get(next.fetch_add(1, Ordering::SeqCst)) {
                let Some(made) = attack(&self.stage.ground(), one.class, one.manner, one.index) else {
                    continue;
                };
                made.file.write(&self.stage.honest, &self.stage.path, &path)?;
                let ours = self.ours(one, &made, &path)?;
                let theirs = match &mut second {
                    Some(second) if !NEEDS_KEYS.contains(&one.class) => {
                        Some(self.theirs(second, &made, &path)?)
                    }
                    _ => None,
                };
                let mut counts = counts.lock().map_err(|error| error.to_string())?;
                let count = counts.entry(one.class).or_default();
                count.tries += 1;
                count.ours += u64::from(ours.is_none());
                count.second += u64::from(theirs == Some(None));
                count.second_tries += u64::from(theirs.is_some());
                for fault in ours.into_iter().chain(theirs.flatten()) {
                    count.faults.push(format!("{:?} at {}: {fault}", one.manner, one.index));
                }
            }
            Ok(())
        };
        let work = &work;
        std::thread::scope(|scope| {
            let lanes: Vec<_> = (0..2).map(|lane| scope.spawn(move || work(lane))).collect();
            lanes
                .into_iter()
                .try_for_each(|lane| lane.join().unwrap_or_else(|_| Err("a lane ended early".to_owned())))
        })?;
        counts.into_inner().map_err(|error| error.to_string())
    }

    /// Our verifier: with public keys and the newest checkpoint, and with the tenant's keys where those tell more.
    fn ours(&self, one: &Try, made: &Made, path: &Path) -> Result<Option<String>, String> {
        let Stage { honest, keys, .. } = self.stage;
        if NEEDS_KEYS.contains(&one.class) {
            let without = public(path, keys, Some(self.stage.newest()?))?;
            if without.payloads_checked != 0 {
                return Ok(Some("payloads are said to be checked without keys".to_owned()));
            }
            return Ok(keyed_fault(&keyed(path, self.stage)?, made, one.class));
        }
        let anchored = public(path, keys, Some(self.stage.newest()?))?;
        if !anchored.anchored {
            return Ok(Some("not anchored".to_owned()));
        }
        if let Some(fault) = fault(&anchored, honest, made, one.class, one.manner) {
            return Ok(Some(fault));
        }
        if NEEDS_ANCHOR.contains(&one.class) && one.manner == Manner::Cut {
            let alone = public(path, keys, None)?;
            // Whoever cuts off the entry of the pruning too leaves a ledger without a beginning: that is seen by itself.
            let is_announced = made.file.head.1 > self.stage.pruned_at;
            let is_right =
                if is_announced { alone.status != Status::Invalid } else { alone.status != Status::Valid };
            if alone.anchored || !is_right {
                return Ok(Some(format!("without a checkpoint from elsewhere: {:?}", alone.status)));
            }
        }
        if BY_MAC.contains(&one.class) {
            return Ok(keyed_fault(&keyed(path, self.stage)?, made, one.class));
        }
        Ok(None)
    }

    fn theirs(&self, process: &mut Second, made: &Made, path: &Path) -> Result<Option<String>, String> {
        let answer = second(process, path, &self.stage.keys, Some(self.stage.newest()?))?;
        Ok((!second_places(&answer, made.touched))
            .then(|| format!("second verifier: not placed at {}: {answer}", made.touched)))
    }

    /// Entries above the last checkpoint: the MAC alone tells.
    fn unsealed(&self) -> Result<(u64, Vec<String>), String> {
        let (path, head) = (self.folder.join("unsealed.db"), self.stage.honest.head);
        let (mut tries, mut faults) = (0, Vec::new());
        for index in head.0 - UNSEALED..head.0 {
            for class in BY_MAC {
                let Some(made) = attack(&self.stage.ground(), class, Manner::Repaired, index) else {
                    continue;
                };
                made.file.write(&self.stage.honest, &self.stage.path, &path)?;
                tries += 1;
                let found = keyed_fault(&keyed(&path, self.stage)?, &made, class);
                faults.extend(found.map(|fault| format!("class {class} at {index}, unsealed: {fault}")));
            }
        }
        Ok((tries, faults))
    }

    /// Honest ledgers: moments of the past, the ledger as it is, and pruned.
    fn honest(&self, wanted: usize) -> Result<(usize, usize, Vec<String>), String> {
        let Stage { honest, keys, .. } = self.stage;
        let path = self.folder.join("moment.db");
        let mut process = self.second.map(Second::start).transpose()?;
        let mut faults = Vec::new();
        let (mut ours, mut theirs) = (0, 0);
        // Before the pruning the ledger was whole; since then its beginning is gone, and the entry says so.
        let (whole, whole_path) = &self.stage.whole;
        let ledger = self.stage.house.ledger();
        let of = |file: &File, above: u64, number: usize| {
            let is_above = file.checkpoints.get(number).is_some_and(|(size, _)| *size > above);
            is_above.then(|| at_checkpoint(file, ledger, keys, number)).flatten()
        };
        let before = (0..whole.checkpoints.len()).filter_map(|number| of(whole, 0, number));
        let after =
            (0..honest.checkpoints.len()).filter_map(|number| of(honest, self.stage.pruned_at, number));
        let now = (honest.clone(), self.stage.newest()?.to_owned());
        let moments = before.map(|(file, note)| (file, note, (whole, whole_path)));
        let moments =
            moments.chain(after.chain([now]).map(|(file, note)| (file, note, (honest, &self.stage.path))));
        let moments: Vec<_> = moments.collect();
        for number in 0..wanted {
            // Where there are fewer moments than wanted, they come again with an older checkpoint from elsewhere.
            let Some((file, newest, (base, base_path))) =
                moments.get(moments.len() - 1 - number % moments.len())
            else {
                break;
            };
            let round = number / moments.len();
            let anchor =
                file.checkpoints.iter().rev().nth(round).map_or(newest.as_str(), |(_, note)| note.as_str());
            file.write(base, base_path, &path)?;
            let result = public(&path, keys, Some(anchor))?;
            let with_keys = keyed(&path, self.stage)?;
            // Before the tombstone the key was still there; a moment of that time has none, for it is gone from the file by now.
            let had_key = file.head.0 <= self.stage.tombstone;
            let is_whole = result.status == Status::Valid && (had_key || with_keys.status == Status::Valid);
            ours += usize::from(is_whole);
            if !is_whole {
                faults.push(format!("honest {number}: {:?} {:?}", result.findings, with_keys.findings));
            }
            if let Some(process) = &mut process {
                let answer = second(process, &path, keys, Some(anchor))?;
                theirs += usize::from(says(&answer) == "VALID");
                if says(&answer) != "VALID" {
                    faults.push(format!("honest {number}, second verifier: {answer}"));
                }
            }
        }
        Ok((ours, theirs, faults))
    }

    /// Each check taken out of our verifier, and each of the second one's.
    fn controls(&self) -> Result<Vec<String>, String> {
        let path = self.folder.join("control.db");
        let (_, sealed, lowest) = self.stage.honest.head;
        let middle = lowest + (sealed - lowest) / 2;
        let above = self.stage.honest.head.0 - 2;
        let ours = [
            (Check::Leaf, 14, Manner::Bare, middle),
            (Check::Root, 1, Manner::Repaired, middle),
            (Check::Rotation, 23, Manner::Repaired, middle),
            (Check::Pruning, 26, Manner::Repaired, middle),
            (Check::Mac, 1, Manner::Repaired, above),
            (Check::Payload, 13, Manner::Bare, middle),
            (Check::Tombstone, 25, Manner::Bare, middle),
            (Check::Anchor, 24, Manner::Cut, middle),
        ];
        let mut missed = Vec::new();
        for (check, class, manner, index) in ours {
            let made =
                attack(&self.stage.ground(), class, manner, index).ok_or("a control cannot be tried")?;
            made.file.write(&self.stage.honest, &self.stage.path, &path)?;
            let with_keys = NEEDS_KEYS.contains(&class) || check == Check::Mac;
            let look = || -> Result<bool, String> {
                let result = if with_keys {
                    keyed(&path, self.stage)?
                } else {
                    public(&path, &self.stage.keys, Some(self.stage.newest()?))?
                };
                Ok(result.status == Status::Invalid)
            };
            let whole = look()?;
            weakened::without(Some(check));
            let weak = look();
            weakened::without(None);
            if !whole || weak? {
                return Err(format!(
                    "control {check:?}: class {class} found {whole}, without the check it must be missed"
                ));
            }
            missed.push(format!("{check:?} (class {class})"));
        }
        let Some(program) = self.second else { return Ok(missed) };
        let mut process = Second::start(program)?;
        let theirs = [
            ("leaf", 14, Manner::Bare, middle),
            ("root", 1, Manner::Repaired, middle),
            ("rotation", 23, Manner::Repaired, middle),
            ("pruning", 26, Manner::Repaired, middle),
            ("anchor", 24, Manner::Cut, middle),
        ];
        for (check, class, manner, index) in theirs {
            let made =
                attack(&self.stage.ground(), class, manner, index).ok_or("a control cannot be tried")?;
            made.file.write(&self.stage.honest, &self.stage.path, &path)?;
            let answer = process.ask(&json!({
                "ledger": path, "keys": self.stage.keys.text(), "checkpoint": self.stage.newest()?, "without": [check],
            }))?;
            if says(&answer) == "INVALID" {
                return Err(format!(
                    "control: the second verifier finds class {class} without its check `{check}`"
                ));
            }
            missed.push(format!("second {check} (class {class})"));
        }
        Ok(missed)
    }
}

/// Places: the first that is left, the middle, the last, and some anywhere between.
fn places(arguments: &Arguments, lowest: u64, sealed: u64) -> Vec<u64> {
    let mut chance = Chance::new(arguments.seed);
    let mut places = vec![lowest, lowest + (sealed - lowest) / 2, sealed - 1];
    places.extend((0..arguments.places).map(|_| lowest + chance.below(sealed - lowest)));
    places
}

async fn run(arguments: &Arguments) -> Result<bool, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    if arguments.speed > 0 {
        return speed(folder.path(), arguments.speed).await;
    }
    let begun = Instant::now();
    let stage = Stage::new(folder.path(), arguments.entries).await?;
    println!(
        "tamper: {} entries in {} blocks after {} pruned ones, {} checkpoints, {} tiles, written in {:.1} s",
        stage.honest.head.0 - stage.announced,
        stage.honest.blocks.len(),
        stage.announced,
        stage.honest.checkpoints.len(),
        stage.honest.tiles.len(),
        begun.elapsed().as_secs_f64()
    );
    let play = Play { stage: &stage, folder: folder.path(), second: arguments.second.as_deref() };
    let places = places(arguments, stage.honest.head.2, stage.honest.head.1);
    let tries: Vec<Try> = places
        .iter()
        .flat_map(|index| {
            CLASSES.iter().flat_map(move |(class, manners)| {
                manners.iter().map(move |manner| Try { class: *class, manner: *manner, index: *index })
            })
        })
        .collect();
    let counts = play.all(&tries)?;
    let (mut ours, mut theirs, mut asked) = (0, 0, 0);
    let mut faults = Vec::new();
    for (class, _) in CLASSES {
        let none = Count::default();
        let count = counts.get(class).unwrap_or(&none);
        println!(
            "class {class:>2}: {:>4} tries, located {:>4}; second verifier {:>4} of {}",
            count.tries, count.ours, count.second, count.second_tries
        );
        ours += usize::from(count.tries > 0 && count.ours == count.tries);
        asked += usize::from(count.second_tries > 0);
        theirs += usize::from(count.second_tries > 0 && count.second == count.second_tries);
        faults.extend(count.faults.iter().map(|fault| format!("class {class}, {fault}")));
    }
    let (tries, missed) = play.unsealed()?;
    println!("unsealed: {tries} tries above the last checkpoint, {} not located by the MAC", missed.len());
    faults.extend(missed);
    let (honest, second_honest, alarms) = play.honest(arguments.honest)?;
    faults.extend(alarms);
    let controls = play.controls()?;
    println!(
        "controls: {} checks taken out, each missed what it is for: {}",
        controls.len(),
        controls.join(", ")
    );
    for fault in faults.iter().take(20) {
        println!("FAULT {fault}");
    }
    let wanted = arguments.honest;
    println!("ours:   classes {ours}/{} located, honest {honest}/{wanted} VALID", CLASSES.len());
    if arguments.second.is_some() {
        println!("second: classes {theirs}/{asked} located, honest {second_honest}/{wanted} VALID");
    } else {
        println!("second: not asked");
    }
    println!("tamper: {} tries in {:.0} s", tries_of(&counts) + tries, begun.elapsed().as_secs_f64());
    Ok(faults.is_empty() && ours == CLASSES.len() && honest == wanted)
}

fn tries_of(counts: &BTreeMap<u8, Count>) -> u64 {
    counts.values().map(|count| count.tries).sum()
}

/// How long our verifier takes for many entries.
async fn speed(folder: &Path, entries: u64) -> Result<bool, String> {
    let house = dvt_testkit::tamper::grow::House::new(folder).await?;
    let begun = Instant::now();
    house.bulk(entries / 2).await?;
    house.grow(entries / 2).await?;
    println!("written in {:.1} s", begun.elapsed().as_secs_f64());
    let keys = house.store.verifier_keys(house.tenant()).await.map_err(|error| error.to_string())?;
    let path = folder.join("copy.db");
    house.copy_to(&path)?;
    for _ in 0..3 {
        let file = dvt_store::verify::LedgerFile::open(&path).map_err(|error| error.to_string())?;
        let begun = Instant::now();
        let result =
            dvt_ledger::verify::verify(&file, &keys, None, &|| dvt_model::time::Timestamp::from_ms(0));
        println!(
            "{} entries verified in {:.2} s: {:?}",
            result.entries_checked,
            begun.elapsed().as_secs_f64(),
            result.status
        );
    }
    Ok(true)
}

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let done = arguments().and_then(|arguments| {
        let runtime = runtime.map_err(|error| error.to_string())?;
        runtime.block_on(run(&arguments))
    });
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("tamper: {error}");
            ExitCode::FAILURE
        }
    }
}
