//! Reads: each finds what is there under its own scope, and nothing under another.

use super::{Case, Foreign, OF_READS, Repeat, Row, Stale};
use crate::house::{Answer, Do, House, code, operation, probe, staged};
use dvt_model::code::Code;
use dvt_model::digest::Digest;
use dvt_model::id::{PlanId, RunId, StepId};
use dvt_model::run::RunMetadata;
use dvt_store::port::operation::{Group, LogChunk, PlanFilter, PutSetting, Queueing};
use dvt_store::port::transaction::Kind;
use dvt_testkit::drafts::{block, random};
use serde_json::json;

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row { name: "getRunMetadata", make: |house| Box::pin(make(house, Read::Run)), not: OF_READS },
        Row { name: "listRuns", make: |house| Box::pin(make(house, Read::List)), not: OF_READS },
        Row { name: "runs by prefix", make: |house| Box::pin(make(house, Read::Prefix)), not: OF_READS },
        Row { name: "fetchEvents", make: |house| Box::pin(make(house, Read::Events)), not: OF_READS },
        Row { name: "getSnapshot", make: |house| Box::pin(make(house, Read::Snapshot)), not: OF_READS },
        Row { name: "getBlob", make: |house| Box::pin(make(house, Read::Bundle)), not: OF_READS },
        Row { name: "readLog", make: |house| Box::pin(make(house, Read::Log)), not: OF_READS },
        Row { name: "plan", make: |house| Box::pin(make(house, Read::Plan)), not: OF_READS },
        Row { name: "plan versions", make: |house| Box::pin(make(house, Read::Versions)), not: OF_READS },
        Row { name: "setting", make: |house| Box::pin(make(house, Read::Setting)), not: OF_READS },
        Row { name: "waiting runs", make: |house| Box::pin(make(house, Read::Waiting)), not: OF_READS },
        Row {
            name: "runs before it in its group",
            make: |house| Box::pin(make(house, Read::Before)),
            not: OF_READS,
        },
    ]
}

#[derive(Clone, Copy)]
enum Read {
    Run,
    List,
    Prefix,
    Events,
    Snapshot,
    Bundle,
    Log,
    Plan,
    Versions,
    Setting,
    Waiting,
    Before,
}

const BUNDLE: &[u8] = b"packed files";

/// A run with everything that can be read of one.
async fn furnish(house: &House) -> RunId {
    let mut ids = [RunId::from_random(random()), RunId::from_random(random())];
    ids.sort();
    let [first, run] = ids;
    // Another one of its group goes before it.
    let mut before = house.drafts.bootstrap(first);
    let mut draft = house.drafts.bootstrap(run);
    before.metadata = RunMetadata { run_id: first, ..draft.metadata.clone() };
    for draft in [&mut before, &mut draft] {
        draft.group = Some(Group { name: "nightly".to_owned(), most_open: 9 });
    }
    staged(Kind::Engine, before, |tx, draft| tx.bootstrap_run(draft))(house.store.clone(), house.scope)
        .await
        .unwrap();
    draft.queue = Some(Queueing { request_id: run.to_string(), most_waiting: 9 });
    staged(Kind::Engine, draft, |tx, draft| tx.bootstrap_run(draft))(house.store.clone(), house.scope)
        .await
        .unwrap();
    let tx = house.store.begin(&house.scope, Kind::Engine).unwrap();
    tx.put_snapshot(run, 1, &json!({ "at": 1 })).await.unwrap();
    tx.put_bundle(Digest::of(BUNDLE), BUNDLE).await.unwrap();
    let chunk = LogChunk { stream: "stdout".to_owned(), at: (house.clock)(), text: "hello".to_owned() };
    tx.append_log(run, &StepId::parse("a").unwrap(), 1, chunk).await.unwrap();
    let setting = PutSetting {
        kind: "quota".to_owned(),
        name: "runs".to_owned(),
        expected_version: None,
        rights: house.drafts.rights,
        value: json!(5),
        block: block(vec![house.drafts.decision(None)]),
    };
    staged(Kind::Act, setting, |tx, draft| tx.put_setting(draft))(house.store.clone(), house.scope)
        .await
        .unwrap();
    run
}

async fn make(house: &House, read: Read) -> Case {
    let run = furnish(house).await;
    let go: Do = operation(move |store, scope| async move {
        let tx = store.begin(&scope, Kind::Act).map_err(code)?;
        let step = StepId::parse("a").map_err(|_| Code::InvalidId)?;
        let some = |text: Option<String>| Ok(text.map_or(Answer::Nothing, Answer::Value));
        let many = |texts: Vec<String>| {
            Ok(if texts.is_empty() { Answer::Nothing } else { Answer::Value(texts.join("; ")) })
        };
        match read {
            Read::Run => some(tx.run(run).await.map_err(code)?.map(|row| format!("{row:?}"))),
            Read::List => {
                let page = tx.list_runs(50, None).await.map_err(code)?;
                many(page.rows.iter().map(|row| format!("{row:?}")).collect())
            }
            Read::Prefix => {
                let found = tx.runs_by_prefix(&run.to_string()).await.map_err(code)?;
                many(found.iter().map(ToString::to_string).collect())
            }
            Read::Events => {
                let events = tx.fetch_events(run, 0, 10).await.map_err(code)?;
                many(events.iter().map(|event| format!("{event:?}")).collect())
            }
            Read::Snapshot => {
                some(tx.get_snapshot(run).await.map_err(code)?.map(|found| format!("{found:?}")))
            }
            Read::Bundle => {
                some(tx.get_bundle(Digest::of(BUNDLE)).await.map_err(code)?.map(|bytes| format!("{bytes:?}")))
            }
            Read::Log => {
                let log = tx.read_log(run, &step, 1).await.map_err(code)?;
                many(log.iter().map(|chunk| format!("{chunk:?}")).collect())
            }
            Read::Plan => {
                let plan = tx.plan(PlanId::from_random(run.bytes()), "1.0.0").await.map_err(code)?;
                some(plan.map(|row| format!("{row:?}")))
            }
            Read::Versions => {
                let page = tx.list_plans(&PlanFilter::default(), 50, None).await.map_err(code)?;
                many(page.rows.iter().map(|row| format!("{row:?}")).collect())
            }
            Read::Setting => {
                some(tx.setting("quota", "runs").await.map_err(code)?.map(|row| format!("{row:?}")))
            }
            Read::Before => {
                let before = tx.before_in_group(run).await.map_err(code)?;
                many(before.iter().map(|row| format!("{row:?}")).collect())
            }
            Read::Waiting => {
                let waiting = tx.waiting_runs(10).await.map_err(code)?;
                many(waiting.iter().map(|place| format!("{place:?}")).collect())
            }
        }
    });
    let seen = std::sync::Arc::clone(&go);
    Case {
        go,
        foreign: Foreign::Nothing,
        stale: Stale::Free,
        repeat: Repeat::SameAnswer,
        effect: probe(move |store, scope| {
            let read = seen(store, scope);
            async move { format!("{:?}", read.await) }
        }),
        changes: false,
        entries: 0,
        wrong: Vec::new(),
    }
}
