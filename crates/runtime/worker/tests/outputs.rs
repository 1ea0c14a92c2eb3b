//! What a step hands on: values, failures, logs.

use crate::fixture::{Worker, program, shell, step};
use crate::harness::Case;
use dvt_model::code::Code;
use dvt_model::failure::{FailureCategory, Usage};
use dvt_worker::protocol::{OutputMode, Program, Shell};
use serde_json::{Value, json};
use std::path::Path;

pub(crate) const CASES: &[Case] = &[
    ("outputs::with_arrives_and_the_value_comes_back", with_arrives),
    ("outputs::each_mode_takes_what_it_says", modes),
    ("outputs::scripts_stop_at_the_first_error", scripts),
    ("outputs::what_is_no_value_is_refused", refused),
    ("outputs::exit_statuses_are_told_apart", exit_statuses),
    ("outputs::logs_arrive_whole_before_the_report", logs),
    ("outputs::secrets_are_masked_in_logs_and_refused_in_outputs", secrets),
    ("outputs::too_much_is_stopped", too_much),
    ("outputs::usage_is_told", usage),
];

fn with_arrives() {
    let mut worker = Worker::ready();
    let mut cat = shell("cat", "cat > $DVT_OUTPUT");
    cat.with = json!({"rows": [1, 2.5, "ä"], "none": null});
    assert_eq!(worker.value(&cat), cat.with);
    assert_eq!(worker.value(&shell("nothing", "cat; true")), Value::Null, "no `with` is an empty input");
    let mut count = program("count", &["wc", "-c"]);
    count.output = OutputMode::Text;
    assert_eq!(worker.value(&count), "0");
    worker.close();
}

fn modes() {
    let mut worker = Worker::ready();
    let mut echo = program("text", &["printf", "a $HOME\\nb\\n"]);
    echo.output = OutputMode::Text;
    assert_eq!(worker.value(&echo), "a $HOME\nb", "arguments are never expanded");
    let mut lines = program("lines", &["printf", "a\\nb\\n"]);
    lines.output = OutputMode::Lines;
    assert_eq!(worker.value(&lines), json!(["a", "b"]));
    let mut number = program("json", &["echo", "[1.0, 2e0]"]);
    number.output = OutputMode::Json;
    assert_eq!(worker.value(&number), json!([1, 2]));
    let renamed = shell("renamed", "echo '{\"a\":1}' > $TMPDIR/new; mv $TMPDIR/new $DVT_OUTPUT");
    assert_eq!(worker.value(&renamed), json!({"a": 1}));
    worker.close();
}

fn scripts() {
    let mut worker = Worker::ready();
    let script = |name: &str, shell, text: &str| step(name, Program::Script { shell, text: text.to_owned() });
    let bash = "false | cat; echo '1' > $DVT_OUTPUT";
    assert_eq!(worker.failure(&script("bash-pipe", Shell::Bash, bash)).exit_status, Some(1));
    // Control: without `pipefail` the same line goes on.
    assert_eq!(worker.value(&script("sh-pipe", Shell::Sh, bash)), json!(1));
    assert_eq!(worker.failure(&script("sh-unset", Shell::Sh, "echo $NOT_SET")).exit_status, Some(2));
    assert_eq!(worker.failure(&script("sh-error", Shell::Sh, "false; true")).exit_status, Some(1));
    let python =
        "import json, os, sys\njson.dump(json.load(sys.stdin)['n'] + 1, open(os.environ['DVT_OUTPUT'], 'w'))";
    let mut python = script("python", Shell::Python, python);
    python.with = json!({"n": 41});
    let has_python = ["/usr/local/bin", "/usr/bin", "/bin"]
        .iter()
        .any(|folder| Path::new(folder).join("python3").exists());
    if has_python {
        assert_eq!(worker.value(&python), json!(42));
    } else {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "CI has a python3");
        println!("skipped: there is no python3; a step that asks for it must say so");
        assert!(worker.failure(&python).error_message.contains("`python3` was not found"));
    }
    worker.close();
}

fn refused() {
    let mut worker = Worker::ready();
    for (name, script) in [
        ("no-json", "echo '{' > $DVT_OUTPUT"),
        ("two-values", "echo '1 2' > $DVT_OUTPUT"),
        ("too-long", "head -c 1048577 /dev/zero | tr '\\0' 1 > $DVT_OUTPUT"),
        ("link", "ln -s /etc/hostname $DVT_OUTPUT"),
        ("pipe", "mkfifo $DVT_OUTPUT"),
        ("folder", "mkdir $DVT_OUTPUT"),
    ] {
        let failure = worker.failure(&shell(name, script));
        assert_eq!(failure.error_code, Code::OutputLimit, "{name}: {failure:?}");
        assert!(!failure.retryable && failure.failure_category == FailureCategory::User);
    }
    let failure = worker.failure(&shell("integer", "echo 9007199254740993 > $DVT_OUTPUT"));
    assert!(failure.error_message.contains("send it as a string"), "{failure:?}");
    let mut long = program("long-text", &["head", "-c", "1048577", "/dev/zero"]);
    long.output = OutputMode::Text;
    assert_eq!(worker.failure(&long).error_code, Code::OutputLimit);
    worker.close();
}

