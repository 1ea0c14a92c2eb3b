//! Reasons of pictures that are made by hand.

use super::*;
use dvt_model::failure::Failure;
use dvt_plan::diagnostic::Source;

const PLAN: &str = "apiVersion: dvt/v1
name: shop
limits: { maxParallel: 1 }
steps:
  fetch: { run: [curl, x], retry: { max: 3, on: [transient] } }
  clean: { needs: fetch, run: [clean] }
  gate: { needs: clean, approval: { role: operator, min: 2 } }
  parcel: { needs: clean, signal: delivered }
  load: { needs: [gate, parcel], run: [load] }
  extra: { if: 'inputs.all', run: [extra] }
  after: { needs: extra, run: [after] }
inputs: { all: { type: boolean, default: false } }
";

fn plan() -> Plan {
    let outcome = dvt_plan::check(&Source { name: "shop.yaml".to_owned(), text: PLAN.to_owned() });
    outcome.checked.unwrap_or_else(|| panic!("{:#?}", outcome.diagnostics)).plan
}

fn failure() -> Failure {
    serde_json::from_value(serde_json::json!({
        "errorCode": "STEP_ERROR", "errorMessage": "exit status 75", "retryable": true,
        "failureCategory": "SYSTEM", "failureSource": "STEP", "exitStatus": 75,
    }))
    .unwrap()
}

fn case<'a>(plan: &'a Plan, picture: &'a Picture, facts: &'a Facts) -> Case<'a> {
    let run = RunId::parse("run_7c1e0000-0000-4000-8000-000000000001").unwrap();
    Case { run, plan, picture, facts, rest: None, turn: None, behind: None, now: Timestamp::from_ms(1_000) }
}

fn running(plan: &Plan) -> Picture {
    let mut picture = Picture::new(plan);
    picture.status = RunStatus::Running;
    picture
}

fn set(picture: &mut Picture, id: &str, status: StepStatus) {
    picture.steps.get_mut(id).unwrap().status = status;
}

fn texts(answer: &Answer) -> Vec<&str> {
    std::iter::once(&answer.first).chain(&answer.below).map(|reason| reason.text.as_str()).collect()
}

#[test]
fn a_step_names_what_it_waits_for_and_the_end_of_the_chain() {
    let plan = plan();
    let mut picture = running(&plan);
    let step = picture.steps.get_mut("fetch").unwrap();
    (step.attempts, step.retry_at, step.failure) = (2, Some(Timestamp::from_ms(61_000)), Some(failure()));
    let facts = Facts::default();
    let answer = of_step(&case(&plan, &picture, &facts), "load").unwrap();
    assert_eq!(answer.first.word, "WAITS_FOR_NEED");
    let told = texts(&answer);
    assert_eq!(told[0], "load waits for gate and parcel");
    assert!(
        told[1].starts_with("fetch waits: attempt 2 failed: exit 75, again at 00:01:01 UTC (retry 2 of 3, "),
        "{told:#?}"
    );
    assert_eq!(told.len(), 2, "what lies between is not told: {told:#?}");
    assert!(of_step(&case(&plan, &picture, &facts), "laod").is_none());
}

#[test]
fn approvals_and_signals_name_the_command() {
    let plan = plan();
    let mut picture = running(&plan);
    for id in ["fetch", "clean"] {
        set(&mut picture, id, StepStatus::Success);
    }
    for id in ["gate", "parcel"] {
        set(&mut picture, id, StepStatus::Running);
    }
    let mut facts = Facts::default();
    facts.approvals.insert("gate".to_owned(), 1);
    let answer = run(&case(&plan, &picture, &facts));
    assert_eq!(answer.first.text, "run_7c1e0000 runs");
    let found = |word: &str| answer.below.iter().find(|reason| reason.word == word).unwrap();
    let gate = found("WAITS_FOR_APPROVAL");
    assert_eq!(gate.text, "gate waits for approval by 2 persons with the role operator: 1 given");
    assert_eq!(gate.next.as_deref(), Some("dvt runs approve run_7c1e0000 gate -m \"…\""));
    assert_eq!(
        found("WAITS_FOR_SIGNAL").next.as_deref(),
        Some("dvt runs signal run_7c1e0000 delivered -p '…'")
    );
    assert!(found("WAITS_FOR_ROOM").text.contains("`limits.maxParallel` is 1"), "{answer:#?}");
}

