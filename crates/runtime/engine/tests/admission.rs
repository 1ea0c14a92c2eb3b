//! Between the request and the run's first turn: who goes away, who asks again, and who was there first.

use crate::forwarding::LONG;
use crate::house::{House, block_on};
use dvt_engine::client::Client;
use dvt_model::code::Code;
use dvt_model::digest::Digest;
use dvt_model::entry::PayloadClass;
use dvt_model::id::{BlockId, EntryId, EventId, RunId};
use dvt_model::proof::{PlanCreate, RunReadStatus, RunStart};
use dvt_model::resource::{Plan, Project};
use dvt_model::run::RunStatus;
use dvt_store::port::operation::{AppendRun, BlockDraft, EntryDraft};
use dvt_store::port::transaction::Kind;
use serde_json::json;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use tokio::sync::Notify;

const QUICK: &str = "
apiVersion: dvt/v1
name: quick
steps:
  nothing: { uses: dvt/noop@1 }
";

struct Bell(Notify);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.notify_one();
    }
}

async fn only_run(house: &House) -> Option<RunId> {
    let transaction = house.store.begin(&house.scope(house.tenant), Kind::Act).unwrap();
    transaction.list_runs(10, None).await.unwrap().rows.first().map(|row| row.metadata.run_id)
}

/// What was admitted goes on, also when whoever asked went away before the answer.
pub(crate) fn a_caller_who_goes_away_leaves_a_run_that_goes_on() {
    block_on(async {
        let house = House::new().await;
        let client = house.attach().await;
        let request = house.request(QUICK, &[]);
        let project = Project { id: house.tenant.ids.project_id, scope: house.tenant.ids };
        let publish = house.proof::<_, PlanCreate>(house.tenant, project);
        let start =
            house.proof::<_, RunStart>(house.tenant, Plan { id: request.plan_id, scope: house.tenant.ids });
        let run = {
            let mut starting = pin!(client.start_run(&publish, &start, request));
            let bell = Arc::new(Bell(Notify::new()));
            let waker = Waker::from(Arc::clone(&bell));
            loop {
                match starting.as_mut().poll(&mut Context::from_waker(&waker)) {
                    Poll::Ready(answer) => break answer.unwrap().run_id,
                    // It moves only when we let it: here the run is durable, and whoever asked has not heard of it.
                    Poll::Pending => bell.0.notified().await,
                }
                if let Some(run) = only_run(&house).await {
                    break run;
                }
            }
        };
        client.follow(&house.run_proof::<RunReadStatus>(house.tenant, run)).await.unwrap();
        assert_eq!(house.to_the_end(&client, run).await, RunStatus::Completed);
    });
}

/// RunQueued was durable and the engine died before the answer: the next one goes on with it for whoever asks again.
pub(crate) fn a_start_asked_again_at_the_next_engine_goes_on() {
    block_on(async {
        let house = House::new().await;
        let client = house.attach().await;
        let request = house.request(LONG, &[]);
        let run = house.start(&client, request.clone()).await.unwrap().run_id;
        house.until(&client, run, |names| names.contains(&"StepStarted sleep".to_owned())).await;
        client.close().await.unwrap();
        let client = house.attach().await;
        // INV-29: one run; asking twice at once recovers it once.
        let again =
            tokio::join!(house.start(&client, request.clone()), house.start(&client, request.clone()));
        for answer in [again.0.unwrap(), again.1.unwrap()] {
            assert_eq!((answer.run_id, answer.idempotent), (run, true));
        }
        house.until(&client, run, |names| names.contains(&"StepRedispatched sleep".to_owned())).await;
        house.cancel(house.tenant, &client, run, "stop").await.unwrap();
        assert_eq!(house.to_the_end(&client, run).await, RunStatus::Cancelled);
        let names = house.names(run).await;
        assert_eq!(names.iter().filter(|name| name.starts_with("StepRedispatched")).count(), 1);
        // Control: what has ended is answered and no more.
        assert_eq!(house.start(&client, request).await.unwrap().status, RunStatus::Cancelled);
        assert_eq!(house.names(run).await, names);
    });
}

async fn started(house: &House, client: &Client, name: &str) -> RunId {
    let mut request = house.request(LONG, &[]);
    request.plan_id = dvt_model::id::PlanId::from_random([7; 16]);
    request.run_request_id = dvt_model::id::RunRequestId::parse(name).unwrap();
    let run = house.start(client, request).await.unwrap().run_id;
    house.until(client, run, |names| names.contains(&"StepStarted sleep".to_owned())).await;
    run
}

/// An event of a later release, written under the engine's own epoch and behind its back.
pub(crate) async fn write_behind(house: &House, run: RunId) {
    let last = house.events(run).await.pop().unwrap().envelope;
    let transaction = house.store.begin(&house.scope(house.tenant), Kind::Engine).unwrap();
    let row = transaction.run(run).await.unwrap().unwrap();
    let mut envelope = last;
    envelope.entry_id = EntryId::from_random([1; 16]);
    envelope.event_name = Some("StepNoticed".to_owned());
    envelope.payloads = Vec::new();
    envelope.usage = None;
    if let Some(part) = &mut envelope.run {
        part.run_seq = row.last_run_seq + 1;
        part.event_id = EventId::from_random([2; 16]);
        part.idempotency_key = Digest::of(b"noticed").to_string();
    }
    let mut transaction = house.store.begin(&house.scope(house.tenant), Kind::Engine).unwrap();
    transaction.append_run(AppendRun {
        run_id: run,
        expected_run_seq: row.last_run_seq,
        engine_epoch: house.store.lease().read().unwrap().unwrap().epoch,
        signal: None,
        block: BlockDraft {
            block_id: BlockId::from_random([3; 16]),
            entries: vec![EntryDraft { envelope, payload: Some((PayloadClass::Standard, json!({}))) }],
        },
        status: row.status,
    });
    transaction.commit().await.unwrap();
}

