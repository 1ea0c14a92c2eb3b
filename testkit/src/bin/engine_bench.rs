//! `engine_bench [--window-ms N] [--rounds N] [--runs N] [--chain N] [--fan N] [--programs N] [--writers N] [--only PART]`: the figures
//! of the engine beside the raw limits of the same run. For whoever looks where time goes: with `--writers` one window of so many
//! concurrent one-step runs and nothing else, with `--only` `runs`, `large` or `programs` alone.
//!
//! Prints target and figure side by side with `met` or `MISSED`; no figure makes it fail. The worker is this program again.

use dvt_testkit::bench::engine::load::{Window, latencies, many, one};
use dvt_testkit::bench::engine::plans::{Work, chain, fan};
use dvt_testkit::bench::engine::{House, echo, memory, programs};
use dvt_testkit::bench::raw::Raw;
use dvt_testkit::bench::{median, quantile, real};
use dvt_testkit::power_cut::watch;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// As the binary does.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Bytes of the raw row: what the block of a one-step run takes, rounded.
const ROW: usize = 2_048;

/// What can be run alone.
const PARTS: [&str; 3] = ["runs", "large", "programs"];

struct Arguments {
    window: Duration,
    rounds: u64,
    runs: u64,
    chain: u64,
    fan: u64,
    programs: u64,
    writers: u64,
    only: Option<String>,
}

impl Arguments {
    fn wants(&self, part: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only == part)
    }
}

fn arguments() -> Result<Arguments, String> {
    let mut arguments = Arguments {
        window: Duration::from_secs(2),
        rounds: 5,
        runs: 300,
        chain: 1_000,
        fan: 1_000,
        programs: 1_000,
        writers: 0,
        only: None,
    };
    let mut given = std::env::args().skip(1);
    while let Some(argument) = given.next() {
        let text = given.next().ok_or(format!("`{argument}` needs a value"))?;
        if argument == "--only" {
            if !PARTS.contains(&text.as_str()) {
                return Err(format!("`{text}` is no part; there are {}", PARTS.join(", ")));
            }
            arguments.only = Some(text);
            continue;
        }
        let number = text.parse::<u64>().map_err(|_| format!("`{text}` is no number"))?.max(1);
        match argument.as_str() {
            "--window-ms" => arguments.window = Duration::from_millis(number),
            "--rounds" => arguments.rounds = number,
            "--runs" => arguments.runs = number,
            "--chain" => arguments.chain = number,
            "--fan" => arguments.fan = number.min(1_000),
            "--programs" => arguments.programs = number.min(10_000),
            "--writers" => arguments.writers = number.min(900),
            other => return Err(format!("`{other}` is not known")),
        }
    }
    Ok(arguments)
}

/// One line: what, figure, and the target with whether it is met.
fn line(what: &str, figure: &str, target: Option<(&str, bool)>) {
    match target {
        Some((target, met)) => {
            println!("{what:<58} {figure:>12}   target {target:<10} {}", if met { "met" } else { "MISSED" })
        }
        None => println!("{what:<58} {figure:>12}"),
    }
}

fn per_run(window: &Window) {
    let runs = real(window.runs.max(1));
    let cpu_ms = real(window.cpu_us) / 1_000.0 / runs;
    line("  CPU ms a run (moonshot 0.2)", &format!("{cpu_ms:.3}"), Some(("< 0.3", cpu_ms < 0.3)));
    line("  log syncs a run", &format!("{:.3}", real(window.log_syncs) / runs), None);
    line("  database syncs a run", &format!("{:.4}", real(window.database_syncs) / runs), None);
    line("  log bytes a run", &format!("{:.0}", real(window.log_bytes) / runs), None);
}

