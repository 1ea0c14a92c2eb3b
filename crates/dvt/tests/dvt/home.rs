//! A fresh `DVT_HOME` and a folder for plans; commands run with an environment of their own.

use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

/// The installation of one test.
pub(crate) struct Home {
    folder: tempfile::TempDir,
}

/// The end of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Told {
    pub(crate) fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Checks the exit code and shows everything where it is another.
    #[track_caller]
    pub(crate) fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }
}

impl Home {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dvt"));
        command.args(arguments).env_clear().current_dir(self.folder.path());
        command.env("DVT_HOME", self.path("home")).env("PATH", "/usr/bin:/bin").env("RUST_BACKTRACE", "0");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn dvt(&self, arguments: &[&str]) -> Told {
        Told::of(self.command(arguments).output().unwrap())
    }

    /// A line as somebody types it into a shell.
    pub(crate) fn shell(&self, line: &str, path: &str) -> Told {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", line]).env_clear().current_dir(self.folder.path()).stdin(Stdio::null());
        command.env("DVT_HOME", self.path("home")).env("PATH", path);
        Told::of(command.output().unwrap())
    }

    /// A plan file; gives its name.
    pub(crate) fn plan(&self, name: &str, text: &str) -> String {
        let file = self.path(&format!("{name}.yaml"));
        std::fs::write(&file, text).unwrap();
        format!("{name}.yaml")
    }

    /// How many entries and events the ledger has. Looks are left out: that one looked at a run's status is entered once an hour.
    pub(crate) fn ledger_size(&self) -> i64 {
        let shown = self.dvt(&["config", "show", "--output", "json"]).ends(0).json();
        let ledger = rusqlite::Connection::open(shown["ledgerFile"].as_str().unwrap()).unwrap();
        let sum = "SELECT sum(count) FROM ledger_block WHERE kind <> 'reads'";
        ledger.query_row(sum, [], |row| row.get(0)).unwrap()
    }

    /// Every file below a folder, with what stands in it.
    pub(crate) fn files(&self, folder: &str) -> BTreeMap<PathBuf, Vec<u8>> {
        let (mut found, mut folders) = (BTreeMap::new(), vec![self.path(folder)]);
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    // That a folder is there counts as well.
                    found.insert(path.join(""), Vec::new());
                    folders.push(path);
                } else {
                    let bytes = std::fs::read(&path).unwrap();
                    found.insert(path, bytes);
                }
            }
        }
        found
    }

    /// A run of noop steps that completed; gives its id.
    pub(crate) fn completed_run(&self, more: &[&str]) -> String {
        let plan = self.plan("quick", QUICK);
        let told = self.dvt(&[&["run", &plan, "--output", "json"], more].concat()).ends(0);
        told.json()["runId"].as_str().unwrap().to_owned()
    }
}

/// No programs, so no word is needed.
pub(crate) const QUICK: &str = "apiVersion: dvt/v1\nname: quick\nsteps:\n  one: { uses: dvt/noop@1, with: { output: { rows: 3 } } }\n  two: { needs: one, uses: dvt/noop@1 }\n";

/// A run that goes on until somebody ends it.
pub(crate) const ENDLESS: &str = "apiVersion: dvt/v1\nname: endless\nsteps:\n  long:\n    script: |\n      echo at work\n      exec sleep 600\n  after: { needs: long, uses: dvt/noop@1 }\n";

/// A command that is still running, with its lines.
pub(crate) struct Running {
    pub(crate) child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Running {
    pub(crate) fn start(home: &Home, arguments: &[&str]) -> Self {
        let mut child = home.command(arguments).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// Reads lines until one holds the text; panics at the end of the output.
    #[track_caller]
    pub(crate) fn until(&mut self, text: &str) -> String {
        for line in self.lines.by_ref() {
            let line = line.unwrap();
            if line.contains(text) {
                return line;
            }
        }
        let output = self.child.wait().unwrap();
        let mut err = String::new();
        if let Some(stderr) = self.child.stderr.as_mut() {
            std::io::Read::read_to_string(stderr, &mut err).unwrap();
        }
        panic!("`{text}` was never printed; {output}\n{err}");
    }

    /// Its end.
    pub(crate) fn end(mut self) -> Told {
        let rest: Vec<String> = self.lines.by_ref().map(Result::unwrap).collect();
        let mut err = String::new();
        if let Some(stderr) = self.child.stderr.as_mut() {
            std::io::Read::read_to_string(stderr, &mut err).unwrap();
        }
        let code = self.child.wait().unwrap().code().unwrap_or(-1);
        Told { code, out: rest.join("\n"), err }
    }
}

impl Drop for Running {
    /// A test that fails leaves no process behind: it would hold what the test was started with.
    fn drop(&mut self) {
        if std::thread::panicking() && matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// The root of the repository.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().parent().unwrap()
}
