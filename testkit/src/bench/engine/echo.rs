//! A worker that starts nothing: every dispatch is answered as done at once. What is left is the engine's own cost of a step.
//!
//! It speaks the protocol of the link over standard input and refuses nothing.

use dvt_model::failure::Usage;
use dvt_worker::protocol::{FromWorker, Outcome, Report, ToWorker, VERSION};
use serde_json::Value;
use std::io::{BufReader, Read, Write};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

/// The name under which this program is the echo, whatever its arguments.
pub const NAME: &str = "echo-worker";
/// Steps at once.
const CAPACITY: u32 = 64;

/// Whether this process was started as the echo.
pub fn is_asked() -> bool {
    std::env::args_os().next().is_some_and(|name| name.to_string_lossy().ends_with(NAME))
}

/// Serves until the engine closes its end.
pub fn main() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{NAME}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve() -> Result<(), String> {
    let socket = std::io::stdin().as_fd().try_clone_to_owned().map_err(super::text)?;
    let socket = UnixStream::from(socket);
    let mut read = BufReader::new(socket.try_clone().map_err(super::text)?);
    let mut write = socket;
    while let Some(message) = next(&mut read)? {
        let answer = match message {
            ToWorker::Welcome { version } if version != VERSION => return Err("another version".to_owned()),
            ToWorker::Welcome { .. } => FromWorker::Hello {
                worker_id: NAME.to_owned(),
                tiers: vec!["host".to_owned()],
                capacity: CAPACITY,
            },
            ToWorker::Dispatch(dispatch) => FromWorker::Report(Box::new(Report {
                key: dispatch.key,
                outcome: Outcome::Completed { value: Value::Null },
                usage: Usage::default(),
                duration_ms: 0,
            })),
            ToWorker::Shutdown => return Ok(()),
            ToWorker::Bundle { .. }
            | ToWorker::Forget { .. }
            | ToWorker::Stop { .. }
            | ToWorker::Ack { .. }
            | ToWorker::Kept { .. } => continue,
        };
        say(&mut write, &answer)?;
    }
    Ok(())
}

/// A frame: two lengths, a JSON header, a body that is passed over.
pub(crate) fn next(from: &mut impl Read) -> Result<Option<ToWorker>, String> {
    let mut lengths = [0u8; 8];
    if from.read_exact(&mut lengths).is_err() {
        return Ok(None);
    }
    let [a, b, c, d, e, f, g, h] = lengths;
    let (header, body) = (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]));
    let (mut header, mut body) = (vec![0; header as usize], vec![0; body as usize]);
    from.read_exact(&mut header).and_then(|()| from.read_exact(&mut body)).map_err(super::text)?;
    serde_json::from_slice(&header).map(Some).map_err(super::text)
}

/// The same the other way, without a body.
pub(crate) fn say(to: &mut impl Write, message: &FromWorker) -> Result<(), String> {
    let header = serde_json::to_vec(message).map_err(super::text)?;
    let length = u32::try_from(header.len()).map_err(super::text)?;
    let mut frame = Vec::with_capacity(8 + header.len());
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(&header);
    to.write_all(&frame).map_err(super::text)
}
