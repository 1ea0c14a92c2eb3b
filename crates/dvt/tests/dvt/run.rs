//! `dvt run`: the example, the owner's word, failures, inputs, interrupts.

use crate::home::{ENDLESS, Home, QUICK, Running, repository};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

fn example() -> String {
    repository().join("examples/orders-etl/plan.yaml").display().to_string()
}

/// What `expect.json` names must be equal; it names everything.
#[test]
fn the_example_ends_as_expected() {
    let home = Home::new();
    let run = home.dvt(&["run", &example(), "--allow-host", "--output", "json"]).ends(0).json();
    let expected = std::fs::read_to_string(repository().join("examples/orders-etl/expect.json")).unwrap();
    let expected: Value = serde_json::from_str(&expected).unwrap();
    assert_eq!(run["status"], expected["status"]);
    assert_eq!(run["outputs"], expected["outputs"]);
    for (id, step) in expected["steps"].as_object().unwrap() {
        for key in ["status", "attempts", "output"] {
            assert_eq!(run["steps"][id][key], step[key], "{id}.{key}");
        }
    }
    assert_eq!(run["steps"].as_object().unwrap().len(), expected["steps"].as_object().unwrap().len());
    assert!(run["ledger"]["sealedSize"].as_u64().unwrap() >= run["ledger"]["entries"].as_u64().unwrap());

    let logs = home.dvt(&["runs", "logs", "@latest", "--step", "transform"]).ends(0);
    assert_eq!(logs.out, "1 │ transform: the rates service is busy\n");
    let got = home.dvt(&["runs", "get", "@latest"]).ends(0);
    assert!(got.out.contains("✓ transform") && got.out.contains("2 attempts"), "{got:#?}");
    home.dvt(&["audit", "verify"]).ends(0);
}

#[test]
fn people_without_a_terminal_get_a_line_an_event() {
    let home = Home::new();
    let told = home.dvt(&["run", &example(), "--allow-host"]).ends(0);
    let first = told.out.lines().next().unwrap();
    assert!(
        first.starts_with("orders-etl  run_") && first.contains("6 steps, at most 8 attempts"),
        "{told:#?}"
    );
    for line in
        ["failed in", "exit", "again in", "completed in", "COMPLETED in", "sealed at index", "slowest: "]
    {
        assert!(told.out.contains(line), "{line}: {told:#?}");
    }
    assert!(!told.out.contains('\u{1b}') && !told.err.contains('\u{1b}'), "{told:#?}");
    let events: Vec<Value> = home
        .dvt(&["run", &example(), "--allow-host", "--output", "jsonl"])
        .ends(0)
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let sequence: Vec<u64> = events.iter().map(|event| event["runSeq"].as_u64().unwrap()).collect();
    assert_eq!(sequence, (1..=u64::try_from(events.len()).unwrap()).collect::<Vec<_>>());
    assert_eq!(events.last().unwrap()["eventType"], "RunCompleted");
}

/// INV-21: nothing falls back to the host tier; without the word nothing is queued. Control: with the word it runs.
#[test]
fn programs_need_the_owners_word() {
    let home = Home::new();
    let told = home.dvt(&["run", &example()]).ends(4);
    assert!(told.err.contains("SANDBOX_UNAVAILABLE") && told.err.contains("--allow-host"), "{told:#?}");
    assert!(told.err.contains("programSteps"), "{told:#?}");
    let list = home.dvt(&["runs", "list", "--output", "json"]).ends(0).json();
    assert_eq!(list["runs"], Value::Array(Vec::new()));

    home.dvt(&["run", &example(), "--allow-host", "--quiet"]).ends(0);
    let profile = home.path("home/config/profile.toml");
    let text = std::fs::read_to_string(&profile).unwrap();
    std::fs::write(&profile, format!("{text}programSteps = \"host\"\n")).unwrap();
    home.dvt(&["run", &example(), "--quiet"]).ends(0);
}

#[test]
fn plans_without_programs_need_no_word() {
    let home = Home::new();
    let plan = home.plan("quick", QUICK);
    let told = home.dvt(&["run", &plan]).ends(0);
    assert!(told.out.contains("walls: none needed"), "{told:#?}");
}

