//! Metrics, log and traces of a real run: they say what happened, and nothing that a payload said.

use crate::engine::{send, sockets, until};
use crate::home::{Home, Running};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Child;

/// One attempt fails, one ends well; input and output hold what must not be told.
const PLAN: &str = "apiVersion: dvt/v1
name: told
inputs: { word: { type: string } }
steps:
  shaky:
    script: |
      echo \"printed $WORD\"
      test \"$DVT_ATTEMPT\" != 1 || exit 75
      printf '\"%s\"' \"$WORD\" > \"$DVT_OUTPUT\"
    env: { WORD: '${{ inputs.word }}' }
    retry: { max: 1, initial: 10ms, jitter: none, on: [transient] }
  release: { needs: shaky, approval: { role: operator } }
";
const CANARY: &str = "CANARY-OF-ADA";

fn begun(home: &Home, more: &[&str]) -> Running {
    let plan = home.plan("told", PLAN);
    let word = format!("word={CANARY}");
    let words = ["run", &plan, "-i", &word, "--allow-host", "--output", "jsonl"];
    Running::start(home, &[&words[..], more].concat())
}

fn rests(running: &mut Running) {
    while !running.until("\"StepStarted\"").contains("\"release\"") {}
}

fn release(home: &Home) {
    home.dvt(&["runs", "approve", "@latest", "release", "-m", "the figures are right"]).ends(0);
}

fn has(text: &str, line: &str) -> bool {
    text.lines().any(|found| found == line)
}

/// Where a process says that it serves its metrics.
pub(crate) fn address(child: &mut Child) -> String {
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    loop {
        line.clear();
        assert!(errors.read_line(&mut line).unwrap() > 0, "the address was never told");
        let address = line.trim().strip_prefix("metrics: http://");
        if let Some(address) = address.and_then(|rest| rest.strip_suffix("/metrics")) {
            return address.to_owned();
        }
    }
}

pub(crate) fn scrape(address: &str) -> String {
    let mut scraper = TcpStream::connect(address).unwrap();
    scraper.write_all(b"GET /metrics HTTP/1.1\r\nhost: here\r\n\r\n").unwrap();
    let mut answer = String::new();
    scraper.read_to_string(&mut answer).unwrap();
    answer
}

/// The next request of a collector's client: its first line and its body.
fn request(listener: &TcpListener) -> (String, String) {
    let (connection, _) = listener.accept().unwrap();
    let mut read = BufReader::new(&connection);
    let (mut first, mut line, mut length) = (String::new(), String::new(), 0);
    read.read_line(&mut first).unwrap();
    while read.read_line(&mut line).unwrap() > 2 {
        if let Some(text) = line.to_lowercase().strip_prefix("content-length:") {
            length = text.trim().parse().unwrap();
        }
        line.clear();
    }
    let mut body = vec![0; length];
    read.read_exact(&mut body).unwrap();
    (&connection).write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
    (first, String::from_utf8(body).unwrap())
}

