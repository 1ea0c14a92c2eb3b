//! Runs in one process: from the request to the end, and what is refused.

use crate::house::{House, block_on};
use dvt_model::code::Code;
use dvt_model::proof::{PlanCreate, RunStart};
use dvt_model::resource::{Plan, Project};
use dvt_model::run::RunStatus;
use dvt_store::port::transaction::Kind;
use serde_json::json;

const TWO: &str = r#"
apiVersion: dvt/v1
name: two
steps:
  first:
    script: |
      echo counted >&2
      printf '{"n": 41}'
    output: json
  second:
    script: printf '%s and one' "$N"
    env: { N: '${{ steps.first.output.n }}' }
    output: text
outputs:
  said: ${{ steps.second.output }}
"#;

/// A caller may follow a run from a task of its own.
fn is_send<T: Send>(_: &T) {}

pub(crate) fn two_steps_and_an_output_between_them() {
    block_on(async {
        let house = House::new().await;
        let client = house.attach().await;
        assert!(client.is_engine());
        let request = house.request(TWO, &[]);
        let project = Project { id: house.tenant.ids.project_id, scope: house.tenant.ids };
        let publish = house.proof::<_, PlanCreate>(house.tenant, project);
        let start =
            house.proof::<_, RunStart>(house.tenant, Plan { id: request.plan_id, scope: house.tenant.ids });
        let answer = client.start_run(&publish, &start, request).await.unwrap();
        assert!(!answer.idempotent);
        is_send(&client.progress(answer.run_id, 0));
        assert_eq!(house.to_the_end(&client, answer.run_id).await, RunStatus::Completed);
        let names = house.names(answer.run_id).await;
        assert_eq!(
            names,
            [
                "RunQueued",
                "RunStarted",
                "StepStarted first",
                "StepCompleted first",
                "StepStarted second",
                "StepCompleted second",
                "RunCompleted"
            ]
        );
        let completed = house.payload(answer.run_id, "StepCompleted", Some("second")).await;
        assert_eq!(completed["result"], json!("41 and one"));
        let outputs = house.payload(answer.run_id, "RunCompleted", None).await;
        assert_eq!(outputs["outputs"], json!({ "said": "41 and one" }));
        // INV-07: both decisions stand in the ledger, with the deed; every event names the request that caused it.
        let transaction = house.store.begin(&house.scope(house.tenant), Kind::Act).unwrap();
        assert!(transaction.decision_recorded(publish.decision_id()).await.unwrap());
        assert!(transaction.decision_recorded(start.decision_id()).await.unwrap());
        for (place, event) in house.events(answer.run_id).await.into_iter().enumerate() {
            assert_eq!(event.envelope.request_id, start.context().request_id());
            assert_eq!(event.envelope.run.unwrap().run_seq, u64::try_from(place).unwrap() + 1);
        }
        let first = dvt_model::id::StepId::parse("first").unwrap();
        let log = transaction.read_log(answer.run_id, &first, 1).await.unwrap();
        assert!(
            log.iter().any(|chunk| chunk.stream == "stderr" && chunk.text.contains("counted")),
            "{log:?}"
        );
        assert!(client.seal(answer.run_id).await.unwrap() >= 9);
        client.close().await.unwrap();
        assert!(!dvt_engine::engine_is_live(&house.store));
    });
}

pub(crate) fn exit_75_is_tried_again() {
    block_on(async {
        let house = House::new().await;
        let client = house.attach().await;
        let mark = house.file("mark");
        let plan = r#"
apiVersion: dvt/v1
name: again
inputs: { mark: { type: string } }
steps:
  flaky:
    script: |
      if [ -e "$MARK" ]; then exit 0; fi
      : > "$MARK"
      exit 75
    env: { MARK: '${{ inputs.mark }}' }
    retry: { max: 2, backoff: constant, initial: 1s, on: [transient] }
"#;
        let answer = house
            .start(&client, house.request(plan, &[("mark", json!(mark.to_str().unwrap()))]))
            .await
            .unwrap();
        assert_eq!(house.to_the_end(&client, answer.run_id).await, RunStatus::Completed);
        let failed = house.payload(answer.run_id, "StepFailed", Some("flaky")).await;
        assert_eq!(failed["failure"]["exitStatus"], json!(75));
        assert!(failed["retryAt"].is_string(), "the due time is durable before the wait");
        let attempts: Vec<u32> = house
            .events(answer.run_id)
            .await
            .into_iter()
            .filter(|event| event.envelope.event_name.as_deref() == Some("StepStarted"))
            .map(|event| event.envelope.run.unwrap().logical_attempt_id.0)
            .collect();
        assert_eq!(attempts, [1, 2]);
    });
}

