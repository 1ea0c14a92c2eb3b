//! Runs of sub-plans whose parent ends them at the very moment at which they are given up: they end, whoever goes on with them.

use crate::admission::write_behind;
use crate::house::{House, block_on};
use dvt_engine::Asked;
use dvt_engine::client::{Client, StartRequest};
use dvt_model::deed::Deed;
use dvt_model::digest::Digest;
use dvt_model::id::{PlanId, RunId, SignalId};
use dvt_model::proof::{RunReadStatus, SignalSend};
use dvt_model::run::RunStatus;
use dvt_plan::diagnostic::Source;
use dvt_plan::sub_plan::{Found, SubPlans, Wanted};
use dvt_plan::{Checked, Surroundings};
use dvt_store::port::transaction::Kind;
use serde_json::json;

const PARENT: &str = "apiVersion: dvt/v1\nname: parent\nsteps:\n  below: { plan: ./child.yaml }\n";

struct Child;

impl SubPlans for Child {
    fn find(&self, _: &Wanted<'_>) -> Result<Found, String> {
        let text = "apiVersion: dvt/v1\nname: child\nsteps:\n  waits: { signal: go }\n".to_owned();
        Ok(Found::Written(Source { name: "child.yaml".to_owned(), text }))
    }

    fn pack(&self, _: &Source, _: &Checked) -> Result<Option<Digest>, String> {
        Ok(None)
    }
}

/// A parent and its child, which waits.
async fn family(house: &House, client: &Client) -> (RunId, RunId) {
    let source = Source { name: "plan.yaml".to_owned(), text: PARENT.to_owned() };
    let surroundings = Surroundings { sub_plans: &Child, ..Surroundings::default() };
    let checked = dvt_plan::check_with(&source, &surroundings).checked.unwrap();
    let transaction = house.store.begin(&house.scope(house.tenant), Kind::Act).unwrap();
    for (digest, document) in &checked.sub_plans {
        let bytes = dvt_model::canonical::to_bytes(document).unwrap();
        transaction.put_bundle(*digest, &bytes).await.unwrap();
    }
    let request = StartRequest {
        plan_version: format!("0.0.0-dev.d{}", &checked.digest().hex()[..12]),
        plan_document: checked.canonical.into_value(),
        plan_id: PlanId::from_random([9; 16]),
        ..house.request("apiVersion: dvt/v1\nname: parent\nsteps:\n  one: { uses: dvt/noop@1 }\n", &[])
    };
    let parent = house.start(client, request).await.unwrap().run_id;
    house.until(client, parent, |names| names.iter().any(|name| name == "StepStarted below")).await;
    let started = house.payload(parent, "StepStarted", Some("below")).await;
    let child = RunId::parse(started["childRunId"].as_str().unwrap()).unwrap();
    // Its run is there a moment after the step of its parent.
    let proof = house.run_proof::<RunReadStatus>(house.tenant, child);
    while client.follow(&proof).await.is_err() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    house.until(client, child, |names| names.iter().any(|name| name == "StepStarted waits")).await;
    (parent, child)
}

/// Follows a run until it is given up.
pub(crate) async fn until_given_up(house: &House, client: &Client, run: RunId) {
    let mut known = 0;
    while let Ok(progress) = client.progress(run, known).await {
        assert!(!progress.status.is_terminal(), "control: {:?}", house.names(run).await);
        known = progress.last_run_seq;
    }
}

async fn stop(house: &House, client: &Client, run: RunId) {
    let proof = house.run_proof::<SignalSend>(house.tenant, run);
    let deed = Deed::EmergencyStop { force_kill: true };
    let record = Some(house.record_of(&proof, deed.operation().unwrap()));
    let asked = Asked { deed, record, signal_id: SignalId::parse("stop").unwrap() };
    client.act_on_run(&proof, asked, true).await.unwrap();
}

/// What its parent said to it last was never written: it cannot be, for somebody else wrote in its ledger.
async fn given_up(house: &House, client: &Client, is_stop: bool) -> RunId {
    let (parent, child) = family(house, client).await;
    write_behind(house, child).await;
    if is_stop {
        stop(house, client, parent).await;
    } else {
        house.cancel(house.tenant, client, parent, "cancel").await.unwrap();
    }
    assert_eq!(house.to_the_end(client, parent).await, RunStatus::Cancelled);
    until_given_up(house, client, child).await;
    assert!(!house.names(child).await.iter().any(|name| name.starts_with("RunCancel")), "control");
    child
}

pub(crate) fn a_cancel_that_its_child_could_not_write_is_said_again() {
    for (is_stop, last) in [(false, "RunCancelRequested"), (true, "RunCancelled")] {
        block_on(async {
            let house = House::new().await;
            let client = house.attach().await;
            let child = given_up(&house, &client, is_stop).await;
            house.resume(&client, child).await.unwrap();
            let event = house.payload(child, last, None).await;
            assert_eq!(event["cause"], json!(if is_stop { "EMERGENCY_STOP" } else { "PARENT" }));
            assert_eq!(house.to_the_end(&client, child).await, RunStatus::Cancelled);
        });
    }
}

pub(crate) fn the_next_engine_ends_a_child_that_nobody_waits_for() {
    block_on(async {
        let house = House::new().await;
        let client = house.attach().await;
        let child = given_up(&house, &client, false).await;
        // Control: one that is waited for goes on as it was.
        let (waiting, waited_for) = family(&house, &client).await;
        client.close().await.unwrap();
        let client = dvt_engine::reside(house.parts.clone()).await.unwrap();
        client.follow(&house.run_proof::<RunReadStatus>(house.tenant, child)).await.unwrap();
        assert_eq!(house.to_the_end(&client, child).await, RunStatus::Cancelled);
        for run in [waiting, waited_for] {
            client.follow(&house.run_proof::<RunReadStatus>(house.tenant, run)).await.unwrap();
        }
        let proof = house.run_proof::<SignalSend>(house.tenant, waited_for);
        let deed = Deed::Send { name: "go".to_owned(), payload: json!({}) };
        let asked = Asked { deed, record: None, signal_id: SignalId::parse("go").unwrap() };
        client.act_on_run(&proof, asked, false).await.unwrap();
        assert_eq!(house.to_the_end(&client, waiting).await, RunStatus::Completed);
    });
}
