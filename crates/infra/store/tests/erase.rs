//! INVARIANT(INV-22): what is erased can be read by nobody, from no cache, and every proof still verifies; a hold refuses it.

use crate::support::*;
use dvt_ledger::verify::result::{Status, VerificationResult};
use dvt_model::entry::PayloadClass;
use dvt_model::id::{DecisionId, StepId};
use dvt_model::run::RunStatus;
use dvt_store::port::operation::{ActDraft, AppendRun, EndRights, LogChunk, Protection, Rights, Subject};
use dvt_store::verify::LedgerFile;
use dvt_store::{Erased, Refusal, Target};
use serde_json::json;
use std::path::Path;

/// Runs the store to its end: one entry more, and the run has ended.
pub(crate) fn ending(house: &House, run: &Run, expected: u64) -> AppendRun {
    let mut append = house.advance(run, expected, json!({ "end": "CANARY-END" }));
    append.block.entries[0].envelope.event_name = Some("RunCompleted".to_owned());
    append.status = RunStatus::Completed;
    append
}

/// A run that has ended, with payloads, a large one, a log and a snapshot.
pub(crate) async fn a_run(house: &House, person: Option<&str>, events: u64) -> Run {
    let run = run();
    house.admit(&run).await;
    for seq in 1..=events {
        let large = if seq == 1 { "CANARY-LARGE ".repeat(6_000) } else { String::new() };
        let append = house.advance(&run, seq, json!({ "text": format!("CANARY-{seq}"), "large": large }));
        let mut tx = house.engine();
        tx.append_run(append);
        if let Some(person) = person {
            tx.about(0, person);
        }
        tx.commit().await.unwrap();
    }
    let tx = house.engine();
    tx.put_snapshot(run.id, events + 1, &json!({ "state": "CANARY-SNAPSHOT" })).await.unwrap();
    let chunk = LogChunk { stream: "stdout".to_owned(), at: (house.clock)(), text: "CANARY-LOG".to_owned() };
    tx.append_log(run.id, &StepId::parse("a").unwrap(), 1, chunk).await.unwrap();
    house.append(ending(house, &run, events + 1)).await.unwrap();
    run
}

pub(crate) async fn order(house: &House, target: Target) -> Result<Erased, Refusal> {
    let decision = DecisionId::from_random(random());
    let mut tx = house.act();
    tx.order_erasure(by_nobody(vec![house.decision(decision)]), decision, target);
    tx.commit().await?;
    Ok(house.store.erase_ordered(house.ids.tenant_id).await.unwrap())
}

pub(crate) async fn with_keys(house: &House) -> VerificationResult {
    house.store.seal(house.ids.tenant_id).await.unwrap();
    let keys = house.store.verifier_keys(house.ids.tenant_id).await.unwrap();
    let file = LedgerFile::open(&house.path()).unwrap();
    let mut opened = house.store.with_keys(house.ids.tenant_id).unwrap();
    let clock = house.clock.clone();
    dvt_ledger::verify::verify_with_keys(&file, &keys, None, &mut opened, &move || clock())
}

async fn readable(house: &House, run: &Run) -> usize {
    let events = house.act().fetch_events(run.id, 0, 1_000).await.unwrap();
    events.iter().filter(|event| event.payload.is_some()).count()
}