/// Runs of one noop step: alone, and many at once beside raw commits.
async fn runs(arguments: &Arguments, folder: &Path, house: &Arc<House>) -> Result<(), String> {
    let client = Arc::new(house.attach().await?);
    let step = house.ready(&chain(1, Work::Noop))?;
    latencies(house, &client, &step, 20).await?;
    if arguments.writers > 0 {
        let (window, _) = many(house, &client, &step, (arguments.writers, arguments.window)).await?;
        line("completed runs a second", &format!("{:.0}", real(window.runs) / window.seconds), None);
        per_run(&window);
        return close(client).await;
    }
    let alone = latencies(house, &client, &step, arguments.runs).await?;
    line("one-step run alone, ms: p50", &format!("{:.2}", quantile(&alone, 0.5)), None);
    line("one-step run alone, ms: p99", &format!("{:.2}", quantile(&alone, 0.99)), None);
    let mut raw = Raw::create(&folder.join("raw.db"), ROW)?;
    raw.rows_a_second(1, arguments.window / 4)?;
    for concurrent in [64, 512] {
        let (mut limits, mut rates, mut last, mut each) =
            (Vec::new(), Vec::new(), Window::default(), Vec::new());
        for _ in 0..arguments.rounds {
            limits.push(raw.rows_a_second(1, arguments.window)?);
            let (window, latencies) = many(house, &client, &step, (concurrent, arguments.window)).await?;
            last = window;
            each.extend(latencies);
            rates.push(real(last.runs) / last.seconds);
        }
        let ratios: Vec<f64> = rates.iter().zip(&limits).map(|(rate, limit)| rate / limit).collect();
        line("raw durable single-row commits a second", &format!("{:.0}", median(&limits)), None);
        line(
            &format!("completed one-step runs a second, {concurrent} at once"),
            &format!("{:.0}", median(&rates)),
            None,
        );
        let ratio = median(&ratios);
        let target = (concurrent == 64).then_some((">= 0.7", ratio >= 0.7));
        line("  a raw commit (moonshot 1.0)", &format!("{ratio:.2}"), target);
        let (half, most) = (quantile(&each, 0.5), quantile(&each, 0.99));
        line("  ms of each of them: p50, p99", &format!("{half:.1}, {most:.1}"), None);
        per_run(&last);
    }
    line("  peak RSS so far, MiB", &format!("{:.0}", real(memory("VmHWM")) / 1_048_576.0), None);
    close(client).await
}

async fn close(client: Arc<dvt_engine::client::Client>) -> Result<(), String> {
    let client = Arc::into_inner(client).ok_or("somebody still plays")?;
    client.close().await.map_err(|error| error.to_string())
}

/// Large runs through the worker port, whose worker answers at once.
async fn large(arguments: &Arguments, folder: &Path, house: &House) -> Result<(), String> {
    let client = house.attach().await?;
    let mut raw = Raw::create(&folder.join("raw-chain.db"), ROW)?;
    one(house, &client, &house.ready(&chain(3, Work::Program))?).await?;
    let plan = house.ready(&chain(arguments.chain, Work::Program))?;
    let mut ratios = Vec::new();
    let (mut last, mut limit) = (Window::default(), 0.0);
    for _ in 0..arguments.rounds.min(3) {
        limit = raw.rows_a_second(1, arguments.window)?;
        last = one(house, &client, &plan).await?;
        ratios.push(real(arguments.chain) / last.seconds / limit);
    }
    let steps = real(arguments.chain);
    line(
        &format!("steps a second, chain of {} through the worker port", arguments.chain),
        &format!("{:.0}", steps / last.seconds),
        None,
    );
    let ratio = median(&ratios);
    line(
        &format!("  a raw commit ({limit:.0} a second)"),
        &format!("{ratio:.2}"),
        Some((">= 0.5", ratio >= 0.5)),
    );
    line("  CPU µs a step", &format!("{:.0}", real(last.cpu_us) / steps), None);
    line("  log syncs a step", &format!("{:.2}", real(last.log_syncs) / steps), None);
    let narrow = [1, 10, 100].into_iter().filter(|width| *width < arguments.fan);
    let mut each = Vec::new();
    for width in narrow.chain([arguments.fan, arguments.fan * 10]) {
        let plan = house.ready(&fan(width, Work::Program))?;
        // What is over in a moment is measured more often.
        let rounds = (1_000 / width).clamp(3, 50);
        let (mut seconds, mut cpu_us) = (Vec::new(), 0);
        for _ in 0..rounds {
            let window = one(house, &client, &plan).await?;
            seconds.push(window.seconds);
            cpu_us += window.cpu_us;
        }
        let seconds = median(&seconds);
        line(&format!("seconds of 1 → {width} → 1"), &format!("{seconds:.4}"), None);
        let cpu_us = real(cpu_us) / real(rounds * width);
        line("  CPU µs an item", &format!("{cpu_us:.0}"), None);
        each.push((seconds / real(width), cpu_us));
    }
    if let [.., small, large] = each.as_slice() {
        // Time on processors says the same on a machine that has other things to do.
        for (what, grows) in [("", large.0 / small.0), (", on processors", large.1 / small.1)] {
            line(
                &format!("  an item of the widest beside one of a tenth{what}"),
                &format!("{grows:.2}"),
                Some(("<= 1.2", grows <= 1.2)),
            );
        }
    }
    client.close().await.map_err(|error| error.to_string())
}

