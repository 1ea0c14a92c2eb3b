//! A disk that fails at each of its calls: a refusal with a code, nothing half-written, and the service goes on afterwards.

use crate::house::{Do, staged};
use crate::sqlite::Place;
use dvt_keys::RootKey;
use dvt_ledger::verify::result::Status;
use dvt_model::code::Code;
use dvt_model::id::{RunId, StepId};
use dvt_model::scope::{Minter, ScopeIds};
use dvt_model::time::Timestamp;
use dvt_store::port::operation::{LogChunk, PutSetting, Rights};
use dvt_store::port::transaction::Kind;
use dvt_store::verify::LedgerFile;
use dvt_store::{Options, Store};
use dvt_testkit::drafts::{Drafts, block, clock, ids, member, random, scope};
use dvt_testkit::power_cut::fault::Fault;
use serde_json::json;
use std::path::Path;
use std::sync::Arc;

/// Every so many calls are tried in the gate; the soak asks for all of them with `DVT_FAULT_STRIDE=1`.
const STRIDE: u64 = 9;
/// How often a refused operation is tried again before the service counts as stuck.
const TRIES: usize = 4;

/// What a scenario met.
#[derive(Default)]
struct Met {
    refusals: Vec<Code>,
    acknowledged: u64,
    calls: u64,
}

/// One history: each operation is tried until it is acknowledged; `mended` is told of each refusal.
struct History<'a> {
    place: &'a Place,
    met: Met,
    mend_at_refusal: bool,
}

impl History<'_> {
    fn refused(&mut self, code: Code) {
        self.met.refusals.push(code);
        if self.mend_at_refusal {
            self.place.disk.mend();
        }
    }

    fn open(&mut self, clock: &dvt_store::Clock) -> Store {
        for _ in 0..TRIES {
            match self.place.try_open(clock) {
                Ok(store) => return store,
                Err(_) => self.refused(Code::LedgerUnavailable),
            }
        }
        panic!("the store does not open any more");
    }

    async fn until_done(&mut self, store: &Store, ids: ScopeIds, go: &Do) {
        for _ in 0..TRIES {
            match go(store.clone(), scope(ids)).await {
                Ok(_) => {
                    self.met.acknowledged += 1;
                    return;
                }
                Err(code) => self.refused(code),
            }
        }
        panic!("the service does not go on: {:?}", self.met.refusals);
    }

    async fn tenant(&mut self, store: &Store) -> (ScopeIds, dvt_model::id::LedgerId) {
        for _ in 0..TRIES {
            let ids = ids();
            match store.create_tenant(ids, member()).await {
                Ok(ledger) => return (ids, ledger),
                Err(error) => self.refused(error.code()),
            }
        }
        panic!("no tenant can be made: {:?}", self.met.refusals);
    }
}

/// Everything that a store does, once.
async fn play(place: &Place, mend_at_refusal: bool) -> Met {
    let clock = clock();
    let mut history = History { place, met: Met::default(), mend_at_refusal };
    let mut store = history.open(&clock);
    let (ids, ledger) = history.tenant(&store).await;
    let drafts = Drafts { ids, ledger, clock: Arc::clone(&clock), epoch: 1, rights: Rights::Nobody };
    let run = RunId::from_random(random());
    let claim = crate::house::operation(|store, scope| async move {
        store.claim(scope.tenant(), 1).await.map_err(|refusal| refusal.code())?;
        Ok(crate::house::Answer::Nothing)
    });
    let setting = PutSetting {
        kind: "quota".to_owned(),
        name: "runs".to_owned(),
        expected_version: None,
        rights: Rights::Nobody,
        value: json!(5),
        block: block(vec![drafts.decision(None)]),
    };
    let at = clock();
    let beside = crate::house::operation(move |store, scope| async move {
        let tx = store.begin(&scope, Kind::Engine).map_err(|error| error.code())?;
        tx.put_snapshot(run, 2, &json!({ "at": 2 })).await.map_err(|error| error.code())?;
        let chunk = LogChunk { stream: "stdout".to_owned(), at, text: "hello".to_owned() };
        let step = StepId::parse("a").map_err(|_| Code::InvalidId)?;
        tx.append_log(run, &step, 1, chunk).await.map_err(|error| error.code())?;
        store.seal(scope.tenant()).await.map_err(|error| error.code())?;
        let events = tx.fetch_events(run, 0, 10).await.map_err(|error| error.code())?;
        assert!(events.iter().all(|event| event.payload.is_some()), "half of an event");
        Ok(crate::house::Answer::Nothing)
    });
    let operations: Vec<Do> = vec![
        claim,
        staged(Kind::Engine, drafts.bootstrap(run), |tx, draft| tx.bootstrap_run(draft)),
        staged(Kind::Engine, drafts.append(run, 2, json!({ "text": "x".repeat(9_000) })), |tx, draft| {
            tx.append_run(draft)
        }),
        staged(Kind::Act, drafts.act(Some(json!({ "why": "because" }))), |tx, draft| tx.append_act(draft)),
        staged(Kind::Act, setting, |tx, draft| tx.put_setting(draft)),
        beside,
        staged(Kind::Engine, drafts.append(run, 3, json!({})), |tx, draft| tx.append_run(draft)),
    ];
    for (place, go) in operations.iter().enumerate() {
        history.until_done(&store, ids, go).await;
        if place == 3 {
            // Closing may meet the fault as well; what was acknowledged is durable all the same.
            if let Err(error) = store.close().await {
                history.refused(error.code());
            }
            store = history.open(&clock);
        }
    }
    place.disk.mend();
    history.met.calls = place.disk.calls();
    if let Err(error) = store.close().await {
        history.refused(error.code());
    }
    prove(place, ids, run).await;
    history.met
}

