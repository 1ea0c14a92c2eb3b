//! Run events, snapshots, and moves in the queue: what belongs to the engine.

use super::{Case, Foreign, Repeat, Row, Stale};
use crate::columns::Column;
use crate::house::{Answer, Do, House, Probe, code, operation, probe, refused, staged};
use dvt_model::code::Code;
use dvt_model::id::{RunId, SignalId};
use dvt_model::run::RunStatus;
use dvt_store::port::operation::{AppendRun, Group, MoveInQueue, QueueState, Queueing};
use dvt_store::port::transaction::Kind;
use dvt_testkit::drafts::random;
use serde_json::json;

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row { name: "append of run events", make: |house| Box::pin(events(house)), not: &[] },
        Row { name: "append with a signal", make: |house| Box::pin(signal(house)), not: &[] },
        Row { name: "leaseRun", make: |house| Box::pin(lease(house)), not: &[] },
        Row {
            name: "putSnapshot",
            make: |house| Box::pin(snapshot(house)),
            not: &[(
                Column::FailsMerged,
                "an older snapshot is left out in silence: there is no refusal to tell apart",
            )],
        },
    ]
}

fn append(draft: AppendRun) -> Do {
    staged(Kind::Engine, draft, |tx, draft| tx.append_run(draft))
}

fn of_run(run: RunId) -> Probe {
    probe(move |store, scope| async move {
        let tx = store.begin(&scope, Kind::Act).unwrap();
        let row = tx.run(run).await.unwrap().unwrap();
        let events = tx.fetch_events(run, 0, 1_000).await.unwrap();
        let whole = events.iter().all(|event| event.payload.is_some());
        format!("{} {:?} {} {whole}", row.last_run_seq, row.status, events.len())
    })
}

async fn events(house: &House) -> Case {
    let run = house.run().await;
    let ended = house.run().await;
    let drafts = house.drafts.clone();
    let mut end = drafts.append(ended, 2, json!({}));
    end.status = RunStatus::Completed;
    append(end)(house.store.clone(), house.scope).await.unwrap();
    // Of one plan and group: one is past PENDING, one waits.
    let (first, second) = (RunId::from_random(random()), RunId::from_random(random()));
    let plan = drafts.bootstrap(first).metadata;
    for run in [first, second] {
        let mut draft = drafts.bootstrap(run);
        draft.group = Some(Group { name: "nightly".to_owned(), most_open: 2 });
        draft.metadata.plan = plan.plan.clone();
        draft.metadata.plan_name.clone_from(&plan.plan_name);
        staged(Kind::Engine, draft, |tx, draft| tx.bootstrap_run(draft))(house.store.clone(), house.scope)
            .await
            .unwrap();
    }
    append(drafts.append(first, 2, json!({})))(house.store.clone(), house.scope).await.unwrap();
    let mut right = drafts.append(run, 2, json!({ "n": 2 }));
    right.block.entries.insert(0, drafts.decision(None));
    let wrong = |change: &dyn Fn(&mut AppendRun)| {
        let mut draft = drafts.append(run, 2, json!({}));
        change(&mut draft);
        append(draft)
    };
    Case {
        go: append(right),
        foreign: Foreign::Refused,
        stale: Stale::Fenced,
        repeat: Repeat::SamePlace,
        effect: of_run(run),
        changes: true,
        entries: 2,
        wrong: vec![
            ("expectedRunSeq, ahead", append(drafts.append(run, 3, json!({}))), Code::LeaseLost),
            ("expectedRunSeq, behind", append(drafts.append(ended, 2, json!({}))), Code::LeaseLost),
            ("engine epoch, older", wrong(&|draft| draft.engine_epoch = 0), Code::LeaseLost),
            ("engine epoch, newer", wrong(&|draft| draft.engine_epoch = 2), Code::LeaseLost),
            (
                "alone in its group past PENDING",
                append(drafts.append(second, 2, json!({}))),
                Code::ConcurrencyBusy,
            ),
            ("the run has not ended", append(drafts.append(ended, 3, json!({}))), Code::ContractViolation),
            (
                "the run is there",
                append(drafts.append(RunId::from_random(random()), 2, json!({}))),
                Code::ContractViolation,
            ),
            (
                "runSeq without a gap",
                wrong(&|draft| draft.block.entries.push(drafts.event(run, 4, json!({})))),
                Code::ContractViolation,
            ),
        ],
    }
}

