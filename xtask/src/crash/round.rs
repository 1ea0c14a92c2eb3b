//! One round: start a run, kill the engine, look at the ledger, resume, judge.

use super::person::Person;
use super::plans::{ALONE, Act, BELOW, End, Plan, WITNESS};
use super::witness::{self, Acknowledged};
use crate::process;
use serde_json::Value;
use std::fmt;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Where to kill.
pub(super) enum Kill {
    /// The engine kills itself when it reaches this site.
    AtSite(String),
    /// From outside, so long after that many events were printed.
    AfterEvents { events: u64, spin_ms: u64 },
}

impl fmt::Display for Kill {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtSite(site) => write!(formatter, "at `{site}`"),
            Self::AfterEvents { events, spin_ms } => write!(formatter, "{spin_ms} ms after event {events}"),
        }
    }
}

/// What a round showed.
pub(super) struct Shown {
    pub(super) killed: bool,
    pub(super) dispatched_again: u64,
    pub(super) recovery_ms: u64,
}

/// A fresh home with a plan of the harness.
pub(super) struct Round {
    dvt: PathBuf,
    plan: &'static Plan,
    folder: tempfile::TempDir,
    /// Runs, and bytes of the witness, of before.
    before: (usize, usize),
}

/// How long anything may take before it counts as stuck.
pub(super) const STUCK: Duration = Duration::from_secs(60);
impl Round {
    pub(super) fn new(dvt: &Path, plan: &'static Plan) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text);
        write("plan.yaml", plan.text)
            .and_then(|()| write("below.yaml", BELOW))
            .and_then(|()| write("alone.yaml", ALONE))
            .and_then(|()| write("witness.sh", WITNESS))
            .and_then(|()| write("witness", ""))
            .map_err(|error| error.to_string())?;
        let mut round = Self { dvt: dvt.to_owned(), plan, folder, before: (0, 0) };
        if !plan.taken_over.is_empty() {
            round.fail_once()?;
        }
        Ok(round)
    }

    /// The run that fails, in whose place the one of this round goes; then what made it fail is mended.
    fn fail_once(&mut self) -> Result<(), String> {
        let code = self.first().status().map_err(|error| format!("`dvt run`: {error}"))?.code();
        if code != Some(End::Failed.exit_code()) {
            return Err(format!("the first run was to fail and ended with {code:?}"));
        }
        std::fs::write(self.path("witness.mended"), "").map_err(|error| error.to_string())?;
        self.before = (1, self.whole_witness()?.len());
        Ok(())
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn dvt(&self, arguments: &[&str]) -> Command {
        command(&self.dvt, &self.path("home"), arguments)
    }

    /// The second terminal, with what is left to be done there.
    fn person(&self, acts: &'static [Act]) -> Person {
        let (dvt, home) = (self.dvt.clone(), self.path("home"));
        Person::begins(acts, move |arguments| command(&dvt, &home, arguments))
    }

    pub(super) fn plan(&self) -> &'static Plan {
        self.plan
    }

    /// What is killed. Asked again it gives the same run, where it is in the place of another one.
    pub(super) fn start(&self) -> Command {
        if self.plan.taken_over.is_empty() {
            return self.first();
        }
        let words = ["runs", "retry", "@latest", "--allow-host", "--output", "jsonl", "-m", "it is mended"];
        self.dvt(&[&words[..], &["--signal-id", "mended"]].concat())
    }

