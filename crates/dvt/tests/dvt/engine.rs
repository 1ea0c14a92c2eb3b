//! An engine without a terminal: several processes at one data folder, and what is left when one of them is gone.

use crate::home::{Home, Running, Told};
use std::io::{BufRead as _, Read as _};
use std::path::Path;
use std::process::{Child, Command};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Each start writes a line; it ends when its file is there.
const WAITS: &str = "apiVersion: dvt/v1\nname: waits\ninputs: { witness: { type: string }, go: { type: string } }\nsteps:\n  work:\n    script: |\n      echo begin >> \"$WITNESS\"\n      echo begun\n      while [ ! -e \"$GO\" ]; do sleep 0.02; done\n      echo end >> \"$WITNESS\"\n    env: { WITNESS: '${{ inputs.witness }}', GO: '${{ inputs.go }}' }\n";

const GATE: &str = "apiVersion: dvt/v1\nname: gate\nsteps:\n  release: { approval: { role: operator } }\n  parcel: { needs: release, signal: parcel }\n  long: { needs: parcel, wait: 10m }\n";

/// Waits for something of the outside world; there is nobody who would tell.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    // Nothing is ever sent: a tick between two looks.
    let (_keep, tick) = mpsc::channel::<()>();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(60), "never: {what}");
        tick.recv_timeout(Duration::from_millis(20)).unwrap_err();
    }
}

fn lines(path: &Path) -> Vec<String> {
    std::fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
}

pub(crate) fn sockets(home: &Home) -> usize {
    let entries = std::fs::read_dir(home.path("home/data")).map(|entries| entries.flatten().collect());
    let entries: Vec<std::fs::DirEntry> = entries.unwrap_or_default();
    entries.iter().filter(|entry| entry.file_name().to_string_lossy().ends_with(".sock")).count()
}

pub(crate) fn send(signal: &str, child: &Child) {
    let done = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(done.success());
}

/// `dvt engine`, once it can be reached.
fn engine(home: &Home) -> Child {
    let child = home.command(&["engine"]).spawn().unwrap();
    until("the engine listens", || sockets(home) == 1);
    child
}

fn inputs(home: &Home) -> [String; 2] {
    [format!("witness={}", home.path("witness").display()), format!("go={}", home.path("go").display())]
}

fn run<'a>(plan: &'a str, inputs: &'a [String; 2], more: &[&'a str]) -> Vec<&'a str> {
    [&["run", plan, "--allow-host", "-i", &inputs[0], "-i", &inputs[1]], more].concat()
}

fn status(home: &Home) -> String {
    let got = home.dvt(&["runs", "get", "@latest", "--output", "json"]).ends(0).json();
    got["status"].as_str().unwrap().to_owned()
}

fn ends(home: &Home, state: &str) {
    until(state, || status(home) == state);
}

/// The run belongs to the engine, not to the terminal; the engine ends in order when it is told to.
#[test]
fn a_run_outlives_its_terminal_where_an_engine_stays() {
    let home = Home::new();
    let plan = home.plan("waits", WAITS);
    // The first start makes the installation.
    home.completed_run(&[]);
    let mut resident = engine(&home);
    let inputs = inputs(&home);
    let mut terminal = home.command(&run(&plan, &inputs, &[])).spawn().unwrap();
    until("it begins", || lines(&home.path("witness")).len() == 1);
    terminal.kill().unwrap();
    terminal.wait().unwrap();
    std::fs::write(home.path("go"), "").unwrap();
    ends(&home, "COMPLETED");
    assert_eq!(lines(&home.path("witness")), ["begin", "end"]);
    send("-TERM", &resident);
    assert!(resident.wait().unwrap().success());
    assert_eq!(sockets(&home), 0);
    home.dvt(&["audit", "verify"]).ends(0);
}

