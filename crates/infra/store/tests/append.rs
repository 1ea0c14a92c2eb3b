//! Appending and reading back: round trip, repeats, order under concurrency, each precondition failing alone.

use crate::support::*;
use dvt_model::id::{DecisionId, RunId, SignalId};
use dvt_model::run::RunStatus;
use dvt_store::port::operation::Committed;
use dvt_store::{Error, Refusal};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_appended_comes_back() {
    let house = House::new().await;
    let run = run();
    let first = house.admit(&run).await;
    assert_eq!(first, Committed { first_index: 2, already: false });
    for seq in 1..6 {
        house.append(house.advance(&run, seq, json!({ "n": seq, "x": 1.0 }))).await.unwrap();
    }
    let house = house.again().await;
    let events = house.act().fetch_events(run.id, 0, 1_000).await.unwrap();
    assert_eq!(events.len(), 6);
    assert_eq!(events[0].payload, Some(json!({ "inputs": { "k": "CANARY-INPUT" } })));
    assert_eq!(
        events[3].payload,
        Some(json!({ "n": 3, "x": 1 })),
        "values come back in their canonical form"
    );
    let seqs: Vec<u64> = events.iter().map(|event| event.envelope.run.as_ref().unwrap().run_seq).collect();
    assert_eq!(seqs, [1, 2, 3, 4, 5, 6]);
    assert_eq!(house.act().fetch_events(run.id, 4, 1).await.unwrap()[0].index, events[4].index);
    let row = house.act().run(run.id).await.unwrap().unwrap();
    assert_eq!((row.last_run_seq, row.status), (6, RunStatus::Running));
    assert_eq!(house.store.open_runs(house.ids.tenant_id).await.unwrap()[0].scope, house.scope);
    assert!(matches!(
        house.act().fetch_events(RunId::from_random(random()), 0, 9).await,
        Err(Error::NotFound)
    ));
    house.gapless();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_changes_no_status_leaves_the_row_of_its_run_alone() {
    let house = House::new().await;
    let run = run();
    house.admit(&run).await;
    let mut rows = Vec::new();
    for seq in 1..4 {
        house.append(house.advance(&run, seq, json!({ "n": seq }))).await.unwrap();
        let stored: (i64, i64) = house
            .raw()
            .query_row("SELECT last_run_seq, updated_at FROM run", [], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap();
        rows.push(stored);
        let last = house.act().fetch_events(run.id, seq, 1).await.unwrap().remove(0).envelope;
        let row = house.act().run(run.id).await.unwrap().unwrap();
        assert_eq!(
            (row.last_run_seq, row.updated_at),
            (seq + 1, last.recorded_at),
            "who asks is told the last"
        );
    }
    assert_eq!(rows[0].0, 2, "the first event brought the status RUNNING");
    assert_eq!(rows[1..], [rows[0], rows[0]]);
    let back = house.raw().execute("UPDATE run SET last_run_seq = 1", []);
    assert!(back.is_err(), "the events of a run only become more");
}

/// INV-29: nothing is recorded twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn repeats_first_middle_and_last_of_a_group_get_the_first_answer() {
    let house = House::new().await;
    let run = run();
    house.admit(&run).await;
    for place in [0, 15, 31] {
        let acts: Vec<_> = (0..32).map(|_| house.an_act()).collect();
        let repeated = acts[place].clone();
        let answers: Vec<_> = {
            let mut waiting = Vec::new();
            for act in acts.into_iter().chain([repeated.clone(), repeated.clone()]) {
                let mut tx = house.act();
                tx.append_act(act);
                waiting.push(tokio::spawn(tx.commit()));
            }
            let mut answers = Vec::new();
            for one in waiting {
                answers.push(one.await.unwrap().unwrap());
            }
            answers
        };
        let same = [&answers[place], &answers[32], &answers[33]];
        assert!(same.iter().all(|answer| answer.first_index == answers[place].first_index));
        assert_eq!(same.iter().filter(|answer| !answer.already).count(), 1);
        let late = house.enter(repeated).await.unwrap();
        assert_eq!(late, Committed { first_index: answers[place].first_index, already: true });
    }
    assert_eq!(house.gapless(), 2 + 2 + 3 * 32);
}

/// INV-03 and INV-29: a stage that is refused leaves no hole and does not touch its neighbours.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_precondition_fails_alone() {
    let house = House::new().await;
    let runs: Vec<_> = (0..12).map(|_| run()).collect();
    for run in &runs {
        house.admit(run).await;
    }
    let before = house.gapless();
    let mut waiting = Vec::new();
    for (place, run) in runs.iter().enumerate() {
        let mut append = house.advance(run, 1, json!({}));
        match place {
            3 => append.engine_epoch = 0,
            4 => append.engine_epoch = 2,
            6 => append = house.advance(run, 2, json!({})),
            8 => append.run_id = runs[8].id,
            _ => {}
        }
        let mut tx = house.engine();
        tx.append_run(append);
        waiting.push(tokio::spawn(tx.commit()));
        if place == 5 {
            let mut tx = house.engine();
            tx.bootstrap_run(house.bootstrap(&runs[0]));
            waiting.push(tokio::spawn(tx.commit()));
        }
    }
    let mut answers = Vec::new();
    for one in waiting {
        answers.push(one.await.unwrap());
    }
    for (place, answer) in answers.iter().enumerate() {
        match place {
            3 | 4 | 7 => assert_eq!(*answer, Err(Refusal::LeaseLost), "{place}"),
            6 => assert_eq!(*answer, Err(Refusal::Admitted { run: runs[0].id, same: true })),
            _ => assert!(answer.is_ok(), "{place}: {answer:?}"),
        }
    }
    assert_eq!(house.gapless(), before + 9);
}

