//! Where telemetry may go: a file, or an address of this machine. Anything else is refused, for metrics and traces tell what a
//! tenant does.

use dvt_model::fault::reason;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why nothing is watched.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It would leave the machine.
    #[error("`{0}` is no address of this machine; 127.0.0.1 and [::1] are")]
    NotLoopback(SocketAddr),
    /// Neither a file nor an address.
    #[error("`{0}` is no address; 127.0.0.1:9464 is the form, and a file goes without such an end")]
    NoAddress(String),
    /// No address of a collector.
    #[error("`{0}` is no collector: http://127.0.0.1:4318 is the form")]
    NoCollector(String),
    /// It cannot be opened.
    #[error("`{0}` cannot be opened: {reason}", reason = reason(.1))]
    Unusable(String, std::io::Error),
    /// What lies there is no file of metrics, and is not written over.
    #[error("`{0}` is there and holds no metrics, so it is not written over")]
    Foreign(String),
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
    /// `127.0.0.1:9464` and `localhost:9464` are addresses; what ends like one is no file.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let address = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
        match address.as_deref().unwrap_or(text).parse::<SocketAddr>() {
            Ok(address) if address.ip().is_loopback() => Ok(Self::Loopback(address)),
            Ok(address) => Err(Error::NotLoopback(address)),
            Err(_) if ends_like_an_address(text) => Err(Error::NoAddress(text.to_owned())),
            Err(_) => Ok(Self::File(PathBuf::from(text))),
        }
    }
}

fn ends_like_an_address(text: &str) -> bool {
    let port = text.rsplit_once(':').map(|(_, port)| port);
    port.is_some_and(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()))
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
        assert_eq!(Metrics::parse("localhost:9464").unwrap(), Metrics::parse("127.0.0.1:9464").unwrap());
        for text in ["127.0.0.1:99999", "collector:9464", "localhost:99999"] {
            assert!(matches!(Metrics::parse(text), Err(Error::NoAddress(_))), "{text}");
        }
        assert_eq!(Metrics::parse("dvt.prom").unwrap(), Metrics::File("dvt.prom".into()));
        for text in ["http://127.0.0.1:4318", "http://localhost:4318/v1/traces", "http://[::1]:4318/"] {
            assert!(Collector::parse(text).is_ok(), "{text}");
        }
    }
}