/// The pause before a retry may be over before its step's end is written; no timer tells of it then. How long a write takes
/// nobody knows, so pauses of several lengths.
pub(crate) fn a_retry_that_is_due_before_it_is_durable_begins() {
    block_on(async {
        let house = House::new().await;
        let client = house.attach().await;
        for pause_ms in [1, 2, 3, 5, 8] {
            let mark = house.file(&format!("mark-{pause_ms}"));
            let plan = r#"
apiVersion: dvt/v1
name: soon-PAUSE
inputs: { mark: { type: string } }
steps:
  shaky:
    script: |
      echo tried >> "$MARK"
      if [ "$(wc -l < "$MARK")" -ge 5 ]; then exit 0; fi
      exit 75
    env: { MARK: '${{ inputs.mark }}' }
    retry: { max: 6, backoff: constant, jitter: none, initial: PAUSE, on: [transient] }
"#
            .replace("PAUSE", &format!("{pause_ms}ms"));
            let request = house.request(&plan, &[("mark", json!(mark.to_str().unwrap()))]);
            let run = house.start(&client, request).await.unwrap().run_id;
            assert_eq!(house.to_the_end(&client, run).await, RunStatus::Completed);
            assert_eq!(std::fs::read_to_string(&mark).unwrap().lines().count(), 5);
        }
    });
}

pub(crate) fn waits_and_noops_need_no_worker() {
    block_on(async {
        let mut house = House::new().await;
        house.parts.worker = "/nonexistent".into();
        let client = house.attach().await;
        let plan = "
apiVersion: dvt/v1
name: inside
steps:
  pause: { wait: 1s }
  nothing: { needs: pause, uses: dvt/noop@1 }
";
        let answer = house.start(&client, house.request(plan, &[])).await.unwrap();
        assert_eq!(house.to_the_end(&client, answer.run_id).await, RunStatus::Completed);
        // Control: a program would have needed it, and its failure says so.
        let answer = house.start(&client, house.request(TWO, &[])).await.unwrap();
        assert_eq!(house.to_the_end(&client, answer.run_id).await, RunStatus::Failed);
        let failed = house.payload(answer.run_id, "StepFailed", Some("first")).await;
        assert_eq!(failed["failure"]["errorCode"], json!("WORKER_LOST"));
    });
}

/// What needs no slot, no worker and nobody else stands in the block of the admission, in the order that a later offer would give.
pub(crate) fn what_needs_nobody_is_in_the_first_block() {
    block_on(async {
        let mut house = House::new().await;
        house.parts.worker = "/nonexistent".into();
        let client = house.attach().await;
        let tenant = house.tenant.ids.tenant_id;
        let written = || house.store.counts(tenant).unwrap().put;
        let plan = |steps: &str| format!("apiVersion: dvt/v1\nname: at-once\nsteps:\n{steps}");
        let chain = "  one: { uses: dvt/noop@1 }\n  two: { uses: dvt/noop@1, needs: one }\n";
        let request = |steps: &str| {
            let mut request = house.request(&plan(steps), &[]);
            request.plan_id = dvt_model::id::PlanId::from_random([7; 16]);
            request
        };
        // Twice: the second start finds plan and keys in memory.
        for _ in 0..2 {
            // Nothing else of this engine writes just now.
            client.seal(house.start(&client, request(chain)).await.unwrap().run_id).await.unwrap();
            let before = written();
            let answer = house.start(&client, request(chain)).await.unwrap();
            assert_eq!((answer.status, written() - before), (RunStatus::Completed, 1));
            let news = client.progress(answer.run_id, 0).await.unwrap();
            assert_eq!((news.status, news.last_run_seq), (RunStatus::Completed, 7));
            let names = [
                "RunQueued",
                "RunStarted",
                "StepStarted one",
                "StepCompleted one",
                "StepStarted two",
                "StepCompleted two",
                "RunCompleted",
            ];
            assert_eq!(house.names(answer.run_id).await, names);
        }
        let fails = "  one: { uses: dvt/noop@1, with: { output: '${{ 1 / 0 }}' } }\n";
        let answer = house.start(&client, request(fails)).await.unwrap();
        assert_eq!(answer.status, RunStatus::Failed);
        // Control: what waits does not end in it, and a program begins in no admission.
        let waits = "  one: { uses: dvt/noop@1 }\n  two: { wait: 1h, needs: one }\n";
        let answer = house.start(&client, request(waits)).await.unwrap();
        assert_eq!(answer.status, RunStatus::Running);
        assert!(house.names(answer.run_id).await.contains(&"StepStarted two".to_owned()));
        let program = house.start(&client, request("  one: { run: ['true'] }\n")).await.unwrap();
        assert_eq!(program.status, RunStatus::Pending);
        assert_eq!(house.to_the_end(&client, program.run_id).await, RunStatus::Failed);
    });
}

