//! A store that fails for a while: what it held up goes on by itself when it can, and no step is lost or done twice.

use crate::house::{House, block_on};
use crate::recovery::{WITNESS, until_lines};
use dvt_engine::client::{Client, Counts, StartRequest};
use dvt_engine::{AtRest, Notice, Rest};
use dvt_model::code::Code;
use dvt_model::id::RunId;
use dvt_model::proof::RunReadStatus;
use dvt_model::run::RunStatus;
use rusqlite::Connection;
use serde_json::json;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::sleep;

/// Somebody else writes into a tenant's file and comes to no end; its end lets the others write.
pub(crate) struct Writer(Connection);

impl Writer {
    pub(crate) fn begin(house: &House) -> Self {
        let connection = Connection::open(file_of(house)).unwrap();
        connection.busy_timeout(Duration::from_secs(10)).unwrap();
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        Self(connection)
    }

    pub(crate) fn end(self) {
        self.0.execute_batch("ROLLBACK").unwrap();
    }
}

/// The file of the house's one tenant.
fn file_of(house: &House) -> PathBuf {
    let key = house.tenant.ids.tenant_id.key();
    house.parts.folder.join("tenants").join(format!("{key}.db"))
}

/// Its program writes its token and waits for `go`; a second one follows.
fn two_steps(house: &House) -> (StartRequest, PathBuf, PathBuf) {
    let (witness, go) = (house.file("witness"), house.file("go"));
    let plan = format!("{WITNESS}  after: {{ needs: wait, run: ['true'] }}\n");
    let inputs = [("witness", json!(witness.to_str().unwrap())), ("go", json!(go.to_str().unwrap()))];
    (StartRequest { detached: true, ..house.request(&plan, &inputs) }, witness, go)
}

fn lines(path: &Path) -> Vec<String> {
    std::fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
}

/// By what its ledger says, without asking any engine.
async fn until_completed(house: &House, run: RunId) {
    while house.names(run).await.last().is_none_or(|name| name != "RunCompleted") {
        sleep(Duration::from_millis(10)).await;
    }
}

async fn count(house: &House, run: RunId, name: &str) -> usize {
    house.names(run).await.iter().filter(|known| *known == name).count()
}

/// A store that cannot write for longer than the run waits: its memory goes, and the engine takes it up again, unasked.
pub(crate) fn a_run_that_could_not_be_written_comes_back() {
    block_on(async {
        let mut house = House::new().await;
        house.parts.patience = Duration::ZERO;
        let client = house.attach().await;
        let (request, witness, go) = two_steps(&house);
        let run = house.start(&client, request).await.unwrap().run_id;
        until_lines(&witness, 1).await;
        let seen = u64::try_from(house.names(run).await.len()).unwrap();
        let writer = Writer::begin(&house);
        std::fs::write(&go, "").unwrap();
        // Control: it left, and whoever follows it is told.
        let problem = client.progress(run, seen).await.unwrap_err();
        assert_eq!(problem.code, Code::LedgerUnavailable);
        assert!(client.has_work().await.unwrap(), "whoever stays for detached runs stays for it");
        let at_rest = || AtRest::now(&house.store, &house.parts.folder).of(run);
        while at_rest() != Some(Rest::ComesBack) {
            sleep(Duration::from_millis(10)).await;
        }
        let told = client.notices().await;
        let is_it = |notice: &Notice| matches!(notice, Notice::Later { run: Some(of), .. } if *of == run);
        assert!(told.iter().any(is_it), "{told:?}");
        writer.end();
        until_completed(&house, run).await;
        let told = client.notices().await;
        assert!(matches!(told.last(), Some(Notice::TakenUp(runs)) if *runs == [run]), "{told:?}");
        while at_rest().is_some() {
            sleep(Duration::from_millis(10)).await;
        }
        // INV-29: the end that could not be written is as if it had not been: the same attempt again under its token.
        let lines = lines(&witness);
        assert_eq!(lines.len(), 4, "{lines:?}");
        assert_eq!((&lines[0], lines[1].as_str()), (&lines[2], "done"), "{lines:?}");
        for (name, times) in
            [("StepRedispatched wait", 1), ("StepCompleted wait", 1), ("StepCompleted after", 1)]
        {
            assert_eq!(count(&house, run, name).await, times, "{name}");
        }
    });
}

