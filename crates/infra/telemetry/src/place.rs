//! Where telemetry may go: a file, or an address of this machine. Anything else is refused, for metrics and traces tell what a
//! tenant does.

use std::net::SocketAddr;
use std::path::PathBuf;

/// Why nothing is watched.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It would leave the machine.
    #[error("`{0}` is no address of this machine; 127.0.0.1 and [::1] are")]
    NotLoopback(SocketAddr),
    /// No address of a collector.
    #[error("`{0}` is no collector: http://127.0.0.1:4318 is the form")]
    NoCollector(String),
    /// It cannot be opened.
    #[error("`{0}` cannot be opened: {1}")]
    Unusable(String, std::io::Error),
}

/// Where metrics are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Metrics {
    /// In a file that is replaced as a whole.
    File(PathBuf),
    /// At `/metrics` of this address.
    Loopback(SocketAddr),
}

impl Metrics {
    /// `127.0.0.1:9464` is an address, anything else a file.
    pub fn parse(text: &str) -> Result<Self, Error> {
        match text.parse::<SocketAddr>() {
            Ok(address) if address.ip().is_loopback() => Ok(Self::Loopback(address)),
            Ok(address) => Err(Error::NotLoopback(address)),
            Err(_) => Ok(Self::File(PathBuf::from(text))),
        }
    }
}

/// A collector of traces on this machine, by OTLP over HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Collector(pub(crate) SocketAddr);

impl Collector {
    /// `http://127.0.0.1:4318`. What goes farther is the collector's to encrypt.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let none = || Error::NoCollector(text.to_owned());
        let rest = text.strip_prefix("http://").ok_or_else(none)?;
        let host = rest.strip_suffix("/v1/traces").unwrap_or(rest).trim_end_matches('/');
        let address: SocketAddr = host.replace("localhost", "127.0.0.1").parse().map_err(|_| none())?;
        if address.ip().is_loopback() { Ok(Self(address)) } else { Err(Error::NotLoopback(address)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_the_machine() {
        for text in ["0.0.0.0:9464", "192.0.2.1:9464", "[2001:db8::1]:9464"] {
            assert!(matches!(Metrics::parse(text), Err(Error::NotLoopback(_))), "{text}");
            assert!(Collector::parse(&format!("http://{text}")).is_err(), "{text}");
        }
        for text in
            ["https://127.0.0.1:4318", "http://collector.test:4318", "127.0.0.1:4318", "http://127.0.0.1"]
        {
            assert!(matches!(Collector::parse(text), Err(Error::NoCollector(_))), "{text}");
        }
        assert!(matches!(Metrics::parse("[::1]:9464"), Ok(Metrics::Loopback(_))));
        assert_eq!(Metrics::parse("dvt.prom").unwrap(), Metrics::File("dvt.prom".into()));
        for text in ["http://127.0.0.1:4318", "http://localhost:4318/v1/traces", "http://[::1]:4318/"] {
            assert!(Collector::parse(text).is_ok(), "{text}");
        }
    }
}