pub(crate) fn without_the_owners_word_no_program_starts() {
    block_on(async {
        let house = House::new().await;
        let client = house.attach().await;
        let witness = house.file("witness");
        let plan = r#"
apiVersion: dvt/v1
name: touch
inputs: { path: { type: string } }
steps:
  touch: { run: [touch, '${{ inputs.path }}'] }
"#;
        let mut request = house.request(plan, &[("path", json!(witness.to_str().unwrap()))]);
        request.host_allowed = false;
        let answer = house.start(&client, request.clone()).await.unwrap();
        assert_eq!(house.to_the_end(&client, answer.run_id).await, RunStatus::Failed);
        let failed = house.payload(answer.run_id, "StepFailed", Some("touch")).await;
        assert_eq!(failed["failure"]["errorCode"], json!("SANDBOX_UNAVAILABLE"));
        assert!(!witness.exists());
        // Control: with it, the same plan runs.
        request.host_allowed = true;
        request.run_request_id = dvt_model::id::RunRequestId::parse("another").unwrap();
        let answer = house.start(&client, request).await.unwrap();
        assert_eq!(house.to_the_end(&client, answer.run_id).await, RunStatus::Completed);
        assert!(witness.exists());
    });
}

pub(crate) fn the_same_request_is_the_same_run() {
    block_on(async {
        let house = House::new().await;
        let client = house.attach().await;
        let plan = "
apiVersion: dvt/v1
name: named
inputs: { who: { type: string, default: ana } }
steps:
  nothing: { uses: dvt/noop@1 }
";
        let request = house.request(plan, &[("who", json!("eva"))]);
        let first = house.start(&client, request.clone()).await.unwrap();
        let again = house.start(&client, request.clone()).await.unwrap();
        assert_eq!((again.run_id, again.idempotent), (first.run_id, true));
        let mut other = request.clone();
        other.inputs.insert("who".to_owned(), json!("ina"));
        assert_eq!(house.start(&client, other).await.unwrap_err().code, Code::IdempotencyKeyReused);
        let mut wider = request.clone();
        wider.host_allowed = false;
        assert_eq!(house.start(&client, wider).await.unwrap_err().code, Code::IdempotencyKeyReused);
        // INV-29: one run, and its events once.
        assert_eq!(house.to_the_end(&client, first.run_id).await, RunStatus::Completed);
        let queued = house.names(first.run_id).await.iter().filter(|name| *name == "RunQueued").count();
        assert_eq!(queued, 1);
        let transaction = house.store.begin(&house.scope(house.tenant), Kind::Act).unwrap();
        assert_eq!(transaction.list_runs(10, None).await.unwrap().rows.len(), 1);
    });
}