/// What an orderly shutdown leaves of it, read by another store on the real file system.
async fn prove(place: &Place, ids: ScopeIds, run: RunId) {
    place.disk.flush();
    place.disk.cut();
    let target = tempfile::tempdir().unwrap();
    place.disk.restore(place.folder.path(), target.path()).unwrap();
    let now = clock();
    let options = Options {
        folder: target.path().to_owned(),
        vfs: None,
        clock: Arc::clone(&now),
        minter: Arc::new(Minter::behind_the_test_seam()),
    };
    let opened = Store::open(options, RootKey::load(&place.keys.path().join("root.key")).unwrap());
    let store = opened.unwrap_or_else(|error| panic!("{error}: {:?}", lies_there(target.path())));
    let tx = store.begin(&scope(ids), Kind::Act).unwrap();
    let events = tx.fetch_events(run, 0, 10).await.unwrap();
    assert_eq!(events.len(), 3, "acknowledged events are lost or doubled");
    assert!(events.iter().all(|event| event.payload.is_some()));
    assert_eq!(tx.setting("quota", "runs").await.unwrap().unwrap().version, 1);
    store.seal(ids.tenant_id).await.unwrap();
    // Two of the tenant's making, three events, an act and a setting: once each.
    assert_eq!(tx.ledger_size().await.unwrap(), 7);
    let keys = store.verifier_keys(ids.tenant_id).await.unwrap();
    let file = LedgerFile::open(&Store::ledger_path(target.path(), ids.tenant_id)).unwrap();
    let result = dvt_ledger::verify::verify(&file, &keys, None, &|| Timestamp::from_ms(0));
    assert_eq!(result.status, Status::Valid, "{:?}", result.findings);
    drop(file);
    store.close().await.unwrap();
}

/// Names, lengths, and the bytes of a header that tell a file's journal mode or a journal's heat.
fn lies_there(folder: &Path) -> Vec<(String, u64, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            let tells = bytes.iter().take(20).copied().collect();
            found.push((path.display().to_string(), bytes.len() as u64, tells));
        }
    }
    found
}

/// INV-29, item "I/O error at each call".
async fn walk(stride: u64) {
    let whole = play(&Place::new(), false).await;
    assert!(whole.refusals.is_empty(), "without a fault nothing is refused: {:?}", whole.refusals);
    let (mut tried, mut felt, mut refusals) = (0, 0, 0);
    for number in (1..=whole.calls).step_by(usize::try_from(stride).unwrap()) {
        let met = tokio::spawn(async move {
            let place = Place::new();
            place.disk.break_from(Fault::Io, number);
            play(&place, false).await
        });
        let met = met.await.unwrap_or_else(|_| panic!("an I/O error at call {number}: see above"));
        tried += 1;
        felt += u64::from(!met.refusals.is_empty());
        refusals += met.refusals.len();
        assert_eq!(met.acknowledged, whole.acknowledged, "call {number}");
        let allowed = [Code::LedgerUnavailable, Code::NotFound, Code::LedgerIntegrityFailed];
        assert!(met.refusals.iter().all(|code| allowed.contains(code)), "call {number}: {:?}", met.refusals);
    }
    println!(
        "I/O error at {tried} of {} calls: {felt} felt, {refusals} coded refusals, 0 half-written, 0 stuck",
        whole.calls
    );
    // The control: errors that nobody feels would prove nothing.
    assert!(felt * 2 > tried, "{felt} of {tried}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_io_error_at_each_call_is_refused_and_passes() {
    let asked = std::env::var("DVT_FAULT_STRIDE").ok().map(|text| text.parse().unwrap());
    walk(asked.unwrap_or(STRIDE)).await;
}

/// A disk that is full, read-only or dead for a while, from many places on: refusals with a code until it is mended.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_a_read_only_and_a_dead_disk_refuse_until_they_are_mended() {
    let whole = play(&Place::new(), true).await;
    for (fault, parts) in [(Fault::Full, 24), (Fault::ReadOnly, 72), (Fault::Dead, 24)] {
        let (mut tried, mut felt) = (0, 0);
        for part in 0..parts {
            let place = Place::new();
            place.disk.break_from(fault, 1 + whole.calls * part / parts);
            let met = play(&place, true).await;
            tried += 1;
            felt += u64::from(!met.refusals.is_empty());
            assert_eq!(met.acknowledged, whole.acknowledged, "{fault:?} from part {part}");
        }
        println!(
            "{fault:?} from {tried} places on: {felt} felt, each refused with a code and went on when mended"
        );
        assert!(felt * 2 > tried, "{fault:?}: {felt} of {tried}");
    }
}
