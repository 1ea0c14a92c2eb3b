//! What dies, and what goes on afterwards.

use crate::forwarding::LONG;
use crate::house::{House, block_on};
use dvt_engine::client::Client;
use dvt_model::code::Code;
use dvt_model::deed::Deed;
use dvt_model::id::RunId;
use dvt_model::proof::SignalSend;
use dvt_model::run::RunStatus;
use dvt_store::port::transaction::Kind;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

/// Writes its token, then waits for the file `go`.
pub(crate) const WITNESS: &str = r#"
apiVersion: dvt/v1
name: witness
inputs: { witness: { type: string }, go: { type: string } }
steps:
  wait:
    script: |
      echo "$DVT_TOKEN" >> "$WITNESS"
      while [ ! -e "$GO" ]; do sleep 0.02; done
      echo done >> "$WITNESS"
    env: { WITNESS: '${{ inputs.witness }}', GO: '${{ inputs.go }}' }
"#;

fn lines(path: &Path) -> Vec<String> {
    std::fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
}

pub(crate) async fn until_lines(path: &Path, count: usize) {
    while lines(path).len() < count {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

/// Our children that are workers.
pub(crate) fn workers() -> Vec<Pid> {
    let own = std::process::id().to_string();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        let rest = stat.rsplit_once(')').map(|(_, rest)| rest.to_owned()).unwrap_or_default();
        let mut fields = rest.split_ascii_whitespace();
        let (state, parent) = (fields.next(), fields.next());
        let command = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let is_worker = command.split(|byte| *byte == 0).any(|word| word == b"__worker");
        if state != Some("Z") && parent == Some(own.as_str()) && is_worker {
            found.extend(Pid::from_raw(pid));
        }
    }
    found
}

pub(crate) fn a_killed_worker_is_replaced_and_the_token_stays() {
    block_on(async {
        let house = House::new().await;
        let client = house.attach().await;
        let (witness, go) = (house.file("witness"), house.file("go"));
        let inputs = [("witness", json!(witness.to_str().unwrap())), ("go", json!(go.to_str().unwrap()))];
        let run = house.start(&client, house.request(WITNESS, &inputs)).await.unwrap().run_id;
        house.until(&client, run, |names| names.contains(&"StepStarted wait".to_owned())).await;
        until_lines(&witness, 1).await;
        let [worker] = workers()[..] else { panic!("one worker") };
        kill_process(worker, Signal::KILL).unwrap();
        house.until(&client, run, |names| names.contains(&"StepRedispatched wait".to_owned())).await;
        until_lines(&witness, 2).await;
        std::fs::write(&go, "").unwrap();
        assert_eq!(house.to_the_end(&client, run).await, RunStatus::Completed);
        // INV-29: the same attempt under the same token, and it was finished once.
        let lines = lines(&witness);
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert_eq!(lines[0], lines[1]);
        assert_eq!(lines[2], "done");
        let cause = &house.payload(run, "StepRedispatched", Some("wait")).await["cause"];
        assert_eq!(*cause, json!("WORKER_LOST"), "the engine lived");
        let part = house
            .events(run)
            .await
            .into_iter()
            .find(|event| event.envelope.event_name.as_deref() == Some("StepCompleted"));
        let part = part.unwrap().envelope.run.unwrap();
        assert_eq!((part.logical_attempt_id.0, part.engine_attempt_id.0), (1, 2));
    });
}

pub(crate) fn a_standby_takes_over_its_own_runs_only() {
    block_on(async {
        let house = House::new().await;
        let (engine, client) = (house.attach().await, house.attach().await);
        let (witness, go) = (house.file("witness"), house.file("go"));
        let inputs = [("witness", json!(witness.to_str().unwrap())), ("go", json!(go.to_str().unwrap()))];
        let left = house.start(&engine, house.request(LONG, &[])).await.unwrap().run_id;
        let mine = house.start(&client, house.request(WITNESS, &inputs)).await.unwrap().run_id;
        house.until(&engine, left, |names| names.contains(&"StepStarted sleep".to_owned())).await;
        until_lines(&witness, 1).await;
        let before = house.names(left).await;
        // A resume of a run that is worked on changes nothing.
        assert_eq!(house.resume(&client, left).await.unwrap_err().code, Code::InvalidStateTransition);
        drop(engine);
        house.until(&client, mine, |names| names.contains(&"StepRedispatched wait".to_owned())).await;
        assert!(client.is_engine());
        until_lines(&witness, 2).await;
        std::fs::write(&go, "").unwrap();
        assert_eq!(house.to_the_end(&client, mine).await, RunStatus::Completed);
        let cause = &house.payload(mine, "StepRedispatched", Some("wait")).await["cause"];
        assert_eq!(*cause, json!("ENGINE_RESTART"));
        assert_eq!(lines(&witness).iter().filter(|line| *line == "done").count(), 1);
        // The other one stays as it was until somebody asks for it.
        assert_eq!(house.names(left).await, before);
        house.resume(&client, left).await.unwrap();
        house.until(&client, left, |names| names.contains(&"StepRedispatched sleep".to_owned())).await;
        house.cancel(house.tenant, &client, left, "stop").await.unwrap();
        assert_eq!(house.to_the_end(&client, left).await, RunStatus::Cancelled);
        assert_eq!(house.resume(&client, left).await.unwrap_err().code, Code::RunTerminal);
    });
}

/// Follows a run to its end, lets the next one end, and leaves: where this client is the engine, the others must find another one.
async fn until_it_leaves(house: &House, client: Client, run: RunId, next: Option<PathBuf>) {
    assert_eq!(house.to_the_end(&client, run).await, RunStatus::Completed);
    if let Some(next) = next {
        std::fs::write(next, "").unwrap();
    }
    client.close().await.unwrap();
}

/// Whoever attends a run meets engines that end while they are asked, and clients that become the engine and end at once.
pub(crate) fn attended_runs_outlive_engine_after_engine() {
    for _ in 0..6 {
        block_on(async {
            let house = House::new().await;
            let (mut clients, mut gos) = (Vec::new(), Vec::new());
            for number in 0..4 {
                let client = house.attach().await;
                let (witness, go) =
                    (house.file(&format!("witness{number}")), house.file(&format!("go{number}")));
                let inputs =
                    [("witness", json!(witness.to_str().unwrap())), ("go", json!(go.to_str().unwrap()))];
                let plan = WITNESS.replace("name: witness", &format!("name: witness{number}"));
                let run = house.start(&client, house.request(&plan, &inputs)).await.unwrap().run_id;
                until_lines(&witness, 1).await;
                clients.push((client, run));
                gos.push(go);
            }
            std::fs::write(gos.remove(0), "").unwrap();
            let mut nexts = gos.into_iter().map(Some).chain([None]);
            let mut leave = clients
                .into_iter()
                .map(|(client, run)| until_it_leaves(&house, client, run, nexts.next().unwrap()));
            let [one, two, three, four] = std::array::from_fn(|_| leave.next().unwrap());
            tokio::join!(one, two, three, four);
        });
    }
}

pub(crate) fn a_stopped_hard_run_goes_on_by_resume() {
    block_on(async {
        let house = House::new().await;
        let client = house.attach().await;
        let (witness, go) = (house.file("witness"), house.file("go"));
        let inputs = [("witness", json!(witness.to_str().unwrap())), ("go", json!(go.to_str().unwrap()))];
        let run = house.start(&client, house.request(WITNESS, &inputs)).await.unwrap().run_id;
        until_lines(&witness, 1).await;
        let known = house.events(run).await.len();
        client.stop_hard().await;
        let problem = client.progress(run, u64::try_from(known).unwrap()).await.unwrap_err();
        assert_eq!(problem.code, Code::ServiceDegraded);
        house.resume(&client, run).await.unwrap();
        until_lines(&witness, 2).await;
        std::fs::write(&go, "").unwrap();
        assert_eq!(house.to_the_end(&client, run).await, RunStatus::Completed);
        let lines = lines(&witness);
        assert_eq!((lines.len(), lines[0] == lines[1]), (3, true), "{lines:?}");
    });
}

/// INVARIANT(INV-29): who asks at the same moment is told so, and the step is given out again once; never are two copies alive.
pub(crate) fn resumes_at_the_same_moment_recover_once() {
    block_on(async {
        let house = House::new().await;
        let client = house.attach().await;
        let (witness, go) = (house.file("witness"), house.file("go"));
        let inputs = [("witness", json!(witness.to_str().unwrap())), ("go", json!(go.to_str().unwrap()))];
        let run = house.start(&client, house.request(WITNESS, &inputs)).await.unwrap().run_id;
        until_lines(&witness, 1).await;
        let known = u64::try_from(house.events(run).await.len()).unwrap();
        client.stop_hard().await;
        // From here on it is nobody's.
        client.progress(run, known).await.unwrap_err();
        let asked = tokio::join!(
            house.resume(&client, run),
            house.resume(&client, run),
            house.resume(&client, run),
            house.resume(&client, run)
        );
        let answers = [asked.0, asked.1, asked.2, asked.3];
        let went_on = answers.iter().filter(|answer| answer.is_ok()).count();
        let refused = answers.iter().filter_map(|answer| answer.as_ref().err());
        assert!(refused.map(|problem| problem.code).all(|code| code == Code::InvalidStateTransition));
        assert_eq!(went_on, 1, "{answers:?}");
        until_lines(&witness, 2).await;
        std::fs::write(&go, "").unwrap();
        assert_eq!(house.to_the_end(&client, run).await, RunStatus::Completed);
        let names = house.names(run).await;
        let again = names.iter().filter(|name| name.starts_with("StepRedispatched")).count();
        assert_eq!((again, lines(&witness).len()), (1, 3), "{names:?}");
    });
}

/// The snapshot spares the beginning of a fold and changes nothing (contract 5.5).
pub(crate) fn a_large_run_goes_on_from_its_snapshot() {
    block_on(async {
        let house = House::new().await;
        let client = house.attach().await;
        let plan = r#"
apiVersion: dvt/v1
name: large
inputs: { go: { type: string } }
steps:
  big:
    script: head -c 400000 /dev/zero | tr '\000' x
    output: text
  wait:
    needs: big
    script: while [ ! -e "$GO" ]; do sleep 0.02; done
    env: { GO: '${{ inputs.go }}' }
outputs: { size: '${{ size(steps.big.output) }}' }
"#;
        let go = house.file("go");
        let request = house.request(plan, &[("go", json!(go.to_str().unwrap()))]);
        let run = house.start(&client, request).await.unwrap().run_id;
        house.until(&client, run, |names| names.contains(&"StepStarted wait".to_owned())).await;
        let known = house.events(run).await.len();
        client.stop_hard().await;
        client.progress(run, u64::try_from(known).unwrap()).await.unwrap_err();
        let transaction = house.store.begin(&house.scope(house.tenant), Kind::Act).unwrap();
        let (last_run_seq, _) = transaction.get_snapshot(run).await.unwrap().expect("a snapshot");
        assert!(last_run_seq >= 4, "{last_run_seq}");
        house.resume(&client, run).await.unwrap();
        std::fs::write(&go, "").unwrap();
        assert_eq!(house.to_the_end(&client, run).await, RunStatus::Completed);
        assert_eq!(house.payload(run, "RunCompleted", None).await["outputs"], json!({ "size": 400_000 }));
    });
}

/// Contract 6.1: the head row's epoch, and not the lease, keeps an old leader from writing.
pub(crate) fn an_old_epoch_writes_nothing() {
    block_on(async {
        let house = House::new().await;
        let client = house.attach().await;
        let epoch = house.store.lease().read().unwrap().unwrap().epoch;
        // Control: with its own epoch it writes.
        let run = house.start(&client, house.request(LONG, &[])).await.unwrap().run_id;
        house.until(&client, run, |names| names.contains(&"StepStarted sleep".to_owned())).await;
        let before = house.names(run).await;
        // Another leader has touched the tenant; the lease row does not know of it.
        house.store.claim(house.tenant.ids.tenant_id, epoch + 1).await.unwrap();
        house.pushed_ms.fetch_add(11_000, Ordering::SeqCst);
        // The old one finds out by its next write, ends, takes the lease anew, and the cancel happens under the new epoch.
        house.cancel(house.tenant, &client, run, "stop").await.unwrap();
        assert_eq!(house.store.lease().read().unwrap().unwrap().epoch, epoch + 1);
        assert_eq!(house.to_the_end(&client, run).await, RunStatus::Cancelled);
        let names = house.names(run).await;
        assert_eq!(names[..before.len()], before[..]);
        assert_eq!(names.iter().filter(|name| *name == "RunCancelRequested").count(), 1);
    });
}

/// A run that another client takes up for one act is not worked on: whoever goes on with it at the same moment does.
pub(crate) fn an_act_does_not_stand_in_the_way_of_a_resume() {
    block_on(async {
        let house = House::new().await;
        for number in 0..16u64 {
            let client = house.attach().await;
            let plan = "apiVersion: dvt/v1\nname: parcel\nsteps:\n  delivered: { signal: delivered }\n";
            let mut request = house.request(plan, &[]);
            request.plan_id = dvt_model::id::PlanId::from_random([6; 16]);
            let run = house.start(&client, request).await.unwrap().run_id;
            house.until(&client, run, |names| names.contains(&"StepStarted delivered".to_owned())).await;
            client.close().await.unwrap();
            let client = house.attach().await;
            let proof = house.run_proof::<SignalSend>(house.tenant, run);
            let deed = Deed::Send { name: "other".to_owned(), payload: json!({}) };
            let signal_id = dvt_model::id::SignalId::parse(&format!("other-{number}")).unwrap();
            let asked = dvt_engine::Asked { deed, record: None, signal_id };
            // Sooner or later after the act has begun: one of these meets the run while it rests.
            let later = async {
                tokio::time::sleep(std::time::Duration::from_micros(400 * number)).await;
                house.resume(&client, run).await
            };
            let (act, resumed) = tokio::join!(client.act_on_run(&proof, asked, false), later);
            act.unwrap();
            assert_eq!(resumed.unwrap(), RunStatus::Running);
            house.cancel(house.tenant, &client, run, "stop").await.unwrap();
            assert_eq!(house.to_the_end(&client, run).await, RunStatus::Cancelled);
            client.close().await.unwrap();
        }
    });
}
/// Capacity of the worker's slots in this process, as the dispatcher counts them.
fn slots() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    (cores * 8).clamp(8, usize::try_from(dvt_worker::protocol::CAPACITY).unwrap())
}

