//! Long times on a simulated clock, and ends that nothing may hold up: a stop, a word that was never given, what kills workers.

use crate::house::{House, block_on};
use crate::recovery::{until_lines, workers};
use dvt_engine::Asked;
use dvt_engine::client::Client;
use dvt_model::deed::Deed;
use dvt_model::id::{PlanId, RunId, RunRequestId, SignalId};
use dvt_model::proof::SignalSend;
use dvt_model::run::RunStatus;
use dvt_model::time::Timestamp;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tokio::sync::watch;

const HOUR_MS: i64 = 3_600_000;

/// The clock goes on, and somebody's quick run makes the timers look at it.
pub(crate) async fn pass(house: &House, client: &Client, ms: i64) {
    house.pushed_ms.fetch_add(ms, Ordering::SeqCst);
    let plan =
        "apiVersion: dvt/v1\nname: quick\nsteps:\n  nothing: { uses: dvt/noop@1, with: { simulate: 1ms } }\n";
    let mut request = house.request(plan, &[]);
    request.plan_id = PlanId::from_random([9; 16]);
    let run = house.start(client, request).await.unwrap().run_id;
    house.pushed_ms.fetch_add(1, Ordering::SeqCst);
    assert_eq!(house.to_the_end(client, run).await, RunStatus::Completed);
}

/// A day is waited for to its end and no shorter, whatever engine has it then.
pub(crate) fn a_wait_of_a_day_outlives_its_engine() {
    block_on(async {
        let house = House::new().await;
        let client = house.attach().await;
        let plan = "apiVersion: dvt/v1\nname: day\nsteps:\n  day: { wait: 24h }\n  after: { needs: day, uses: dvt/noop@1 }\n";
        let run = house.start(&client, house.request(plan, &[])).await.unwrap().run_id;
        house.until(&client, run, |names| names.contains(&"StepStarted day".to_owned())).await;
        pass(&house, &client, 12 * HOUR_MS).await;
        client.close().await.unwrap();
        let client = house.attach().await;
        house.resume(&client, run).await.unwrap();
        // Control: a minute before the end nothing has happened.
        pass(&house, &client, 12 * HOUR_MS - 60_000).await;
        assert!(!house.names(run).await.contains(&"StepCompleted day".to_owned()));
        pass(&house, &client, 60_000).await;
        assert_eq!(house.to_the_end(&client, run).await, RunStatus::Completed);
        let names = house.names(run).await;
        assert_eq!(names.iter().filter(|name| name.ends_with(" day")).count(), 2, "{names:?}");
    });
}

/// Whoever reads that the moment has come is the last one to read it: the clock is set back then. So the timers say that a wait is over,
/// and its run reads that it is not. It waits on, however often that happens, and to its end and no shorter.
pub(crate) fn a_clock_set_back_behind_the_timers_ends_no_wait() {
    block_on(async {
        let mut house = House::new().await;
        let (moment, back_ms) = (Arc::new(AtomicI64::new(i64::MAX)), Arc::new(AtomicI64::new(50)));
        let (times, mut set_back) = watch::channel(0);
        let (clock, pushed) = (Arc::clone(&house.parts.clock), Arc::clone(&house.pushed_ms));
        let (at, by) = (Arc::clone(&moment), Arc::clone(&back_ms));
        house.parts.clock = Arc::new(move || {
            let now = clock();
            if now.ms() >= at.load(Ordering::SeqCst) {
                pushed.fetch_sub(by.load(Ordering::SeqCst), Ordering::SeqCst);
                times.send_modify(|times| *times += 1);
            }
            now
        });
        let client = house.attach().await;
        let plan = "apiVersion: dvt/v1\nname: day\nsteps:\n  day: { wait: 24h }\n";
        let run = house.start(&client, house.request(plan, &[])).await.unwrap().run_id;
        house.until(&client, run, |names| names.contains(&"StepStarted day".to_owned())).await;
        let due = house.payload(run, "StepStarted", Some("day")).await["dueAt"].clone();
        moment.store(serde_json::from_value::<Timestamp>(due).unwrap().ms(), Ordering::SeqCst);
        pass(&house, &client, 24 * HOUR_MS - 1_000).await;
        set_back.wait_for(|times| *times >= 5).await.unwrap();
        back_ms.store(HOUR_MS, Ordering::SeqCst);
        let so_far = *set_back.borrow();
        set_back.wait_for(|times| *times > so_far).await.unwrap();
        moment.store(i64::MAX, Ordering::SeqCst);
        // It is an hour too early, and nothing has happened.
        pass(&house, &client, HOUR_MS - 60_000).await;
        assert!(!house.names(run).await.contains(&"StepCompleted day".to_owned()));
        pass(&house, &client, 60_000).await;
        assert_eq!(house.to_the_end(&client, run).await, RunStatus::Completed);
    });
}

