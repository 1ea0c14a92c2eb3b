//! Concurrency groups: who waits, who is refused, who is cancelled, and what an engine that dies leaves behind.

use crate::house::{House, block_on};
use dvt_engine::client::Client;
use dvt_model::action::Role;
use dvt_model::code::Code;
use dvt_model::id::{PlanId, RunId};
use dvt_model::run::RunStatus;
use serde_json::json;
use std::sync::atomic::Ordering;

/// One run a group; each writes when it begins and ends, and ends when its file is there.
fn plan(on_busy: &str) -> String {
    format!(
        r#"
apiVersion: dvt/v1
name: grouped
inputs: {{ group: {{ type: string }}, witness: {{ type: string }}, go: {{ type: string }} }}
concurrency: {{ group: '${{{{ inputs.group }}}}', onBusy: {on_busy} }}
steps:
  work:
    script: |
      echo begin >> "$WITNESS"
      while [ ! -e "$GO" ]; do sleep 0.02; done
      echo end >> "$WITNESS"
    env: {{ WITNESS: '${{{{ inputs.witness }}}}', GO: '${{{{ inputs.go }}}}' }}
"#
    )
}

struct Street<'h> {
    house: &'h House,
    plan: PlanId,
    text: String,
}

impl<'h> Street<'h> {
    fn new(house: &'h House, on_busy: &str) -> Self {
        Self { house, plan: PlanId::from_random([7; 16]), text: plan(on_busy) }
    }

    fn request(&self, group: &str, go: &str) -> dvt_engine::client::StartRequest {
        let path = |name: &str| json!(self.house.file(name).to_str().unwrap());
        let inputs = [("group", json!(group)), ("witness", path("witness")), ("go", path(go))];
        let mut request = self.house.request(&self.text, &inputs);
        request.plan_id = self.plan;
        request
    }

    async fn start(&self, client: &Client, group: &str, go: &str) -> RunId {
        self.house.start(client, self.request(group, go)).await.unwrap().run_id
    }

    fn go(&self, go: &str) {
        std::fs::write(self.house.file(go), "").unwrap();
    }