#[test]
fn what_was_left_out_and_what_never_started_say_because_of_what() {
    let plan = plan();
    let mut picture = running(&plan);
    picture.status = RunStatus::Failed;
    picture.failed_step = Some("fetch".to_owned());
    let step = picture.steps.get_mut("fetch").unwrap();
    (step.status, step.attempts, step.failure) = (StepStatus::Failed, 4, Some(failure()));
    for (id, reason) in [("extra", "CONDITION_FALSE"), ("after", "DEPENDENCY_SKIPPED")] {
        set(&mut picture, id, StepStatus::Skipped);
        picture.steps.get_mut(id).unwrap().skipped = Some(reason.to_owned());
    }
    let facts = Facts::default();
    let case = case(&plan, &picture, &facts);
    let told = |id: &str| texts(&of_step(&case, id).unwrap()).join("\n");
    assert_eq!(told("fetch"), "fetch failed: exit 75; all 4 attempts are used");
    assert_eq!(
        told("after"),
        "after was left out: extra was left out\nextra was left out: its condition `inputs.all` was false"
    );
    assert_eq!(
        told("load"),
        "load was not started: fetch failed, and after a failed step nothing new starts\nfetch failed: exit 75; all 4 attempts are used"
    );
    let whole = run(&case);
    assert_eq!(whole.first.text, "run_7c1e0000 failed because fetch failed");
    assert_eq!(whole.json()["because"][0]["reason"], "FAILED");
}

/// What ended its worker again and again is parked: nobody gives it out again by himself.
#[test]
fn what_lost_its_worker_five_times_is_parked() {
    let plan = plan();
    let mut picture = running(&plan);
    let step = picture.steps.get_mut("fetch").unwrap();
    let lost = Failure { error_code: dvt_model::code::Code::WorkerLost, exit_status: None, ..failure() };
    (step.status, step.attempts, step.dispatches, step.failure) = (StepStatus::Failed, 1, 5, Some(lost));
    let facts = Facts::default();
    let answer = of_step(&case(&plan, &picture, &facts), "fetch").unwrap();
    assert_eq!(answer.first.word, "PARKED");
    assert!(answer.first.text.starts_with("fetch is parked: its worker was lost 5 times "), "{answer:?}");
    // Control: the same code where no worker could be started is a failure like others, with its own words.
    let step = picture.steps.get_mut("fetch").unwrap();
    step.dispatches = 1;
    step.failure.as_mut().unwrap().error_message = "the worker cannot be started: no room".to_owned();
    let answer = of_step(&case(&plan, &picture, &facts), "fetch").unwrap();
    assert_eq!(answer.first.word, "FAILED");
    assert!(answer.first.text.contains("the worker cannot be started: no room"), "{answer:?}");
}

/// 2,000 steps that wait for one: the answer is short.
#[test]
fn a_long_plan_has_a_short_answer() {
    let chain = (1..2_000).map(|n| format!("  s{n}: {{ uses: dvt/noop@1, needs: s{} }}\n", n - 1));
    let wide = (0..100).map(|n| format!("  w{n}: {{ wait: 1h }}\n"));
    let text = format!(
        "apiVersion: dvt/v1\nname: long\nsteps:\n  s0: {{ wait: 1h }}\n{}{}",
        chain.collect::<String>(),
        wide.collect::<String>()
    );
    let plan = dvt_plan::check(&Source { name: "long.yaml".to_owned(), text }).checked.unwrap().plan;
    let mut picture = running(&plan);
    set(&mut picture, "s0", StepStatus::Running);
    (0..100).for_each(|n| set(&mut picture, &format!("w{n}"), StepStatus::Running));
    let facts = Facts::default();
    let one = of_step(&case(&plan, &picture, &facts), "s1999").unwrap();
    assert_eq!(texts(&one), ["s1999 waits for s1998", "s0 waits 60 min"]);
    let all = run(&case(&plan, &picture, &facts));
    assert_eq!((all.below.len(), all.untold), (20, 81));
}