/// Runs of several engines that are gone are taken up by one: their programs go through its slots like others.
pub(crate) fn what_is_taken_up_goes_through_the_slots() {
    block_on(async {
        let house = House::new().await;
        let (witness, go) = (house.file("witness"), house.file("go"));
        let script = "script: 'echo begin >> \"$WITNESS\"; while [ ! -e \"$GO\" ]; do sleep 0.05; done; echo end >> \"$WITNESS\"'";
        let env = "env: { WITNESS: '${{ inputs.witness }}', GO: '${{ inputs.go }}' }";
        let steps: String = (0..slots()).map(|at| format!("  s{at}: {{ {script}, {env} }}\n")).collect();
        let plan = format!(
            "apiVersion: dvt/v1\nname: wide\ninputs: {{ witness: {{ type: string }}, go: {{ type: string }} }}\nsteps:\n{steps}"
        );
        let inputs = [("witness", json!(witness.to_str().unwrap())), ("go", json!(go.to_str().unwrap()))];
        let mut runs = Vec::new();
        for _ in 0..2 {
            let client = house.attach().await;
            let mut request = house.request(&plan, &inputs);
            request.plan_id = dvt_model::id::PlanId::from_random([3; 16]);
            runs.push(house.start(&client, request).await.unwrap().run_id);
            // Control: each of them alone has them all.
            until_lines(&witness, slots()).await;
            client.close().await.unwrap();
            std::fs::remove_file(&witness).unwrap();
        }
        let client = dvt_engine::reside(house.parts.clone()).await.unwrap();
        until_lines(&witness, slots()).await;
        std::fs::write(&go, "").unwrap();
        for run in runs {
            client
                .follow(&house.run_proof::<dvt_model::proof::RunReadStatus>(house.tenant, run))
                .await
                .unwrap();
            assert_eq!(house.to_the_end(&client, run).await, RunStatus::Completed);
        }
        let (mut alive, mut most) = (0usize, 0);
        for line in lines(&witness) {
            alive = if line == "begin" { alive + 1 } else { alive - 1 };
            most = most.max(alive);
        }
        assert_eq!((alive, most), (0, slots()));
    });
}

