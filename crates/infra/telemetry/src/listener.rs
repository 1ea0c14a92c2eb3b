//! `GET /metrics` on a loopback port, for a scraper of this machine. One thread, one connection at a time, nothing else is answered.

use crate::metrics::Metrics;
use crate::place::Error;
use std::io::{BufRead as _, BufReader, ErrorKind, Read, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Whoever takes longer for the whole of a request, or for taking a piece of the answer, is hung up on.
const PATIENCE: Duration = Duration::from_secs(2);
/// The longest head of a request.
const MOST_HEAD: u64 = 8 * 1024;

/// Binds and serves until the process ends; gives the address, which has a port also where 0 was asked for.
pub(crate) fn begin(address: SocketAddr, metrics: Arc<Metrics>) -> Result<SocketAddr, Error> {
    let unusable = |error| Error::Unusable(address.to_string(), error);
    let listener = TcpListener::bind(address).map_err(unusable)?;
    let bound = listener.local_addr().map_err(unusable)?;
    let served = std::thread::Builder::new().name("dvt-metrics".to_owned()).spawn(move || {
        for connection in listener.incoming().flatten() {
            // A scraper that went away is asked by nobody.
            let _gone = answer(connection, &metrics);
        }
    });
    served.map(|_| bound).map_err(unusable)
}

/// A connection that is read until a moment, however much comes of it and however slowly.
struct Until<'c> {
    connection: &'c TcpStream,
    end: Instant,
}

impl Read for Until<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let left = self.end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        self.connection.set_read_timeout(Some(left))?;
        let mut connection = self.connection;
        connection.read(into)
    }
}

fn answer(connection: TcpStream, metrics: &Metrics) -> std::io::Result<()> {
    connection.set_write_timeout(Some(PATIENCE))?;
    let reading = Until { connection: &connection, end: Instant::now() + PATIENCE };
    let mut head = BufReader::new(reading.take(MOST_HEAD));
    let mut first = String::new();
    head.read_line(&mut first)?;
    let mut line = String::new();
    // To the empty line, so that the peer has no unread bytes for which it would see a reset.
    while head.read_line(&mut line)? > 2 {
        line.clear();
    }
    let mut words = first.split(' ');
    let (status, body) = match (words.next(), words.next()) {
        (Some("GET"), Some("/metrics")) => ("200 OK", metrics.text()),
        (Some("GET"), _) => ("404 Not Found", "metrics are at /metrics\n".to_owned()),
        _ => ("405 Method Not Allowed", String::new()),
    };
    let length = body.len();
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    write!(
        &connection,
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(address: SocketAddr, request: &str) -> String {
        let mut connection = TcpStream::connect(address).unwrap();
        connection.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn metrics_and_nothing_else() {
        let metrics = Arc::new(Metrics::default());
        metrics.add("dvt_runs_started_total", None);
        let address = begin("127.0.0.1:0".parse().unwrap(), metrics).unwrap();
        let answer = ask(address, "GET /metrics HTTP/1.1\r\nhost: here\r\n\r\n");
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("dvt_ledger_checkpoint_lag_seconds 0\n# HELP dvt_runs_started_total runs that were queued\n# TYPE dvt_runs_started_total counter\ndvt_runs_started_total 1\n"), "{answer}");
        assert!(ask(address, "GET / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404 "));
        assert!(ask(address, "POST /metrics HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405 "));
        // A head without end is hung up on, and the next one is served.
        let mut endless = TcpStream::connect(address).unwrap();
        let _full = endless.write_all("GET /metrics HTTP/1.1\r\nx: ".as_bytes());
        drop(endless);
        assert!(ask(address, "GET /metrics HTTP/1.0\r\n\r\n").contains("dvt_runs_started_total 1"));
    }

    /// Whoever sends a letter now and then is hung up on as a whole, and holds up nobody for longer.
    #[test]
    fn who_drips_is_hung_up_on() {
        let address = begin("127.0.0.1:0".parse().unwrap(), Arc::new(Metrics::default())).unwrap();
        // Before it can be accepted, so that its patience does not begin earlier.
        let begun = Instant::now();
        let mut dripping = TcpStream::connect(address).unwrap();
        let drips = std::thread::spawn(move || {
            let (_open, told) = std::sync::mpsc::channel::<()>();
            // Each letter comes well within the patience; all of them together are far beyond it.
            (0..200).any(|_| told.recv_timeout(PATIENCE / 20).is_err() && dripping.write_all(b"x").is_err())
        });
        let mut waiting = TcpStream::connect(address).unwrap();
        waiting.set_read_timeout(Some(PATIENCE * 5)).unwrap();
        waiting.write_all(b"GET /metrics HTTP/1.1\r\n\r\n").unwrap();
        let mut answer = String::new();
        waiting.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(begun.elapsed() >= PATIENCE, "control: the one who dripped came first");
        assert!(drips.join().unwrap(), "it was hung up on");
    }
}