#[test]
fn a_failure_says_what_the_last_lines_why_and_what_next() {
    let home = Home::new();
    let plan = home.plan(
        "bad",
        "apiVersion: dvt/v1\nname: bad\nsteps:\n  break:\n    script: |\n      echo opening the door\n      echo 'the \x1b[31mdoor\x1b[0m is stuck' >&2\n      exit 3\n  after: { needs: break, uses: dvt/noop@1 }\n"
            .replace('\x1b', "\\x1b").replace("echo 'the", "printf 'the").replace("stuck'", "stuck\\n'").as_str(),
    );
    let told = home.dvt(&["run", &plan, "--allow-host"]).ends(1);
    let place = |text: &str| told.err.find(text).unwrap_or_else(|| panic!("{text}: {told:#?}"));
    assert!(place("failed[STEP_ERROR]: step break") < place("opening the door"));
    assert!(place("opening the door") < place("= why:") && place("= why:") < place("= next:"));
    assert!(told.err.contains("is stuck") && !told.err.contains('\u{1b}'), "{told:#?}");
    let run = home.dvt(&["runs", "get", "@latest", "--output", "json"]).ends(0).json();
    assert_eq!((&run["status"], &run["failedStepId"]), (&"FAILED".into(), &"break".into()));
    assert!(home.dvt(&["runs", "get", "@latest"]).out.contains("not started"));
}

/// The whole block, word for word; only the run's id and the time it took are another each time.
#[test]
fn the_failure_block_reads_like_this() {
    let home = Home::new();
    home.dvt(&["config", "show"]).ends(0);
    let plan = home.plan(
        "bad",
        "apiVersion: dvt/v1\nname: bad\nsteps:\n  fetch: { uses: dvt/noop@1 }\n  load:\n    needs: fetch\n    script: |\n      echo connecting\n      echo 'no such table: orders' >&2\n      exit 3\n    retry: { max: 1, initial: 1ms, jitter: none, on: [failure] }\n  notify: { needs: load, uses: dvt/noop@1 }\n",
    );
    let told = home.dvt(&["run", &plan, "--allow-host"]).ends(1);
    let run = home.dvt(&["runs", "get", "@latest", "--output", "json"]).ends(0).json();
    let id = run["runId"].as_str().unwrap()[..12].to_owned();
    assert_eq!(
        told.err.replace(&id, "run_1e1ca838"),
        "
failed[STEP_ERROR]: step load: the program ended with exit status 3 (2 attempts)
  │ connecting
  │ no such table: orders
  = why:  all 2 attempts are used, and after a failed step nothing new starts: 1 of 3 steps completed, 1 not started
  = next: dvt runs logs run_1e1ca838 --step load   dvt explain STEP_ERROR
          dvt runs retry run_1e1ca838 -m \"…\" --allow-host   reuses 1 of 3 steps
"
    );
    assert!(told.out.contains("\nFAILED in ") && !told.out.contains("slowest"), "{told:#?}");
    let typed = |words: &str| home.shell(&format!("{} {words}", env!("CARGO_BIN_EXE_dvt")), "/usr/bin:/bin");
    typed(&format!("runs logs {id} --step load")).ends(0);
    let again = typed(&format!("runs retry {id} -m '…' --allow-host")).ends(1);
    assert_eq!(again.out.matches("taken over from the original run").count(), 1, "{again:#?}");
}

#[test]
fn inputs_are_checked_before_anything_runs() {
    let home = Home::new();
    for (flag, word) in [("since=yesterday", "since"), ("sicne=2026-01-01", "since"), ("since", "=")] {
        let told = home.dvt(&["run", &example(), "--allow-host", "-i", flag]).ends(2);
        assert!(told.err.contains(word), "{told:#?}");
    }
    let plan = home.plan("asks", &QUICK.replace("steps:", "inputs: { day: { type: string } }\nsteps:"));
    assert!(home.dvt(&["run", &plan]).ends(2).err.contains("-i day=…"));
    home.dvt(&["run", &plan, "-i", "day=monday", "--quiet"]).ends(0);
}

#[test]
fn an_input_may_lie_in_a_file() {
    let home = Home::new();
    let plan = home.plan("asks", &QUICK.replace("steps:", "inputs: { day: { type: string }, days: { type: array, items: { type: integer }, maxItems: 9, default: [] } }\nsteps:"));
    std::fs::write(home.path("day.txt"), "monday\nor so\n").unwrap();
    std::fs::write(home.path("days.json"), "[1, 2]\n").unwrap();
    let inputs = |day: &str| {
        let run = ["run", &plan, "--dry-run", "--output", "json", "-i", day, "-i", "days=@days.json"];
        home.dvt(&run).ends(0).json()["inputs"].clone()
    };
    assert_eq!(inputs("day=@day.txt"), serde_json::json!({ "day": "monday\nor so", "days": [1, 2] }));
    assert_eq!(inputs("day=@@day.txt")["day"], "@day.txt");
    let told = home.dvt(&["run", &plan, "-i", "day=@missing"]).ends(2);
    assert!(told.err.contains("-i day=@missing") && told.err.contains("-i day=@@"), "{told:#?}");
}

