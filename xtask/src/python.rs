//! Packages of Python that proofs by programs of others need: brought to a bare machine, asked for on a person's.

use std::process::{Command, Stdio};

/// Whether a package is there, perhaps now. In CI its absence is an error; elsewhere what needs it is left out, and said so.
pub(crate) fn has(who: &str, package: &str, import: &str) -> Result<bool, String> {
    let is_there = || quiet(&["python3", "-c", &format!("import {import}")]);
    if is_there() {
        return Ok(true);
    }
    let debian = format!("python3-{package}");
    // A bare machine: whichever of the two works.
    for words in [
        &["apt-get", "install", "--yes", "--quiet", "python3", &debian] as &[&str],
        &["python3", "-m", "pip", "install", "--quiet", package],
    ] {
        if quiet(words) && is_there() {
            return Ok(true);
        }
    }
    let missing = format!("{who} needs Python with `{package}`: apt-get install {debian}");
    if std::env::var_os("CI").is_some() {
        return Err(missing);
    }
    println!("{missing}; left out here");
    Ok(false)
}

fn quiet(words: &[&str]) -> bool {
    let Some((program, rest)) = words.split_first() else { return false };
    let status = Command::new(program).args(rest).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}