/// A run whose memory is old is given up alone while the epoch is ours; the engine and its other runs go on.
pub(crate) fn a_run_that_was_written_beside_its_engine_is_given_up_alone() {
    block_on(async {
        let house = House::new().await;
        let client = house.attach().await;
        let (old, other) = (started(&house, &client, "old").await, started(&house, &client, "other").await);
        let epoch = house.store.lease().read().unwrap().unwrap().epoch;
        write_behind(&house, old).await;
        let problem = house.cancel(house.tenant, &client, old, "stop-1").await.unwrap_err();
        assert_eq!(problem.code, Code::LedgerUnavailable);
        // Nobody else has lost anything.
        house.cancel(house.tenant, &client, other, "stop-2").await.unwrap();
        assert_eq!(house.to_the_end(&client, other).await, RunStatus::Cancelled);
        assert!(!house.names(other).await.iter().any(|name| name.starts_with("StepRedispatched")));
        // And the one that was given up goes on from what its ledger says.
        house.resume(&client, old).await.unwrap();
        house.cancel(house.tenant, &client, old, "stop-3").await.unwrap();
        assert_eq!(house.to_the_end(&client, old).await, RunStatus::Cancelled);
        assert_eq!(house.store.lease().read().unwrap().unwrap().epoch, epoch);
    });
}

/// What the core decides at once may be more than one block of the ledger holds.
pub(crate) fn turns_larger_than_a_block_are_written() {
    block_on(async {
        let house = House::new().await;
        let client = house.attach().await;
        let noops: String = (0..6_000).map(|at| format!("  n{at}: {{ uses: dvt/noop@1 }}\n")).collect();
        let skipped: String =
            (0..12_000).map(|at| format!("  n{at}: {{ uses: dvt/noop@1, needs: first }}\n")).collect();
        let first = "  first: { uses: dvt/noop@1, if: '1 > 2' }\n";
        for (name, steps, events) in
            [("noops", noops, 2 + 2 * 6_000 + 1), ("skips", format!("{first}{skipped}"), 2 + 1 + 12_000 + 1)]
        {
            let plan = format!("apiVersion: dvt/v1\nname: {name}\nsteps:\n{steps}");
            let run = house.start(&client, house.request(&plan, &[])).await.unwrap().run_id;
            assert_eq!(house.to_the_end(&client, run).await, RunStatus::Completed, "{name}");
            let transaction = house.store.begin(&house.scope(house.tenant), Kind::Act).unwrap();
            assert_eq!(transaction.run(run).await.unwrap().unwrap().last_run_seq, events, "{name}");
        }
    });
}

const ALWAYS: &str = r#"
apiVersion: dvt/v1
name: always
inputs: { path: { type: string } }
steps:
  sleep: { run: [sleep, '600'] }
  last: { run: [touch, '${{ inputs.path }}'], needs: sleep, if: always() }
"#;

/// Power: cancelling what no engine works on may keep the recorded word and never widen it.
pub(crate) fn a_cold_cancel_needs_the_owners_word() {
    block_on(async {
        let house = House::new().await;
        let (client, other) = (house.attach().await, house.attach().await);
        for (name, canceller, word) in
            [("without", &other, false), ("with", &other, true), ("own", &client, true)]
        {
            let witness = house.file(name);
            let mut request = house.request(ALWAYS, &[("path", json!(witness.to_str().unwrap()))]);
            request.plan_id = dvt_model::id::PlanId::from_random([7; 16]);
            request.run_request_id = dvt_model::id::RunRequestId::parse(name).unwrap();
            let run = house.start(&client, request).await.unwrap().run_id;
            house.until(&client, run, |names| names.contains(&"StepStarted sleep".to_owned())).await;
            client.stop_hard().await;
            // What was read of the ledger may be newer than what was told: all news, and then that it was given up.
            let mut known = 0;
            while let Ok(news) = client.progress(run, known).await {
                known = news.last_run_seq;
            }
            let proof = house.run_proof(house.tenant, run);
            let signal = dvt_model::id::SignalId::parse(name).unwrap();
            if name == "with" {
                canceller.cancel_run_with_word(&proof, house.record(&proof), signal, true).await.unwrap();
            } else {
                // Without a word of its own: that by which the client attends the run, if it does.
                canceller.cancel_run(&proof, house.record(&proof), signal).await.unwrap();
            }
            assert_eq!(house.to_the_end(canceller, run).await, RunStatus::Cancelled);
            assert_eq!(witness.exists(), word, "{name}");
            if !word {
                let failed = house.payload(run, "StepFailed", Some("last")).await;
                assert_eq!(failed["failure"]["errorCode"], json!("SANDBOX_UNAVAILABLE"));
            }
        }
    });
}