fn files(folder: &Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

/// 1,000 payloads of 10 runs; the neighbours' stay.
#[tokio::test]
async fn a_thousand_payloads_are_gone_and_every_proof_stands() {
    let house = House::new().await;
    let mut runs = Vec::new();
    for _ in 0..10 {
        runs.push(a_run(&house, None, 98).await);
    }
    let neighbour = a_run(&house, None, 3).await;
    let blobs = house.folder.path().join("blobs").join(house.ids.tenant_id.key());
    let files_before = files(&blobs);
    let mut before = 0;
    for run in &runs {
        before += readable(&house, run).await;
    }
    assert_eq!(before, 1_000, "control: all of them can be read");
    let beside = house.second();
    for run in &runs {
        let erased = order(&house, Target::Run(run.id)).await.unwrap();
        assert_eq!((erased.keys, erased.waiting, erased.held), (1, 0, 0));
    }
    let mut unreadable = 0;
    for run in &runs {
        assert_eq!(readable(&house, run).await, 0);
        // Another process that had the keys a moment ago finds neither row nor file.
        let events = beside.begin(&house.scope, dvt_store::port::transaction::Kind::Act).unwrap();
        let events = events.fetch_events(run.id, 0, 1_000).await.unwrap();
        unreadable += events.iter().filter(|event| event.payload.is_none()).count();
        let tx = house.act();
        assert!(tx.is_erased(run.id).await.unwrap());
        assert!(tx.get_snapshot(run.id).await.unwrap().is_none());
        let log = tx.read_log(run.id, &StepId::parse("a").unwrap(), 1).await;
        assert_eq!(log.unwrap_err().code(), dvt_model::code::Code::PayloadErased);
    }
    assert_eq!(unreadable, 1_000);
    assert_eq!(readable(&house, &neighbour).await, 5);
    assert_eq!(files_before - files(&blobs), 20, "a large value and a log of each run");
    assert_eq!(verify(&house).await.findings, []);
    let result = with_keys(&house).await;
    assert_eq!((result.status, result.erased, result.findings), (Status::Valid, 1_000, vec![]));

    // A key that is gone without its tombstone is found: the control of the tombstones.
    house.raw().execute("DELETE FROM wrapped_key WHERE purpose = 'run'", []).unwrap();
    let house = house.again().await;
    let result = with_keys(&house).await;
    assert!(result.findings.iter().any(|finding| finding.class == 25), "{:?}", result.findings);
}

#[tokio::test]
async fn what_is_known_about_a_person_goes_and_the_rest_of_the_run_stays() {
    let house = House::new().await;
    let (ada, bob) = ("ada@example.org", "bob@example.org");
    let runs = [a_run(&house, Some(ada), 4).await, a_run(&house, Some(ada), 4).await];
    let other = a_run(&house, Some(bob), 4).await;
    let names: i64 = house
        .raw()
        .query_row("SELECT count(*) FROM wrapped_key WHERE subject LIKE '%ada@%'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(names, 0, "no row names her");
    let would = house.act().would_erase(&Target::Person(ada.to_owned())).await.unwrap();
    let erased = order(&house, Target::Person(ada.to_owned())).await.unwrap();
    assert_eq!((would.keys, erased.keys), (2, 2));
    for run in &runs {
        assert_eq!(readable(&house, run).await, 2, "admission and end are not about her");
        assert!(house.act().get_snapshot(run.id).await.unwrap().is_none(), "it held what was");
        assert!(!house.act().is_erased(run.id).await.unwrap());
    }
    assert_eq!(readable(&house, &other).await, 6);
    assert_eq!(with_keys(&house).await.status, Status::Valid);
    // Nobody by that name is left; asking again changes nothing.
    assert_eq!(order(&house, Target::Person(ada.to_owned())).await.unwrap().keys, 0);
}

#[tokio::test]
async fn a_run_in_progress_keeps_its_keys_until_its_end() {
    let house = House::new().await;
    let run = run();
    house.admit(&run).await;
    house.append(house.advance(&run, 1, json!({ "a": 1 }))).await.unwrap();
    let erased = order(&house, Target::Run(run.id)).await.unwrap();
    assert_eq!((erased.keys, erased.waiting), (0, 1));
    assert_eq!(readable(&house, &run).await, 2, "it still needs them");
    house.append(house.advance(&run, 2, json!({ "a": 2 }))).await.unwrap();
    // The order outlives the process that took it.
    let house = house.again().await;
    house.append(ending(&house, &run, 3)).await.unwrap();
    let worked = house.store.work_off(house.ids.tenant_id).await.unwrap();
    assert_eq!((worked.erased.keys, worked.erased.waiting), (1, 0));
    assert_eq!(readable(&house, &run).await, 0);
    assert_eq!(house.store.work_off(house.ids.tenant_id).await.unwrap().erased, Erased::default());
    assert_eq!(with_keys(&house).await.status, Status::Valid);
}

#[tokio::test]
async fn a_hold_refuses_erasure_and_its_release_allows_it() {
    let house = House::new().await;
    let run = a_run(&house, Some("ada"), 2).await;
    for target in [Target::Run(run.id), Target::Tenant, Target::Person("ada".to_owned())] {
        let hold = DecisionId::from_random(random());
        let mut tx = house.act();
        tx.place_hold(by_nobody(vec![house.decision(hold)]), hold, target.clone());
        tx.commit().await.unwrap();
        let wanted = if target == Target::Tenant { Target::Run(run.id) } else { target };
        assert_eq!(order(&house, wanted).await.unwrap_err(), Refusal::LegalHold);
        assert_eq!(readable(&house, &run).await, 4, "nothing is gone");
        let holds = house.act().holds().await.unwrap();
        assert!(holds[0].hold_id == hold && holds[0].released_at.is_none());
        let release = |version| {
            let mut tx = house.act();
            tx.release_hold(
                by_nobody(vec![house.decision(DecisionId::from_random(random()))]),
                hold,
                version,
            );
            tx.commit()
        };
        assert_eq!(release(7).await.unwrap_err(), Refusal::VersionConflict);
        release(holds[0].row_version).await.unwrap();
    }
    assert!(house.raw().execute("DELETE FROM legal_hold", []).is_err(), "a hold is never deleted");
    // A hold that comes between order and deed holds as well.
    let decision = DecisionId::from_random(random());
    let mut tx = house.act();
    tx.order_erasure(by_nobody(vec![house.decision(decision)]), decision, Target::Run(run.id));
    tx.commit().await.unwrap();
    let hold = DecisionId::from_random(random());
    let mut tx = house.act();
    tx.place_hold(by_nobody(vec![house.decision(hold)]), hold, Target::Run(run.id));
    tx.commit().await.unwrap();
    let erased = house.store.erase_ordered(house.ids.tenant_id).await.unwrap();
    assert_eq!((erased.keys, erased.held), (0, 2));
    assert_eq!(readable(&house, &run).await, 4);
    let mut tx = house.act();
    tx.release_hold(by_nobody(vec![house.decision(DecisionId::from_random(random()))]), hold, 1);
    tx.commit().await.unwrap();
    assert_eq!(house.store.erase_ordered(house.ids.tenant_id).await.unwrap().keys, 2);
    assert_eq!(readable(&house, &run).await, 0);
}

/// Financial records and reasons are kept by law; nobody erases them before their time.
#[tokio::test]
async fn what_the_law_keeps_stays() {
    let house = House::new().await;
    let run = run();
    house.admit(&run).await;
    for (seq, class) in [(1, PayloadClass::Phi), (2, PayloadClass::Financial), (3, PayloadClass::Compliance)]
    {
        let mut append = house.advance(&run, seq, json!({ "class": class }));
        append.block.entries[0].payload.as_mut().unwrap().0 = class;
        house.append(append).await.unwrap();
    }
    house.append(ending(&house, &run, 4)).await.unwrap();
    let erased = order(&house, Target::Run(run.id)).await.unwrap();
    assert_eq!((erased.keys, erased.kept_by_law), (2, 2), "standard and phi go");
    let events = house.act().fetch_events(run.id, 0, 10).await.unwrap();
    let there: Vec<bool> = events.iter().map(|event| event.payload.is_some()).collect();
    assert_eq!(there, [false, false, true, true, false]);
    assert_eq!(with_keys(&house).await.status, Status::Valid);
}

fn about(house: &House, run: &Run, seq: u64, text: &str) -> AppendRun {
    house.advance(run, seq, json!({ "text": text }))
}

/// A payload about several persons ends with the first of them; the others' own stay, and so does what is about nobody.
#[tokio::test]
async fn what_is_told_of_several_ends_with_the_first_of_them() {
    let house = House::new().await;
    let run = run();
    house.admit(&run).await;
    let several = Subject::Several(vec!["ada".to_owned(), "bob".to_owned(), "cleo".to_owned()]);
    let whose =
        [Some(several), Some("ada".into()), Some("bob".into()), None, Some(Subject::Several(Vec::new()))];
    for (seq, whom) in (1..).zip(whose) {
        let mut tx = house.engine();
        tx.append_run(about(&house, &run, seq, "said"));
        if let Some(whom) = whom {
            tx.about(0, whom);
        }
        tx.commit().await.unwrap();
    }
    let step = |name: &str| StepId::parse(name).unwrap();
    for (name, whom) in [("a", Some("ada".into())), ("b", Some("bob".into())), ("c", None)] {
        let under = Protection { class: PayloadClass::Pii, about: whom };
        let chunk = LogChunk { stream: "stdout".to_owned(), at: (house.clock)(), text: name.to_owned() };
        house.engine().append_log_under(&under, (run.id, &step(name), 1), chunk).await.unwrap();
    }
    house.append(ending(&house, &run, 6)).await.unwrap();
    let there = async |house: &House| -> Vec<bool> {
        let events = house.act().fetch_events(run.id, 0, 10).await.unwrap();
        events.iter().map(|event| event.payload.is_some()).collect()
    };
    assert_eq!(there(&house).await, [true; 7], "control");

    // Bob is held: what is told of both stays, and with it that it is about her too.
    let hold = DecisionId::from_random(random());
    let mut tx = house.act();
    tx.place_hold(by_nobody(vec![house.decision(hold)]), hold, Target::Person("bob".to_owned()));
    tx.commit().await.unwrap();
    let ada = || Target::Person("ada".to_owned());
    let erased = order(&house, ada()).await.unwrap();
    assert_eq!((erased.keys, erased.held), (0, 3), "several, and her own of two classes");
    assert_eq!(there(&house).await, [true; 7]);
    let mut tx = house.act();
    tx.release_hold(by_nobody(vec![house.decision(DecisionId::from_random(random()))]), hold, 1);
    tx.commit().await.unwrap();

    let beside = house.second();
    let erased = house.store.erase_ordered(house.ids.tenant_id).await.unwrap();
    assert_eq!((erased.keys, erased.held), (3, 0));
    assert_eq!(there(&house).await, [true, false, false, true, true, false, true]);
    let events = beside.begin(&house.scope, dvt_store::port::transaction::Kind::Act).unwrap();
    let events = events.fetch_events(run.id, 0, 10).await.unwrap();
    assert_eq!(events.iter().filter(|event| event.payload.is_none()).count(), 3, "another process");
    let log = async |name: &str| house.act().read_log(run.id, &step(name), 1).await;
    assert_eq!(log("a").await.unwrap_err().code(), dvt_model::code::Code::PayloadErased);
    for name in ["b", "c"] {
        assert_eq!(log(name).await.unwrap()[0].text, name);
    }
    // Of her nothing was told but together with others; it is gone already, and her own key goes too.
    assert_eq!(order(&house, Target::Person("cleo".to_owned())).await.unwrap().keys, 1);
    // With the run everything goes, whoever it is about.
    assert_eq!(
        order(&house, Target::Run(run.id)).await.unwrap().keys,
        4,
        "standard, pii, and Bob's of two classes"
    );
    assert_eq!(there(&house).await, [false; 7]);
    let result = with_keys(&house).await;
    assert_eq!((result.status, result.findings), (Status::Valid, vec![]));
}

/// INVARIANT(INV-01): what rests on rights that ended meanwhile is refused when it is written; with rights that stand it happens.
#[tokio::test]
async fn an_erasure_rests_on_rights_that_still_stand() {
    let house = House::new().await;
    let run = a_run(&house, None, 1).await;
    let known = house.act().member_by_os_uid(1000).await.unwrap().unwrap();
    let principal = known.member.principal_id;
    let ordered = async |epoch: u64| {
        let decision = DecisionId::from_random(random());
        let mut tx = house.act();
        let act = ActDraft {
            block: block(vec![house.decision(decision)]),
            rights: Rights::Of { principal, epoch },
        };
        tx.order_erasure(act, decision, Target::Run(run.id));
        tx.commit().await
    };
    let mut tx = house.act();
    let ends = block(vec![house.decision(DecisionId::from_random(random()))]);
    tx.end_rights(EndRights { principal, expected_epoch: known.epoch, rights: Rights::Nobody, block: ends });
    tx.commit().await.unwrap();
    let size = house.gapless();
    assert_eq!(ordered(known.epoch).await.unwrap_err().code(), dvt_model::code::Code::AuthzDenied);
    assert_eq!(house.gapless(), size, "and no entry says otherwise");
    assert_eq!(house.store.erase_ordered(house.ids.tenant_id).await.unwrap(), Erased::default());
    assert_eq!(readable(&house, &run).await, 3);
    ordered(known.epoch + 1).await.expect("control: rights that stand");
    assert_eq!(house.store.erase_ordered(house.ids.tenant_id).await.unwrap().keys, 1);
}
