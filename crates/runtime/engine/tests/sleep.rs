//! Runs that wait hold neither plan nor state; whatever reaches one wakes it, and it goes on as if it had not slept.

use crate::admission::write_behind;
use crate::house::{House, block_on};
use crate::recovery::until_lines;
use dvt_engine::Asked;
use dvt_engine::client::{Client, Counts};
use dvt_model::deed::Deed;
use dvt_model::id::{PlanId, RunId, RunRequestId, SignalId, StepId};
use dvt_model::proof::{SignalSend, StepApprove};
use dvt_model::run::RunStatus;
use serde_json::json;
use std::sync::atomic::Ordering;
use std::time::Duration;

const DAY_MS: i64 = 86_400_000;

/// One whose runs sleep when nothing has happened for so long.
async fn house(idle: Duration) -> House {
    let mut house = House::new().await;
    house.parts.idle = idle;
    house
}

/// Starts a plan whose runs wait, of a hundred steps.
async fn waiting(house: &House, client: &Client, name: &str, step: &str) -> RunId {
    let more: String = (0..99).map(|at| format!("  n{at}: {{ needs: first, uses: dvt/noop@1 }}\n")).collect();
    let plan = format!("apiVersion: dvt/v1\nname: {name}\nsteps:\n  first: {step}\n{more}");
    let mut request = house.request(&plan, &[]);
    request.plan_id = PlanId::from_random([u8::try_from(name.len()).unwrap(); 16]);
    request.run_request_id =
        RunRequestId::parse(&format!("{name}-{}", dvt_model::digest::hex(&dvt_keys::entropy::random::<8>())))
            .unwrap();
    house.start(client, request).await.unwrap().run_id
}