/// A hold that nobody looks after expires after 72 hours, and not before.
pub(crate) fn a_hold_expires_after_three_days() {
    block_on(async {
        let house = House::new().await;
        let client = house.attach().await;
        let plan =
            "apiVersion: dvt/v1\nname: held\nonStepFailure: hold\nsteps:\n  load: { run: ['false'] }\n";
        let run = house.start(&client, house.request(plan, &[])).await.unwrap().run_id;
        house.until(&client, run, |names| names.contains(&"RunPaused".to_owned())).await;
        pass(&house, &client, 72 * HOUR_MS - 60_000).await;
        assert!(!house.names(run).await.contains(&"RunFailing".to_owned()));
        pass(&house, &client, 60_000).await;
        assert_eq!(house.to_the_end(&client, run).await, RunStatus::Failed);
        assert_eq!(house.payload(run, "RunFailing", None).await["cause"], json!("HOLD_EXPIRED"));
        let failed = house.payload(run, "RunFailed", None).await;
        assert_eq!(failed["failure"]["errorCode"], json!("HOLD_EXPIRED"));
    });
}

/// What kills five workers is not given to a sixth; the engine and other runs go on.
pub(crate) fn a_step_that_kills_workers_is_given_up_after_five() {
    block_on(async {
        let house = House::new().await;
        let client = house.attach().await;
        let witness = house.file("witness");
        let plan = r#"
apiVersion: dvt/v1
name: poison
inputs: { witness: { type: string } }
steps:
  poison:
    script: echo begin >> "$WITNESS"; exec sleep 600
    env: { WITNESS: '${{ inputs.witness }}' }
"#;
        let request = house.request(plan, &[("witness", json!(witness.to_str().unwrap()))]);
        let run = house.start(&client, request).await.unwrap().run_id;
        for attempt in 1..=5 {
            until_lines(&witness, attempt).await;
            let [worker] = workers()[..] else { panic!("one worker") };
            kill_process(worker, Signal::KILL).unwrap();
        }
        assert_eq!(house.to_the_end(&client, run).await, RunStatus::Failed);
        let failed = house.payload(run, "StepFailed", Some("poison")).await;
        assert_eq!(failed["failure"]["errorCode"], json!("WORKER_LOST"));
        let names = house.names(run).await;
        assert_eq!(names.iter().filter(|name| *name == "StepRedispatched poison").count(), 4, "{names:?}");
        // Control: the next step gets a worker.
        let plan = "apiVersion: dvt/v1\nname: sound\nsteps:\n  sound: { run: ['true'] }\n";
        let mut request = house.request(plan, &[]);
        request.plan_id = PlanId::from_random([8; 16]);
        let sound = house.start(&client, request).await.unwrap().run_id;
        assert_eq!(house.to_the_end(&client, sound).await, RunStatus::Completed);
    });
}