pub(crate) fn what_is_refused_at_the_start() {
    block_on(async {
        let house = House::new().await;
        let client = house.attach().await;
        let good = house.request(TWO, &[]);
        let refused = async |change: &dyn Fn(&mut dvt_engine::client::StartRequest)| {
            let mut request = good.clone();
            change(&mut request);
            house.start(&client, request).await.unwrap_err().code
        };
        assert_eq!(
            refused(&|request| request.plan_document = json!({ "name": 1 })).await,
            Code::InvalidPlanSchema
        );
        assert_eq!(
            refused(&|request| request.plan_version = "0.0.0-dev.d000000000000".to_owned()).await,
            Code::PlanRefMismatch
        );
        assert_eq!(
            refused(&|request| request.plan_version = "1.0.0".to_owned()).await,
            Code::PlanRefMismatch
        );
        assert_eq!(
            refused(&|request| request.files_digest = Some(dvt_model::digest::Digest::of(b"x"))).await,
            Code::PlanRefMismatch
        );
        assert_eq!(
            refused(&|request| drop(request.inputs.insert("unknown".to_owned(), json!(1)))).await,
            Code::InvalidRequest
        );
        // INV-12: a proof about another plan starts nothing, whatever access thought of it.
        let project = Project { id: house.tenant.ids.project_id, scope: house.tenant.ids };
        let publish = house.proof::<_, PlanCreate>(house.tenant, project);
        let other = dvt_model::id::PlanId::from_random([9; 16]);
        let start = house.proof::<_, RunStart>(house.tenant, Plan { id: other, scope: house.tenant.ids });
        let problem = client.start_run(&publish, &start, good.clone()).await.unwrap_err();
        assert_eq!(problem.code, Code::AuthorizationRequired);
        let transaction = house.store.begin(&house.scope(house.tenant), Kind::Act).unwrap();
        assert!(transaction.list_runs(10, None).await.unwrap().rows.is_empty());
        // INV-07: a decision whose deed was refused is entered all the same.
        let start =
            house.proof::<_, RunStart>(house.tenant, Plan { id: good.plan_id, scope: house.tenant.ids });
        let mut wrong = good.clone();
        wrong.plan_version = "1.0.0".to_owned();
        assert!(!transaction.decision_recorded(start.decision_id()).await.unwrap());
        assert!(client.start_run(&publish, &start, wrong).await.is_err());
        assert!(transaction.decision_recorded(start.decision_id()).await.unwrap());
        // Control.
        assert!(house.start(&client, good).await.is_ok());
    });
}

pub(crate) fn many_runs_share_the_slots() {
    block_on(async {
        let house = House::new().await;
        let client = house.attach().await;
        let steps: String = (0..12).map(|n| format!("  s{n}: {{ run: ['true'] }}\n")).collect();
        let plan = format!("apiVersion: dvt/v1\nname: wide\nsteps:\n{steps}");
        let mut runs = Vec::new();
        let mut request = house.request(&plan, &[]);
        for n in 0..4 {
            request.run_request_id = dvt_model::id::RunRequestId::parse(&format!("wide-{n}")).unwrap();
            runs.push(house.start(&client, request.clone()).await.unwrap().run_id);
        }
        for run in runs {
            assert_eq!(house.to_the_end(&client, run).await, RunStatus::Completed);
            assert_eq!(
                house.names(run).await.iter().filter(|name| name.starts_with("StepCompleted")).count(),
                12
            );
        }
    });
}

/// The end of one step and the start of the next are one block: a chain costs a sync a step.
pub(crate) fn the_end_of_a_step_and_the_start_of_the_next_are_one_block() {
    block_on(async {
        let house = House::new().await;
        let client = house.attach().await;
        let tenant = house.tenant.ids.tenant_id;
        let length = 24;
        let steps: String = (0..length)
            .map(|n| match n {
                0 => "  s0: { run: ['true'] }\n".to_owned(),
                n => format!("  s{n}: {{ run: ['true'], needs: s{} }}\n", n - 1),
            })
            .collect();
        let request = house.request(&format!("apiVersion: dvt/v1\nname: chain\nsteps:\n{steps}"), &[]);
        let before = house.store.counts(tenant).unwrap().put;
        let run = house.start(&client, request).await.unwrap().run_id;
        assert_eq!(house.to_the_end(&client, run).await, RunStatus::Completed);
        let written = house.store.counts(tenant).unwrap().put - before;
        // The admission, the first start and each end; beside them checkpoints, one a second at most.
        assert!((length + 2..length + 2 + length / 2).contains(&written), "{written}");
        let names = house.names(run).await;
        let expected = (0..length).flat_map(|n| [format!("StepStarted s{n}"), format!("StepCompleted s{n}")]);
        let expected = ["RunQueued", "RunStarted"].map(str::to_owned).into_iter().chain(expected);
        assert_eq!(names, expected.chain(["RunCompleted".to_owned()]).collect::<Vec<String>>());
    });
}
