//! Back-pressure of the committer: whoever finds no room waits, and that he does is counted.

use crate::support::*;
use dvt_telemetry::{MetricsPlace, Wanted};
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

fn waited(address: SocketAddr) -> Option<String> {
    let mut scraper = TcpStream::connect(address).unwrap();
    scraper.write_all(b"GET /metrics HTTP/1.1\r\nhost: here\r\n\r\n").unwrap();
    let mut answer = String::new();
    scraper.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("dvt_ledger_entries_total"), "{answer}");
    let series = "dvt_backpressure_total{strategy=\"QUEUE\"} ";
    answer.lines().find_map(|line| line.strip_prefix(series)).map(str::to_owned)
}

/// Two thirds of the room a piece: one is alone with it, of two at once one waits.
fn large() -> Value {
    let field = "x".repeat(7 << 20);
    json!({ "one": field, "two": field, "three": field })
}

#[tokio::test]
async fn a_write_without_room_waits_and_is_counted() {
    let metrics = Some(MetricsPlace::parse("127.0.0.1:0").unwrap());
    let address = dvt_telemetry::begin(Wanted { metrics, log: None, traces: None }).unwrap().unwrap();
    let house = House::new().await;
    let (one, other) = (run(), run());
    house.admit(&one).await;
    house.admit(&other).await;
    house.append(house.advance(&one, 1, large())).await.unwrap();
    assert_eq!(waited(address), None, "control");
    let both = tokio::join!(
        house.append(house.advance(&one, 2, large())),
        house.append(house.advance(&other, 1, large()))
    );
    both.0.unwrap();
    both.1.unwrap();
    assert_eq!(waited(address).as_deref(), Some("1"));
}
