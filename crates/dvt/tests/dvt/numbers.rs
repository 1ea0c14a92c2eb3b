//! Numbers beyond 2^53, however they are written, where a person meets them: a refusal of the command for an input, a failure
//! of the step or run for what a step or an expression gives; never a bug of ours, and no run that stays.

use crate::home::{Home, Told};

/// Written as an integer, and as doubles that are one: the least, one that 64 bits hold and one that they do not.
const BEYOND: [&str; 5] =
    ["9007199254740993", "9007199254740994.0", "1e16", "-1e20", "100000000000000000000"];

/// `NUMBER` is the number; the code that the run ends with.
const PLANS: [(&str, &str); 5] = [
    ("steps: { a: { script: 'echo \"{\\\"n\\\": [NUMBER]}\" > \"$DVT_OUTPUT\"' } }", "OUTPUT_LIMIT"),
    ("steps: { a: { script: 'echo NUMBER', output: json } }", "OUTPUT_LIMIT"),
    ("steps: { a: { run: [echo, '${{ NUMBER * 1 }}'] } }", "EXPRESSION_FAILED"),
    ("steps: { a: { uses: dvt/noop@1, foreach: '${{ [NUMBER] }}' } }", "EXPRESSION_FAILED"),
    ("steps: { a: { uses: dvt/noop@1 } }\noutputs: { o: '${{ NUMBER }}' }", "EXPRESSION_FAILED"),
];

fn run(home: &Home, body: &str, more: &[&str]) -> Told {
    let plan = home.plan("numbers.yaml", &format!("apiVersion: dvt/v1\nname: numbers\n{body}\n"));
    home.dvt(&[&["run", &plan, "--allow-host", "--output", "json"], more].concat())
}

#[test]
fn an_input_beyond_the_integers_is_refused_and_starts_nothing() {
    let home = Home::new();
    let body = "inputs: { n: { type: number, default: 1 } }\nsteps: { a: { uses: dvt/noop@1 } }\noutputs: { n: '${{ inputs.n }}' }";
    for number in BEYOND {
        let file = home.path("inputs.json");
        std::fs::write(&file, format!("{{\"n\": {number}}}")).unwrap();
        let file = file.display().to_string();
        for told in
            [run(&home, body, &["-i", &format!("n={number}")]), run(&home, body, &["--inputs", &file])]
        {
            let told = told.ends(2);
            assert!(told.err.contains("INVALID_REQUEST") && told.err.contains("beyond 2^53"), "{told:#?}");
        }
    }
    let runs = home.dvt(&["runs", "list", "--output", "jsonl"]).ends(0);
    assert_eq!(runs.out, "");
    // From here on a number is written with an exponent, and stays.
    let kept = run(&home, body, &["-i", "n=1e21"]).ends(0).json();
    assert_eq!(kept["outputs"]["n"], serde_json::json!(1e21));
}

#[test]
fn what_a_step_or_an_expression_gives_beyond_the_integers_ends_it_with_its_code() {
    let home = Home::new();
    for (body, code) in PLANS {
        for number in BEYOND {
            // An expression has integers of 64 bits; what is larger is none of them.
            let is_expression = body.contains("${{");
            let number = if number.len() > 20 && is_expression { "1e20" } else { number };
            let told = run(&home, &body.replace("NUMBER", number), &[]).ends(1);
            let run = told.json();
            assert_eq!(run["status"], "FAILED", "{body} {number}");
            assert!(told.out.contains(code) && told.out.contains("beyond 2^53"), "{number}: {told:#?}");
        }
    }
    home.dvt(&["audit", "verify"]).ends(0);
}
