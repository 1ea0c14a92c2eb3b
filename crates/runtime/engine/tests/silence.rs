//! A worker that says nothing for as long as its lease, and one that has nothing to say but its heartbeat.

use crate::house::{House, block_on};
use crate::recovery::{WITNESS, until_lines, workers};
use dvt_engine::client::Client;
use dvt_model::id::RunId;
use dvt_model::run::RunStatus;
use rustix::process::{Signal, kill_process};
use serde_json::json;
use std::time::{Duration, Instant};

const LEASE: Duration = Duration::from_secs(30);

async fn begun(house: &House, client: &Client) -> RunId {
    let (witness, go) = (house.file("witness"), house.file("go"));
    let inputs = [("witness", json!(witness.to_str().unwrap())), ("go", json!(go.to_str().unwrap()))];
    let run = house.start(client, house.request(WITNESS, &inputs)).await.unwrap().run_id;
    until_lines(&witness, 1).await;
    run
}

async fn goes_on(house: &House, client: &Client, run: RunId) -> usize {
    std::fs::write(house.file("go"), "").unwrap();
    assert_eq!(house.to_the_end(client, run).await, RunStatus::Completed);
    let names = house.names(run).await;
    names.iter().filter(|name| *name == "StepRedispatched wait").count()
}

/// The lease is kept by heartbeats: the worker that can give none is ended and its step given out again; beside it one whose step
/// is just as quiet, and that was heard of last before it, keeps its step. That one is the control.
pub(crate) fn a_worker_is_lost_with_its_lease_and_not_before() {
    block_on(async {
        let (quiet, stuck) = (House::new().await, House::new().await);
        let (quiet_client, stuck_client) = (quiet.attach().await, stuck.attach().await);
        let quiet_run = begun(&quiet, &quiet_client).await;
        let [sound] = workers()[..] else { panic!("one worker") };
        let stuck_run = begun(&stuck, &stuck_client).await;
        let pid = workers().into_iter().find(|pid| *pid != sound).unwrap();
        let heard_before = Instant::now();
        kill_process(pid, Signal::STOP).unwrap();
        let again = |names: &[String]| names.contains(&"StepRedispatched wait".to_owned());
        stuck.until(&stuck_client, stuck_run, again).await;
        // What it last said may be a little older than the stop.
        assert!(heard_before.elapsed() > LEASE - Duration::from_secs(2), "{:?}", heard_before.elapsed());
        let lost = stuck.payload(stuck_run, "StepRedispatched", Some("wait")).await;
        assert_eq!(lost["cause"], json!("WORKER_LOST"));
        assert_eq!(goes_on(&stuck, &stuck_client, stuck_run).await, 1);
        assert_eq!(goes_on(&quiet, &quiet_client, quiet_run).await, 0, "its heartbeat was heard");
    });
}