/// INVARIANT(INV-02): nothing of a payload stands in metrics, log or traces.
#[test]
fn a_run_is_told_to_a_file_a_log_and_a_collector() {
    let home = Home::new();
    let collector = TcpListener::bind("127.0.0.1:0").unwrap();
    let (metrics, log) = (home.path("dvt.prom"), home.path("dvt.log"));
    let url = format!("http://{}", collector.local_addr().unwrap());
    let (metrics, log) = (metrics.to_str().unwrap(), log.to_str().unwrap());
    let mut running = begun(&home, &["--metrics", metrics, "--log", log, "--traces", &url]);
    rests(&mut running);
    release(&home);
    let (first, body) = request(&collector);
    let told = running.end().ends(0);
    let read = |path: &str| std::fs::read_to_string(path).unwrap();
    let (metrics, log) = (read(metrics), read(log));
    for line in [
        "dvt_runs_started_total 1",
        "dvt_runs_completed_total{status=\"COMPLETED\"} 1",
        "dvt_runs_in_flight 0",
        "dvt_step_logical_attempts_total 3",
        "dvt_step_retries_total{cause=\"failure\"} 1",
        "dvt_step_duration_seconds_count 3",
        "dvt_workers_available 0",
    ] {
        assert!(has(&metrics, line), "{line}:\n{metrics}");
    }
    assert!(metrics.contains("dvt_authz_decisions_total{outcome=\"GRANTED\"} "), "{metrics}");
    assert!(!metrics.contains("dvt_signal_processing_duration_seconds"), "a vote is no signal: {metrics}");
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let events: Vec<&str> = lines.iter().filter_map(|line| line["event"].as_str()).collect();
    for event in ["RunQueued", "RunStarted", "StepFailed", "RunCompleted"] {
        assert_eq!(events.iter().filter(|found| **found == event).count(), 1, "{event}: {log}");
    }
    assert_eq!(first, "POST /v1/traces HTTP/1.1\r\n");
    let trace: Value = serde_json::from_str(&body).unwrap();
    let spans = trace["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap();
    let names: Vec<&str> = spans.iter().map(|span| span["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["run", "shaky", "shaky", "release"], "{trace:#}");
    assert_eq!(spans[1]["status"]["code"], 2, "{trace:#}");
    // Control: the run did say it, where payloads belong.
    assert!(told.out.contains(CANARY) || home.dvt(&["runs", "logs", "@latest"]).ends(0).out.contains(CANARY));
    for text in [&metrics, &log, &body] {
        assert!(!text.contains(CANARY) && !text.contains("the figures"), "{text}");
    }
    let run = lines[0]["run"].as_str().unwrap();
    assert!(run.starts_with("run_") && !metrics.contains(run) && !metrics.contains("shaky"), "{metrics}");
}

#[test]
fn a_scraper_sees_a_run_that_rests() {
    let home = Home::new();
    home.dvt(&["config", "show"]).ends(0);
    let mut running = begun(&home, &["--metrics", "127.0.0.1:0"]);
    rests(&mut running);
    let answer = scrape(&address(&mut running.child));
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(has(&answer, "dvt_runs_in_flight 1") && has(&answer, "dvt_runs_started_total 1"), "{answer}");
    release(&home);
    running.end().ends(0);
}

/// Numbers are those of the process that writes: of another terminal's run the engine's, the other one has its own refusals and reads.
#[test]
fn an_engine_tells_of_the_runs_that_others_start() {
    let home = Home::new();
    home.completed_run(&[]);
    let (engines, others) = (home.path("engine.prom"), home.path("other.prom"));
    let told = home.path("engine.log");
    let flags = ["engine", "--metrics", engines.to_str().unwrap(), "--log", told.to_str().unwrap()];
    let mut engine = home.command(&flags).spawn().unwrap();
    until("the engine listens", || sockets(&home) == 1);
    let plan = home.plan("other", &crate::home::QUICK.replace("quick", "other"));
    home.dvt(&["run", &plan, "--metrics", others.to_str().unwrap()]).ends(0);
    send("-TERM", &engine);
    assert!(engine.wait().unwrap().success());
    let read = |path| std::fs::read_to_string(path).unwrap();
    let (engines, others, told) = (read(engines), read(others), read(told));
    let ended = "dvt_runs_completed_total{status=\"COMPLETED\"} 1";
    assert!(has(&engines, ended) && has(&engines, "dvt_runs_started_total 1"), "{engines}");
    assert!(!has(&others, ended), "control: it is not the engine\n{others}");
    assert!(told.lines().any(|line| line.contains("\"RunCompleted\"")), "{told}");
}

#[test]
fn nothing_is_told_to_other_machines() {
    let home = Home::new();
    let plan = home.plan("quick", crate::home::QUICK);
    for (flag, value) in [
        ("--metrics", "0.0.0.0:9464"),
        ("--metrics", "no/such/folder/dvt.prom"),
        ("--traces", "http://192.0.2.1:4318"),
        ("--traces", "https://127.0.0.1:4318"),
        ("--log", "no/such/folder/dvt.log"),
    ] {
        let told = home.dvt(&["run", &plan, flag, value]).ends(2);
        assert!(
            told.err.contains("error[CONFIG_INVALID]") && told.out.is_empty(),
            "{flag} {value}: {told:#?}"
        );
    }
    assert!(!home.path("home").join("data").exists(), "nothing was begun");
}
