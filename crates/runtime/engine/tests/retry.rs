//! RETRY_RUN: a new run in the place of one that has ended, what it takes over, and what it is refused for.

use crate::house::{House, block_on};
use dvt_engine::client::{Again, Client, StartAnswer};
use dvt_engine::{Asked, Problem};
use dvt_model::code::Code;
use dvt_model::deed::{Deed, RetryFrom};
use dvt_model::id::{RunId, SignalId};
use dvt_model::resource::Plan;
use dvt_model::run::RunStatus;
use serde_json::json;
use std::path::Path;

/// `first` counts its runs, `second` fails until its file is there and reads what `first` left.
const PLAN: &str = r#"
apiVersion: dvt/v1
name: shaky
inputs: { count: { type: string }, go: { type: string } }
steps:
  first:
    script: |
      echo run >> "$COUNT"
      wc -l < "$COUNT"
    output: text
    env: { COUNT: '${{ inputs.count }}' }
  second:
    script: |
      [ -e "$GO" ]
      echo "$FOUND"
    output: text
    env: { GO: '${{ inputs.go }}', FOUND: '${{ steps.first.output }}' }
  third: { uses: dvt/noop@1, needs: second }
outputs: { found: '${{ steps.second.output }}' }
"#;

fn count(path: &Path) -> usize {
    std::fs::read_to_string(path).unwrap_or_default().lines().count()
}

struct Shaky<'h> {
    house: &'h House,
    plan: dvt_model::id::PlanId,
}

impl Shaky<'_> {
    async fn start(&self, client: &Client) -> RunId {
        let path = |name: &str| json!(self.house.file(name).to_str().unwrap());
        let mut request = self.house.request(PLAN, &[("count", path("count")), ("go", path("go"))]);
        request.plan_id = self.plan;
        self.house.start(client, request).await.unwrap().run_id
    }

    async fn retry(
        &self,
        client: &Client,
        run: RunId,
        (from, force): (RetryFrom, bool),
        signal: &str,
    ) -> Result<StartAnswer, Problem> {
        let deed = Deed::RetryRun { from, force };
        let proof = self.house.run_proof::<dvt_model::proof::SignalSend>(self.house.tenant, run);
        let record = self.house.record_of(&proof, deed.operation().unwrap());
        self.ask(
            client,
            run,
            Asked { deed, record: Some(record), signal_id: SignalId::parse(signal).unwrap() },
        )
        .await
    }

    async fn ask(&self, client: &Client, run: RunId, asked: Asked) -> Result<StartAnswer, Problem> {
        let ids = self.house.tenant.ids;
        let start = self.house.proof(self.house.tenant, Plan { id: self.plan, scope: ids });
        let signal = self.house.run_proof(self.house.tenant, run);
        client.retry_run(&start, &signal, asked, Again { host_allowed: true, detached: false }).await
    }
}

fn shaky(house: &House) -> Shaky<'_> {
    Shaky { house, plan: dvt_model::id::PlanId::from_random([7; 16]) }
}

/// What completed is taken over with its output and is not run again; the old run is not touched; the same signal is the same run.
pub(crate) fn a_run_goes_on_from_what_completed_in_another() {
    block_on(async {
        let house = House::new().await;
        let (engine, client) = (house.attach().await, house.attach().await);
        let shaky = shaky(&house);
        let old = shaky.start(&engine).await;
        assert_eq!(house.to_the_end(&engine, old).await, RunStatus::Failed);
        let before = house.names(old).await;
        std::fs::write(house.file("go"), "").unwrap();
        // From another process than the engine's.
        let new = shaky.retry(&client, old, (RetryFrom::Failed, false), "again").await.unwrap();
        assert!(!new.idempotent && new.run_id != old);
        assert_eq!(house.to_the_end(&client, new.run_id).await, RunStatus::Completed);
        assert_eq!(count(&house.file("count")), 1);
        let names = house.names(new.run_id).await;
        assert_eq!(names[..3], ["RunQueued", "RunStarted", "StepReused first"]);
        assert!(!names.contains(&"StepStarted first".to_owned()));
        let reused = house.payload(new.run_id, "StepReused", Some("first")).await;
        let (original, event) = (&reused["originalRunId"], &reused["originalEventId"]);
        let done = house.events(old).await.into_iter().find(|event| {
            event.envelope.event_name.as_deref() == Some("StepCompleted")
                && event.envelope.step_id.as_deref() == Some("first")
        });
        assert_eq!((original, event), (&json!(old), &json!(done.unwrap().envelope.run.unwrap().event_id)));
        let outputs = house.payload(new.run_id, "RunCompleted", None).await["outputs"].clone();
        assert_eq!(outputs["found"].as_str().unwrap().trim(), "1");
        assert_eq!(house.names(old).await, before);
        let again = shaky.retry(&client, old, (RetryFrom::Failed, false), "again").await.unwrap();
        assert_eq!((again.run_id, again.idempotent), (new.run_id, true));
        let other = shaky.retry(&client, old, (RetryFrom::Start, false), "again").await.unwrap_err();
        assert_eq!(other.code, Code::SignalDuplicate);
        // The reason stands in the ledger, about the old run.
        let records = house.records(&client, old).await;
        assert!(records.iter().all(|record| record["operation"] == json!("RESTART")), "{records:?}");
        assert_eq!(records.len(), 1);
        // Control: from the start nothing is taken over.
        let whole = shaky.retry(&client, old, (RetryFrom::Start, false), "whole").await.unwrap().run_id;
        assert_eq!(house.to_the_end(&client, whole).await, RunStatus::Completed);
        assert_eq!(count(&house.file("count")), 2);
    });
}

