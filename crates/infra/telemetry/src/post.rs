//! Brings traces to a collector of this machine: `POST /v1/traces`, one connection a trace, by a thread of its own.
//!
//! What the collector does not take is lost: traces are a look at what happened, the ledger is what happened.

use crate::lock;
use crate::otlp::Trace;
use crate::place::{Collector, Error};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(2);
/// Traces that may wait.
const WAITING: usize = 256;
/// After so many in a row that were not taken the rest of those that wait is given up, so that no process waits long to end.
const MOST_MISSES: u32 = 3;

/// The way to the collector.
pub(crate) struct Post {
    sender: Mutex<Option<SyncSender<Trace>>>,
    sending: Mutex<Option<JoinHandle<()>>>,
}

impl Post {
    pub(crate) fn begin(collector: Collector) -> Result<Self, Error> {
        let (sender, traces) = sync_channel(WAITING);
        let Collector(address) = collector;
        let sending =
            std::thread::Builder::new().name("dvt-traces".to_owned()).spawn(move || serve(address, &traces));
        let sending = sending.map_err(|error| Error::Unusable(address.to_string(), error))?;
        Ok(Self { sender: Mutex::new(Some(sender)), sending: Mutex::new(Some(sending)) })
    }

    /// Takes it along, or drops it where too many wait.
    pub(crate) fn send(&self, trace: Trace) {
        if let Some(sender) = lock(&self.sender).as_ref() {
            drop(sender.try_send(trace));
        }
    }

    /// What waits is brought, or given up.
    pub(crate) fn finish(&self) {
        drop(lock(&self.sender).take());
        if let Some(sending) = lock(&self.sending).take() {
            // If it panicked there is nothing to bring.
            drop(sending.join());
        }
    }
}

fn serve(address: SocketAddr, traces: &Receiver<Trace>) {
    let mut misses = 0;
    while let Ok(trace) = traces.recv() {
        let is_taken = bring(address, &trace).unwrap_or(false);
        misses = if is_taken { 0 } else { misses + 1 };
        if misses >= MOST_MISSES {
            while traces.try_recv().is_ok() {}
            misses = 0;
        }
    }
}

/// Whether it was taken.
fn bring(address: SocketAddr, trace: &Trace) -> std::io::Result<bool> {
    let body = trace.body().to_string();
    let mut connection = TcpStream::connect_timeout(&address, PATIENCE)?;
    connection.set_read_timeout(Some(PATIENCE))?;
    connection.set_write_timeout(Some(PATIENCE))?;
    let length = body.len();
    write!(
        connection,
        "POST /v1/traces HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n{body}"
    )?;
    // `HTTP/1.1 2`
    let mut answer = [0; 10];
    connection.read_exact(&mut answer)?;
    Ok(answer.starts_with(b"HTTP/1.") && answer.ends_with(b" 2"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::course::Course;
    use crate::metrics::Metrics;
    use crate::seen::made::event;
    use dvt_model::run::EventName;
    use serde_json::Value;
    use std::io::{BufRead as _, BufReader};
    use std::net::TcpListener;

    fn failed() -> Trace {
        let (metrics, mut course) = (Metrics::default(), Course::new(true));
        let mut bad = event([9; 16], EventName::StepFailed, Some("load"), 3);
        bad.code = Some("STEP_ERROR".to_owned());
        for seen in [
            event([9; 16], EventName::RunQueued, None, 1),
            event([9; 16], EventName::StepStarted, Some("load"), 2),
            bad,
        ] {
            assert!(course.apply(&seen, &metrics).is_none());
        }
        course.apply(&event([9; 16], EventName::RunFailed, None, 5), &metrics).unwrap()
    }

    #[test]
    fn a_collector_gets_a_span_for_the_run_and_one_for_each_attempt() {
        let collector = TcpListener::bind("127.0.0.1:0").unwrap();
        let post = Post::begin(Collector(collector.local_addr().unwrap())).unwrap();
        post.send(failed());
        let (connection, _) = collector.accept().unwrap();
        let mut read = BufReader::new(&connection);
        let (mut length, mut line) = (0, String::new());
        while read.read_line(&mut line).unwrap() > 2 {
            if let Some(text) = line.to_lowercase().strip_prefix("content-length:") {
                length = text.trim().parse().unwrap();
            }
            line.clear();
        }
        let mut body = vec![0; length];
        read.read_exact(&mut body).unwrap();
        (&connection).write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        post.finish();
        let body: Value = serde_json::from_slice(&body).unwrap();
        let spans = body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap();
        let [run, step] = spans.as_slice() else { panic!("{body}") };
        assert_eq!(run["traceId"].as_str().unwrap().len(), 32);
        assert_eq!((run["spanId"].as_str().unwrap().len(), &run["parentSpanId"]), (16, &"".into()));
        assert_eq!((&step["traceId"], &step["parentSpanId"]), (&run["traceId"], &run["spanId"]));
        assert_eq!((&step["name"], &step["startTimeUnixNano"]), (&"load".into(), &"2000000".into()));
        assert_eq!(step["status"], serde_json::json!({"code": 2, "message": "STEP_ERROR"}));
    }

    #[test]
    fn a_collector_that_is_not_there_holds_nobody_up() {
        let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let post = Post::begin(Collector(nobody)).unwrap();
        (0..WAITING * 2).for_each(|_| post.send(failed()));
        post.finish();
    }
}
