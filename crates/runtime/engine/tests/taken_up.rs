//! Runs that no engine works on and somebody takes up: for one act, or to go on.

use crate::house::{House, block_on};
use dvt_engine::Asked;
use dvt_engine::client::Client;
use dvt_model::code::Code;
use dvt_model::deed::Deed;
use dvt_model::id::{PlanId, RunId, SignalId, StepId};
use dvt_model::proof::{Authorized, Permits, SignalSend, StepApprove};
use dvt_model::resource::Run;
use dvt_model::run::RunStatus;
use serde_json::json;

/// A program stands behind an approval, and nothing else keeps it from starting.
const GATE: &str = r#"
apiVersion: dvt/v1
name: gate
inputs: { witness: { type: string } }
steps:
  release: { approval: { role: operator } }
  two:
    needs: release
    script: echo "$DVT_TOKEN" >> "$WITNESS"
    env: { WITNESS: '${{ inputs.witness }}' }
"#;

async fn act<A: Permits>(house: &House, client: &Client, run: RunId, deed: Deed, signal: &str) -> RunStatus {
    let proof: Authorized<Run, A> = house.run_proof(house.tenant, run);
    let record = deed.operation().map(|operation| house.record_of(&proof, operation));
    let asked = Asked { deed, record, signal_id: SignalId::parse(signal).unwrap() };
    // With the owner's word, so that nothing but rest keeps the program from starting.
    client.act_on_run(&proof, asked, true).await.unwrap().status
}

/// A run that is open, has a program to start, and that nobody works on.
async fn resting(house: &House, number: u32) -> RunId {
    let client = house.attach().await;
    let witness = house.file(&format!("witness-{number}"));
    let mut request = house.request(GATE, &[("witness", json!(witness.to_str().unwrap()))]);
    request.plan_id = PlanId::from_random([5; 16]);
    let run = house.start(&client, request).await.unwrap().run_id;
    house.until(&client, run, |names| names.contains(&"StepStarted release".to_owned())).await;
    act::<SignalSend>(house, &client, run, Deed::Pause {}, &format!("pause-{number}")).await;
    client.close().await.unwrap();
    let client = house.attach().await;
    let release = Deed::Approve { step_id: StepId::parse("release").unwrap() };
    act::<StepApprove>(house, &client, run, release, &format!("vote-{number}")).await;
    let status = act::<SignalSend>(house, &client, run, Deed::Resume {}, &format!("resume-{number}")).await;
    assert_eq!(status, RunStatus::Running);
    client.close().await.unwrap();
    run
}

/// Contract 4.10: an act wakes nothing. What goes on with the run does what it was asked first, and the run goes on after it: else
/// its steps would start before what was running is settled, and would be given out a second time with that.
pub(crate) fn a_run_goes_on_by_the_resume_alone_and_after_it() {
    block_on(async {
        let house = House::new().await;
        for number in 0..16 {
            let run = resting(&house, number).await;
            let names = house.names(run).await;
            assert_eq!(names.last().unwrap(), "RunResumed", "{names:?}");
            let client = house.attach().await;
            let epoch = house.store.lease().read().unwrap().unwrap().epoch;
            let proof = house.run_proof::<SignalSend>(house.tenant, run);
            // Its answer is that of the moment before anything starts.
            assert_eq!(client.resume_run(&proof, true).await.unwrap(), RunStatus::Running, "{number}");
            // Control: now it is worked on, with the host's power.
            assert_eq!(house.to_the_end(&client, run).await, RunStatus::Completed, "{number}");
            assert_eq!(house.store.lease().read().unwrap().unwrap().epoch, epoch, "{number}: asked twice");
            let names = house.names(run).await;
            assert!(!names.iter().any(|name| name.starts_with("StepRedispatched")), "{number}: {names:?}");
            let tokens = std::fs::read_to_string(house.file(&format!("witness-{number}"))).unwrap();
            assert_eq!(tokens.lines().count(), 1, "{number}: {names:?}");
            client.close().await.unwrap();
        }
    });
}

/// The answer to a resume may be lost with its engine; the same proof asks again, and the run may have ended since.
pub(crate) fn a_resume_asked_again_after_the_end_has_its_first_answer() {
    block_on(async {
        let house = House::new().await;
        let run = resting(&house, 0).await;
        let client = house.attach().await;
        let proof = house.run_proof::<SignalSend>(house.tenant, run);
        client.resume_run(&proof, true).await.unwrap();
        assert_eq!(house.to_the_end(&client, run).await, RunStatus::Completed);
        let events = house.names(run).await;
        assert_eq!(client.resume_run(&proof, true).await.unwrap(), RunStatus::Completed);
        client.close().await.unwrap();
        let client = house.attach().await;
        assert_eq!(client.resume_run(&proof, true).await.unwrap(), RunStatus::Completed);
        // Control: another proof was never accepted.
        assert_eq!(house.resume(&client, run).await.unwrap_err().code, Code::RunTerminal);
        assert_eq!(house.names(run).await, events);
    });
}
