//! Cancelling a run that no engine works on, whose programs nobody will report: what is gone for sure is not waited for.
//!
//! The clock stands still, so that no grace is ever over: what ends here ends because it is known to be gone.

use crate::house::{House, block_on};
use crate::recovery::{WITNESS, until_lines, workers};
use crate::times::pass;
use dvt_engine::client::Client;
use dvt_model::id::{PlanId, RunId};
use dvt_model::run::RunStatus;
use rustix::fs::{FlockOperation, flock};
use rustix::process::{Signal, kill_process};
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// A house whose clock goes on only when it is pushed.
async fn standing_still() -> House {
    let mut house = House::new().await;
    let (now, pushed) = ((house.parts.clock)(), Arc::clone(&house.pushed_ms));
    house.parts.clock =
        Arc::new(move || now.plus_ms(u64::try_from(pushed.load(Ordering::SeqCst)).unwrap_or_default()));
    house
}

/// A run whose program is alive.
async fn started(house: &House, client: &Client, number: u32) -> RunId {
    let (witness, go) = (house.file(&format!("witness-{number}")), house.file("never"));
    let inputs = [("witness", json!(witness.to_str().unwrap())), ("go", json!(go.to_str().unwrap()))];
    let mut request = house.request(WITNESS, &inputs);
    request.plan_id = PlanId::from_random([4; 16]);
    let run = house.start(client, request).await.unwrap().run_id;
    until_lines(&witness, 1).await;
    run
}

/// A run with a program of which the engine that gave it out has ended.
async fn left(house: &House) -> RunId {
    let client = house.attach().await;
    let run = started(house, &client, 0).await;
    client.close().await.unwrap();
    run
}

async fn has_ended(house: &House, run: RunId) -> bool {
    house.names(run).await.contains(&"RunCancelled".to_owned())
}

pub(crate) fn what_an_engine_that_is_gone_ran_is_not_waited_for() {
    block_on(async {
        let house = standing_still().await;
        let run = left(&house).await;
        let client = house.attach().await;
        assert_eq!(house.cancel(house.tenant, &client, run, "stop").await, Ok(RunStatus::Running));
        assert_eq!(house.to_the_end(&client, run).await, RunStatus::Cancelled);
        let names = house.names(run).await;
        assert_eq!(names.iter().filter(|name| *name == "StepFailed wait").count(), 1, "{names:?}");
        assert!(!names.contains(&"StepRedispatched wait".to_owned()), "{names:?}");
    });
}

/// The same engine gave it out, forgot its run and kills it; who takes the run up again hears of its end.
pub(crate) fn what_the_engine_itself_forgot_is_waited_for_until_it_is_gone() {
    block_on(async {
        let house = standing_still().await;
        let client = house.attach().await;
        for number in 0..8 {
            let run = started(&house, &client, number).await;
            client.stop_hard().await;
            let mut known = 0;
            while let Ok(news) = client.progress(run, known).await {
                known = news.last_run_seq;
            }
            let status = house.cancel(house.tenant, &client, run, &format!("stop-{number}")).await;
            assert_eq!(status, Ok(RunStatus::Running));
            assert_eq!(house.to_the_end(&client, run).await, RunStatus::Cancelled);
        }
    });
}

/// Its worker goes while it is being ended: it is closed once that is sure, by no grace, and given out to no other one.
pub(crate) fn what_loses_its_worker_while_it_is_ended_is_closed() {
    block_on(async {
        let house = standing_still().await;
        let client = house.attach().await;
        let witness = house.file("witness");
        let plan = WITNESS.replace("script: |", "script: |\n      trap '' TERM");
        let inputs = [("witness", json!(witness.to_str().unwrap())), ("go", json!("/never"))];
        let run = house.start(&client, house.request(&plan, &inputs)).await.unwrap().run_id;
        until_lines(&witness, 1).await;
        assert_eq!(house.cancel(house.tenant, &client, run, "stop").await, Ok(RunStatus::Running));
        let [worker] = workers()[..] else { panic!("one worker") };
        kill_process(worker, Signal::KILL).unwrap();
        assert_eq!(house.to_the_end(&client, run).await, RunStatus::Cancelled);
        let names = house.names(run).await;
        assert_eq!(names.iter().filter(|name| *name == "StepFailed wait").count(), 1, "{names:?}");
        assert!(!names.contains(&"StepRedispatched wait".to_owned()), "{names:?}");
    });
}

/// Whoever holds the lock of the starter may have a program alive: nothing is gone for sure before it is given up.
pub(crate) fn what_may_be_alive_is_waited_for() {
    block_on(async {
        let house = standing_still().await;
        let run = left(&house).await;
        let lock =
            std::fs::File::options().write(true).open(house.parts.folder.join("starter.lock")).unwrap();
        flock(&lock, FlockOperation::LockExclusive).unwrap();
        let client = house.attach().await;
        house.cancel(house.tenant, &client, run, "stop").await.unwrap();
        while workers().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // A worker says that it is there within a tenth of this.
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert!(!has_ended(&house, run).await, "the old one may be alive");
        drop(lock);
        assert_eq!(house.to_the_end(&client, run).await, RunStatus::Cancelled);
    });
}

/// Where no worker can be started nothing is sure, and the grace is kept: ten seconds.
pub(crate) fn what_nobody_can_know_has_its_grace() {
    block_on(async {
        let mut house = standing_still().await;
        let run = left(&house).await;
        house.parts.worker = PathBuf::from("/nonexistent");
        let client = house.attach().await;
        house.cancel(house.tenant, &client, run, "stop").await.unwrap();
        pass(&house, &client, 9_990).await;
        assert!(!has_ended(&house, run).await, "before its grace is over");
        pass(&house, &client, 10).await;
        assert_eq!(house.to_the_end(&client, run).await, RunStatus::Cancelled);
    });
}
