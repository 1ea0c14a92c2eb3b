//! What a program step of a real run sees, what it may leave, and what of it is told.

use crate::home::Home;
use serde_json::{Value, json};

const SEES: &str = r#"apiVersion: dvt/v1
name: sees
inputs: { rows: { type: integer } }
files: ['*.txt', 'deep/*.txt']
steps:
  look:
    with: { table: orders, rows: '${{ inputs.rows }}' }
    env:
      TEXT: as it is
      NUMBER: '${{ inputs.rows }}'
      LIST: '${{ [1.0, {"b": 2, "a": "x"}] }}'
      TRUTH: '${{ inputs.rows > 1 }}'
    script: |
      files=$(find . -type f | sort | paste -sd' ')
      input=$(cat)
      printf '{"files":"%s","input":%s,"text":"%s","number":%s,"list":"%s","truth":%s,"step":"%s"}' \
        "$files" "$input" "$TEXT" "$NUMBER" "${LIST//\"/\'}" "$TRUTH" "$DVT_STEP_ID" > "$DVT_OUTPUT"
outputs: { saw: '${{ steps.look.output }}' }
"#;

#[test]
fn a_step_sees_the_files_its_input_and_its_environment_as_the_plan_gives_them() {
    let home = Home::new();
    let plan = home.plan("sees", SEES);
    std::fs::create_dir(home.path("deep")).unwrap();
    for (name, text) in [("rows.txt", "1"), ("deep/more.txt", "2"), (".env", "SECRET=1"), ("other.csv", "3")]
    {
        std::fs::write(home.path(name), text).unwrap();
    }
    let told = home.dvt(&["run", &plan, "-i", "rows=7", "--allow-host", "--output", "json"]).ends(0).json();
    let saw = &told["outputs"]["saw"];
    assert_eq!(saw["files"], "./deep/more.txt ./rows.txt", "{saw}");
    assert_eq!(saw["input"], json!({"rows": 7, "table": "orders"}));
    assert_eq!((&saw["text"], &saw["number"], &saw["truth"]), (&json!("as it is"), &json!(7), &json!(true)));
    assert_eq!(saw["list"], "[1,{'a':'x','b':2}]", "canonical JSON");
    assert_eq!(saw["step"], "look");
}

/// 10 MiB, both streams together, whatever the plan says.
const SAYS: &str = "apiVersion: dvt/v1\nname: says\ninputs: { bytes: { type: integer } }\nsteps:\n  flood:\n    script: head -c \"$BYTES\" /dev/zero\n    env: { BYTES: '${{ inputs.bytes }}' }\n";

#[test]
fn a_step_may_log_ten_mebibytes() {
    let home = Home::new();
    let plan = home.plan("says", SAYS);
    let run = |bytes: &str, code: i32| {
        let input = format!("bytes={bytes}");
        home.dvt(&["run", &plan, "-i", &input, "--allow-host", "--output", "json"]).ends(code).json()
    };
    assert_eq!(run("10485760", 0)["status"], "COMPLETED");
    let over = run("10485761", 1);
    assert_eq!(over["steps"]["flood"]["error"]["code"], "OUTPUT_LIMIT", "{over:#}");
}

const USES: &str = "apiVersion: dvt/v1\nname: uses\nsteps:\n  one: { script: 'i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done' }\n  two: { needs: one, run: [sleep, '0.3'] }\n";

#[test]
fn what_each_step_used_stands_with_its_end_and_adds_up() {
    let home = Home::new();
    let plan = home.plan("uses", USES);
    let sum = home.dvt(&["run", &plan, "--allow-host", "--output", "json"]).ends(0).json()["usage"].clone();
    let events = home.dvt(&["runs", "events", "@latest", "--output", "json"]).ends(0).json();
    let ends =
        events["events"].as_array().unwrap().iter().filter(|event| event["eventType"] == "StepCompleted");
    let used: Vec<&Value> = ends.map(|event| &event["payload"]["usage"]).collect();
    assert_eq!(used.len(), 2, "{events:#}");
    let of = |usage: &Value, name: &str| usage[name].as_u64().unwrap_or_default();
    for name in ["cpuMs", "memoryByteSeconds", "readBytes", "writtenBytes"] {
        assert_eq!(of(&sum, name), used.iter().map(|usage| of(usage, name)).sum::<u64>(), "{name}: {sum}");
    }
    assert_eq!(
        of(&sum, "peakMemoryBytes"),
        used.iter().map(|usage| of(usage, "peakMemoryBytes")).max().unwrap()
    );
    assert!(of(used[0], "cpuMs") > 0, "{used:?}");
    let area = of(used[1], "memoryByteSeconds");
    assert!(area >= of(used[1], "peakMemoryBytes") * 3 / 10, "it slept for a third of a second: {used:?}");
}
