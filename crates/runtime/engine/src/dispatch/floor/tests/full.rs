//! A tenant whose logs are kept slowly, or not at all for a while: its pipe is full, and nobody waits for it but the tenant.

use super::super::super::pipe::ROOM;
use super::super::super::tests::run;
use super::*;
use dvt_store::port::operation::Protection;
use std::task::{Context, Waker};
use tokio::sync::mpsc::UnboundedReceiver;

/// The floor does this without waiting for anybody.
fn at_once<T>(work: impl Future<Output = T>) -> T {
    let polled = pin!(work).poll(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(done) = polled else { panic!("it waits") };
    done
}

fn key(run: RunId) -> Key {
    key_of(run, &StepId::parse("step").unwrap(), LogicalAttemptId::FIRST, EngineAttemptId::FIRST)
}

fn log_of(run: RunId) -> FromWorker {
    let (stream, body) = (protocol::Stream::Stdout, b"a line\n".to_vec());
    FromWorker::Log { key: key(run), stream, seq: 1, masked: 0, body }
}

fn report_of(run: RunId) -> FromWorker {
    let outcome = protocol::Outcome::Completed { value: serde_json::Value::Null };
    let report = protocol::Report { key: key(run), outcome, usage: Usage::default(), duration_ms: 1 };
    FromWorker::Report(Box::new(report))
}

/// A step of this run is with the worker.
fn fly(floor: &mut Floor, run: RunId, hot: &crate::run::Hot) {
    let flight = Flight {
        logical: LogicalAttemptId::FIRST,
        engine: EngineAttemptId::FIRST,
        hot: hot.clone(),
        protection: Protection::default(),
        abandoned: false,
        has_grace: false,
        is_last: false,
        logs: 0,
        kept: None,
    };
    floor.slots.flights.insert((run, StepId::parse("step").unwrap()), flight);
}

#[derive(Debug, PartialEq, Eq)]
enum Heard {
    Slots,
    Report,
}

fn heard(inbox: &mut UnboundedReceiver<Message>) -> Option<Heard> {
    inbox.try_recv().ok().map(|message| match message {
        Message::Slots(_) => Heard::Slots,
        Message::Report(..) => Heard::Report,
        _ => panic!("told of something else"),
    })
}

#[tokio::test]
async fn a_full_pipe_holds_up_its_tenant_alone() {
    let folder = tempfile::tempdir().unwrap();
    let desk = Arc::new(Desk::new());
    let (pipe, outlet) = pipe();
    let mut floor = Floor::new(parts(folder.path()), pipe, Arc::downgrade(&desk));
    floor.start(folder.path());
    let ((loud, loud_hot, mut loud_inbox), (other, other_hot, mut other_inbox)) = (run(1), run(2));
    fly(&mut floor, loud, &loud_hot);
    fly(&mut floor, other, &other_hot);
    // Nobody keeps what it logs.
    for _ in 0..ROOM {
        at_once(floor.hear(log_of(loud)));
    }
    at_once(floor.hear(report_of(loud)));
    floor.slots.want(loud, loud_hot.clone());
    at_once(floor.settle());
    assert_eq!(heard(&mut loud_inbox), None, "neither its report nor slots");
    // Another tenant's step ends, and its next ones begin. It does not even stand behind the other one.
    at_once(floor.hear(report_of(other)));
    let Ok(Message::Report(_, Some(granted))) = other_inbox.try_recv() else { panic!("with its slot") };
    drop(granted);
    floor.slots.want(other, other_hot.clone());
    at_once(floor.settle());
    assert_eq!(heard(&mut other_inbox), Some(Heard::Slots));
    assert_eq!(heard(&mut loud_inbox), None);
    // It is kept at last. Whoever keeps it has the floor do the rest.
    let store = floor.parts.store.clone();
    *desk.floor.lock().await = Some(floor);
    let serving = tokio::spawn(outlet.serve(store, Arc::downgrade(&desk)));
    let mut told = Vec::new();
    while told.len() < 2 {
        told.push(loud_inbox.recv().await.map(|message| matches!(message, Message::Slots(_))));
    }
    told.sort_unstable();
    assert_eq!(told, [Some(false), Some(true)], "its report, and slots again");
    drop(desk.floor.lock().await.take());
    serving.await.unwrap();
}