    fn first(&self) -> Command {
        let witness = format!("witness={}", self.path("witness").display());
        let plan = self.path("plan.yaml").display().to_string();
        let mut command = self.dvt(&["run", &plan, "--allow-host", "--output", "jsonl", "-i", &witness]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn whole_witness(&self) -> Result<String, String> {
        std::fs::read_to_string(self.path("witness")).map_err(|error| error.to_string())
    }

    /// Of the run of this round.
    pub(super) fn witness(&self) -> Result<String, String> {
        let whole = self.whole_witness()?;
        whole.get(self.before.1..).map(str::to_owned).ok_or("the witness has become shorter".to_owned())
    }

    pub(super) fn json(&self, arguments: &[&str]) -> Result<Value, String> {
        let text = process::output(self.dvt(arguments).args(["--output", "json"]))?;
        serde_json::from_str(&text).map_err(|error| format!("`dvt {}`: {error}", arguments.join(" ")))
    }

    pub(super) fn play(&self, kill: &Kill) -> Result<Shown, String> {
        let (killed, acts) = self.start_and_kill(kill)?;
        let before = self.witness()?;
        let known = self.is_known()?;
        let acknowledged = if known { self.acknowledged()? } else { Acknowledged::new() };
        // If we were killed before RunQueued was durable, nothing was acknowledged and the run is started anew.
        let begun = Instant::now();
        let mut again = if known {
            self.dvt(&["runs", "resume", "@latest", "--allow-host", "--output", "jsonl"])
        } else {
            self.start()
        };
        let errors = std::fs::File::create(self.path("errors")).map_err(|error| error.to_string())?;
        let mut child =
            again.stdout(Stdio::null()).stderr(errors).spawn().map_err(|error| format!("resume: {error}"))?;
        let person = self.person(if known { acts } else { self.plan.acts });
        let code = wait(&mut child)?;
        person.ends()?;
        let code = code.ok_or_else(|| format!("stuck: the resumed run did not end: {}", self.run()))?;
        let finished_before = known && code == 6;
        if code != self.plan.end.exit_code() && !finished_before {
            let errors = std::fs::read_to_string(self.path("errors")).unwrap_or_default();
            return Err(format!("the resumed run ended with {code}\n{errors}"));
        }
        let recovery_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let run = self.json(&["runs", "get", "@latest"])?;
        if run.get("status").and_then(Value::as_str) != Some(self.plan.end.status()) {
            return Err(format!("stuck: the run is {run}"));
        }
        // From here on nothing of the old life may still write.
        let after = self.witness()?;
        let judged = witness::judge(&before, &after, &acknowledged, self.plan.work);
        let dispatched_again = judged.map_err(|fault| format!("{fault}\n{after}{}", self.events()))?;
        witness::judge_taken_over(&after, self.plan.taken_over)?;
        self.is_verified()?;
        Ok(Shown { killed, dispatched_again, recovery_ms })
    }

    /// The ledger verifies.
    pub(super) fn is_verified(&self) -> Result<(), String> {
        let verified = self.json(&["audit", "verify"])?;
        match verified.get("status").and_then(Value::as_str) {
            Some("VALID") => Ok(()),
            _ => Err(format!("the ledger does not verify: {verified}")),
        }
    }

    /// Whether the store knows of the run.
    fn is_known(&self) -> Result<bool, String> {
        let listed = self.json(&["runs", "list"])?;
        Ok(listed.get("runs").and_then(Value::as_array).is_some_and(|runs| runs.len() > self.before.0))
    }

    /// The run, for a message.
    fn run(&self) -> String {
        self.json(&["runs", "get", "@latest"]).map_or_else(|error| error, |run| run.to_string())
    }

    /// What happened to the run, for a message.
    fn events(&self) -> String {
        process::output(&mut self.dvt(&["runs", "events", "@latest"])).unwrap_or_else(|error| error)
    }

    /// The control of the harness: an engine that lost what it had acknowledged must be noticed. The run is killed, its home
    /// is kept, the run is resumed to its end, and then resumed once more on the home as it was before.
    pub(super) fn play_with_a_store_put_back(&self) -> Result<String, String> {
        self.start_and_kill(&Kill::AfterEvents { events: 6, spin_ms: 0 })?;
        let copy = |from: &str, to: &str| {
            process::run(Command::new("cp").arg("--archive").arg(self.path(from)).arg(self.path(to)))
        };
        copy("home", "older")?;
        process::output(&mut self.dvt(&["runs", "resume", "@latest", "--allow-host", "--output", "json"]))?;
        let (before, acknowledged) = (self.witness()?, self.acknowledged()?);
        std::fs::rename(self.path("home"), self.path("newer")).map_err(|error| error.to_string())?;
        copy("older", "home")?;
        process::output(&mut self.dvt(&["runs", "resume", "@latest", "--allow-host", "--output", "json"]))?;
        match witness::judge(&before, &self.witness()?, &acknowledged, self.plan.work) {
            Err(fault) if fault.starts_with("doubled") => Ok(fault),
            other => Err(format!("a store that was put back was not noticed: {other:?}")),
        }
    }

    /// Of each step the newest attempt that the ledger calls done, in the run and in those below it.
    pub(super) fn acknowledged(&self) -> Result<Acknowledged, String> {
        let listed = self.json(&["runs", "list"])?;
        let runs = listed.get("runs").and_then(Value::as_array).ok_or("`dvt runs list` shows no runs")?;
        let mut all = Acknowledged::new();
        // Newest first: those of before are no part of this round.
        for run in runs.iter().take(runs.len().saturating_sub(self.before.0)) {
            let id = run.get("runId").and_then(Value::as_str).ok_or("a run has no id")?;
            // A step that one run left out may be done in another one.
            for (step, attempt) in self.acknowledged_of(id)? {
                let newest = all.entry(step).or_default();
                *newest = attempt.max(*newest);
            }
        }
        Ok(all)
    }

    fn acknowledged_of(&self, run: &str) -> Result<Acknowledged, String> {
        let run = self.json(&["runs", "get", run])?;
        let steps = run.get("steps").and_then(Value::as_array).ok_or("`dvt runs get` shows no steps")?;
        let done = steps.iter().filter_map(|step| {
            let id = step.get("stepId").and_then(Value::as_str)?;
            let attempt = step.get("logicalAttemptId").and_then(Value::as_u64)?;
            let is_done = matches!(step.get("status").and_then(Value::as_str)?, "SUCCESS" | "FAILED");
            Some((id.to_owned(), if is_done { attempt } else { attempt.saturating_sub(1) }))
        });
        Ok(done.collect())
    }

    /// Whether it was killed, and the acts that were not accepted before.
    fn start_and_kill(&self, kill: &Kill) -> Result<(bool, &'static [Act]), String> {
        let mut command = self.start();
        if let Kill::AtSite(site) = kill {
            command.env("DVT_CRASH_AT", site);
        }
        let spawned = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut child = spawned.map_err(|error| format!("`dvt run`: {error}"))?;
        let output = child.stdout.take().ok_or("`dvt run` has no output")?;
        let person = self.person(self.plan.acts);
        let (sender, receiver) = mpsc::channel();
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(output).lines() {
                if line.is_err() || sender.send(()).is_err() {
                    break;
                }
            }
        });
        if let Kill::AfterEvents { events, spin_ms } = kill {
            for _ in 0..*events {
                if receiver.recv_timeout(STUCK).is_err() {
                    break;
                }
            }
            // The random point: from here to the kill the run goes on; more events may pass.
            let until = Instant::now() + Duration::from_millis(*spin_ms);
            while let Some(left) = until.checked_duration_since(Instant::now()) {
                if receiver
                    .recv_timeout(left)
                    .is_err_and(|error| error == mpsc::RecvTimeoutError::Disconnected)
                {
                    break;
                }
            }
            child.kill().map_err(|error| format!("kill: {error}"))?;
        }
        let code = wait(&mut child)?;
        let left = person.ends()?;
        drop(receiver);
        reader.join().map_err(|_| "the reader of the run's output ended badly".to_owned())?;
        Ok((code.is_none_or(|code| code == -1), left))
    }
}

/// `dvt` with a home of its own.
fn command(dvt: &Path, home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(dvt);
    command.env("DVT_HOME", home).args(arguments).stdin(Stdio::null());
    command
}

/// Waits for the end: its exit code, -1 when a signal ended it, `None` (and the child killed) when it is stuck.
pub(super) fn wait(child: &mut Child) -> Result<Option<i32>, String> {
    let begun = Instant::now();
    let (_keep, tick) = mpsc::channel::<()>();
    loop {
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            return Ok(Some(status.code().unwrap_or(-1)));
        }
        if begun.elapsed() > STUCK {
            child.kill().map_err(|error| error.to_string())?;
            child.wait().map_err(|error| error.to_string())?;
            return Ok(None);
        }
        // A tick between two looks; nothing is ever sent.
        if tick.recv_timeout(Duration::from_millis(5)).is_ok() {
            return Err("a tick that nobody sent".to_owned());
        }
    }
}
