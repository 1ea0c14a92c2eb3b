//! Two clients: one holds the lease, the other forwards.

use crate::house::{House, block_on, new_tenant};
use dvt_model::code::Code;
use dvt_model::id::{RunId, SignalId};
use dvt_model::proof::RunReadStatus;
use dvt_model::run::RunStatus;
use std::sync::atomic::Ordering;

pub(crate) const LONG: &str = "
apiVersion: dvt/v1
name: long
steps:
  sleep: { run: [sleep, '600'] }
";

fn started(names: &[String]) -> bool {
    names.iter().any(|name| name == "StepStarted sleep")
}

pub(crate) fn a_second_process_starts_and_cancels() {
    block_on(async {
        let house = House::new().await;
        let (engine, client) = (house.attach().await, house.attach().await);
        assert!(engine.is_engine() && !client.is_engine());
        let run = house.start(&client, house.request(LONG, &[])).await.unwrap().run_id;
        house.until(&client, run, started).await;
        // The holder does not follow a run for which it never showed a right.
        assert_eq!(engine.progress(run, 0).await.unwrap_err().code, Code::NotFound);
        engine.follow(&house.run_proof::<RunReadStatus>(house.tenant, run)).await.unwrap();
        assert_eq!(house.cancel(house.tenant, &client, run, "stop-1").await, Ok(RunStatus::Running));
        assert_eq!(house.to_the_end(&engine, run).await, RunStatus::Cancelled);
        assert_eq!(house.to_the_end(&client, run).await, RunStatus::Cancelled);
        assert!(client.seal(run).await.unwrap() > 0);
    });
}

pub(crate) fn a_repeated_cancel_adds_no_event() {
    block_on(async {
        let house = House::new().await;
        let (engine, client) = (house.attach().await, house.attach().await);
        let run = house.start(&engine, house.request(LONG, &[])).await.unwrap().run_id;
        house.until(&engine, run, started).await;
        // INV-15: a record about another run cancels nothing.
        let proof = house.run_proof(house.tenant, run);
        let other = house.record(&house.run_proof(house.tenant, RunId::from_random([3; 16])));
        let signal = SignalId::parse("wrong").unwrap();
        let refused = client.cancel_run(&proof, other, signal).await.unwrap_err();
        assert_eq!(refused.code, Code::DecisionRecordIncomplete);
        assert!(!house.names(run).await.contains(&"RunCancelRequested".to_owned()));

        house.cancel(house.tenant, &client, run, "stop-1").await.unwrap();
        assert_eq!(house.to_the_end(&client, run).await, RunStatus::Cancelled);
        let names = house.names(run).await;
        assert_eq!(names.iter().filter(|name| *name == "RunCancelRequested").count(), 1);
        assert_eq!(
            house.cancel(house.tenant, &client, run, "stop-2").await.unwrap_err().code,
            Code::RunTerminal
        );
        assert_eq!(house.names(run).await, names);
    });
}

/// INV-01, INV-12: under another tenant's scope the run is not there, over the socket as within the process.
pub(crate) fn another_tenants_run_is_no_run() {
    block_on(async {
        let house = House::new().await;
        let (engine, client) = (house.attach().await, house.attach().await);
        let run = house.start(&engine, house.request(LONG, &[])).await.unwrap().run_id;
        house.until(&engine, run, started).await;
        let before = house.names(run).await;
        let stranger = new_tenant(&house.store).await;
        let absent = RunId::from_random([5; 16]);
        for side in [&engine, &client] {
            let hidden = house.cancel(stranger, side, run, "stop").await.unwrap_err();
            assert_eq!(hidden.code, Code::NotFound);
            assert_eq!(hidden, house.cancel(stranger, side, absent, "stop").await.unwrap_err());
            let hidden = side.follow(&house.run_proof::<RunReadStatus>(stranger, run)).await.unwrap_err();
            assert_eq!(
                hidden,
                side.follow(&house.run_proof::<RunReadStatus>(stranger, absent)).await.unwrap_err()
            );
            assert_eq!(hidden.code, Code::NotFound);
        }
        assert_eq!(house.names(run).await, before);
        // Control: its owner finds it by the same way.
        client.follow(&house.run_proof::<RunReadStatus>(house.tenant, run)).await.unwrap();
        house.cancel(house.tenant, &client, run, "stop").await.unwrap();
        assert_eq!(house.to_the_end(&client, run).await, RunStatus::Cancelled);
    });
}

/// A step of the wall clock, or a sleep of the machine, takes the lease from nobody who renews it.
pub(crate) fn a_set_clock_deposes_no_living_holder() {
    const HOUR: i64 = 3_600_000;
    const PAUSE: &str = "
apiVersion: dvt/v1
name: pause
steps:
  pause: { wait: 2s }
";
    block_on(async {
        let house = House::new().await;
        let (engine, before) = (house.attach().await, house.attach().await);
        let epoch = house.store.lease().read().unwrap().unwrap().epoch;
        for step in [HOUR, -2 * HOUR] {
            house.pushed_ms.fetch_add(step, Ordering::SeqCst);
            // Who comes now finds the holder, and who is connected stays so for longer than it looks at the row.
            let after = house.attach().await;
            assert!(!after.is_engine());
            let mut request = house.request(PAUSE, &[]);
            request.plan_id = dvt_model::id::PlanId::from_random([7; 16]);
            request.run_request_id = dvt_model::id::RunRequestId::parse(&format!("pause{step}")).unwrap();
            let run = house.start(&before, request).await.unwrap().run_id;
            assert_eq!(house.to_the_end(&before, run).await, RunStatus::Completed);
        }
        assert!(engine.is_engine() && !before.is_engine());
        assert_eq!(house.store.lease().read().unwrap().unwrap().epoch, epoch);
    });
}