/// Real programs by the real worker, beside the same programs without any of us.
async fn real_programs(arguments: &Arguments, house: &House) -> Result<(), String> {
    let client = house.attach().await?;
    one(house, &client, &house.ready(&fan(20, Work::Program))?).await?;
    let plan = house.ready(&fan(arguments.programs, Work::Program))?;
    let (mut ratios, mut ours, mut bare) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..arguments.rounds.min(3) {
        let limit = programs::bare(arguments.programs, programs::slots())?;
        let window = one(house, &client, &plan).await?;
        let rate = real(arguments.programs) / window.seconds;
        bare.push(limit);
        ours.push(rate);
        ratios.push(rate / limit);
    }
    line("bare fork+exec of /bin/true a second", &format!("{:.0}", median(&bare)), None);
    line("program steps a second", &format!("{:.0}", median(&ours)), None);
    let ratio = median(&ratios);
    line("  a bare fork+exec", &format!("{ratio:.2}"), Some((">= 0.6", ratio >= 0.6)));
    client.close().await.map_err(|error| error.to_string())
}

async fn run(arguments: &Arguments) -> Result<(), String> {
    watch::register()?;
    let here = std::env::current_dir().map_err(|error| error.to_string())?;
    let folder = tempfile::tempdir_in(here).map_err(|error| error.to_string())?;
    let own = PathBuf::from("/proc/self/exe");
    if arguments.wants("runs") {
        let house = Arc::new(House::new(&folder.path().join("runs"), own.clone()).await?);
        runs(arguments, folder.path(), &house).await?;
    }
    if arguments.writers > 0 {
        return Ok(());
    }
    if arguments.wants("large") {
        // A link to this program: its name says what it is to be.
        let echo = folder.path().join(echo::NAME);
        let this = std::env::current_exe().map_err(|error| error.to_string())?;
        std::os::unix::fs::symlink(this, &echo).map_err(|error| error.to_string())?;
        large(arguments, folder.path(), &House::new(&folder.path().join("large"), echo).await?).await?;
    }
    if arguments.wants("programs") {
        real_programs(arguments, &House::new(&folder.path().join("programs"), own).await?).await?;
    }
    line("peak RSS, MiB", &format!("{:.0}", real(memory("VmHWM")) / 1_048_576.0), None);
    Ok(())
}

fn main() -> ExitCode {
    if echo::is_asked() {
        return echo::main();
    }
    match std::env::args().nth(1).as_deref() {
        Some("__worker") => return dvt_worker::main(),
        Some("__starter") => return dvt_wall::starter::main(),
        _ => {}
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let done = arguments().and_then(|arguments| {
        let runtime = runtime.map_err(|error| error.to_string())?;
        runtime.block_on(run(&arguments))
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("engine_bench: {error}");
            ExitCode::FAILURE
        }
    }
}