fn exit_statuses() {
    let mut worker = Worker::ready();
    let three = worker.failure(&shell("three", "echo 1 > $DVT_OUTPUT; exit 3"));
    assert_eq!((three.error_code, three.exit_status, three.retryable), (Code::StepError, Some(3), false));
    assert!(!three.is_transient());
    let transient = worker.failure(&shell("transient", "exit 75"));
    assert!(transient.is_transient() && transient.exit_status == Some(75) && transient.retryable);
    let signal = worker.failure(&shell("signal", "kill -9 $$"));
    assert_eq!((signal.error_code, signal.exit_status), (Code::StepError, None));
    assert!(signal.error_message.contains("signal 9"), "{signal:?}");
    let missing = worker.failure(&program("missing", &["no-such-program", "x"]));
    assert_eq!(missing.error_code, Code::StepError);
    assert_eq!(missing.error_message, "the program `no-such-program` was not found");
    let empty = worker.failure(&program("empty", &[]));
    assert_eq!(empty.error_message, "the step names no program");
    worker.close();
}

fn logs() {
    let mut worker = Worker::ready();
    let script =
        "i=0; while [ $i -lt 20000 ]; do echo line-$i; i=$((i+1)); done; echo warned >&2; printf 'no end'";
    let (_, logs) = worker.run(&shell("lines", script));
    let expected: String = (0..20_000).map(|number| format!("line-{number}\n")).collect();
    assert_eq!(logs.stdout(), expected + "no end\n");
    assert_eq!((logs.stderr.as_slice(), logs.masked), (&b"warned\n"[..], 0));
    worker.close();
}

// INVARIANT(INV-02)
fn secrets() {
    let mut worker = Worker::ready();
    let secret = concat!("ghp", "_", "16C7e42F292c6912E7710c838347Ae178B4a");
    let (_, logs) = worker.run(&shell("logged", &format!("echo token {secret}; printf '%s' {secret} >&2")));
    assert_eq!(logs.stdout(), "token [REDACTED]\n");
    assert_eq!(logs.stderr, b"[REDACTED]\n");
    assert_eq!(logs.masked, 2);
    let failure = worker.failure(&shell("handed-on", &format!("echo '\"{secret}\"' > $DVT_OUTPUT")));
    assert_eq!(failure.error_code, Code::SecretInOutput);
    assert!(!failure.error_message.contains(secret));
    let mut text = shell("as-text", &format!("echo {secret}"));
    text.output = OutputMode::Text;
    assert_eq!(worker.failure(&text).error_code, Code::SecretInOutput);
    worker.close();
}

fn too_much() {
    let mut worker = Worker::ready();
    let mut flood = program("flood", &["yes", "a line of the flood"]);
    flood.log_budget_bytes = 100_000;
    let (report, logs) = worker.run(&flood);
    let failure = serde_json::to_value(&report.outcome).unwrap();
    assert_eq!(failure["failed"]["failure"]["errorCode"], "OUTPUT_LIMIT", "{failure}");
    assert_eq!(logs.stdout.len(), 100_000);
    // Both streams share the budget.
    let mut both = shell(
        "both",
        "head -c 60000 /dev/zero | tr '\\0' '\\n'; head -c 60000 /dev/zero | tr '\\0' '\\n' >&2",
    );
    both.log_budget_bytes = 100_000;
    assert_eq!(worker.failure(&both).error_code, Code::OutputLimit);
    both.log_budget_bytes = 120_000;
    both.key.step_id = dvt_model::id::StepId::parse("both-fit").unwrap();
    assert_eq!(worker.value(&both), Value::Null);
    worker.close();
}

fn usage() {
    let mut worker = Worker::ready();
    let (report, logs) = worker.run(&shell("busy", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"));
    assert!(
        report.usage.cpu_ms > 0 && report.usage.peak_memory_bytes > 100_000 && report.duration_ms > 0,
        "{report:?}"
    );
    assert!(logs.pid.is_some());
    let Usage { peak_memory_bytes, memory_byte_seconds, written_bytes, .. } = report.usage;
    assert_eq!(memory_byte_seconds, peak_memory_bytes * report.duration_ms / 1000, "{report:?}");
    assert_eq!(written_bytes, 0, "control: it wrote nothing");
    // A file on a disk; where temporary folders are memory, nothing that is written there is.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = folder.path().join("rows");
    let writes = format!("head -c 3000000 /dev/zero > {0}; sync {0}", path.to_str().unwrap());
    let (report, _) = worker.run(&shell("writes", &writes));
    assert!((3_000_000..6_000_000).contains(&report.usage.written_bytes), "{report:?}");
    worker.close();
}