/// Until as many sleep.
async fn until_asleep(client: &Client, asleep: usize) -> Counts {
    loop {
        let counts = client.counts().unwrap();
        if counts.asleep == asleep {
            return counts;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn act(house: &House, client: &Client, run: RunId, deed: Deed) {
    let signal_id = SignalId::parse("act").unwrap();
    if deed.signal_type().is_none() {
        let proof = house.run_proof::<StepApprove>(house.tenant, run);
        let record = Some(house.record_of(&proof, deed.operation().unwrap()));
        client.act_on_run(&proof, Asked { deed, record, signal_id }, false).await.unwrap();
    } else {
        let proof = house.run_proof::<SignalSend>(house.tenant, run);
        client.act_on_run(&proof, Asked { deed, record: None, signal_id }, false).await.unwrap();
    }
}

/// Thirty runs that wait for a person, a signal or a day: none is in memory, and each goes on when its moment comes.
pub(crate) fn runs_that_wait_hold_no_memory() {
    block_on(async {
        let house = house(Duration::from_millis(40)).await;
        let client = house.attach().await;
        let mut runs = Vec::new();
        for _ in 0..10 {
            runs.push(waiting(&house, &client, "gate", "{ approval: { role: operator } }").await);
            runs.push(waiting(&house, &client, "parcel", "{ signal: delivered }").await);
            runs.push(waiting(&house, &client, "day-long", "{ wait: 24h }").await);
        }
        assert_eq!(until_asleep(&client, 30).await, Counts { runs: 30, asleep: 30 });
        let first = StepId::parse("first").unwrap();
        act(&house, &client, runs[0], Deed::Approve { step_id: first }).await;
        act(&house, &client, runs[1], Deed::Send { name: "delivered".to_owned(), payload: json!({}) }).await;
        for run in &runs[..2] {
            assert_eq!(house.to_the_end(&client, *run).await, RunStatus::Completed);
        }
        house.cancel(house.tenant, &client, runs[3], "stop").await.unwrap();
        assert_eq!(house.to_the_end(&client, runs[3]).await, RunStatus::Cancelled);
        until_asleep(&client, 27).await;
        // The clock goes on, and a quick run makes the timers look at it.
        house.pushed_ms.fetch_add(DAY_MS, Ordering::SeqCst);
        let quick = waiting(&house, &client, "quick", "{ wait: 1ms }").await;
        house.pushed_ms.fetch_add(1, Ordering::SeqCst);
        assert_eq!(house.to_the_end(&client, quick).await, RunStatus::Completed);
        for run in runs.iter().skip(2).step_by(3) {
            assert_eq!(house.to_the_end(&client, *run).await, RunStatus::Completed);
            let names = house.names(*run).await;
            assert_eq!(names.iter().filter(|name| name.ends_with(" first")).count(), 2, "{names:?}");
        }
        assert_eq!(until_asleep(&client, 17).await.runs, 17);
        // One that sleeps is left to the next engine like any other.
        client.close().await.unwrap();
        let client = house.attach().await;
        house.resume(&client, runs[4]).await.unwrap();
        act(&house, &client, runs[4], Deed::Send { name: "delivered".to_owned(), payload: json!({}) }).await;
        assert_eq!(house.to_the_end(&client, runs[4]).await, RunStatus::Completed);
    });
}

/// Control: with a longer idle time the same runs stay awake.
pub(crate) fn runs_stay_awake_until_their_idle_time_is_over() {
    block_on(async {
        let house = house(Duration::from_secs(600)).await;
        let client = house.attach().await;
        let run = waiting(&house, &client, "gate", "{ approval: { role: operator } }").await;
        house.until(&client, run, |names| names.contains(&"StepStarted first".to_owned())).await;
        assert_eq!(client.counts(), Some(Counts { runs: 1, asleep: 0 }));
    });
}

/// A program runs while its run sleeps; its report wakes the run, and it was given out once.
pub(crate) fn a_report_wakes_a_run_that_sleeps() {
    block_on(async {
        let house = house(Duration::from_millis(40)).await;
        let client = house.attach().await;
        let (witness, go) = (house.file("witness"), house.file("go"));
        let plan = r#"
apiVersion: dvt/v1
name: long
inputs: { witness: { type: string }, go: { type: string } }
steps:
  long:
    script: echo begin >> "$WITNESS"; until [ -e "$GO" ]; do sleep 0.02; done; echo '{"rows":7}' > "$DVT_OUTPUT"
    env: { WITNESS: '${{ inputs.witness }}', GO: '${{ inputs.go }}' }
  after: { needs: long, if: steps.long.output.rows == 7, uses: dvt/noop@1 }
"#;
        let inputs = [("witness", json!(witness)), ("go", json!(go))];
        let run = house.start(&client, house.request(plan, &inputs)).await.unwrap().run_id;
        until_lines(&witness, 1).await;
        until_asleep(&client, 1).await;
        std::fs::write(&go, "").unwrap();
        assert_eq!(house.to_the_end(&client, run).await, RunStatus::Completed);
        let names = house.names(run).await;
        assert!(names.contains(&"StepCompleted after".to_owned()), "{names:?}");
        assert_eq!(names.iter().filter(|name| name.ends_with(" long")).count(), 2, "{names:?}");
        until_lines(&witness, 1).await;
    });
}

/// What somebody else wrote while it slept is not overwritten: the run is folded anew and goes on from its ledger.
pub(crate) fn a_run_that_was_written_while_it_slept_goes_on_from_its_ledger() {
    block_on(async {
        let house = house(Duration::from_millis(40)).await;
        let client = house.attach().await;
        let run = waiting(&house, &client, "gate", "{ approval: { role: operator } }").await;
        until_asleep(&client, 1).await;
        write_behind(&house, run).await;
        house.cancel(house.tenant, &client, run, "stop").await.unwrap();
        assert_eq!(house.to_the_end(&client, run).await, RunStatus::Cancelled);
        let names = house.names(run).await;
        assert!(names.contains(&"StepNoticed first".to_owned()), "{names:?}");
        // Its end is told when it is durable, a moment before it leaves; a run that stays is one too many for ever.
        while client.counts() != Some(Counts::default()) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
}