/// What nobody was asked to go on with rests, though an engine lives, and is shown so.
#[test]
fn a_run_that_the_living_engine_does_not_have_is_recovering() {
    let home = Home::new();
    let (waits, gate) = (home.plan("waits", WAITS), home.plan("gate", GATE));
    let inputs = inputs(&home);
    let mut terminal = home.command(&run(&waits, &inputs, &[])).spawn().unwrap();
    until("it begins", || lines(&home.path("witness")).len() == 1);
    terminal.kill().unwrap();
    terminal.wait().unwrap();
    let mut other = home.command(&["run", &gate]).spawn().unwrap();
    let shown = |plan: &str| {
        let listed = home.dvt(&["runs", "list", "--output", "json"]).ends(0).json();
        let run = listed["runs"].as_array().unwrap().iter().find(|run| run["planName"] == plan).cloned();
        run.map(|run| {
            (run["status"].as_str().unwrap().to_owned(), run["substatus"].as_str() == Some("RECOVERING"))
        })
    };
    until("the other one runs", || shown("gate") == Some(("RUNNING".to_owned(), false)));
    assert_eq!(shown("waits"), Some(("RUNNING".to_owned(), true)));
    let got = home.dvt(&["runs", "get", "waits"]).ends(0);
    assert!(got.out.contains("RECOVERING") && got.out.contains("dvt runs resume run_"), "{got:#?}");
    assert!(home.dvt(&["runs", "why", "waits"]).ends(0).out.contains("no engine works on it"));
    // Control: the living engine goes on with it when it is asked to.
    let mut resuming = home.command(&["runs", "resume", "waits", "--allow-host"]).spawn().unwrap();
    until("it begins again", || lines(&home.path("witness")).len() == 2);
    until("it is shown so", || shown("waits") == Some(("RUNNING".to_owned(), false)));
    std::fs::write(home.path("go"), "").unwrap();
    assert!(resuming.wait().unwrap().success());
    send("-INT", &other);
    other.wait().unwrap();
    assert!(!home.path("home/data/resting.json").exists(), "it goes with its engine");
}

/// What an engine left behind goes on by `dvt engine`, and by nothing that happens to run beside it.
#[test]
fn an_engine_goes_on_with_what_was_left_behind() {
    let home = Home::new();
    let plan = home.plan("waits", WAITS);
    let inputs = inputs(&home);
    let mut terminal = home.command(&run(&plan, &inputs, &[])).spawn().unwrap();
    until("it begins", || lines(&home.path("witness")).len() == 1);
    terminal.kill().unwrap();
    terminal.wait().unwrap();
    // Control: another run goes by, and this one rests.
    home.completed_run(&[]);
    assert_eq!(lines(&home.path("witness")), ["begin"]);
    let mut resident = engine(&home);
    until("it begins again", || lines(&home.path("witness")).len() == 2);
    std::fs::write(home.path("go"), "").unwrap();
    until("it ends", || lines(&home.path("witness")).len() == 3);
    until("it has ended", || {
        let listed = home.dvt(&["runs", "list", "--output", "json"]).ends(0).json();
        listed["runs"].as_array().unwrap().iter().all(|run| run["status"] == "COMPLETED")
    });
    send("-INT", &resident);
    assert!(resident.wait().unwrap().success());
    let mut said = String::new();
    resident.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(said.contains("\ngoing on with run_"), "{said}");
}

/// Detached: the command comes back, the run is approved, signalled and cancelled from other processes, and the engine that stayed
/// for it ends by itself.
#[test]
fn a_detached_run_is_approved_signalled_and_cancelled_from_elsewhere() {
    let home = Home::new();
    let plan = home.plan("gate", GATE);
    let started = home.dvt(&["run", &plan, "--detach", "--output", "json"]).ends(0).json();
    assert_eq!(started["detached"], true);
    let accepted = |told: Told| assert_eq!(told.ends(0).json()["accepted"], true);
    until("the approval", || home.dvt(&["runs", "approve", "@latest", "release", "-m", "good"]).code == 0);
    accepted(home.dvt(&["runs", "signal", "@latest", "parcel", "-p", "{}", "--output", "json"]));
    until("the wait", || {
        let events = home.dvt(&["runs", "events", "@latest", "--output", "jsonl"]).ends(0).out;
        events.lines().any(|line| line.contains("StepStarted") && line.contains("\"long\""))
    });
    assert_eq!(status(&home), "RUNNING");
    accepted(home.dvt(&["runs", "cancel", "@latest", "-m", "enough", "--output", "json"]));
    ends(&home, "CANCELLED");
    until("the engine that stayed ends", || sockets(&home) == 0);
    home.dvt(&["audit", "verify"]).ends(0);
}