    fn witness(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.house.file("witness")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}

async fn begins(house: &House, client: &Client, run: RunId) {
    house.until(client, run, |names| names.contains(&"StepStarted work".to_owned())).await;
}

/// `queue`: the next begins when the one before has ended, in the order of their starts; another group does not wait.
pub(crate) fn one_run_of_a_group_at_a_time_in_order() {
    block_on(async {
        let house = House::new().await;
        let client = house.attach().await;
        let street = Street::new(&house, "queue");
        let first = street.start(&client, "a", "go-1").await;
        begins(&house, &client, first).await;
        let second = house.start(&client, street.request("a", "go-2")).await.unwrap();
        assert_eq!((second.status, second.behind), (RunStatus::Pending, Some(first)));
        let third = street.start(&client, "a", "go-3").await;
        // Control: another group has a turn of its own, and is done while they wait.
        let other = street.start(&client, "b", "go-4").await;
        street.go("go-4");
        assert_eq!(house.to_the_end(&client, other).await, RunStatus::Completed);
        for waiting in [second.run_id, third] {
            assert_eq!(house.names(waiting).await, ["RunQueued"]);
        }
        // The second is cancelled while it waits: it never began, and the third is next.
        house.cancel(house.tenant, &client, second.run_id, "never").await.unwrap();
        assert_eq!(house.to_the_end(&client, second.run_id).await, RunStatus::Cancelled);
        assert_eq!(house.names(third).await, ["RunQueued"]);
        street.go("go-1");
        street.go("go-3");
        assert_eq!(house.to_the_end(&client, first).await, RunStatus::Completed);
        assert_eq!(house.to_the_end(&client, third).await, RunStatus::Completed);
        let end_of_first = house.events(first).await.last().unwrap().index;
        let start_of_third = house.events(third).await[1].index;
        assert!(end_of_first < start_of_third);
        assert!(!house.names(second.run_id).await.iter().any(|name| name.starts_with("StepStarted")));
    });
}

/// `reject`: refused while another one is open; the same request again is still the same run.
pub(crate) fn a_busy_group_rejects_and_remembers_requests() {
    block_on(async {
        let house = House::new().await;
        let client = house.attach().await;
        let street = Street::new(&house, "reject");
        let request = street.request("a", "go");
        let first = house.start(&client, request.clone()).await.unwrap().run_id;
        let problem = house.start(&client, street.request("a", "go")).await.unwrap_err();
        assert_eq!(problem.code, Code::ConcurrencyBusy);
        let again = house.start(&client, request).await.unwrap();
        assert_eq!((again.run_id, again.idempotent), (first, true));
        street.go("go");
        assert_eq!(house.to_the_end(&client, first).await, RunStatus::Completed);
        // Control: it was the open run and nothing else.
        let next = street.start(&client, "a", "go").await;
        assert_eq!(house.to_the_end(&client, next).await, RunStatus::Completed);
    });
}

/// `cancelPrevious`: the older ones end, with decision and record in the block that queued the new one; not without the right.
pub(crate) fn a_newer_run_cancels_the_older_ones() {
    block_on(async {
        let house = House::new().await;
        let client = house.attach().await;
        let street = Street::new(&house, "cancelPrevious");
        let first = street.start(&client, "a", "never").await;
        begins(&house, &client, first).await;
        crate::recovery::until_lines(&house.file("witness"), 1).await;
        // Control: without the right to cancel it nothing starts and nothing ends.
        let denied = house.start_with(&[Role::Viewer], &client, street.request("a", "go")).await;
        assert_eq!(denied.unwrap_err().code, Code::ConcurrencyBusy);
        assert!(!house.names(first).await.contains(&"RunCancelRequested".to_owned()));
        let second = street.start(&client, "a", "go").await;
        assert_eq!(house.to_the_end(&client, first).await, RunStatus::Cancelled);
        street.go("go");
        assert_eq!(house.to_the_end(&client, second).await, RunStatus::Completed);
        assert_eq!(house.payload(first, "RunCancelRequested", None).await["cause"], json!("CONCURRENCY"));
        assert!(house.events(first).await.last().unwrap().index < house.events(second).await[1].index);
        let records = house.records(&client, first).await;
        let [record] = &records[..] else { panic!("{records:?}") };
        assert!(record["justificationText"].as_str().unwrap().contains(&second.to_string()), "{record}");
        assert_eq!(street.witness(), ["begin", "begin", "end"]);
    });
}

/// What an older one could not write down, for it left memory with it, it is told again.
pub(crate) fn a_cancel_that_the_older_one_could_not_write_is_said_again() {
    block_on(async {
        let house = House::new().await;
        let client = house.attach().await;
        let street = Street::new(&house, "cancelPrevious");
        let first = street.start(&client, "a", "never").await;
        begins(&house, &client, first).await;
        crate::recovery::until_lines(&house.file("witness"), 1).await;
        crate::admission::write_behind(&house, first).await;
        let second = street.start(&client, "a", "go").await;
        crate::orphans::until_given_up(&house, &client, first).await;
        assert!(!house.names(first).await.contains(&"RunCancelRequested".to_owned()), "control");
        house.resume(&client, first).await.unwrap();
        assert_eq!(house.payload(first, "RunCancelRequested", None).await["cause"], json!("CONCURRENCY"));
        assert_eq!(house.to_the_end(&client, first).await, RunStatus::Cancelled);
        street.go("go");
        assert_eq!(house.to_the_end(&client, second).await, RunStatus::Completed);
    });
}

/// A run whose engine died keeps its group, and whoever goes on with those that wait finds the line as it was.
pub(crate) fn a_group_is_kept_over_the_death_of_its_engine() {
    block_on(async {
        let house = House::new().await;
        let client = house.attach().await;
        let street = Street::new(&house, "queue");
        let first = street.start(&client, "a", "go-1").await;
        begins(&house, &client, first).await;
        let second = street.start(&client, "a", "go-2").await;
        client.close().await.unwrap();

        let client = house.attach().await;
        house.resume(&client, second).await.unwrap();
        // Nobody works on the first: it has not ended, so the second waits, also for a third that asks.
        let third = house.start(&client, street.request("a", "go-3")).await.unwrap();
        assert_eq!(third.behind, Some(first));
        assert_eq!(house.names(second).await, ["RunQueued"]);
        street.go("go-1");
        street.go("go-2");
        street.go("go-3");
        house.resume(&client, first).await.unwrap();
        for run in [first, second, third.run_id] {
            assert_eq!(house.to_the_end(&client, run).await, RunStatus::Completed);
        }
        assert!(house.events(first).await.last().unwrap().index < house.events(second).await[1].index);
        assert!(house.events(second).await.last().unwrap().index < house.events(third.run_id).await[1].index);
    });
}

/// A hundred wait, and no more.
pub(crate) fn a_full_group_takes_no_more() {
    block_on(async {
        let house = House::new().await;
        let client = house.attach().await;
        let street = Street::new(&house, "queue");
        for _ in 0..101 {
            street.start(&client, "a", "go").await;
        }
        let problem = house.start(&client, street.request("a", "go")).await.unwrap_err();
        assert_eq!(problem.code, Code::QueueFull);
        // Control: it is this group that is full.
        street.start(&client, "b", "go").await;
    });
}

/// An hour in the line is the end of it.
pub(crate) fn who_waits_too_long_fails() {
    block_on(async {
        let house = House::new().await;
        let client = house.attach().await;
        let street = Street::new(&house, "queue");
        let first = street.start(&client, "a", "go").await;
        begins(&house, &client, first).await;
        let second = street.start(&client, "a", "go").await;
        house.pushed_ms.fetch_add(3_600_000, Ordering::SeqCst);
        // Somebody's start makes the timers look at the clock again.
        let other = street.start(&client, "b", "go").await;
        assert_eq!(house.to_the_end(&client, second).await, RunStatus::Failed);
        let failed = house.payload(second, "RunFailed", None).await;
        assert_eq!(failed["failure"]["errorCode"], json!("QUEUE_TTL_EXPIRED"));
        street.go("go");
        assert_eq!(house.to_the_end(&client, first).await, RunStatus::Completed);
        assert_eq!(house.to_the_end(&client, other).await, RunStatus::Completed);
    });
}