async fn signal(house: &House) -> Case {
    let run = house.run().await;
    let drafts = house.drafts.clone();
    let with = |seq: u64, name: &str, payload: serde_json::Value| {
        let mut draft = drafts.append(run, seq, json!({}));
        draft.signal = Some((SignalId::parse(name).unwrap(), payload));
        append(draft)
    };
    with(2, "first", json!({ "type": "PAUSE" }))(house.store.clone(), house.scope).await.unwrap();
    Case {
        go: with(3, "second", json!({ "type": "CANCEL" })),
        foreign: Foreign::Refused,
        stale: Stale::Fenced,
        repeat: Repeat::SamePlace,
        effect: of_run(run),
        changes: true,
        entries: 1,
        wrong: vec![
            ("decided once, the same", with(3, "first", json!({ "type": "PAUSE" })), Code::SignalDuplicate),
            ("decided once, another", with(3, "first", json!({ "type": "CANCEL" })), Code::SignalDuplicate),
        ],
    }
}

async fn lease(house: &House) -> Case {
    let run = RunId::from_random(random());
    let mut draft = house.drafts.bootstrap(run);
    draft.queue = Some(Queueing { request_id: run.to_string(), most_waiting: 5 });
    let mut tx = house.store.begin(&house.scope, Kind::Engine).unwrap();
    tx.bootstrap_run(draft);
    tx.commit().await.unwrap();
    let until = (house.clock)().plus_ms(10_000);
    let step = move |version: u64, epoch: u64| {
        operation(move |store, scope| async move {
            let tx = store.begin(&scope, Kind::Engine).map_err(code)?;
            let step = MoveInQueue {
                run_id: run,
                expected_version: version,
                engine_epoch: epoch,
                to: QueueState::Locked { until },
            };
            tx.move_in_queue(step).await.map(|version| Answer::Value(version.to_string())).map_err(refused)
        })
    };
    Case {
        go: step(1, 1),
        foreign: Foreign::Refused,
        stale: Stale::Fenced,
        repeat: Repeat::Refused(Code::VersionConflict),
        effect: probe(|store, scope| async move {
            let tx = store.begin(&scope, Kind::Act).unwrap();
            format!("{:?}", tx.waiting_runs(10).await.unwrap())
        }),
        changes: true,
        entries: 0,
        wrong: vec![
            ("rowVersion, older", step(0, 1), Code::VersionConflict),
            ("rowVersion, newer", step(2, 1), Code::VersionConflict),
            ("engine epoch", step(1, 2), Code::LeaseLost),
        ],
    }
}

async fn snapshot(house: &House) -> Case {
    let run = house.run().await;
    append(house.drafts.append(run, 2, json!({})))(house.store.clone(), house.scope).await.unwrap();
    let keep = move |seq: u64, kind: Kind| {
        operation(move |store, scope| async move {
            let tx = store.begin(&scope, kind).map_err(code)?;
            tx.put_snapshot(run, seq, &json!({ "at": seq })).await.map_err(code)?;
            Ok(Answer::Value("kept".to_owned()))
        })
    };
    Case {
        go: keep(2, Kind::Engine),
        foreign: Foreign::Refused,
        stale: Stale::Free,
        repeat: Repeat::Harmless,
        effect: probe(move |store, scope| async move {
            let tx = store.begin(&scope, Kind::Act).unwrap();
            format!("{:?}", tx.get_snapshot(run).await.unwrap())
        }),
        changes: true,
        entries: 0,
        wrong: vec![("the engine alone", keep(2, Kind::Act), Code::ContractViolation)],
    }
}