/// A worker that ends before it is there has had no step: they wait for the next one, and are given to it as they are.
pub(crate) fn a_worker_that_cannot_begin_costs_no_step_a_dispatch() {
    block_on(async {
        let mut house = House::new().await;
        let (folder, program) = (house.file("starts"), house.file("worker"));
        std::fs::create_dir(&folder).unwrap();
        let own = format!("/proc/{}/exe", std::process::id());
        let script = format!(
            "#!/bin/sh\nfor n in 1 2 3; do if [ ! -e {0}/$n ]; then : > {0}/$n; exit 1; fi; done\nexec {1} \"$@\"\n",
            folder.display(),
            own
        );
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        house.parts.worker = program;
        let client = house.attach().await;
        let plan =
            "apiVersion: dvt/v1\nname: sound\nsteps:\n  one: { run: ['true'] }\n  two: { run: ['true'] }\n";
        let run = house.start(&client, house.request(plan, &[])).await.unwrap().run_id;
        assert_eq!(house.to_the_end(&client, run).await, RunStatus::Completed);
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 3, "control: three came to nothing");
        let names = house.names(run).await;
        assert!(!names.iter().any(|name| name.starts_with("StepRedispatched")), "{names:?}");
    });
}

/// Files that a worker could not unpack once are sent to it again.
pub(crate) fn files_that_could_not_be_unpacked_are_sent_again() {
    block_on(async {
        let house = House::new().await;
        let client = house.attach().await;
        let witness = house.file("witness");
        let plan = "apiVersion: dvt/v1\nname: where\ninputs: { witness: { type: string } }\nsteps:\n  one: { script: 'echo $TMPDIR > \"$W\"', env: { W: '${{ inputs.witness }}' } }\n";
        let inputs = [("witness", json!(witness.to_str().unwrap()))];
        let run = house.start(&client, house.request(plan, &inputs)).await.unwrap().run_id;
        assert_eq!(house.to_the_end(&client, run).await, RunStatus::Completed);
        let root = Path::new(&lines(&witness)[0]).parent().unwrap().to_owned();
        let entry =
            dvt_worker::bundle::Entry { path: "data".into(), executable: false, content: b"x".to_vec() };
        let (digest, bytes) = dvt_worker::bundle::pack(vec![entry]).unwrap();
        let transaction = house.store.begin(&house.scope(house.tenant), Kind::Act).unwrap();
        transaction.put_bundle(digest, &bytes).await.unwrap();
        // Something stands in its way, and is taken away by the try.
        std::fs::create_dir(root.join(format!("files-1-{}.part", digest.hex()))).unwrap();
        let plan = "apiVersion: dvt/v1\nname: packed\nfiles: [data]\nsteps:\n  one: { run: [cat, data] }\n";
        let source = dvt_plan::diagnostic::Source { name: "plan.yaml".to_owned(), text: plan.to_owned() };
        let checked = dvt_plan::check(&source).checked.unwrap().with_files(digest);
        let version = format!("0.0.0-dev.d{}", &checked.digest().hex()[..12]);
        let document = checked.canonical.into_value();
        let mut ends = Vec::new();
        for _ in 0..2 {
            let mut request = house.request(plan, &[]);
            request.plan_id = dvt_model::id::PlanId::from_random([4; 16]);
            (request.plan_version, request.plan_document) = (version.clone(), document.clone());
            request.files_digest = Some(digest);
            let run = house.start(&client, request).await.unwrap().run_id;
            ends.push(house.to_the_end(&client, run).await);
        }
        assert_eq!(ends, [RunStatus::Failed, RunStatus::Completed]);
    });
}