/// What has not ended, what has completed, what has no record, and what the proofs are not for.
pub(crate) fn what_is_not_to_be_run_again_is_refused() {
    block_on(async {
        let house = House::new().await;
        let client = house.attach().await;
        let shaky = shaky(&house);
        std::fs::write(house.file("go"), "").unwrap();
        let run = shaky.start(&client).await;
        assert_eq!(house.to_the_end(&client, run).await, RunStatus::Completed);
        let refused = shaky.retry(&client, run, (RetryFrom::Failed, false), "1").await.unwrap_err();
        assert_eq!(refused.code, Code::InvalidStateTransition);
        let deed = Deed::RetryRun { from: RetryFrom::Failed, force: true };
        let signal_id = SignalId::parse("2").unwrap();
        let bare = Asked { deed: deed.clone(), record: None, signal_id };
        let refused = shaky.ask(&client, run, bare.clone()).await.unwrap_err();
        assert_eq!(refused.code, Code::DecisionRecordIncomplete);
        // A record of another operation, and a proof for another plan.
        let proof = house.run_proof(house.tenant, run);
        let wrong = Asked { record: Some(house.record(&proof)), ..bare.clone() };
        assert_eq!(shaky.ask(&client, run, wrong).await.unwrap_err().code, Code::DecisionRecordIncomplete);
        let right = Asked { record: Some(house.record_of(&proof, deed.operation().unwrap())), ..bare };
        let elsewhere = Shaky { plan: dvt_model::id::PlanId::from_random([8; 16]), ..shaky };
        let refused = elsewhere.ask(&client, run, right.clone()).await.unwrap_err();
        assert_eq!(refused.code, Code::AuthorizationRequired);
        // Control: with all of it, it is run again.
        let shaky = Shaky { house: &house, plan: dvt_model::id::PlanId::from_random([7; 16]) };
        let again = shaky.ask(&client, run, right).await.unwrap().run_id;
        assert_eq!(house.to_the_end(&client, again).await, RunStatus::Completed);
        assert_eq!(count(&house.file("count")), 1);
    });
}

/// Killed after it was queued and before it took anything over, it takes it over when somebody goes on with it.
pub(crate) fn what_is_taken_over_survives_the_engine() {
    block_on(async {
        let house = House::new().await;
        let client = house.attach().await;
        let shaky = shaky(&house);
        let old = shaky.start(&client).await;
        assert_eq!(house.to_the_end(&client, old).await, RunStatus::Failed);
        std::fs::write(house.file("go"), "").unwrap();
        let new = shaky.retry(&client, old, (RetryFrom::Failed, false), "again").await.unwrap().run_id;
        client.close().await.unwrap();
        let client = house.attach().await;
        match house.resume(&client, new).await {
            Ok(_) => assert_eq!(house.to_the_end(&client, new).await, RunStatus::Completed),
            // It was quicker than its engine's end.
            Err(problem) => assert_eq!(problem.code, Code::RunTerminal),
        }
        assert_eq!(count(&house.file("count")), 1);
        let names = house.names(new).await;
        assert_eq!(names.iter().filter(|name| name.starts_with("StepReused")).count(), 1);
    });
}
