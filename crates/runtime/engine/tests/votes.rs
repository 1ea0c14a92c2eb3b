//! What the plan asks of whoever acts, and what a vote's record says it was about.

use crate::house::{House, block_on};
use dvt_engine::client::Client;
use dvt_engine::{Acted, Asked, Problem};
use dvt_model::action::Role;
use dvt_model::code::Code;
use dvt_model::deed::Deed;
use dvt_model::id::{PlanId, RunId, SignalId, StepId};
use dvt_model::proof::{Authorized, Permits, SignalSend, StepApprove};
use dvt_model::resource::Run;
use dvt_model::run::RunStatus;
use serde_json::{Value, json};

const PLAN: &str = r#"
apiVersion: dvt/v1
name: gated
inputs: { day: { type: string } }
steps:
  count: { uses: dvt/noop@1, with: { output: { rows: 3 } } }
  gate: { needs: count, approval: { role: engineer } }
  go: { needs: gate, signal: { name: go, role: engineer } }
"#;

async fn started(house: &House, client: &Client, day: &str) -> RunId {
    let mut request = house.request(PLAN, &[("day", json!(day))]);
    request.plan_id = PlanId::from_random([9; 16]);
    let run = house.start(client, request).await.unwrap().run_id;
    house.until(client, run, |names| names.iter().any(|name| name == "StepStarted gate")).await;
    run
}

async fn act<A: Permits>(
    house: &House,
    client: &Client,
    (run, roles): (RunId, &[Role]),
    deed: Deed,
    signal: &str,
) -> Result<Acted, Problem> {
    let proof: Authorized<Run, A> =
        house.proof_with(roles, house.tenant, Run { id: run, scope: house.tenant.ids });
    let record = deed.operation().map(|operation| house.record_of(&proof, operation));
    let asked = Asked { deed, record, signal_id: SignalId::parse(signal).unwrap() };
    client.act_on_run(&proof, asked, false).await
}

/// An operator may vote and send (the actions are granted), but not where the step names a higher role. The control is an engineer.
pub(crate) fn a_role_that_a_step_names_is_asked_for() {
    block_on(async {
        let house = House::new().await;
        let client = house.attach().await;
        let run = started(&house, &client, "monday").await;
        let approve = || Deed::Approve { step_id: StepId::parse("gate").unwrap() };
        let send = || Deed::Send { name: "go".to_owned(), payload: Value::Null };
        let (operator, engineer) = (&[Role::Operator][..], &[Role::Engineer][..]);
        for deed in [approve(), Deed::Reject { step_id: StepId::parse("gate").unwrap() }] {
            let refused = act::<StepApprove>(&house, &client, (run, operator), deed, "v1").await;
            assert_eq!(refused.unwrap_err().code, Code::AuthzDenied);
        }
        let refused = act::<SignalSend>(&house, &client, (run, operator), send(), "s1").await;
        assert_eq!(refused.unwrap_err().code, Code::AuthzDenied);
        let names = house.names(run).await;
        assert!(
            !names.iter().any(|name| name.starts_with("StepVoted") || name == "SignalReceived"),
            "{names:?}"
        );
        assert!(house.records(&client, run).await.is_empty(), "a vote that is refused leaves no record");

        act::<StepApprove>(&house, &client, (run, engineer), approve(), "v2").await.unwrap();
        act::<SignalSend>(&house, &client, (run, engineer), send(), "s2").await.unwrap();
        assert_eq!(house.to_the_end(&client, run).await, RunStatus::Completed);
        client.close().await.unwrap();
    });
}

