//! The second verifier as a process: one question a line, one answer a line.

use serde_json::Value;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A running `verify_ledger.py --batch`.
pub struct Second {
    child: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Second {
    /// Starts it.
    pub fn start(program: &Path) -> Result<Self, String> {
        let child = Command::new("python3")
            .arg(program)
            .arg("--batch")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut child = child.map_err(|error| format!("the second verifier does not start: {error}"))?;
        let (Some(ask), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("the second verifier has no pipes".to_owned());
        };
        Ok(Self { child, ask, answers: BufReader::new(answers) })
    }

    /// Asks and waits.
    pub fn ask(&mut self, request: &Value) -> Result<Value, String> {
        let mut answer = String::new();
        writeln!(self.ask, "{request}")
            .and_then(|()| self.ask.flush())
            .and_then(|()| self.answers.read_line(&mut answer))
            .map_err(|error| format!("the second verifier: {error}"))?;
        serde_json::from_str(&answer).map_err(|_| "the second verifier ended early".to_owned())
    }
}

impl Drop for Second {
    fn drop(&mut self) {
        // It is ours and asks for nothing: it is only to be gone.
        let _ended = self.child.kill().and_then(|()| self.child.wait());
    }
}
