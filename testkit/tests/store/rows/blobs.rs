//! Blobs: bundles, large values of payloads, and logs of steps.

use super::{Case, Foreign, Repeat, Row, Stale};
use crate::columns::Column;
use crate::house::{Answer, House, code, operation, probe, staged};
use dvt_model::code::Code;
use dvt_model::digest::Digest;
use dvt_model::id::StepId;
use dvt_store::port::operation::LogChunk;
use dvt_store::port::transaction::Kind;
use serde_json::json;

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row { name: "putBlob, a bundle", make: |house| Box::pin(bundle(house)), not: &[] },
        Row { name: "putBlob, a value", make: |house| Box::pin(value(house)), not: &[] },
        Row {
            name: "appendLog",
            make: |house| Box::pin(log(house)),
            not: &[
                (
                    Column::AnswerLost,
                    "its text is not synced: a crash may lose the tail of a log, never the order (6.7)",
                ),
                (Column::Repeated, "a log is a stream: the same text twice is two pieces"),
                (Column::Twin, "as before; the order of two pieces is that of their calls"),
                (Column::TwiceFirst, "as before"),
                (Column::TwiceMiddle, "as before"),
                (Column::TwiceLast, "as before"),
            ],
        },
    ]
}

async fn bundle(_: &House) -> Case {
    let bytes = vec![7u8; 200_000];
    let digest = Digest::of(&bytes);
    let keep = move |wrong: bool| {
        let bytes = bytes.clone();
        operation(move |store, scope| {
            let bytes = bytes.clone();
            async move {
                let tx = store.begin(&scope, Kind::Act).map_err(code)?;
                let named = if wrong { Digest::of(b"another") } else { digest };
                tx.put_bundle(named, &bytes).await.map_err(code)?;
                Ok(Answer::Value("kept".to_owned()))
            }
        })
    };
    Case {
        go: keep(false),
        foreign: Foreign::ItsOwn,
        stale: Stale::Free,
        repeat: Repeat::SameAnswer,
        effect: probe(move |store, scope| async move {
            let tx = store.begin(&scope, Kind::Act).unwrap();
            format!("{:?}", tx.get_bundle(digest).await.unwrap().map(|bytes| bytes.len()))
        }),
        changes: true,
        entries: 0,
        wrong: vec![("the digest of its bytes", keep(true), Code::ContractViolation)],
    }
}

async fn value(house: &House) -> Case {
    let run = house.run().await;
    let large = |length: usize| {
        let draft = house.drafts.append(run, 2, json!({ "out": "x".repeat(length), "small": 1 }));
        staged(Kind::Engine, draft, |tx, draft| tx.append_run(draft))
    };
    Case {
        go: large(300_000),
        foreign: Foreign::Refused,
        stale: Stale::Fenced,
        repeat: Repeat::SamePlace,
        effect: probe(move |store, scope| async move {
            let tx = store.begin(&scope, Kind::Act).unwrap();
            let events = tx.fetch_events(run, 1, 9).await.unwrap();
            let lengths = events.iter().map(|event| {
                event.payload.as_ref().and_then(|payload| payload["out"].as_str()).map(str::len)
            });
            format!("{:?}", lengths.collect::<Vec<_>>())
        }),
        changes: true,
        entries: 1,
        wrong: vec![("8 MiB at most", large(9 * 1024 * 1024), Code::ContractViolation)],
    }
}

async fn log(house: &House) -> Case {
    let run = house.run().await;
    let step = StepId::parse("a").unwrap();
    let at = (house.clock)();
    let write = |kind: Kind| {
        let step = step.clone();
        operation(move |store, scope| {
            let step = step.clone();
            async move {
                let tx = store.begin(&scope, kind).map_err(code)?;
                let chunk = LogChunk { stream: "stdout".to_owned(), at, text: "hello\n".to_owned() };
                tx.append_log(run, &step, 1, chunk).await.map_err(code)?;
                Ok(Answer::Value("written".to_owned()))
            }
        })
    };
    let read = step.clone();
    Case {
        go: write(Kind::Engine),
        foreign: Foreign::Refused,
        stale: Stale::Free,
        repeat: Repeat::Harmless,
        effect: probe(move |store, scope| {
            let step = read.clone();
            async move {
                let tx = store.begin(&scope, Kind::Act).unwrap();
                format!("{:?}", tx.read_log(run, &step, 1).await.unwrap())
            }
        }),
        changes: true,
        entries: 0,
        wrong: vec![("the engine alone", write(Kind::Act), Code::ContractViolation)],
    }
}