/// Detached beside a run at a terminal, whose process is the engine: when that ends, the detached one goes on elsewhere.
#[test]
fn a_detached_run_goes_on_when_the_terminal_that_was_the_engine_closes() {
    let home = Home::new();
    let endless = home.plan("endless", crate::home::ENDLESS);
    let mut terminal = Running::start(&home, &["run", &endless, "--allow-host", "--output", "jsonl"]);
    terminal.until("\"StepStarted\"");
    let plan = home.plan("waits", WAITS);
    let inputs = inputs(&home);
    home.dvt(&run(&plan, &inputs, &["--detach"])).ends(0);
    until("it begins", || lines(&home.path("witness")).len() == 1);
    terminal.child.kill().unwrap();
    until("it begins again elsewhere", || lines(&home.path("witness")).len() == 2);
    std::fs::write(home.path("go"), "").unwrap();
    ends(&home, "COMPLETED");
    assert_eq!(lines(&home.path("witness")), ["begin", "begin", "end"]);
    // The other one was not detached: it rests.
    let listed = home.dvt(&["runs", "list", "--output", "json"]).ends(0).json();
    let open = listed["runs"].as_array().unwrap().iter().filter(|run| run["status"] == "RUNNING").count();
    assert_eq!(open, 1);
    until("the engine that stayed ends", || sockets(&home) == 0);
}

/// Whoever follows a run is not left behind where another engine stands by.
#[test]
fn followers_go_on_with_the_engine_that_takes_over() {
    let home = Home::new();
    let plan = home.plan("waits", WAITS);
    let inputs = inputs(&home);
    let mut terminal = Running::start(&home, &run(&plan, &inputs, &["--output", "jsonl"]));
    terminal.until("\"StepStarted\"");
    until("it begins", || lines(&home.path("witness")).len() == 1);
    let mut resident = home.command(&["engine"]).spawn().unwrap();
    let mut events = Running::start(&home, &["runs", "events", "@latest", "-f", "--output", "jsonl"]);
    events.until("\"StepStarted\"");
    let mut log = Running::start(&home, &["runs", "logs", "@latest", "-f"]);
    log.until("begun");
    let wait = home.command(&["runs", "get", "@latest", "--wait", "50s"]).spawn().unwrap();
    terminal.child.kill().unwrap();
    until("it begins again elsewhere", || lines(&home.path("witness")).len() == 2);
    std::fs::write(home.path("go"), "").unwrap();
    events.until("\"RunCompleted\"");
    events.end().ends(0);
    log.end().ends(0);
    Told::of(wait.wait_with_output().unwrap()).ends(0);
    let mut said = std::io::BufReader::new(resident.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(said.next().unwrap().contains("standing by"));
    assert!(said.next().unwrap().contains("this process is the engine of"));
    send("-TERM", &resident);
    assert!(resident.wait().unwrap().success());
    home.dvt(&["audit", "verify"]).ends(0);
}

/// The wall clock is set under a living engine: within its next look the doctor tells of it, and so do ledger and metrics. Control: the
/// doctor before that.
#[cfg(feature = "crash-points")]
#[test]
fn a_clock_that_is_set_under_an_engine_is_told() {
    let home = Home::new();
    home.completed_run(&[]);
    let set = home.path("set");
    std::fs::write(&set, "0").unwrap();
    let mut command = home.command(&["engine", "--metrics", "dvt.prom"]);
    let mut resident = command.env("DVT_TEST_CLOCK_SET", &set).spawn().unwrap();
    until("the engine listens", || sockets(&home) == 1);
    // So that it has a ledger to tell of it.
    home.completed_run(&[]);
    let engine =
        || home.dvt(&["doctor"]).ends(0).out.lines().find(|line| line.contains("engine ")).map(str::to_owned);
    assert!(!engine().unwrap().contains("degraded"), "control");
    std::fs::write(&set, "3600000").unwrap();
    until("the engine has looked", || home.path("home/data/degraded.json").exists());
    let told = engine().unwrap();
    assert!(told.contains("degraded mode: CLOCK_STEPPED since "), "{told}");
    // A page ends at the reader's present: his clock is the one that was set.
    let incident = || {
        let mut command = home.command(&["audit", "show", "--type", "INCIDENT"]);
        Told::of(command.env("DVT_TEST_CLOCK_SET", &set).output().unwrap()).ends(0).out
    };
    until("the ledger tells", || incident().contains("CLOCK_STEPPED"));
    send("-TERM", &resident);
    assert!(resident.wait().unwrap().success());
    let metrics = std::fs::read_to_string(home.path("dvt.prom")).unwrap();
    assert!(metrics.contains("dvt_degraded_modes{mode=\"CLOCK_STEPPED\"} 1\n"), "{metrics}");
    assert!(!home.path("home/data/degraded.json").exists(), "it goes with its engine");
    home.dvt(&["audit", "verify"]).ends(0);
}
