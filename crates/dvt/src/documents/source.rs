//! The text of a plan, from a file or from standard input; not more of it than a plan may have.

use crate::files::reason;
use crate::problem::Problem;
use dvt_model::code::Code;
use dvt_plan::diagnostic::Source;
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;

/// The largest document that is read.
const MOST_BYTES: u64 = 8 * 1024 * 1024;

/// Reads a plan's text.
pub(crate) fn read(file: &Path) -> Result<Source, Problem> {
    let name = file.display().to_string();
    let cannot = |error: &std::io::Error| {
        let reason = match error.kind() {
            std::io::ErrorKind::NotFound => "there is no such file",
            std::io::ErrorKind::PermissionDenied => "you may not read it",
            std::io::ErrorKind::IsADirectory => "it is a folder; name the plan in it",
            std::io::ErrorKind::InvalidData => "it is no UTF-8 text",
            _ => "it cannot be read",
        };
        Problem::usage(format!("`{name}`: {reason}"))
    };
    let mut bytes = Vec::new();
    // What a device or a pipe says of its size is no bound.
    let read = File::open(file).and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes));
    read.map_err(|error| cannot(&error))?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(Problem::new(Code::PayloadTooLarge, format!("`{name}` is larger than 8 MiB")));
    }
    let text = String::from_utf8(bytes).map_err(|_| cannot(&ErrorKind::InvalidData.into()))?;
    Ok(Source { name, text })
}

/// Reads a plan from standard input.
pub(crate) fn read_standard_input() -> Result<Source, Problem> {
    let name = "standard input".to_owned();
    let mut text = String::new();
    let read = std::io::stdin().lock().take(MOST_BYTES + 1).read_to_string(&mut text);
    match read {
        Ok(size) if u64::try_from(size).is_ok_and(|size| size <= MOST_BYTES) => Ok(Source { name, text }),
        Ok(_) => {
            Err(Problem::new(Code::PayloadTooLarge, format!("what comes in on {name} is larger than 8 MiB")))
        }
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            Err(Problem::usage(format!("{name} holds no UTF-8 text")))
        }
        Err(error) => Err(Problem::usage(format!("{name} cannot be read: {}", reason(&error)))),
    }
}