#[test]
fn the_same_request_is_the_same_run_and_other_inputs_are_a_conflict() {
    let home = Home::new();
    let plan = home.plan("asks", &QUICK.replace("steps:", "inputs: { day: { type: string } }\nsteps:"));
    let run =
        |day: &str| home.dvt(&["run", &plan, "--request-id", "nightly-1", "--output", "json", "-i", day]);
    let first = run("day=monday").ends(0).json();
    assert_eq!(run("day=monday").ends(0).json()["runId"], first["runId"]);
    assert!(run("day=tuesday").ends(6).err.contains("IDEMPOTENCY_KEY_REUSED"));
}

#[test]
fn one_signal_cancels_and_the_record_names_it() {
    let home = Home::new();
    let plan = home.plan("endless", ENDLESS);
    let mut running = Running::start(&home, &["run", &plan, "--allow-host", "--output", "jsonl"]);
    running.until("\"StepStarted\"");
    let pid = Pid::from_child(&running.child);
    kill_process(pid, Signal::INT).unwrap();
    running.until("\"RunCancelRequested\"");
    running.end().ends(3);
    let run = home.dvt(&["runs", "get", "@latest", "--output", "json"]).ends(0).json();
    assert_eq!(run["status"], "CANCELLED");
    home.dvt(&["audit", "verify"]).ends(0);
}

/// The second signal does not wait for a step that ignores the first one; the run is left for `dvt runs resume`.
#[test]
fn two_signals_stop_hard() {
    let home = Home::new();
    let deaf = "trap '' TERM; echo deaf; while :; do sleep 0.2; done";
    let plan = home.plan("deaf", &ENDLESS.replace("exec sleep 600", deaf));
    let mut running = Running::start(&home, &["run", &plan, "--allow-host", "--output", "jsonl"]);
    running.until("\"StepStarted\"");
    let mut log = Running::start(&home, &["runs", "logs", "@latest", "-f"]);
    log.until("deaf");
    let pid = Pid::from_child(&running.child);
    kill_process(pid, Signal::TERM).unwrap();
    running.until("\"RunCancelRequested\"");
    kill_process(pid, Signal::INT).unwrap();
    let told = running.end().ends(5);
    assert!(told.err.contains("dvt runs resume run_") && told.err.contains("RECOVERING"), "{told:#?}");
    let run = home.dvt(&["runs", "get", "@latest", "--output", "json"]).ends(0).json();
    assert_eq!(run["status"], "RUNNING");
    home.dvt(&["runs", "resume", "@latest", "--allow-host", "--quiet"]).ends(3);
    home.dvt(&["audit", "verify"]).ends(0);
}

/// What `dvt run` shows from events and what the core folds are the same.
#[test]
fn the_views_agree_with_the_fold() {
    let home = Home::new();
    let plan = repository().join("examples/conditions/plan.yaml").display().to_string();
    let shown = home.dvt(&["run", &plan, "--output", "json"]).ends(0).json();
    let fold = home.dvt(&["runs", "get", "@latest", "--output", "json"]).ends(0).json();
    for key in ["runId", "status", "lastRunSeq", "totalSteps", "completedSteps", "failedSteps", "outputs"] {
        assert_eq!(shown[key], fold[key], "{key}");
    }
    let steps = fold["steps"].as_array().unwrap();
    assert_eq!(steps.len(), shown["steps"].as_object().unwrap().len());
    for step in steps {
        let beside = &shown["steps"][step["stepId"].as_str().unwrap()];
        assert_eq!((&step["status"], &step["attempts"]), (&beside["status"], &beside["attempts"]), "{step}");
        assert_eq!(step["output"], beside["output"], "{step}");
    }
    assert!(
        steps.iter().any(|step| step["status"] == "SKIPPED" && step["reasonCode"] == "DEPENDENCY_SKIPPED"),
        "{fold}"
    );
}

#[test]
fn a_dry_run_starts_nothing() {
    let home = Home::new();
    let told = home.dvt(&["run", &example(), "--dry-run", "--output", "json"]).ends(0).json();
    assert_eq!(
        (&told["bounds"]["steps"], &told["needsHost"], &told["hostAllowed"]),
        (&6.into(), &true.into(), &false.into())
    );
    assert!(told["files"].as_array().unwrap().contains(&"data/orders.csv".into()), "{told}");
    assert!(!home.path("home").exists());
}