/// The record names the plan, and by an HMAC the inputs and outputs that stood there; it can be checked by whoever reads those.
pub(crate) fn a_vote_says_what_it_was_about() {
    block_on(async {
        let house = House::new().await;
        let client = house.attach().await;
        let run = started(&house, &client, "monday").await;
        let deed = Deed::Approve { step_id: StepId::parse("gate").unwrap() };
        act::<StepApprove>(&house, &client, (run, &[Role::Engineer]), deed, "v1").await.unwrap();
        let records = house.records(&client, run).await;
        let [record] = records.as_slice() else { panic!("{records:#?}") };
        let queued = house.payload(run, "RunQueued", None).await;
        assert_eq!(record["planDigest"], queued["planDigest"]);
        let shown = |day: &str, rows: u64| json!({ "shown": { "inputs": { "day": day }, "outputs": { "count": { "rows": rows } } } });
        let transaction =
            house.store.begin(&house.scope(house.tenant), dvt_store::port::transaction::Kind::Act);
        let transaction = transaction.unwrap();
        let mac = async |run: RunId, value: Value| {
            Value::from(dvt_model::digest::hex(&transaction.run_mac(run, &value).await.unwrap()))
        };
        assert_eq!(record["shownHmac"], mac(run, shown("monday", 3)).await);
        assert_ne!(record["shownHmac"], mac(run, shown("tuesday", 3)).await);
        assert_ne!(record["shownHmac"], mac(run, shown("monday", 4)).await);
        // The key is the run's: the same values in another run tell nothing about each other.
        let other = started(&house, &client, "monday").await;
        assert_ne!(record["shownHmac"], mac(other, shown("monday", 3)).await);
        assert!(transaction.run_mac(RunId::from_random([7; 16]), &json!(1)).await.is_err());
        house.cancel(house.tenant, &client, other, "c").await.unwrap();
        house.cancel(house.tenant, &client, run, "c").await.unwrap();
        client.close().await.unwrap();
    });
}

/// The same proof again, as it comes when an answer is lost: what was refused stays refused, with its code, and is entered once; what
/// was accepted stays accepted.
pub(crate) fn the_same_proof_again_is_what_it_was_the_first_time() {
    block_on(async {
        let house = House::new().await;
        let client = house.attach().await;
        let run = started(&house, &client, "monday").await;
        let resource = || Run { id: run, scope: house.tenant.ids };
        let vote = |roles: &[Role]| -> (Authorized<Run, StepApprove>, Asked) {
            let proof = house.proof_with(roles, house.tenant, resource());
            let deed = Deed::Approve { step_id: StepId::parse("gate").unwrap() };
            let record = deed.operation().map(|operation| house.record_of(&proof, operation));
            (proof, Asked { deed, record, signal_id: SignalId::parse("v").unwrap() })
        };
        let twice = async |(proof, asked): (Authorized<Run, StepApprove>, Asked)| {
            let first = client.act_on_run(&proof, asked.clone(), false).await;
            let again = client.act_on_run(&proof, asked, false).await;
            let code = |answer: Result<Acted, Problem>| answer.map_err(|problem| problem.code);
            (code(first), code(again))
        };
        let denied = Err(Code::AuthzDenied);
        assert_eq!(twice(vote(&[Role::Operator])).await, (denied, denied));
        let accepted = Ok(Acted { status: RunStatus::Running, duplicate: false });
        assert_eq!(twice(vote(&[Role::Engineer])).await, (accepted, accepted), "control");
        // Another asking is no lost answer: it is told that the vote stands already.
        let repeated = Ok(Acted { status: RunStatus::Running, duplicate: true });
        assert_eq!(twice(vote(&[Role::Engineer])).await.0, repeated);
        let stray = |signal| {
            let deed = Deed::Send { name: "stray".to_owned(), payload: Value::Null };
            act::<SignalSend>(&house, &client, (run, &[Role::Engineer]), deed, signal)
        };
        assert!(!stray("s1").await.unwrap().duplicate && stray("s1").await.unwrap().duplicate);
        assert!(!stray("s2").await.unwrap().duplicate);
        let proof = house.run_proof::<SignalSend>(house.tenant, run);
        for _ in 0..2 {
            let refused = client.resume_run(&proof, true).await;
            assert_eq!(refused.unwrap_err().code, Code::InvalidStateTransition, "an engine works on it");
        }
        house.cancel(house.tenant, &client, run, "c").await.unwrap();
        assert_eq!(house.to_the_end(&client, run).await, RunStatus::Cancelled);
        let over = Err(Code::RunTerminal);
        assert_eq!(twice(vote(&[Role::Engineer])).await, (over, over));
        assert_eq!(client.resume_run(&proof, true).await.unwrap_err().code, Code::InvalidStateTransition);
        client.close().await.unwrap();
    });
}