#[tokio::test]
async fn the_last_sequence_number_and_the_epoch_fence() {
    let house = House::new().await;
    let run = run();
    house.admit(&run).await;
    assert_eq!(house.append(house.advance(&run, 5, json!({}))).await, Err(Refusal::LeaseLost));
    house.append(house.advance(&run, 1, json!({}))).await.unwrap();
    assert_eq!(house.append(house.advance(&run, 1, json!({}))).await, Err(Refusal::LeaseLost));
    // A new leader: what the old one still sends is refused, and so is an older claim.
    house.store.claim(house.ids.tenant_id, 7).await.unwrap();
    assert_eq!(house.append(house.advance(&run, 2, json!({}))).await, Err(Refusal::LeaseLost));
    assert_eq!(house.store.claim(house.ids.tenant_id, 6).await, Err(Refusal::LeaseLost));
    let mut append = house.advance(&run, 2, json!({}));
    append.engine_epoch = 7;
    house.append(append).await.unwrap();
}

#[tokio::test]
async fn a_signal_is_decided_once() {
    let house = House::new().await;
    let run = run();
    house.admit(&run).await;
    let signal = SignalId::parse("stop-1").unwrap();
    let mut append = house.advance(&run, 1, json!({}));
    append.signal = Some((signal.clone(), json!({ "type": "CANCEL" })));
    house.append(append).await.unwrap();
    for (payload, same) in [(json!({ "type": "CANCEL" }), true), (json!({ "type": "PAUSE" }), false)] {
        let mut append = house.advance(&run, 2, json!({}));
        append.signal = Some((signal.clone(), payload));
        assert_eq!(house.append(append).await, Err(Refusal::Signalled { same }));
    }
}

#[tokio::test]
async fn what_breaks_a_rule_is_refused_before_the_lock() {
    let house = House::new().await;
    let run = run();
    house.admit(&run).await;
    let before = house.gapless();
    let contract = |answer: Result<Committed, Refusal>| {
        assert!(matches!(answer, Err(Refusal::Contract(_))), "{answer:?}")
    };

    let mut hole = house.advance(&run, 1, json!({}));
    hole.block.entries.push(house.event(&run, 4, "StepCompleted", json!({})));
    contract(house.append(hole).await);
    let mut act = house.an_act();
    act.block.entries.push(house.event(&run, 2, "StepStarted", json!({})));
    contract(house.enter(act).await);
    let mut large = house.an_act();
    large.block.entries[0].envelope.reason_code = Some("x".repeat(5_000));
    contract(house.enter(large).await);
    let mut foreign = house.an_act();
    foreign.block.entries[0].envelope.ledger_id = dvt_model::id::LedgerId::from_random(random());
    contract(house.enter(foreign).await);
    let mut elsewhere = house.an_act();
    elsewhere.block.entries[0].envelope.tenant_id = ids().tenant_id;
    contract(house.enter(elsewhere).await);
    let mut empty = house.an_act();
    empty.block.entries.clear();
    contract(house.enter(empty).await);
    // Run tables are the engine's.
    let mut tx = house.act();
    tx.append_run(house.advance(&run, 1, json!({})));
    contract(tx.commit().await);
    // A stage holds one operation.
    let mut tx = house.act();
    tx.append_act(house.an_act());
    tx.append_act(house.an_act());
    contract(tx.commit().await);
    contract(house.act().commit().await);
    // A decision is entered once.
    let decision = DecisionId::from_random(random());
    let act = || dvt_store::port::operation::AppendAct {
        block: block(vec![house.decision(decision)]),
        reads: false,
        rights: dvt_store::port::operation::Rights::Nobody,
    };
    house.enter(act()).await.unwrap();
    contract(house.enter(act()).await);
    assert!(house.act().decision_recorded(decision).await.unwrap());
    assert_eq!(house.gapless(), before + 1);
}

#[tokio::test]
async fn an_ended_run_takes_no_more_events() {
    let house = House::new().await;
    let run = run();
    house.admit(&run).await;
    let mut end = house.advance(&run, 1, json!({}));
    end.status = RunStatus::Completed;
    house.append(end).await.unwrap();
    assert!(matches!(house.append(house.advance(&run, 2, json!({}))).await, Err(Refusal::Contract(_))));
    assert!(house.store.open_runs(house.ids.tenant_id).await.unwrap().is_empty());
}

/// Two processes append to one file: BEGIN IMMEDIATE is the head lock, and neither sees a hole (INV-03).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_share_a_ledger() {
    let house = House::new().await;
    let other = house.second();
    let before = house.gapless();
    let mut waiting = Vec::new();
    for number in 0..400 {
        let store = if number % 2 == 0 { &house.store } else { &other };
        let mut tx = store.begin(&house.scope, dvt_store::port::transaction::Kind::Act).unwrap();
        tx.append_act(house.an_act());
        waiting.push(tokio::spawn(tx.commit()));
        if number % 100 == 50 {
            let (one, two) =
                tokio::join!(house.store.seal(house.ids.tenant_id), other.seal(house.ids.tenant_id));
            assert!(one.is_ok() && two.is_ok(), "{one:?} {two:?}");
        }
    }
    for one in waiting {
        one.await.unwrap().unwrap();
    }
    assert_eq!(house.gapless(), before + 400);
    other.close().await.unwrap();
    house.store.seal(house.ids.tenant_id).await.unwrap();
    assert_eq!(verify(&house).await.status, dvt_ledger::verify::result::Status::Valid);
}