/// An emergency stop kills what runs, though it shuts its ears to everything milder, and answers at once.
pub(crate) fn an_emergency_stop_reaches_the_program() {
    block_on(async {
        let house = House::new().await;
        let client = house.attach().await;
        let witness = house.file("witness");
        let plan = r#"
apiVersion: dvt/v1
name: deaf
inputs: { witness: { type: string } }
steps:
  deaf:
    script: |
      trap '' TERM INT HUP
      echo $$ >> "$WITNESS"
      while true; do sleep 1; done
    env: { WITNESS: '${{ inputs.witness }}' }
  after: { needs: deaf, if: always(), run: [touch, '${{ inputs.witness }}.after'] }
"#;
        let request = house.request(plan, &[("witness", json!(witness.to_str().unwrap()))]);
        let run = house.start(&client, request).await.unwrap().run_id;
        until_lines(&witness, 1).await;
        let text = std::fs::read_to_string(&witness).unwrap();
        let pid = Pid::from_raw(text.trim().parse().unwrap()).unwrap();
        assert!(test_kill_process(pid).is_ok(), "control: it lives");
        let deed = Deed::EmergencyStop { force_kill: true };
        let proof = house.run_proof::<SignalSend>(house.tenant, run);
        let record = house.record_of(&proof, deed.operation().unwrap());
        let asked = Asked { deed, record: Some(record), signal_id: SignalId::parse("stop").unwrap() };
        let status = client.act_on_run(&proof, asked, true).await.unwrap().status;
        assert_eq!(status, RunStatus::Cancelled);
        let gone = async {
            while test_kill_process(pid).is_ok() {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(crate::house::PATIENCE, gone).await.expect("the killed process is gone");
        assert!(!house.file("witness.after").exists());
        assert_eq!(house.payload(run, "RunCancelled", None).await["cause"], json!("EMERGENCY_STOP"));
    });
}

/// An emergency stop gives what runs its 5 s to end, also where the engine ends with it; with force it does not.
pub(crate) fn an_emergency_stop_leaves_time_to_end() {
    block_on(async {
        for force_kill in [false, true] {
            let house = House::new().await;
            let client = house.attach().await;
            let witness = house.file("witness");
            let plan = r#"
apiVersion: dvt/v1
name: tidy
inputs: { witness: { type: string } }
steps:
  tidy:
    script: |
      trap 'sleep 0.3; echo cleaned >> "$WITNESS"; exit 0' TERM
      echo begin >> "$WITNESS"
      while true; do sleep 0.02; done
    env: { WITNESS: '${{ inputs.witness }}' }
"#;
            let request = house.request(plan, &[("witness", json!(witness.to_str().unwrap()))]);
            let run = house.start(&client, request).await.unwrap().run_id;
            until_lines(&witness, 1).await;
            let deed = Deed::EmergencyStop { force_kill };
            let proof = house.run_proof::<SignalSend>(house.tenant, run);
            let record = house.record_of(&proof, deed.operation().unwrap());
            let asked = Asked { deed, record: Some(record), signal_id: SignalId::parse("stop").unwrap() };
            let status = client.act_on_run(&proof, asked, true).await.unwrap().status;
            assert_eq!(status, RunStatus::Cancelled, "it is told at once");
            client.close().await.unwrap();
            let text = std::fs::read_to_string(&witness).unwrap();
            assert_eq!(text.contains("cleaned"), !force_kill, "{text}");
        }
    });
}

const LATER: &str = r#"
apiVersion: dvt/v1
name: later
inputs: { witness: { type: string } }
steps:
  wait: { wait: 1h }
  touch: { needs: wait, run: [touch, '${{ inputs.witness }}'] }
"#;

/// Power: what a run may do is what it was queued with, whoever goes on with it and whatever their word is.
pub(crate) fn a_run_queued_without_host_power_never_gets_it() {
    block_on(async {
        let house = House::new().await;
        let mut runs: Vec<(RunId, &str, bool)> = Vec::new();
        let client = house.attach().await;
        for (name, word) in [("resumed", false), ("resident", false), ("control", true)] {
            let witness = json!(house.file(name).to_str().unwrap());
            let mut request = house.request(LATER, &[("witness", witness)]);
            request.plan_id = PlanId::from_random([7; 16]);
            request.run_request_id = RunRequestId::parse(name).unwrap();
            request.host_allowed = word;
            let run = house.start(&client, request).await.unwrap().run_id;
            house.until(&client, run, |names| names.contains(&"StepStarted wait".to_owned())).await;
            runs.push((run, name, word));
        }
        client.close().await.unwrap();
        // One is resumed with the word of whoever resumes it, the others by an engine that takes up every open run.
        let client = house.attach().await;
        house.resume(&client, runs[0].0).await.unwrap();
        client.close().await.unwrap();
        let client = dvt_engine::reside(house.parts.clone()).await.unwrap();
        pass(&house, &client, HOUR_MS).await;
        for (run, name, word) in runs {
            client
                .follow(&house.run_proof::<dvt_model::proof::RunReadStatus>(house.tenant, run))
                .await
                .unwrap();
            let end = house.to_the_end(&client, run).await;
            assert_eq!(end == RunStatus::Completed, word, "{name}");
            assert_eq!(house.file(name).exists(), word, "{name}");
            if !word {
                let failed = house.payload(run, "StepFailed", Some("touch")).await;
                assert_eq!(failed["failure"]["errorCode"], json!("SANDBOX_UNAVAILABLE"), "{name}");
            }
        }
    });
}
