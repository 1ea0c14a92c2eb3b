//! The approval that a tenant puts before its runs.

use crate::house::{House, Tenant, block_on};
use dvt_engine::client::Client;
use dvt_engine::{Asked, Problem};
use dvt_model::code::Code;
use dvt_model::deed::Deed;
use dvt_model::id::{PlanId, PrincipalId, RunId, RunRequestId, SignalId, StepId};
use dvt_model::proof::StepApprove;
use dvt_model::run::RunStatus;
use serde_json::{Value, json};

const PLAN: &str = "apiVersion: dvt/v1\nname: quick\nsteps:\n  one: { uses: dvt/noop@1 }\n";

async fn start(house: &House, client: &Client, name: &str) -> Result<RunId, Problem> {
    let mut request = house.request(PLAN, &[]);
    request.plan_id = PlanId::from_random([7; 16]);
    request.run_request_id = RunRequestId::parse(name).unwrap();
    Ok(house.start(client, request).await?.run_id)
}

async fn approve(house: &House, client: &Client, who: Tenant, run: RunId) -> Result<RunStatus, Problem> {
    let deed = Deed::Approve { step_id: StepId::gate() };
    let proof = house.run_proof::<StepApprove>(who, run);
    let record = house.record_of(&proof, deed.operation().unwrap());
    let signal_id = SignalId::parse("unused").unwrap();
    let asked = Asked { deed, record: Some(record), signal_id };
    Ok(client.act_on_run(&proof, asked, false).await?.status)
}

/// A run waits for the approval of somebody else than its starter, also after another engine took it up; one that was queued before
/// the setting does not, and a setting that is no approval lets nothing start.
pub(crate) fn a_run_waits_for_the_tenants_approval() {
    block_on(async {
        let house = House::new().await;
        let client = house.attach().await;
        // Control: nobody set one.
        let free = start(&house, &client, "free").await.unwrap();
        assert_eq!(house.to_the_end(&client, free).await, RunStatus::Completed);
        house.set("runApproval", None, json!({ "role": "operator", "min": 1 })).await;
        let run = start(&house, &client, "gated").await.unwrap();
        let begun = "StepStarted dvt.approval".to_owned();
        house.until(&client, run, |names| names.contains(&begun)).await;
        assert!(!house.names(run).await.contains(&"StepStarted one".to_owned()));
        client.close().await.unwrap();

        let client = house.attach().await;
        house.resume(&client, run).await.unwrap();
        let refused = approve(&house, &client, house.tenant, run).await.unwrap_err();
        assert_eq!(refused.code, Code::AuthzDenied, "the starter votes for no run of its own");
        let other = Tenant { member: PrincipalId::from_random([5; 16]), ..house.tenant };
        approve(&house, &client, other, run).await.unwrap();
        assert_eq!(house.to_the_end(&client, run).await, RunStatus::Completed);
        assert_eq!(house.payload(run, "RunQueued", None).await["approvalGate"]["min"], json!(1));

        for (version, value) in [(1, json!({ "role": "operator", "min": 0 })), (2, Value::Null)] {
            house.set("runApproval", Some(version), value).await;
            let refused = start(&house, &client, "malformed").await.unwrap_err();
            assert_eq!(refused.code, Code::ConfigInvalid);
        }
    });
}
