//! The terminal that transcripts of the live tree are taken in: brought to a bare machine, asked for on a person's.

use crate::process::Outcome;
use std::process::{Command, Stdio};

/// Brings tmux where it is missing. In CI its absence is an error; elsewhere the transcripts are left out, and said so.
pub(crate) fn bring() -> Outcome {
    if runs("tmux", &["-V"])
        || (runs("apt-get", &["install", "--yes", "--quiet", "tmux"]) && runs("tmux", &["-V"]))
    {
        return Ok(());
    }
    let missing = "the transcripts of the live tree need tmux: apt-get install tmux";
    if std::env::var_os("CI").is_some() {
        return Err(missing.to_owned());
    }
    println!("{missing}; left out here");
    Ok(())
}

fn runs(program: &str, words: &[&str]) -> bool {
    let status = Command::new(program).args(words).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}
