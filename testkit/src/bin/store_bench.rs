//! `store_bench [--window-ms N] [--rounds N] [--verify N] [--per-block N] [--writers N]`: the figures of the store beside the raw
//! limits. With `--writers` one window of so many writers and `--per-block` entries an append, for whoever looks where time goes.
//!
//! Prints target and figure side by side with `met` or `MISSED`; ends with status 1 only where an answer came before its
//! sync, which no load of the machine excuses.

use dvt_testkit::bench::raw::Raw;
use dvt_testkit::bench::writers::{House, Turn, Window};
use dvt_testkit::bench::{cpu_us, median, order, real, verified};
use dvt_testkit::power_cut::watch;
use std::process::ExitCode;
use std::time::Duration;

/// Entries of a raw batch: as many as a full group of the committer.
const BATCH: u64 = 256;

struct Arguments {
    window: Duration,
    rounds: u64,
    verify: u64,
    per_block: u64,
    writers: u64,
}

fn arguments() -> Result<Arguments, String> {
    let mut arguments =
        Arguments { window: Duration::from_secs(1), rounds: 5, verify: 1_000_000, per_block: 4, writers: 0 };
    let mut given = std::env::args().skip(1);
    while let Some(argument) = given.next() {
        let text = given.next().ok_or(format!("`{argument}` needs a number"))?;
        let number = text.parse::<u64>().map_err(|_| format!("`{text}` is no number"))?;
        match argument.as_str() {
            "--window-ms" => arguments.window = Duration::from_millis(number.max(1)),
            "--rounds" => arguments.rounds = number.max(1),
            "--verify" => arguments.verify = number,
            "--per-block" => arguments.per_block = number.max(1),
            "--writers" => arguments.writers = number.min(64),
            other => return Err(format!("`{other}` is not known")),
        }
    }
    Ok(arguments)
}

/// One line: what, target, figure, verdict.
fn line(what: &str, target: Option<(f64, bool)>, figure: &str) {
    match target {
        Some((target, met)) => {
            println!(
                "{what:<58} {figure:>16}   target {target:>9.2}   {}",
                if met { "met" } else { "MISSED" }
            )
        }
        None => println!("{what:<58} {figure:>16}"),
    }
}

fn per_entry(name: &str, window: &Window) {
    let entries = real(window.entries.max(1));
    line(&format!("  {name}: CPU µs an entry"), None, &format!("{:.1}", real(window.cpu_us) / entries));
    line(&format!("  {name}: log bytes an entry"), None, &format!("{:.0}", real(window.log_bytes) / entries));
    line(
        &format!(
            "  {name}: entries a log sync (syncs {}, of the database {})",
            window.log_syncs, window.database_syncs
        ),
        None,
        &format!("{:.2}", entries / real(window.log_syncs.max(1))),
    );
}

async fn run(arguments: &Arguments) -> Result<bool, String> {
    watch::register()?;
    let folder = tempfile::tempdir_in(std::env::current_dir().map_err(|error| error.to_string())?);
    let folder = folder.map_err(|error| error.to_string())?;
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(folder.path(), mode).map_err(|error| error.to_string())?;
    let house = House::new(&folder.path().join("store"), &folder.path().join("root.key")).await?;
    let mut turns: Vec<Turn> = Vec::new();
    for _ in 0..64 {
        turns.push(house.admit().await?);
    }
    // Warm: pages, keys, statements.
    house.window(&mut turns, 1, arguments.window / 4).await?;
    if arguments.writers > 0 {
        let count = usize::try_from(arguments.writers).unwrap_or(1);
        let turns = turns.get_mut(..count).unwrap_or_default();
        let window = house.window(turns, arguments.per_block, arguments.window).await?;
        line("entries a second", None, &format!("{:.0}", window.rate()));
        per_entry("alone", &window);
        house.store.close().await.map_err(|error| error.to_string())?;
        return Ok(true);
    }
    let row = house.row_bytes()?;
    let mut raw = Raw::create(&folder.path().join("raw.db"), row)?;
    raw.rows_a_second(1, arguments.window / 4)?;

    let (mut singles, mut ones, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let mut last = Window::default();
    for _ in 0..arguments.rounds {
        let limit = raw.rows_a_second(1, arguments.window)?;
        last = house.window(turns.get_mut(..1).unwrap_or_default(), 1, arguments.window).await?;
        singles.push(limit);
        ones.push(last.rate());
        ratios.push(last.rate() / limit);
    }
    line(
        &format!("raw durable commits a second, rows of {row} bytes"),
        None,
        &format!("{:.0}", median(&singles)),
    );
    line("acknowledged 1-entry appends a second, 1 writer", None, &format!("{:.0}", median(&ones)));
    let ratio = median(&ratios);
    line("  per raw durable commit (moonshot 0.90)", Some((0.6, ratio >= 0.6)), &format!("{ratio:.2}"));
    per_entry("1 writer", &last);

    let (mut batched, mut eights, mut full, mut blocks) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut eight, mut all, mut many) = (Window::default(), Window::default(), Window::default());
    for _ in 0..arguments.rounds {
        batched.push(raw.rows_a_second(BATCH, arguments.window)?);
        eight = house.window(turns.get_mut(..8).unwrap_or_default(), 1, arguments.window).await?;
        eights.push(eight.rate());
        all = house.window(&mut turns, 1, arguments.window).await?;
        full.push(all.rate());
        many = house.window(&mut turns, 8, arguments.window).await?;
        blocks.push(many.rate());
    }
    line("entries a second, 8 writers", None, &format!("{:.0}", median(&eights)));
    per_entry("8 writers", &eight);
    let limit = median(&batched);
    line(&format!("raw rows a second, {BATCH} in a transaction"), None, &format!("{limit:.0}"));
    let (rate, target) = (median(&full), (0.15 * limit).min(20_000.0));
    line("entries a second, 64 writers, 1 an append", Some((target, rate >= target)), &format!("{rate:.0}"));
    line("  per raw batched row", None, &format!("{:.3}", rate / limit));
    per_entry("64 writers", &all);
    let rate = median(&blocks);
    line(
        "entries a second, 64 writers, 8 an append (moonshot 20000)",
        Some((target, rate >= target)),
        &format!("{rate:.0}"),
    );
    line("  per raw batched row", None, &format!("{:.3}", rate / limit));
    per_entry("64 writers, 8 an append", &many);

    let (events, answers) = order::watched(&house, turns.get_mut(..16).unwrap_or_default(), 40).await?;
    let seen = order::judge(&events, &answers, |_| true);
    let control = order::judge(&events, &answers, |_| false);
    let is_sound = seen.early == 0 && seen.unmet == 0 && control.early == control.answers;
    line(
        &format!("acks before sync, of {} (control without syncs: {})", seen.answers, control.early),
        Some((0.0, is_sound)),
        &seen.early.to_string(),
    );
    if arguments.verify > 0 {
        verified::fill(&house, arguments.verify, arguments.per_block).await?;
        let before = cpu_us();
        let (entries, seconds) = verified::verify(&house).await?;
        let cpu = real(cpu_us() - before) / real(entries.max(1));
        let target = 5.0 * real(entries) / 1e6;
        line(
            &format!("seconds to verify {entries} entries with public keys"),
            Some((target, seconds <= target)),
            &format!("{seconds:.2}"),
        );
        line("  CPU µs an entry", None, &format!("{cpu:.2}"));
    }
    house.store.close().await.map_err(|error| error.to_string())?;
    Ok(is_sound)
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
            eprintln!("store_bench: {error}");
            ExitCode::FAILURE
        }
    }
}