/// What an engine that begins cannot claim it takes up as soon as it can.
pub(crate) fn what_could_not_be_taken_up_is_taken_up_later() {
    block_on(async {
        let house = House::new().await;
        let client = house.attach().await;
        let (request, witness, go) = two_steps(&house);
        let run = house.start(&client, request).await.unwrap().run_id;
        until_lines(&witness, 1).await;
        client.close().await.unwrap();
        std::fs::write(&go, "").unwrap();
        let writer = Writer::begin(&house);
        let client: Client = dvt_engine::reside(house.parts.clone()).await.unwrap();
        // Control: it could not.
        assert_eq!(client.counts(), Some(Counts::default()));
        client.follow(&house.run_proof::<RunReadStatus>(house.tenant, run)).await.unwrap();
        assert_eq!(count(&house, run, "StepRedispatched wait").await, 0);
        writer.end();
        until_completed(&house, run).await;
        assert_eq!(count(&house, run, "StepRedispatched wait").await, 1);
        assert_eq!(count(&house, run, "StepCompleted wait").await, 1);
    });
}

/// An engine whose end takes long renews its lease until it is over: nobody takes it for one that is stopped.
pub(crate) fn an_engine_that_ends_slowly_keeps_its_lease() {
    block_on(async {
        let mut house = House::new().await;
        // A worker that has ended and is waited for until `over` is there.
        let (program, over) = (house.file("worker"), house.file("over"));
        let own = format!("/proc/{}/exe", std::process::id());
        let script = format!(
            "#!/bin/sh\n{} \"$@\"\nwhile [ ! -e {} ]; do /bin/sleep 0.02; done\n",
            own,
            over.display()
        );
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, Permissions::from_mode(0o700)).unwrap();
        house.parts.worker = program;
        let client = house.attach().await;
        let plan = "apiVersion: dvt/v1\nname: one\nsteps:\n  one: { run: ['true'] }\n";
        let run = house.start(&client, house.request(plan, &[])).await.unwrap().run_id;
        assert_eq!(house.to_the_end(&client, run).await, RunStatus::Completed);
        let ending = tokio::spawn(client.close());
        let table = house.store.lease();
        while dvt_engine::connect(house.parts.clone()).await.is_ok() {
            sleep(Duration::from_millis(10)).await;
        }
        // It renews every 3 s: the second renewal from here on begins when it has long known that it is to end.
        let mut renewed = Vec::new();
        while renewed.len() < 3 {
            let row = table.read().unwrap().unwrap();
            assert!(
                row.holder.pid != 0 && !ending.is_finished(),
                "control: it is ending, and holds the lease"
            );
            if renewed.last() != Some(&row.expires_at) {
                renewed.push(row.expires_at);
            }
            sleep(Duration::from_millis(10)).await;
        }
        std::fs::write(&over, "").unwrap();
        ending.await.unwrap().unwrap();
        assert_eq!(table.read().unwrap().unwrap().holder.pid, 0, "and then it is given back");
    });
}

/// A tenant whose file is slow to be claimed holds up no other one.
pub(crate) fn a_tenant_that_cannot_be_claimed_holds_up_no_other() {
    block_on(async {
        let house = House::new().await;
        let other = crate::house::new_tenant(&house.store).await;
        let client = house.attach().await;
        let plan = "apiVersion: dvt/v1\nname: nothing\nsteps:\n  one: { uses: dvt/noop@1 }\n";
        let writer = Writer::begin(&house);
        let mut slow = Box::pin(house.start(&client, house.request(plan, &[])));
        let quick = house.start_as(other, &client, house.request(plan, &[]));
        tokio::select! {
            biased;
            answer = &mut slow => panic!("it waits for its file: {answer:?}"),
            answer = quick => assert_eq!(answer.unwrap().provider, "embedded"),
        }
        writer.end();
        slow.await.unwrap();
    });
}

/// A tenant whose file cannot be sealed holds up nobody else's checkpoint.
pub(crate) fn a_tenant_that_cannot_be_sealed_holds_up_no_other() {
    block_on(async {
        let house = House::new().await;
        let other = crate::house::new_tenant(&house.store).await;
        let client = house.attach().await;
        let plan = "apiVersion: dvt/v1\nname: nothing\nsteps:\n  one: { uses: dvt/noop@1 }\n";
        let others = house.start_as(other, &client, house.request(plan, &[])).await.unwrap().run_id;
        // What is written now is sealed half a second later.
        let run = house.start(&client, house.request(plan, &[])).await.unwrap().run_id;
        let writer = Writer::begin(&house);
        let mut slow = Box::pin(client.seal(run));
        tokio::select! {
            biased;
            answer = &mut slow => panic!("it waits for its file: {answer:?}"),
            answer = client.seal(others) => assert!(answer.unwrap() > 0),
        }
        writer.end();
        assert!(slow.await.unwrap() > 0);
    });
}
