//! INVARIANT(INV-23): each kind of data ends on its own clock: nothing early, nothing late by more than a day.

use crate::erase::{a_run, ending, with_keys};
use crate::rotation::by_hand;
use crate::support::*;
use dvt_ledger::verify::result::Status;
use dvt_model::code::Code;
use dvt_model::entry::PayloadClass;
use dvt_model::id::DecisionId;
use dvt_store::{Data, Refusal, Swept, Target};
use serde_json::json;
use std::sync::atomic::Ordering;

const DAY: i64 = 24 * 60 * 60 * 1_000;

async fn set(house: &House, data: Data, days: u64, from: u64) -> Result<(), Refusal> {
    let mut tx = house.act();
    tx.set_retention(by_nobody(vec![house.decision(DecisionId::from_random(random()))]), data, days, from)
        .unwrap();
    tx.commit().await.map(|_| ())
}

fn count(house: &House, sql: &str) -> i64 {
    house.raw().query_row(sql, [], |row| row.get(0)).unwrap()
}

/// Eight simulated years, swept once a day: the day on which each kind of data went.
#[tokio::test]
async fn everything_ends_on_its_day() {
    let (house, now) = by_hand().await;
    let run = run();
    house.admit(&run).await;
    let classes = [
        PayloadClass::Pii,
        PayloadClass::Phi,
        PayloadClass::Financial,
        PayloadClass::SecretAccess,
        PayloadClass::Compliance,
    ];
    for (seq, class) in (1..).zip(classes) {
        let mut append = house.advance(&run, seq, json!({ "class": class }));
        append.block.entries[0].payload.as_mut().unwrap().0 = class;
        house.append(append).await.unwrap();
    }
    let log = dvt_store::port::operation::LogChunk {
        stream: "stdout".to_owned(),
        at: (house.clock)(),
        text: "text".to_owned(),
    };
    let step = dvt_model::id::StepId::parse("a").unwrap();
    house.engine().append_log(run.id, &step, 1, log).await.unwrap();
    // A run that goes on keeps everything, however long it takes.
    now.fetch_add(400 * DAY, Ordering::SeqCst);
    assert_eq!(house.store.sweep(house.ids.tenant_id).await.unwrap(), Swept::default());
    house.append(ending(&house, &run, 6)).await.unwrap();
    let ended = now.load(Ordering::SeqCst);
    let mut watched: Vec<(&str, String, Option<i64>)> = vec![
        ("log", "SELECT count(*) FROM blob WHERE kind = 'log'".to_owned(), None),
        ("row", "SELECT count(*) FROM run".to_owned(), None),
        ("plan", "SELECT count(*) FROM plan WHERE length(sealed) > 0".to_owned(), None),
    ];
    for class in ["standard", "pii", "phi", "financial", "secret-access", "compliance"] {
        let sql = format!("SELECT count(*) FROM wrapped_key WHERE purpose = 'run' AND class = '{class}'");
        watched.push((class, sql, None));
    }
    for (name, sql, _) in &watched {
        assert_eq!(count(&house, sql), 1, "{name}");
    }
    for day in 1..2_600 {
        now.store(ended + day * DAY, Ordering::SeqCst);
        // Days on which nothing can become due are only looked at where something is near.
        let near = [14, 90, 365, 366, 2_192, 2_557].iter().any(|due| (due - 2..=due + 2).contains(&day));
        if !near {
            continue;
        }
        let would = house.act().would_sweep().await.unwrap();
        let swept = house.store.sweep(house.ids.tenant_id).await.unwrap();
        assert_eq!((would.logs, would.keys, would.runs), (swept.logs, swept.keys, swept.runs), "day {day}");
        for (_, sql, gone) in &mut watched {
            if gone.is_none() && count(&house, sql) == 0 {
                *gone = Some(day);
            }
        }
    }
    let days: Vec<(&str, Option<i64>)> = watched.iter().map(|(name, _, gone)| (*name, *gone)).collect();
    assert_eq!(
        days,
        [
            ("log", Some(14)),
            ("row", Some(365)),
            ("plan", Some(365)),
            ("standard", Some(365)),
            ("pii", Some(365)),
            ("phi", Some(2_192)),
            ("financial", Some(2_557)),
            ("secret-access", Some(2_557)),
            ("compliance", Some(2_557))
        ]
    );
    let result = with_keys(&house).await;
    assert_eq!((result.status, result.findings), (Status::Valid, vec![]));
    assert_eq!(result.erased, 7);
}

