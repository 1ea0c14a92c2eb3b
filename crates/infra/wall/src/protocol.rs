//! What worker and starter say to each other: frames of a 32-bit big-endian length and JSON, over one socketpair.
//!
//! A `Spawn` carries its three descriptors (standard input, output, error) on its first byte. Neither side trusts a length:
//! a frame above [`MAX_FRAME_BYTES`] ends the link. A message stands under its name, not beside it: then it is read as it comes,
//! and not gathered first until its name is found.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The longest frame: arguments and environment together are below what `execve` takes.
pub const MAX_FRAME_BYTES: usize = 8 << 20;

/// The environment entry by which a process that left its group is known as its step's. Unique per attempt.
pub const MARK: &str = "DVT_TOKEN";

/// The variable that names the lock file to the starter.
pub const LOCK_VARIABLE: &str = "DVT_STARTER_LOCK";

/// Worker to starter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum ToStarter {
    /// Start a program; its three descriptors come with it.
    Spawn(Spawn),
    /// Signal everything that belongs to a step.
    Signal {
        /// Which.
        key: u64,
        /// How.
        signal: StepSignal,
    },
}

/// A program to start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Spawn {
    /// The worker's number for it, never used twice.
    pub key: u64,
    /// A name that is looked up in `PATH` of `environment`, or a path.
    pub program: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Its whole environment: nothing is inherited.
    pub environment: Vec<(String, String)>,
    /// Its working directory.
    pub directory: String,
}

/// How a step is signalled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StepSignal {
    /// SIGTERM to its group: it may end in order.
    Terminate,
    /// SIGKILL to its group and to whatever left it.
    Kill,
}

/// Starter to worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum FromStarter {
    /// The lock is held: no step of another starter is alive.
    Ready,
    /// The program runs.
    Started {
        /// Which.
        key: u64,
        /// Its process, and its process group.
        pid: u32,
        /// How long ago it was begun: this is told with other news, or a little later.
        since_us: u64,
    },
    /// The program did not start.
    Refused {
        /// Which.
        key: u64,
        /// Why.
        reason: Refusal,
    },
    /// The program ended and nothing of it is left.
    Exited {
        /// Which.
        key: u64,
        /// How.
        end: End,
        /// What it used.
        used: Used,
    },
}

/// The kernel's account of a program and of what it waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Used {
    /// User and system time.
    pub cpu_ms: u64,
    /// The largest resident set of one of them.
    pub peak_memory_bytes: u64,
    /// Read from storage.
    pub read_bytes: u64,
    /// Written to storage.
    pub written_bytes: u64,
}

/// Why a program did not start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "camelCase", deny_unknown_fields)]
pub enum Refusal {
    /// No such program.
    #[error("the program `{program}` was not found")]
    NotFound {
        /// What was asked for.
        program: String,
    },
    /// It may not be executed.
    #[error("the program `{program}` may not be executed")]
    NotExecutable {
        /// What was asked for.
        program: String,
    },
    /// Arguments and environment are larger than the kernel takes.
    #[error("arguments and environment of `{program}` are larger than this system takes")]
    TooLong {
        /// What was asked for.
        program: String,
    },
    /// A text holds a zero byte.
    #[error("an argument or variable of `{program}` holds a zero byte")]
    ZeroByte {
        /// What was asked for.
        program: String,
    },
    /// The system has no room: memory, processes or descriptors. Another attempt may help.
    #[error("this system had no room to start `{program}` (error {errno})")]
    NoRoom {
        /// What was asked for.
        program: String,
        /// The kernel's number.
        errno: i32,
    },
    /// Another answer of the kernel.
    #[error("the program `{program}` could not be started (error {errno})")]
    System {
        /// What was asked for.
        program: String,
        /// The kernel's number.
        errno: i32,
    },
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum End {
    /// By itself.
    Status(i32),
    /// By a signal.
    Signal(i32),
}

/// A frame that is none.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Longer than allowed.
    #[error("a frame of {0} bytes is longer than {MAX_FRAME_BYTES}")]
    TooLong(usize),
    /// Not the JSON expected.
    #[error("a frame cannot be read")]
    Json(#[from] serde_json::Error),
}

/// The bytes of a frame.
pub fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, Error> {
    let mut frame = vec![0; 4];
    serde_json::to_writer(&mut frame, message)?;
    let length = frame.len() - 4;
    if length > MAX_FRAME_BYTES {
        return Err(Error::TooLong(length));
    }
    let prefix = u32::try_from(length).map_err(|_| Error::TooLong(length))?.to_be_bytes();
    for (to, from) in frame.iter_mut().zip(prefix) {
        *to = from;
    }
    Ok(frame)
}

/// Takes the first whole frame out of `buffer`; `None` where there is none yet.
pub fn decode<T: DeserializeOwned>(buffer: &mut Vec<u8>) -> Result<Option<T>, Error> {
    let Some(prefix) = buffer.first_chunk::<4>() else { return Ok(None) };
    let length = u32::from_be_bytes(*prefix) as usize;
    if length > MAX_FRAME_BYTES {
        return Err(Error::TooLong(length));
    }
    let Some(body) = buffer.get(4..4 + length) else { return Ok(None) };
    let message = serde_json::from_slice(body)?;
    buffer.drain(..4 + length);
    Ok(Some(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_back_one_by_one_however_they_are_cut() {
        let messages = [
            FromStarter::Ready,
            FromStarter::Refused { key: 7, reason: Refusal::NotFound { program: "x".into() } },
            FromStarter::Exited {
                key: 8,
                end: End::Signal(9),
                used: Used { cpu_ms: 1, peak_memory_bytes: 2, read_bytes: 3, written_bytes: 4 },
            },
        ];
        let bytes: Vec<u8> = messages.iter().flat_map(|message| encode(message).unwrap()).collect();
        let (mut buffer, mut read) = (Vec::new(), Vec::new());
        for byte in bytes {
            buffer.push(byte);
            read.extend(decode::<FromStarter>(&mut buffer).unwrap());
        }
        assert_eq!(read, messages);
        assert!(buffer.is_empty());
    }

    #[test]
    fn a_length_above_the_limit_is_refused_before_its_body_comes() {
        let mut buffer = u32::MAX.to_be_bytes().to_vec();
        assert!(matches!(decode::<FromStarter>(&mut buffer), Err(Error::TooLong(_))));
    }
}