/// What repeats, checks its output, waits for a moment and ends, from the file to the outputs.
#[test]
fn items_products_outputs_and_the_end() {
    let home = Home::new();
    let plan = home.plan(
        "items",
        "apiVersion: dvt/v1
name: items
inputs: { regions: { type: array, items: { type: string }, maxItems: 4, default: [eu, us] } }
steps:
  list:
    uses: dvt/noop@1
    with: { output: [1, 2, 3] }
    outputs: { type: array, maxItems: 3, items: { type: integer } }
  each: { foreach: steps.list.output, uses: dvt/noop@1, with: { output: '${{ item * 10 + index }}' } }
  program: { foreach: inputs.regions, key: item, maxParallel: 1, run: [printf, '%s', '${{ item }}'], output: text }
  product:
    foreach: { kind: [full, delta], region: inputs.regions }
    exclude: [{ kind: full, region: us }]
    uses: dvt/noop@1
    with: { output: '${{ item.region }}-${{ item.kind }}' }
  past: { waitUntil: '2020-01-01T00:00:00Z' }
finally:
  last: { needs: [], uses: dvt/noop@1, with: { output: '${{ run.status }}' } }
outputs:
  each: ${{ steps.each.output }}
  program: ${{ steps.program.output }}
  product: ${{ steps.product.output }}
",
    );
    let run = home.dvt(&["run", &plan, "--allow-host", "--output", "json"]).ends(0).json();
    assert_eq!(run["status"], "COMPLETED", "{run}");
    let expected = serde_json::json!({
        "each": [10, 21, 32],
        "program": ["eu", "us"],
        "product": ["eu-full", "eu-delta", "us-delta"],
    });
    assert_eq!(run["outputs"], expected, "{run}");
    assert_eq!(run["steps"]["last"]["status"], "SUCCESS", "{run}");
    home.dvt(&["audit", "verify"]).ends(0);
}

/// After a failure what completed is undone, the last one first, and then the end runs.
#[test]
fn a_failed_run_is_undone_in_reverse() {
    let home = Home::new();
    let log = home.path("undone");
    let undo = |step: &str| format!("compensate: {{ script: 'echo {step} >> {}' }}", log.display());
    let plan = home.plan(
        "undo",
        &format!(
            "apiVersion: dvt/v1
name: undo
steps:
  first: {{ uses: dvt/noop@1, {} }}
  second: {{ needs: first, uses: dvt/noop@1, {} }}
  third: {{ needs: second, run: ['false'], {} }}
finally:
  last: {{ script: 'echo last >> {}' }}
",
            undo("first"),
            undo("second"),
            undo("third"),
            log.display()
        ),
    );
    let told = home.dvt(&["run", &plan, "--allow-host", "--output", "json"]);
    assert_ne!(told.code, 0, "{told:#?}");
    assert_eq!(std::fs::read_to_string(&log).unwrap(), "second\nfirst\nlast\n", "{told:#?}");
}

const LAYERS: &str = "apiVersion: dvt/v1\nname: layers\nsteps:\n  one: { uses: dvt/noop@1, tags: [base], with: { output: 3 } }\n  two: { needs: one, uses: dvt/noop@1, with: { output: '${{ steps.one.output }}' } }\n  three: { needs: two, uses: dvt/noop@1 }\noutputs: { two: '${{ steps.two.output }}' }\n";

/// A partial run: what is outside counts as met and left nothing.
#[test]
fn some_steps_run_alone() {
    let home = Home::new();
    let plan = home.plan("layers", LAYERS);
    let steps = |more: &[&str]| -> Vec<String> {
        let told = home.dvt(&[&["run", &plan, "--output", "json"], more].concat()).ends(0).json();
        let got =
            home.dvt(&["runs", "get", told["runId"].as_str().unwrap(), "--output", "json"]).ends(0).json();
        let done = got["steps"].as_array().unwrap().iter().filter(|step| step["status"] == "SUCCESS");
        let mut done: Vec<String> = done.map(|step| step["stepId"].as_str().unwrap().to_owned()).collect();
        done.sort();
        done
    };
    assert_eq!(steps(&[]), ["one", "three", "two"]);
    assert_eq!(steps(&["--select", "tag:base+1"]), ["one", "two"]);
    assert_eq!(steps(&["--from", "two"]), ["three", "two"]);
    let dry = home.dvt(&["run", &plan, "--from", "three", "--dry-run", "--output", "json"]).ends(0).json();
    assert_eq!(dry["steps"].as_array().unwrap().len(), 1);
    let told = home.dvt(&["run", &plan, "--select", "tag:nobody"]).ends(2);
    assert!(told.err.contains("names no step"), "{told:#?}");
}