#[tokio::test]
async fn a_tenant_keeps_longer_or_shorter_but_not_less_than_the_law() {
    let (house, now) = by_hand().await;
    let run = a_run(&house, None, 2).await;
    set(&house, Data::Run, 30, 0).await.unwrap();
    assert_eq!(set(&house, Data::Run, 20, 0).await.unwrap_err(), Refusal::VersionConflict);
    set(&house, Data::Run, 20, 1).await.unwrap();
    let rules = house.act().retention().await.unwrap();
    assert!(rules.iter().any(|rule| rule.data == Data::Run && (rule.days, rule.row_version) == (20, 2)));
    for data in [Data::Ledger, Data::Financial, Data::Compliance, Data::SecretAccess, Data::Phi] {
        let mut tx = house.act();
        let entry = house.decision(DecisionId::from_random(random()));
        let error = tx.set_retention(by_nobody(vec![entry]), data, 3 * 365, 0).unwrap_err();
        assert_eq!(error.code(), Code::AuditRetentionLocked, "{}", data.as_str());
        set(&house, data, data.least_days() + 1, 0).await.expect("longer is free");
    }
    now.fetch_add(19 * DAY, Ordering::SeqCst);
    assert_eq!(house.store.sweep(house.ids.tenant_id).await.unwrap().keys, 0);
    now.fetch_add(DAY + 1_000, Ordering::SeqCst);
    let swept = house.store.sweep(house.ids.tenant_id).await.unwrap();
    assert_eq!((swept.keys, swept.runs), (1, 0), "the row stays until the plan's clock is over");
    assert!(house.act().is_erased(run.id).await.unwrap());
    now.fetch_add(70 * DAY, Ordering::SeqCst);
    let swept = house.store.sweep(house.ids.tenant_id).await.unwrap();
    assert_eq!((swept.runs, swept.plans), (1, 1));
    // A plan that is run again comes back under its version.
    house.admit(&crate::support::Run { id: crate::support::run().id, ..run }).await;
}

#[tokio::test]
async fn a_hold_stops_every_clock() {
    let (house, now) = by_hand().await;
    let (held, free) = (a_run(&house, None, 2).await, a_run(&house, None, 2).await);
    let hold = DecisionId::from_random(random());
    let mut tx = house.act();
    tx.place_hold(by_nobody(vec![house.decision(hold)]), hold, Target::Run(held.id));
    tx.commit().await.unwrap();
    now.fetch_add(400 * DAY, Ordering::SeqCst);
    let swept = house.store.sweep(house.ids.tenant_id).await.unwrap();
    assert_eq!((swept.keys, swept.runs, swept.logs, swept.held), (1, 1, 1, 1));
    assert!(house.act().run(free.id).await.unwrap().is_none());
    let events = house.act().fetch_events(held.id, 0, 10).await.unwrap();
    assert!(events.iter().all(|event| event.payload.is_some()));
    let mut tx = house.act();
    tx.release_hold(by_nobody(vec![house.decision(DecisionId::from_random(random()))]), hold, 1);
    tx.commit().await.unwrap();
    assert_eq!(house.store.sweep(house.ids.tenant_id).await.unwrap().runs, 1);
}

/// INV-22: seven years, then whole tiles, with an announcement; the rest still proves everything.
#[tokio::test]
async fn a_ledger_is_pruned_below_full_tiles_once_its_years_are_over() {
    let (house, now) = by_hand().await;
    for _ in 0..600 {
        house.enter(house.an_act()).await.unwrap();
    }
    house.store.seal(house.ids.tenant_id).await.unwrap();
    let prune = || {
        let mut tx = house.act();
        tx.prune(by_nobody(vec![house.decision(DecisionId::from_random(random()))]));
        tx.commit()
    };
    assert!(prune().await.is_err(), "nothing is old enough");
    now.fetch_add(2_558 * DAY, Ordering::SeqCst);
    house.enter(house.an_act()).await.unwrap();
    let prunable = house.act().prunable().await.unwrap();
    assert_eq!((prunable.lowest, prunable.first_left), (0, 512));
    let hold = DecisionId::from_random(random());
    let mut tx = house.act();
    tx.place_hold(by_nobody(vec![house.decision(hold)]), hold, Target::Tenant);
    tx.commit().await.unwrap();
    assert!(prune().await.is_err(), "a hold keeps it");
    let mut tx = house.act();
    tx.release_hold(by_nobody(vec![house.decision(DecisionId::from_random(random()))]), hold, 1);
    tx.commit().await.unwrap();
    prune().await.unwrap();
    assert_eq!(count(&house, "SELECT min(first_index) FROM ledger_block"), 512);
    assert_eq!(count(&house, "SELECT min(ledger_index) FROM ledger_search"), 512);
    let result = with_keys(&house).await;
    assert_eq!((result.status, result.from_index, result.findings), (Status::Valid, 512, vec![]));
    assert_eq!(verify(&house).await.status, Status::Valid);
    let house = house.again().await;
    house.enter(house.an_act()).await.unwrap();
    assert_eq!(with_keys(&house).await.status, Status::Valid, "and it grows on");
}

/// Files that no row names: a crash left them.
#[tokio::test]
async fn a_file_without_row_goes_after_a_day() {
    let (house, now) = by_hand().await;
    let run = a_run(&house, None, 1).await;
    let blobs = house.folder.path().join("blobs").join(house.ids.tenant_id.key());
    let orphan = blobs.join(dvt_model::id::BlobId::from_random(random()).key());
    std::fs::write(&orphan, b"left").unwrap();
    let at = |ms: i64| std::time::UNIX_EPOCH + std::time::Duration::from_millis(ms as u64);
    for entry in std::fs::read_dir(&blobs).unwrap() {
        let file = std::fs::File::options().write(true).open(entry.unwrap().path()).unwrap();
        file.set_modified(at(now.load(Ordering::SeqCst))).unwrap();
    }
    assert_eq!(house.store.sweep(house.ids.tenant_id).await.unwrap().files, 0, "it may still be named");
    now.fetch_add(DAY + 1_000, Ordering::SeqCst);
    assert_eq!(house.store.sweep(house.ids.tenant_id).await.unwrap().files, 1);
    assert!(!orphan.exists());
    assert_eq!(house.act().fetch_events(run.id, 0, 10).await.unwrap().len(), 3);
}
