//! From the bytes that a step left to its output: one JSON value of at most 1 MiB, in canonical form, without secrets.

use crate::protocol::OutputMode;
use dvt_model::canonical;
use dvt_model::code::Code;
use dvt_scrub::Scrubber;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use serde_json::Value;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The largest output, as it came and in canonical form (contract 11.2).
pub(crate) const MAX_BYTES: usize = 1 << 20;

/// Bytes that are no output.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    /// More than [`MAX_BYTES`].
    #[error("the output is larger than 1 MiB; hand on a pointer to the data instead")]
    TooLarge,
    /// Not UTF-8.
    #[error("the output is not UTF-8 text")]
    NotText,
    /// Not a value.
    #[error("the output is no JSON value: {0}")]
    NotJson(canonical::Error),
    /// `output: json` and nothing came.
    #[error("standard output is empty, but the step says `output: json`")]
    Nothing,
    /// `$DVT_OUTPUT` is a link, folder, pipe or device.
    #[error("`$DVT_OUTPUT` is not a regular file")]
    NotAFile,
    /// A secret stands in it.
    #[error("the output holds what looks like a secret (rule `{0}`)")]
    Secret(&'static str),
}

impl Error {
    /// The code of the failure.
    pub(crate) fn code(&self) -> Code {
        match self {
            Self::TooLarge | Self::NotText | Self::NotJson(_) | Self::Nothing | Self::NotAFile => {
                Code::OutputLimit
            }
            Self::Secret(_) => Code::SecretInOutput,
        }
    }
}

/// The value of `bytes`: what stands in `$DVT_OUTPUT`, or standard output.
// INVARIANT(INV-02): searched before anything else is done with it, and before any part of it stands in a message.
pub(crate) fn value(mode: OutputMode, bytes: &[u8]) -> Result<Value, Error> {
    if bytes.len() > MAX_BYTES {
        return Err(Error::TooLarge);
    }
    refuse_secrets(bytes)?;
    let text = std::str::from_utf8(bytes).map_err(|_| Error::NotText)?;
    let value = match mode {
        OutputMode::File if text.trim_ascii().is_empty() => Value::Null,
        OutputMode::Json if text.trim_ascii().is_empty() => return Err(Error::Nothing),
        OutputMode::File | OutputMode::Json => canonical::parse(bytes).map_err(Error::NotJson)?,
        OutputMode::Text => Value::String(text.trim_end_matches(['\r', '\n']).to_owned()),
        OutputMode::Lines => text.lines().map(|line| Value::String(line.to_owned())).collect(),
    };
    let written = canonical::to_bytes(&value).map_err(Error::NotJson)?;
    // The canonical form undoes escapes, and a secret that was written with them shows.
    refuse_secrets(&written)?;
    if written.len() > MAX_BYTES { Err(Error::TooLarge) } else { Ok(value) }
}

fn refuse_secrets(bytes: &[u8]) -> Result<(), Error> {
    Scrubber::rules().find_bytes(bytes).first().map_or(Ok(()), |finding| Err(Error::Secret(finding.rule)))
}

/// Reads `$DVT_OUTPUT`, at most one byte more than allowed; nothing where it was not written. The step may have put anything
/// there: links are not followed, and a pipe does not hold us up.
pub(crate) fn read_file(path: &Path) -> io::Result<Result<Vec<u8>, Error>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(Ok(Vec::new())),
        Err(Errno::LOOP | Errno::NXIO) => return Ok(Err(Error::NotAFile)),
        Err(error) => return Err(error.into()),
    };
    if !file.metadata()?.is_file() {
        return Ok(Err(Error::NotAFile));
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(Ok(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_mode_takes_what_it_says() {
        assert_eq!(value(OutputMode::File, b"{\"a\":1.0}\n"), Ok(json!({"a": 1})));
        assert_eq!(value(OutputMode::File, b" \n"), Ok(Value::Null));
        assert_eq!(value(OutputMode::Json, b"[1, 2]"), Ok(json!([1, 2])));
        assert_eq!(value(OutputMode::Json, b""), Err(Error::Nothing));
        assert_eq!(value(OutputMode::Text, b"a\n b\n\n"), Ok(json!("a\n b")));
        assert_eq!(value(OutputMode::Text, b""), Ok(json!("")));
        assert_eq!(value(OutputMode::Lines, b"a\r\n\nb"), Ok(json!(["a", "", "b"])));
        assert_eq!(value(OutputMode::Lines, b""), Ok(json!([])));
        assert_eq!(value(OutputMode::Text, b"\xff"), Err(Error::NotText));
    }

    #[test]
    fn what_is_no_value_says_why() {
        let error = value(OutputMode::File, b"9007199254740993").unwrap_err();
        assert!(error.to_string().contains("send it as a string"), "{error}");
        for wrong in [&b"{"[..], b"{\"a\":1,\"a\":2}", b"1 2", b"nan"] {
            assert_eq!(value(OutputMode::Json, wrong).unwrap_err().code(), Code::OutputLimit);
        }
    }

    #[test]
    fn the_limit_holds_as_it_came_and_in_canonical_form() {
        let text = |length| format!("\"{}\"", "x".repeat(length));
        assert!(value(OutputMode::File, text(MAX_BYTES - 2).as_bytes()).is_ok());
        assert_eq!(value(OutputMode::File, text(MAX_BYTES - 1).as_bytes()), Err(Error::TooLarge));
        assert_eq!(value(OutputMode::Text, "\u{1}".repeat(MAX_BYTES / 2).as_bytes()), Err(Error::TooLarge));
    }

    // INVARIANT(INV-02)
    #[test]
    fn a_secret_is_refused_also_behind_escapes() {
        let secret = concat!("ghp", "_", "16C7e42F292c6912E7710c838347Ae178B4a");
        let plain = format!("{{\"token\":\"{secret}\"}}");
        let escaped = plain.replace("ghp", "\\u0067hp");
        for text in [plain, escaped] {
            assert_eq!(
                value(OutputMode::File, text.as_bytes()).unwrap_err().code(),
                Code::SecretInOutput,
                "{text}"
            );
        }
        // Control: the same shape without the secret passes.
        assert!(value(OutputMode::File, b"{\"token\":\"none\"}").is_ok());
    }
}
